"""Tasks as tables of the text report: cost, and the deepest calls on each stack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simcore.costs.profile import Profile
from simcore.costs.tasks import StackFrame, TaskCosts
from simcore.report.page.console import Block
from simcore.report.page.names import fitted
from simcore.report.page.styled import Text
from simcore.report.page.table import Column, build_table
from simcore.units import count, percent, si, size

ARROW = " > "
MOST_NAME = 24  # characters of a task's name in front of its calls
MOST_FUNCTION = 40  # characters of a function's name among them


def task_blocks(profile: Profile, width: int, top: int | None) -> Iterator[Block]:
    """The tables of a run that switched between tasks, nothing of another."""
    if not profile.has_tasks:
        return
    accuracy = profile.accuracy
    rows = sorted(profile.tasks, key=lambda row: -row.cycles)[:top]
    note = f"switches and stack {accuracy.counts}, cycles {accuracy.cycles}"
    columns = _columns(rows, profile.totals.cycles)
    yield "Tasks", f"{note}, energy {accuracy.energy}", build_table(columns, width)
    deep = [row for row in rows if row.deepest]
    if deep:
        longest = min(max(len(row.name) for row in deep), MOST_NAME)
        lines = [
            f"{_cut(row.name, longest):{longest}}  {chain_text(row.deepest, width - longest - 2)}"
            for row in deep
        ]
        note = f"calls that were open, each with its own bytes; {accuracy.counts}"
        yield "Deepest stack", note, Text("\n".join(lines))


def _columns(rows: Sequence[TaskCosts], cycles: int) -> list[Column]:
    return [
        Column("task", [row.name for row in rows]),
        Column("cycles", [count(row.cycles) for row in rows]),
        Column("share", [percent(row.cycles, cycles) for row in rows]),
        Column("switches", [count(row.switches) for row in rows], 1),
        Column("longest wait", [count(row.longest_wait_cycles) for row in rows], 2),
        Column("response", [count(row.longest_response_cycles) for row in rows], 5),
        *_woken(rows),
        Column("stack", [_bytes(row.stack_used_bytes) for row in rows]),
        Column("of", [_bytes(row.stack_bytes) for row in rows], 3),
        Column("energy", [si(row.energy_j, "J") for row in rows], 4),
    ]


def _woken(rows: Sequence[TaskCosts]) -> list[Column]:
    """From woken to running, where the kernel tells it of any."""
    cycles = [row.longest_woken_cycles for row in rows]
    if not any(cycles):
        return []
    return [Column("woken", ["" if one is None else count(one) for one in cycles], 5)]


def heap_rows(profile: Profile) -> list[tuple[str, str, str]]:
    """Lines of the summary: what each allocator took at most, and of how much."""
    rows = []
    for heap in profile.heaps or ():
        of = "" if heap.given_bytes is None else f", of {size(heap.given_bytes)}"
        kind = f"{profile.accuracy.counts}, {heap.allocator}{of}"
        rows.append(("heap high water", size(heap.used_bytes), kind))
    return rows


def deepest_of_main(profile: Profile) -> tuple[StackFrame, ...]:
    """The deepest calls of a program that has one stack; empty for another."""
    rows = [] if profile.has_tasks else [row for row in profile.tasks if row.kind == "main"]
    return rows[0].deepest if rows else ()


def chain_text(frames: Sequence[StackFrame], width: int) -> str:
    """Calls on a stack, outermost first, in one line: main 32 B > parse 120 B > ... > dot 16 B.

    Where they do not fit, those in the middle are told by their number and bytes; the innermost
    is always there, the outermost if there is room.
    """
    functions = fitted([frame.function for frame in frames], MOST_FUNCTION, "...")
    names = [f"{name} {size(frame.bytes)}" for name, frame in zip(functions, frames, strict=True)]
    text = ARROW.join(names)
    if len(text) <= width or len(names) < 3:
        return _cut(text, width)
    first, last = 0, len(names) - 1
    grows = True
    while grows:
        grows = False
        # One at the outer end, one at the inner end, as long as there is room.
        for head, tail in ((1, 0), (0, 1)):
            longer = first + head, last - tail
            if longer[0] < longer[1] and len(_shortened(frames, names, *longer)) <= width:
                first, last = longer
                grows = True
    text = _shortened(frames, names, first, last)
    return text if len(text) <= width else _cut(f"...{ARROW}{names[-1]}", width)


def _shortened(frames: Sequence[StackFrame], names: Sequence[str], first: int, last: int) -> str:
    left_out = frames[first:last]
    gap = f"... {count(len(left_out))} calls {size(sum(frame.bytes for frame in left_out))} ..."
    return ARROW.join([*names[:first], gap, *names[last:]])


def _cut(text: str, width: int) -> str:
    """At most so many characters; what is left out is in the middle."""
    if len(text) <= width:
        return text
    kept = max(width - 3, 2)
    return f"{text[: kept // 2]}...{text[len(text) - (kept - kept // 2) :]}"


def _bytes(value: int | None) -> str:
    return "" if value is None else size(value)
