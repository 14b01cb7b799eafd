"""Runs programs that were written to make tables grow, each for a while: resident memory of each.

Each grows one table as fast as it can: paths of calls, what is open of operations, code that is
another each time, states of the pipeline, uses of data objects, registers of peripherals. The
command fails when one needs more than --most, and prints the warnings that say what was left out.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.integration.assembled import PROLOGUE
from tests.integration.growing import PROGRAMS

GCC = ("arm-none-eabi-gcc", "-mcpu=cortex-m7", "-mfpu=fpv5-d16", "-mfloat-abi=hard", "-mthumb")
LINK = (
    "-nostdlib", "-Wl,--entry=reset,--section-start=.isr_vector=0x08000000,-Ttext=0x08000100",
    "-Wl,-Tbss=0x20010000",
)  # fmt: skip
MCUSIM = Path(sys.executable).parent / "mcusim"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of scripts/validate memory."""
    parser.add_argument("--time", type=float, default=20.0, metavar="S", help="of each program")
    parser.add_argument("--most", type=int, default=2_000, metavar="MB", help="of each program")
    parser.add_argument("--only", default="", metavar="NAME", help="programs with this in the name")


def run(options: argparse.Namespace) -> int:
    """Print a row per program; 1 when one needs too much or fails."""
    failed = 0
    with tempfile.TemporaryDirectory(prefix="mcusim-memory-") as name:
        for title, text in PROGRAMS.items():
            if options.only not in title:
                continue
            peak_mb, status, err = measured(Path(name), text, options.time)
            bad = peak_mb > options.most or status not in (0, 4, 5)
            failed += bad
            print(f"{title:40} {peak_mb:6,.0f} MB  status {status}{'  BAD' if bad else ''}")
            for line in err.splitlines():
                print(f"    {line[:300]}", flush=True)
    return int(failed > 0)


def measured(folder: Path, text: str, seconds: float) -> tuple[float, int, str]:
    """Most resident memory of a profile of a program, in MB, its status and what it said."""
    source, elf = folder / "program.S", folder / "program.elf"
    source.write_text(PROLOGUE + text + "\n")
    subprocess.run([*GCC, *LINK, source, "-o", elf], check=True, cwd=folder)
    words: list[str | Path] = [
        MCUSIM,
        "profile",
        elf,
        "--cpu",
        "stm32f746",
        "--timeout",
        f"{seconds:g}",
    ]
    words += ["--max-instructions", "100000000000", "--format", "json", "-o", folder / "out.json"]
    with (folder / "err").open("w+") as err:
        process = subprocess.Popen(
            words, cwd=folder, env=os.environ | {"MCUSIM_CACHE": str(folder / "cache")},
            stdout=subprocess.DEVNULL, stderr=err,
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        err.seek(0)
        return usage.ru_maxrss / 1000, process.returncode, err.read()
