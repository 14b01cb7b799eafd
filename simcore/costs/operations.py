"""Costs of operations: what firmware marks as one, and the calls of functions asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from simcore.core.counters import cycle_column, region_column
from simcore.costs.nodes import NodeCosts, joules, ratio
from simcore.costs.tables import OpCosts, Traffic
from simcore.elf.names import matches

OPS_PER_MAC = 2  # a multiply and an add


@dataclass(frozen=True)
class Operations:
    """The operations of one run; ``globs`` are patterns of functions whose calls are operations."""

    nodes: NodeCosts
    globs: Sequence[str] = ()

    @cached_property
    def groups(self) -> dict[tuple[str, int], list[int]]:
        """Nodes of each operation, ("op", descriptor) or ("function", index), as first run."""
        groups: dict[tuple[str, int], list[int]] = {}
        wanted = {
            function: any(matches(self.nodes.spellings(function), glob) for glob in self.globs)
            for function in self.nodes.function_order
            if function >= 0
        }
        for index, node in enumerate(self.nodes.counters.nodes):
            if node.op >= 0:
                groups.setdefault(("op", node.op), []).append(index)
            elif wanted.get(node.function):
                groups.setdefault(("function", node.function), []).append(index)
        return groups

    def unmatched_globs(self) -> list[str]:
        """Patterns of ``globs`` that no function matches that ran."""
        ran = [self.nodes.spellings(f) for f in self.nodes.function_order if f >= 0]
        return [glob for glob in self.globs if not any(matches(spelt, glob) for spelt in ran)]

    def costs(self) -> tuple[OpCosts, ...]:
        """Costs of every operation with its callees, in order of first execution.

        An operation that opens again inside itself is counted once.
        """
        return tuple(
            self._costs(kind, number, roots)
            for (kind, number), roots in zip(self.groups, self._roots, strict=True)
        )

    def counts(self) -> tuple[dict[str, int], ...]:
        """Counts by column of every operation with its callees, as in :meth:`costs`."""
        return tuple(self.nodes.named(self.nodes.subtree_sum(roots)) for roots in self._roots)

    @cached_property
    def _roots(self) -> list[list[int]]:
        """For each operation: its nodes that do not lie inside another node of it."""
        group_of: list[int | None] = [None] * len(self.nodes.counters.nodes)
        for group, indices in enumerate(self.groups.values()):
            for index in indices:
                group_of[index] = group
        outermost = self.nodes.outermost(group_of)
        return [
            [index for index in indices if outermost[index]] for indices in self.groups.values()
        ]

    def _costs(self, kind: str, number: int, roots: list[int]) -> OpCosts:
        counters = self.nodes.counters
        vector = self.nodes.subtree_sum(roots)
        cycles = sum(self.nodes.cycles_total[i] for i in roots)
        energy = self.nodes.energy_of(vector)
        time_s, energy_j = cycles / self.nodes.clock_hz, joules(energy.whole)
        counted = vector[self.nodes.column["macs"]]
        macs = ops = param_bytes = activation_bytes = 0
        symbol = operator = None
        if kind == "op":
            descriptor = counters.ops[number]
            name, op_kind = descriptor.name, descriptor.kind
            invocations = counters.op_invocations[number]
            macs, ops = descriptor.macs * invocations, descriptor.ops * invocations
            param_bytes = descriptor.param_bytes
            activation_bytes = descriptor.activation_bytes
            operator = descriptor.operator
        else:
            name, op_kind, symbol = self.nodes.name(number), kind, self.nodes.symbol(number)
            invocations = sum(counters.nodes[i].calls for i in roots)
        if not macs and not ops:
            macs = counted
        ops = ops or OPS_PER_MAC * macs
        return OpCosts(
            name=name,
            kind=op_kind,
            invocations=invocations,
            macs=macs,
            macs_counted=counted,
            ops=ops,
            instructions=vector[self.nodes.column["instructions"]],
            cycles=cycles,
            active_cycles=cycles - vector[self.nodes.column[cycle_column("sleep")]],
            cycles_per_mac=ratio(cycles, macs),
            time_s=time_s,
            ops_per_s=ratio(ops * self.nodes.clock_hz, cycles),
            energy_j=energy_j,
            energy_low_j=energy.low_j,
            energy_high_j=energy.high_j,
            j_per_op=ratio(energy_j, ops),
            j_per_mac=ratio(energy_j, macs),
            power_w=energy.power_w(cycles, self.nodes.clock_hz),
            energy_delay_js=energy_j * time_s,
            param_bytes=param_bytes,
            activation_bytes=activation_bytes,
            traffic=self._traffic(vector),
            energy_by_component=energy.by_component,
            symbol=symbol,
            operator=operator,
        )

    def _traffic(self, vector: Sequence[int]) -> dict[str, Traffic]:
        """Bytes by region, regions without traffic left out."""
        traffic = {}
        for region in self.nodes.counters.regions:
            read, written, fetched = (
                vector[self.nodes.column[region_column(region, counter)]]
                for counter in ("read_bytes", "write_bytes", "fetch_bytes")
            )
            if read or written or fetched:
                traffic[region] = Traffic(read, written, fetched)
        return traffic
