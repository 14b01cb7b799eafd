"""Points that share an execution cost what each costs alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simcore.errors import ConfigError
from simcore.sweep import groups
from simcore.sweep.groups import MOST_POINTS, PlannedPoint, PointGroup, grouped
from simcore.whatif.configuration import Configuration
from simcore.whatif.results import Outcome
from tests.integration.programs import FIRMWARE


def points(elf: str, *configurations: Configuration, **more: Any) -> list[PlannedPoint]:
    return [PlannedPoint(str(FIRMWARE / elf), one, {}, **more) for one in configurations]


BASE = Configuration()
SOME = (BASE, replace(BASE, caches="off"), replace(BASE, clock_hz=50_000_000))


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(groups, "_shared", set())
    monkeypatch.setenv("MCUSIM_CACHE", "off")


@pytest.mark.parametrize(
    ("elf", "executions"),
    [("markers.elf", 2), ("self_timing.elf", 4)],  # the second reads DWT_CYCCNT
)
def test_a_group_gives_what_each_point_gives_alone(
    elf: str, executions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    several = [*points(elf, *SOME), *points(elf, BASE, shift=4)]
    alone = [PointGroup((point,)).run() for point in several]
    monkeypatch.setattr(groups, "_shared", set())
    ran: list[list[int]] = []
    timed = PointGroup._timed

    def noted(group: PointGroup, numbers: Any) -> Any:
        ran.append(list(numbers))
        return timed(group, numbers)

    monkeypatch.setattr(PointGroup, "_timed", noted)
    together = PointGroup(tuple(several)).run()
    assert [[one] for one in together] == alone
    assert all(isinstance(one, Outcome) for one in together)
    assert len(ran) == executions


def test_what_cannot_run_is_told_of_its_point_alone() -> None:
    several = [
        *points("markers.elf", replace(BASE, place=("nothing=itcm",)), BASE),
        *points("markers.elf", BASE, shift=1 << 24),
        *points("markers.elf", replace(BASE, clock_hz=999_000_000), replace(BASE, caches="off")),
    ]
    found = PointGroup(tuple(several)).run()
    assert [isinstance(one, Outcome) for one in found] == [False, True, False, False, True]
    assert "nothing" in str(found[0])
    assert "code would leave stm32f746's memory" in str(found[2])
    assert isinstance(found[3], ConfigError)


def test_groups_are_of_one_program_and_part_and_enough_for_the_workers() -> None:
    other = replace(BASE, cpu="stm32h743")
    clocks = [replace(BASE, clock_hz=1_000_000 * n) for n in range(1, 101)]
    mixed = [*points("markers.elf", *clocks, other), *points("long_run.elf", BASE)]
    found = grouped(mixed, 2)
    assert sorted(number for group in found for number in group) == list(range(102))
    assert max(map(len, found)) == MOST_POINTS
    assert all(len({mixed[n].execution for n in group}) == 1 for group in found)
    assert [len(group) for group in grouped(mixed[:8], 2)] == [2, 2, 2, 2]
    assert grouped([], 2) == []
