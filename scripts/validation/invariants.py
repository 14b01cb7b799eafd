"""What must hold for every program, on random ones: sums, replay, what-if, the cache, and counts.

Parts sum to their whole; a replay is the live run, what-if's first configuration the profile, and a
run with an empty or a full cache one without. On a part of the programs, those of --counted, each
execution and access is counted by plain Unicorn, too. Exit status 1 when something differs.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from tests.oracle.invariants import broken, miscounted

BATCH = 500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of scripts/validate invariants."""
    parser.add_argument(
        "--programs", type=int, default=10_000, metavar="N", help="10,000 if not said"
    )
    parser.add_argument("--counted", type=int, default=1_000, metavar="N", help="1,000 of them")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first")
    parser.add_argument("--time", type=float, metavar="SECONDS", help="begin no batch behind it")


def run(options: argparse.Namespace) -> int:
    """Check and tell; 1 when something does not hold."""
    began, done, counted, instructions = time.monotonic(), 0, 0, 0
    found: list[str] = []
    while done < options.programs:
        if options.time is not None and time.monotonic() - began > options.time:
            break
        count = min(BATCH, options.programs - done)
        first = options.first + done
        batch = range(first, first + count)
        with tempfile.TemporaryDirectory(prefix="mcusim-invariants-") as folder:
            told = broken(Path(folder), batch)
            if counted < options.counted:
                bad, executed = miscounted(Path(folder), batch)
                told += bad
                counted += count
                instructions += executed
        for line in told:
            print(f"programs {first} to {first + count - 1}: {line}", flush=True)
        found += told
        done += count
    print(
        f"{done:,} programs from {options.first:,}, of {counted:,} each of {instructions:,}"
        f" instructions counted twice: {len(found)} differences"
    )
    return int(bool(found))
