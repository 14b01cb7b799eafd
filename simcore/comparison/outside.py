"""What functions from outside of the repository cost, on behalf of the functions that call them.

A change of ``__muldf3`` is a change of whoever multiplies more. So the cycles that a call stack
spends in libraries belong to the last function of the repository on it, by what it called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from simcore.costs.nodes import joules
from simcore.costs.profile import Profile
from simcore.costs.sharing import shared
from simcore.costs.tables import CallNode
from simcore.plain import Amount, Count

if TYPE_CHECKING:
    from simcore.comparison.summary import FunctionSummary

#: Callees that cost less than this part of the run are one row of their caller.
SHOWN_SHARE = 0.001


@dataclass(frozen=True, slots=True)
class OutsideCalls:
    """What a function of the repository spent in a library function, that one's callees included
    down to where the repository is called again."""

    function: str
    """Of the repository."""
    callee: str
    """Empty for callees that cost next to nothing."""
    cycles: Count
    energy_j: Amount
    cycles_by_cause: dict[str, Count]
    """Sums to cycles: those of each library function are shared by its cycles here and elsewhere."""
    file: str | None = None
    """Of the call that cost most; left out where it is not known."""
    line: Count | None = None


@dataclass(slots=True)
class _Edge:
    """A function of the repository and a library function that it calls."""

    cycles: int = 0
    femtojoules: int = 0
    causes: dict[str, int] = field(default_factory=dict)
    sites: dict[int | None, int] = field(default_factory=dict)  # cycles by address of the call


def with_outside(
    profile: Profile, functions: Sequence[FunctionSummary], is_own: Callable[[str], bool]
) -> tuple[tuple[FunctionSummary, ...], tuple[OutsideCalls, ...] | None]:
    """The functions of a summary with what they spent for others, and those costs by caller.

    ``functions`` are those of the profile, in its order. ``is_own`` tells the repository's files.
    None when no function is of the repository.
    """
    own = [row.file is not None and is_own(row.file) for row in profile.functions]
    if not any(own):
        return tuple(functions), None
    edges, spent = _edges(profile, own)
    marked = tuple(
        row
        if index not in spent
        else replace(row, for_callers=spent[index][0], for_callers_j=joules(spent[index][1]))
        for index, row in enumerate(functions)
    )
    least = SHOWN_SHARE * profile.totals.cycles
    place_of = {row.address: (row.file, row.line) for row in profile.instructions or ()}
    rows: list[OutsideCalls] = []
    small: dict[int, _Edge] = {}
    for (caller, callee), edge in edges.items():
        if edge.cycles < least:
            _add(small.setdefault(caller, _Edge()), edge)
            continue
        site = max(edge.sites, key=lambda at: edge.sites[at])
        file, line = place_of.get(site, (None, None)) if site is not None else (None, None)
        rows.append(_row(functions[caller].name, functions[callee].name, edge, file, line))
    rows += [_row(functions[caller].name, "", edge, None, None) for caller, edge in small.items()]
    return marked, tuple(sorted(rows, key=lambda row: (row.function, -row.cycles, row.callee)))


def _row(function: str, callee: str, edge: _Edge, file: str | None, line: int | None) -> OutsideCalls:
    causes = {cause: cycles for cause, cycles in sorted(edge.causes.items()) if cycles}
    energy = joules(edge.femtojoules)
    return OutsideCalls(function, callee, edge.cycles, energy, causes, file, line)


def _add(into: _Edge, edge: _Edge) -> None:
    into.cycles += edge.cycles
    into.femtojoules += edge.femtojoules
    for cause, cycles in edge.causes.items():
        into.causes[cause] = into.causes.get(cause, 0) + cycles


def _edges(
    profile: Profile, own: Sequence[bool]
) -> tuple[dict[tuple[int, int], _Edge], dict[int, tuple[int, int]]]:
    """Costs by caller and callee, and of each library function what it spent for callers: cycles
    and femtojoules."""
    tree = profile.call_tree
    # Of each node the edge that it belongs to: caller, callee and site; without callee, in caller.
    at: list[tuple[int | None, int | None, int | None]] = []
    nodes: dict[int, list[int]] = {}  # of each library function
    for number, node in enumerate(tree):
        caller, callee, site = (None, None, None) if node.parent is None else at[node.parent]
        if node.function is not None:
            if own[node.function]:
                caller, callee, site = node.function, None, None
            else:
                nodes.setdefault(node.function, []).append(number)
                if caller is not None and callee is None:
                    callee, site = node.function, node.call_site
        at.append((caller, callee, site))
    edges: dict[tuple[int, int], _Edge] = {}
    spent: dict[int, tuple[int, int]] = {}
    for function, numbers in nodes.items():
        causes = {c: n for c, n in profile.functions[function].cycles_by_cause.items() if c != "sleep"}
        for number, of_node in zip(numbers, _causes(causes, tree, numbers), strict=True):
            caller, callee, site = at[number]
            if caller is None or callee is None:
                continue
            edge = edges.setdefault((caller, callee), _Edge())
            cycles, energy = sum(of_node.values()), round(tree[number].energy_j * 1e15)
            _add(edge, _Edge(cycles, energy, of_node))
            edge.sites[site] = edge.sites.get(site, 0) + cycles
            before = spent.get(function, (0, 0))
            spent[function] = before[0] + cycles, before[1] + energy
    return edges, spent


def _causes(
    causes: Mapping[str, int], tree: Sequence[CallNode], numbers: Iterable[int]
) -> list[dict[str, int]]:
    """A function's cycles by cause, for each of its nodes by the node's cycles."""
    weights = [tree[number].cycles for number in numbers]
    split = {cause: shared(cycles, weights) for cause, cycles in causes.items() if cycles}
    return [
        {cause: parts[index] for cause, parts in split.items() if parts[index]}
        for index in range(len(weights))
    ]
