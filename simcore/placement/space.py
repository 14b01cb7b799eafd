"""Free memory of a part: what a program leaves of each device, and where pieces fit into it.

Addresses are counted per device, so that a byte which two regions show is taken once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from simcore.cpu_model import CpuModel, Region

NULL_BYTES = 8  # at address 0 stay free: nothing has the address of the null pointer


@dataclass(frozen=True, slots=True)
class Gap:
    """Free bytes [start, end) of a region, as addresses.

    With ``is_heap`` an unmoved heap begins in it, so that what is placed goes to its end.
    """

    start: int
    end: int
    is_heap: bool = False

    @property
    def size(self) -> int:
        return self.end - self.start


@dataclass(slots=True)
class Space:
    """What is taken of the devices of a part."""

    model: CpuModel
    _taken: dict[str, list[tuple[int, int]]] = field(default_factory=dict)  # by device: start, end

    def take(self, address: int, size: int) -> None:
        """Mark bytes as taken; those outside the part's memory do not count."""
        for device, start, end in self._pieces(address, size):
            self._taken.setdefault(device, []).append((start, end))

    def free(self, address: int, size: int) -> None:
        """Give bytes back."""
        for device, start, end in self._pieces(address, size):
            left: list[tuple[int, int]] = []
            for low, high in self._taken.get(device, []):
                if low < start:
                    left.append((low, min(high, start)))
                if high > end:
                    left.append((max(low, end), high))
                # what lies wholly inside is gone
            self._taken[device] = [(low, high) for low, high in left if low < high]

    def gaps(self, region: Region, heap: int | None = None) -> list[Gap]:
        """The free bytes of a region by address; ``heap`` is where an unmoved heap begins."""
        offset = region.device_offset - region.base
        first = region.base + (NULL_BYTES if region.base == 0 else 0)
        gaps: list[Gap] = []
        for low, high in merged(self._taken.get(region.device, [])):
            start, end = low - offset, high - offset
            if first < min(start, region.end):
                gaps.append(_gap(first, min(start, region.end), heap))
            first = max(first, end)
        if first < region.end:
            gaps.append(_gap(first, region.end, heap))
        return gaps

    def taken_bytes(self, region: Region) -> int:
        """The bytes of a region that are taken."""
        return region.size - sum(gap.size for gap in self.gaps(region))

    def _pieces(self, address: int, size: int) -> Iterable[tuple[str, int, int]]:
        """Device and offsets in it of the parts of a range that are memory of the part."""
        end = address + size
        for region in self.model.regions:
            low, high = max(address, region.base), min(end, region.end)
            if low < high:
                offset = region.device_offset - region.base
                yield region.device, low + offset, high + offset


def _gap(start: int, end: int, heap: int | None) -> Gap:
    return Gap(start, end, heap is not None and start <= heap < end)


def merged(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same bytes as sorted ranges that neither overlap nor touch."""
    result: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def fit(pieces: Sequence[tuple[int, int, int]], gaps: Sequence[Gap]) -> list[int] | None:
    """Where pieces of (address, size, alignment) go, in their order; None when they do not fit.

    A piece keeps its address modulo its alignment. As a linker does, they are packed in order; of
    several gaps each takes the first that has room. In a gap with the heap they end where it ends.
    """
    cursors = [gap.start for gap in gaps]
    for index, gap in enumerate(gaps):
        if gap.is_heap:
            cursors[index] = _start_at_end(pieces, gap)
    places: list[int] = []
    for address, size, alignment in pieces:
        for index, gap in enumerate(gaps):
            place = aligned(cursors[index], address, alignment)
            if place + size <= gap.end:
                cursors[index] = place + size
                places.append(place)
                break
        else:
            return None
    return places


def _start_at_end(pieces: Sequence[tuple[int, int, int]], gap: Gap) -> int:
    """Where packing starts so that all pieces just fit in front of the end of a gap."""
    start = gap.end - sum(size for _, size, _ in pieces)
    while start > gap.start:
        at = start
        for address, size, alignment in pieces:
            at = aligned(at, address, alignment) + size
        if at <= gap.end:
            return start
        start -= at - gap.end
    return gap.start


def aligned(at: int, address: int, alignment: int) -> int:
    """The first place from ``at`` on that is like ``address`` modulo the alignment."""
    return at + (address - at) % alignment
