"""A profile with its inlined functions unfolded into frames of the call tree, like others."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import field, replace
from itertools import pairwise

from simcore.costs.inlines import InlinedFrame, Inlines
from simcore.costs.nodes import joules
from simcore.costs.profile import Profile
from simcore.costs.tables import CallNode, FunctionCosts
from simcore.errors import ConfigError
from simcore.records import dataclass
from simcore.report.stacks import check_call_tree, femtojoules

MARK = " [inlined]"  # behind the name of a function that was inlined


def check_inlines(profile: Profile) -> None:
    """Raise ConfigError when inlined functions, which may come from a file, are none."""
    found = profile.inlines
    if found is None:
        return
    frames, nodes = len(found.frames), len(profile.call_tree)
    wrong = next(
        (
            f"frames[{index}]"
            for index, frame in enumerate(found.frames)
            if not 0 <= frame.function < len(profile.functions)
            or (frame.parent is not None and not 0 <= frame.parent < index)
            or (frame.parent is not None and found.frames[frame.parent].function != frame.function)
        ),
        None,
    )
    wrong = wrong or next(
        (
            f"costs[{index}]"
            for index, cost in enumerate(found.costs)
            if not 0 <= cost.frame < frames
            or not 0 <= cost.node < nodes
            or profile.call_tree[cost.node].function != found.frames[cost.frame].function
        ),
        None,
    )
    wrong = wrong or next(
        (f"ranges[{n}]" for n, one in enumerate(found.ranges) if not 0 <= one.frame < frames), None
    )
    if wrong is None and any(one.end > two.start for one, two in pairwise(found.ranges)):
        wrong = "ranges"
    if wrong:
        raise ConfigError(
            f"{profile.elf.name}: corrupt profile: 'inlines.{wrong}' names what is not there"
        )


class FrameAt:
    """Finds the innermost frame at an address, and the frames around a frame."""

    def __init__(self, found: Inlines | None) -> None:
        self._ranges = found.ranges if found else ()
        self._starts = [one.start for one in self._ranges]
        self.frames: Sequence[InlinedFrame] = found.frames if found else ()

    def __call__(self, address: int | None) -> int | None:
        """The frame, None where nothing was inlined."""
        if address is None:
            return None
        index = bisect_right(self._starts, address) - 1
        if index < 0 or address >= self._ranges[index].end:
            return None
        return self._ranges[index].frame

    def around(self, frame: int | None) -> list[int]:
        """A frame and those that it was inlined into, outermost first."""
        found = []
        while frame is not None:
            found.append(frame)
            frame = self.frames[frame].parent
        return found[::-1]


@dataclass(frozen=True, slots=True)
class InlinedRow:
    """What an inlined function costs in all places together."""

    name: str
    into: str  # the function that holds its code, or how many do
    places: int
    instructions: int
    cycles: int
    whole: int  # cycles of the run


def inlined_rows(profile: Profile, found: Inlines) -> list[InlinedRow]:
    """A row for each inlined function, most cycles first, with what is inlined into it.

    Inlined into itself, a function counts once. Raises ConfigError for a corrupt profile.
    """
    check_inlines(profile)
    sums: dict[str, list[int]] = {}
    into: dict[str, dict[int, None]] = {}
    names: list[frozenset[str]] = []  # of each frame and those around it
    for frame in found.frames:
        names.append(
            frozenset((frame.name,))
            | (names[frame.parent] if frame.parent is not None else frozenset())
        )
        total = sums.setdefault(frame.name, [0, 0, 0])
        total[0] += 1
        into.setdefault(frame.name, {})[frame.function] = None
    for cost in found.costs:
        for name in names[cost.frame]:
            sums[name][1] += cost.instructions
            sums[name][2] += cost.cycles
    rows = []
    for name, (places, instructions, cycles) in sums.items():
        (first, *more) = into[name]
        where = f"{1 + len(more)} functions" if more else profile.functions[first].name
        rows.append(InlinedRow(name, where, places, instructions, cycles, profile.totals.cycles))
    return sorted(rows, key=lambda row: (-row.cycles, row.name))


def unfolded(profile: Profile) -> Profile:
    """The profile with a node for each inlined frame, and a function for each name among them.

    Costs of nodes move from a function to the frames inside it, and calls from inlined code hang
    below its frame; all sums are as before. Raises ConfigError when a profile, which may come from
    a file, is corrupt.
    """
    if profile.inlines is None:
        return profile
    check_call_tree(profile)
    check_inlines(profile)
    return _Unfolding(profile, profile.inlines).profile()


@dataclass(slots=True)
class _Unfolding:
    whole: Profile
    inlines: Inlines
    nodes: list[CallNode] = field(default_factory=list)
    functions: list[FunctionCosts] = field(default_factory=list)
    _find: FrameAt = field(init=False)
    _at: list[int] = field(default_factory=list)  # new numbers of the nodes
    _known: dict[tuple[int, int], int] = field(default_factory=dict)  # of node and frame
    _rows: dict[tuple[str, int], int] = field(default_factory=dict)  # name, function it is in
    _inside: list[set[int]] = field(default_factory=list)  # frames that an operation began in

    def profile(self) -> Profile:
        self.functions = list(self.whole.functions)
        find = self._find = FrameAt(self.inlines)
        costs: dict[int, list[int]] = {}
        for index, cost in enumerate(self.inlines.costs):
            costs.setdefault(cost.node, []).append(index)
        for index, node in enumerate(self.whole.call_tree):
            parent, inside = None, set[int]()
            if node.parent is not None:
                parent = self._at[node.parent]
                frame = find(node.call_site)
                function = self.whole.call_tree[node.parent].function
                if frame is not None and self.inlines.frames[frame].function == function:
                    parent = self._frame(node.parent, frame)
                    if node.op is not None:
                        inside = self._inside[node.parent] | set(find.around(frame))
                elif node.op is not None:
                    inside = self._inside[node.parent]
            self._inside.append(inside)
            self._at.append(len(self.nodes))
            self.nodes.append(replace(node, parent=parent))
            self._move(index, costs.get(index, ()))
        return replace(
            self.whole,
            call_tree=tuple(self.nodes),
            functions=tuple(self.functions),
            inlines=None,
        )

    def _move(self, index: int, costs: Sequence[int]) -> None:
        """Gives the frames of a node their part of its cost."""
        for number in costs:
            cost = self.inlines.costs[number]
            at = self._frame(index, cost.frame)
            own, frame = self.nodes[self._at[index]], self.nodes[at]
            if at == self._at[index]:
                continue  # an operation that began in it
            moved = min(femtojoules(cost.energy_j), femtojoules(own.energy_j))
            self.nodes[self._at[index]] = replace(
                own,
                instructions=max(own.instructions - cost.instructions, 0),
                cycles=max(own.cycles - cost.cycles, 0),
                energy_j=joules(femtojoules(own.energy_j) - moved),
            )
            self.nodes[at] = replace(
                frame,
                instructions=frame.instructions + min(cost.instructions, own.instructions),
                cycles=frame.cycles + min(cost.cycles, own.cycles),
                energy_j=joules(femtojoules(frame.energy_j) + moved),
            )

    def _frame(self, node: int, frame: int) -> int:
        """The node of a frame in a node, made if it is not there."""
        at = self._at[node]
        for number in self._find.around(frame):
            if number in self._inside[node]:
                continue
            known = self._known.get((node, number))
            if known is None:
                known = self._known[node, number] = len(self.nodes)
                self.nodes.append(
                    CallNode(
                        parent=at,
                        function=self._row(self.inlines.frames[number]),
                        op=None,
                        call_site=None,
                        calls=0,
                        instructions=0,
                        cycles=0,
                        energy_j=0.0,
                        task=self.nodes[at].task,
                    )
                )
            at = known
        return at

    def _row(self, frame: InlinedFrame) -> int:
        """The row of a function of that name, whose waits are those of the one that it is in."""
        key = frame.name, frame.function
        if key not in self._rows:
            self._rows[key] = len(self.functions)
            into = self.whole.functions[frame.function]
            self.functions.append(
                replace(into, name=frame.name + MARK, file=None, line=None, calls=0)
            )
        return self._rows[key]
