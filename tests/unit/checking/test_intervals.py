"""Kept intervals of cycles: what names them, what is trusted, how many there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from simcore.cache import NO_ROOM, Room
from simcore.checking.intervals import KIND, interval_key, keep_interval, load_interval
from simcore.checking.plans import RunPlan
from simcore.checking.running import run_plan
from simcore.comparison.metrics import metrics_of
from simcore.costs.profile import Profile
from simcore.costs.uncertainty import CyclesInterval, OpenQuestion
from simcore.run.spec import RunSpec
from tests.unit.handmade import kernel_profile

INTERVAL = CyclesInterval(900, 950, (OpenQuestion("divide", "bits", 900, 950),))
METRICS = metrics_of(kernel_profile())


@pytest.fixture
def plan(tmp_path: Path) -> RunPlan:
    """A run of a file that stands for an ELF, its interval asked for and kept."""
    elf = tmp_path / "a.elf"
    elf.write_bytes(b"code")
    return RunPlan(
        name="a", elf=str(elf), uncertainty=True, cache=Room(tmp_path / "cache", 1 << 20)
    )


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Stands for the profiler: whether each run was timed under the other answers too."""
    asked: list[bool] = []

    def profile(spec: RunSpec, **_: object) -> Profile:
        asked.append(spec.uncertainty)
        return replace(kernel_profile(), cycles_interval=INTERVAL if spec.uncertainty else None)

    monkeypatch.setattr("simcore.profiler.profile", profile)
    return asked


@pytest.mark.parametrize(
    "change",
    [
        lambda plan: replace(plan, cpu="stm32h743"),
        lambda plan: replace(plan, overrides=("core.dcache.size=16K",)),
        lambda plan: replace(plan, clock_hz=100_000_000),
        lambda plan: replace(plan, caches="off"),
        lambda plan: replace(plan, place=("stack=sram",)),
        lambda plan: replace(plan, args=("h=8",)),
        lambda plan: replace(plan, max_instructions=1000),
        lambda plan: replace(plan, for_s=0.5),
        lambda plan: replace(plan, until="main"),
        lambda plan: replace(plan, from_="main"),
        lambda plan: replace(plan, elf=_other(plan.elf)),
    ],
)
def test_what_decides_the_cycles_changes_the_key(
    plan: RunPlan, change: Callable[[RunPlan], RunPlan]
) -> None:
    assert interval_key(plan) == interval_key(replace(plan))
    assert interval_key(change(plan)) != interval_key(plan)


def _other(elf: str) -> str:
    other = Path(elf).with_name("other.elf")
    other.write_bytes(b"other code")
    return str(other)


def test_neither_the_name_of_a_file_nor_tables_change_the_key(plan: RunPlan) -> None:
    moved = Path(plan.elf).rename(Path(plan.elf).with_name("moved.elf"))
    key = interval_key(replace(plan, elf=str(moved)))
    assert key is not None
    asked = replace(plan, elf=str(moved), name="b", ops=("dot",), layout_sweep=True, timeout_s=9.0)
    assert interval_key(asked) == key


def test_other_questions_change_the_key(plan: RunPlan, tmp_path: Path) -> None:
    part = 'extends = "stm32f746"\nname = "mine"\ntitle = "mine"\n'
    (tmp_path / "one.toml").write_text(part)
    (tmp_path / "two.toml").write_text(part + "undecided.divide.absent = true\n")
    one, two = (
        interval_key(replace(plan, cpu=str(tmp_path / name))) for name in ("one.toml", "two.toml")
    )
    assert one != two


def test_the_other_answers_are_timed_once(plan: RunPlan, timed: list[bool]) -> None:
    outcomes = [run_plan(plan) for _ in range(3)]
    assert timed == [True, False, False]
    assert [outcome.interval for outcome in outcomes] == [INTERVAL] * 3
    assert outcomes[0] == outcomes[1]


def test_without_a_folder_or_the_option_nothing_is_kept(plan: RunPlan, timed: list[bool]) -> None:
    assert run_plan(replace(plan, uncertainty=False)).interval is None
    assert run_plan(replace(plan, cache=NO_ROOM)).interval == INTERVAL
    assert timed == [False, True]
    assert [entry for entry in plan.cache.entries() if entry.kind == KIND] == []


def test_a_run_that_came_to_something_else_is_timed_again(plan: RunPlan, timed: list[bool]) -> None:
    key = interval_key(plan)
    assert key is not None
    keep_interval(plan.cache, key, replace(METRICS, mispredicts=METRICS.mispredicts + 1), INTERVAL)
    assert run_plan(plan).interval == INTERVAL
    assert timed == [False, True]
    assert run_plan(plan).interval == INTERVAL
    assert timed[2:] == [False]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff", b'{"schema": "mcusim.interval/1"}', b"[" * 100_000],
)
def test_what_is_no_document_counts_as_not_there(tmp_path: Path, content: bytes) -> None:
    room, key = Room(tmp_path / "cache", 1 << 20), "1f" * 32
    keep_interval(room, key, METRICS, INTERVAL)
    known = load_interval(room, key)
    assert known is not None
    assert (known.metrics, known.interval) == (METRICS, INTERVAL)
    room.put(KIND, key, content)
    assert load_interval(room, key) is None
    assert list(room.entries()) == []  # nor is it looked at again


def test_a_folder_that_cannot_be_costs_time_only(plan: RunPlan, timed: list[bool]) -> None:
    file = Path(plan.elf)
    for _ in range(2):
        assert run_plan(replace(plan, cache=Room(file / "cache", 1 << 20))).interval == INTERVAL
    assert timed == [True, True]
