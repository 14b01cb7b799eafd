"""What people wait for, for scripts/bench: each row a ratio to bare Unicorn on the same ELF.

Two ratios. *Processor* is what the history keeps: processor time of one process tree, against a
bare run whose memory is mapped largest first. *Clock* is what the limits are about, as they were
set by it: time of the clock, against a bare run whose memory is mapped in order of its addresses,
for which Unicorn 2.1.3 translates again and again, so that it takes two to four times as long
(`map_memory()` in simcore/machine/engine.py). Each figure is the median over rounds of its ratio in
a round, so that what else the machine does meets both sides.

*Cold* is an empty cache folder, *warm* a run behind one with other arguments that the program
ignores: schedules and tables can be read back, the finished report cannot, as it is of *again*, the
same run once more.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import NamedTuple

from scripts.bench_cpu import Spent, spent_by
from scripts.bench_program import ProgramError, build_program
from scripts.bench_qemu import build_plugin, spent_by_qemu

KERNELS = Path(__file__).resolve().parent.parent / "kernels" / "prebuilt"
SMALL = KERNELS / "conv2d_s8_small.elf"
IMPORTS = "import unicorn, capstone, numpy"
START_UP_ROUNDS = 10  # of which the least counts, on both sides

#: At most so many times bare Unicorn by the clock; a limit is broken until the work reaches it.
LIMITS = {
    "conv2d_s8": 1.6,
    "fully_connected_s8": 2.0,
    "mixed": 2.5,
    "conv2d_s8, 16 configurations": 4.0,
    "mixed, 16 configurations": 7.5,
    "conv2d_s8, 64 configurations": 13.0,
    "conv2d_s8, replay": 0.32,
    "mixed, replay": 0.85,
    "77 M mixed, process, cold": 4.0,
    "77 M mixed, process, warm": 3.0,
    "C++, process, cold": 4.0,
    "C++, process, warm": 2.5,
    "small kernel to imports": 2.0,
}
#: A row that got so many times worse than in the history is a regression.
WORSE = 1.10

Child = Callable[[str, Path, str], Spent]  # how, program, argument: time of it in a process


class Ratio(NamedTuple):
    """How many times bare Unicorn: see above."""

    processor: float
    clock: float


class Bare(NamedTuple):
    """A program without mcusim, its memory mapped either way."""

    largest_first: Spent
    by_address: Spent

    def times(self, spent: Spent) -> Ratio:
        """How many of it something took."""
        return Ratio(spent.cpu_s / self.largest_first.cpu_s, spent.wall_s / self.by_address.wall_s)


def run_bare(child: Child, elf: Path, argument: str) -> Bare:
    """Both bare runs of a program."""
    return Bare(child("bare", elf, argument), child("bare by address", elf, argument))


def median_of(ratios: Sequence[Ratio]) -> Ratio:
    """The median of each."""
    return Ratio(median(one.processor for one in ratios), median(one.clock for one in ratios))


_IN_PROCESS = (
    ("conv2d_s8", "repeat=15", ("profile", "configurations", "configurations 64", "replay")),
    ("fully_connected_s8", "repeat=500", ("profile",)),
    ("mixed", "repeat=250", ("profile", "configurations", "replay")),
)
_SUFFIX = {
    "profile": "", "replay": ", replay",
    "configurations": ", 16 configurations", "configurations 64": ", 64 configurations",
}  # fmt: skip


def judge_rows(child: Child, rounds: int, checkout: Path, history: Path | None) -> int:
    """Print all rows, add them to the history; 1 when one breaks its limit or is missing or slower.

    Raises SubprocessError when a process fails.
    """
    commit = commit_of(checkout)
    before = read_history(history, commit) if history else {}
    ratios, broken = {}, False
    print(f"{'times of bare Unicorn':36}{'processor':>10}{'clock':>8}")
    for name, ratio in measure_rows(child, rounds):
        ratios[name] = ratio.processor
        broken |= not print_row(name, ratio, before)
    if history:
        append_history(history, commit, ratios)
    return 1 if broken or LIMITS.keys() - ratios else 0


def measure_rows(child: Child, rounds: int) -> Iterator[tuple[str, Ratio]]:
    """Each row's name and ratios, as soon as they are known."""
    yield "small kernel to imports", start_up()
    for name, argument, works in _IN_PROCESS:
        elf = KERNELS / f"{name}.elf"
        found: dict[str, list[Ratio]] = {work: [] for work in works}
        for _ in range(rounds):
            bare = run_bare(child, elf, argument)
            for work in works:
                found[work].append(bare.times(child(work, elf, argument)))
        for work in works:
            yield f"{name}{_SUFFIX[work]}", median_of(found[work])
    yield from _processes("77 M mixed", KERNELS / "mixed.elf", "repeat=270", child, rounds)
    with tempfile.TemporaryDirectory(prefix="mcusim-bench-") as folder:
        try:
            elf, for_qemu = build_program(Path(folder))
        except ProgramError as error:
            print(f"C++: {error}", flush=True)
            return
        yield from _processes("C++", elf, "x=1", child, rounds)
        plugin = build_plugin(Path(folder))
        spent = None if plugin is None else spent_by_qemu(for_qemu, plugin)
        if spent is None:
            print("QEMU with a cache plugin: no qemu-system-arm that runs it here", flush=True)
        else:
            bare = run_bare(child, elf, "x=1")
            yield "C++, QEMU with a cache plugin", bare.times(spent)


def start_up() -> Ratio:
    """A whole profile of a small kernel, nothing kept, in times of what it is built on."""
    imports, whole = [], []
    for _ in range(START_UP_ROUNDS):
        imports.append(spent_by([sys.executable, "-c", IMPORTS]))
        whole.append(spent_by([_mcusim(), "profile", str(SMALL)], {"MCUSIM_CACHE": "off"}))
    return Ratio(
        min(one.cpu_s for one in whole) / min(one.cpu_s for one in imports),
        min(one.wall_s for one in whole) / min(one.wall_s for one in imports),
    )


def _processes(
    name: str, elf: Path, argument: str, child: Child, rounds: int
) -> Iterator[tuple[str, Ratio]]:
    """Whole processes; bare Unicorn has its import for one."""
    found: dict[str, list[Ratio]] = {"cold": [], "warm": [], "again": []}
    for number in range(rounds):
        imported = spent_by([sys.executable, "-c", "import unicorn"])
        bare = Bare(*(run.with_(imported) for run in run_bare(child, elf, argument)))
        folder = tempfile.mkdtemp(prefix="mcusim-bench-")
        try:
            for kind, more in (("cold", ""), ("warm", f"round={number}"), ("again", "")):
                command = [
                    _mcusim(),
                    "profile",
                    str(elf),
                    "--",
                    argument,
                    *([more] if more else []),
                ]
                found[kind].append(bare.times(spent_by(command, {"MCUSIM_CACHE": folder})))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    for kind, ratios in found.items():
        yield f"{name}, process, {kind}", median_of(ratios)


def _mcusim() -> str:
    return str(Path(sys.executable).with_name("mcusim"))


def print_row(name: str, ratio: Ratio, before: Mapping[str, float]) -> bool:
    """A line of the table; whether the row holds its limit and is as it was before."""
    limit, earlier = LIMITS.get(name), before.get(name)
    words, holds = [], True
    if limit is not None:
        holds = ratio.clock <= limit
        words.append(
            f"at most {limit:g}: {'holds' if holds else f'BROKEN by {ratio.clock / limit - 1:.0%}'}"
        )
    if earlier is not None:
        slower = ratio.processor > earlier * WORSE
        holds &= not slower
        words.append(f"was {earlier:.2f}{', SLOWER' if slower else ''}")
    figures = f"{ratio.processor:10.2f}{ratio.clock:8.2f}"
    print(f"{name:36}{figures}  {'; '.join(words)}".rstrip(), flush=True)
    return holds


def read_history(file: Path, commit: str) -> dict[str, float]:
    """Each row's last ratio of another commit; none when the file is not there yet.

    A line is an object with `commit` and `ratios`; one that is damaged is left out.
    """
    rows: dict[str, float] = {}
    with suppress(FileNotFoundError):
        for line in file.read_text().splitlines():
            with suppress(ValueError, KeyError, TypeError):
                entry = json.loads(line)
                if entry["commit"] != commit:
                    rows |= {str(name): float(ratio) for name, ratio in entry["ratios"].items()}
    return rows


def append_history(file: Path, commit: str, ratios: Mapping[str, float]) -> None:
    """Add a line of what was measured."""
    kept = {name: round(ratio, 3) for name, ratio in ratios.items()}
    with file.open("a") as lines:
        lines.write(json.dumps({"commit": commit, "ratios": kept}) + "\n")


def commit_of(checkout: Path) -> str:
    """The commit that is checked out, with + when files differ from it."""
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty=+", "--exclude=*"]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"
