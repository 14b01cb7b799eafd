"""Resident memory of programs that were written to make tables grow, and of all others.

Each of the first grows one table as fast as it can, for a while: paths of calls, what is open of
operations, code that is another each time, states of the pipeline, uses of data objects, registers
of peripherals. With --all, profiles of every ELF that is in the repository, and of those in
folders that are named, with default options; and commands that start processes. It is that of all
processes of a command at a time, looked at each 50 ms. The command fails when one needs more than
--most, and prints the warnings that say what was left out.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from scripts.command_cases import CASES, ROOT, session_of, yard
from tests.integration.assembled import PROLOGUE
from tests.integration.growing import PROGRAMS

GCC = ("arm-none-eabi-gcc", "-mcpu=cortex-m7", "-mfpu=fpv5-d16", "-mfloat-abi=hard", "-mthumb")
LINK = (
    "-nostdlib", "-Wl,--entry=reset,--section-start=.isr_vector=0x08000000,-Ttext=0x08000100",
    "-Wl,-Tbss=0x20010000",
)  # fmt: skip
MCUSIM = Path(sys.executable).parent / "mcusim"
#: Where the repository's own programs are.
FOLDERS = ("kernels/prebuilt", "kernels/corpus/prebuilt", "tests/firmware/prebuilt")
PAGE = os.sysconf("SC_PAGE_SIZE")
LOOK_S = 0.05


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of scripts/validate memory."""
    parser.add_argument("--time", type=float, default=20.0, metavar="S", help="of each program")
    parser.add_argument("--most", type=int, default=2_000, metavar="MB", help="of each program")
    parser.add_argument("--only", default="", metavar="NAME", help="programs with this in the name")
    parser.add_argument("--all", action="store_true", help="all programs and commands, instead")
    parser.add_argument(
        "--folder", type=Path, action="append", default=[], help="with --all, ELFs below it, too"
    )
    parser.add_argument("--option", action="append", default=[], help="with --all, of each profile")


def run(options: argparse.Namespace) -> int:
    """Print a row per program; 1 when one needs too much or fails."""
    failed, peaks = 0, []
    with tempfile.TemporaryDirectory(prefix="mcusim-memory-") as name:
        for title, words in _asked(options, Path(name)):
            peak_mb, status, err = measured(Path(name), words)
            bad = peak_mb > options.most or status not in (0, 1, 2, 4, 5)
            failed += bad
            peaks.append((peak_mb, title))
            print(f"{title:60} {peak_mb:6,.0f} MB  status {status}{'  BAD' if bad else ''}")
            for line in err.splitlines()[: 0 if options.all else None]:
                print(f"    {line[:300]}", flush=True)
    peaks.sort(reverse=True)
    print(
        f"{len(peaks)} runs; the largest: {', '.join(f'{t} {mb:,.0f} MB' for mb, t in peaks[:3])}"
    )
    return int(failed > 0)


def _asked(options: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Sequence[str | Path]]]:
    if not options.all:
        for title, text in PROGRAMS.items():
            if options.only in title:
                yield title, _built(folder, text, options.time)
        return
    found = [
        *(elf for place in FOLDERS for elf in sorted((ROOT / place).glob("*.elf"))),
        *(elf for place in options.folder for elf in sorted(place.rglob("*.elf"))),
    ]
    for elf in found:
        if options.only in str(elf):
            words: list[str | Path] = [MCUSIM, "profile", elf, "--format", "json", "-o"]
            words.append(folder / "out.json")
            yield str(elf).removeprefix(f"{ROOT}/"), [*words, *options.option]
    with yard(folder / "yard") as made:
        for case in CASES:
            if options.only in case:
                cwd = made.fresh(case) / "cwd"
                os.chdir(cwd)
                yield case, made.command(case)


def _built(folder: Path, text: str, seconds: float) -> Sequence[str | Path]:
    """The profile of a program that is made now."""
    source, elf = folder / "program.S", folder / "program.elf"
    source.write_text(PROLOGUE + text + "\n")
    subprocess.run([*GCC, *LINK, source, "-o", elf], check=True, cwd=folder)
    limits = ["--timeout", f"{seconds:g}", "--max-instructions", "100000000000"]
    words: list[str | Path] = [MCUSIM, "profile", elf, "--cpu", "stm32f746", *limits]
    return [*words, "--format", "json", "-o", folder / "out.json"]


def measured(folder: Path, words: Sequence[str | Path]) -> tuple[float, int, str]:
    """Most resident memory of the processes of a command, in MB, its status and what it said."""
    with (folder / "err").open("w+") as err:
        process = subprocess.Popen(
            words, env=os.environ | {"MCUSIM_CACHE": str(folder / "cache")},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err, start_new_session=True,
        )  # fmt: skip
        peak = 0
        while process.poll() is None:
            peak = max(peak, sum(map(_resident, session_of(process.pid))))
            time.sleep(LOOK_S)
        err.seek(0)
        return peak / 1e6, process.returncode, err.read()


def _resident(process: int) -> int:
    """Bytes of a process that are in memory; what is shared counts in each."""
    try:
        return int(Path(f"/proc/{process}/statm").read_bytes().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0
