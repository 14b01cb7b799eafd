"""The rows of a Profile's tables. Counts are exact, cycles are modelled, energy is estimated."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated

from simcore.core.counters import CAUSES
from simcore.cpu_model.schema import CLASSES
from simcore.plain import UNWRITTEN, Address, Amount, Count, Json, Share, by_name, one_of
from simcore.records import dataclass

Causes = Annotated[
    dict[str, Count],
    by_name(
        "Causes",
        CAUSES,
        "Cycles by cause: issue (an instruction issued), dependency (waiting for a result),"
        " load_use (waiting for loaded data that hit), execute (further cycles of multi-cycle"
        " instructions), branch (mispredicts and taken-branch bubbles), fetch (waiting for"
        " instructions), load (loads that miss or wait for a bus), store (store buffer full), sleep"
        " (WFI and WFE).",
    ),
]
InstructionClasses = Annotated[
    dict[str, Count],
    by_name("InstructionClasses", CLASSES, "Instructions by class; each counts in exactly one."),
]
EnergyComponents = Annotated[
    dict[str, Amount],
    Json(
        "EnergyComponents",
        description="Joules by component: always_on (leakage and regulator), clock (clock tree),"
        " core (each cycle awake), pipeline, issue (instructions by class), fetch, data, sleep.",
    ),
]


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the run."""

    instructions: Count
    """Issued, those that an IT block skipped among them."""
    instructions_skipped: Count
    """Issued with a false IT condition, so without effect."""
    instructions_by_class: InstructionClasses
    """Sums to instructions."""
    dual_issues: Count
    """Cycles in which two instructions issued."""
    mispredicts: Count
    """Branches whose direction or target was predicted wrongly."""
    cycles: Count
    """Core clock cycles."""
    active_cycles: Count
    """Those of them in which the core did not sleep."""
    cpu_load: Share
    """active_cycles / cycles."""
    time_s: Amount
    """cycles / clock_hz."""
    ipc: Amount | None
    """Instructions per cycle."""
    macs: Count
    """Multiply-accumulates that ran, counted from the instructions."""
    reads: Count
    """Data reads, an unaligned one counted once."""
    writes: Count
    """Data writes."""
    read_bytes: Count
    write_bytes: Count
    energy_j: Amount
    """Joules at the supply pin; a whole number of femtojoules."""
    energy_low_j: Amount
    """Lower end of the interval that a board's energy is expected in."""
    energy_high_j: Amount
    """Upper end of that interval."""
    energy_uncertainty: Amount
    """Half width of the interval around energy_j, relative to it."""
    j_per_mac: Amount | None
    """energy_j / macs."""
    power_w: Amount | None
    """Average: energy_j / time_s."""
    energy_delay_js: Amount
    """energy_j x time_s, joule seconds."""
    stack_high_water_bytes: Count | None
    """Deepest use of the main stack."""
    cycles_by_cause: Causes
    """Sums to cycles."""
    energy_by_component: EnergyComponents
    """Sums to energy_j exactly in whole femtojoules."""


@dataclass(frozen=True, slots=True)
class FunctionCosts:
    """A function that ran. _self leaves callees out, _total counts recursion once."""

    name: str
    """Demangled, and unique: what another function has too is told apart in brackets behind it."""
    address: Address | None
    """Null for code that belongs to no function."""
    file: str | None
    line: Count | None
    calls: Count
    instructions: Count
    """Callees left out."""
    cycles_self: Count
    cycles_total: Count
    energy_j_self: Amount
    energy_low_j: Amount
    """Lower end of the interval around energy_j_self."""
    energy_high_j: Amount
    """Upper end of that interval."""
    energy_j_total: Amount
    macs: Count
    """Callees left out."""
    cycles_by_cause: Causes
    """Sums to cycles_self."""
    energy_by_component: EnergyComponents
    """Sums to energy_j_self."""
    symbol: str | None = None
    """Name in the symbol table; left out where it is the name."""
    aliases: tuple[str, ...] | None = None
    """Other names of its address, demangled and as symbols: calls by all of them are summed. Left
    out without any."""


@dataclass(frozen=True, slots=True)
class MemoryCosts:
    """Traffic of one memory region, through the caches and past them."""

    region: str
    reads: Count
    """Data reads by the core, whether a cache answered or not."""
    writes: Count
    """Data writes by the core."""
    read_bytes: Count
    write_bytes: Count
    fetch_bytes: Count
    """Bytes of the instructions executed from here."""
    fetches: Count
    """64-bit fetches that reached the region past the instruction cache."""
    instruction_refills: Count
    """Cache lines."""
    data_refills: Count
    """Cache lines."""
    write_backs: Count
    """Cache lines."""
    uncached_reads: Count
    """Reads that reached the region past the data cache."""
    uncached_writes: Count
    """Writes that reached the region past the data cache."""
    energy_j: Amount
    """Of the region's own events."""
    stall_cycles: Count
    """Cycles that the core waited for the region."""


@dataclass(frozen=True, slots=True)
class DmaTraffic:
    """Bytes that DMA moved from and to one memory region, past the core and its caches."""

    region: str
    read_bytes: Count
    write_bytes: Count


@dataclass(frozen=True, slots=True)
class ObjectSite:
    """What one instruction did to a data object."""

    address: Address
    function: str | None
    file: str | None
    line: Count | None
    reads: Count
    writes: Count
    misses: Count
    """Of the data cache."""
    stall_cycles: Count


@dataclass(frozen=True, slots=True)
class ObjectPart:
    """What lay inside a data object for a time, and what it cost then: a tensor in an arena.

    Tensors that share bytes at one time are one part, with names joined by " / ".
    """

    name: str
    kind: Annotated[str, one_of("tensor", "scratch", "persistent")]
    address: Address
    size: Count
    reads: Count
    writes: Count
    read_bytes: Count
    write_bytes: Count
    misses: Count
    stall_cycles: Count


@dataclass(frozen=True, slots=True)
class ObjectCosts:
    """A data object that was touched: symbol, stack, heap, arena, or what else a region holds."""

    name: str
    kind: Annotated[str, one_of("symbol", "stack", "heap", "region", "arena")]
    region: str | None
    """Memory region of its first byte."""
    address: Address | None
    size: Count | None
    """Bytes."""
    reads: Count
    """Reads by the core, whether a cache answered or not."""
    writes: Count
    read_bytes: Count
    write_bytes: Count
    misses: Count
    """Of the data cache."""
    stall_cycles: Count
    """Cycles that its accesses kept the pipeline waiting."""
    sites: Annotated[tuple[ObjectSite, ...], Json(maxItems=8)]
    """The instructions that cost most, at most eight."""
    symbol: str | None = None
    """Name in the symbol table; left out where it is the name."""
    parts: tuple[ObjectPart, ...] | None = None
    """What lay inside it, most stall cycles first; they are part of its sums. Left out without."""


@dataclass(frozen=True, slots=True)
class InstructionCache:
    """Line look-ups of the instruction cache."""

    accesses: Count
    misses: Count
    miss_rate: Share | None
    evictions: Count


@dataclass(frozen=True, slots=True)
class DataCache:
    """Look-ups of the data cache.

    Stores that read-allocate mode sends past it (streamed) are neither hits nor misses: miss_rate
    is that of all other accesses.
    """

    accesses: Count
    misses: Count
    miss_rate: Share | None
    evictions: Count
    reads: Count
    read_misses: Count
    writes: Count
    write_misses: Count
    write_backs: Count
    """Dirty lines written to memory."""
    streamed_writes: Count = 0
    """Of the writes, those that found no line while long runs of stores allocate none."""


@dataclass(frozen=True, slots=True)
class Caches:
    """Both caches of the core."""

    icache: InstructionCache
    dcache: DataCache


@dataclass(frozen=True, slots=True)
class CallNode:
    """A node of the call tree; parents stand before their children. Costs leave callees out."""

    parent: Count | None
    """Index into call_tree, null for the root."""
    function: Count | None
    """Index into functions, null for a root that only holds the tree."""
    op: Count | None
    """Index into ops: the node is this operation, not a call."""
    call_site: Address | None
    """Address of the calling instruction."""
    calls: Count
    instructions: Count
    cycles: Count
    energy_j: Amount
    reads: Count = 0
    """Accesses: a load multiple makes several."""
    writes: Count = 0
    icache_misses: Count = 0
    dcache_read_misses: Count = 0
    dcache_write_misses: Count = 0
    mispredicts: Count = 0
    task: Count = 0
    """Index into tasks."""
    sleep_cycles: Count | None = None
    """Those of its cycles in which the core slept; left out where it did not."""


@dataclass(frozen=True, slots=True)
class InstructionCosts:
    """An instruction that ran; an address may have a row for each of two functions."""

    address: Address
    text: str
    """Disassembly."""
    function: str | None
    """The one that the call tree charges."""
    file: str | None
    line: Count | None
    executions: Count
    skipped: Count
    """Executions with a false IT condition."""
    cycles: Count
    cycles_by_cause: Causes
    misses: Count
    """Data cache misses: read_misses and write_misses."""
    reads: Count = 0
    """Accesses: a load multiple makes several."""
    writes: Count = 0
    read_misses: Count = 0
    """Of the data cache."""
    write_misses: Count = 0
    icache_misses: Count = 0
    """At the first instruction of the block that missed."""
    mispredicts: Count = 0
    """Of the branch that ends a block."""
    femtojoules: int = field(default=0, compare=False, metadata=UNWRITTEN)
    """Its energy, which no document holds: 0 in a profile that was read from one."""


@dataclass(frozen=True, slots=True)
class LineCosts:
    """A source line that ran."""

    file: str
    line: Count
    executions: Count
    """Of its most executed instruction."""
    instructions: Count
    """Instructions executed for it."""
    cycles: Count
    cycles_by_cause: Causes
    misses: Count
    """Data cache misses."""


@dataclass(frozen=True, slots=True)
class PlacedItem:
    """What ``--place`` moved: ``size`` bytes from ``address``, timed as if they lay at ``to``."""

    name: str
    kind: Annotated[str, one_of("function", "object", "section", "vectors", "stack", "heap")]
    from_region: str | None
    """Memory region of its first byte as linked."""
    region: str
    """Memory region it was timed in."""
    address: Address
    to: Address
    size: Annotated[int, Json(minimum=1)]
    """Bytes."""
    symbol: str | None = None
    """Name in the symbol table; left out where it is the name."""


@dataclass(frozen=True, slots=True)
class LayoutBand:
    """Cycles of the run with all code shifted by some bytes: what alignment alone makes of it.

    A difference between two profiles that is smaller than the band says nothing about the program.
    """

    offsets_bytes: Annotated[tuple[Count, ...], Json(minItems=1)]
    """0, where the code lies, among them."""
    cycles: Annotated[tuple[Count, ...], Json(minItems=1)]
    """One for each offset."""
    minimum_cycles: Count
    median_cycles: Count
    maximum_cycles: Count
