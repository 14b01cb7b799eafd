"""`mcusim whatif`: each configuration as it would be alone, one table, what Ctrl-C keeps."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

import simcore
from simcore.cli.main import main
from simcore.errors import ConfigError
from simcore.simulation.capture_file import CaptureReader
from simcore.whatif import Configuration, what_if
from tests.integration.programs import CHECKOUT, FIRMWARE, KERNELS
from tests.schemas import assert_fits
from tests.tools import GUARD_S, ctrl_c_interrupts

CONV, CALLS = str(KERNELS / "conv2d_s8_small.elf"), str(FIRMWARE / "calls.elf")
EIGHT = (
    "--sweep", "weights=flash,dtcm",
    "--sweep", "activations: input+output=sram1,dtcm",
    "--sweep", "code: .text=flash,itcm",
)  # fmt: skip


def study(capfd: pytest.CaptureFixture[str], *options: str) -> Any:
    assert main(["whatif", *options, "--format", "json"]) == 0
    return assert_fits(capfd.readouterr().out)


@pytest.fixture(scope="module")
def eight(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The study of the eight combinations."""
    file = tmp_path_factory.mktemp("whatif") / "eight.json"
    assert main(["whatif", CONV, *EIGHT, "--format", "json", "-o", str(file)]) == 0
    return json.loads(file.read_text())


def test_each_combination_costs_what_it_costs_alone(eight: Any) -> None:
    assert_fits(eight)
    rows = eight["configurations"]
    assert eight["executions"] == 1
    assert len(rows) == 8
    for index, place in (
        (0, []),
        (3, ["input+output=dtcm", ".text=itcm"]),
        (7, ["weights=dtcm", "input+output=dtcm", ".text=itcm"]),
    ):
        alone = simcore.profile(CONV, place=place).totals
        assert rows[index]["cycles"] == alone.cycles
        assert rows[index]["energy_j"] == alone.energy_j
        assert rows[index]["cycles_by_cause"] == alone.cycles_by_cause


def test_changes_are_against_the_first_and_sum_by_cause(eight: Any) -> None:
    rows = eight["configurations"]
    assert rows[0]["change"] is None
    for row in rows[1:]:
        change = row["change"]
        assert change["cycles"] == row["cycles"] - rows[0]["cycles"]
        assert sum(change["cycles_by_cause"].values()) == change["cycles"]
        # What waits is fetches of functions, and loads and stores of data: nothing twice
        waits = sum(change["cycles_by_cause"][cause] for cause in ("fetch", "load", "store"))
        assert sum(one["stall_cycles"] for one in change["objects"]) == waits
        assert change["significant"] is None
    assert rows[4]["change"]["objects"][0]["name"] == "weights"


def test_tcm_bytes_count_what_moved_in_and_the_stack(eight: Any) -> None:
    rows = eight["configurations"]
    scratch, stack, weights, text = 16384, 532, 9216, 0xE80
    assert rows[0]["tcm_bytes"] == {"itcm": 0, "dtcm": scratch + stack}
    assert rows[5]["tcm_bytes"]["dtcm"] == scratch + stack + weights
    assert rows[5]["tcm_bytes"]["itcm"] == rows[5]["placement"][0]["size"]
    assert rows[5]["placement"][0]["size"] == pytest.approx(text, abs=64)
    assert [row["copied_bytes"] > 0 for row in rows] == [False, True, False, True] + [True] * 4


def test_tries_stand_behind_the_program_as_linked(capfd: pytest.CaptureFixture[str]) -> None:
    rows = study(capfd, CONV, "--try", "slow: clock=100MHz", "--try", "caches=off")
    names = [row["name"] for row in rows["configurations"]]
    assert names == ["as linked", "slow", "caches=off"]
    linked, slow, uncached = rows["configurations"]
    assert (linked["cpu"]["clock_hz"], slow["cpu"]["clock_hz"]) == (216_000_000, 100_000_000)
    assert slow["time_s"] > linked["time_s"]
    assert uncached["cycles"] > 2 * linked["cycles"]


def test_a_placement_alone_stands_beside_the_program_as_linked(
    capfd: pytest.CaptureFixture[str],
) -> None:
    plain = study(capfd, CONV, "--place", "weights=dtcm")
    linked, placed = plain["configurations"]
    assert linked["cycles"] == simcore.profile(CONV).totals.cycles
    assert placed["name"] == "weights=dtcm"
    assert placed["cycles"] < linked["cycles"]


def test_a_difference_inside_the_layout_band_is_not_significant(
    capfd: pytest.CaptureFixture[str],
) -> None:
    options = ("--try", "layer: layer=dtcm", "--try", "weights=dtcm", "--layout-sweep")
    rows = study(capfd, CONV, *options)["configurations"]
    for row in rows:
        assert row["layout"]["cycles"][0] == row["cycles"]
    bands = [row["layout"]["maximum_cycles"] - row["layout"]["minimum_cycles"] for row in rows]
    assert abs(rows[1]["change"]["cycles"]) <= max(bands[0], bands[1])
    assert [row["change"]["significant"] for row in rows[1:]] == [False, True]
    assert main(["whatif", CONV, *options]) == 0
    text = capfd.readouterr().out
    assert "~ not significant" in text


def test_parts_and_programs_have_executions_of_their_own(capfd: pytest.CaptureFixture[str]) -> None:
    options = ("--sweep", "cpu=stm32f746,stm32f767", "--sweep", "caches=on,off")
    parallel = study(capfd, CONV, CALLS, *options, "--jobs", "2")
    assert parallel["executions"] == 4
    rows = parallel["configurations"]
    assert [row["elf"]["name"] for row in rows] == ["conv2d_s8_small.elf"] * 4 + ["calls.elf"] * 4
    assert [row["change"] is None for row in rows] == [True, False, False, False] * 2
    assert [row["cpu"]["name"] for row in rows[:4]] == ["stm32f746"] * 2 + ["stm32f767"] * 2
    assert study(capfd, CONV, CALLS, *options, "--jobs", "1") == parallel


def test_a_capture_stands_for_its_program_as_it_was_recorded(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    capture = str(tmp_path / "run.mcu")
    assert main(["record", CONV, "-o", capture, "--clock", "100MHz"]) == 0
    capfd.readouterr()
    live = study(capfd, CONV, *EIGHT, "--clock", "100MHz")
    assert study(capfd, capture, *EIGHT) == live
    assert live["configurations"][0]["cpu"]["clock_hz"] == 100_000_000
    other = study(capfd, capture, *EIGHT, "--cpu", "stm32f746")
    assert other["configurations"][0]["cpu"]["clock_hz"] == 216_000_000
    assert main(["whatif", capture, *EIGHT, "--", "argument"]) == 2
    assert "a capture repeats its run" in capfd.readouterr().err
    Path(capture).write_bytes(Path(capture).read_bytes()[:-100])
    assert main(["whatif", capture, *EIGHT]) == 2
    assert "is truncated" in capfd.readouterr().err


def test_a_capture_is_read_once_whatever_is_asked_of_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    capture = str(tmp_path / "run.mcu")
    assert main(["record", CONV, "-o", capture]) == 0
    capfd.readouterr()
    check = CaptureReader._check
    with patch.object(CaptureReader, "_check", autospec=True, side_effect=check) as read:
        found = study(capfd, capture, "--sweep", "cpu=stm32f746,stm32f767", "--jobs", "1")
    assert (found["executions"], read.call_count) == (2, 1)


def test_csv_has_a_row_for_each_configuration(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["whatif", CONV, *EIGHT, "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capfd.readouterr().out)))
    assert len(rows) == 8
    assert rows[0]["name"] == "weights=flash activations=sram1 code=flash"
    assert rows[0]["change.cycles"] == ""
    assert int(rows[7]["change.cycles"]) == int(rows[7]["cycles"]) - int(rows[0]["cycles"])
    assert rows[7]["tcm_bytes.itcm"] != "0"


def test_the_text_fits_a_page_and_names_the_objects_that_change(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert main(["whatif", CONV, *EIGHT]) == 0
    text = capfd.readouterr().out
    assert max(map(len, text.splitlines())) <= 100
    assert "8 configurations from one execution" in text
    assert "Change by cause" in text
    objects = text[text.index("Change by object") :]
    assert "weights" in objects.splitlines()[1]


def test_a_file_and_options_go_together(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "study.toml"
    file.write_text('clock = "100MHz"\n[[configuration]]\nname = "tcm"\nplace = ["weights=dtcm"]\n')
    rows = study(capfd, CONV, "--config", str(file), "--clock", "200MHz")["configurations"]
    assert [row["name"] for row in rows] == ["as linked", "tcm"]
    assert {row["cpu"]["clock_hz"] for row in rows} == {200_000_000}  # the command line decides


def test_a_program_that_fails_is_told_by_the_status(capfd: pytest.CaptureFixture[str]) -> None:
    elf = str(FIRMWARE / "faults.elf")
    assert main(["whatif", elf, "--try", "caches=on", "--", "undefined"]) == 4
    assert "caches=on" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "no configuration to compare"),
        (["--try", "wieghts=dtcm"], "did you mean 'weights'"),
        (["--try", "weights=axi_sram"], "has no region 'axi_sram'"),
        (
            ["--try", "a: weights=dtcm", "--try", "a: caches=on"],
            "two configurations are called 'a'",
        ),
        (["--sweep", "weights=dtcm,flsh"], "did you mean 'flash'"),
        (["--try", "cpu=stm32f74"], "did you mean 'stm32f746'"),
        (["--try", "clock=900MHz"], "above the 216000000 Hz"),
        (["--config", "none.toml"], "none.toml: cannot be read"),
    ],
)
def test_bad_input_is_refused_in_one_line_before_anything_runs(
    options: list[str], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["whatif", CONV, *options]) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert message in captured.err


def test_ctrl_c_keeps_and_prints_what_is_finished(tmp_path: Path) -> None:
    quick, endless = (str(FIRMWARE / f"{name}.elf") for name in ("hello_printf", "long_run"))
    command = [sys.executable, "-m", "simcore.cli.main", "whatif", quick, endless]
    command += ["--try", "caches=on", "--jobs", "2", "--format", "json"]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    with ctrl_c_interrupts():
        running = subprocess.Popen(
            [*command, "--", "millions=1000000"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=environment, start_new_session=True,
        )  # fmt: skip
    assert running.stderr is not None
    # What a program printed is told as soon as it has ended.
    assert running.stderr.readline().startswith(b"hello from the simulated Cortex-M7")
    assert running.poll() is None
    os.killpg(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=GUARD_S)
    assert running.returncode == 130
    assert b"Traceback" not in err
    plain = json.loads(out)
    assert plain["interrupted"] is True
    assert {row["elf"]["name"] for row in plain["configurations"]} == {"hello_printf.elf"}


def test_the_library_runs_a_study() -> None:
    result = what_if([CONV], [Configuration(), Configuration(name="tcm", place=("weights=dtcm",))])
    assert [row.name for row in result.configurations] == ["as linked", "tcm"]
    assert (
        result.to_json()
        == what_if(
            [CONV], [Configuration(), Configuration(name="tcm", place=("weights=dtcm",))]
        ).to_json()
    )


# --- executed again ------------------------------------------------------------------------


def test_rerun_executes_each_configuration_on_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    ticks = str(FIRMWARE / "ticks.elf")
    slow = ("--try", "slow: caches=off")
    rows = {}
    for extra in ((), ("--rerun",)):
        assert main(["whatif", ticks, *slow, *extra, "--format", "json"]) == 0
        study = json.loads(capsys.readouterr().out)
        assert study["executions"] == 1 + len(extra)
        rows[extra] = study["configurations"][1]
    alone = simcore.profile(ticks, caches="off").totals
    assert rows["--rerun",]["cycles"] == alone.cycles
    assert any("reads the clock" in warning for warning in rows[()]["warnings"])
    assert not any("reads the clock" in warning for warning in rows["--rerun",]["warnings"])


def test_a_capture_cannot_be_executed_again(tmp_path: Path) -> None:
    capture = tmp_path / "run.mcu"
    simcore.record(CALLS, capture)
    with pytest.raises(ConfigError, match="--rerun executes a program"):
        what_if([str(capture)], [Configuration()], rerun=True)
