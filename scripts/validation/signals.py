"""Ends every command at random moments by signals and broken streams, and counts bad ends.

A command that is ended says one line or a partial result, has the exit status of docs/ci.md, and
leaves no temporary file, no process and no half-written document behind. ``early`` are tries that
came before the first line of mcusim, while Python itself starts: it answers those.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from scripts.command_cases import CASES, Ended, Yard, left_behind, said, yard

#: Exit status of who is interrupted or terminated, as shells report it, and as Python does for one
#: that had no time to say anything.
STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143}
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1  # linux/prctl.h, linux/capability.h
SECONDS = 60.0
FULL = 4096  # bytes that a file may have on the disk that is full


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tries", type=int, default=20, metavar="N", help="per command and signal")
    parser.add_argument("--only", metavar="NAME,NAME", default="", help="these commands alone")
    parser.add_argument("--ends", metavar="NAME,NAME", default=",".join(ENDS), help="these alone")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--folder", type=Path, help="keep what commands read here, for later runs")


def run(options: argparse.Namespace) -> int:
    """Print a row per command; returns 1 when an end was bad."""
    seed = options.seed if options.seed is not None else random.randrange(1 << 30)
    print(f"seed {seed}", file=sys.stderr)
    chance = random.Random(seed)
    ends = options.ends.split(",")
    totals: Counter[str] = Counter()
    with yard(options.folder) as made:
        for name in options.only.split(",") if options.only else CASES:
            usual = ending(made, name, None, None)
            cells = []
            if usual.bad:
                print(f"{name}: without any signal: {usual.bad}", flush=True)
            for end in ends:
                tries, bad, early = 0, 0, 0
                for ended in ENDS[end](made, name, usual, options.tries, chance):
                    tries += 1
                    early += ended.bad == ["early"]
                    if ended.bad and ended.bad != ["early"]:
                        bad += 1
                        print(f"  {name}, {end}: {ended.status} {ended.bad}", flush=True)
                cells.append(f"{end} {tries}/{early}/{bad}")
                totals[f"{end} tries"] += tries
                totals[f"{end} early"] += early
                totals[f"{end} bad"] += bad
            print(f"{name:18} {'  '.join(cells)}", flush=True)
    print(dict(totals))
    return int(any(count for key, count in totals.items() if key.endswith("bad")))


def ending(
    made: Yard,
    name: str,
    number: signal.Signals | None,
    delay: float | None,
    *,
    group: bool = False,
    stdout: int | None = None,
    before: Callable[[], None] | None = None,
    reads: int | None = None,
    read_only: bool = False,
    disk: int | None = None,
) -> Ended:
    """Run a case in a fresh folder and end it; ``reads`` bytes of its output and then none.

    With ``disk`` its working, temporary and cache folder are on one of so many bytes each.
    """
    work = made.fresh(name)
    environment = made.environment(work)
    if read_only:
        (work / "cwd").chmod(0o555)
    with (
        (work / "err").open("w+b") as err,
        (work / "out").open("w+b") as out,
        _disks(made, name, work, disk),
    ):
        process = subprocess.Popen(
            made.command(name),
            cwd=work / "cwd", env=environment, stdin=subprocess.DEVNULL, stderr=err,
            stdout=subprocess.PIPE if reads is not None else out if stdout is None else stdout,
            start_new_session=True, preexec_fn=before,
        )  # fmt: skip
        if reads is not None:
            assert process.stdout is not None
            process.stdout.read(reads)
            process.stdout.close()
        if delay is not None and number is not None:
            time.sleep(delay)
            with suppress(ProcessLookupError):
                (os.killpg if group else os.kill)(process.pid, number)
        bad = []
        try:
            status = process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            bad.append(f"still runs after {SECONDS:.0f} s")
            os.killpg(process.pid, signal.SIGKILL)
            status = process.wait()
        bad += left_behind(work, process.pid)
        err.seek(0)
        out.seek(0)
        text = err.read().decode("utf-8", "replace")
        ended = Ended(status, out.read(), text, bad + said(text))
    shutil.rmtree(work)
    return ended


@contextmanager
def _disks(made: Yard, name: str, work: Path, size: int | None) -> Iterator[None]:
    """The folders of a command are disks of so many bytes each; as they are with None."""
    with ExitStack() as mounted:
        for each in ("cwd", "tmp", "cache") if size is not None else ():
            (work / each).mkdir(exist_ok=True)
            at = str(work / each)
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", at], check=True)
            mounted.callback(subprocess.check_call, ["umount", at])
        if size is not None:
            made.fill(name, work / "cwd")
        yield


def _signals(number: signal.Signals) -> Callable[..., Sequence[Ended]]:
    def all_of(
        made: Yard, name: str, usual: Ended, tries: int, chance: random.Random
    ) -> list[Ended]:
        started = time.monotonic()
        ending(made, name, None, None)
        length = time.monotonic() - started
        return [
            _judged(
                ending(made, name, number, chance.uniform(0, length), group=bool(each % 2)),
                usual, number,
            )
            for each in range(tries)
        ]  # fmt: skip

    return all_of


def _judged(ended: Ended, usual: Ended, number: signal.Signals) -> Ended:
    """A command that had ended before, or ends by the signal; early is what Python answers."""
    early = (
        ended.status == -number
        or "init_import_site" in ended.err
        or (
            "Traceback" in ended.err
            and "KeyboardInterrupt" in ended.err
            and "simcore" not in ended.err
        )
    )
    if early and all(text.startswith("says") or "exit status" in text for text in ended.bad):
        return Ended(ended.status, ended.out, ended.err, ["early"])
    bad = list(ended.bad)
    if ended.status not in (usual.status, STATUS[number]):
        bad.append(f"exit status {ended.status}: {ended.err[-300:]!r}")
    elif ended.status == STATUS[number] and not ended.err.strip():
        bad.append("says nothing")
    return Ended(ended.status, ended.out, ended.err, bad)


def _pipe(made: Yard, name: str, usual: Ended, tries: int, chance: random.Random) -> list[Ended]:
    """``| head -c 1`` and a reader that reads nothing at all: all is well."""
    found = [ending(made, name, None, None, reads=each) for each in (0, 1)]
    return [_same(ended, (usual.status,)) for ended in found]


def _closed(made: Yard, name: str, usual: Ended, tries: int, chance: random.Random) -> list[Ended]:
    """``>&-``: to nowhere, and all is well."""
    return [_same(ending(made, name, None, None, before=lambda: os.close(1)), (usual.status,))]


def _full(made: Yard, name: str, usual: Ended, tries: int, chance: random.Random) -> list[Ended]:
    """Standard output on a disk that is full: status 2, unless nothing goes there."""
    handle = os.open("/dev/full", os.O_WRONLY)
    try:
        ended = ending(made, name, None, None, stdout=handle)
    finally:
        os.close(handle)
    return [_same(ended, (2,) if usual.out else (usual.status,))]


def _small(made: Yard, name: str, usual: Ended, tries: int, chance: random.Random) -> list[Ended]:
    """No file may have more than a few bytes: status 2, unless all is smaller."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (FULL, FULL))

    return [_same(ending(made, name, None, None, before=limit), (2, usual.status))]


def _disk(made: Yard, name: str, usual: Ended, tries: int, chance: random.Random) -> list[Ended]:
    """Working, temporary and cache folder on disks that are full soon: status 2 where one matters.

    Only root can mount them.
    """
    if os.geteuid():
        return []
    # A repository and a store that are there before take 128 KiB.
    least = 17 if name in ("check bisect", "results remove") else 12
    sizes = [1 << least, *(int(2 ** chance.uniform(least, 21)) for _ in range(max(tries // 8, 1)))]
    return [_same(ending(made, name, None, None, disk=size), (2, usual.status)) for size in sizes]


def _read_only(
    made: Yard, name: str, usual: Ended, tries: int, chance: random.Random
) -> list[Ended]:
    """A working folder that takes nothing: status 2 where something is written there."""
    writing = ("-o", "--save-baseline", "--outputs", "--store", "--remove", "--bisect")
    writes = any(word in made.command(name) for word in writing)

    def as_any_user() -> None:  # root writes where it likes
        ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)

    ended = ending(made, name, None, None, before=as_any_user, read_only=True)
    return [_same(ended, (2,) if writes else (usual.status,))]


def _same(ended: Ended, statuses: tuple[int, ...]) -> Ended:
    bad = list(ended.bad)
    if ended.status not in statuses:
        bad.append(f"exit status {ended.status}: {ended.err[-300:]!r}")
    if ended.status == 2 and not ended.err.rpartition("mcusim: error: ")[2].strip():
        bad.append(f"says {ended.err!r}")
    return Ended(ended.status, ended.out, ended.err, bad)


ENDS: dict[str, Callable[..., Sequence[Ended]]] = {
    "SIGINT": _signals(signal.SIGINT),
    "SIGTERM": _signals(signal.SIGTERM),
    "pipe": _pipe,
    "closed": _closed,
    "full": _full,
    "small": _small,
    "disk": _disk,
    "read-only": _read_only,
}
