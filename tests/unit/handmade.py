"""Runs and profiles made by hand, whose every number can be read off this page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simcore.core.counters import CAUSES, Counters, Node, column_names
from simcore.core.operations import OpRow, OpsFound
from simcore.costs.attribution import Attribution
from simcore.costs.coverage import CoveredFunction, CoveredLine, FileCoverage
from simcore.costs.origin import Accuracy, Cpu, Elf, Exit, Tool
from simcore.costs.profile import SCHEMA, Profile
from simcore.costs.tables import InstructionCosts, LineCosts
from simcore.costs.timeline import Span, Timeline, TimelineSample
from simcore.run.asked import OpDescriptor
from simcore.run.faults import Fault, Frame

REGIONS = ("itcm", "flash")
COLUMNS = column_names(REGIONS)
CLOCK_HZ = 100_000_000


@dataclass(frozen=True)
class HandFunction:
    """A function with a name and an address, 256 bytes long."""

    name: str
    start: int
    symbol: str | None = None
    aliases: tuple[str, ...] = ()


class HandEnergy:
    """3 fJ a cycle that issues, 1 fJ any other, 7 fJ a byte read from flash."""

    def femtojoules(self, vector: Mapping[str, int]) -> dict[str, int]:
        cycles = sum(count for name, count in vector.items() if name.startswith("cycles."))
        return {
            "core": cycles + 2 * vector.get("cycles.issue", 0),
            "memory": 7 * vector.get("flash.read_bytes", 0),
        }

    def half_width(self, parts: Mapping[str, int]) -> int:
        """A tenth of the whole."""
        return sum(parts.values()) // 10


def vector(**counts: int) -> tuple[int, ...]:
    """A node's counts; ``__`` stands for the dot: ``cycles__issue=3, flash__reads=1``."""
    named = {name.replace("__", "."): value for name, value in counts.items()}
    assert named.keys() <= set(COLUMNS), named
    return tuple(named.get(column, 0) for column in COLUMNS)


def node(parent: int, function: int, counts: tuple[int, ...], calls: int = 1, op: int = -1) -> Node:
    """A node whose call site is 0x100 times its parent's index."""
    return Node(parent, function, op, 0x100 * max(parent, 0), calls, counts)


def counters(
    nodes: Sequence[Node],
    ops: Sequence[OpDescriptor] = (),
    op_invocations: Sequence[int] = (),
) -> Counters:
    """Counters over REGIONS; operation n is what descriptor n of ``ops`` marks."""
    rows = tuple(OpRow(0, n, invocations=times) for n, times in enumerate(op_invocations))
    return Counters(
        columns=COLUMNS,
        nodes=tuple(nodes),
        ops=tuple(ops),
        operations=OpsFound(rows),
        regions=REGIONS,
        stack_high_water_bytes=512,
    )


FUNCTIONS = (
    HandFunction("main", 0x0800_0200),
    HandFunction("conv", 0x0800_0300),
    HandFunction("fib", 0x0800_0400),
    HandFunction("dot", 0x0000_0100),
)
CONV = OpDescriptor("conv1", "conv2d", 1000, 2000, 300, 400)

#: main calls fib, which calls itself twice over, and opens operation conv1 twice, in which conv
#: calls dot ten times.
KERNEL = counters(
    [
        node(-1, 0, vector(instructions=50, alu=50, cycles__issue=40, cycles__fetch=60,
                           flash__fetch_bytes=100)),
        node(0, 2, vector(instructions=10, branch=10, cycles__issue=5)),
        node(1, 2, vector(instructions=20, branch=20, cycles__issue=10, cycles__branch=5), calls=2),
        node(2, 2, vector(instructions=4, branch=4, cycles__issue=2)),
        node(0, 0, vector(), calls=2, op=0),
        node(4, 1, vector(instructions=100, load=60, multiply=40, macs=80, dual_issues=30,
                          cycles__issue=70, cycles__load=130, icache_accesses=40, icache_misses=2,
                          dcache_reads=60, dcache_read_misses=6, flash__reads=60,
                          flash__read_bytes=240, flash__fetch_bytes=300, flash__data_refills=6,
                          flash__instruction_refills=2, flash__stall_cycles=130), calls=2),
        node(5, 3, vector(instructions=1000, multiply=1000, macs=1920, skipped=5,
                          cycles__issue=500, cycles__dependency=100,
                          itcm__fetch_bytes=2000, itcm__reads=3, itcm__read_bytes=12), calls=10),
    ],
    ops=[CONV],
    op_invocations=[2],
)  # fmt: skip


def kernel_profile(run: Counters = KERNEL, end: Exit | None = None) -> Profile:
    """The profile of a run of kernel.elf with a warning, 10 % uncertain in its energy."""
    costs = Attribution(run, FUNCTIONS, HandEnergy(), CLOCK_HZ)
    return Profile(
        schema=SCHEMA,
        tool=Tool("mcusim", "0.1.0"),
        elf=Elf("kernel.elf", "e" * 64, "abcd", None),
        cpu=Cpu("handmade", "A part made by hand", "c" * 64, CLOCK_HZ, "1", 3.3, "auto"),
        exit=end or Exit("exit", 0, None),
        accuracy=Accuracy("exact", "modelled", "estimated"),
        totals=costs.totals(),
        functions=costs.function_costs(),
        ops=costs.op_costs(),
        memory=costs.memory_costs(),
        caches=costs.caches(),
        call_tree=costs.call_tree(),
        warnings=("reads of 0x40023800 returned 0",),
        instructions=(
            InstructionCosts(
                0x100, "smlad r0, r1, r2, r0", "dot", "dot.c", 3, 960, 5, 600,
                {**dict.fromkeys(CAUSES, 0), "issue": 500, "dependency": 100}, 0,
            ),
        ),
        timeline=Timeline(
            resolution=0, dropped=0, deepest=4, depth_limit=512,
            spans=(Span(0, 0, 900), Span(4, 100, 300), Span(5, 100, 250)),
            samples=(
                TimelineSample(512, 700, 2e-9, 20, 1, 30, 6),
                TimelineSample(900, 1184, 3e-9, 40, 2, 60, 6),
            ),
        ),
        coverage=(
            FileCoverage(
                "dot.c",
                (CoveredFunction("dot", 2, 10), CoveredFunction("dot_of_none", 9, 0)),
                (CoveredLine(3, 960), CoveredLine(10, 0)),
            ),
        ),
        lines=(
            LineCosts(
                "dot.c", 3, 960, 1000, 600,
                {**dict.fromkeys(CAUSES, 0), "issue": 500, "dependency": 100}, 0,
            ),
        ),
    )  # fmt: skip


FAULT = Fault(
    kind="read of unmapped memory",
    address=0x5000_0000,
    pc=0x0800_0310,
    symbol="conv",
    offset=0x10,
    file="conv.c",
    line=12,
    call_stack=(
        Frame(0x0800_0310, "conv", 0x10, "conv.c", 12),
        Frame(0x0800_0210, "main", 0x10, None, None),
    ),
)
