"""Collapsed stacks and speedscope: the call tree for tools that draw flame graphs."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from simcore.costs.profile import Profile
from simcore.report import WEIGHTS, RenderOptions, Weight
from simcore.report.profile import render
from tests.integration.profiled import each_program, named
from tests.integration.programs import CHECKOUT, Program

SCHEMA = json.loads(
    Path(CHECKOUT, "tests", "data", "speedscope", "file-format-schema.json").read_text()
)


def total_of(profile: Profile, weight: Weight) -> int:
    totals = profile.totals
    return {
        "cycles": totals.cycles,
        "instructions": totals.instructions,
        "time": round(totals.time_s * 1e9),
        "energy": round(totals.energy_j * 1e9),
    }[weight]


def stacks_of(profile: Profile, weight: Weight = "cycles") -> dict[tuple[str, ...], int]:
    """Collapsed stacks as flamegraph.pl reads them: frames, a space, a number above 0."""
    found: dict[tuple[str, ...], int] = {}
    for line in render(profile, "collapsed", RenderOptions(weight=weight)).splitlines():
        match = re.fullmatch(r"([^;]+(?:;[^;]+)*) ([1-9]\d*)", line)
        assert match, line
        stack = tuple(match[1].split(";"))
        assert stack not in found
        found[stack] = int(match[2])
    return found


@each_program
@pytest.mark.parametrize("weight", WEIGHTS)
def test_collapsed_stacks_sum_to_the_totals(program: Program, weight: Weight) -> None:
    profile = program.profile()
    assert sum(stacks_of(profile, weight).values()) == total_of(profile, weight)


@each_program
def test_the_innermost_frames_of_collapsed_stacks_give_each_function_its_cycles(
    program: Program,
) -> None:
    profile = program.profile()
    leaves: Counter[str] = Counter()
    for stack, cycles in stacks_of(profile).items():
        functions = [frame for frame in stack if not frame.startswith("op:")]
        leaves[functions[-1]] += cycles
    expected: Counter[str] = Counter()
    for function in profile.functions:
        expected[function.name] += function.cycles_self
    assert leaves == +expected


def test_operations_are_frames_with_a_prefix() -> None:
    profile = named("mixed")
    inside: Counter[str] = Counter()
    for stack, cycles in stacks_of(profile).items():
        for frame in {frame for frame in stack if frame.startswith("op:")}:
            inside[frame] += cycles
    assert inside == {f"op:{op.name}": op.cycles for op in profile.ops}


# -- speedscope ------------------------------------------------------------------------------------


def document_of(profile: Profile) -> Any:
    return json.loads(render(profile, "speedscope"))


@each_program
def test_speedscope_files_fit_speedscopes_schema(program: Program) -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    jsonschema.Draft7Validator(SCHEMA).validate(document_of(program.profile()))


@each_program
def test_speedscope_has_cycles_and_energy_that_sum_to_the_totals(program: Program) -> None:
    profile = program.profile()
    cycles, energy = document_of(profile)["profiles"]
    assert (cycles["name"], energy["name"]) == ("cycles", "energy (nJ)")
    weighed: list[tuple[Any, Weight]] = [(cycles, "cycles"), (energy, "energy")]
    for each, weight in weighed:
        assert each["startValue"] == 0
        assert sum(each["weights"]) == each["endValue"] == total_of(profile, weight)
        assert len(each["samples"]) == len(each["weights"])


@each_program
def test_speedscope_says_what_collapsed_stacks_say(program: Program) -> None:
    profile = program.profile()
    document = document_of(profile)
    names = [frame["name"] for frame in document["shared"]["frames"]]
    sums: Counter[tuple[str, ...]] = Counter()
    cycles = document["profiles"][0]
    for sample, weight in zip(cycles["samples"], cycles["weights"], strict=True):
        sums[tuple(names[frame] for frame in sample)] += weight
    assert sums == stacks_of(profile)


def test_speedscope_samples_come_in_the_order_of_the_call_tree() -> None:
    samples = document_of(named("calls"))["profiles"][0]["samples"]
    seen: set[tuple[int, ...]] = set()
    for before, after in pairwise([[], *samples]):
        common = next(
            (i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b),
            min(len(before), len(after)),
        )
        # A subtree that was left is not entered again, or a time-ordered view would tear it apart.
        for depth in range(common + 1, len(before) + 1):
            seen.add(tuple(before[:depth]))
        assert tuple(after) not in seen


def test_frames_of_speedscope_name_their_source() -> None:
    profile = named("mixed")
    frames = {f["name"]: f for f in document_of(profile)["shared"]["frames"]}
    for function in profile.functions:
        frame = frames[function.name]
        assert (frame.get("file"), frame.get("line")) == (function.file, function.line)
    assert all("file" not in frames[f"op:{op.name}"] for op in profile.ops)
