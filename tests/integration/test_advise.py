"""`mcusim advise`: as good as trying all placements, and what it says to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
DEPTHWISE = KERNELS / "depthwise_conv2d_s8.elf"
EVERYTHING = 10**9  # so many choices are all timed


@pytest.fixture(scope="module")
def advice() -> Advice:
    return advise(CONV, candidates=4)


def test_the_json_fits_its_schema(advice: Advice) -> None:
    assert_fits(advice.to_json())


def test_the_advised_cost_is_what_the_profile_of_that_placement_costs(advice: Advice) -> None:
    places = [f"{item.kind}:{item.name}={item.region}" for item in advice.placement]
    profile = simcore.profile(CONV, place=places)
    assert profile.totals.cycles == advice.advised.cycles
    assert profile.totals.energy_j == advice.advised.energy_j
    assert advice.linked.cycles == simcore.profile(CONV).totals.cycles
    assert advice.advised.cycles < advice.linked.cycles
    assert advice.moves[0].name == "weights"


@pytest.mark.parametrize(
    ("elf", "overrides", "minimise"),
    [
        (CONV, (), "cycles"),
        (CONV, (), "energy"),
        (FC, ("region.itcm.size=4K",), "cycles"),
    ],
    ids=["convolution", "its energy", "little ITCM"],
)
@pytest.mark.parametrize("candidates", [2, pytest.param(3, marks=pytest.mark.exhaustive)])
def test_the_search_finds_what_trying_all_placements_finds(
    elf: Path, overrides: tuple[str, ...], minimise: str, candidates: int
) -> None:
    options: Any = {"minimise": minimise, "candidates": candidates, "overrides": overrides}
    searched = advise(elf, few_choices=0, **options)
    tried = advise(elf, few_choices=EVERYTHING, **options)
    # Of placements that cost the same either may be found.
    cost = "cycles" if minimise == "cycles" else "energy_j"
    assert getattr(searched.advised, cost) == getattr(tried.advised, cost)
    assert sum(searched.advised.tcm_bytes.values()) == sum(tried.advised.tcm_bytes.values())
    assert searched.moves


@pytest.mark.parametrize(
    ("elf", "caches"),
    [
        (CONV, "off"),
        pytest.param(DEPTHWISE, "off", marks=pytest.mark.exhaustive),
        pytest.param(DEPTHWISE, "auto", marks=pytest.mark.exhaustive),
    ],
    ids=lambda value: value.stem if isinstance(value, Path) else value,
)
def test_advice_is_as_good_as_every_placement_by_hand_of_the_readme(elf: Path, caches: str) -> None:
    sweeps = [
        parse_sweep("weights: weights+bias+multipliers+shifts=flash,dtcm"),
        parse_sweep("acts: input+output=sram1,dtcm"),
        parse_sweep("code: .text=flash,itcm"),
    ]
    study = what_if([str(elf)], combinations(sweeps, Configuration(caches=caches)))
    best = min(row.cycles for row in study.configurations)
    found = advise(elf, caches=caches)
    assert len(study.configurations) == 8
    assert found.advised.cycles <= best
    assert found.linked.cycles == study.configurations[0].cycles


def test_data_that_is_read_once_moves_unless_its_copy_counts() -> None:
    found = advise(DEPTHWISE, count_copies=True, candidates=5)
    assert "expected" in {move.name for move in advise(DEPTHWISE, candidates=2).moves}
    reasons = {row.name: row.reason for row in found.rejected}
    assert reasons["expected"] == "read too seldom to pay for its copy"
    assert {"input", "output"} <= {move.name for move in found.moves}
    # A load and a store for each word of what moves from ROM, and the refills of its lines
    assert found.copy_cycles > 2 * found.copied_bytes / 4


def test_a_deadline_is_met_with_the_fewest_bytes_of_tcm() -> None:
    linked = advise(CONV, candidates=1, deadline_s=1.0)
    assert linked.moves == ()  # there is time enough
    assert linked.meets_deadline is True
    options: Any = {"candidates": 2, "deadline_s": 0.00210}
    searched = advise(CONV, few_choices=0, **options)
    tried = advise(CONV, few_choices=EVERYTHING, **options)
    assert searched.meets_deadline is True
    assert searched.advised.time_s <= 0.00210
    assert sum(searched.advised.tcm_bytes.values()) == sum(tried.advised.tcm_bytes.values())
    assert [move.name for move in searched.moves] == ["weights"]


def test_a_deadline_that_nothing_meets_is_told_by_the_status(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert main(["advise", str(CONV), "--candidates", "1", "--deadline", "0.001"]) == 3
    captured = capfd.readouterr()
    assert "No placement that was found meets the deadline" in captured.out
    assert captured.err == "mcusim: no placement that was found meets the deadline\n"


def test_the_reset_handler_is_no_candidate(advice: Advice) -> None:
    # It fills RAM, so it cannot run from there.
    everything = advise(CONV, candidates=64, max_instructions=20_000)
    assert everything.moves == ()  # a run that was cut says nothing
    names = {row.name for row in advice.moves} | {row.name for row in advice.rejected}
    assert "Reset_Handler" not in names


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
    for part in ("as linked", "verified", "predicted", "Move", "by alignment"):
        assert part in text
    assert "*(.rodata.weights)" in text
    assert main(["advise", str(CONV), "--candidates", "2", "--minimise", "energy"]) == 0
    assert "Not worth moving" in capfd.readouterr().out
    region = advice.moves[0].region  # of the weights
    assert f'weights: __attribute__((section(".{region}_load")))' in text
    assert "bytes into RAM at its start; that" in text


def test_a_program_that_fails_gets_no_advice(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["advise", str(FIRMWARE / "faults.elf"), "--", "undefined"]) == 4
    assert "nothing is advised" in capfd.readouterr().out


def test_what_cannot_be_minimised_is_refused() -> None:
    with pytest.raises(ConfigError, match="minimises cycles or energy, not 'size'"):
        advise(CONV, minimise="size")
    assert main(["advise", str(CONV), "--deadline", "1", "--minimise", "energy"]) == 2
