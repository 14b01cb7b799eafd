"""Starts workers, sees how they end, names the input that ended one, and tells what came of it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from scripts.fuzzing.target import ROOT
from scripts.fuzzing.worker import HEADER, MOST_S, Done, Finding, Job

#: An input that does not end, not even by its own timer: CPU seconds, seconds of the clock.
HANGS_CPU_S, HANGS_S = 3 * MOST_S, 60
WORKER = ("-m", "scripts.fuzzing.worker")
_TICKS = os.sysconf("SC_CLK_TCK")


def campaign(
    target: str, seed: int, runs: int | None, seconds: float | None, folder: Path, go_on: bool
) -> Done:
    """Run inputs of a target until there were so many, or so long; findings lie in `folder`.

    To `go_on`, what campaigns before kept there are seeds, too.
    """
    _clear(folder, go_on)
    total, first = Done(), 0
    began = time.monotonic()
    while (runs is None or first < runs) and (
        seconds is None or time.monotonic() - began < seconds
    ):
        left = None if seconds is None else seconds - (time.monotonic() - began)
        job = Job(target, seed, str(folder), first, runs, left)
        done, ended = _worked(job, folder)
        if done is not None:
            _add(total, done)
            return total
        # What a worker counted dies with it, save how far it came.
        number, data = _input(folder)
        total.runs += max(number + 1 - first, 0)
        path = folder / f"finding-{number}"
        path.write_bytes(data)
        total.findings.append(
            Finding(ended, target, "the process ended", number, 1, len(data), str(path))
        )
        print(f"{target}: {ended}; {path}", file=sys.stderr)
        if number < first or len(total.findings) > 20:
            break
        first = number + 1
    return total


def _clear(folder: Path, go_on: bool) -> None:
    before = folder / "before"
    if not go_on:
        shutil.rmtree(folder, ignore_errors=True)
    before.mkdir(parents=True, exist_ok=True)
    for path in (folder / "kept").glob("*"):
        data = path.read_bytes()
        (before / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    shutil.rmtree(folder / "kept", ignore_errors=True)


def _add(total: Done, done: Done) -> None:
    for name, value in asdict(done).items():
        if name in ("runs", "passed", "refused", "cpu_s"):
            setattr(total, name, getattr(total, name) + value)
        elif name != "findings":
            setattr(total, name, value)
    total.findings += done.findings


def _worked(job: Job, folder: Path) -> tuple[Done | None, str]:
    """What a worker did; None and how it ended when it did not come to its end."""
    command = [sys.executable, *WORKER, json.dumps(asdict(job))]
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stdin=subprocess.DEVNULL)
        try:
            hung = _watch(process, folder)
        except BaseException:
            process.kill()
            process.wait()
            raise
        if hung:
            return None, "hangs"
        if process.returncode:
            code = process.returncode
            if code > 0:
                raise SystemExit(
                    f"scripts/fuzz: {job.target}: the worker ended with {code}, see above"
                )
            return None, signal.Signals(-code).name
        out.seek(0)
        plain = json.loads(out.read().splitlines()[-1])
    findings = [Finding(**one) for one in plain.pop("findings")]
    return Done(**plain, findings=findings), ""


def _watch(process: subprocess.Popen[bytes], folder: Path) -> bool:
    """Wait for the end of a worker; True when its input hung and it was killed."""
    at, cpu, clock = (-1, 0), 0.0, time.monotonic()
    while True:
        try:
            process.wait(0.5)
            return False
        except subprocess.TimeoutExpired:
            pass
        now, used = _written(folder), _cpu_s(process.pid)
        if now != at:
            at, cpu, clock = now, used, time.monotonic()
        elif now[0] >= 0 and (
            used - cpu > HANGS_CPU_S
            or time.monotonic() - clock > HANGS_S * (5 + os.getloadavg()[0])
        ):
            process.kill()
            process.wait()
            return True


def _written(folder: Path) -> tuple[int, int]:
    try:
        with (folder / "now").open("rb") as file:
            number, written, _ = HEADER.unpack(file.read(HEADER.size))
    except (OSError, ValueError):
        return -1, 0
    return number, written


def _input(folder: Path) -> tuple[int, bytes]:
    """The input that a worker was running."""
    try:
        data = (folder / "now").read_bytes()
    except OSError:
        return -1, b""
    number, _, size = HEADER.unpack_from(data)
    return number, data[HEADER.size : HEADER.size + size]


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS
