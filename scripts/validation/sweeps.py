"""Runs a sweep of a thousand points, kills it again and again: what is lost, what the engine costs.

Each point is a program that runs for about a fifth of a second on this machine. The client is
killed (SIGKILL) at random moments; then it runs to its end, while workers of it are killed:
processes of its pool, or with --cluster the workers of a Dask scheduler over loopback, each of
which another follows. Results in the store before each start are not run again (their rows are
those that were written before), and at the end there are all. With --folder and --seconds it is
done in pieces: each begins where the one before was killed. The overhead is the wall time of an
undisturbed sweep on N processes beyond a N-th of the seconds that its points took themselves; an
empty task is one that returns at once.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing, nullcontext, suppress
from pathlib import Path

from simcore.parallel import Pool, processors
from simcore.plain import to_plain
from simcore.store.database import open_store
from simcore.store.rows import StoredRun
from simcore.store.writer import StoreWriter
from simcore.sweep.groups import PlannedPoint, PointGroup
from simcore.sweep.space import load_space
from simcore.whatif.results import Outcome

LENGTH_S = 0.2
SHARE = 0.05
EMPTY_S = 0.005


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--points", type=int, default=1000, metavar="N")
    parser.add_argument("--kills", type=int, default=5, metavar="N", help="of the client")
    parser.add_argument("--lost", type=int, default=3, metavar="N", help="workers that are killed")
    parser.add_argument("--cluster", action="store_true", help="workers of a Dask scheduler here")
    parser.add_argument("--workers", type=int, default=processors(), metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="that stays, to go on in later")
    parser.add_argument("--seconds", type=float, help="kill the client then, and end")
    parser.add_argument("--no-overhead", action="store_true", help="only the kills")


def run(options: argparse.Namespace) -> int:
    """Print what was found; returns 1 when something was lost, run again or too slow."""
    with tempfile.TemporaryDirectory() as made:
        folder = options.folder or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        os.chdir(folder)
        Path("space.toml").write_text(_space(options.points))
        with _Cluster(options.workers) if options.cluster else nullcontext() as cluster:
            bad = _kills(options, cluster)
        if not options.no_overhead:
            bad += _empty(options.workers) + _overhead(options)
    return int(bad > 0)


def _space(points: int) -> str:
    shifts = ", ".join(str(4 * n) for n in range(-(-points // 20)))
    return (
        '[axes]\nkernel = ["mixed"]\ncpu = ["stm32f746", "stm32h743"]\n'
        'clock = ["80MHz", "100MHz", "140MHz", "180MHz", "200MHz"]\ncaches = ["on", "off"]\n'
        f"shift = [{shifts}]\n"
    )


class _Cluster:
    """A Dask scheduler of this machine and its workers, each a process of its own."""

    def __init__(self, workers: int) -> None:
        self._count = workers
        self._file = Path("scheduler.json")
        self.address = ""
        self._scheduler: subprocess.Popen[bytes] | None = None
        self._workers: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> _Cluster:
        self._file.unlink(missing_ok=True)
        told = ["--port", "0", "--scheduler-file", str(self._file)]
        self._scheduler = _dask("scheduler", "--host", "127.0.0.1", *told)
        while not self.address:
            time.sleep(0.1)
            if self._scheduler.poll() is not None:
                raise SystemExit("dask scheduler did not start: see dask.log")
            with suppress(OSError, ValueError):
                self.address = json.loads(self._file.read_text())["address"]
        for _ in range(self._count):
            self._add()
        return self

    def __exit__(self, *_: object) -> None:
        for process in (*self._workers, self._scheduler):
            if process is not None:
                process.kill()
                process.wait()

    def _add(self) -> None:
        one = ("--nthreads", "1", "--no-nanny", "--local-directory", "dask")
        self._workers.append(_dask("worker", self.address, *one))

    def lose(self, chance: random.Random) -> int:
        """Kill a worker; another follows it."""
        worker = self._workers.pop(chance.randrange(len(self._workers)))
        worker.kill()
        worker.wait()
        self._add()
        return 1


def _dask(*command: str) -> subprocess.Popen[bytes]:
    with Path("dask.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *command, "--no-dashboard"], stdout=log, stderr=log
        )


def _lose(client: int, cluster: _Cluster | None, chance: random.Random) -> int:
    """Kill a worker of a client; how many were there to be killed."""
    if cluster is not None:
        return cluster.lose(chance)
    there = _workers_of(client)
    if there:
        os.kill(chance.choice(there), signal.SIGKILL)
    return int(bool(there))


def _started(workers: int, cluster: _Cluster | None) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "simcore.cli.main", "sweep", "space.toml", "-v"]
    where = ["--workers", str(workers)] if cluster is None else ["--scheduler", cluster.address]
    return subprocess.Popen(
        [*command, *where, "--format", "csv", "-o", "out.csv"], stderr=subprocess.PIPE, text=True
    )


def _kept() -> dict[str, int]:
    """The results that are there, by their keys: each with the number of its row, which is another
    once it was written again."""
    if not Path("space.db").exists():
        return {}
    try:
        with closing(sqlite3.connect("space.db", timeout=60)) as connection:
            return dict(connection.execute("SELECT key, rowid FROM mcusim_runs"))
    except sqlite3.OperationalError:
        return {}


def _kills(options: argparse.Namespace, cluster: _Cluster | None) -> int:
    chance = random.Random(options.seed)
    until = time.monotonic() + (options.seconds or math.inf)
    bad, total = 0, load_space("space.toml").size
    marks = sorted(chance.randrange(1, total * 3 // 4) for _ in range(options.kills))
    for mark in marks:
        before = _kept()
        if len(before) >= mark:
            continue
        with _started(options.workers, cluster) as client:
            while len(_kept()) < mark and client.poll() is None and time.monotonic() < until:
                time.sleep(0.05)
            client.kill()
            said = client.stderr.read() if client.stderr else ""
        bad += _wrong(said, before, total)
        print(f"client killed at {len(_kept())} of {total}; {len(before)} were there", flush=True)
        if time.monotonic() >= until:
            return bad
    before = _kept()
    left = range(len(before) + 1, total - 5)
    moments = sorted(chance.sample(left, min(options.lost, len(left))))
    asked, lost = len(moments), 0
    with _started(options.workers, cluster) as client:
        while client.poll() is None and time.monotonic() < until:
            if moments and len(_kept()) >= moments[0]:
                del moments[0]
                lost += _lose(client.pid, cluster, chance)
            time.sleep(0.05)
        is_cut = client.poll() is None
        client.kill()
        said = client.stderr.read() if client.stderr else ""
    bad += _wrong(said, before, total)
    end = "client killed" if is_cut else f"status {client.returncode}"
    print(
        f"{lost} workers killed: {end}, {len(_kept())} of {total} results,"
        f" {len(before)} were there",
        flush=True,
    )
    if is_cut:
        return bad
    if client.returncode:
        print("  " + " ".join(said.splitlines()[-1:]), flush=True)
    return bad + (client.returncode != 0) + (len(_kept()) != total) + (lost < asked)


def _wrong(said: str, before: dict[str, int], total: int) -> int:
    """What is wrong with a sweep that went on: results that were there and were made again."""
    again = before.items() - _kept().items()
    if again:
        print(f"  {len(again)} results were there and were made again", flush=True)
    return len(again) + _not_told(said, len(before), total)


def _not_told(said: str, before: int, total: int) -> int:
    """Whether a sweep did not find what was there; one killed before it looked says nothing."""
    found = re.search(r"(\d[\d,]*) of (\d[\d,]*) results were in the store", said)
    wrong = found is not None and found[0] != f"{before} of {total} results were in the store"
    if wrong:
        print(f"  it found {found and found[0]}, and {before} were there", flush=True)
    return int(wrong)


def _workers_of(client: int) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(") ")[2].split()[1])
            if parent == client and b"spawn_main" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return sorted(found)


def _nothing(number: int) -> int:
    return number


def _empty(workers: int) -> int:
    many = 2000
    started = time.perf_counter()
    first = 0.0
    with Pool(workers) as pool:
        for _ in pool.run(_nothing, range(many)):
            first = first or time.perf_counter()
    each = (time.perf_counter() - first) / many
    print(
        f"an empty task: {1e3 * each:.2f} ms, behind {first - started:.1f} s of start", flush=True
    )
    return int(each > EMPTY_S)


def _slept(outcome: Outcome) -> Outcome:
    time.sleep(LENGTH_S)
    return outcome


def _overhead(options: argparse.Namespace) -> int:
    """Of tasks that sleep, each with the result of a real point, which is kept in a store."""
    space = load_space("space.toml")
    draft = space.draft(space.places()[0])
    point = PlannedPoint(draft.elf, draft.configuration, draft.options)
    (outcome,) = PointGroup((point,)).run()
    assert isinstance(outcome, Outcome)
    document = json.dumps(to_plain(outcome))
    many, workers = options.points, options.workers
    store = open_store("overhead.db")
    with Pool(workers) as pool, StoreWriter(store) as writer:
        results = pool.run(_slept, [outcome] * (many + workers))
        for _ in range(workers):
            next(results)  # processes are there
        started, cpu = time.perf_counter(), time.process_time()
        for number, future in results:
            key = hashlib.sha256(str(number).encode()).hexdigest()
            told = json.dumps(to_plain(future.result()))
            writer.keep(StoredRun(key, "sweep", (), told.encode()))
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    store.close()
    share = wall * workers / (LENGTH_S * many) - 1
    print(
        f"{many} tasks of {LENGTH_S} s, {len(document):,} bytes kept of each: {wall:.1f} s on"
        f" {workers} processes: {share:+.1%}; {1e3 * cpu / many:.1f} ms of the client's CPU each",
        flush=True,
    )
    return int(share > SHARE)
