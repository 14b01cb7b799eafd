"""The counts of one run, copied out of the C core into plain immutable data.

Names and order of the columns follow ``enum counter``, ``enum cause`` and ``enum region_counter``
of ``native/types.h``; ``enums.py`` compares them as the core loads.

What a run has by the ten thousand are named tuples, which take a tenth of the time to make.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import add
from typing import TYPE_CHECKING, NamedTuple

from simcore.cpu_model.schema import CLASSES
from simcore.records import dataclass

if TYPE_CHECKING:
    from simcore.core.interrupts import InterruptsFound
    from simcore.core.operations import OpsFound
    from simcore.run.asked import OpDescriptor

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

#: What keeps a pending exception waiting, in the order of ``enum hold``.
HOLDS: tuple[str, ...] = ("instruction", "mask", "priority", "bus")
#: Masks of exceptions, in the order of ``enum mask``.
MASKS: tuple[str, ...] = ("PRIMASK", "FAULTMASK", "BASEPRI")


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


class Node(NamedTuple):
    """A node of the call tree with the counts spent in it, those of its callees left out."""

    parent: int  # index into Counters.nodes, -1 for the root
    function: int  # index into Image.functions, -1: code that belongs to no function
    op: int  # index into the rows of Counters.operations: it opens or goes on here, -1: a call
    call_site: int  # address of the calling instruction
    calls: int
    vector: tuple[int, ...]  # one count per column
    context: int = 0  # index into Counters.contexts; that of a root means nothing
    state: int = 0  # what is open: index into the states of Counters.operations + 1, 0: nothing


class SiteCounts(NamedTuple):
    """What one memory access of a block did, over all executions of the block."""

    executions: int
    misses: int
    stall_cycles: int


class BlockCounts(NamedTuple):
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


class NodeBlock(NamedTuple):
    """What a block did in one node of the call tree."""

    node: int  # index into Counters.nodes
    block: int  # index into Counters.blocks
    executions: int
    cycles: int  # without those that waits and branches add


class EntryCounts(NamedTuple):
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
    kind: str  # symbol, stack, heap, region; of networks arena, tensor, scratch, persistent
    address: int = 0
    size: int = 0  # bytes
    symbol: str | None = None  # in the symbol table, where the name is another
    inside: int = -1  # index of the object that it is a part of


class ObjectUse(NamedTuple):
    """What one memory access of a block did to one data object."""

    block: int  # index into Counters.blocks
    access: int  # index into the block's accesses
    object: int  # index into Counters.objects
    executions: int
    misses: int
    stall_cycles: int


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


#: Indices of contexts that are no tasks: the program as it starts, and all handlers.
MAIN, HANDLERS = 0, 1


@dataclass(frozen=True, slots=True)
class Context:
    """What ran on calls of its own: the program as it starts, all handlers together, or a task."""

    task: int  # index of what the kernel said of it, -1: nothing
    function: int  # index into Image.functions in which it began, -1: none
    stack: int  # index into Counters.stacks of the one it is on
    switches: int  # times that it got the processor from another
    longest_wait: int  # cycles without it, since it had it first
    longest_response: int = 0  # cycles from when the exception that gave it was pended
    longest_woken: int = 0  # cycles from when it could go on, having waited, until it did


@dataclass(frozen=True, slots=True)
class Link:
    """A call on a stack: its own bytes, those of the calls that it makes left out."""

    function: int  # index into Image.functions, -1: none
    bytes: int


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack of the run. Addresses; what it holds lies below `top`."""

    top: int
    lowest: int
    floor: int  # below which it overflows, 0: not known
    chain: tuple[Link, ...]  # the calls that were open when it was deepest, outermost first


@dataclass(frozen=True, slots=True)
class CountedCall:
    """Struct one_call_info: calls of some functions; the counters are of number ``counted`` alone.

    Cycles of calls are from entry to return, of those that came back; the first may not have.
    ``counted_from`` and ``counted_to`` are cycles since the start of the run, the latter 0 of a
    call that had not come back when the run ended. ``function`` is an index into Image.functions.
    """

    calls: int
    ended: int
    overlapping: int  # began while another context was in one
    setup_cycles: int  # before the first
    setup_instructions: int
    first_cycles: int
    first_ended: int
    least_cycles: int
    most_cycles: int
    counted: int  # from 1
    counted_from: int
    counted_to: int
    function: int
    taken: int  # counted to their end, since counting began


@dataclass(frozen=True, slots=True)
class Counters:
    """All counts of one run. ``nodes[0]`` is the root, and parents stand before their children."""

    columns: tuple[str, ...]
    nodes: tuple[Node, ...]
    blocks: tuple[BlockCounts, ...] = ()
    entries: tuple[EntryCounts, ...] = ()
    ops: tuple[OpDescriptor, ...] = ()  # what markers said
    operations: OpsFound | None = None  # None: there were none
    regions: tuple[str, ...] = ()
    objects: tuple[DataObject, ...] = ()
    uses: tuple[ObjectUse, ...] = ()
    stack_high_water_bytes: int | None = None
    warnings: tuple[str, ...] = ()
    trace: Trace | None = None
    transfers: tuple[Transfers, ...] = ()
    moved_by_dma: tuple[tuple[int, int], ...] = ()  # [first, end) of the program, in all of the run
    contexts: tuple[Context, ...] = ()
    stacks: tuple[Stack, ...] = ()
    node_blocks: tuple[NodeBlock, ...] = ()  # by node and block; on request
    interrupts: InterruptsFound | None = None  # None: no exception came
    call: CountedCall | None = None  # the one that is counted alone, None: the whole run is

    def total(self) -> dict[str, int]:
        """Each column summed over all nodes: the counts of the whole run."""
        sums = sum_vectors((node.vector for node in self.nodes), len(self.columns))
        return dict(zip(self.columns, sums, strict=True))
