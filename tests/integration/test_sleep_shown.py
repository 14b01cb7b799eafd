"""A program that sleeps: how much of its time it is awake, and comparisons of what it does then."""

from __future__ import annotations

from pathlib import Path

import pytest

import simcore
from simcore.checking.limits import limits_of, parse_limits
from simcore.checking.verdicts import judge
from simcore.comparison.summary import summarize
from simcore.costs.profile import Profile
from simcore.report import RenderOptions
from simcore.report.profile import document
from tests.integration.assembled import TICK, Build

#: Works for so many turns at every tick, and sleeps to the next.
WORKER = """
    .type worker, %function
worker:
1:  movs r2, #{turns}
2:  subs r2, #1
    bne 2b
    wfi
    b 1b
    .ltorg
    .size worker, . - worker
    .type systick, %function
systick:
    bx lr
"""
MILLISECOND_CYCLES = 216_000  # of the STM32F746 at its highest clock
TICKS = 21  # in that time, one every 10,000 cycles


@pytest.fixture
def worker(build: Build, tmp_path: Path) -> dict[int, Path]:
    """The program by the turns of its work."""
    found = {}
    for turns in (100, 200):
        image = build(TICK + WORKER.format(turns=turns))
        found[turns] = Path(image.path).rename(tmp_path / f"worker{turns}.elf")
    return found


def run(elf: Path) -> Profile:
    return simcore.profile(elf, for_s=1e-3)


def test_a_profile_tells_active_cycles_and_load(worker: dict[int, Path]) -> None:
    profile = run(worker[200])
    totals = profile.totals
    assert totals.cycles == MILLISECOND_CYCLES
    assert totals.active_cycles == totals.cycles - totals.cycles_by_cause["sleep"]
    # At least a cycle for each of the 200 turns of 22 bursts, of which the run ends in no middle.
    assert 200 * (TICKS + 1) < totals.active_cycles < 3 * 200 * (TICKS + 1)
    assert totals.cpu_load == totals.active_cycles / totals.cycles
    text = document(profile, "text", RenderOptions())
    assert "CPU load" in text
    assert f"{totals.active_cycles:,}" in text


def test_a_comparison_is_of_active_cycles(worker: dict[int, Path]) -> None:
    comparison = simcore.compare(run(worker[100]), run(worker[200]))
    rows = {row.metric: row for row in comparison.metrics}
    assert rows["cycles"].difference == 0
    more = rows["active-cycles"].difference
    assert more is not None
    assert more > 100 * TICKS
    # The function sleeps in itself: its sleep is left out, too.
    function = next(row for row in comparison.functions if row.name == "worker")
    assert function.cycles_difference == pytest.approx(more, abs=100)
    assert "sleep" not in function.cycles_by_cause


@pytest.mark.parametrize(
    ("limits", "failed"),
    [
        ((), ["cycles=0%"]),  # the default
        (("cycles=5%",), ["cycles=5%"]),
        (("cycles=300%",), []),
        (("active-cycles=300%",), []),
        (("active-cycles=5%",), ["active-cycles=5%"]),
        (("cycles=300%,active-cycles=5%",), ["active-cycles=5%"]),
        (("cycles=1000",), ["cycles=1000"]),
        (("cycles=20000",), []),  # a tenth of what passed
        (("function=worker:cycles=5%",), ["cycles=0%", "cycles=5%"]),
    ],
)
def test_limits_on_cycles_are_on_active_cycles(
    worker: dict[int, Path], limits: tuple[str, ...], failed: list[str]
) -> None:
    before, after = (summarize(run(worker[turns])) for turns in (100, 200))
    told = [parse_limits(text, "--limit") for text in (*limits, "energy=100%")]
    values = judge(after, simcore.compare(before, after), limits_of("worker", told))
    broken = [limit.text for value in values for limit in value.limits if not limit.holds]
    assert broken == failed


def test_what_if_counts_changes_against_active_cycles(worker: dict[int, Path]) -> None:
    configurations = [simcore.Configuration(name=caches, caches=caches) for caches in ("off", "on")]
    study = simcore.what_if([str(worker[200])], configurations, for_s=1e-3)
    first, second = study.configurations
    assert second.change is not None
    assert second.change.cycles == second.active_cycles - first.active_cycles < 0
    assert second.change.cycles_relative == second.change.cycles / first.active_cycles
