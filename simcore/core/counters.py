"""The counts of one run, copied out of the C core into plain immutable data.

Names and order of the columns follow ``enum counter``, ``enum cause`` and ``enum region_counter``
of ``native/types.h``; ``enums.py`` compares them as the core loads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import add

from simcore.cpu_model.schema import CLASSES

#: Causes of a cycle, in the order of ``enum cause``.
CAUSES: tuple[str, ...] = (
    "issue",
    "dependency",
    "load_use",
    "execute",
    "branch",
    "fetch",
    "load",
    "store",
    "sleep",
)

#: Columns that stand before the cycles, in the order of ``enum counter``.
EVENT_COLUMNS: tuple[str, ...] = (
    "instructions",
    *CLASSES,
    "macs",
    "skipped",
    "dual_issues",
    "mispredicts",
    "icache_accesses",
    "icache_misses",
    "icache_evictions",
    "dcache_reads",
    "dcache_read_misses",
    "dcache_writes",
    "dcache_write_misses",
    "dcache_streamed_writes",
    "dcache_evictions",
    "dcache_write_backs",
)

#: Columns of each region, in the order of ``enum region_counter``.
REGION_COUNTERS: tuple[str, ...] = (
    "reads",
    "writes",
    "read_bytes",
    "write_bytes",
    "fetch_bytes",
    "fetches",
    "instruction_refills",
    "data_refills",
    "write_backs",
    "uncached_reads",
    "uncached_writes",
    "stall_cycles",
)


def cycle_column(cause: str) -> str:
    """Name of the column that holds the cycles of one cause."""
    return f"cycles.{cause}"


def region_column(region: str, counter: str) -> str:
    """Name of the column that holds one counter of one region."""
    return f"{region}.{counter}"


def column_names(regions: Iterable[str]) -> tuple[str, ...]:
    """All columns of a run over these regions, in the order in which C keeps them."""
    return (
        *EVENT_COLUMNS,
        *(cycle_column(cause) for cause in CAUSES),
        *(region_column(region, counter) for region in regions for counter in REGION_COUNTERS),
    )


def sum_vectors(vectors: Iterable[Sequence[int]], width: int) -> tuple[int, ...]:
    """Sum of vectors of equal width, column by column; zeros when there are none."""
    sums: Sequence[int] = (0,) * width
    for vector in vectors:
        sums = list(map(add, sums, vector))
    return tuple(sums)


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the call tree with the counts spent in it, those of its callees left out."""

    parent: int  # index into Counters.nodes, -1 for the root
    function: int  # index into Image.functions, -1: code that belongs to no function
    op: int  # index into Counters.ops of the operation opened here, -1: a plain call
    call_site: int  # address of the calling instruction
    calls: int
    vector: tuple[int, ...]  # one count per column


@dataclass(frozen=True, slots=True)
class SiteCounts:
    """What one memory access of a block did, over all executions of the block."""

    executions: int
    misses: int
    stall_cycles: int


@dataclass(frozen=True, slots=True)
class BlockCounts:
    """One translation block as the engine cut it, over the whole run."""

    address: int
    size: int  # bytes
    executions: int
    fetch_stall_cycles: int
    branch_stall_cycles: int
    execute_stall_cycles: int
    barrier_stall_cycles: int
    icache_misses: int
    mispredicts: int
    sites: tuple[SiteCounts, ...]  # one per Access of the block, in program order
    skipped: tuple[int, ...]  # per instruction: executions whose IT condition failed


@dataclass(frozen=True, slots=True)
class EntryCounts:
    """How often a stretch was entered in one pipeline state with one outcome of its probes."""

    block: int  # index into Counters.blocks
    state: int
    variant: int  # bit i: the block's probe i was true, of those that the stretch asks
    executions: int
    stretch: int = 0  # of the block


@dataclass(frozen=True, slots=True)
class DataObject:
    """Something that programs access: a data symbol, the stack, the heap.

    Of kind "region" is what lies in none of those, by memory region; it has no address of its own.
    """

    name: str
    kind: str  # symbol, stack, heap or region
    address: int = 0
    size: int = 0  # bytes
    symbol: str | None = None  # in the symbol table, where the name is another


@dataclass(frozen=True, slots=True)
class ObjectUse:
    """What one memory access of a block did to one data object."""

    block: int  # index into Counters.blocks
    access: int  # index into the block's accesses
    object: int  # index into Counters.objects
    executions: int
    misses: int
    stall_cycles: int


@dataclass(frozen=True, slots=True)
class OpDescriptor:
    """What firmware says of an operation (``struct mcusim_op`` of mcusim.h)."""

    name: str
    kind: str
    macs: int  # per invocation
    ops: int  # per invocation; when both this and macs are 0, nothing is declared
    param_bytes: int
    activation_bytes: int


@dataclass(frozen=True, slots=True)
class TraceSpan:
    """One activation of a node, in cycles from the start of the run."""

    node: int  # index into Counters.nodes
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class TraceSample:
    """The counts of the whole run up to a time in cycles."""

    cycle: int
    vector: tuple[int, ...]  # one count per column


@dataclass(frozen=True, slots=True)
class Trace:
    """When nodes ran, and counts over time; see native/timing/trace.h."""

    resolution: int  # cycles; what was shorter may have been dropped
    dropped: int
    deepest: int  # frames of the deepest call
    depth_limit: int  # frames that can have spans
    spans: tuple[TraceSpan, ...]  # in the order in which they began
    samples: tuple[TraceSample, ...]


@dataclass(frozen=True, slots=True)
class Transfers:
    """Bytes that DMA moved from and to one region."""

    region: str
    read_bytes: int
    write_bytes: int


@dataclass(frozen=True, slots=True)
class Counters:
    """All counts of one run. ``nodes[0]`` is the root, and parents stand before their children."""

    columns: tuple[str, ...]
    nodes: tuple[Node, ...]
    blocks: tuple[BlockCounts, ...] = ()
    entries: tuple[EntryCounts, ...] = ()
    ops: tuple[OpDescriptor, ...] = ()
    op_invocations: tuple[int, ...] = ()  # one per entry of ops
    regions: tuple[str, ...] = ()
    objects: tuple[DataObject, ...] = ()
    uses: tuple[ObjectUse, ...] = ()
    stack_high_water_bytes: int | None = None
    warnings: tuple[str, ...] = ()
    trace: Trace | None = None
    transfers: tuple[Transfers, ...] = ()

    def total(self) -> dict[str, int]:
        """Each column summed over all nodes: the counts of the whole run."""
        sums = sum_vectors((node.vector for node in self.nodes), len(self.columns))
        return dict(zip(self.columns, sums, strict=True))
