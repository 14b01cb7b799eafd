"""Pipelines: (entry state, block) to cycles by cause and exit state, one kind for each core.

A mechanism, not a table of answers: pair rules (rules_m7.py), hazards (mechanism.py), latencies
from the stages in which results appear and operands are read (latency.py), and a 64-bit fetch a
cycle drive an in-order scheduler (in_order.py). Everything an instruction leaves behind that can
still matter is in the state (state.py), so a run costs the same however it is cut into blocks. The
numbers are the [pipeline] tables of the CPU model.

A block's cost is the number of cycles begun in it: an instruction that takes a slot of a cycle
which the block before began costs nothing. What depends on run-time addresses and branch history
is added by the C core, which stops this pipeline's clock meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from simcore.cpu_model.schema import PIPELINES
from simcore.pipeline.schedule import OTHER_BLOCK, InstructionCost, Schedule

if TYPE_CHECKING:
    from simcore.cpu_model import CorePipeline
    from simcore.isa import Block
    from simcore.pipeline.stretches import Stretch

__all__ = ["OTHER_BLOCK", "InstructionCost", "Pipeline", "Schedule", "make_pipeline"]


class Pipeline(Protocol):
    """Schedules blocks for one set of [pipeline] parameters of a CPU model."""

    reset_state: int  # after reset and after a mispredict

    def schedule(self, block: Block, state: int, variant: int = 0) -> Schedule:
        """Schedule `block` entered in `state`; bit i of `variant` answers the block's probe i."""

    def stretches(self, block: Block) -> tuple[Stretch, ...]:
        """The stretches in which a block is scheduled: all of it takes what they take in turn."""

    def schedule_stretch(
        self, stretch: Stretch, state: int, variant: int, *, explain: bool = True
    ) -> Schedule:
        """Schedule a stretch; `variant` answers the probes of its block that it asks.

        Without `explain`, which takes less, `instructions` of the schedule is left empty.
        """

    def describe_state(self, state: int) -> str:
        """The state in words."""

    def extra_cycles(self, table: str) -> tuple[int, ...]:
        """Cycles that operands add, by operand class; `table` is that of a block's note."""

    @property
    def extra_tables(self) -> tuple[str, ...]:
        """The names of all tables that notes can ask for."""

    @property
    def alignment(self) -> int:
        """Bytes modulo which the address of a block matters: fetch groups, words of literals."""

    def packed_states(self) -> list[bytes]:
        """All states by number, for `adopt` of another pipeline with like parameters."""

    def adopt(self, states: Sequence[bytes]) -> None:
        """Number states as they were packed, before anything was scheduled.

        Raises ValueError, and nothing is done, for what is not such a list.
        """

    @property
    def state_count(self) -> int:
        """How many distinct states blocks have been left in so far."""


def make_pipeline(params: CorePipeline) -> Pipeline:
    """The pipeline of a CPU model, less the mechanisms that it leaves out.

    Raises ConfigError for a mechanism that the pipeline does not know.
    """
    module = import_module(f"simcore.pipeline.{PIPELINES[params.name]}")
    made: Pipeline = module.pipeline(params)
    return made
