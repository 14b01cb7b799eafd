"""A function's instructions as lines of text: loops and pairs marked, as many columns as fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from simcore.annotation import AnnotatedFunction, AnnotatedInstruction, Loop, Wait
from simcore.core.counters import CAUSES
from simcore.pipeline.schedule import WHY_OPERAND
from simcore.report.page.cells import cell_len
from simcore.report.page.styled import Text
from simcore.report.page.table import cut_text
from simcore.units import count

LANES = 4  # loops drawn beside each other; inner ones beyond stand in the table of loops only
INSTRUCTION_WIDEST, INSTRUCTION_NARROW = 36, 24
NOTE_LEAST = 20
NOTE_ENOUGH = 40
SHOWN_SHARE = 0.005  # of an instruction's executions: what is rarer is left out of the text
SHOWN_PAIRS = 0.05  # the same for pairs, where an instruction changes sides
WARM, HOT = 0.03, 0.1  # shares of the function's cycles that are coloured


@dataclass(frozen=True, slots=True)
class _Column:
    """Ready cells; ``left`` aligned texts are cut at ``width``."""

    header: str
    cells: Sequence[str]
    width: int
    left: bool = False
    style: str = ""


def listing(
    function: AnnotatedFunction, width: int, lines: Mapping[tuple[str | None, int | None], int]
) -> Iterator[Text]:
    """Header, a line per instruction, and the sum, in at most ``width`` columns if that can be.

    ``lines`` numbers source lines that a table explains: the numbers stand where the places of the
    lines themselves find no room.
    """
    rows = function.instructions
    columns, notes = _columns(function, width, lines)
    note_width = columns[-1].width
    yield _line(columns, [column.header for column in columns], "dim")
    end = None
    for number, (row, note) in enumerate(zip(rows, notes, strict=True)):
        if end is not None and row.address > end + LONGEST:
            yield Text("⋮", "dim")
        end = row.address
        share = row.cycles / function.cycles if function.cycles else 0
        style = "bold red" if share >= HOT else "yellow" if share >= WARM else ""
        cells = [column.cells[number] for column in columns]
        yield _line(columns, cells, style)
        if cell_len(note) > note_width:
            yield _note_line(columns, cells, note, width)
    yield _line(columns, [column.cells[len(rows)] for column in columns], "bold")


LONGEST = 4  # bytes of an instruction


def _line(columns: Sequence[_Column], cells: Sequence[str], style: str) -> Text:
    line = Text(no_wrap=True)
    for column, cell in zip(columns, cells, strict=True):
        text = cut_text(cell, column.width)
        blanks = " " * (column.width - cell_len(text))
        line.append(text + blanks if column.left else blanks + text, style=style or column.style)
        line.append(" ")
    line.rstrip()
    return line


def _note_line(columns: Sequence[_Column], cells: Sequence[str], note: str, width: int) -> Text:
    """A note below its instruction, with the marks of loops and pairs drawn on."""
    line = Text()
    for column, cell in zip(columns, cells, strict=True):
        if column.header == "instruction":
            break
        marks = column.style != "dim"
        text = "".join(_CONTINUED.get(mark, " ") for mark in cell) if marks else ""
        line.append(text + " " * (column.width + 1 - cell_len(text)), column.style)
    line.append("  " + cut_text(note, max(width - cell_len(line.plain) - 2, 1)), "dim")
    return line


_CONTINUED = {"╭": "│", "│": "│", "├": "│", "┌": "│", "┼": "│"}


def _columns(
    function: AnnotatedFunction, width: int, lines: Mapping[tuple[str | None, int | None], int]
) -> tuple[list[_Column], list[str]]:
    """The columns that find room, the one of notes last, and all notes."""
    rows = function.instructions
    columns = _fixed_columns(function, narrow=width < 100)
    left = width - sum(column.width + 1 for column in columns)
    causes = _cause_columns(function)
    places = _column("source", [*map(_place, rows), ""], left=True, style="cyan")
    numbers = [str(lines.get((row.file, row.line), "")) for row in rows]
    short = _column("src", [*numbers, ""], style="cyan")
    room = left - NOTE_ENOUGH
    if places.width < room:
        short = places
    # All causes in columns or none: a part of them would not add up to what stands beside.
    needed = sum(column.width + 1 for column in causes)
    in_columns = needed <= room - short.width - 1
    if in_columns:
        columns += causes
        left -= needed
    if any(short.cells) and short.width + 1 + NOTE_LEAST <= left:
        columns.append(short)
        left -= short.width + 1
    notes = [cost_note(row, causes=not in_columns) for row in rows]
    note_width = max(left, len("notes"))
    inline = [note if cell_len(note) <= note_width else "" for note in notes]
    columns.append(_column("notes", [*inline, ""], left=True))
    # A note that finds no room beside its instruction stands below it.
    columns[-1] = replace(columns[-1], width=note_width)
    return columns, notes


def _fixed_columns(function: AnnotatedFunction, narrow: bool) -> list[_Column]:
    rows = function.instructions
    marks = [pair_mark(row) for row in rows]
    texts = [row.text for row in rows]
    most = INSTRUCTION_NARROW if narrow else INSTRUCTION_WIDEST
    elsewhere = sum(function.elsewhere.values())
    cycles = [count(row.cycles) for row in rows]
    total = sum(row.cycles for row in rows)
    columns = [
        _column("", [*loop_lanes(function), ""], left=True, style="green"),
        _column("address", [f"{row.address:x}" for row in rows] + [""], style="dim"),
        _column("", [*marks, ""], left=True, style="magenta"),
        _column("instruction", [*texts, "sum"], left=True, most=most),
        _column("runs", [count(row.executions) for row in rows] + [""]),
        _column("cycles", [*cycles, count(total)]),
        _column("/run", [per(row.cycles, row.executions) for row in rows] + [""]),
    ]
    assert total + elsewhere == function.cycles
    return [column for column in columns if column.width]


def _column(
    header: str, cells: Sequence[str], *, left: bool = False, style: str = "", most: int = 1000
) -> _Column:
    width = min(max(map(cell_len, (header, *cells))), most)
    return _Column(header, cells, width, left, style)


def _cause_columns(function: AnnotatedFunction) -> list[_Column]:
    """Cycles per execution by cause, for the causes that cost this function anything."""
    rows = function.instructions
    columns = []
    for cause, header in CAUSE_HEADERS.items():
        spent = [row.cycles_by_cause[cause] for row in rows]
        if any(spent):
            cells = [
                per(cycles, row.executions) if cycles else ""
                for cycles, row in zip(spent, rows, strict=True)
            ]
            columns.append(_column(header, [*cells, ""]))
    return columns


_SHORT = {"dependency": "dep", "load_use": "lduse", "execute": "exec"}
CAUSE_HEADERS = {cause: _SHORT.get(cause, cause) for cause in CAUSES}


def per(cycles: int, executions: int) -> str:
    """Cycles per execution: two decimals, fewer when there are many."""
    if not executions:
        return ""
    value = cycles / executions
    if 0 < value < SHOWN_SHARE:
        return "0.00+"
    return f"{value:.2f}" if value < 99.995 else f"{value:,.0f}"


def pair_mark(row: AnnotatedInstruction) -> str:
    """Older or younger of a pair, with the share of its executions when that is not all."""
    paired = row.older + row.younger
    if not row.executions or paired / row.executions < SHOWN_PAIRS:
        return ""
    older, younger = (part / paired >= SHOWN_PAIRS for part in (row.older, row.younger))
    mark = "┼" if older and younger else "┌" if older else "└"
    return mark if paired >= row.executions else mark + share(paired, row.executions)


def share(part: int, whole: int) -> str:
    """A whole percentage that is 100 only for all and 0 only for none."""
    percent = round(100 * part / whole) if whole else 0
    return f"{min(max(percent, 1), 99) if 0 < part < whole else percent}%"


def loop_lanes(function: AnnotatedFunction) -> list[str]:
    """For each instruction the marks of the loops that hold it, outer loops further left."""
    lanes: list[tuple[Loop, int]] = []
    for loop in sorted(function.loops, key=lambda loop: (-len(loop.addresses), loop.head)):
        taken = {lane for other, lane in lanes if _overlap(other, loop)}
        lane = next((lane for lane in range(LANES) if lane not in taken), None)
        if lane is not None:
            lanes.append((loop, lane))
    width = 1 + max((lane for _, lane in lanes), default=-1)
    members = [(loop, lane, set(loop.addresses)) for loop, lane in lanes]
    marks = []
    for row in function.instructions:
        cell = [" "] * width
        for loop, lane, addresses in members:
            if row.address in addresses:
                cell[lane] = _lane_mark(loop, row.address)
        marks.append("".join(cell))
    return marks


def _overlap(one: Loop, other: Loop) -> bool:
    return one.first <= other.last and other.first <= one.last


def _lane_mark(loop: Loop, address: int) -> str:
    if loop.first == loop.last:
        return "├"
    if address == loop.first:
        return "╭"
    if address == loop.last:
        return "╰"
    return "├" if address == loop.head else "│"


def _place(row: AnnotatedInstruction) -> str:
    return f"{PurePath(row.file).name}:{row.line}" if row.file else ""


def cost_note(row: AnnotatedInstruction, causes: bool) -> str:
    """Why it cost what it did: waits, lost pairs, misses; ``causes`` adds what no column shows."""
    parts = []
    if row.folded:
        parts.append("folded")
    if row.skipped:
        parts.append(f"skipped {share(row.skipped, row.executions)}")
    for wait in row.waits:
        if wait.executions / row.executions >= SHOWN_SHARE:
            parts.append(_wait_note(row, wait))
    for refusal in row.refusals:
        waited = refusal.rule == WHY_OPERAND and row.waits
        if refusal.executions / row.executions >= SHOWN_SHARE and not waited:
            parts.append(f"no pair: {refusal.rule}" + _often(refusal.executions, row.executions))
    accesses = sum(access.executions for access in row.accesses)
    if row.misses:
        parts.append(f"{_misses(row.misses, 'D')} ({share(row.misses, accesses)})")
    if row.icache_misses:
        parts.append(_misses(row.icache_misses, "I"))
    if row.mispredicts:
        parts.append(f"mispredicted {share(row.mispredicts, row.executions)}")
    if causes:
        stalls = [
            (cycles, cause)
            for cause, cycles in row.cycles_by_cause.items()
            if cause != "issue" and cycles / row.executions >= SHOWN_SHARE
        ]
        parts[:0] = [
            f"{cause.replace('_', ' ')} {per(cycles, row.executions)}"
            for cycles, cause in sorted(stalls, reverse=True)
        ]
    return ", ".join(parts)


def _wait_note(row: AnnotatedInstruction, wait: Wait) -> str:
    producer = "" if wait.address is None else f" of {wait.address:x} {_mnemonic(wait.text)}"
    verb = "waits for" if wait.cycles else "no pair: needs"
    return f"{verb} {wait.register}{producer}" + _often(wait.executions, row.executions)


def _misses(number: int, cache: str) -> str:
    return f"{count(number)} {cache}-miss{'es' * (number != 1)}"


def _mnemonic(text: str | None) -> str:
    return (text or "").partition(" ")[0]


def _often(part: int, whole: int) -> str:
    return "" if part >= whole else f" {share(part, whole)}"
