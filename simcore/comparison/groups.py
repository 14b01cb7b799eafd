"""Which functions of one run hold the code of which of another, by their names and their lines.

A compiler splits a function (``f.part.0``, ``f.cold``), makes clones of it (``f.constprop.0``) and
inlines it elsewhere; people rename it and move it. What became of one function, or of what it is
made of now, is one group, so that its cost stays beside what it cost before. One that was renamed
and rewritten at once has no line left to know it by, but its place between its neighbours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from simcore.comparison.matching import paired, without_clone
from simcore.comparison.names import may_be_one
from simcore.comparison.summary import FunctionSummary, LineSummary

#: Part of a function's cycles whose lines another one must hold to be what became of it.
MOST_OF = 0.5
#: The same where the lines lie in another file, and how many there must be: short lines are alike.
ELSEWHERE = 0.8
FEWEST_ELSEWHERE = 3
#: How many times as many instructions a function may take that stands in the place of another.
MOST_REWRITTEN = 4

Lines = Mapping[str, Sequence[LineSummary]]
_Key = tuple[str, int, bool]


@dataclass(slots=True)
class Group:
    """Functions of the run before and what became of them; one side is empty for what only one
    run has. The first of each side is the one whose name the group has."""

    old: list[FunctionSummary] = field(default_factory=list)
    new: list[FunctionSummary] = field(default_factory=list)
    is_likely: bool = False
    """Known by its place and its calls only: its lines are others."""

    @property
    def before(self) -> FunctionSummary | None:
        """The functions before as one."""
        return _whole(self.old)

    @property
    def after(self) -> FunctionSummary | None:
        """The functions after as one."""
        return _whole(self.new)


def _whole(rows: Sequence[FunctionSummary]) -> FunctionSummary | None:
    """Functions as one, by the name, the calls and the place of the first."""
    if len(rows) < 2:
        return rows[0] if rows else None
    causes: dict[str, int] = {}
    for row in rows:
        for cause, cycles in row.cycles_by_cause.items():
            causes[cause] = causes.get(cause, 0) + cycles
    return replace(
        rows[0],
        instructions=sum(row.instructions for row in rows),
        cycles=sum(row.cycles for row in rows),
        energy_j=sum(round(row.energy_j * 1e15) for row in rows) / 1e15,
        cycles_by_cause=causes,
    )


def grouped(
    before: Sequence[FunctionSummary],
    after: Sequence[FunctionSummary],
    old_lines: Lines,
    new_lines: Lines,
) -> list[Group]:
    """Groups of functions, each function in one."""
    groups, old, new = [], [], []
    for first, second in paired(before, after):
        if first is not None and second is not None:
            groups.append(Group([first], [second]))
        elif first is not None:
            old.append(first)
        elif second is not None:
            new.append(second)
    old, new = _clones(groups, old, new)
    sides = (_Side(old_lines), _Side(new_lines))
    old, new = _renamed(groups, old, new, sides)
    old = _held(groups, old, sides, "old")
    new = _held(groups, new, sides[::-1], "new")
    old, new = _in_place(groups, old, new)
    return [*groups, *(Group(old=[row]) for row in old), *(Group(new=[row]) for row in new)]


def _clones(
    groups: list[Group], old: Sequence[FunctionSummary], new: Sequence[FunctionSummary]
) -> tuple[list[FunctionSummary], list[FunctionSummary]]:
    """Put clones and parts to the function that they are of; what is left.

    That is the one of the same file, else the only one of the name; a name with a file in brackets
    is of that file.
    """
    by_base: dict[tuple[str, str], Group] = {}
    of_name: dict[str, dict[int, Group]] = {}
    for group in groups:
        for row in (*group.old, *group.new):
            by_base.setdefault(_base(row), group)
            of_name.setdefault(without_clone(row), {})[id(group)] = group
    left = {base: Group() for base in map(_base, (*old, *new))}
    for row in old:
        left[_base(row)].old.append(row)
    for row in new:
        left[_base(row)].new.append(row)
    left_old: list[FunctionSummary] = []
    left_new: list[FunctionSummary] = []
    for base, found in left.items():
        of_this = list(of_name.get(base[0], {}).values())
        home = by_base.get(base)
        if home is None and len(of_this) == 1 and not (base[1] and _has_files(of_this[0])):
            home = of_this[0]
        if home is not None:
            known = (*home.old, *home.new)
            for rows, into, rest in (
                (found.old, home.old, left_old),
                (found.new, home.new, left_new),
            ):
                for row in rows:
                    is_its = all(may_be_one(row, other) for other in known)
                    (into if is_its else rest).append(row)
        elif found.old and found.new and _are_one(found):
            groups.append(found)
        else:
            left_old += found.old
            left_new += found.new
    return left_old, left_new


def _has_files(group: Group) -> bool:
    return any(row.file for row in (*group.old, *group.new))


def _are_one(group: Group) -> bool:
    """Whether no two of a group are told apart by their names."""
    rows = (*group.old, *group.new)
    return all(may_be_one(one, other) for at, one in enumerate(rows) for other in rows[:at])


def _base(row: FunctionSummary) -> tuple[str, str]:
    return without_clone(row), PurePath(row.file or "").name


class _Side:
    """The lines of the functions of one run, with the cycles of each."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._known: dict[tuple[str, bool], dict[_Key, int]] = {}

    def of(self, row: FunctionSummary, *, anywhere: bool = False) -> dict[_Key, int]:
        """Cycles by line: its file and text, where that is known, else file and number."""
        key = row.name, anywhere
        if key not in self._known:
            found: dict[_Key, int] = {}
            for line in self._lines.get(row.name, ()):
                file = "" if anywhere else PurePath(line.file).name
                by_text = line.crc is not None
                if by_text or not anywhere:
                    one = file, line.line if line.crc is None else line.crc, by_text
                    found[one] = found.get(one, 0) + line.cycles
            self._known[key] = found
        return self._known[key]


def _share(lines: Mapping[_Key, int], held: Iterable[_Key]) -> float:
    """The part of the cycles of lines that another function holds."""
    whole = sum(lines.values())
    return sum(lines[one] for one in lines.keys() & set(held)) / whole if whole else 0.0


def _renamed(
    groups: list[Group],
    old: Sequence[FunctionSummary],
    new: Sequence[FunctionSummary],
    sides: tuple[_Side, _Side],
) -> tuple[list[FunctionSummary], list[FunctionSummary]]:
    """Pair up what is left whose lines are mostly the same; the dearest first."""
    left = dict(enumerate(new))
    holders = _by_line(
        (number, {*sides[1].of(row), *sides[1].of(row, anywhere=True)})
        for number, row in left.items()
    )
    left_old = []
    # Which of several of one name and file it is, the same lines do not tell.
    like = Counter((row.symbol or row.name, row.file) for row in old)
    for row in sorted(old, key=lambda row: (-row.cycles, row.name)):
        best, most = None, 0.0
        lines = (*sides[0].of(row), *sides[0].of(row, anywhere=True))
        near = {number for line in lines for number in holders.get(line, ()) if number in left}
        for number in sorted(near):
            score = _likeness(row, left[number], sides)
            if score > most:
                best, most = number, score
        if best is None or like[row.symbol or row.name, row.file] > 1:
            left_old.append(row)
        else:
            groups.append(Group([row], [left.pop(best)]))
    return left_old, list(left.values())


def _by_line(holders: Iterable[tuple[int, Iterable[_Key]]]) -> dict[_Key, list[int]]:
    """Which of many hold a line: a program has thousands of functions."""
    found: dict[_Key, list[int]] = {}
    for number, lines in holders:
        for line in lines:
            found.setdefault(line, []).append(number)
    return found


def _likeness(old: FunctionSummary, new: FunctionSummary, sides: tuple[_Side, _Side]) -> float:
    """How much of two functions is the same lines, 0 where it is too little."""
    first, second = sides[0].of(old), sides[1].of(new)
    share = min(_share(first, second), _share(second, first))
    if share >= MOST_OF:
        return share
    first, second = sides[0].of(old, anywhere=True), sides[1].of(new, anywhere=True)
    share = min(_share(first, second), _share(second, first))
    many = len(first.keys() & second.keys())
    return share if share >= ELSEWHERE and many >= FEWEST_ELSEWHERE else 0.0


def _held(
    groups: list[Group], rows: Sequence[FunctionSummary], sides: tuple[_Side, _Side], side: str
) -> list[FunctionSummary]:
    """Put what was inlined to the function that holds its lines in the other run; what is left.

    ``side`` is the run that the rows are of, ``sides`` begin with its lines. Lines that the holder
    has in both runs are its own.
    """
    other = "new" if side == "old" else "old"
    taken_in = []
    for group in groups:
        held = {line for one in getattr(group, other) for line in sides[1].of(one)}
        own = {line for one in getattr(group, side) for line in sides[0].of(one)}
        taken_in.append(held - own)
    holders = _by_line(enumerate(taken_in))
    left = []
    for row in rows:
        lines = sides[0].of(row)
        near = {number for line in lines for number in holders.get(line, ())}
        best, most = None, MOST_OF
        for number in sorted(near):
            share = _share(lines, taken_in[number])
            if share > most or (share == most and best is None):
                best, most = number, share
        if best is None:
            left.append(row)
        else:
            getattr(groups[best], side).append(row)
            taken_in[best] -= lines.keys()
    return left


def _in_place(
    groups: list[Group], old: Sequence[FunctionSummary], new: Sequence[FunctionSummary]
) -> tuple[list[FunctionSummary], list[FunctionSummary]]:
    """Pair up what stands alone between the same neighbours of its file, is called as often and is
    not of quite another size: most likely it was renamed and rewritten; what is left."""
    known = list(groups)
    slots: dict[tuple[object, ...], Group] = {}
    for side, rows in (("old", old), ("new", new)):
        places = _places(known, side)
        for row in rows:
            if row.file is not None and row.line is not None:
                around = _around(places.get(_file(row), ()), row.line)
                slot = slots.setdefault((_file(row), *around), Group(is_likely=True))
                getattr(slot, side).append(row)
    found = [
        slot
        for slot in slots.values()
        if len(slot.old) == len(slot.new) == 1 and _are_alike(slot.old[0], slot.new[0])
    ]
    groups += found
    taken = {id(row) for slot in found for row in (*slot.old, *slot.new)}
    left_old, left_new = ([r for r in rows if id(r) not in taken] for rows in (old, new))
    return left_old, left_new


def _file(row: FunctionSummary) -> str:
    return PurePath(row.file or "").name


def _places(groups: Sequence[Group], side: str) -> dict[str, list[tuple[int, int]]]:
    """Where the functions of both runs begin in the files of one: line and number of the group."""
    found: dict[str, list[tuple[int, int]]] = {}
    for number, group in enumerate(groups):
        if group.old and group.new:
            row = getattr(group, side)[0]
            if row.line is not None:
                found.setdefault(_file(row), []).append((row.line, number))
    return found


def _around(places: Iterable[tuple[int, int]], line: int) -> tuple[int | None, int | None]:
    """The numbers of the nearest before and behind a line."""
    above = max((place for place in places if place[0] < line), default=(0, None))
    below = min((place for place in places if place[0] > line), default=(0, None))
    return above[1], below[1]


def _are_alike(old: FunctionSummary, new: FunctionSummary) -> bool:
    few, many = sorted((old.instructions, new.instructions))
    return old.calls == new.calls > 0 and many <= MOST_REWRITTEN * few
