"""A run that has ended under one configuration: all that a report can be made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from simcore.core.counters import CAUSES, cycle_column
from simcore.costs.attribution import Attribution
from simcore.costs.build import build_profile
from simcore.costs.coverage import FileCoverage
from simcore.costs.coverage import coverage as file_coverage
from simcore.costs.energy import energy_model
from simcore.costs.instruction_energy import with_energy
from simcore.costs.instructions import instruction_costs, line_costs
from simcore.costs.interrupts import activations
from simcore.costs.objects import object_costs
from simcore.costs.one_call import call_warnings, counted_call
from simcore.costs.origin import Exit
from simcore.costs.profile import Profile
from simcore.costs.tables import InstructionCosts, ObjectCosts
from simcore.costs.tasks import task_costs
from simcore.costs.timeline import timeline as timeline_of
from simcore.cpu_model import CpuModel
from simcore.elf import Image
from simcore.errors import ConfigError
from simcore.records import dataclass
from simcore.run.setup import Move, placed

if TYPE_CHECKING:
    from simcore.core.end import EndedRun
    from simcore.costs.inlines import Inlines
    from simcore.elf.image import InlinedCall
    from simcore.run.asked import OneCall
    from simcore.run.options import RunOptions


@dataclass(frozen=True, slots=True)
class Simulation:
    """A run that has ended, with what it ran on: all that a report can be made of."""

    image: Image
    model: CpuModel
    options: RunOptions
    result: EndedRun
    overrides: tuple[str, ...] = ()  # what the run changed of the part's model
    moves: tuple[Move, ...] = ()  # memory that was timed elsewhere
    one_call: OneCall | None = None  # that alone was to be counted

    def profile(
        self,
        *,
        ops: Sequence[str] = (),
        instructions: bool = False,
        lines: bool = False,
        coverage: bool = False,
        inlines: bool = False,
    ) -> Profile:
        """The Profile of the run.

        ``instructions``, ``lines``, ``coverage`` and ``inlines`` add those tables.
        """
        chains = self._inlined_calls() if inlines else {}
        rows = self._instruction_costs() if instructions or lines or coverage or chains else ()
        result = self.result
        profile = build_profile(
            self.image,
            self.model,
            self.options.clock_hz,
            result.counters,
            self.end,
            caches=self.options.caches,
            voltage_scale=self.options.voltage_scale,
            overrides=self.overrides,
            ops=ops,
            objects=self._object_costs(),
            warnings=(*self.image.warnings, *result.warnings),
            instructions=rows if instructions else None,
            lines=line_costs(rows) if lines else None,
            args=self.options.spec.args,
            tasks=result.tasks,
            kernel=result.kernel,
            heaps=result.heaps,
            arenas=result.arenas,
        )
        lacking = self.image.lacking_lines(
            row.address for row in profile.functions if row.address is not None
        )
        if lacking:
            profile = replace(profile, warnings=(*profile.warnings, *lacking))
        if result.guesses:
            profile = replace(profile, guesses=result.guesses)
        if result.clocks:
            profile = replace(profile, clocks=result.clocks)
        if self.one_call is not None:
            per = counted_call(self.image, self.one_call, result.counters.call)
            told = call_warnings(self.one_call, result.counters.call)
            profile = replace(profile, per=per, warnings=(*profile.warnings, *told))
        if coverage:
            profile = replace(profile, coverage=self._coverage(profile, rows))
        if chains:
            profile = replace(profile, inlines=self._inlines(profile, chains, rows))
        if self.result.counters.trace is not None:
            options = self.options
            energy = energy_model(self.model, options.clock_hz, options.voltage_scale)
            over_time = timeline_of(self.result.counters, energy)
            found = activations(self.result.counters.interrupts, profile.interrupts or ())
            over_time = replace(over_time, activations=found)
            warnings = (*profile.warnings, *over_time.warnings())
            profile = replace(profile, timeline=over_time, warnings=warnings)
        return profile

    @property
    def end(self) -> Exit:
        """How the run ended."""
        result = self.result
        return Exit(result.exit_reason, result.exit_code, result.fault, result.exit_place)

    @property
    def costs(self) -> Attribution:
        """The costs of the run by function and operation, without all else of a Profile."""
        clock_hz = self.options.clock_hz
        energy = energy_model(self.model, clock_hz, self.options.voltage_scale)
        return Attribution(self.result.counters, self.image.functions, energy, clock_hz)

    def contexts_of(self, task: str) -> tuple[int, ...]:
        """Numbers of the contexts that are tasks of a name or pattern.

        Raises ConfigError, with the tasks that ran, when none is.
        """
        found = task_costs(self.costs, self.result.tasks, self.result.kernel)
        names = [row.name for row in found.rows]
        wanted = {at for at, name in enumerate(names) if name == task or fnmatchcase(name, task)}
        if not wanted:
            raise ConfigError(f"--task '{task}': no task of that name ran; {', '.join(names)} did")
        return tuple(at for at, row in enumerate(found.of_context) if row in wanted)

    @property
    def cycles(self) -> int:
        """The modelled core cycles of the run."""
        counters = self.result.counters
        first = counters.columns.index(cycle_column(CAUSES[0]))
        return sum(sum(node.vector[first : first + len(CAUSES)]) for node in counters.nodes)

    def describe(self) -> str:
        """How much the pipeline model had to do, in one line."""
        entries = [entry for entry in self.result.counters.entries if entry.executions]
        blocks = len({entry.block for entry in entries})
        stretches = len({(entry.block, entry.stretch) for entry in entries})
        states = len({entry.state for entry in entries})
        scheduled, ran = scheduled_instructions(self.result)
        return (
            f"{blocks:,} blocks in {stretches:,} stretches and {states:,} pipeline states:"
            f" {len(entries):,} schedules of {scheduled:,} instructions, {ran:,} different ones"
        )

    def _instruction_costs(self) -> tuple[InstructionCosts, ...]:
        result = self.result
        ran = result.counters, result.blocks, result.schedules
        return with_energy(
            instruction_costs(*ran, self._name_at, self.image.line_at),
            *ran,
            self.image.function_at,
            self._region_at,
            self.model.regions,
            energy_model(self.model, self.options.clock_hz, self.options.voltage_scale),
        )

    def _inlined_calls(self) -> dict[int, tuple[InlinedCall, ...]]:
        """The inlined calls around every address that ran."""
        counters, blocks = self.result.counters, self.result.blocks
        return self.image.inlined_at(
            instruction.address
            for block, counts in zip(blocks, counters.blocks, strict=True)
            if counts.executions
            for instruction in block.instructions
        )

    def _inlines(
        self,
        profile: Profile,
        chains: Mapping[int, tuple[InlinedCall, ...]],
        rows: Sequence[InstructionCosts],
    ) -> Inlines | None:
        from simcore.costs.inlines import inlines

        starts = {row.address: index for index, row in enumerate(profile.functions)}

        def function_of(address: int) -> int | None:
            function = self.image.function_at(address)
            return None if function is None else starts.get(function.start)

        result = self.result
        return inlines(
            result.counters, result.blocks, result.schedules, profile.call_tree, function_of,
            chains, rows, self.costs.femtojoules_self,
        )  # fmt: skip

    def _coverage(
        self, profile: Profile, rows: Sequence[InstructionCosts]
    ) -> tuple[FileCoverage, ...]:
        calls = {row.address: row.calls for row in profile.functions if row.address is not None}
        executions = {(row.file, row.line): row.executions for row in line_costs(rows)}
        return file_coverage(self.image, calls, executions)

    def _object_costs(self) -> tuple[ObjectCosts, ...]:
        result = self.result
        return object_costs(
            result.counters, result.blocks, self._name_at, self.image.line_at, self._region_at
        )

    def _name_at(self, address: int) -> str | None:
        function = self.image.function_at(address)
        return None if function is None else function.name

    def _region_at(self, address: int) -> str | None:
        """The region where what lies at an address is timed."""
        region = self.model.region_at(placed(self.moves, address))
        return None if region is None else region.name


def scheduled_instructions(result: EndedRun) -> tuple[int, int]:
    """How many instructions were handed to the pipeline model, and how many different ones ran."""
    blocks = {entry.block for entry in result.counters.entries if entry.executions}
    ran = {i.address for block in blocks for i in result.blocks[block].instructions}
    return sum(len(schedule.instructions) for schedule in result.schedules), len(ran)
