"""Tasks: cost, and the calls that were open when the stack of each was deepest."""

from __future__ import annotations

from collections.abc import Sequence

from simcore.costs.profile import Profile
from simcore.costs.tasks import StackFrame, TaskCosts
from simcore.report.html.profile_tables.beside import Beside
from simcore.report.html.tables import (
    ESTIMATED,
    EXACT,
    MODELLED,
    Filled,
    HtmlColumn,
    HtmlTable,
    filled,
    number,
    octets,
    quantity,
    text,
)


def tasks(profile: Profile, beside: Beside) -> HtmlTable:
    """Tasks, the dearest first."""
    slept = {id(row): beside.slept.tasks.get(at, 0) for at, row in enumerate(profile.tasks)}
    rows = sorted(profile.tasks, key=lambda row: slept[id(row)] - row.cycles)
    wait = "without the processor, from when it had it first"
    response = "from when the switch to it became pending to its first instruction"
    woken = "longest from when it could go on, having waited, until it did; empty: not told"
    given = "as the kernel says, or what holds the stack alone"
    columns: list[Filled[TaskCosts]] = [
        (HtmlColumn("task", numeric=False), lambda row: text(row.name, _named_by(row))),
        (HtmlColumn("cycles", MODELLED), lambda row: beside.cycles(row.cycles, slept[id(row)])),
        (HtmlColumn("share", MODELLED), lambda row: beside.share(row.cycles, slept[id(row)])),
        (HtmlColumn("instructions", EXACT), lambda row: number(row.instructions)),
        (HtmlColumn("energy", ESTIMATED), lambda row: quantity(row.energy_j, "J")),
        (HtmlColumn("switches", EXACT, "to it"), lambda row: number(row.switches)),
        (HtmlColumn("longest wait", MODELLED, wait), lambda row: number(row.longest_wait_cycles)),
        (HtmlColumn("response", MODELLED, response),
         lambda row: number(row.longest_response_cycles)),
        (HtmlColumn("woken to running", MODELLED, woken),
         lambda row: number(row.longest_woken_cycles)),
        (HtmlColumn("stack", EXACT, "deepest use"), lambda row: octets(row.stack_used_bytes)),
        (HtmlColumn("of", EXACT, given), lambda row: octets(row.stack_bytes)),
    ]  # fmt: skip
    return filled("task-table", "Tasks", rows, columns, sorted_by=1)


def deepest_stacks(profile: Profile) -> HtmlTable:
    """The frames of each stack when it was deepest, outermost first."""
    rows = [(task, task.deepest, at) for task in profile.tasks for at in range(len(task.deepest))]
    columns: list[Filled[tuple[TaskCosts, Sequence[StackFrame], int]]] = [
        (HtmlColumn("task", numeric=False), lambda row: text(row[0].name)),
        (HtmlColumn("call", numeric=False), lambda row: text(row[1][row[2]].function)),
        (HtmlColumn("own bytes", EXACT), lambda row: octets(row[1][row[2]].bytes)),
        (
            HtmlColumn("with its callers", EXACT),
            lambda row: octets(sum(frame.bytes for frame in row[1][: row[2] + 1])),
        ),
    ]
    return filled("deepest-stacks", "Deepest stacks", rows, columns)


def _named_by(row: TaskCosts) -> str:
    return "where it began" if row.named_by == "function" else ""
