"""Costs of operations: what firmware marks as one, and the calls that were asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from simcore.core.counters import CAUSES, cycle_column, region_column
from simcore.core.operations import OpRow, OpsFound, OpSource, OpUse
from simcore.costs.nodes import NodeCosts, joules, ratio
from simcore.costs.op_tables import OpCosts, OpObject, Traffic
from simcore.elf.names import matches, without_parameters
from simcore.run.asked import CallsAt, OpDescriptor

OPS_PER_MAC = 2  # a multiply and an add
OBJECTS = 4  # data objects listed with an operation, those that cost most


@dataclass(frozen=True)
class Operations:
    """The operations of one run; ``globs`` are patterns of functions whose calls are operations."""

    nodes: NodeCosts
    globs: Sequence[str] = ()

    @cached_property
    def found(self) -> OpsFound:
        """What the core found."""
        return self.nodes.counters.operations or OpsFound()

    @cached_property
    def groups(self) -> dict[int, list[int]]:
        """Nodes of each operation by its row in ``found``, as first run."""
        groups: dict[int, list[int]] = {}
        for index, node in enumerate(self.nodes.counters.nodes):
            if node.op >= 0:
                groups.setdefault(node.op, []).append(index)
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
            self._costs(row, self.found.rows[row], roots)
            for row, roots in zip(self.groups, self._roots, strict=True)
        )

    def counts(self) -> tuple[dict[str, int], ...]:
        """Counts by column of every operation with its callees, as in :meth:`costs`."""
        return tuple(self.nodes.named(self.nodes.subtree_sum(roots)) for roots in self._roots)

    @cached_property
    def _roots(self) -> list[list[int]]:
        """For each operation: its nodes that do not lie inside another node of it."""
        group_of: list[int | None] = [None] * len(self.nodes.counters.nodes)
        for group, indices in self.groups.items():
            for index in indices:
                group_of[index] = group
        outermost = self.nodes.outermost(group_of)
        return [
            [index for index in indices if outermost[index]] for indices in self.groups.values()
        ]

    # -- names ----------------------------------------------------------------------------------

    def _given(self, row: OpRow) -> OpDescriptor | None:
        """What firmware or a model says of an operation."""
        if row.source == OpSource.MARKED:
            return self.nodes.counters.ops[row.number]
        asked = self.found.asked[row.number] if row.source == OpSource.CALLED_AT else None
        if isinstance(asked, CallsAt) and asked.operators and not row.is_rest:
            return asked.operators[row.call % len(asked.operators)]
        return None

    def _caller(self, row: OpRow) -> str | None:
        """What the calls of a row are of; None for one that firmware marks."""
        if row.source == OpSource.MARKED:
            return None
        if row.source == OpSource.CALLED:
            return self.nodes.name(row.number)
        asked = self.found.asked[row.number]
        assert isinstance(asked, CallsAt)
        return asked.caller

    def name(self, row: OpRow) -> str:
        """What an operation is called: ``F[3]``, ``F[3] callee``, ``F[1000..]`` for the rest."""
        given = self._given(row)
        if given is not None:
            return given.name
        caller = self._short.get(self._caller(row) or "")
        numbered = f"{caller or self._caller(row)}[{row.call}{'..' if row.is_rest else ''}]"
        if row.callee < 0:
            return numbered
        callee = self.nodes.name(row.callee)
        return f"{numbered} {self._short.get(callee) or callee}"

    @cached_property
    def _short(self) -> dict[str, str]:
        """Names of functions without parameters, by the whole, where that is of one function."""
        names = [function.name for function in self.nodes.functions if "(" in function.name]
        short = {name: without_parameters(name) for name in names}
        many = Counter(short.values())
        return {name: brief for name, brief in short.items() if many[brief] == 1}

    def warnings(self) -> Iterator[str]:
        """What was wrong with begins and ends, one line each."""
        for number in self.groups:
            row = self.found.rows[number]
            name = f"operation {self.name(row)}"
            begins = row.invocations + row.again
            if row.unended:
                yield (
                    f"{name}: {row.unended:,} of its {begins:,} begins"
                    f" {'has' if row.unended == 1 else 'have'} no mcusim_op_end, so that what ran"
                    " behind counts for it"
                )
            if row.too_deep:
                yield (
                    f"{name}: {row.too_deep:,} of its {begins:,} begins lie inside of more"
                    " operations than are told apart, and count for those"
                )
        lost = self.found.lost_ends
        if lost.count:
            where = self.nodes.name(lost.function)
            times = "once" if lost.count == 1 else f"{lost.count:,} times"
            yield f"mcusim_op_end has nothing to end {times}, first in {where}" + (
                f" while operation {self.name(self.found.rows[lost.row])} is open in another task:"
                " it ends where it began"
                if lost.row >= 0
                else ""
            )

    # -- costs ----------------------------------------------------------------------------------

    def _costs(self, number: int, row: OpRow, roots: list[int]) -> OpCosts:
        column = self.nodes.column
        vector = self.nodes.subtree_sum(roots)
        cycles = sum(self.nodes.cycles_total[i] for i in roots)
        energy = self.nodes.energy_of(vector)
        time_s, energy_j = cycles / self.nodes.clock_hz, joules(energy.whole)
        counted, given = vector[column["macs"]], self._given(row)
        macs = given.macs * row.invocations if given else 0
        ops = given.ops * row.invocations if given else 0
        is_part = row.partial > 0 and not self._is_counted_call(number)
        if is_part and (macs or ops):  # those of the whole are no measure of a part
            macs, ops = counted if macs else 0, 0
        elif not macs and not ops and not (given and given.operator):
            macs = counted  # a model knows its operators that have none
        ops = ops or OPS_PER_MAC * macs
        kind = given.kind if given else "call" if row.callee >= 0 else "function"
        is_timed = row.timed > 0
        return OpCosts(
            name=self.name(row),
            kind=kind,
            invocations=row.invocations,
            macs=macs,
            macs_counted=counted,
            ops=ops,
            instructions=vector[column["instructions"]],
            cycles=cycles,
            active_cycles=cycles - vector[column[cycle_column("sleep")]],
            cycles_per_mac=ratio(cycles, macs),
            time_s=time_s,
            ops_per_s=ratio(ops * self.nodes.clock_hz, cycles) if ops else None,
            energy_j=energy_j,
            energy_low_j=energy.low_j,
            energy_high_j=energy.high_j,
            j_per_op=ratio(energy_j, ops),
            j_per_mac=ratio(energy_j, macs),
            power_w=energy.power_w(cycles, self.nodes.clock_hz),
            energy_delay_js=energy_j * time_s,
            param_bytes=given.param_bytes if given else 0,
            activation_bytes=given.activation_bytes if given else 0,
            traffic=self._traffic(vector),
            energy_by_component=energy.by_component,
            symbol=self.nodes.symbol(row.number) if row.source == OpSource.CALLED else None,
            operator=given.operator if given else None,
            caller=self._caller(row),
            call=row.call if row.source != OpSource.MARKED else None,
            minimum_cycles=row.least_cycles if is_timed else None,
            mean_cycles=cycles / row.invocations if is_timed and row.invocations else None,
            maximum_cycles=row.most_cycles if is_timed else None,
            cycles_by_cause={cause: vector[column[cycle_column(cause)]] for cause in CAUSES},
            icache_misses=vector[column["icache_misses"]],
            dcache_read_misses=vector[column["dcache_read_misses"]],
            dcache_write_misses=vector[column["dcache_write_misses"]],
            mispredicts=vector[column["mispredicts"]],
            is_part=is_part or None,
            objects=self._objects.get(number, ()),
        )

    def _is_counted_call(self, number: int) -> bool:
        """Whether the one call that is counted was made by what opened an operation: its kernel."""
        call = self.nodes.counters.call
        if call is None:
            return False
        opened = set(self.groups[number])
        return any(
            node.function == call.function and node.parent in opened and self.nodes.cycles_total[at]
            for at, node in enumerate(self.nodes.counters.nodes)
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

    @cached_property
    def _objects(self) -> dict[int, tuple[OpObject, ...]]:
        """The data objects that cost most, by row: most stall cycles first, then most bytes."""
        open_in: list[tuple[int, ...]] = [()]  # rows by state
        for state in self.found.states:
            open_in.append((*open_in[state.around], state.row))
        uses: dict[int, dict[int, list[OpUse]]] = {}
        for use in self.found.uses:
            for row in open_in[use.state]:
                uses.setdefault(row, {}).setdefault(use.object, []).append(use)
        return {row: self._dearest(found) for row, found in uses.items()}

    def _dearest(self, uses: dict[int, list[OpUse]]) -> tuple[OpObject, ...]:
        objects = self.nodes.counters.objects
        summed = [
            OpObject(
                objects[index].name,
                read_bytes=sum(use.read_bytes for use in found),
                write_bytes=sum(use.write_bytes for use in found),
                misses=sum(use.misses for use in found),
                stall_cycles=sum(use.stall_cycles for use in found),
            )
            for index, found in uses.items()
        ]
        summed.sort(key=lambda o: (-o.stall_cycles, -(o.read_bytes + o.write_bytes), o.name))
        return tuple(summed[:OBJECTS])
