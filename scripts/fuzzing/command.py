"""The command line of scripts/fuzz: which targets, how long, what came of it."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from scripts.fuzzing import counts
from scripts.fuzzing.campaign import campaign
from scripts.fuzzing.target import ROOT, Attempt
from scripts.fuzzing.targets import TARGETS
from scripts.fuzzing.worker import Done, Job, Worker

COLUMNS = ("target", "inputs", "passed", "refused", "ways", "of", "CPU s", "inputs/s", "findings")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of scripts/fuzz."""
    parser.add_argument(
        "targets", nargs="*", metavar="TARGET", help=f"all, or of: {', '.join(TARGETS)}"
    )
    parser.add_argument("--time", type=float, metavar="SECONDS", help="for each target")
    parser.add_argument("--runs", type=int, metavar="N", help="inputs of each target")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="1 if nothing is said")
    parser.add_argument(
        "--input", type=Path, metavar="FILE", help="run this input alone, with its traceback"
    )
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "build" / "fuzz", help="where findings lie"
    )
    parser.add_argument(
        "--go-on", action="store_true", help="with what campaigns before kept in the folder"
    )
    parser.add_argument(
        "--count", action="store_true", help=f"add to {counts.COUNTS.relative_to(ROOT)}"
    )
    parser.add_argument(
        "--counts", action="store_true", help="print what is counted there, and run nothing"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="the table as JSON, too")


def run(options: argparse.Namespace) -> int:
    """Do what the options say; 1 when there is a finding."""
    names = list(TARGETS) if options.targets in ([], ["all"]) else options.targets
    if unknown := [name for name in names if name not in TARGETS]:
        print(f"scripts/fuzz: no target '{unknown[0]}'; there are {', '.join(TARGETS)}")
        return 2
    if options.input is not None:
        return max(_one(name, options.input) for name in names)
    if options.counts:
        print(_row((*COLUMNS[:-1], "code")))
        for name, done, same in counts.kept():
            if name in names:
                print(_row((*_cells(name, done)[:-1], "same" if same else "changed")))
        return 0
    seconds = 60.0 if options.time is None and options.runs is None else options.time
    table: dict[str, Done] = {}
    began = time.time()
    print(_row(COLUMNS), flush=True)
    for name in names:
        folder = options.folder / name
        done = campaign(name, options.seed, options.runs, seconds, folder, options.go_on)
        table[name] = done
        print(_row(_cells(name, done)), flush=True)
    if options.count:
        for name in counts.add(table, since=began):
            print(f"{name}: not counted: its code changed meanwhile, or no worker came to its end")
    for name, done in table.items():
        for found in done.findings:
            print(f"{name}: {found.what} at {found.where}, {found.times} times: {found.text}")
            print(f"  scripts/fuzz {name} --input {found.file}")
    if options.json is not None:
        plain = {name: asdict(done) for name, done in table.items()}
        options.json.write_text(json.dumps({"seed": options.seed, "targets": plain}, indent=1))
    return int(any(done.findings for done in table.values()))


def _one(name: str, path: Path) -> int:
    """Run one input in this process."""
    from simcore.errors import McusimError

    data = path.read_bytes()
    with tempfile.TemporaryDirectory(prefix="mcusim-fuzz-") as folder:
        try:
            TARGETS[name].run(data, Attempt(Path(folder)))
        except McusimError as error:
            found = Worker(TARGETS[name], Job(name, 0, folder, watched=False)).tried(
                data, Attempt(Path(folder))
            )
            print(f"{name}: refused: {ascii(str(error))[:2000]}")
            return int(found is not None)
    print(f"{name}: read")
    return 0


def _cells(name: str, done: Done) -> tuple[str, ...]:
    rate = done.runs / done.cpu_s if done.cpu_s else 0.0
    passed = f"{done.passed / done.runs:.0%}" if done.runs else "-"
    refused = f"{done.refused / done.runs:.0%}" if done.runs else "-"
    return (
        name, f"{done.runs:,}", passed, refused, f"{done.ways:,}", f"{done.known_ways:,}",
        f"{done.cpu_s:.1f}", f"{rate:,.0f}", str(len(done.findings)),
    )  # fmt: skip


def _row(cells: tuple[str, ...]) -> str:
    return f"{cells[0]:10}" + "".join(f"{cell:>10}" for cell in cells[1:])
