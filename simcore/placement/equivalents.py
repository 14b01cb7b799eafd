"""A program that is linked for one part, timed on another: each memory as the other's equivalent.

Two parts have the same kinds of memory at other addresses, or other kinds at the same ones. The
program runs where it was linked; its flash is timed as the other part's flash, its DTCM as DTCM,
its SRAM as SRAM.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from simcore.cpu_model import CpuModel, Region
from simcore.cpu_model.schema import MEMORY_KINDS
from simcore.elf import Image
from simcore.errors import ConfigError
from simcore.run.setup import Move
from simcore.run.spec import PartSpec

LINE = 32  # bytes of a cache line: what is moved keeps its place in one
#: What stands in for a kind of memory, the best first.
INSTEAD = {
    "itcm": ("itcm", "sram"),
    "dtcm": ("dtcm", "sram"),
    "sram": ("sram", "dtcm"),
    "flash": ("flash", "sram"),
    "external": ("external",),
}


@dataclass(frozen=True, slots=True)
class _Span:
    """Regions of one kind side by side."""

    regions: tuple[Region, ...]

    @property
    def base(self) -> int:
        return self.regions[0].base

    @property
    def end(self) -> int:
        return self.regions[-1].end

    @property
    def size(self) -> int:
        return self.end - self.base

    @property
    def name(self) -> str:
        return "+".join(region.name for region in self.regions)


def linked_for(image: Image, specs: Iterable[PartSpec]) -> str | None:
    """Which of several parts a program is linked for, as `cpu` of its spec.

    The first that holds it, before others one at whose end of a memory the stack begins; None when
    none does.
    """
    holding: list[tuple[str, CpuModel]] = []
    for spec in specs:
        if not spec.tells_memory:
            try:
                setup = spec.setup(image=image)
                setup.check_program(image)
            except ConfigError:
                continue
            holding.append((spec.cpu, setup.model))
    top = _stack_top(image)
    ends = [
        cpu
        for cpu, model in holding
        if any(region.end == top and region.writable for region in model.regions)
    ]
    return next(iter(ends or [cpu for cpu, _ in holding]), None)


def equivalent_moves(
    image: Image, home: CpuModel, other: CpuModel
) -> tuple[tuple[Move, ...], tuple[str, ...]]:
    """The moves that time the memory of `home` as that of `other`, and what became what, in words.

    Raises ConfigError when the other part has no room for something.
    """
    used = [(span, _used(image, span)) for span in _spans(home)]
    used = [(span, size) for span, size in used if size]
    targets = sorted(_spans(other), key=lambda span: -span.size)
    cursor = {span.base: span.base for span in targets}  # where the free part of each begins
    devices: dict[str, int] = {}  # of home, to where its first byte is timed
    moves: list[Move] = []
    words: list[str] = []
    for span, size in sorted(used, key=lambda item: -item[0].size):
        first = span.regions[0]
        target, at = None, devices.get(first.device)
        if at is None:
            target = _target(span, size, targets, cursor)
            if target is None:
                raise ConfigError(
                    f"{image.path}: {size} bytes in {span.name} of {home.name} have no room in a"
                    f" memory of {other.name} that is like it"
                )
            at = cursor[target.base]
            cursor[target.base] = -(-(at + min(span.size, target.end - at)) // LINE) * LINE
            devices[first.device] = at - first.device_offset
        else:
            at += first.device_offset
            target = next(one for one in targets if one.base <= at < one.end)
        made = list(_moves(span, target, at, _top(image, span)))
        moves += made
        words.append(f"{span.name} as {target.name}" + (f" at {at:#010x}" if made else ""))
    cuts = sorted({edge for section in image.sections if section.executable
                   for edge in (section.address, section.address + section.size)})  # fmt: skip
    return tuple(sorted(part for move in moves for part in _cut(move, cuts))), tuple(words)


def _spans(model: CpuModel) -> list[_Span]:
    """The memories of a part, those side by side as one."""
    spans: list[_Span] = []
    for region in model.regions:
        if region.kind not in MEMORY_KINDS:
            continue
        last = spans[-1].regions[-1] if spans else None
        together = last is not None and last.end == region.base and last.kind == region.kind
        if together and region.kind == "sram":
            spans[-1] = _Span((*spans[-1].regions, region))
        else:
            spans.append(_Span((region,)))
    return spans


def _used(image: Image, span: _Span) -> int:
    """Bytes from the start of a span to the end of what the program has in it, 0 for nothing."""
    places = [(s.run_address, s.memory_size) for s in image.segments]
    places += [(s.address, len(s.data)) for s in image.segments]
    places += [(s.address, s.size) for s in image.symbols if s.section and s.size]
    ends = [
        min(at + size, span.end) for at, size in places if at < span.end and at + size > span.base
    ]
    used = max(ends, default=span.base) - span.base
    return used or (LINE if span.base < _stack_top(image) <= span.end else 0)


def _stack_top(image: Image) -> int:
    symbol = image.stack_symbol()
    return image.initial_sp or (0 if symbol is None else symbol.address)


def _top(image: Image, span: _Span) -> bool:
    """Whether the stack begins in the upper half of a span, and grows down from there."""
    return span.base + span.size // 2 < _stack_top(image) <= span.end


def _target(
    span: _Span, size: int, targets: Sequence[_Span], cursor: dict[int, int]
) -> _Span | None:
    """The memory that stands for a span: of the first kind that has room, the one of its name, of
    SRAM the largest."""
    kind = span.regions[0].kind
    for instead in INSTEAD[kind]:
        fitting = [
            target
            for target in targets
            if target.regions[0].kind == instead
            and target.end - cursor[target.base] >= size
            and all(region.writable or instead == kind for region in target.regions)
        ]
        named = [one for one in fitting if one.name == span.name and instead != "sram"]
        if fitting:
            return (named or fitting)[0]
    return None


def _moves(span: _Span, target: _Span, at: int, has_stack: bool) -> Iterator[Move]:
    """What times a span from `at` on. Of a smaller target the middle is left out, where neither
    data nor stack is, or what is behind the data."""
    room = target.end - at
    if span.size <= room:
        pieces = [(span.base, span.size, at)]
    elif has_stack:
        above = room // 2 // LINE * LINE
        pieces = [
            (span.base, room - above, at),
            (span.end - above, above, target.end - above),
        ]
    else:
        pieces = [(span.base, room, at)]
    for start, size, to in pieces:
        for region in target.regions:
            low, high = max(to, region.base), min(to + size, region.end)
            if low < high and low - to + start != low:
                yield Move(low - to + start, high - low, low)


def _cut(move: Move, edges: Sequence[int]) -> Iterator[Move]:
    """A move in parts, each of them code or none of it."""
    inside = [edge for edge in edges if move.start < edge < move.end]
    for low, high in pairwise([move.start, *inside, move.end]):
        yield Move(low, high - low, low - move.start + move.to)
