"""The programs that formats are tested with."""

from __future__ import annotations

from simcore.costs.profile import Profile
from tests.integration import programs

#: Recursion and tail calls, operations, sleep and interrupts, longjmp and faults, a real kernel.
CHOSEN = ("calls", "markers", "operations", "mixed", "sleep", "ticks", "faults", "nn")

PROGRAMS = [program for program in programs.prebuilt() if program.elf.stem in CHOSEN]
each_program = programs.each_program(PROGRAMS)


def named(stem: str) -> Profile:
    """The profile of the first run of a program."""
    return next(program for program in PROGRAMS if program.elf.stem == stem).profile()


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
