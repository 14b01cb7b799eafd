"""Callgrind's profile format 1: costs by instruction and line, calls with inclusive costs.

Opens in KCachegrind and callgrind_annotate. Events keep Valgrind's names where they count the same:
Ir instructions, Dr and Dw accesses, I1mr, D1mr and D1mw cache misses; energy is in picojoules.
Grammar: valgrind.org/docs/manual/cl-format.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from simcore.costs.profile import Profile
from simcore.costs.sharing import rounded
from simcore.costs.tables import CallNode
from simcore.report import RenderOptions
from simcore.report.inlined import MARK, FrameAt, check_inlines
from simcore.report.profile.places import Place, places
from simcore.report.stacks import CallTree
from simcore.units import clock

FEMTOJOULES_PER_PICOJOULE = 1000
UNKNOWN_FILE = "???"

#: Name of each event, then its field in a node of the call tree and in a place.
EVENTS = (
    ("Ir", "instructions", "executions"),
    ("Dr", "reads", "reads"),
    ("Dw", "writes", "writes"),
    ("I1mr", "icache_misses", "icache_misses"),
    ("D1mr", "dcache_read_misses", "read_misses"),
    ("D1mw", "dcache_write_misses", "write_misses"),
    ("Mispredicts", "mispredicts", "mispredicts"),
    ("Cycles", "cycles", "cycles"),
)
ENERGY = "Energy"
LONG_NAMES = {
    "Mispredicts": "Branches predicted wrong (modelled)",
    "Cycles": "Cycles (modelled)",
    ENERGY: "Energy in pJ (estimated)",
}

Key = tuple[int, int, int]  # caller, call site, callee
Costs = list[int]  # one per event, energy last


def render(profile: Profile, options: RenderOptions) -> str:
    """The profile of one run. Raises ConfigError when it holds no instructions."""
    return "".join(f"{line}\n" for line in _Writer(profile).lines())


class _Names:
    """Names, each spelt out once: ``(id) name``, then ``(id)``."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}

    def __call__(self, name: str) -> str:
        if name in self._ids:
            return f"({self._ids[name]})"
        self._ids[name] = len(self._ids) + 1
        return f"({self._ids[name]}) {name}"


@dataclass(frozen=True, slots=True)
class _Call:
    file: str
    name: str
    start: Place
    count: int


@dataclass(slots=True)
class _Code:
    """A function or an inlined one: its costs by address, and what it calls."""

    file: str
    name: str
    entry: Place
    places: dict[int, tuple[Place, Costs]] = field(default_factory=dict)
    sites: dict[int, Place] = field(default_factory=dict)  # of calls that were inlined
    calls: list[tuple[int, _Call, Costs]] = field(default_factory=list)

    def whole(self) -> Costs:
        """Its costs with those of what it calls."""
        total = [0] * (len(EVENTS) + 1)
        for _, costs in self.places.values():
            total = _sum(total, costs)
        for _, _, costs in self.calls:
            total = _sum(total, costs)
        return total


class _Writer:
    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        check_inlines(profile)
        self._frame_at = FrameAt(profile.inlines)
        self._places = places(profile)
        self._lines = {place.address: place for own in self._places for place in own[1:]}
        self._file, self._function = _Names(), _Names()
        self._names = _distinct_names(profile)
        self._costs = self._place_costs()
        self._tree = CallTree(profile)
        self._inclusive = _inclusive(self._tree)
        self._calls = _calls(self._tree, self._inclusive, self._places)

    def lines(self) -> Iterator[str]:
        profile = self._profile
        yield "# callgrind format"
        yield "version: 1"
        yield f"creator: {profile.tool.name}-{profile.tool.version}"
        yield f"cmd: {profile.elf.name}"
        yield "part: 1"
        yield f"desc: Part: {profile.cpu.title}, {clock(profile.cpu.clock_hz)}"
        yield "positions: instr line"
        # Names before events: callgrind_annotate knows them nowhere else.
        for name, text in LONG_NAMES.items():
            yield f"event: {name} : {text}"
        yield " ".join(["events:", *(name for name, *_ in EVENTS), ENERGY])
        total = [0] * (len(EVENTS) + 1)
        for costs in self._costs:
            for each in costs:
                total = _sum(total, each)
        yield _text("summary:", total)
        yield ""
        yield f"ob=(1) {profile.elf.name}"
        for function in range(len(profile.functions)):
            yield from self._function_lines(function)
            yield ""
        yield from self._task_lines()
        yield _text("totals:", total)

    def _place_costs(self) -> list[list[Costs]]:
        """Costs of every place of each function, energy rounded over the whole file."""
        energy = iter(
            rounded(
                (place.femtojoules for own in self._places for place in own),
                1,
                FEMTOJOULES_PER_PICOJOULE,
            )
        )
        return [
            [[*(getattr(place, name) for *_, name in EVENTS), next(energy)] for place in own]
            for own in self._places
        ]

    def _function_lines(self, function: int) -> Iterator[str]:
        """A function, and behind it what was inlined into it, each as a function of its own."""
        entry = self._places[function][0]
        whole = _Code(self._file_of(function), self._names[function], entry)
        pieces: dict[int | None, _Code] = {None: whole}
        for place, costs in self._body(function):
            piece = self._piece(function, pieces, place.address, place)
            piece.places[place.address] = place, costs
        for address, callees in self._calls.get(function, {}).items():
            piece = self._piece(function, pieces, address, self._lines.get(address, entry))
            for callee, (count, inclusive) in callees.items():
                start = self._places[callee][0]
                # Code that runs on into another function is no call, but readers take 0 for a line
                # of the caller's own costs.
                called = _Call(self._file_of(callee), self._names[callee], start, max(count, 1))
                piece.calls.append((address, called, inclusive))
        # Innermost first, so that what is inside each is complete.
        frames = self._frame_at.frames
        for frame in reversed(_frames_in(pieces)):
            told, piece = frames[frame], pieces[frame]
            site = replace(piece.entry, line=told.line, file=None)
            into = pieces[told.parent]
            into.sites[site.address] = site
            into.calls.append(
                (site.address, _Call(piece.file, piece.name, piece.entry, 1), piece.whole())
            )
        yield from self._code_lines(whole, entry)
        for frame in _frames_in(pieces):
            yield ""
            yield from self._code_lines(pieces[frame], entry)

    def _piece(
        self, function: int, pieces: dict[int | None, _Code], address: int, place: Place
    ) -> _Code:
        """The function or the inlined one that has an address."""
        found = self._frame_at(address)
        frames = self._frame_at.frames
        if found is None or frames[found].function != function:
            return pieces[None]
        for frame in self._frame_at.around(found):
            if frame not in pieces:
                file = place.file or self._file_of(function)
                pieces[frame] = _Code(file, frames[frame].name + MARK, place)
        return pieces[found]

    def _code_lines(self, code: _Code, entry: Place) -> Iterator[str]:
        yield f"fl={self._file(code.file)}"
        yield f"fn={self._function(code.name)}"
        current = code.file
        calls: dict[int, list[tuple[_Call, Costs]]] = {}
        for address, call, inclusive in code.calls:
            calls.setdefault(address, []).append((call, inclusive))
        for address in sorted(code.places.keys() | calls.keys()):
            known = code.sites.get(address) or self._lines.get(address, entry)
            place, costs = code.places.get(address, (known, None))
            # Code may come from another file: an inlined function of a header.
            file = place.file or code.file
            if file != current:
                yield f"{'fe' if file == code.file else 'fi'}={self._file(file)}"
                current = file
            position = f"0x{address:x} {place.line or 0}"
            if costs is not None:
                yield _text(position, costs)
            for call, inclusive in calls.get(address, []):
                yield from self._call_lines(call, position, inclusive)

    def _call_lines(self, call: _Call, position: str, inclusive: Costs) -> Iterator[str]:
        yield f"cfi={self._file(call.file)}"
        yield f"cfn={self._function(call.name)}"
        yield f"calls={call.count} 0x{call.start.address:x} {call.start.line or 0}"
        yield _text(position, inclusive)

    def _task_lines(self) -> Iterator[str]:
        """A function for each task, which calls what it began in."""
        if not self._profile.has_tasks:
            return
        for task, calls in _task_calls(self._tree, self._inclusive).items():
            yield f"fl={self._file(UNKNOWN_FILE)}"
            yield f"fn={self._function(f'[task {task}]')}"
            for callee, (count, inclusive) in calls.items():
                place = self._places[callee][0]
                call = _Call(self._file_of(callee), self._names[callee], place, count)
                yield from self._call_lines(call, "0x0 0", inclusive)
            yield ""

    def _body(self, function: int) -> Iterator[tuple[Place, Costs]]:
        """Places with costs; what belongs to no instruction joins the one at the entry."""
        entry, *rest = zip(self._places[function], self._costs[function], strict=True)
        if any(entry[1]):
            if rest and rest[0][0].address == entry[0].address:
                rest[0] = (rest[0][0], _sum(rest[0][1], entry[1]))
            else:
                yield entry
        yield from rest

    def _file_of(self, function: int) -> str:
        return self._profile.functions[function].file or UNKNOWN_FILE


def _frames_in(pieces: Mapping[int | None, _Code]) -> list[int]:
    """The inlined frames among the pieces of a function, each behind what it is inlined into."""
    return sorted(frame for frame in pieces if frame is not None)


def _distinct_names(profile: Profile) -> list[str]:
    """Names of the functions; readers take two of one name and file for one."""
    seen: dict[tuple[str, str | None], int] = {}
    for function in profile.functions:
        key = (function.name, function.file)
        seen[key] = seen.get(key, 0) + 1
    return [
        f.name if seen[f.name, f.file] == 1 or f.address is None else f"{f.name}@0x{f.address:x}"
        for f in profile.functions
    ]


def _inclusive(tree: CallTree) -> list[Costs]:
    """Costs of each node with everything below it, energy rounded by itself."""
    columns = [
        tree.inclusive([getattr(node, name) for node in tree.nodes]) for _, name, _ in EVENTS
    ]
    picojoules = [
        rounded([energy], 1, FEMTOJOULES_PER_PICOJOULE)[0]
        for energy in tree.inclusive(tree.femtojoules())
    ]
    return [list(costs) for costs in zip(*columns, picojoules, strict=True)]


def _calls(
    tree: CallTree, inclusive: Sequence[Costs], found: Sequence[Sequence[Place]]
) -> dict[int, dict[int, dict[int, tuple[int, Costs]]]]:
    """(Count, inclusive costs) by caller, call site and callee.

    An operation is no function: what runs in it is called by the function that opened it. A call
    inside a call of the same key is in the costs of the outer one.
    """
    keys = [_key(tree.nodes, index, found) for index in range(len(tree.nodes))]
    calls: dict[int, dict[int, dict[int, tuple[int, Costs]]]] = {}
    for index, key in enumerate(keys):
        if key is None:
            continue
        caller, site, callee = key
        sites = calls.setdefault(caller, {}).setdefault(site, {})
        count, sums = sites.get(callee, (0, [0] * (len(EVENTS) + 1)))
        if not any(keys[above] == key for above in tree.stacks[index][:-1]):
            sums = _sum(sums, inclusive[index])
        sites[callee] = (count + tree.nodes[index].calls, sums)
    return calls


def _task_calls(
    tree: CallTree, inclusive: Sequence[Costs]
) -> dict[str, dict[int, tuple[int, Costs]]]:
    """(Count, inclusive costs) by task and by the functions that nothing in it calls."""
    found: dict[str, dict[int, tuple[int, Costs]]] = {}
    for index, node in enumerate(tree.nodes):
        if node.parent != 0 or node.function is None:
            continue
        calls = found.setdefault(tree.tasks[index], {})
        count, sums = calls.get(node.function, (0, [0] * (len(EVENTS) + 1)))
        calls[node.function] = (count + node.calls, _sum(sums, inclusive[index]))
    return found


def _key(nodes: Sequence[CallNode], index: int, found: Sequence[Sequence[Place]]) -> Key | None:
    node = nodes[index]
    if node.op is not None or node.function is None or node.parent is None:
        return None
    caller = nodes[node.parent].function
    if caller is None:
        return None
    site = found[caller][0].address if node.call_site is None else node.call_site
    return caller, site, node.function


def _sum(one: Costs, other: Costs) -> Costs:
    return [a + b for a, b in zip(one, other, strict=True)]


def _text(position: str, costs: Costs) -> str:
    # Zeros at the end may be left out.
    last = max((i for i, cost in enumerate(costs) if cost), default=-1)
    return " ".join([position, *map(str, costs[: last + 1])])
