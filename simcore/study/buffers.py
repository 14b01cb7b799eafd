"""Offsets of tensors in one buffer: those that are alive at the same time do not share a byte.

Largest first, each at the lowest offset that is free over its life: the greedy by size of Pisarchyk
and Lee, Efficient Memory Management for Deep Neural Net Inference, arXiv 2001.03288, section 5.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LINE = 32  # bytes: tensors begin where a cache line begins


@dataclass(frozen=True, slots=True)
class Lifetime:
    """A tensor of ``size`` bytes, alive from step ``first`` to step ``last``, both included."""

    size: int
    first: int
    last: int

    def meets(self, other: Lifetime) -> bool:
        """Whether both are alive at some step."""
        return self.first <= other.last and other.first <= self.last


def plan(tensors: Mapping[str, Lifetime]) -> tuple[dict[str, int], int]:
    """The offset of each tensor, and the bytes of the buffer that holds them."""
    offsets: dict[str, int] = {}
    order = sorted(tensors, key=lambda name: (-tensors[name].size, tensors[name].first, name))
    for name in order:
        tensor = tensors[name]
        taken = sorted(
            (offsets[other], offsets[other] + tensors[other].size)
            for other in offsets
            if tensors[other].meets(tensor)
        )
        offset = 0
        for start, end in taken:
            if offset + tensor.size <= start:
                break
            offset = max(offset, -(-end // LINE) * LINE)
        offsets[name] = offset
    size = max((offsets[name] + tensors[name].size for name in offsets), default=0)
    return {name: offsets[name] for name in tensors}, size


def least(tensors: Mapping[str, Lifetime]) -> int:
    """The most bytes that are alive at one step: no buffer can be smaller."""
    steps = {tensor.first for tensor in tensors.values()}
    return max(
        (sum(t.size for t in tensors.values() if t.first <= step <= t.last) for step in steps),
        default=0,
    )
