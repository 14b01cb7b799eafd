"""`mcusim profile` as a user calls it: its streams, its exit status, its files.

In a process of its own where that is what matters.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from simcore.cli.main import main
from tests.integration.programs import CHECKOUT, FIRMWARE, KERNELS
from tests.tools import GUARD_S, ctrl_c_interrupts, wait_until

HELLO = FIRMWARE / "hello_printf.elf"
FAULTS = FIRMWARE / "faults.elf"
LONG = FIRMWARE / "long_run.elf"
COMMAND = [sys.executable, "-m", "simcore.cli.main", "profile"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
GREETING = "hello from the simulated Cortex-M7, pi is 3.1416\n"


def profile(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=GUARD_S,
        **options,
    )


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str


Command = Callable[..., Ran]


@pytest.fixture
def here(capfd: pytest.CaptureFixture[str]) -> Command:
    """The command, in this process: here(arguments) -> Ran."""

    def call(*arguments: str | Path) -> Ran:
        status = main(["profile", *map(str, arguments)])
        return Ran(status, *capfd.readouterr())

    return call


def start(*arguments: str | Path, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        **{"stderr": subprocess.PIPE, **options},
    )


# --- a newlib program -------------------------------------------------------------------


@pytest.mark.quick
def test_a_newlib_program_prints_to_stderr_and_ends_with_its_status() -> None:
    done = profile(HELLO, "--", "0", "two words")
    assert done.returncode == 0
    assert done.stderr == GREETING + "argument 1: 0\nargument 2: two words\non stderr\n"
    assert "hello_printf.elf on stm32f746" in done.stdout
    assert "hello from" not in done.stdout


def test_with_an_output_file_the_program_has_stdout(tmp_path: Path) -> None:
    report = tmp_path / "hello.json"
    done = profile(HELLO, "-o", report, "--format", "json", "--", "7")
    assert done.returncode == 1  # the program failed, with a code of its own
    assert done.stdout == GREETING + "argument 1: 7\non stderr\n"
    assert done.stderr == "mcusim: the program exited with code 7\n"
    assert json.loads(report.read_text())["exit"] == {"reason": "exit", "code": 7, "fault": None}
    assert list(tmp_path.iterdir()) == [report]


def test_arguments_that_look_like_options_reach_the_program_and_json_on_stdout_is_only_json(
    here: Command,
) -> None:
    done = here(HELLO, "--format", "json", "--", "0", "--format", "-o", "--", "")
    assert done.status == 0
    for number, word in enumerate(["0", "--format", "-o", "--", ""], 1):
        assert f"argument {number}: {word}\n" in done.err
    assert json.loads(done.out)["totals"]["instructions"] > 1000


def test_standard_input_reaches_the_program() -> None:
    done = profile(FIRMWARE / "semihost_calls.elf", stdin=None, input="typed by hand\n")
    assert done.returncode == 0
    assert "typed by hand\n" in done.stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_the_shell_closed_is_an_empty_one(closed: str, tmp_path: Path) -> None:
    script = f'exec "$@" -o report.json --format json {closed}'
    command = ["sh", "-c", script, "sh", *COMMAND, str(FIRMWARE / "semihost_calls.elf")]
    done = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, timeout=GUARD_S)
    assert done.returncode == 0
    assert json.loads((tmp_path / "report.json").read_text())["exit"]["code"] == 0


# --- exit status ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "status", "verdict"),
    [
        ([KERNELS / "fully_connected_s8.elf"], 0, ""),
        ([FAULTS], 1, "mcusim: the program exited with code 2"),
        ([CHECKOUT / "nothing.elf"], 2, "mcusim: error: "),
        ([FAULTS, "--", "read"], 4, "mcusim: the program stopped with a fault: read of unmapped"),
        ([FAULTS, "--max-instructions", "10k", "--", "endless"], 5, "mcusim: the instruction "),
        ([FAULTS, "--timeout", "0.3", "--", "endless"], 5, "mcusim: the time limit"),
    ],
    ids=["done", "program-failed", "usage", "fault", "max-instructions", "timeout"],
)
def test_exit_status_tells_how_it_went(
    here: Command, arguments: list[str | Path], status: int, verdict: str
) -> None:
    done = here(*arguments)
    assert done.status == status
    last = done.err.splitlines()[-1:] or [""]
    assert last[0].startswith(verdict)
    assert bool(done.out) == (status != 2)  # a run that ended badly still has its report


def test_a_fault_names_place_and_callers_in_the_report_and_gives_the_process_its_status() -> None:
    done = profile(FAULTS, "--format", "json", "--", "divide")
    assert done.returncode == 4
    fault = json.loads(done.stdout)["exit"]["fault"]
    assert (fault["kind"], fault["symbol"]) == ("divide by zero", "fault_divide")
    assert fault["file"].endswith("faults.c")
    assert [frame["symbol"] for frame in fault["call_stack"]][-1] == "Reset_Handler"


def test_the_instruction_limit_stops_at_the_same_place_each_time(here: Command) -> None:
    runs = [here(LONG, "--format", "json", "--max-instructions", "123456") for _ in range(2)]
    assert [run.status for run in runs] == [5, 5]
    assert runs[0].out == runs[1].out
    # The limit is looked at between blocks; this program's have at most a few dozen instructions.
    assert 123_456 - 64 < json.loads(runs[0].out)["totals"]["instructions"] <= 123_456


# --- Ctrl-C -----------------------------------------------------------------------------


def test_ctrl_c_gives_the_profile_so_far(tmp_path: Path) -> None:
    report = tmp_path / "so-far.json"
    ours, terminal = os.openpty()
    with ctrl_c_interrupts():
        arguments = ("--format", "json", "-o", report, "--", "millions=1000000")
        process = start(LONG, *arguments, stderr=terminal)
    os.close(terminal)
    said = b""
    while not re.search(rb"[1-9][0-9,.]* M instructions", said):  # the program runs, and is seen to
        said += os.read(ours, 1000)
    process.send_signal(signal.SIGINT)
    with suppress(OSError):  # how a terminal ends that nobody has open any more
        while True:
            said += os.read(ours, 1000)
    os.close(ours)
    out, _ = process.communicate(timeout=GUARD_S)
    assert (process.returncode, out) == (130, "")
    assert said.endswith(b"\r\x1b[Kmcusim: interrupted; the figures are those up to here\r\n")
    so_far = json.loads(report.read_text())
    assert so_far["exit"]["reason"] == "interrupted"
    assert so_far["totals"]["instructions"] > 1000
    assert sum(so_far["totals"]["cycles_by_cause"].values()) == so_far["totals"]["cycles"]


# --- files ------------------------------------------------------------------------------


def test_an_output_file_is_there_whole_or_as_before(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    report.write_text("the one before\n")
    process = start(LONG, "--format", "json", "-o", report, "--", "millions=1000000")
    wait_until(lambda: len(list(tmp_path.iterdir())) > 1, process)
    process.kill()
    process.communicate()
    assert report.read_text() == "the one before\n"


@pytest.mark.parametrize("target", ["missing/report.json", "folder", "/proc/version"])
def test_an_unwritable_output_is_refused_before_the_run(tmp_path: Path, target: str) -> None:
    """The run would take days."""
    (tmp_path / "folder").mkdir()
    done = profile(LONG, "-o", target, "--", "millions=1000000", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"mcusim: error: {target}: cannot write the output: ")
    assert done.stderr.count("\n") == 1
    assert [file.name for file in tmp_path.iterdir()] == ["folder"]
