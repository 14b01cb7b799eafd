"""Tasks: what the run cost on each stack of calls, and how deep the stacks were.

A task is the program as it starts, all handlers together, or a thread that a kernel switches to:
native/timing/contexts.h says how they are told apart. Names come from the kernel's own structures,
else from the function in which a thread began.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Final

from simcore.core.counters import HANDLERS, MAIN, Counters, Stack, sum_vectors
from simcore.costs.nodes import joules
from simcore.plain import Amount, Count, one_of
from simcore.records import dataclass

if TYPE_CHECKING:
    from simcore.costs.nodes import NodeCosts
    from simcore.run.kernels import KernelTask

MAIN_NAME: Final = "(main)"
HANDLERS_NAME: Final = "(interrupts)"


@dataclass(frozen=True, slots=True)
class StackFrame:
    """A call on a stack."""

    function: str
    bytes: Count
    """Its own, with what an exception that interrupted it put there; its callees left out."""


@dataclass(frozen=True, slots=True)
class TaskCosts:
    """What ran on one stack of calls."""

    name: str
    kind: Annotated[str, one_of("main", "interrupts", "task")]
    """The program as it starts, all handlers together, or what a kernel switches to."""
    named_by: Annotated[str, one_of("kernel", "function", "role")]
    """The kernel's own structure, the function in which it began, or what it is."""
    switches: Count
    """Times that it got the processor from another task; interrupts are none."""
    instructions: Count
    cycles: Count
    """Interrupts left out, which are a row of their own."""
    energy_j: Amount
    longest_wait_cycles: Count
    """Without the processor, from when it had it first."""
    longest_response_cycles: Count
    """From when the exception that switched to it became pending, to its first instruction."""
    longest_woken_cycles: Count | None
    """From when it could go on, having waited for something, until it did; null where the kernel
    does not say so, and for what never was woken."""
    stack_used_bytes: Count | None
    """Deepest use of its stack, with what hardware and the kernel save there, from its end as the
    kernel says, else from the highest SP; null for handlers."""
    stack_bytes: Count | None
    """That it was given, null where nobody says it."""
    deepest: tuple[StackFrame, ...]
    """The calls that were open when the stack was deepest, outermost first."""


@dataclass(frozen=True, slots=True)
class Tasks:
    """The rows, and the row of each context; what cannot be told in `warnings`."""

    rows: tuple[TaskCosts, ...]
    of_context: tuple[int, ...]
    warnings: tuple[str, ...]


def task_costs(costs: NodeCosts, known: Sequence[KernelTask], kernel: str) -> Tasks:
    """The tasks of a run: main, interrupts, then threads in the order in which they first ran.

    Contexts that are one task to the kernel are one row; those in which nothing ran are none.
    """
    counters = costs.counters
    ran = {node.context for node in counters.nodes[1:]}
    groups: dict[tuple[str, int], list[int]] = {}
    for index, context in enumerate(counters.contexts):
        is_task = context.task >= 0 and index != HANDLERS
        key = ("task", context.task) if is_task else ("context", index)
        if index in ran or (index == MAIN and not ran):
            groups.setdefault(key, []).append(index)
    rows, of_context = [], [0] * max(len(counters.contexts), 1)
    taken: set[str] = set()
    for row, members in enumerate(groups.values()):
        for index in members:
            of_context[index] = row
        name, by = _name(costs, members[0], known)
        rows.append(_row(costs, members, _distinct(name, taken), by, known, kernel))
    return Tasks(tuple(rows), tuple(of_context), tuple(_warnings(counters, known, kernel)))


def _name(costs: NodeCosts, index: int, known: Sequence[KernelTask]) -> tuple[str, str]:
    context = costs.counters.contexts[index]
    if index == HANDLERS:
        return HANDLERS_NAME, "role"
    task = known[context.task] if 0 <= context.task < len(known) else None
    if task is not None and task.valid and task.name:
        return task.name, "kernel"
    return (MAIN_NAME, "role") if index == MAIN else (costs.name(context.function), "function")


def _distinct(name: str, taken: set[str]) -> str:
    number, text = 1, name
    while text in taken:
        number += 1
        text = f"{name} ({number})"
    taken.add(text)
    return text


def _row(
    costs: NodeCosts,
    members: Sequence[int],
    name: str,
    named_by: str,
    known: Sequence[KernelTask],
    kernel: str,
) -> TaskCosts:
    counters = costs.counters
    inside = [
        index
        for index, node in enumerate(counters.nodes)
        if node.context in members and (index or MAIN in members)
    ]
    vector = sum_vectors((counters.nodes[i].vector for i in inside), len(counters.columns))
    contexts = [counters.contexts[index] for index in members]
    first = members[0]
    stack = _deepest(counters, [context.stack for context in contexts])
    if first == MAIN:
        stack = counters.stacks[0] if counters.stacks else None
    kind = "main" if first == MAIN else "interrupts" if first == HANDLERS else "task"
    if kind == "interrupts":
        stack = None
    floor, end = _bounds(counters, stack, contexts[0].task, known, kernel)
    return TaskCosts(
        name=name,
        kind=kind,
        named_by=named_by,
        switches=sum(context.switches for context in contexts),
        instructions=vector[costs.column["instructions"]],
        cycles=sum(costs.cycles_self[i] for i in inside),
        energy_j=joules(costs.energy_of(vector).whole),
        longest_wait_cycles=max(context.longest_wait for context in contexts),
        longest_response_cycles=max(context.longest_response for context in contexts),
        longest_woken_cycles=max(context.longest_woken for context in contexts) or None,
        stack_used_bytes=None if end is None or stack is None else end - stack.lowest,
        stack_bytes=None if end is None or floor is None else end - floor,
        deepest=()
        if stack is None
        else tuple(StackFrame(costs.name(link.function), link.bytes) for link in stack.chain),
    )


def _deepest(counters: Counters, indices: Sequence[int]) -> Stack | None:
    stacks = [counters.stacks[index] for index in indices if index < len(counters.stacks)]
    return max(stacks, key=lambda stack: stack.top - stack.lowest, default=None)


def _bounds(
    counters: Counters,
    stack: Stack | None,
    task: int,
    known: Sequence[KernelTask],
    kernel: str,
) -> tuple[int | None, int | None]:
    """The lowest address of a stack and that behind it, as the kernel says; else the start of what
    holds it alone, and its top.
    """
    if stack is None:
        return None, None
    if 0 <= task < len(known) and known[task].valid:
        return known[task].stack, known[task].stack_end(stack.top, kernel)
    shared = sum(other.floor == stack.floor for other in counters.stacks) > 1
    return (None if not stack.floor or shared else stack.floor), stack.top


def _warnings(counters: Counters, known: Sequence[KernelTask], kernel: str) -> Iterator[str]:
    broken = [
        known[context.task]
        for context in counters.contexts
        if 0 <= context.task < len(known) and not known[context.task].valid
    ]
    if kernel and not known and len(counters.contexts) > HANDLERS + 1:
        yield (
            f"where {kernel} keeps its tasks only debug information tells, which the program lacks:"
            " they are named by the functions in which they began"
        )
    if broken:
        yield (
            f"what {kernel} says of the running task at {broken[0].address:#010x} is no task of"
            " it: tasks are named by the functions in which they began"
        )
