"""What stands for runs of programs in tests of checks, and what these do with a command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from simcore.costs.profile import Profile
from simcore.run.spec import RunSpec
from tests.unit.comparison.test_comparison import slower as slower_function
from tests.unit.handmade import kernel_profile

Check = Callable[..., tuple[int, str, str]]


class Runs:
    """Stands for simcore.profiler.profile: gives a profile for each ELF's name."""

    def __init__(self) -> None:
        self.profiles: dict[str, Profile | Exception] = {}
        self.options: dict[str, Any] = {}

    def __call__(self, spec: RunSpec, **options: Any) -> Profile:
        self.options = {field.name: getattr(spec, field.name) for field in fields(spec)} | options
        options["stdout"].write(b"hello\nand good-bye\n")
        result = self.profiles.get(Path(spec.elf).stem, kernel_profile())
        if isinstance(result, Exception):
            raise result
        return result


def slower() -> Profile:
    """The hand-made run with 70 more cycles of dependency in `dot`, at dot.c:3."""
    profile = slower_function()
    assert profile.instructions is not None
    (row,) = profile.instructions
    row = replace(row, cycles=670, cycles_by_cause={**row.cycles_by_cause, "dependency": 170})
    return replace(profile, instructions=(row,))


def faster() -> Profile:
    profile = kernel_profile()
    totals = replace(profile.totals, cycles=900, energy_j=profile.totals.energy_j / 2)
    return replace(profile, totals=totals)


def refused(done: tuple[int, str, str]) -> str:
    """The one line of a check that could not be made."""
    status, out, err = done
    assert (status, out) == (2, "")
    assert err.startswith("mcusim: error: ")
    assert err.count("\n") == 1
    return err
