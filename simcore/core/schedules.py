"""What configurations share: blocks, each decoded once, and schedules, each made once.

From any thread: the configurations of one run are timed side by side.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from simcore.errors import UnknownInstructionError
from simcore.isa import Block, decode_block

if TYPE_CHECKING:
    from simcore.pipeline import Pipeline, Schedule


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


class Scheduler:
    """A pipeline that configurations share, with what it has said so far.

    A block's schedule hangs on its bytes and on where they lie in a fetch group, so that a block
    that is placed elsewhere mostly has the schedule that it had.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self._lock = threading.Lock()
        self._schedules: dict[tuple[bytes, int, int, int, int], Schedule] = {}

    def schedule(
        self, block: Block, code: bytes, it_state: int, state: int, variant: int
    ) -> Schedule:
        """What `block`, decoded from `code`, costs from a state."""
        key = (code, it_state, block.address % self.pipeline.alignment, state, variant)
        with self._lock:
            found = self._schedules.get(key)
            if found is None:
                found = self._schedules[key] = self.pipeline.schedule(block, state, variant)
        return found
