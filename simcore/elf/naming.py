"""Names for a program that has none, or not for all of it: those of ELF files beside it.

A HEX file of a boot loader and its application has two such files, a stripped ELF the one that it
was before. The bytes are the program's own; of an ELF come names and lines, which of the bytes run
elsewhere, and what memory is used without any.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from simcore.elf.image import Function, Image, InlinedCall, Segment

_UNNAMED = re.compile(r"\+0x[0-9a-f]+$")  # code that no symbol covers: .text+0x1c
_Ranges = list[tuple[int, int]]  # start and end, sorted, apart


def named(program: Image, others: Sequence[Image]) -> Image:
    """The program with the names of other images; an address that two of them name is the first's.

    A program's own names go first. Where it starts is left as it is.
    """
    images = [program, *others] if program.symbols else [*others, program]
    segments = list(program.segments)
    if not program.sections:
        segments = _as_linked(segments, others)
    functions, lines = _functions(segments, images)
    own = _owners(images)
    return replace(
        program,
        segments=tuple(sorted(segments, key=lambda one: (one.address, one.run_address))),
        sections=tuple(s for image, is_own in own for s in image.sections if is_own(s.address)),
        symbols=tuple(s for image, is_own in own for s in image.symbols if is_own(s.address)),
        functions=functions,
        build_id=next((image.build_id for image in images if image.build_id), None),
        compiler=next((image.compiler for image in images if image.compiler), None),
        origins=tuple(sorted(o for image, is_own in own for o in image.origins if is_own(o[0]))),
        warnings=(
            *program.warnings,
            *(text for other in others for text in _strange(program, other)),
        ),
        lines=lines.line_at,
        lacks=lines.lacking,
        inlines=lines.inlined,
        structs=next((image.structs for image in images if image.structs), None),
    )


def _strange(program: Image, other: Image) -> Iterator[str]:
    """A warning when an image is not of the program's build, or of no part of it."""
    if program.segments == other.segments:  # debug information only
        if program.build_id != other.build_id or (
            program.sections and _code_of(program) != _code_of(other)
        ):
            yield (
                f"{other.path} is of another build than {program.path}: names and lines may be"
                " wrong"
            )
        return
    held = False
    for one in other.segments:
        for known in program.segments:
            low, high = _shared(known, one)
            found = known.data[low - known.address : high - known.address]
            wanted = one.data[low - one.address : high - one.address]
            held = held or low < high
            if low < high and found != wanted:
                pairs = enumerate(zip(found, wanted, strict=True))
                at = low + next(n for n, (mine, its) in pairs if mine != its)
                yield (
                    f"{other.path} is of another build than {program.path}, which differs at"
                    f" {at:#010x}: names and lines may be wrong"
                )
                return
    if not held:
        yield f"{other.path} names nothing that {program.path} has"


def _code_of(image: Image) -> list[tuple[int, int]]:
    """Where sections of code are, and their sizes."""
    return sorted((one.address, one.size) for one in image.sections if one.executable)


def _shared(known: Segment, one: Segment) -> tuple[int, int]:
    """The load addresses at which both have bytes, from the first to behind the last."""
    low = max(known.address, one.address)
    return low, min(known.address + len(known.data), one.address + len(one.data))


def _as_linked(segments: Sequence[Segment], others: Sequence[Image]) -> list[Segment]:
    """Bytes at load addresses cut into segments of images, with where they run, and their memory.

    What an image has where one before it runs is left out.
    """
    raw, linked = list(segments), list[Segment]()
    for other in others:
        mine: list[Segment] = []
        taken = _union([(one.run_address, one.run_address + one.memory_size) for one in linked])
        for one in other.segments:
            if _touches(taken, one.run_address, one.run_address + one.memory_size):
                continue
            for known in list(raw):
                low, high = _shared(known, one)
                if low >= high:
                    continue
                raw.remove(known)
                raw += [part for part in _around(known, low, high) if part.data]
                data = known.data[low - known.address : high - known.address]
                run = low - one.address + one.run_address
                mine.append(
                    replace(one, address=low, run_address=run, data=data, memory_size=len(data))
                )
            start, size = one.run_address + len(one.data), one.memory_size - len(one.data)
            if size:
                mine.append(
                    replace(one, address=start, run_address=start, data=b"", memory_size=size)
                )
        linked += mine
    return [*raw, *linked]


def _around(known: Segment, low: int, high: int) -> Iterator[Segment]:
    """What is left of a segment in front of and behind [low, high)."""
    before, behind = known.data[: low - known.address], known.data[high - known.address :]
    yield replace(known, data=before, memory_size=len(before))
    yield replace(known, address=high, run_address=high, data=behind, memory_size=len(behind))


def _owners(images: Sequence[Image]) -> list[tuple[Image, Callable[[int], bool]]]:
    """Each image, and whether an address is not in a section of one before it."""
    result: list[tuple[Image, Callable[[int], bool]]] = []
    taken: _Ranges = []
    for image in images:

        def is_own(address: int, taken: _Ranges = taken) -> bool:
            return not _holds(taken, address)

        result.append((image, is_own))
        sections = [(s.address, s.address + s.size) for s in image.sections if s.allocated]
        taken = _union([*taken, *sections])
    return result


def _functions(
    segments: Sequence[Segment], images: Sequence[Image]
) -> tuple[tuple[Function, ...], _Lines]:
    """The functions of all images that are in the program, and their lines.

    Code without a name goes to what none of them names.
    """
    code = _union(
        [(s.run_address, s.run_address + len(s.data)) for s in segments if s.executable and s.data]
    )
    found: dict[int, tuple[str, int, Image]] = {}
    taken: _Ranges = []
    for image in images:
        own = [
            (function.name, function.start, function.end)
            for function in image.functions
            if not _UNNAMED.search(function.name)
            and _holds(code, function.start)
            and not _touches(taken, function.start, function.end)
        ]
        found |= {start: (name, end, image) for name, start, end in own}
        taken = _union([*taken, *((start, end) for _, start, end in own)])
    for image in images:
        pieces = [
            (function.name, function.start, *piece)
            for function in image.functions
            if _UNNAMED.search(function.name) and _holds(code, function.start)
            for piece in _apart(taken, function.start, function.end)
        ]
        for name, whole, start, end in pieces:
            section, _, offset = name.rpartition("+0x")
            found[start] = (f"{section}+0x{int(offset, 16) + start - whole:x}", end, image)
        taken = _union([*taken, *((start, end) for _, _, start, end in pieces)])
    rows = sorted(found.items())
    functions = tuple(
        Function(index, name, start, end) for index, (start, (name, end, _)) in enumerate(rows)
    )
    starts = [start for start, _ in rows]
    told = [image for image in images if image.lines is not None]

    def named_by(address: int) -> Image | None:
        """The image whose lines an address has: what names it, or is debug information for that."""
        index = bisect_right(starts, address) - 1
        if index < 0 or address >= rows[index][1][1]:
            return None
        own = rows[index][1][2]
        return own if own.lines is not None else next((one for one in told if one is not own), None)

    return functions, _Lines(named_by)


class _Lines:
    """Lines of several images."""

    def __init__(self, image_at: Callable[[int], Image | None]) -> None:
        self._image_at = image_at

    def line_at(self, address: int) -> tuple[str, int] | None:
        image = self._image_at(address)
        return image.line_at(address) if image else None

    def lacking(self, addresses: Iterable[int]) -> tuple[str, ...]:
        by_image = self._by_image(addresses)
        return tuple(text for image, one in by_image.items() for text in image.lacking_lines(one))

    def inlined(self, addresses: Iterable[int]) -> dict[int, tuple[InlinedCall, ...]]:
        found: dict[int, tuple[InlinedCall, ...]] = {}
        for image, one in self._by_image(addresses).items():
            found |= image.inlined_at(one)
        return found

    def _by_image(self, addresses: Iterable[int]) -> dict[Image, list[int]]:
        by_image: dict[Image, list[int]] = {}
        for address in addresses:
            image = self._image_at(address)
            if image is not None:
                by_image.setdefault(image, []).append(address)
        return by_image


def _union(ranges: _Ranges) -> _Ranges:
    """The same addresses as sorted ranges that do not touch."""
    result: _Ranges = []
    for start, end in sorted(ranges):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        elif start < end:
            result.append((start, end))
    return result


def _holds(ranges: _Ranges, address: int) -> bool:
    index = bisect_right(ranges, (address, 1 << 33)) - 1
    return index >= 0 and address < ranges[index][1]


def _touches(ranges: _Ranges, start: int, end: int) -> bool:
    index = bisect_right(ranges, (end - 1, 1 << 33)) - 1
    return index >= 0 and start < ranges[index][1]


def _apart(ranges: _Ranges, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The parts of [start, end) outside the ranges."""
    for low, high in ranges:
        if high <= start or low >= end:
            continue
        if start < low:
            yield start, low
        start = high
    if start < end:
        yield start, end
