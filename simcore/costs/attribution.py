"""Counters to costs of functions, operations, regions, caches and the nodes of the call tree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from simcore.core.counters import CAUSES, REGION_COUNTERS, cycle_column, region_column, sum_vectors
from simcore.costs.nodes import NodeCosts, joules, ratio
from simcore.costs.op_tables import OpCosts
from simcore.costs.operations import Operations
from simcore.costs.tables import (
    Caches,
    CallNode,
    DataCache,
    FunctionCosts,
    InstructionCache,
    MemoryCosts,
    Totals,
)
from simcore.cpu_model.schema import CLASSES

LineAt = Callable[[int], tuple[str, int] | None]


@dataclass(frozen=True)
class Attribution(NodeCosts):
    """Costs of one run, by every axis that needs no disassembly."""

    op_globs: Sequence[str] = ()

    def _causes(self, vector: Sequence[int]) -> dict[str, int]:
        return {cause: vector[self.column[cycle_column(cause)]] for cause in CAUSES}

    # -- totals -------------------------------------------------------------------------------

    @cached_property
    def total(self) -> dict[str, int]:
        """Every column summed over the run."""
        return self.counters.total()

    def totals(self) -> Totals:
        """The sums of the run."""
        total = self.total
        causes = {cause: total[cycle_column(cause)] for cause in CAUSES}
        cycles = sum(causes.values())
        energy = self.energy_of([total[column] for column in self.counters.columns])
        time_s, energy_j = cycles / self.clock_hz, joules(energy.whole)
        return Totals(
            instructions=total["instructions"],
            instructions_skipped=total["skipped"],
            instructions_by_class={name: total[name] for name in CLASSES},
            dual_issues=total["dual_issues"],
            mispredicts=total["mispredicts"],
            cycles=cycles,
            active_cycles=cycles - causes["sleep"],
            cpu_load=ratio(cycles - causes["sleep"], cycles) or 0.0,
            time_s=time_s,
            ipc=ratio(total["instructions"], cycles),
            macs=total["macs"],
            reads=self._over_regions("reads"),
            writes=self._over_regions("writes"),
            read_bytes=self._over_regions("read_bytes"),
            write_bytes=self._over_regions("write_bytes"),
            energy_j=energy_j,
            energy_low_j=energy.low_j,
            energy_high_j=energy.high_j,
            energy_uncertainty=ratio(energy.half_width, energy.whole) or 0.0,
            j_per_mac=ratio(energy_j, total["macs"]),
            power_w=energy.power_w(cycles, self.clock_hz),
            energy_delay_js=energy_j * time_s,
            stack_high_water_bytes=self.counters.stack_high_water_bytes,
            cycles_by_cause=causes,
            energy_by_component=energy.by_component,
        )

    def _over_regions(self, counter: str) -> int:
        return sum(self.total[region_column(region, counter)] for region in self.counters.regions)

    # -- functions ----------------------------------------------------------------------------

    def function_costs(self, line_at: LineAt | None = None) -> tuple[FunctionCosts, ...]:
        """Costs of every function that ran, most exclusive cycles first.

        Inclusive costs count a node only when no node of the same function is above it, so
        recursion, direct or through others, is counted once.
        """
        nodes = self.counters.nodes
        members: dict[int, list[int]] = {function: [] for function in self.function_order}
        for index, function in enumerate(self.function_of):
            if function is not None:
                members[function].append(index)
        outermost = self.outermost(self.function_of)
        rows = []
        for function, indices in members.items():
            vector = sum_vectors((nodes[i].vector for i in indices), len(self.counters.columns))
            outer = [i for i in indices if outermost[i]]
            energy = self.energy_of(vector)
            address = self.address(function)
            line = line_at(address) if line_at and address is not None else None
            rows.append(
                FunctionCosts(
                    name=self.name(function),
                    address=address,
                    file=line[0] if line else None,
                    line=line[1] if line else None,
                    calls=sum(nodes[i].calls for i in indices if nodes[i].op < 0),
                    instructions=vector[self.column["instructions"]],
                    cycles_self=sum(self.cycles_self[i] for i in indices),
                    cycles_total=sum(self.cycles_total[i] for i in outer),
                    energy_j_self=joules(energy.whole),
                    energy_low_j=energy.low_j,
                    energy_high_j=energy.high_j,
                    energy_j_total=joules(sum(self.femtojoules_total[i] for i in outer)),
                    macs=vector[self.column["macs"]],
                    cycles_by_cause=self._causes(vector),
                    energy_by_component=energy.by_component,
                    symbol=self.symbol(function),
                    aliases=self.aliases(function) or None,
                )
            )
        return tuple(rows)

    # -- operations ---------------------------------------------------------------------------

    @cached_property
    def operations(self) -> Operations:
        """The operations of the run."""
        return Operations(self, self.op_globs)

    def unmatched_globs(self) -> list[str]:
        """Patterns of ``op_globs`` that no function matches that ran."""
        return self.operations.unmatched_globs()

    def op_costs(self) -> tuple[OpCosts, ...]:
        """Costs of every operation with its callees, in order of first execution."""
        return self.operations.costs()

    def op_counts(self) -> tuple[dict[str, int], ...]:
        """Counts by column of every operation with its callees, in the same order."""
        return self.operations.counts()

    # -- memory -------------------------------------------------------------------------------

    def memory_costs(self) -> tuple[MemoryCosts, ...]:
        """Costs of every region that was touched, in the order of the part's memory map.

        The energy of a region is that of its own events: the energy model is linear, so it is what
        the model says of a run in which nothing else happened.
        """
        rows = []
        for region in self.counters.regions:
            own = {counter: region_column(region, counter) for counter in REGION_COUNTERS}
            counts = {counter: self.total[column] for counter, column in own.items()}
            if not any(counts.values()):
                continue
            only = dict.fromkeys(self.counters.columns, 0)
            only.update((column, self.total[column]) for column in own.values())
            energy = joules(sum(self.energy.femtojoules(only).values()))
            rows.append(MemoryCosts(region=region, energy_j=energy, **counts))
        return tuple(rows)

    def caches(self) -> Caches:
        """Accesses, misses and evictions of both caches; all zero for a cache that stayed off."""
        total = self.total
        reads, writes = total["dcache_reads"], total["dcache_writes"]
        misses = total["dcache_read_misses"] + total["dcache_write_misses"]
        streamed = total["dcache_streamed_writes"]
        return Caches(
            icache=InstructionCache(
                accesses=total["icache_accesses"],
                misses=total["icache_misses"],
                miss_rate=ratio(total["icache_misses"], total["icache_accesses"]),
                evictions=total["icache_evictions"],
            ),
            dcache=DataCache(
                accesses=reads + writes,
                misses=misses,
                miss_rate=ratio(misses, reads + writes - streamed),
                evictions=total["dcache_evictions"],
                reads=reads,
                read_misses=total["dcache_read_misses"],
                writes=writes,
                write_misses=total["dcache_write_misses"],
                write_backs=total["dcache_write_backs"],
                streamed_writes=streamed,
            ),
        )

    # -- call tree ----------------------------------------------------------------------------

    def call_tree(self, task_of: Sequence[int] = ()) -> tuple[CallNode, ...]:
        """The call tree, nodes in the order of ``Counters.nodes``.

        ``function`` and ``op`` are positions in the results of :meth:`function_costs` and
        :meth:`op_costs`, ``task`` that of its context in ``task_of``.
        """
        rank: dict[int | None, int] = {f: row for row, f in enumerate(self.function_order)}
        ops = {row: position for position, row in enumerate(self.operations.groups)}
        column = self.column
        asleep = column[cycle_column("sleep")]
        reads, writes = (
            [column[region_column(region, counter)] for region in self.counters.regions]
            for counter in ("reads", "writes")
        )
        return tuple(
            CallNode(
                parent=node.parent if node.parent >= 0 else None,
                function=rank.get(function),
                op=ops[node.op] if node.op >= 0 else None,
                call_site=node.call_site or None,
                calls=node.calls,
                instructions=node.vector[column["instructions"]],
                cycles=cycles,
                energy_j=joules(energy),
                reads=sum(node.vector[c] for c in reads),
                writes=sum(node.vector[c] for c in writes),
                icache_misses=node.vector[column["icache_misses"]],
                dcache_read_misses=node.vector[column["dcache_read_misses"]],
                dcache_write_misses=node.vector[column["dcache_write_misses"]],
                mispredicts=node.vector[column["mispredicts"]],
                task=task_of[node.context] if task_of else 0,
                sleep_cycles=node.vector[asleep] or None,
            )
            for node, function, cycles, energy in zip(
                self.counters.nodes,
                self.function_of,
                self.cycles_self,
                self.femtojoules_self,
                strict=True,
            )
        )
