"""What configurations share: blocks, each decoded once, and schedules of their stretches, each made
once.

From any thread: the configurations of one run are timed side by side.
"""

from __future__ import annotations

import threading
from dataclasses import field
from typing import TYPE_CHECKING

from simcore.errors import UnknownInstructionError
from simcore.isa import Block, decode_block
from simcore.records import dataclass

if TYPE_CHECKING:
    from simcore.cpu_model import CorePipeline
    from simcore.pipeline import Pipeline, Schedule
    from simcore.pipeline.stretches import Stretch


class Decoder:
    """Blocks decoded once for all configurations."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks: dict[tuple[int, bytes, int], Block | UnknownInstructionError] = {}

    def decode(self, address: int, code: bytes, it_state: int) -> Block | UnknownInstructionError:
        """The block, or why it cannot be decoded."""
        key = (address, code, it_state)
        with self._lock:
            if (found := self._blocks.get(key)) is None:
                try:
                    found = decode_block(address, code, it_state)
                except UnknownInstructionError as error:
                    found = error
                self._blocks[key] = found
        return found


@dataclass(frozen=True, slots=True)
class CutBlock:
    """A block in stretches, with the schedules made so far, by stretch, state and variant."""

    stretches: tuple[Stretch, ...]
    schedules: dict[tuple[int, int, int], Schedule] = field(default_factory=dict)


class Scheduler:
    """A pipeline that configurations share, with what it has said so far.

    A block's schedule hangs on its bytes and on where they lie in a fetch group, so that a block
    that is placed elsewhere mostly has the schedule that it had.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self._lock = threading.Lock()
        self._blocks: dict[tuple[bytes, int, int], CutBlock] = {}

    def cut(self, block: Block, code: bytes, it_state: int) -> CutBlock:
        """The stretches of `block`, which was decoded from `code`."""
        key = (code, it_state, block.address % self.pipeline.alignment)
        with self._lock:
            if (found := self._blocks.get(key)) is None:
                found = self._blocks[key] = CutBlock(self.pipeline.stretches(block))
        return found

    def schedule(self, block: CutBlock, stretch: int, state: int, variant: int) -> Schedule:
        """What a stretch costs from a state; `variant` answers the probes that it asks."""
        key = (stretch, state, variant)
        with self._lock:
            if (found := block.schedules.get(key)) is None:
                found = self.pipeline.schedule_stretch(block.stretches[stretch], state, variant)
                block.schedules[key] = found
        return found


@dataclass(slots=True)
class Known:
    """Blocks and schedules that several cores share which time one program."""

    decoder: Decoder = field(default_factory=Decoder)
    schedulers: list[tuple[CorePipeline, Scheduler]] = field(default_factory=list)
