"""The Profile: one run's result as plain immutable data, with JSON in and out.

The dataclasses are the JSON document of schema ``mcusim.profile/1`` field by field. Energies are
whole femtojoules inside mcusim: ``round(energy_j * 1e15)`` gives them back, and those sum exactly.
``energy_low_j`` and ``energy_high_j`` bound what a board may show, see docs/model/energy.md.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from simcore.core.arenas import TensorArena
from simcore.costs.coverage import FileCoverage
from simcore.costs.inlines import Inlines
from simcore.costs.interrupts import CriticalSections, InterruptCosts
from simcore.costs.network import NetworkCosts, NetworkLayer, RunnerUse, Verification
from simcore.costs.one_call import ONE_INFERENCE, OneCallCosts
from simcore.costs.op_tables import OpCosts
from simcore.costs.origin import Accuracy, Cpu, Elf, Exit, Tool
from simcore.costs.tables import (
    Caches,
    CallNode,
    DmaTraffic,
    FunctionCosts,
    InstructionCosts,
    LayoutBand,
    LineCosts,
    MemoryCosts,
    ObjectCosts,
    PlacedItem,
    Totals,
)
from simcore.costs.tasks import TaskCosts
from simcore.costs.timeline import Timeline
from simcore.costs.uncertainty import CyclesInterval
from simcore.devices import ClockPhase
from simcore.errors import ConfigError, ExitCode
from simcore.files import MOST_BYTES, read_regular
from simcore.plain import Document, RecordError, from_plain, schema_name
from simcore.records import dataclass
from simcore.run.heaps import HeapUse
from simcore.run.stubs import Guess

SCHEMA = "mcusim.profile/1"


@dataclass(frozen=True, slots=True, repr=False)
class Profile(Document):
    """One run of one program on the model of one part.

    Counts are exact, cycles modelled, energy estimated. The same run gives the same bytes; host
    time is kept apart.
    """

    schema: Annotated[str, schema_name(SCHEMA)]
    tool: Tool
    elf: Elf
    cpu: Cpu
    exit: Exit
    accuracy: Accuracy
    totals: Totals
    functions: tuple[FunctionCosts, ...]
    """Functions that ran: most exclusive cycles first, then by name, then by address."""
    ops: tuple[OpCosts, ...]
    """Operations in order of first execution, callees included; one may lie inside another, so
    these need not sum to the totals."""
    memory: tuple[MemoryCosts, ...]
    """Memory regions that were touched, in the order of the part's memory map."""
    caches: Caches
    call_tree: tuple[CallNode, ...]
    """Parents before children. Costs leave callees out and sum to the totals."""
    warnings: tuple[str, ...]
    """One line each, for people."""
    objects: tuple[ObjectCosts, ...] = ()
    """Data objects that were touched: most stall cycles first, then most bytes."""
    instructions: tuple[InstructionCosts, ...] | None = None
    """Instructions that ran, by address; on request."""
    lines: tuple[LineCosts, ...] | None = None
    """Source lines that ran, by file and line; on request."""
    coverage: tuple[FileCoverage, ...] | None = None
    """Source files that have code in the program, by path; on request."""
    timeline: Timeline | None = None
    """On request."""
    inlines: Inlines | None = None
    """Inlined functions that ran, by the debug information; on request."""
    placement: tuple[PlacedItem, ...] | None = None
    """What --place moved, by address; only of a run with --place."""
    layout: LayoutBand | None = None
    """On request."""
    cycles_interval: CyclesInterval | None = None
    """Cycles over the answers that no source excludes, on request."""
    guesses: tuple[Guess, ...] | None = None
    """Registers that nobody described, in the order in which they were guessed; only of a run that
    waited for one."""
    clocks: tuple[ClockPhase, ...] | None = None
    """Core clocks that the firmware set and the cycles at each, in order; left out when it set
    none. The run is timed at cpu.clock_hz all the same."""
    dma: tuple[DmaTraffic, ...] | None = None
    """What DMA moved, in the order of the part's memory map; only of a run in which it did. memory
    holds what the core moved."""
    tasks: tuple[TaskCosts, ...] = ()
    """What ran on stacks of calls of their own: main, interrupts, then threads in the order of
    their first run."""
    interrupts: tuple[InterruptCosts, ...] | None = None
    """Interrupts and exceptions by number; left out when none was taken."""
    critical_sections: CriticalSections | None = None
    """Stretches with interrupts masked, of a run that took some; left out when there were none."""
    task: str | None = None
    """Pattern of the tasks that alone are counted, of a run with --task; how interrupts came is
    that of the whole run."""
    per: OneCallCosts | None = None
    """The one call that all costs are of, of a run with --per or one that has inferences; left out
    of one that is counted whole."""
    heaps: tuple[HeapUse, ...] | None = None
    """What allocators took at most; left out when the program has none that is known."""
    arenas: tuple[TensorArena, ...] | None = None
    """Tensor arenas of interpreters of networks; left out when none was found."""
    network: NetworkCosts | None = None
    """Layers and arena of a network that was run from its file; left out of any other program."""
    runner: RunnerUse | None = None
    """The firmware that ran a network from its file; left out where none was given."""
    args: tuple[str, ...] | None = None
    """Arguments that the program was given; left out when they were not recorded."""

    @property
    def heap_high_water_bytes(self) -> int | None:
        """What all heaps took at most, None when none is known."""
        return sum(heap.used_bytes for heap in self.heaps) if self.heaps else None

    @property
    def status(self) -> ExitCode:
        """The exit code of mcusim that tells this run: its end, and what became of a network."""
        wrong = self.verification is not None and not self.verification.is_equal
        wrong |= self.runner is not None and not self.runner.is_whole
        return max(self.exit.status, ExitCode.PROGRAM_FAILED if wrong else ExitCode.OK)

    @property
    def ended(self) -> str:
        """How the run ended and what is wrong with what its network did, in one line."""
        found = self.verification
        said = [self.exit.text] if self.exit.status is not ExitCode.OK else []
        if self.runner is not None and self.runner.unseen is not None:
            said.append(self.runner.unseen)
        if found is not None and not found.is_equal:
            said.append(found.trouble)
        return "; ".join(said) or self.exit.text

    @property
    def verification(self) -> Verification | None:
        """How the outputs of a network compare with another runtime's; None when not asked for."""
        found = self.network or self.runner
        return None if found is None else found.verification

    @property
    def scope(self) -> str | None:
        """What of the run is counted, where runs are compared; None: the whole. A network's run of
        one inference is nothing else."""
        if self.per is not None:
            return self.per.scope
        return ONE_INFERENCE if self.network and self.network.inferences == 1 else None

    @property
    def scope_notes(self) -> tuple[str, ...]:
        """A line on what of the run is counted, where that is not the whole."""
        return () if self.per is None else (self.per.note,)

    @property
    def layers(self) -> tuple[NetworkLayer, ...]:
        """The layers of a network, none of any other program."""
        return () if self.network is None else self.network.layers

    @property
    def has_tasks(self) -> bool:
        """Whether a kernel switched between tasks, so that reports have a level for them."""
        return sum(task.kind != "interrupts" for task in self.tasks) > 1

    def __repr__(self) -> str:
        """One line: the whole would flood a session."""
        cost = f"{self.totals.cycles:,} cycles, {self.totals.energy_j:.3g} J"
        return f"<Profile of {self.elf.name} on {self.cpu.name}: {cost}>"

    @classmethod
    def from_json(cls, text: str, name: str = "profile") -> Profile:
        """Read a document written by :meth:`to_json`; ``name`` is the file, for messages.

        Raises ConfigError when the text is not JSON, is not a profile, or has another schema.
        """
        try:
            plain = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"{name}: not a JSON profile: {one_line(error)}") from None
        if not isinstance(plain, dict) or "schema" not in plain:
            raise ConfigError(f"{name}: not an mcusim profile: it has no 'schema' key")
        if plain["schema"] != SCHEMA:
            raise ConfigError(
                f"{name}: schema {plain['schema']!r} where this mcusim reads '{SCHEMA}': "
                "profile the ELF again with this version"
            )
        try:
            return from_plain(cls, plain)
        except RecordError as error:
            raise ConfigError(f"{name}: corrupt profile: {one_line(error)}") from None

    def save(self, path: str | Path) -> None:
        """Write the JSON document to a file. Raises ConfigError when the path is not writable."""
        try:
            Path(path).write_text(self.to_json(), encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"{path}: cannot write the profile: {error.strerror}") from None

    @classmethod
    def load(cls, path: str | Path) -> Profile:
        """Read a JSON profile from a file. Raises ConfigError."""
        try:
            text = read_regular(path, MOST_BYTES).decode("utf-8")
        except OSError as error:
            raise ConfigError(f"{path}: cannot read the profile: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ConfigError(f"{path}: not a JSON profile: it is not UTF-8 text") from None
        return cls.from_json(text, str(path))


def one_line(error: BaseException) -> str:
    """The message of a foreign exception, folded into one line; of damaged JSON in our words."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, json.JSONDecodeError):
        if not error.doc.strip():
            return "it is empty"
        where = f"line {error.lineno}, column {error.colno}"
        if error.pos >= len(error.doc.rstrip()):
            return f"it ends too early, in {where}"
        return f"what stands in {where} is no JSON"
    if "integer string conversion" in str(error):
        return "a number in it has thousands of digits"
    return " ".join(str(error).split()) or type(error).__name__
