"""What functions from outside of the repository cost, on behalf of the functions that call them.

A change of ``__muldf3`` is a change of whoever multiplies more. So the cycles that a call stack
spends in libraries belong to the last function of the repository on it, by what it called.
"""

from __future__ import annotations

from collections import Counter
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

#: What a function spends in one callee counts from this part of the run on, callees that cost less
#: together from the same; less stays with the library, and so do all but the dearest MOST_ROWS.
LEAST_SHARE = 0.001
MOST_ROWS = 64


@dataclass(frozen=True, slots=True)
class OutsideCalls:
    """What a function of the repository spent in a library function, that one's callees included
    down to where the repository is called again."""

    function: str
    """Of the repository."""
    callee: str
    """Empty for several that cost little each."""
    energy_j: Amount
    cycles_by_cause: dict[str, Count]
    """The cycles of each library function are shared by its cycles here and elsewhere."""
    file: str | None = None
    """Of the call that cost most; left out where it is not known."""
    line: Count | None = None

    @property
    def cycles(self) -> int:
        """By all causes."""
        return sum(self.cycles_by_cause.values())


@dataclass(slots=True)
class _Edge:
    """A function of the repository and a library function that it calls, or several."""

    caller: int
    callee: int | None
    causes: Counter[str] = field(default_factory=Counter)
    sites: Counter[int | None] = field(default_factory=Counter)  # cycles by address of the call
    cycles_of: Counter[int] = field(default_factory=Counter)
    """Of each library function in it."""
    femtojoules_of: Counter[int] = field(default_factory=Counter)

    @property
    def cycles(self) -> int:
        """By all causes."""
        return self.causes.total()

    def add(self, function: int, femtojoules: int, causes: Mapping[str, int]) -> None:
        self.cycles_of[function] += sum(causes.values())
        self.femtojoules_of[function] += femtojoules
        self.causes.update(causes)

    def take(self, other: _Edge) -> None:
        """Add another edge of the caller."""
        self.cycles_of.update(other.cycles_of)
        self.femtojoules_of.update(other.femtojoules_of)
        self.causes.update(other.causes)


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
    kept = _kept(_edges(profile, own), LEAST_SHARE * profile.totals.cycles)
    spent = _Edge(-1, None)  # of all callers
    for edge in kept:
        spent.take(edge)
    marked = tuple(
        replace(
            row,
            for_callers=spent.cycles_of[index],
            for_callers_j=joules(spent.femtojoules_of[index]),
        )
        if index in spent.cycles_of
        else row
        for index, row in enumerate(functions)
    )
    place_of = {row.address: (row.file, row.line) for row in profile.instructions or ()}
    rows = [_row(edge, functions, place_of) for edge in kept]
    return marked, tuple(sorted(rows, key=lambda row: (row.function, -row.cycles, row.callee)))


def _row(
    edge: _Edge,
    functions: Sequence[FunctionSummary],
    place_of: Mapping[int, tuple[str | None, int | None]],
) -> OutsideCalls:
    site = max(edge.sites, key=lambda at: edge.sites[at]) if edge.sites else None
    file, line = place_of.get(site, (None, None)) if site is not None else (None, None)
    return OutsideCalls(
        functions[edge.caller].name,
        "" if edge.callee is None else functions[edge.callee].name,
        joules(edge.femtojoules_of.total()),
        {cause: cycles for cause, cycles in sorted(edge.causes.items()) if cycles},
        file,
        line,
    )


def _kept(edges: Iterable[_Edge], least: float) -> list[_Edge]:
    """The edges that count: dear ones, and cheap ones of a caller together where they are dear."""
    kept: list[_Edge] = []
    small: dict[int, _Edge] = {}
    for edge in edges:
        if edge.cycles >= least:
            kept.append(edge)
        else:
            small.setdefault(edge.caller, _Edge(edge.caller, None)).take(edge)
    kept += [edge for edge in small.values() if edge.cycles >= least]
    return sorted(kept, key=lambda edge: -edge.cycles)[:MOST_ROWS]


def _edges(profile: Profile, own: Sequence[bool]) -> Iterable[_Edge]:
    """What each function of the repository spent in each library function that it called."""
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
    for function, numbers in nodes.items():
        causes = profile.functions[function].cycles_by_cause
        for number, of_node in zip(numbers, _causes(causes, tree, numbers), strict=True):
            caller, callee, site = at[number]
            if caller is None or callee is None:
                continue
            edge = edges.setdefault((caller, callee), _Edge(caller, callee))
            edge.add(function, round(tree[number].energy_j * 1e15), of_node)
            edge.sites[site] += sum(of_node.values())
    return edges.values()


def _causes(
    causes: Mapping[str, int], tree: Sequence[CallNode], numbers: Sequence[int]
) -> list[dict[str, int]]:
    """A function's cycles by cause, for each of its nodes by the node's cycles; not asleep."""
    weights = [tree[number].cycles for number in numbers]
    awake = {cause: cycles for cause, cycles in causes.items() if cycles and cause != "sleep"}
    split = {cause: shared(cycles, weights) for cause, cycles in awake.items()}
    return [
        {cause: parts[index] for cause, parts in split.items() if parts[index]}
        for index in range(len(weights))
    ]
