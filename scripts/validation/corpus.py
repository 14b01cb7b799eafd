"""The programs of kernels/corpus: cycles and causes of each operation, and what moves them.

Each operation is timed in its second call, so caches and branch predictor are warm. Two tables:
what it costs, and by how many per cent its cycles change without each mechanism of the pipeline.
They are kept in docs/model/corpus.md: exit status 3 when they differ, --write keeps new ones. A
wrong result of an operation is exit status 1. --try has its own columns and compares nothing.
"""

from __future__ import annotations

import argparse
import difflib
import io
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from textwrap import fill

from simcore.core.counters import CAUSES, cycle_column
from simcore.costs.operations import Operations
from simcore.elf import load_image
from simcore.errors import ConfigError, ExitCode, McusimError
from simcore.files import destination
from simcore.parallel import Pool, processors
from simcore.pipeline.rules_m7 import MECHANISMS
from simcore.run.setup import load_setup
from simcore.simulation.live import simulate_many
from tests.kernels.corpus_reference import complaint

WRONG_RESULT, USAGE, REGRESSION = 1, 2, 3
ROOT = Path(__file__).resolve().parents[2]
PREBUILT = ROOT / "kernels" / "corpus" / "prebuilt"
KEPT = ROOT / "docs" / "model" / "corpus.md"
BEGIN, END = "<!-- Made by scripts/validate corpus --write -->", "<!-- End -->"
PART = "stm32f767"
LINE = 120  # characters of a page's lines, its tables aside
WITHOUT = "core.pipeline_without="
SHOWN = [cause for cause in CAUSES if cause != "sleep"]


class CorpusError(Exception):
    """A program of the corpus that does not run, or an operation whose result is wrong."""


@dataclass(frozen=True, slots=True)
class Row:
    """One operation at one optimization level; `others` are its cycles under each alternative."""

    operation: str
    level: str
    instructions: int
    cycles_by_cause: dict[str, int]
    others: tuple[int, ...]

    @property
    def cycles(self) -> int:
        return sum(self.cycles_by_cause.values())

    @property
    def changes(self) -> list[float]:
        """How the cycles change under each alternative, in per cent."""
        return [100 * (other / self.cycles - 1) for other in self.others]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--write", action="store_true", help=f"keep the tables in {KEPT.relative_to(ROOT)}"
    )
    parser.add_argument(
        "--try", dest="tried", action="append", default=[], metavar="KEY=VALUE",
        help="a column for this change of the model, such as pipeline.bypass.load.address=2,"
        " instead of those for the mechanisms (repeatable)",
    )  # fmt: skip
    parser.add_argument(
        "--program", action="append", default=[], metavar="NAME",
        help="only this one, such as aes or aes_O3, without comparing (repeatable)",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Print the tables and what differs from the kept ones; returns the exit status."""
    if options.write and (options.tried or options.program):
        print("scripts/validate: --write keeps everything: no --try, no --program", file=sys.stderr)
        return USAGE
    try:
        elves = chosen(options.program)
        before, kept, after = parts_of(KEPT.read_text(encoding="utf-8"))
        text = tables(elves, options.tried or mechanism_settings())
    except McusimError as error:
        print(f"scripts/validate: {error}", file=sys.stderr)
        return USAGE
    except CorpusError as error:
        print(f"scripts/validate: {error}", file=sys.stderr)
        return WRONG_RESULT
    print(text, end="")
    if options.tried or options.program:
        return 0
    if options.write:
        with destination(str(KEPT)) as write:
            write(before + text + after)
        return 0
    differences = difflib.unified_diff(
        kept.splitlines(), text.splitlines(), "kept", "now", lineterm="", n=0
    )
    found = list(differences)
    print("\n".join(found) if found else f"as in {KEPT.relative_to(ROOT)}", file=sys.stderr)
    return REGRESSION if found else 0


def mechanism_settings() -> list[str]:
    """The setting of a CPU model that leaves out each mechanism of the pipeline."""
    return [f"{WITHOUT}{mechanism.name}" for mechanism in MECHANISMS]


def chosen(names: Sequence[str]) -> list[Path]:
    """The prebuilt ELFs of programs by name, with or without level; all without a name.

    Raises ConfigError for a name that is none.
    """
    listing = json.loads((PREBUILT / "kernels.json").read_text(encoding="utf-8"))
    elves = [PREBUILT / entry["file"] for entry in listing["kernels"]]
    known = {name for elf in elves for name in (elf.stem, elf.stem.rpartition("_")[0])}
    for name in names:
        if name not in known:
            raise ConfigError(f"the corpus has no program '{name}': {', '.join(sorted(known))}")
    return [e for e in elves if not names or {e.stem, e.stem.rpartition("_")[0]} & {*names}]


def parts_of(page: str) -> tuple[str, str, str]:
    """What stands before the tables on the kept page, the tables, and what stands behind them.

    Raises ConfigError when the page does not say where its tables are.
    """
    before, begin, rest = page.partition(f"{BEGIN}\n")
    kept, end, after = rest.partition(END)
    if not (begin and end):
        raise ConfigError(f"{KEPT.name} needs the lines '{BEGIN}' and '{END}' around its tables")
    return before + begin, kept, end + after


def tables(elves: Sequence[Path], alternatives: Sequence[str]) -> str:
    """Both tables as Markdown. Raises CorpusError, or McusimError for an impossible alternative."""
    for alternative in alternatives:
        load_setup(PART, overrides=[alternative])
    with Pool(processors()) as pool:
        runs = pool.run(measure, [(elf, tuple(alternatives)) for elf in elves])
        rows = [row for _, future in sorted(runs, key=itemgetter(0)) for row in future.result()]
    rows.sort(key=lambda row: row.operation)  # levels stay in the order of the list
    costs = [
        [row.operation, row.level, f"{row.instructions}", f"{row.cycles}",
         f"{row.instructions / row.cycles:.2f}", *(f"{row.cycles_by_cause[c]}" for c in SHOWN)]
        for row in rows
    ]  # fmt: skip
    changes = dict(zip(alternatives, zip(*(row.changes for row in rows), strict=True), strict=True))
    moving = {text.removeprefix(WITHOUT): column for text, column in changes.items() if any(column)}
    idle = [text.removeprefix(WITHOUT) for text, column in changes.items() if not any(column)]
    means = [per_cent(sum(column) / len(column)) for column in moving.values()]
    moves = [
        [row.operation, row.level, *map(per_cent, changes)]
        for row, *changes in zip(rows, *moving.values(), strict=True)
    ]
    causes = [cause.replace("_", " ") for cause in SHOWN]
    rest = f"Moves nothing here: {', '.join(idle) or 'none'}."
    return (
        "\n" + table(["operation", "level", "instructions", "cycles", "IPC", *causes], costs)
        + "\n" + table(["change, %", "level", *moving], [*moves, ["mean", "", *means]])
        + "\n" + fill(rest, LINE, break_on_hyphens=False) + "\n\n"
    )  # fmt: skip


def measure(job: tuple[Path, tuple[str, ...]]) -> list[Row]:
    """The rows of a program, run once and timed with the model as it is and under alternatives."""
    elf, alternatives = job
    printed = io.BytesIO()
    setups = [load_setup(PART), *(load_setup(PART, overrides=[text]) for text in alternatives)]
    simulations = simulate_many(load_image(str(elf)), setups, stdout=printed)
    end = simulations[0].end
    if end.status is not ExitCode.OK:
        raise CorpusError(f"{elf.name}: {end.text}")
    check_results(elf.name, printed.getvalue())
    names = [costs.name for costs in Operations(simulations[0].costs).costs()]
    counts = [Operations(simulation.costs).counts() for simulation in simulations]
    cycles = [[sum(op[cycle_column(cause)] for cause in CAUSES) for op in run] for run in counts]
    return [
        Row(
            operation=name,
            level=elf.stem.rpartition("_")[2],
            instructions=counts[0][i]["instructions"],
            cycles_by_cause={cause: counts[0][i][cycle_column(cause)] for cause in CAUSES},
            others=tuple(run[i] for run in cycles[1:]),
        )
        for i, name in enumerate(names)
    ]


def check_results(elf: str, printed: bytes) -> None:
    """Judge what a program printed. Raises CorpusError for the first wrong result."""
    for line in printed.decode("ascii").splitlines():
        operation, _, digits = line.partition(" ")
        if wrong := complaint(operation, bytes.fromhex(digits)):
            raise CorpusError(f"{elf}: {operation}: {wrong}")


def per_cent(change: float) -> str:
    """A change in per cent; a dot for none at all."""
    return f"{change:+.2f}" if change else "."


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with columns of even width; all but the first two are numbers."""
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    rule = ["-" * width if i < 2 else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
    lines = []
    for cells in (titles, rule, *rows):
        padded = [
            cell.ljust(width) if i < 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        lines.append(f"| {' | '.join(padded)} |\n")
    return "".join(lines)
