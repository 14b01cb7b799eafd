"""A process that runs inputs of one target: `python -m scripts.fuzzing.worker JSON`.

What it is about to run stands in a shared file, so that who started it knows the input that ended
it. Inputs hang on the seed and on their number alone, and on what was kept of those before: a
worker that goes on for a dead one reads that back.
"""

from __future__ import annotations

import gc
import json
import mmap
import os
import resource
import signal
import struct
import sys
import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from types import FrameType, TracebackType
from typing import NoReturn

from scripts.fuzzing import edges
from scripts.fuzzing.target import ROOT, Attempt, Target, kept

#: Of one input: CPU time, and what the process may grow by.
MOST_S = 5
MOST_GROWTH_KIB = 1 << 20
MOST_ADDRESSES = 8 << 30
MOST_LINE = 2_000  # characters of an error
NOW_BYTES = 8 << 20
HEADER = struct.Struct("<qqi")  # number of the input, or -1; how often it was written; its bytes


class SlowError(BaseException):
    """An input that took longer than MOST_S."""


@dataclass
class Finding:
    """An input that is neither read nor refused as it should be."""

    what: str
    where: str
    text: str
    number: int
    times: int = 1
    bytes: int = 0
    file: str = ""


@dataclass
class Job:
    """What a worker does."""

    target: str
    seed: int
    folder: str
    first: int = 0
    runs: int | None = None
    seconds: float | None = None
    watched: bool = True


@dataclass
class Done:
    """What it did."""

    runs: int = 0
    passed: int = 0
    refused: int = 0
    ways: int = 0
    known_ways: int = 0
    kept: int = 0
    cpu_s: float = 0.0
    entered: list[str] = field(default_factory=list)  # files of ours whose functions were called
    findings: list[Finding] = field(default_factory=list)


class Worker:
    """Runs inputs of a target one after the other."""

    def __init__(self, target: Target, job: Job) -> None:
        self._target, self._job = target, job
        self.folder = Path(job.folder)
        (self.folder / "kept").mkdir(parents=True, exist_ok=True)
        (self.folder / "scratch").mkdir(exist_ok=True)
        self.done = Done()
        self._findings: dict[tuple[str, str], Finding] = {}
        self._pool: list[bytes] = []
        self._good: list[bytes] = []  # of the pool, what passed the first check
        self._own = 0  # how many of the pool are seeds
        self._reached = 0
        self._most = 0
        with (self.folder / "now").open("w+b") as file:
            file.truncate(NOW_BYTES)
            self._now = mmap.mmap(file.fileno(), NOW_BYTES)
        self._written = 0

    def run(self) -> Done:
        """Run what the job says."""
        job, done = self._job, self.done
        began, cpu = time.monotonic(), time.process_time()
        before = sorted((self.folder / "before").glob("*"))
        own = self._target.seeds()
        seeds = [*own, *kept("found", self._target.name)]
        seeds += [path.read_bytes() for path in before]
        self._pool, self._good = list(seeds), list(own)
        self._own = len(seeds)
        for path in sorted((self.folder / "kept").iterdir(), key=lambda p: int(p.name)):
            if int(path.name) < job.first:  # of a worker that died
                attempt, data = Attempt(self.folder / "scratch"), path.read_bytes()
                self.tried(data, attempt)
                self._keep(data, attempt)
        signal.signal(signal.SIGPROF, _slow)
        number = job.first
        while (job.runs is None or number < job.runs) and (
            job.seconds is None or time.monotonic() - began < job.seconds
        ):
            data = seeds[number] if number < len(seeds) else self._made(number)
            self._one(number, data)
            number += 1
        done.runs = number - job.first
        done.ways, done.known_ways = edges.reached(), edges.known()
        done.kept = len(self._pool) - self._own
        done.cpu_s = time.process_time() - cpu
        done.entered = [str(Path(file).relative_to(ROOT)) for file in edges.entered()]
        done.findings = list(self._findings.values())
        return done

    def _made(self, number: int) -> bytes:
        """The input of a number: one of the pool, of which newer ones are likelier, changed.

        Three of four come from what passed the first check: most changes of the rest do not.
        """
        rng = Random(self._job.seed * 1_000_003 + number)
        pool = self._good if rng.random() < 0.75 else self._pool
        recent = len(pool) - 1 - int(rng.expovariate(0.1))
        at = recent if recent >= 0 and rng.random() < 0.3 else rng.randrange(len(pool))
        data = self._target.change(rng, pool[at], pool[rng.randrange(len(pool))])
        return data[: NOW_BYTES - HEADER.size]

    def _one(self, number: int, data: bytes) -> None:
        before = self._reached
        self._tell(number, data)
        attempt = Attempt(self.folder / "scratch")
        finding = self.tried(data, attempt)
        self.done.passed += attempt.passed
        self.done.refused += attempt.refused
        self._reached = edges.reached()
        if finding is not None:
            self._found(number, data, finding)
        elif self._reached > before and len(data) < 200_000:
            self._keep(data, attempt)
            (self.folder / "kept" / str(number)).write_bytes(data)

    def _keep(self, data: bytes, attempt: Attempt) -> None:
        self._pool.append(data)
        if attempt.passed:
            self._good.append(data)

    def _tell(self, number: int, data: bytes) -> None:
        self._written += 1
        self._now[HEADER.size : HEADER.size + len(data)] = data
        self._now[: HEADER.size] = HEADER.pack(number, self._written, len(data))

    def tried(self, data: bytes, attempt: Attempt) -> Finding | None:
        """Run one input; what is wrong with how it ended."""
        from simcore.errors import McusimError

        most = self._most or _peak_kib()
        if self._job.watched:
            signal.setitimer(signal.ITIMER_PROF, MOST_S)
        try:
            self._target.run(data, attempt)
        except McusimError as error:
            attempt.refused = True
            return self._refusal(error)
        except SlowError as error:
            return _finding(f"more than {MOST_S} s", error.__traceback__, "")
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            return _finding(type(error).__name__, error.__traceback__, _shown(error))
        finally:
            if self._job.watched:
                signal.setitimer(signal.ITIMER_PROF, 0)
        self._most = _peak_kib()
        if self._most - most > MOST_GROWTH_KIB:
            return Finding(f"more than {MOST_GROWTH_KIB >> 10} MiB", self._target.name, "", 0)
        return None

    def _refusal(self, error: BaseException) -> Finding | None:
        """A refusal is one line that can be shown, of bounded length."""
        from simcore.log_text import error_line

        line = error_line(str(error))
        if not line.isprintable() or len(line) > MOST_LINE:
            return _finding("an error that is no line", error.__traceback__, line[:200])
        return None

    def _found(self, number: int, data: bytes, finding: Finding) -> None:
        key = (finding.what, finding.where)
        if (known := self._findings.get(key)) is not None:
            known.times += 1
            return
        finding.number = number
        self._findings[key] = finding
        data = self._minimised(data, key)
        finding.bytes = len(data)
        path = self.folder / f"finding-{number}"
        path.write_bytes(data)
        finding.file = str(path)
        print(f"{self._target.name}: {finding.what} at {finding.where}: {finding.text}; {path}",
              file=sys.stderr, flush=True)  # fmt: skip

    def _minimised(self, data: bytes, key: tuple[str, str]) -> bytes:
        """A shorter input with the same finding: pieces are left out, for at most ten seconds."""
        until, step = time.monotonic() + 10, max(len(data) // 2, 1)
        while step and time.monotonic() < until:
            at = 0
            while at < len(data) and time.monotonic() < until:
                shorter = data[:at] + data[at + step :]
                found = self.tried(shorter, Attempt(self.folder / "scratch"))
                if found is not None and (found.what, found.where) == key:
                    data = shorter
                else:
                    at += step
            step //= 2
        return data


def _finding(what: str, trace: TracebackType | None, text: str) -> Finding:
    """A finding, by the innermost place of ours."""
    frames = traceback.extract_tb(trace)
    ours = [frame for frame in frames if "/simcore/" in frame.filename] or frames
    place = ours[-1]
    name = Path(place.filename)
    name = name.relative_to(ROOT) if name.is_relative_to(ROOT) else Path(name.name)
    return Finding(what, f"{name}:{place.lineno} {place.name}", text, 0)


def _peak_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _shown(error: BaseException) -> str:
    return ascii(str(error))[:200]


def _slow(signum: int, frame: FrameType | None) -> None:
    raise SlowError


def main() -> NoReturn:
    """Do the job of the command line; what was done goes to stdout as JSON."""
    job = Job(**json.loads(sys.argv[1]))
    os.environ["MCUSIM_SANDBOX"] = "off"
    resource.setrlimit(resource.RLIMIT_AS, (MOST_ADDRESSES, MOST_ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    edges.install("simcore")
    gc.set_threshold(20_000, 20, 50)
    from scripts.fuzzing.targets import TARGETS

    worker = Worker(TARGETS[job.target], job)
    print(json.dumps(asdict(worker.run())), flush=True)
    os._exit(0)  # to free all that is kept one by one takes up to half a minute


if __name__ == "__main__":
    main()
