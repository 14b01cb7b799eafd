"""Energy of instructions: what the energy model says of each one's own counters.

The core counts executions, cycles, accesses and cache misses per instruction. What it counts per
function only, the function's instructions share by what makes it happen:

    fetches and I-cache accesses    bytes fetched past the TCMs
    accesses past the D-cache       accesses to the region
    D-cache accesses                other accesses to memory behind it
    linefills                       a read that misses has one; the rest by writes that miss
    accesses to a stack or heap     all of them: it may lie across two regions
    write-backs                     misses, which evict lines

Counts are shared as whole numbers and the model is linear, so the instructions of a function and
what none of them has (sleep, exception entry, cache maintenance) sum exactly to the function.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from simcore.core.counters import CAUSES, Counters, cycle_column, region_column, sum_vectors
from simcore.costs.instructions import InstructionSum, sum_blocks
from simcore.costs.sharing import shared
from simcore.cpu_model.schema import MEMORY_KINDS, TCM_KINDS

if TYPE_CHECKING:
    from simcore.core.counters import DataObject
    from simcore.costs.nodes import LinearEnergy
    from simcore.costs.tables import InstructionCosts
    from simcore.cpu_model import Region
    from simcore.elf import Function
    from simcore.isa import Block
    from simcore.pipeline import Schedule

Counts = Counter[str]  # by column, of one instruction
_NO_FUNCTION = -1
# Of this module only: the region of what lies across several, and a column of each region.
_SEVERAL, _WRITE_MISSES = "", "write_misses"


def with_energy(
    rows: Sequence[InstructionCosts],
    counters: Counters,
    blocks: Sequence[Block],
    schedules: Sequence[Schedule],
    function_at: Callable[[int], Function | None],
    region_at: Callable[[int], str | None],
    regions: Sequence[Region],
    energy: LinearEnergy,
) -> tuple[InstructionCosts, ...]:
    """The rows of ``instruction_costs`` with their energy, in whole femtojoules.

    ``blocks`` and ``schedules`` are those of the rows. ``function_at`` finds the function of an
    address, ``region_at`` the region where what lies there is timed.
    """

    def key_of(block: Block) -> tuple[int, str]:
        function = function_at(block.address)
        return (_NO_FUNCTION, "") if function is None else (function.index, function.name)

    own = _own_counts(counters, blocks, schedules, key_of, region_at)
    whole = _function_counts(counters)
    spent: Counter[tuple[int, str]] = Counter()
    for (function, name), found in own.items():
        _share(list(found.values()), whole.get(function, Counter()), regions)
        for address, counts in found.items():
            spent[address, name] += sum(energy.femtojoules(counts).values())
    return tuple(replace(row, femtojoules=spent[row.address, row.function or ""]) for row in rows)


def _own_counts(
    counters: Counters,
    blocks: Sequence[Block],
    schedules: Sequence[Schedule],
    key_of: Callable[[Block], tuple[int, str]],
    region_at: Callable[[int], str | None],
) -> dict[tuple[int, str], dict[int, Counts]]:
    """What the core counted for each instruction, by function and address."""
    found: dict[tuple[int, str], dict[int, Counts]] = {}
    sums: dict[tuple[tuple[int, str], int], InstructionSum] = {}

    def sums_of(block: Block) -> list[InstructionSum]:
        key = key_of(block)
        return [
            sums.setdefault((key, i.address), InstructionSum(i.text)) for i in block.instructions
        ]

    sum_blocks(counters, blocks, schedules, sums_of)
    for (key, address), total in sums.items():
        spent = {cycle_column(c): n for c, n in zip(CAUSES, total.cycles, strict=True)}
        found.setdefault(key, {})[address] = Counter(spent)
    for block, block_counts in zip(blocks, counters.blocks, strict=True):
        if not block_counts.executions:
            continue
        of = found[key_of(block)]
        region = region_at(block.address) or _SEVERAL
        for instruction in block.instructions:
            counts = of[instruction.address]
            counts["instructions"] += block_counts.executions
            counts[instruction.facts.counter] += block_counts.executions
            fetched = instruction.size * block_counts.executions
            counts[region_column(region, "fetch_bytes")] += fetched
        first = of[block.instructions[0].address]
        first[region_column(region, "instruction_refills")] += block_counts.icache_misses
    regions = [_region_of(each, region_at) for each in counters.objects]
    for use in counters.uses:
        block = blocks[use.block]
        access = block.accesses[use.access]
        counts = found[key_of(block)][block.instructions[access.instruction].address]
        region = regions[use.object]
        if access.is_write:
            counts[region_column(region, "writes")] += use.executions
            counts["dcache_write_misses"] += use.misses
            counts[region_column(region, _WRITE_MISSES)] += use.misses
        else:
            counts[region_column(region, "reads")] += use.executions
            counts["dcache_read_misses"] += use.misses
            counts[region_column(region, "data_refills")] += use.misses
    return found


def _region_of(item: DataObject, region_at: Callable[[int], str | None]) -> str:
    if item.kind == "region":
        return item.name
    first, last = region_at(item.address), region_at(item.address + item.size - 1)
    return first if first is not None and first == last else _SEVERAL


def _function_counts(counters: Counters) -> dict[int, Counts]:
    """Each function's counts, by its index."""
    vectors: dict[int, list[tuple[int, ...]]] = {}
    for node in counters.nodes:
        vectors.setdefault(node.function, []).append(node.vector)
    columns = counters.columns
    return {
        function: Counter(dict(zip(columns, sum_vectors(found, len(columns)), strict=True)))
        for function, found in vectors.items()
    }


def _share(found: Sequence[Counts], whole: Counts, regions: Sequence[Region]) -> None:
    """Give the instructions of a function, ``found``, what the core counted for all of them."""

    def share(column: str, weight: Callable[[Counts], int]) -> None:
        rest = whole[column] - sum(counts[column] for counts in found)
        weights = [weight(counts) for counts in found]
        if any(weights):
            for counts, part in zip(found, shared(rest, weights), strict=True):
                counts[column] += part

    def by(*columns: str) -> Callable[[Counts], int]:
        return lambda counts: sum(counts[column] for column in columns)

    cached = [r.name for r in regions if r.kind in MEMORY_KINDS and r.kind not in TCM_KINDS]
    several = [region_column(_SEVERAL, each) for each in ("data_refills", _WRITE_MISSES)]
    for region in (r.name for r in regions):
        share(region_column(region, "reads"), by(region_column(_SEVERAL, "reads")))
        share(region_column(region, "writes"), by(region_column(_SEVERAL, "writes")))
    misses = by("dcache_read_misses", "dcache_write_misses")
    for region in (r.name for r in regions if r.kind not in TCM_KINDS):
        share(region_column(region, "fetches"), by(region_column(region, "fetch_bytes")))
        share(region_column(region, "uncached_reads"), by(region_column(region, "reads")))
        share(region_column(region, "uncached_writes"), by(region_column(region, "writes")))
        share(
            region_column(region, "data_refills"),
            by(region_column(region, _WRITE_MISSES), *several),
        )
        share(region_column(region, "write_backs"), misses)
    share("icache_accesses", by(*(region_column(r, "fetch_bytes") for r in cached)))
    reads = by(*(region_column(r, "reads") for r in cached))
    uncached = by(*(region_column(r, "uncached_reads") for r in cached))
    share("dcache_reads", lambda counts: reads(counts) - uncached(counts))
    share("dcache_writes", by(*(region_column(r, "writes") for r in cached)))
