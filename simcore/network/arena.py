"""Offsets of tensors in one buffer: those that are alive at the same time do not share a byte.

Greedy by size and by breadth of Pisarchyk and Lee, Efficient Memory Management for Deep Neural Net
Inference, arXiv 2001.03288, section 5. Where neither reaches the bound that no plan can beat: at
either end of a buffer of that size, as a chain of layers needs, then a search through the orders in
which tensors may lie above each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

LINE: Final = 32  # bytes: tensors begin where a cache line begins
SEARCHED_TENSORS: Final = 64  # most for which the search is tried
SEARCHED_PLACES: Final = 10_000  # places that it tries, which bounds its time and not its result

Key = TypeVar("Key", bound=Any)  # names or numbers, which sort


@dataclass(frozen=True, slots=True)
class Lifetime:
    """A tensor of ``size`` bytes, alive from step ``first`` to step ``last``, both included."""

    size: int
    first: int
    last: int

    def meets(self, other: Lifetime) -> bool:
        """Whether both are alive at some step."""
        return self.first <= other.last and other.first <= self.last


def plan(tensors: Mapping[Key, Lifetime], align: int = LINE) -> tuple[dict[Key, int], int]:
    """Greedy by size: the offset of each tensor, and the bytes of the buffer that holds them."""
    return _placed(tensors, sorted(tensors, key=_largest_first(tensors)), align)


def best_plan(
    tensors: Mapping[Key, Lifetime], align: int = LINE
) -> tuple[dict[Key, int], int, str]:
    """The smallest plan that is found, as :func:`plan`, and how.

    Of equal ones that by size, then by breadth, as TensorFlow Lite Micro plans, from both ends,
    searched.
    """
    offsets, size = plan(tensors, align)
    how, bound = "greedy by size", least(tensors, align)
    for name, order in (("greedy by breadth", _by_breadth), ("as TFLM", _last_first)):
        if size > bound:
            other = _placed(tensors, order(tensors, align), align)
            if other[1] < size:
                (offsets, size), how = other, name
    if size > bound:
        both = _from_both_ends(tensors, align, bound)
        if both is not None:
            return both, bound, "from both ends"
    if size > bound and len(tensors) <= SEARCHED_TENSORS:
        found = _Search(tensors, align, size, bound).run()
        if found is not None:
            offsets, how = found, "searched"
            size = max(offsets[key] + tensors[key].size for key in offsets)
    return offsets, size, how


def least(tensors: Mapping[Key, Lifetime], align: int = 1) -> int:
    """The most bytes that are alive at one step: no buffer can be smaller.

    Each tensor but the topmost ends where the next may begin.
    """
    steps = {tensor.first for tensor in tensors.values()}
    return max((_alive(tensors.values(), step, align) for step in steps), default=0)


def lowest(
    tensor: Lifetime, placed: Mapping[Key, int], tensors: Mapping[Key, Lifetime], align: int
) -> int:
    """The lowest offset at which a tensor meets none of those that have their place."""
    taken = sorted(
        (offset, offset + tensors[other].size)
        for other, offset in placed.items()
        if tensors[other].meets(tensor)
    )
    offset = 0
    for start, end in taken:
        if offset + tensor.size <= start:
            break
        offset = max(offset, _up(end, align))
    return offset


def _placed(
    tensors: Mapping[Key, Lifetime], order: Sequence[Key], align: int
) -> tuple[dict[Key, int], int]:
    offsets: dict[Key, int] = {}
    for name in order:
        offsets[name] = lowest(tensors[name], offsets, tensors, align)
    size = max((offsets[name] + tensors[name].size for name in offsets), default=0)
    return {name: offsets[name] for name in tensors}, size


def _largest_first(tensors: Mapping[Key, Lifetime]) -> Any:
    return lambda name: (-tensors[name].size, tensors[name].first, name)


def _last_first(tensors: Mapping[Key, Lifetime], align: int) -> list[Key]:
    """The largest first, of equal ones the last: tflm_plan.py. No plan is worse than TFLM's."""
    return sorted(sorted(tensors, reverse=True), key=lambda name: -_up(tensors[name].size, align))


def _by_breadth(tensors: Mapping[Key, Lifetime], _: int) -> list[Key]:
    """Tensors of the step with most bytes alive first, of a step the largest first."""
    steps = {tensor.first for tensor in tensors.values()}
    breadth = {step: _alive(tensors.values(), step, 1) for step in steps}
    order: dict[Key, None] = {}
    for step in sorted(steps, key=lambda step: (-breadth[step], step)):
        alive = [name for name, one in tensors.items() if one.first <= step <= one.last]
        order.update(dict.fromkeys(sorted(alive, key=_largest_first(tensors))))
    return list(order)


def _from_both_ends(
    tensors: Mapping[Key, Lifetime], align: int, room: int
) -> dict[Key, int] | None:
    """Offsets in a buffer of ``room`` bytes, each tensor as low or as high as it can; None if not.

    In the order in which they come to life; where one has no place, those before it are tried at
    their other end, up to SEARCHED_PLACES places.
    """
    order = sorted(tensors, key=lambda name: (tensors[name].first, -tensors[name].size, name))
    offsets: dict[Key, int] = {}
    choices: list[list[int]] = []
    for _ in range(SEARCHED_PLACES):
        if len(choices) == len(order):
            return {name: offsets[name] for name in tensors}
        one = tensors[order[len(choices)]]
        choices.append(_ends(one, offsets, tensors, align, room))
        while choices and not choices[-1]:
            choices.pop()
            if choices:
                del offsets[order[len(choices) - 1]]
        if not choices:
            return None
        offsets[order[len(choices) - 1]] = choices[-1].pop()
    return None


def _ends(
    one: Lifetime, placed: Mapping[Key, int], tensors: Mapping[Key, Lifetime], align: int, room: int
) -> list[int]:
    """The highest and the lowest offset at which a tensor has a place; the last is tried first."""
    low = lowest(one, placed, tensors, align)
    if low + one.size > room:
        return []
    high = (room - one.size) // align * align
    for start, end in sorted(
        ((at, at + tensors[other].size) for other, at in placed.items()
         if tensors[other].meets(one)), reverse=True,
    ):  # fmt: skip
        if high >= end:
            break
        high = min(high, (start - one.size) // align * align)
    return [high, low] if high > low else [low]


def _alive(tensors: Any, step: int, align: int) -> int:
    sizes = [one.size for one in tensors if one.first <= step <= one.last]
    whole = [_up(size, align) for size in sizes]
    return sum(whole) - max((up - size for up, size in zip(whole, sizes, strict=True)), default=0)


def _up(size: int, align: int) -> int:
    return -(-size // align) * align


class _Search:
    """Places tensors from below, each on what is under it; a plan has at least one such order."""

    def __init__(self, tensors: Mapping[Key, Lifetime], align: int, known: int, bound: int) -> None:
        self._align, self._best, self._bound = align, known, bound
        self._left = SEARCHED_PLACES
        steps = sorted({one.first for one in tensors.values()})
        place = {step: at for at, step in enumerate(steps)}
        self._keys = sorted(tensors, key=_largest_first(tensors))
        self._tensors = [tensors[key] for key in self._keys]
        # A tensor is alive at steps[first:last]; where none begins nothing is decided.
        self._spans = [
            (place[one.first], sum(step <= one.last for step in steps)) for one in self._tensors
        ]
        self._sky = [0] * len(steps)  # up to where each step is taken
        self._waiting = [0] * len(steps)  # bytes of tensors without a place
        for (first, last), one in zip(self._spans, self._tensors, strict=True):
            for at in range(first, last):
                self._waiting[at] += one.size
        self._offsets: dict[int, int] = {}
        self._found: dict[int, int] | None = None

    def run(self) -> dict[Any, int] | None:
        """Offsets of a smaller plan than the known one, None when none was found."""
        self._from(0, list(range(len(self._keys))))
        if self._found is None:
            return None
        return {key: self._found[number] for number, key in enumerate(self._keys)}

    def _from(self, floor: int, waiting: list[int]) -> None:
        if not waiting:
            self._best = max(self._offsets[at] + one.size for at, one in enumerate(self._tensors))
            self._found = dict(self._offsets)
            return
        choices = []
        for number in waiting:
            first, last = self._spans[number]
            offset = _up(max(self._sky[first:last]), self._align)
            if offset >= floor:
                choices.append((offset, number))
        for offset, number in sorted(choices):
            if self._best <= self._bound or self._left <= 0:
                return
            self._left -= 1
            self._try(offset, number, waiting)

    def _try(self, offset: int, number: int, waiting: list[int]) -> None:
        first, last = self._spans[number]
        size, before = self._tensors[number].size, self._sky[first:last]
        if offset + size >= self._best:
            return
        self._sky[first:last] = [offset + size] * (last - first)
        for at in range(first, last):
            self._waiting[at] -= size
        if all(sky + left < self._best for sky, left in zip(self._sky, self._waiting, strict=True)):
            self._offsets[number] = offset
            self._from(offset, [other for other in waiting if other != number])
            del self._offsets[number]
        for at in range(first, last):
            self._waiting[at] += size
        self._sky[first:last] = before
