"""Energy over operating points, and energy asleep, on real machine code."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

import simcore
from simcore.cli.main import main
from simcore.cpu_model import load_cpu_model
from simcore.errors import ConfigError, ExitCode
from simcore.whatif.energy_sweep import EnergySweep, energy_sweep
from tests.schemas import assert_fits

ROOT = Path(__file__).resolve().parents[2]
KERNEL = ROOT / "kernels" / "prebuilt" / "conv2d_s8_small.elf"
FIRMWARE = ROOT / "tests" / "firmware" / "prebuilt"


@pytest.fixture(scope="module")
def sweep() -> EnergySweep:
    return energy_sweep(KERNEL, "stm32h743", deadline_s=1e-3)


def test_a_sweep_covers_every_operating_point_at_its_highest_clock(sweep: EnergySweep) -> None:
    points = load_cpu_model("stm32h743").operating_points
    assert [(p.voltage_scale, p.clock_hz) for p in sweep.points] == [
        (p.voltage_scale, p.max_clock) for p in points
    ]


def test_a_point_costs_what_a_profile_at_it_costs(sweep: EnergySweep) -> None:
    for point in sweep.points:
        totals = simcore.profile(
            KERNEL, "stm32h743", clock_hz=point.clock_hz, voltage_scale=point.voltage_scale
        ).totals
        assert (point.cycles, point.energy_j) == (totals.cycles, totals.energy_j)
        assert (point.energy_low_j, point.energy_high_j) == (
            totals.energy_low_j, totals.energy_high_j,
        )  # fmt: skip


def test_cycles_change_with_the_wait_states_of_the_clock() -> None:
    # The firmware sets 7 wait states, those of 216 MHz; the sweep takes those of each clock.
    slow, *_, fast = energy_sweep(KERNEL, "stm32f746").points
    assert (slow.flash_wait_states, fast.flash_wait_states) == (4, 7)
    assert slow.cycles < fast.cycles
    assert fast.cycles == simcore.profile(KERNEL, "stm32f746").totals.cycles


def test_the_least_energy_and_the_least_in_time_are_marked(sweep: EnergySweep) -> None:
    energies = [point.energy_j for point in sweep.points]
    assert sweep.minimum_energy == energies.index(min(energies))
    in_time = [p.energy_j for p in sweep.points if p.time_s <= 1e-3]
    assert 0 < len(in_time) < len(energies)
    assert sweep.minimum_energy_in_deadline == energies.index(min(in_time))


def test_two_sweeps_are_the_same_and_fit_the_schema(sweep: EnergySweep) -> None:
    text = sweep.to_json()
    assert energy_sweep(KERNEL, "stm32h743", deadline_s=1e-3).to_json() == text
    assert_fits(text)


def test_a_deadline_that_no_point_meets_is_a_broken_limit(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = main(["profile", str(KERNEL), "--energy-sweep", "--deadline", "1e-6"])
    out, err = capsys.readouterr()
    assert status == ExitCode.REGRESSION
    assert "No operating point meets the deadline of 1.00 us" in out
    assert "least energy, too late" in out
    assert err == "mcusim: no operating point meets the deadline\n"


def test_the_sweep_is_a_table_of_csv_too(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["profile", str(KERNEL), "--energy-sweep", "--clock", "170M", "--format", "csv"]
    assert main(command) == ExitCode.OK
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.startswith("voltage_scale,core_voltage_v,clock_hz,flash_wait_states,cycles")
    # 170 MHz is above scale 3
    assert [row.split(",")[0] for row in rows] == ["scale1", "scale1-overdrive"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--deadline", "1"], "--deadline goes with --energy-sweep"),
        (["--energy-sweep", "--op", "conv*"], "does not go with --op"),
        (["--energy-sweep", "--voltage-scale", "scale3"], "does not go with --voltage-scale"),
        (["--energy-sweep", "--section", "functions"], "does not go with --section"),
        (["--energy-sweep", "--top", "20"], "does not go with --top"),
        (["--energy-sweep", "--objects"], "does not go with --objects"),
        (["--energy-sweep", "--cpu", "stm32f746,stm32h743"], "takes one part"),
        (["--energy-sweep", "--clock", "217M"], "above the 216000000 Hz"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["profile", str(KERNEL), *options]) == ExitCode.USAGE
    assert message in capsys.readouterr().err


def test_a_program_that_fails_ends_the_sweep() -> None:
    sweep = energy_sweep(FIRMWARE / "faults.elf", args=("undefined",))
    assert sweep.status is ExitCode.FAULT
    assert len(sweep.points) == 1


def test_a_run_that_was_cut_is_no_candidate_for_the_least_energy(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sweep = energy_sweep(KERNEL, max_instructions=1000, deadline_s=1.0)
    assert (sweep.minimum_energy, sweep.minimum_energy_in_deadline) == (None, None)
    assert_fits(sweep.to_json())
    options = ["--energy-sweep", "--max-instructions", "1000"]
    assert main(["profile", str(KERNEL), *options]) == ExitCode.LIMIT
    out = capsys.readouterr().out
    assert "At no operating point did the program end well." in out
    assert "least energy" not in out.lower()


def test_an_unknown_cache_control_is_refused() -> None:
    with pytest.raises(ConfigError, match="caches is 'maybe'"):
        energy_sweep(KERNEL, caches="maybe")


def test_a_sweep_runs_the_program_once_and_a_capture_gives_the_same(tmp_path: Path) -> None:
    printed = io.BytesIO()
    live = energy_sweep(KERNEL, "stm32f746", stdout=printed)
    assert len({point.cycles for point in live.points}) > 1
    assert len({point.clock_hz for point in live.points}) == len(live.points)
    once = io.BytesIO()
    simcore.record(KERNEL, tmp_path / "run.mcu", stdout=once)
    assert printed.getvalue() == once.getvalue()
    assert energy_sweep(tmp_path / "run.mcu", "stm32f746") == live
    with pytest.raises(ConfigError, match="a capture repeats its run"):
        energy_sweep(tmp_path / "run.mcu", args=("x",))


def test_replay_sweeps_a_capture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capture = str(tmp_path / "run.mcu")
    simcore.record(KERNEL, capture, "stm32h743")
    assert main(["replay", capture, "--energy-sweep", "--deadline", "1ms"]) == ExitCode.OK
    replayed = capsys.readouterr().out
    command = ["profile", str(KERNEL), "--cpu", "stm32h743", "--energy-sweep", "--deadline", "1ms"]
    assert main(command) == ExitCode.OK
    assert capsys.readouterr().out == replayed


def test_firmware_that_sleeps_draws_sleep_power() -> None:
    # sleep.c: ten rounds and one more of 100 000 cycles, nearly all of them in WFI. The WFE behind
    # a tick goes on at once: leaving its handler has set the event register.
    profile = simcore.profile(FIRMWARE / "sleep.elf", "stm32f746")
    totals = profile.totals
    assert (profile.exit.reason, profile.exit.code) == ("exit", 0)
    slept = totals.cycles_by_cause["sleep"]
    assert 0.95 * 11 * 100_000 < slept < 11 * 100_000
    # Sleep current of the STM32F722/F723 at 216 MHz, 24 mA at 3.3 V (docs/sources/silicon.md 3.1).
    asleep = totals.energy_by_component["sleep"] + totals.energy_by_component["always_on"]
    assert asleep / totals.time_s == pytest.approx(24e-3 * 3.3, rel=0.05)
    assert totals.power_w is not None
    assert totals.power_w < 1.05 * 24e-3 * 3.3


def test_sleeping_costs_less_than_waiting_for_the_same_time() -> None:
    asleep = simcore.profile(FIRMWARE / "sleep.elf").totals
    waiting = simcore.profile(FIRMWARE / "ticks.elf").totals  # polls for its ticks
    assert asleep.power_w is not None
    assert waiting.power_w is not None
    assert asleep.power_w < waiting.power_w / 3
