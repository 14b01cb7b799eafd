"""Profiles of prebuilt programs, with all tables on request, for tests of formats."""

from __future__ import annotations

import io
from functools import cache

import pytest

import simcore
from simcore.profiles import Profile
from simcore.report import NEEDS
from tests.integration.programs import Program, prebuilt

#: Recursion and tail calls, operations, sleep and interrupts, longjmp and faults, a real kernel.
CHOSEN = ("calls", "markers", "mixed", "sleep", "ticks", "faults", "nn")

PROGRAMS = [program for program in prebuilt() if program.elf.stem in CHOSEN]
each_program = pytest.mark.parametrize("program", PROGRAMS, ids=str)


@cache
def profiled(program: Program) -> Profile:
    """The profile of a run, with everything that any format needs."""
    tables = dict.fromkeys(
        ["lines", *(table for needed in NEEDS.values() for table in needed)], True
    )
    return simcore.profile(
        program.elf,
        program.cpu,
        args=program.args,
        max_instructions=20_000_000,
        stdin=io.BytesIO(b""),
        **tables,  # type: ignore[arg-type]
    )


def named(stem: str) -> Profile:
    """The profile of the first run of a program."""
    return profiled(next(program for program in PROGRAMS if program.elf.stem == stem))


def recursive(profile: Profile) -> set[str]:
    """Functions that have a node below another node of theirs, or share their name."""
    names = [function.name for function in profile.functions]
    found = {name for name in names if names.count(name) > 1}
    for index, node in enumerate(profile.call_tree):
        above = profile.call_tree[index].parent
        while above is not None and node.op is None:
            upper = profile.call_tree[above]
            if upper.function == node.function is not None and upper.op is None:
                assert node.function is not None
                found.add(names[node.function])
            above = upper.parent
    return found
