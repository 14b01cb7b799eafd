"""Random programs against qemu-system-arm: registers, memory, order of exceptions, counts.

A thousand programs per start of either; a program that ends otherwise is cut down to its first step
that does. Of those of --counted a plugin of QEMU counts executions and accesses of each instruction
and bytes, too. Exit status 1 when something differs. Programs follow from their numbers, so --first
and --programs name them.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from simcore.parallel import collect_seldom
from tests.oracle.differential import differences, miscounted

BATCH = 1_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of scripts/validate differential."""
    parser.add_argument(
        "--programs", type=int, default=10_000, metavar="N", help="10,000 if not said"
    )
    parser.add_argument("--counted", type=int, default=1_000, metavar="N", help="1,000 of them")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first")
    parser.add_argument("--time", type=float, metavar="SECONDS", help="begin no batch behind it")


def run(options: argparse.Namespace) -> int:
    """Compare and tell; 1 when programs differ."""
    collect_seldom()
    began, cpu, done, found = time.monotonic(), time.process_time(), 0, 0
    counted = instructions = 0
    with tempfile.TemporaryDirectory(prefix="mcusim-differential-") as folder:
        while done < options.programs:
            if options.time is not None and time.monotonic() - began > options.time:
                break
            count = min(BATCH, options.programs - done)
            first = options.first + done
            for one in differences(Path(folder), range(first, first + count)):
                found += 1
                print(f"program {one.seed} differs: {' ; '.join(one.step.split(chr(10)))}")
            if counted < options.counted:
                bad, executed = miscounted(Path(folder), range(first, first + count))
                for line in bad:
                    print(f"programs from {first}: {line}")
                found += len(bad)
                counted += count
                instructions += executed
            done += count
    spent = time.process_time() - cpu
    print(
        f"{done:,} programs from {options.first:,}, of {counted:,} each of {instructions:,}"
        f" instructions counted twice: {found} differences; {spent:.0f} s of CPU here,"
        f" {done / max(spent, 0.01):.0f} programs a second"
    )
    return int(found > 0)
