"""Kills commands at random moments (SIGKILL): counts half-written files and lost results.

After each kill the documents that are there are whole, what was finished before is there still, the
same command runs again to its usual end, and nothing unfinished is left behind that one. ``two
writers`` are two checks that add runs of their own to one baseline, one of which is killed.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from scripts.command_cases import (
    ELF,
    MCUSIM,
    SHORT,
    Yard,
    broken,
    forget_run,
    kept_runs,
    unfinished,
    yard,
)

#: Of CASES, those that write.
WRITERS = ("profile json", "record", "check jobs", "study ops", "sweep")
MOST_S = 120.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tries", type=int, default=84, metavar="N", help="kills of each writer")
    parser.add_argument("--only", metavar="NAME", help="this writer alone")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--folder", type=Path, help="keep what commands read here, for later runs")


def run(options: argparse.Namespace) -> int:
    """Print a row per writer; returns 1 when something was lost, half-written or in the way."""
    seed = options.seed if options.seed is not None else random.randrange(1 << 30)
    print(f"seed {seed}", file=sys.stderr)
    chance, failed = random.Random(seed), 0
    with yard(options.folder) as made:
        for name in (*WRITERS, "two writers"):
            if options.only not in (None, name):
                continue
            trial = _two_writers if name == "two writers" else _one(name)
            work = made.fresh()
            environment = made.environment(work)
            length = _timed(made, trial, work, environment)
            bad, midway = 0, 0
            for _ in range(options.tries):
                found, killed = trial(made, work, environment, chance.uniform(0, length))
                midway += killed
                bad += bool(found)
                if found:
                    print(f"  {name}: {found}", flush=True)
            failed += bad
            print(f"{name:14} kills {midway} of {options.tries}  bad {bad}", flush=True)
    return int(failed > 0)


Trial = Callable[[Yard, Path, dict[str, str], float], tuple[list[str], bool]]


def _timed(made: Yard, trial: Trial, work: Path, environment: dict[str, str]) -> float:
    """How long the usual run takes, in seconds."""
    trial(made, work, environment, MOST_S)
    started = time.monotonic()
    trial(made, work, environment, MOST_S)
    return (time.monotonic() - started) / 2


def _start(words: list[str], work: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        words, cwd=work / "cwd", env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def _ended(process: subprocess.Popen[bytes], after: float) -> bool:
    """Kill a process so many seconds later, and say whether it still ran."""
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    process.communicate()
    return process.returncode == -signal.SIGKILL


def _one(name: str) -> Trial:
    def trial(
        made: Yard, work: Path, environment: dict[str, str], after: float
    ) -> tuple[list[str], bool]:
        # What is finished runs nothing: a result of it is found anew.
        for result in sorted((work / "cwd").glob("study/runs/*.json"))[:1]:
            result.unlink()
        store = work / "cwd" / "out.db"
        forget_run(store)
        before, runs = _documents(work), kept_runs(store)
        killed = _ended(_start(made.command(name), work, environment), after)
        bad = broken(work / "cwd")
        bad += [f"lost: {path}" for path in before if not (work / "cwd" / path).exists()]
        if killed:
            bad += _again(made.command(name), work, environment)
        bad += [f"lost: run {key}" for key in runs - kept_runs(store)]
        return bad, killed

    return trial


def _documents(work: Path) -> list[str]:
    files = (path for path in (work / "cwd").rglob("*") if path.is_file())
    return sorted(
        str(path.relative_to(work / "cwd")) for path in files
        if not path.name.startswith(".unfinished") and not path.name.endswith("-journal")
    )  # fmt: skip


def _again(words: list[str], work: Path, environment: dict[str, str]) -> list[str]:
    """What is wrong when the command runs again."""
    again = _start(words, work, environment)
    said = again.communicate(timeout=MOST_S)[1]
    bad = broken(work / "cwd")
    if again.returncode:
        bad.append(f"runs no more: {again.returncode} {said[-300:]!r}")
    return bad + unfinished(work / "cwd")


def _two_writers(
    made: Yard, work: Path, environment: dict[str, str], after: float
) -> tuple[list[str], bool]:
    """One of two is killed: the other's runs are there, and those of before."""
    words = [str(MCUSIM), "check", "--save-baseline", "both", "-j", "1"]
    kept = work / "cwd" / ".mcusim" / "both.json"
    before = _runs(kept)
    first = _start([*words, ELF], work, environment)
    second = _start([*words, SHORT, "--cpu", "stm32h743"], work, environment)
    killed = _ended(first, after)
    bad = []
    if said := second.communicate(timeout=MOST_S)[1] if second.wait(MOST_S) else b"":
        bad.append(f"the other fails: {said!r}")
    bad += broken(work / "cwd")
    found = _runs(kept)
    if missing := (before | {Path(SHORT).stem}) - found:
        bad.append(f"lost: {missing}")
    if killed:
        bad += _again([*words, ELF], work, environment)
        if Path(ELF).stem not in _runs(kept):
            bad.append("the next run is not there")
    return bad, killed


def _runs(baseline: Path) -> set[str]:
    """The programs of a baseline."""
    import json

    if not baseline.exists():
        return set()
    return {Path(name.split()[0]).stem for name in json.loads(baseline.read_bytes())["runs"]}
