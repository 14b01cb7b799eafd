"""This tree beside another commit, for `scripts/bench --against COMMIT`.

The commit is checked out into a temporary worktree and gets a C core of its own; its other packages
are those of this tree's .venv. Each round runs a program bare, then everything that is done with it
in both trees, who is first in turns, so that what else the machine does meets both alike. A row's
figure is the median over the rounds of its time in times of the bare run of the same round: time of
the processor, which hangs less on what else runs than that of the clock.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import venv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

LIMIT_PERCENT = 3.0  # that a row may be slower
ROUNDS = 5
#: Runs a tree's bench.py, of whatever commit, with its clock replaced and no garbage collector: a
#: pass takes a tenth of a replay, and a few objects more or less decide whether there is one.
BY_PROCESSOR_TIME = """\
import gc, runpy, sys, time
gc.disable()
time.perf_counter = time.process_time
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
WORK = ("profile", "configurations", "replay")  # what is measured against a bare run


class BenchError(Exception):
    """What keeps two trees from being compared, in one line."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A checkout that can measure itself: `scripts/bench.py --child`."""

    name: str
    folder: Path
    python: Path


@dataclass(frozen=True, slots=True)
class Program:
    """What is run; both trees run the same file."""

    elf: Path
    argument: str


@dataclass(frozen=True, slots=True)
class Row:
    """Times in times of a bare run, of each round."""

    name: str
    other: Sequence[float]
    this: Sequence[float]

    @property
    def change_percent(self) -> float:
        """How much slower this tree is."""
        return (median(self.this) / median(self.other) - 1) * 100

    @property
    def too_slow(self) -> bool:
        return self.change_percent > LIMIT_PERCENT


def environment() -> dict[str, str]:
    """Bytecode is kept, in .venv, so that no measurement compiles modules."""
    kept = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(Path(sys.prefix) / "bytecode")}


Measure = Callable[[Tree, str, Program], float]  # seconds of what WORK or "bare" names


def compare(
    this: Tree, other: Tree, programs: Sequence[Program], rounds: int, measure: Measure
) -> Iterator[Row]:
    """A row for each program and kind of work, when its program has been measured."""
    for program in programs:
        found: dict[tuple[str, Tree], list[float]] = {
            (how, tree): [] for how in WORK for tree in (this, other)
        }
        for number in range(rounds):
            bare = measure(this, "bare", program)
            for how in WORK:
                for tree in (other, this) if number % 2 else (this, other):
                    found[how, tree].append(measure(tree, how, program) / bare)
        for how in WORK:
            yield Row(f"{program.elf.stem} {how}", found[how, other], found[how, this])


def table_line(row: Row) -> str:
    """A line of the table under `table_head`."""
    verdict = f"  more than {LIMIT_PERCENT:g} % slower" if row.too_slow else ""
    return (
        f"{row.name:36}{median(row.other):12.3f}{median(row.this):12.3f}"
        f"{row.change_percent:+9.1f} %{verdict}"
    )


def table_head(other: Tree) -> str:
    return f"{'times of bare Unicorn':36}{other.name:>12}{'this tree':>12}{'change':>11}"


def find_commit(repository: Path, named: str) -> str:
    """The full hash of a commit. Raises BenchError for what names none."""
    asked = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{named}^{{commit}}"]
    try:
        found = _git(repository, *asked)
    except FileNotFoundError:
        raise BenchError("--against needs git: install it") from None
    if found.returncode:
        raise BenchError(
            f"--against: '{named}' names no commit of {repository}; give a hash, branch or tag"
            " that git log knows"
        )
    return found.stdout.strip()


@contextmanager
def worktree(repository: Path, commit: str) -> Iterator[Path]:
    """The commit in a folder of its own, which is gone afterwards, however that comes."""
    with tempfile.TemporaryDirectory(prefix="mcusim-bench-") as temporary:
        folder = Path(temporary) / "tree"
        try:
            added = _git(repository, "worktree", "add", "--detach", str(folder), commit)
            if added.returncode:
                raise BenchError(f"--against: git worktree add: {_last_line(added.stderr)}")
            yield folder
        finally:
            # A second Ctrl-C must not keep git from forgetting the worktree.
            before = signal.signal(signal.SIGINT, signal.SIG_IGN)
            try:
                _git(repository, "worktree", "remove", "--force", str(folder))
            finally:
                signal.signal(signal.SIGINT, before)


def build(folder: Path, name: str) -> Tree:
    """The tree of a checkout, its C core built into a .venv there that has this one's packages.

    Raises BenchError when the checkout cannot be built or has no scripts/bench.py.
    """
    if not (folder / "scripts" / "bench.py").is_file():
        raise BenchError(f"--against: {name} has no scripts/bench.py; give a later commit")
    environment = folder / ".venv"
    venv.create(environment, symlinks=True)
    python = environment / "bin" / "python"
    packages = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    # Lines of a .pth file that lies there are not obeyed, so this tree's mcusim stays out.
    Path(packages, "packages.pth").write_text(sysconfig.get_path("purelib") + "\n")
    installer = [sys.executable, "-m", "pip", "--python", str(python), "install"]
    if shutil.which("uv"):
        installer = ["uv", "pip", "install", "--python", str(python)]
    built = subprocess.run(
        [*installer, "--quiet", "--no-deps", "--editable", str(folder)],
        capture_output=True, text=True, env={**os.environ, "TMPDIR": str(folder.parent)},
    )  # fmt: skip
    if built.returncode:
        raise BenchError(f"--against: {name} does not build: {_last_line(built.stderr)}")
    return Tree(name, folder, python)


def _git(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["git", "-C", str(repository), *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else "it says nothing"
