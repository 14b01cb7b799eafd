"""Flame graphs of a profile, for `scripts/bench --profile`: of Python and of the C core.

py-spy draws both in one picture, Python's frames and native ones; where perf is, its samples of the
C core alone are kept beside it, for `perf report`. Neither is a dependency of mcusim.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PICTURE = Path("flames.svg")
SAMPLES = Path("flames.perf")
RATE_HZ = 500


def draw_flames(elf: Path) -> int:
    """Write the files into the working folder; the exit status."""
    spy = shutil.which("py-spy") or shutil.which("py-spy", path=str(Path(sys.executable).parent))
    mcusim = str(Path(sys.executable).with_name("mcusim"))
    command = [mcusim, "profile", "--no-cache", str(elf)]
    if not elf.is_file():
        print(f"scripts/bench: --profile: no file {elf}", file=sys.stderr)
        return 2
    if spy is None:
        print(
            "scripts/bench: --profile needs py-spy: .venv/bin/python -m pip install py-spy",
            file=sys.stderr,
        )
        return 2
    record = [spy, "record", "--native", "--rate", str(RATE_HZ), "-o", str(PICTURE), "--"]
    if not _done([*record, sys.executable, *command], "py-spy"):
        return 2
    print(f"{PICTURE}: Python and the C core")
    perf = shutil.which("perf")
    if perf is None:
        print("perf is not installed: no samples of the C core alone")
        return 0
    record = [perf, "record", "-q", "-g", "-e", "cpu-clock", "-F", str(RATE_HZ), "-o", str(SAMPLES)]
    if _done([*record, "--", *command], "perf"):
        print(f"{SAMPLES}: perf report -i {SAMPLES} --dsos _core.abi3.so,libunicorn.so.2")
    return 0


def _done(command: list[str], name: str) -> bool:
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "MCUSIM_CACHE": "off"}
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it says nothing"]
        print(f"scripts/bench: {name}: {said[-1]}", file=sys.stderr)
    return done.returncode == 0
