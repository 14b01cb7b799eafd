"""Where what DMA moves may lie: in memories that every DMA controller of the part reaches.

Which controller moves a buffer is decided at run time by the firmware, so that the least of them
counts: DMA1 and DMA2 of an STM32H7 reach no TCM, those of an STM32F7 no ITCM.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simcore.cpu_model import CpuModel, Region
from simcore.cpu_model.schema import TCM_KINDS
from simcore.placement.pieces import Piece


@dataclass(frozen=True, slots=True)
class DmaReach:
    """Ranges [start, end) of the program that DMA moved, and kinds of regions that it reaches."""

    ranges: tuple[tuple[int, int], ...]
    kinds: frozenset[str]

    def is_moved(self, piece: Piece) -> bool:
        """Whether DMA read or wrote some of a piece."""
        return any(start < piece.end and piece.address < end for start, end in self.ranges)

    def allows(self, piece: Piece, region: Region) -> bool:
        """Whether a piece may lie in a region."""
        return region.kind in self.kinds or not self.is_moved(piece)

    def reaches_tcm(self, piece: Piece) -> bool:
        """Whether a piece may lie in some TCM."""
        return not self.is_moved(piece) or bool(self.kinds & {*TCM_KINDS})


def dma_reach(model: CpuModel, ranges: Sequence[tuple[int, int]]) -> DmaReach:
    """What DMA moved in a run, and what all controllers of the part reach."""
    kinds: set[str] | None = None
    for device in model.devices.devices:
        for channel in device.channels:
            reached = {*channel.memory}  # its port to memory
            kinds = reached if kinds is None else kinds & reached
    return DmaReach(tuple(ranges), frozenset(kinds or ()))
