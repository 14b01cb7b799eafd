"""The same run gives the same bytes, and every breakdown sums to its total, for every prebuilt ELF.

Energies are whole femtojoules inside mcusim, so they sum exactly, too.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import simcore
from simcore.costs.nodes import UNKNOWN_FUNCTION
from simcore.costs.profile import Profile
from tests.integration.programs import (
    CHECKOUT,
    KERNELS,
    STDIN,
    Program,
    each_program,
    prebuilt,
)
from tests.schemas import assert_fits
from tests.shared import LIMIT, TABLES

#: Cycles that the totals have and no instruction has, by program and cause.
NO_INSTRUCTIONS_CYCLES = {
    "faults-odd-self-modifying": {"store": "the time of cache maintenance"},
    "ticks": {"branch": "exception entry and return"},
    "sleep": {"branch": "exception entry and return"},
    "duty_cycle": {"branch": "exception entry and return"},
    **{
        name: {"branch": "the same", "store": "the time of cache maintenance"}
        for name in ("board_f7", "board_h7", "board_rt", "drivers_f7", "drivers_h7")
    },
}

#: Kernels whose processes are compared in any case: many functions, arguments and operations.
SEVERAL = ("mixed", "nn")
ALL = pytest.mark.exhaustive

#: Counts of a node of the call tree and what sums to them over a function's instructions.
NODE_FIELDS = {
    "instructions": "executions",
    "reads": "reads",
    "writes": "writes",
    "icache_misses": "icache_misses",
    "dcache_read_misses": "read_misses",
    "dcache_write_misses": "write_misses",
    "mispredicts": "mispredicts",
}


def femtojoules(joules: float) -> int:
    return round(joules * 1e15)


def cut_lists(document: Any) -> None:
    """Leave the first rows of every table of a JSON document."""
    for value in document.values() if isinstance(document, dict) else document:
        if isinstance(value, list):
            del value[30:]
        if isinstance(value, dict | list):
            cut_lists(value)


# --- the same bytes ---------------------------------------------------------------------


@each_program(program for program in prebuilt() if program.cpu == "stm32f746")
def test_two_runs_give_the_same_json(program: Program) -> None:
    again = simcore.profile(
        program.elf,
        program.cpu,
        args=program.args,
        max_instructions=LIMIT,
        stdin=io.BytesIO(STDIN),
        per="none",
        **TABLES,
    )
    assert program.profile().to_json() == again.to_json()


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(program, id=str(program), marks=() if program.elf.stem in SEVERAL else ALL)
        for program in prebuilt()
        if program.elf.parent == KERNELS
    ],
)
def test_neither_hash_seed_nor_folder_nor_environment_shows(
    program: Program, tmp_path: Path
) -> None:
    def cli(elf: Path | str, folder: Path, seed: str, **environment: str) -> bytes:
        command = [sys.executable, "-m", "simcore.cli.main", "profile", str(elf)]
        command += ["--cpu", program.cpu]
        env = {**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONHASHSEED": seed, **environment}
        options = ["--format", "json", "--instructions", "--lines"]
        done = subprocess.run(
            [*command, *options, "--", *program.args],
            cwd=folder,
            env=env,
            capture_output=True,
            check=True,
        )
        return done.stdout

    here = cli(program.elf.name, KERNELS, "1")
    # Before 3.13 Python cannot read the name of such a folder in the locale C: no editable install.
    locale = "C" if str(CHECKOUT).isascii() else "C.UTF-8"
    there = cli(program.elf, tmp_path, "4242", LC_ALL=locale, TZ="Asia/Tokyo", COLUMNS="40")
    assert here == there
    assert list(tmp_path.iterdir()) == []


# --- the contract -----------------------------------------------------------------------


@each_program()
def test_json_fits_the_schema_and_reads_back(program: Program) -> None:
    profile = program.profile()
    document = json.loads(profile.to_json())
    cut_lists(document)  # rows are alike, and validating thousands takes seconds
    assert_fits(document)
    assert Profile.from_json(profile.to_json()) == profile


# --- sums -------------------------------------------------------------------------------


@each_program()
def test_totals_are_the_sums_of_their_parts(program: Program) -> None:
    totals = program.profile().totals
    assert sum(totals.cycles_by_cause.values()) == totals.cycles
    assert sum(totals.instructions_by_class.values()) == totals.instructions
    parts = sum(map(femtojoules, totals.energy_by_component.values()))
    assert parts == femtojoules(totals.energy_j)
    assert all(value >= 0 for value in totals.energy_by_component.values())


@each_program()
def test_functions_sum_to_the_totals(program: Program) -> None:
    profile = program.profile()
    totals, functions = profile.totals, profile.functions
    assert sum(f.cycles_self for f in functions) == totals.cycles
    assert sum(f.instructions for f in functions) == totals.instructions
    assert sum(f.macs for f in functions) == totals.macs
    assert sum(femtojoules(f.energy_j_self) for f in functions) == femtojoules(totals.energy_j)
    causes: Counter[str] = Counter()
    for function in functions:
        assert sum(function.cycles_by_cause.values()) == function.cycles_self
        causes.update(function.cycles_by_cause)
    assert dict(causes) == totals.cycles_by_cause


@each_program()
def test_the_call_tree_sums_to_the_totals_and_gives_each_function_its_share(
    program: Program,
) -> None:
    profile = program.profile()
    tree = profile.call_tree
    inclusive = [node.cycles for node in tree]
    for index in range(len(tree) - 1, 0, -1):  # parents stand before their children
        parent = tree[index].parent
        assert parent is not None
        assert parent < index
        inclusive[parent] += inclusive[index]
    assert inclusive[0] == profile.totals.cycles
    assert sum(node.instructions for node in tree) == profile.totals.instructions
    energy = sum(femtojoules(node.energy_j) for node in tree)
    assert energy == femtojoules(profile.totals.energy_j)

    exclusive: Counter[int | None] = Counter()
    total: Counter[int | None] = Counter()
    for index, node in enumerate(tree):
        exclusive[node.function] += node.cycles
        above, outermost = node.parent, True
        while above is not None and outermost:
            outermost = tree[above].function != node.function
            above = tree[above].parent
        total[node.function] += inclusive[index] if outermost else 0
    for number, function in enumerate(profile.functions):
        assert exclusive[number] == function.cycles_self, function.name
        assert total[number] == function.cycles_total, function.name


@each_program()
def test_regions_sum_to_the_traffic(program: Program) -> None:
    profile = program.profile()
    totals, memory = profile.totals, profile.memory
    assert sum(region.reads for region in memory) == totals.reads
    assert sum(region.writes for region in memory) == totals.writes
    assert sum(region.read_bytes for region in memory) == totals.read_bytes
    assert sum(region.write_bytes for region in memory) == totals.write_bytes


@each_program()
def test_instructions_sum_to_the_totals_by_cause(program: Program) -> None:
    profile = program.profile()
    rows = profile.instructions
    assert rows is not None
    assert sum(row.executions for row in rows) == profile.totals.instructions
    assert sum(row.skipped for row in rows) == profile.totals.instructions_skipped
    causes: Counter[str] = Counter()
    for row in rows:
        assert sum(row.cycles_by_cause.values()) == row.cycles
        causes.update(row.cycles_by_cause)
    rest = {cause: n - causes[cause] for cause, n in profile.totals.cycles_by_cause.items()}
    assert min(rest.values()) >= 0
    allowed = {"sleep", *NO_INSTRUCTIONS_CYCLES.get(str(program), {})}
    assert {cause for cause, cycles in rest.items() if cycles} <= allowed


@each_program()
def test_instructions_sum_to_what_the_call_tree_says_of_their_function(program: Program) -> None:
    profile = program.profile()
    assert profile.instructions is not None
    by_tree: Counter[tuple[str, str]] = Counter()
    for node in profile.call_tree:
        if node.function is not None:
            name = profile.functions[node.function].name
            for node_field in NODE_FIELDS:
                by_tree[name, node_field] += getattr(node, node_field)
    by_rows: Counter[tuple[str, str]] = Counter()
    for row in profile.instructions:
        name = row.function or UNKNOWN_FUNCTION
        for node_field, row_field in NODE_FIELDS.items():
            by_rows[name, node_field] += getattr(row, row_field)
    assert by_rows == by_tree


@each_program()
def test_lines_are_the_sums_of_their_instructions(program: Program) -> None:
    profile = program.profile()
    assert profile.instructions is not None
    assert profile.lines is not None
    cycles: Counter[tuple[str, int]] = Counter()
    for row in profile.instructions:
        if row.file is not None and row.line is not None:
            cycles[row.file, row.line] += row.cycles
    assert {(line.file, line.line): line.cycles for line in profile.lines} == dict(cycles)
