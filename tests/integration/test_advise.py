"""`mcusim advise`: what it promises, what it leaves alone, and what it says to do."""

from __future__ import annotations

from pathlib import Path

import pytest

import simcore
from simcore.advisor import Advice, advise
from simcore.cli.main import main
from simcore.errors import ConfigError
from simcore.report import RenderOptions
from simcore.report.studies.advice import render
from simcore.whatif import Configuration, what_if
from simcore.whatif.configuration import combinations, parse_sweep
from tests.integration.programs import FIRMWARE, KERNELS
from tests.schemas import assert_fits

CONV, FC = KERNELS / "conv2d_s8_small.elf", KERNELS / "fully_connected_s8.elf"
DEPTHWISE, MIXED = KERNELS / "depthwise_conv2d_s8.elf", KERNELS / "mixed.elf"
DUTY = FIRMWARE / "duty_cycle.elf"
TABLES = "wave+bend+taps+crc+bits=dtcm"


@pytest.fixture(scope="module")
def advice() -> Advice:
    return advise(CONV, candidates=4)


def test_the_json_fits_its_schema(advice: Advice) -> None:
    assert_fits(advice.to_json())


def test_a_promise_is_what_the_placement_costs_within_its_band(advice: Advice) -> None:
    places = [f"{item.kind}:{item.name}={item.region}" for item in advice.placement]
    placed, linked = simcore.profile(CONV, place=places), simcore.profile(CONV)
    assert advice.linked.cycles == linked.totals.cycles
    assert abs(placed.totals.cycles - advice.advised.cycles) <= advice.promise.band_cycles
    assert placed.totals.energy_j == pytest.approx(advice.advised.energy_j, rel=0.005)
    assert advice.promise.cycles == advice.linked.active_cycles - advice.advised.active_cycles
    assert advice.promise.mechanism_cycles + advice.promise.chance_cycles == advice.promise.cycles
    assert advice.moves[0].name == "weights"


@pytest.mark.parametrize(
    ("elf", "caches"),
    [
        (CONV, "off"),
        pytest.param(DEPTHWISE, "off", marks=pytest.mark.exhaustive),
        pytest.param(DEPTHWISE, "auto", marks=pytest.mark.exhaustive),
    ],
    ids=lambda value: value.stem if isinstance(value, Path) else value,
)
def test_few_moves_save_nearly_what_the_best_placement_by_hand_saves(
    elf: Path, caches: str
) -> None:
    sweeps = [
        parse_sweep("weights: weights+bias+multipliers+shifts=flash,dtcm"),
        parse_sweep("acts: input+output=sram1,dtcm"),
        parse_sweep("code: .text=flash,itcm"),
    ]
    study = what_if([str(elf)], combinations(sweeps, Configuration(caches=caches)))
    best = min(row.cycles for row in study.configurations)
    found = advise(elf, caches=caches)
    assert len(study.configurations) == 8
    # By hand all code moves; eight moves leave some of it, and all that brings less than 0.1 %.
    assert found.promise.cycles >= 0.9 * (found.linked.cycles - best)
    assert len(found.moves) <= 8
    assert all(move.cycles is None or move.cycles > 0 for move in found.moves)


def test_firmware_that_sleeps_saves_as_much_by_few_moves_as_by_five_tables_by_hand() -> None:
    found = advise(DUTY)
    by_hand = simcore.profile(DUTY, place=[TABLES]).totals
    moved = simcore.profile(DUTY, place=[f"{m.name}={m.region}" for m in found.moves]).totals
    assert 1 <= len(found.moves) <= 6
    assert moved.active_cycles <= by_hand.active_cycles
    assert moved.energy_j <= by_hand.energy_j
    assert found.advised.active_cycles < found.linked.active_cycles
    assert found.advised.energy_j < found.linked.energy_j
    # Sleep is most of the run, and the promise is of the rest.
    assert found.promise.cycles_relative == pytest.approx(
        found.promise.cycles / found.linked.active_cycles
    )
    assert found.linked.active_cycles < found.linked.cycles / 4
    # Set-up runs once; its table waits as well.
    assert "history" in {row.name for row in found.rejected}
    text = render(found, "text", RenderOptions())
    assert "cycles awake" in text
    assert "is mechanism (wait states, misses, TCM)" in " ".join(text.split())


@pytest.mark.exhaustive
def test_what_costs_more_energy_than_it_saves_time_is_moved_when_asked() -> None:
    unasked = advise(MIXED, candidates=1)
    assert unasked.moves == ()
    (row,) = [row for row in unasked.rejected if row.name == "mixed_run"]
    assert row.reason == "costs relatively more energy than it saves cycles"
    asked = advise(MIXED, candidates=2, any_energy=True)
    (move,) = asked.moves
    assert (move.name, move.region) == ("mixed_run", "itcm")
    assert move.energy_j is not None
    assert move.energy_j < 0


def test_of_both_no_choice_is_better_in_both() -> None:
    found = advise(DUTY, minimise="both", candidates=3)
    rows = found.alternatives
    assert any(row.is_advised for row in rows)
    assert not any(
        one.cycles > other.cycles and one.energy_j > other.energy_j
        for one in rows
        for other in rows
    )
    assert "none is better in both" in render(found, "text", RenderOptions())


def test_the_hot_part_of_an_array_that_does_not_fit_is_for_hands() -> None:
    found = advise(FC, candidates=1)
    (part,) = found.by_hand
    assert part.region == "dtcm"
    assert part.name == f"weights[:{part.size}]"
    assert part.size < 64 * 1024 < 81_920
    assert found.by_hand_cycles > found.by_hand_spread_cycles
    # The promise is of what a script does, which moves all of it into slower memory.
    assert [(one.name, one.region) for one in found.moves] == [("weights", "sram1")]
    assert "make it an array of its own" in " ".join(found.linker_script.split())


def test_data_that_is_read_once_moves_unless_its_copy_counts() -> None:
    found = advise(FC, count_copies=True, candidates=2)
    reasons = {row.name: row.reason for row in found.rejected}
    assert reasons["weights"] == "read too seldom to pay for its copy"
    assert not any(move.name.startswith("weights") for move in found.moves)


def test_a_deadline_is_met_with_the_fewest_bytes_of_tcm() -> None:
    linked = advise(FC, candidates=1, deadline_s=1.0)
    assert linked.moves == ()  # there is time enough
    assert linked.meets_deadline is True
    found = advise(CONV, candidates=2, deadline_s=0.00210)
    assert found.meets_deadline is True
    assert found.advised.time_s <= 0.00210
    assert [move.name for move in found.moves] == ["weights"]


def test_a_deadline_that_nothing_meets_is_told_by_the_status(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert main(["advise", str(FC), "--candidates", "1", "--deadline", "0.0001"]) == 3
    captured = capfd.readouterr()
    assert "No placement that was found meets the deadline" in captured.out
    assert captured.err == "mcusim: no placement that was found meets the deadline\n"


def test_code_stays_that_runs_before_ram_is_filled_or_seldom(
    advice: Advice,
) -> None:
    everything = advise(CONV, candidates=8, max_instructions=20_000)
    assert everything.moves == ()  # a run that was cut says nothing
    reasons = {row.name: row.reason for row in advice.rejected}
    assert reasons["Reset_Handler"] == "runs before start-up code has filled RAM"
    assert reasons["main"] == "runs too seldom to pay for its copy"
    # Of a part of the run code moves that this part waits for, however seldom it ran.
    part = advise(FC, candidates=1, per="fully_connected_s8")
    assert part.scope == "the first call of fully_connected_s8"
    assert "main" not in {row.name for row in part.rejected}


def test_the_same_advice_twice_is_the_same_bytes(
    advice: Advice, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["advise", str(CONV), "--candidates", "4", "--format", "json"]) == 0
    assert capfd.readouterr().out == advice.to_json()


def test_the_text_tells_what_to_move_what_not_and_how(
    advice: Advice, capfd: pytest.CaptureFixture[str]
) -> None:
    text = render(advice, "text", RenderOptions())
    assert max(map(len, text.splitlines())) <= 100
    for part in ("as linked", "Promise: -", "Move", "mechanism", "over 8 layouts"):
        assert part in text
    assert "*(.rodata.weights)" in text
    command = ["advise", str(FC), "--candidates", "2", "--minimise", "energy", "--least", "0.5%"]
    assert main(command) == 0
    assert "Not moved" in capfd.readouterr().out
    region = advice.moves[0].region  # of the weights
    assert "*(.rodata.weights)" in text.split(f".mcusim_{region} :")[1]
    assert "bytes into RAM at its start; to fill" in text


def test_a_program_that_fails_gets_no_advice(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["advise", str(FIRMWARE / "faults.elf"), "--", "undefined"]) == 4
    assert "nothing is advised" in capfd.readouterr().out


@pytest.mark.parametrize("least", ["1", "-0.1%", "nan", "some"])
def test_what_is_no_share_is_refused(least: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["advise", str(CONV), "--least", least]) == 2
    assert "--least" in capfd.readouterr().err


def test_what_cannot_be_minimised_is_refused() -> None:
    with pytest.raises(ConfigError, match="minimises cycles, energy, both, not 'size'"):
        advise(CONV, minimise="size")
    assert main(["advise", str(CONV), "--deadline", "1", "--minimise", "energy"]) == 2
