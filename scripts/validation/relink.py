"""Placements by --place beside the same by relinking: the table of docs/model/placement.md.

The cases are those of tests/integration/test_relink.py, which holds them to 1 %; needs
arm-none-eabi-gcc. Cycles are without start-up code and veneers.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import simcore
from tests.integration import test_relink as relink
from tests.integration.programs import CHECKOUT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None: it is one table."""


def run(options: argparse.Namespace) -> int:
    """Print the table as Markdown."""
    print(
        "| kernel | moved | as linked | placed | relinked | difference | veneers (cycles, calls) |"
    )
    print("|---|---|--:|--:|--:|--:|---|")
    with relink.kernels_build() as build:
        for case in (*relink.FEW, *relink.MORE):
            prebuilt = CHECKOUT / "kernels" / "prebuilt" / f"{case.kernel}.elf"
            with tempfile.TemporaryDirectory() as folder:
                elf = relink.build_with(
                    relink.linker_script(case), case.kernel, build, Path(folder)
                )
                profiles = [
                    simcore.profile(prebuilt),
                    simcore.profile(prebuilt, place=case.places),
                    simcore.profile(elf),
                ]
            linked, placed, real = (relink.work(profile)[0] for profile in profiles)
            rows = [f for f in profiles[2].functions if relink.VENEER.fullmatch(f.name)]
            veneers = f"{sum(f.cycles_self for f in rows):,}, {sum(f.calls for f in rows):,}"
            amounts = f"{linked:,} | {placed:,} | {real:,} | {placed / real - 1:+.2%}"
            print(
                f"| {case.kernel} | {' '.join(case.places)} | {amounts.replace('%', ' %')} |"
                f" {veneers if rows else 'none'} |",
                flush=True,
            )
    return 0
