"""What configurations share: blocks, each decoded once, what C is told of them, and schedules of
their stretches, each made once, or by a run before.

From any thread: the configurations of one run are timed side by side.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import field
from typing import TYPE_CHECKING

from simcore.core.facts import BlockFacts, Told, pack_schedule
from simcore.errors import UnknownInstructionError
from simcore.isa import Block, decode_block
from simcore.pipeline import make_pipeline
from simcore.records import dataclass

if TYPE_CHECKING:
    from simcore.core.kept_facts import KeptFacts
    from simcore.cpu_model import CorePipeline
    from simcore.pipeline import Pipeline, Schedule
    from simcore.pipeline.stretches import Stretch

#: What decides a block's facts: code, ITSTATE, and where it lies in a fetch group, in the program
#: and where it is timed.
FactsKey = tuple[bytes, int, int, int]


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
    that is placed elsewhere mostly has the schedule that it had. `kept` is what runs before said.
    """

    def __init__(self, pipeline: Pipeline, kept: KeptFacts | None = None) -> None:
        self.pipeline = pipeline
        self.facts: dict[FactsKey, BlockFacts] = {}  # that were asked for
        self._kept = kept
        self._lock = threading.Lock()
        self._blocks: dict[tuple[bytes, int, int], CutBlock] = {}

    def find(self, key: FactsKey) -> BlockFacts | None:
        """The facts of a block that is known."""
        with self._lock:
            found = self.facts.get(key)
            if found is None and self._kept is not None:
                found = self._kept.take(key)
                if found is not None:
                    self.facts[key] = found
        return found

    def learn(self, key: FactsKey, facts: BlockFacts) -> BlockFacts:
        """The facts of a block from now on."""
        with self._lock:
            self.facts[key] = facts
        return facts

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

    def tell(
        self, facts: BlockFacts, cut: Callable[[], CutBlock], stretch: int, state: int, variant: int
    ) -> Told:
        """What a stretch of a block costs from a state, for C; `cut` is asked when it is new."""
        key = (stretch, state, variant)
        found = facts.told.get(key)
        if found is None:
            block = cut()
            with self._lock:
                if (made := block.schedules.get(key)) is None:
                    made = self.pipeline.schedule_stretch(
                        block.stretches[stretch], state, variant, explain=False
                    )
            found = facts.told[key] = pack_schedule(made)
        return found


@dataclass(slots=True)
class Known:
    """Blocks and schedules that several cores share which time one program.

    `kept` gives what runs before said of a pipeline.
    """

    decoder: Decoder = field(default_factory=Decoder)
    schedulers: list[tuple[CorePipeline, Scheduler]] = field(default_factory=list)
    kept: Callable[[CorePipeline, Pipeline], KeptFacts | None] | None = None

    def scheduler(self, params: CorePipeline) -> Scheduler:
        """The one scheduler of like pipelines."""
        for other, known in self.schedulers:
            if other == params:
                return known
        pipeline = make_pipeline(params)
        found = Scheduler(pipeline, None if self.kept is None else self.kept(params, pipeline))
        self.schedulers.append((params, found))
        return found
