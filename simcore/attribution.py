"""Counters to costs of functions, operations, regions, caches and the nodes of the call tree.

Energy goes through the energy model node by node in whole femtojoules, so sums are exact; joules
are formed once, at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Protocol

from simcore.counters import (
    CAUSES,
    REGION_COUNTERS,
    Counters,
    cycle_column,
    region_column,
    sum_vectors,
)
from simcore.profiles import (
    Caches,
    CallNode,
    DataCache,
    FunctionCosts,
    InstructionCache,
    MemoryCosts,
    OpCosts,
    Totals,
    Traffic,
)

#: Classes of instructions; each instruction counts in exactly one.
CLASSES = (
    "alu", "multiply", "divide", "fp_single", "fp_double", "load", "store", "branch", "other",
)  # fmt: skip

UNKNOWN_FUNCTION = "[unknown]"
OPS_PER_MAC = 2  # a multiply and an add

LineAt = Callable[[int], tuple[str, int] | None]


class EnergyModel(Protocol):
    """What attribution needs of ``energy.EnergyModel``: linear, in whole femtojoules."""

    def femtojoules(self, vector: Mapping[str, int]) -> dict[str, int]:
        """Energy of these counts by component."""


class FunctionLike(Protocol):
    """What attribution needs of ``elf.Function``."""

    @property
    def name(self) -> str: ...
    @property
    def start(self) -> int: ...


def joules(femtojoules: int) -> float:
    """Correctly rounded joules of a whole number of femtojoules."""
    return femtojoules / 10**15


def ratio(numerator: float, denominator: float) -> float | None:
    """The quotient, or None when there is nothing to divide by."""
    return numerator / denominator if denominator else None


@dataclass(frozen=True)
class Attribution:
    """Costs of one run, by every axis that needs no disassembly."""

    counters: Counters
    functions: Sequence[FunctionLike]  # in the order of Node.function
    energy: EnergyModel
    clock_hz: int
    op_globs: Sequence[str] = ()

    # -- per node -----------------------------------------------------------------------------

    @cached_property
    def _column(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.counters.columns)}

    @cached_property
    def children(self) -> list[list[int]]:
        """Indices of each node's children, in the order in which they were first called."""
        children: list[list[int]] = [[] for _ in self.counters.nodes]
        for index, node in enumerate(self.counters.nodes):
            if node.parent >= 0:
                children[node.parent].append(index)
        return children

    @cached_property
    def cycles_self(self) -> list[int]:
        """Cycles of each node, callees left out."""
        columns = [self._column[cycle_column(cause)] for cause in CAUSES]
        return [sum(node.vector[c] for c in columns) for node in self.counters.nodes]

    @cached_property
    def femtojoules_self(self) -> list[int]:
        """Energy of each node, callees left out."""
        return [self._femtojoules(node.vector) for node in self.counters.nodes]

    @cached_property
    def cycles_total(self) -> list[int]:
        """Cycles of each node with everything below it."""
        return self._inclusive(self.cycles_self)

    @cached_property
    def femtojoules_total(self) -> list[int]:
        """Energy of each node with everything below it."""
        return self._inclusive(self.femtojoules_self)

    def _inclusive(self, exclusive: Sequence[int]) -> list[int]:
        sums = list(exclusive)
        # Parents stand before their children, so backwards every child is complete.
        for index in reversed(range(len(sums))):
            parent = self.counters.nodes[index].parent
            if parent >= 0:
                sums[parent] += sums[index]
        return sums

    def _femtojoules(self, vector: Sequence[int]) -> int:
        return sum(self.energy.femtojoules(self._named(vector)).values())

    def _named(self, vector: Sequence[int]) -> dict[str, int]:
        return dict(zip(self.counters.columns, vector, strict=True))

    def _causes(self, vector: Sequence[int]) -> dict[str, int]:
        return {cause: vector[self._column[cycle_column(cause)]] for cause in CAUSES}

    def _outermost(self, group_of: Sequence[int | None]) -> list[bool]:
        """For each node: it belongs to a group and no node above it belongs to the same one."""
        outermost = [False] * len(group_of)
        open_groups: dict[int, int] = {}
        roots = [index for index, node in enumerate(self.counters.nodes) if node.parent < 0]
        stack = [(root, False) for root in reversed(roots)]
        while stack:
            index, leaving = stack.pop()
            group = group_of[index]
            if leaving:
                assert group is not None
                open_groups[group] -= 1
                continue
            if group is not None:
                outermost[index] = not open_groups.get(group)
                open_groups[group] = open_groups.get(group, 0) + 1
                stack.append((index, True))
            stack.extend((child, False) for child in reversed(self.children[index]))
        return outermost

    # -- totals -------------------------------------------------------------------------------

    @cached_property
    def total(self) -> dict[str, int]:
        """Every column summed over the run."""
        return self.counters.total()

    def totals(self, energy_uncertainty: float) -> Totals:
        """The sums of the run; ``energy_uncertainty`` is relative, from the CPU model."""
        total = self.total
        causes = {cause: total[cycle_column(cause)] for cause in CAUSES}
        cycles = sum(causes.values())
        components = self.energy.femtojoules(total)
        femtojoules = sum(components.values())
        return Totals(
            instructions=total["instructions"],
            instructions_skipped=total["skipped"],
            instructions_by_class={name: total[name] for name in CLASSES},
            dual_issues=total["dual_issues"],
            mispredicts=total["mispredicts"],
            cycles=cycles,
            time_s=cycles / self.clock_hz,
            ipc=ratio(total["instructions"], cycles),
            macs=total["macs"],
            reads=self._over_regions("reads"),
            writes=self._over_regions("writes"),
            read_bytes=self._over_regions("read_bytes"),
            write_bytes=self._over_regions("write_bytes"),
            energy_j=joules(femtojoules),
            energy_uncertainty=energy_uncertainty,
            power_w=ratio(femtojoules * self.clock_hz, cycles * 10**15),
            stack_high_water_bytes=self.counters.stack_high_water_bytes,
            cycles_by_cause=causes,
            energy_by_component={name: joules(part) for name, part in components.items()},
        )

    def _over_regions(self, counter: str) -> int:
        return sum(self.total[region_column(region, counter)] for region in self.counters.regions)

    # -- functions ----------------------------------------------------------------------------

    @cached_property
    def _function_of(self) -> list[int | None]:
        """Function of each node; None for a root that only holds the tree together."""
        return [
            None
            if node.parent < 0 and node.function < 0 and not any(node.vector)
            else node.function
            for node in self.counters.nodes
        ]

    @cached_property
    def _function_order(self) -> list[int]:
        """Functions that ran: most exclusive cycles first, then by name, then by address."""
        cycles: dict[int, int] = {}
        for function, spent in zip(self._function_of, self.cycles_self, strict=True):
            if function is not None:
                cycles[function] = cycles.get(function, 0) + spent
        return sorted(cycles, key=lambda f: (-cycles[f], self._name(f), self._address(f) or 0))

    def _name(self, function: int) -> str:
        return self.functions[function].name if function >= 0 else UNKNOWN_FUNCTION

    def _address(self, function: int) -> int | None:
        return self.functions[function].start if function >= 0 else None

    def function_costs(self, line_at: LineAt | None = None) -> tuple[FunctionCosts, ...]:
        """Costs of every function that ran, most exclusive cycles first.

        Inclusive costs count a node only when no node of the same function is above it, so
        recursion, direct or through others, is counted once.
        """
        nodes = self.counters.nodes
        members: dict[int, list[int]] = {function: [] for function in self._function_order}
        for index, function in enumerate(self._function_of):
            if function is not None:
                members[function].append(index)
        outermost = self._outermost(self._function_of)
        rows = []
        for function, indices in members.items():
            vector = sum_vectors((nodes[i].vector for i in indices), len(self.counters.columns))
            outer = [i for i in indices if outermost[i]]
            address = self._address(function)
            line = line_at(address) if line_at and address is not None else None
            rows.append(
                FunctionCosts(
                    name=self._name(function),
                    address=address,
                    file=line[0] if line else None,
                    line=line[1] if line else None,
                    calls=sum(nodes[i].calls for i in indices if nodes[i].op < 0),
                    instructions=vector[self._column["instructions"]],
                    cycles_self=sum(self.cycles_self[i] for i in indices),
                    cycles_total=sum(self.cycles_total[i] for i in outer),
                    energy_j_self=joules(sum(self.femtojoules_self[i] for i in indices)),
                    energy_j_total=joules(sum(self.femtojoules_total[i] for i in outer)),
                    macs=vector[self._column["macs"]],
                    cycles_by_cause=self._causes(vector),
                )
            )
        return tuple(rows)

    # -- operations ---------------------------------------------------------------------------

    @cached_property
    def _op_groups(self) -> dict[tuple[str, int], list[int]]:
        """Nodes of each operation, ("op", descriptor) or ("function", index), as first run."""
        groups: dict[tuple[str, int], list[int]] = {}
        matches = {
            function: any(fnmatchcase(self._name(function), glob) for glob in self.op_globs)
            for function in self._function_order
            if function >= 0
        }
        for index, node in enumerate(self.counters.nodes):
            if node.op >= 0:
                groups.setdefault(("op", node.op), []).append(index)
            elif matches.get(node.function):
                groups.setdefault(("function", node.function), []).append(index)
        return groups

    def unmatched_globs(self) -> list[str]:
        """Patterns of ``op_globs`` that no function matches that ran."""
        names = [self._name(function) for function in self._function_order if function >= 0]
        return [g for g in self.op_globs if not any(fnmatchcase(name, g) for name in names)]

    def op_costs(self) -> tuple[OpCosts, ...]:
        """Costs of every operation with its callees, in order of first execution.

        An operation that opens again inside itself is counted once.
        """
        return tuple(
            self._op_costs(kind, number, roots)
            for (kind, number), roots in zip(self._op_groups, self._op_roots, strict=True)
        )

    def op_counts(self) -> tuple[dict[str, int], ...]:
        """Counts by column of every operation with its callees, as in :meth:`op_costs`."""
        return tuple(self._named(self._subtree_sum(roots)) for roots in self._op_roots)

    @cached_property
    def _op_roots(self) -> list[list[int]]:
        """For each operation: its nodes that do not lie inside another node of it."""
        group_of: list[int | None] = [None] * len(self.counters.nodes)
        for group, indices in enumerate(self._op_groups.values()):
            for index in indices:
                group_of[index] = group
        outermost = self._outermost(group_of)
        return [
            [index for index in indices if outermost[index]] for indices in self._op_groups.values()
        ]

    def _op_costs(self, kind: str, number: int, roots: list[int]) -> OpCosts:
        counters = self.counters
        vector = self._subtree_sum(roots)
        cycles = sum(self.cycles_total[i] for i in roots)
        energy = joules(sum(self.femtojoules_total[i] for i in roots))
        counted = vector[self._column["macs"]]
        macs = ops = param_bytes = activation_bytes = 0
        if kind == "op":
            descriptor = counters.ops[number]
            name, op_kind = descriptor.name, descriptor.kind
            invocations = counters.op_invocations[number]
            macs, ops = descriptor.macs * invocations, descriptor.ops * invocations
            param_bytes = descriptor.param_bytes
            activation_bytes = descriptor.activation_bytes
        else:
            name, op_kind = self._name(number), kind
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
            instructions=vector[self._column["instructions"]],
            cycles=cycles,
            cycles_per_mac=ratio(cycles, macs),
            time_s=cycles / self.clock_hz,
            ops_per_s=ratio(ops * self.clock_hz, cycles),
            energy_j=energy,
            j_per_op=ratio(energy, ops),
            param_bytes=param_bytes,
            activation_bytes=activation_bytes,
            traffic=self._traffic(vector),
        )

    def _subtree_sum(self, roots: list[int]) -> tuple[int, ...]:
        inside: list[int] = []
        stack = list(roots)
        while stack:
            index = stack.pop()
            inside.append(index)
            stack.extend(self.children[index])
        nodes = self.counters.nodes
        return sum_vectors((nodes[i].vector for i in inside), len(self.counters.columns))

    def _traffic(self, vector: Sequence[int]) -> dict[str, Traffic]:
        """Bytes by region, regions without traffic left out."""
        traffic = {}
        for region in self.counters.regions:
            read, written, fetched = (
                vector[self._column[region_column(region, counter)]]
                for counter in ("read_bytes", "write_bytes", "fetch_bytes")
            )
            if read or written or fetched:
                traffic[region] = Traffic(read, written, fetched)
        return traffic

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
                miss_rate=ratio(misses, reads + writes),
                evictions=total["dcache_evictions"],
                reads=reads,
                read_misses=total["dcache_read_misses"],
                writes=writes,
                write_misses=total["dcache_write_misses"],
                write_backs=total["dcache_write_backs"],
            ),
        )

    # -- call tree ----------------------------------------------------------------------------

    def call_tree(self) -> tuple[CallNode, ...]:
        """The call tree, nodes in the order of ``Counters.nodes``.

        ``function`` and ``op`` are positions in the results of :meth:`function_costs` and
        :meth:`op_costs`.
        """
        rank: dict[int | None, int] = {f: row for row, f in enumerate(self._function_order)}
        ops = {key: position for position, key in enumerate(self._op_groups)}
        instructions = self._column["instructions"]
        return tuple(
            CallNode(
                parent=node.parent if node.parent >= 0 else None,
                function=rank.get(function),
                op=ops[("op", node.op)] if node.op >= 0 else None,
                call_site=node.call_site or None,
                calls=node.calls,
                instructions=node.vector[instructions],
                cycles=cycles,
                energy_j=joules(energy),
            )
            for node, function, cycles, energy in zip(
                self.counters.nodes,
                self._function_of,
                self.cycles_self,
                self.femtojoules_self,
                strict=True,
            )
        )
