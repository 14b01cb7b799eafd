"""The dual-issue model of the Cortex-M7: (entry state, block) to cycles by cause and exit state.

A mechanism, not a table of answers: issue rules (pipeline/rules.py), latencies from the stages in
which results appear and operands are read (pipeline/latency.py), and a 64-bit fetch a cycle drive
an in-order scheduler (pipeline/scheduling.py). Everything an instruction leaves behind that can
still matter is in the state (pipeline/state.py), so a run costs the same however it is cut into
blocks. The numbers are the [pipeline] tables of cpu_models/cortex-m7.toml.

A block's cost is the number of cycles begun in it: an instruction that takes a slot of a cycle
which the block before began costs nothing. What depends on run-time addresses and branch history
is added by the C core, which stops this pipeline's clock meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simcore.isa import Block
from simcore.pipeline.latency import EXTRA_TABLES, extra_cycles
from simcore.pipeline.plan import PlanTable
from simcore.pipeline.scheduling import OTHER_BLOCK, BlockRun, InstructionCost, Schedule
from simcore.pipeline.state import CLOSED, NEVER, State, StateTable

__all__ = ["OTHER_BLOCK", "InstructionCost", "Pipeline", "Schedule"]


class Pipeline:
    """Schedules blocks for one set of [pipeline] parameters of a CPU model."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._params = params
        self._plans = PlanTable(params)
        self._states = StateTable()
        # After reset and after a mispredict: nothing in flight, the next group arrives next cycle.
        self.reset_state = self._states.intern(
            State(
                open_mask=CLOSED,
                lock=0,
                fetched=1,
                new_group=False,
                mac=NEVER,
                chained=NEVER,
                double_mac=False,
                flags_age=self._plans.flags_distance,
                pending=(),
            )
        )

    def schedule(self, block: Block, state: int, variant: int = 0) -> Schedule:
        """Schedule `block` entered in `state`; bit i of `variant` answers the block's probe i."""
        entry = self._states.states[state]
        run = BlockRun(self._plans, self._states, block, entry, variant, self.reset_state)
        for index, instruction in enumerate(block.instructions):
            run.issue(index, instruction)
        return run.finish()

    def describe_state(self, state: int) -> str:
        """The state in words."""
        return self._states.states[state].describe()

    def extra_cycles(self, table: str) -> tuple[int, ...]:
        """Cycles that operands add, by operand class; `table` is that of a block's note."""
        return extra_cycles(self._params, table)

    @property
    def alignment(self) -> int:
        """Bytes modulo which the address of a block matters: fetch groups, words of literals."""
        return max(4, 1 << self._plans.group_shift)

    @property
    def extra_tables(self) -> tuple[str, ...]:
        """The names of all tables that notes can ask for."""
        return EXTRA_TABLES

    @property
    def state_count(self) -> int:
        """How many distinct states blocks have been left in so far."""
        return len(self._states.states)
