"""The Profile: one run's result as plain immutable data, with JSON in and out.

The dataclasses mirror the JSON document of schema ``mcusim.profile/1`` field by field (see
``schema/profile-1.json``). Counts are exact, cycles are modelled, energy is estimated. Energies are
whole femtojoules inside mcusim: ``round(energy_j * 1e15)`` gives them back, and those sum exactly.
``energy_low_j`` and ``energy_high_j`` bound what a board may show, see docs/model/energy.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from simcore.costs.coverage import FileCoverage
from simcore.costs.timeline import Timeline
from simcore.costs.uncertainty import CyclesInterval
from simcore.errors import ConfigError, ExitCode
from simcore.plain import UNWRITTEN, RecordError, from_plain, to_plain
from simcore.run.faults import Fault

SCHEMA = "mcusim.profile/1"


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Elf:
    """The program that ran; ``name`` is the file's name without its folder.

    ``load_bytes`` are what programming it writes, ``ram_bytes`` its writable data.
    """

    name: str
    sha256: str
    build_id: str | None
    compiler: str | None
    load_bytes: int | None = None
    ram_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Cpu:
    """The part and the operating point; ``caches`` is auto (firmware decides), on or off.

    ``overrides`` are what the run changed of the part's model.
    """

    name: str
    title: str
    model_sha256: str
    clock_hz: int
    voltage_scale: str
    voltage_v: float  # at the supply pin, where the energy is counted
    caches: str
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Exit:
    """How the run ended: exit, fault, max-instructions, timeout or interrupted."""

    reason: str
    code: int | None  # of the program; None when it did not end by itself
    fault: Fault | None

    @property
    def status(self) -> ExitCode:
        """The exit code of mcusim that tells this end."""
        if self.reason == "exit":
            return ExitCode.PROGRAM_FAILED if self.code else ExitCode.OK
        return _STATUS.get(self.reason, ExitCode.FAULT)

    @property
    def text(self) -> str:
        """This end in one line."""
        if self.fault is not None:
            return f"the program stopped with a fault: {self.fault}"
        if self.reason == "exit":
            return f"the program exited with code {self.code}"
        return _TEXT.get(self.reason, f"the run ended: {self.reason}")


_STATUS = {
    "fault": ExitCode.FAULT,
    "max-instructions": ExitCode.LIMIT,
    "timeout": ExitCode.LIMIT,
    "interrupted": ExitCode.INTERRUPTED,
}
_TEXT = {
    "max-instructions": "the instruction limit was reached before the program ended",
    "timeout": "the time limit was reached before the program ended",
    "interrupted": "interrupted; the figures are those up to here",
}


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How far each kind of number can be trusted.

    ``cycles_class`` says what the cycles of this run lean on: hits, branchy, uncached or external.
    """

    counts: str
    cycles: str
    energy: str
    cycles_class: str | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the run. ``instructions`` holds those that an IT block skipped: they issued too."""

    instructions: int
    instructions_skipped: int
    instructions_by_class: dict[str, int]  # sums to instructions
    dual_issues: int
    mispredicts: int
    cycles: int
    time_s: float
    ipc: float | None
    macs: int
    reads: int
    writes: int
    read_bytes: int
    write_bytes: int
    energy_j: float
    energy_low_j: float
    energy_high_j: float
    energy_uncertainty: float  # half width of the interval around energy_j, relative to it
    j_per_mac: float | None
    power_w: float | None
    energy_delay_js: float  # energy_j x time_s
    stack_high_water_bytes: int | None
    cycles_by_cause: dict[str, int]  # sums to cycles
    energy_by_component: dict[str, float]  # joules, sums to energy_j


@dataclass(frozen=True, slots=True)
class FunctionCosts:
    """A function that ran. ``_self`` leaves callees out; ``_total`` counts recursion once."""

    name: str
    address: int | None
    file: str | None
    line: int | None
    calls: int
    instructions: int
    cycles_self: int
    cycles_total: int
    energy_j_self: float
    energy_low_j: float  # of energy_j_self
    energy_high_j: float
    energy_j_total: float
    macs: int
    cycles_by_cause: dict[str, int]  # sums to cycles_self
    energy_by_component: dict[str, float]  # joules, sums to energy_j_self


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes that moved between the core and one memory region."""

    read_bytes: int
    write_bytes: int
    fetch_bytes: int


@dataclass(frozen=True, slots=True)
class OpCosts:
    """An operation over all its invocations, callees included.

    ``macs`` and ``ops`` are what the firmware's descriptor declares; without a declaration they
    come from ``macs_counted``, the multiply-accumulates that ran, at two operations each.
    """

    name: str
    kind: str
    invocations: int
    macs: int
    macs_counted: int
    ops: int
    instructions: int
    cycles: int
    cycles_per_mac: float | None
    time_s: float
    ops_per_s: float | None
    energy_j: float
    energy_low_j: float
    energy_high_j: float
    j_per_op: float | None
    j_per_mac: float | None
    power_w: float | None
    energy_delay_js: float  # energy_j x time_s
    param_bytes: int
    activation_bytes: int
    traffic: dict[str, Traffic]  # by region
    energy_by_component: dict[str, float]  # joules, sums to energy_j


@dataclass(frozen=True, slots=True)
class MemoryCosts:
    """Traffic of one memory region; refills and write-backs count cache lines."""

    region: str
    reads: int
    writes: int
    read_bytes: int
    write_bytes: int
    fetch_bytes: int
    fetches: int
    instruction_refills: int
    data_refills: int
    write_backs: int
    uncached_reads: int
    uncached_writes: int
    energy_j: float
    stall_cycles: int


@dataclass(frozen=True, slots=True)
class ObjectSite:
    """What one instruction did to a data object; misses are those of the data cache."""

    address: int
    function: str | None
    file: str | None
    line: int | None
    reads: int
    writes: int
    misses: int
    stall_cycles: int


@dataclass(frozen=True, slots=True)
class ObjectCosts:
    """A data object that was touched: a symbol, the stack, the heap, or what else a region holds.

    ``sites`` are the instructions that cost most, at most eight.
    """

    name: str
    kind: str  # symbol, stack, heap or region
    region: str | None
    address: int | None
    size: int | None  # bytes
    reads: int
    writes: int
    read_bytes: int
    write_bytes: int
    misses: int
    stall_cycles: int
    sites: tuple[ObjectSite, ...]


@dataclass(frozen=True, slots=True)
class InstructionCache:
    accesses: int
    misses: int
    miss_rate: float | None
    evictions: int


@dataclass(frozen=True, slots=True)
class DataCache:
    accesses: int
    misses: int
    miss_rate: float | None
    evictions: int
    reads: int
    read_misses: int
    writes: int
    write_misses: int
    write_backs: int


@dataclass(frozen=True, slots=True)
class Caches:
    icache: InstructionCache
    dcache: DataCache


@dataclass(frozen=True, slots=True)
class CallNode:
    """A node of the call tree; parents stand before their children. Costs leave callees out."""

    parent: int | None  # index into call_tree
    function: int | None  # index into functions; None for a root that only holds the tree
    op: int | None  # index into ops: the node stands for this operation, not for a call
    call_site: int | None
    calls: int
    instructions: int
    cycles: int
    energy_j: float
    reads: int = 0
    writes: int = 0
    icache_misses: int = 0
    dcache_read_misses: int = 0
    dcache_write_misses: int = 0
    mispredicts: int = 0


@dataclass(frozen=True, slots=True)
class InstructionCosts:
    """One instruction that ran; ``skipped`` executions had a false IT condition.

    ``function`` is the one that the call tree charges: code that runs on from one function into the
    next counts for the first, so an address may have a row for each of two functions.
    ``femtojoules`` is its energy, which no document holds: 0 in a profile that was read from one.
    """

    address: int
    text: str
    function: str | None
    file: str | None
    line: int | None
    executions: int
    skipped: int
    cycles: int
    cycles_by_cause: dict[str, int]
    misses: int  # of the data cache: read_misses and write_misses
    reads: int = 0  # accesses: a load multiple makes several
    writes: int = 0
    read_misses: int = 0
    write_misses: int = 0
    icache_misses: int = 0  # at the first instruction of the block that missed
    mispredicts: int = 0  # of the branch that ends a block
    femtojoules: int = field(default=0, compare=False, metadata=UNWRITTEN)


@dataclass(frozen=True, slots=True)
class LineCosts:
    """One source line that ran; ``executions`` is that of its most executed instruction."""

    file: str
    line: int
    executions: int
    instructions: int
    cycles: int
    cycles_by_cause: dict[str, int]
    misses: int


@dataclass(frozen=True, slots=True)
class PlacedItem:
    """What ``--place`` moved: ``size`` bytes from ``address``, timed as if they lay at ``to``.

    ``kind`` is function, object, section, vectors, stack or heap.
    """

    name: str
    kind: str
    from_region: str | None
    region: str
    address: int
    to: int
    size: int


@dataclass(frozen=True, slots=True)
class LayoutBand:
    """Cycles of the run with all code shifted by some bytes: what alignment alone makes of it.

    A difference between two profiles that is smaller than the band says nothing about the program.
    """

    offsets_bytes: tuple[int, ...]  # 0, where the code lies, among them
    cycles: tuple[int, ...]  # one for each offset
    minimum_cycles: int
    median_cycles: int
    maximum_cycles: int


@dataclass(frozen=True, slots=True, repr=False)
class Profile:
    """One run's result. ``functions`` come by cycles_self, ``ops`` in order of first execution."""

    schema: str
    tool: Tool
    elf: Elf
    cpu: Cpu
    exit: Exit
    accuracy: Accuracy
    totals: Totals
    functions: tuple[FunctionCosts, ...]
    ops: tuple[OpCosts, ...]
    memory: tuple[MemoryCosts, ...]
    caches: Caches
    call_tree: tuple[CallNode, ...]
    warnings: tuple[str, ...]
    objects: tuple[ObjectCosts, ...] = ()  # those with most stall cycles first
    instructions: tuple[InstructionCosts, ...] | None = None  # on request
    lines: tuple[LineCosts, ...] | None = None  # on request
    coverage: tuple[FileCoverage, ...] | None = None  # on request
    timeline: Timeline | None = None  # on request
    placement: tuple[PlacedItem, ...] | None = None  # by address, of a run with --place
    layout: LayoutBand | None = None  # on request
    cycles_interval: CyclesInterval | None = None  # on request
    args: tuple[str, ...] | None = None  # what the program was given; None: not recorded

    def __repr__(self) -> str:
        """One line: the whole would flood a session."""
        cost = f"{self.totals.cycles:,} cycles, {self.totals.energy_j:.3g} J"
        return f"<Profile of {self.elf.name} on {self.cpu.name}: {cost}>"

    def to_json(self) -> str:
        """The profile as a JSON document; the same run gives the same bytes on every host."""
        return json.dumps(to_plain(self), indent=1, allow_nan=False) + "\n"

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
            text = Path(path).read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"{path}: cannot read the profile: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ConfigError(f"{path}: not a JSON profile: it is not UTF-8 text") from None
        return cls.from_json(text, str(path))


def one_line(error: BaseException) -> str:
    """The message of a foreign exception, folded into one line."""
    return " ".join(str(error).split()) or type(error).__name__
