"""One configuration of a core: how it is set up, and what was found under it.

answers.py has what C asks of it meanwhile, copies.py what C counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from simcore.core.answers import Answers
from simcore.core.copies import Copier
from simcore.core.counters import CountedCall, Counters, Node, column_names
from simcore.core.extension import ffi, lib, status_text
from simcore.core.interrupts import read_interrupts
from simcore.core.one_call import OneCallCounter, read_calls
from simcore.core.operations import OpSource
from simcore.core.schedules import Decoder, Scheduler
from simcore.core.timeline import SAMPLES, SPANS, read_trace
from simcore.errors import CoreError
from simcore.run.asked import CalledFunction

if TYPE_CHECKING:
    from simcore.core.data_objects import ObjectMap
    from simcore.elf import Function
    from simcore.run.asked import AskedCalls, OpDescriptor
    from simcore.run.setup import Move


class Timing:
    """One configuration of a core; core.py makes it. `index` is its number there."""

    def __init__(
        self,
        core: Any,
        timing: Mapping[str, Any],
        regions: Sequence[Mapping[str, int]],
        region_names: Sequence[str],
        scheduler: Scheduler,
        decoder: Decoder,
        moves: Sequence[Move],
        function_at: Callable[[int], Function | None],
    ) -> None:
        self.answers = Answers(scheduler, decoder, function_at)
        self.objects: ObjectMap | None = None
        self.sums_only = False  # whether `counters` has the sums of the run alone, as one node
        self._asked: tuple[AskedCalls, ...] = ()
        self._one_call: OneCallCounter | None = None
        self._taken: Counters | None = None  # of the call that has come back
        self._function_at = function_at
        self._core = core
        self._region_names = tuple(region_names)
        pipeline, tables = scheduler.pipeline, self.answers.tables
        classes = lib.core_extra_classes()
        extra: list[int] = []
        for name in tables:
            row = list(pipeline.extra_cycles(name))[:classes]
            extra += row + [0] * (classes - len(row))
        # What the setup points to has to live until the call returns.
        config = ffi.new("struct timing_config *", _fields(timing))
        region = ffi.new("struct region_config[]", [dict(region) for region in regions])
        rows = ffi.new("uint32_t[]", extra)
        move = ffi.new("struct core_move[]", [(move.start, move.size, move.to) for move in moves])
        setup = {
            "config": config,
            "region": region,
            "regions": len(regions),
            "extra": rows,
            "extra_tables": len(tables),
            "move": move,
            "moves": len(moves),
            "reset_state": self.answers.number(pipeline.reset_state),
            "callbacks": self.answers.callbacks(),
        }
        self.index = lib.core_add_timing(core, ffi.new("struct timing_setup *", setup))
        if self.index < 0:
            raise CoreError(f"the core cannot start: {status_text(self.index)}")

    def flash_wait_states(self) -> int | None:
        """The wait states that firmware wrote last to FLASH_ACR, None when it did not."""
        wait_states = int(self._info().flash_wait_states)
        return None if wait_states < 0 else wait_states

    def keep_timeline(self) -> None:
        """Keep spans and samples over time, for `counters`. Before the first run."""
        status = lib.core_trace(self._core, self.index, SPANS, SAMPLES)
        if status < 0:
            raise CoreError(f"the core cannot keep a timeline: {status_text(status)}")

    def ask_operations(self, asked: tuple[AskedCalls, ...]) -> None:
        """Count these calls as operations of their own. Before the first run."""
        rows = [
            (OpSource.CALLED, one.function, 0, 0, one.rows, 0)
            if isinstance(one, CalledFunction)
            else (OpSource.CALLED_AT, number, one.first, one.size, one.rows, one.period)
            for number, one in enumerate(asked)
        ]
        calls = ffi.new("struct op_calls[]", rows)
        status = lib.core_operations(self._core, self.index, calls, len(rows))
        if status < 0:
            raise CoreError(f"the core cannot count operations: {status_text(status)}")
        self._asked = asked

    def count_one_call(self, functions: Sequence[int]) -> None:
        """Count one call of these functions alone, by index. Before the first run."""
        self._one_call = OneCallCounter(self._core, self.index, functions, self._take)

    @property
    def callback_errors(self) -> list[BaseException]:
        """What callbacks raised since the last time."""
        raised = [self.answers.error, self._one_call.error if self._one_call else None]
        self.answers.error = None
        if self._one_call:
            self._one_call.error = None
        return [error for error in raised if error is not None]

    @property
    def counted_span(self) -> tuple[int, int] | None:
        """Cycles at which the call began and ended that is counted; None: none came back."""
        call = None if (taken := self._of_call()) is None else taken.call
        return None if call is None else (call.counted_from, call.counted_to)

    def _of_call(self) -> Counters | None:
        """The counts of the call that came back last of those that are counted, if one did."""
        has_some = self._taken and read_calls(self._core, self.index).taken
        return self._taken if has_some else None  # else it came back before counting began

    def _take(self) -> None:
        """Keep the counts of the call that has come back."""
        self._taken = replace(self._copy(), call=read_calls(self._core, self.index))

    def count_node_blocks(self) -> None:
        """Count what each block did in each node, for `counters`. Before the first run."""
        status = lib.core_node_blocks(self._core, self.index)
        if status < 0:
            raise CoreError(f"the core cannot count blocks by node: {status_text(status)}")

    def keep_apart(self, operations: int) -> None:
        """Find nothing in caches and predictors before each so many operations.

        Before the first run.
        """
        lib.core_apart(self._core, self.index, operations)

    def counters(
        self, stack_top: int | None, ops: tuple[OpDescriptor, ...], ops_valid: bool
    ) -> Counters:
        """The counts, which the core has settled, those of one call where it was asked for.

        `stack_top` is the initial SP, `ops` the operations by number; `ops_valid`: their
        descriptors are those of mcusim.h. Raises CoreError for a number beyond them.
        """
        found = self._of_call() or self._copy()
        for row in found.operations.rows if found.operations else ():
            if row.source == OpSource.MARKED and row.number >= len(ops):
                raise CoreError(f"the event stream has no operation {row.number}")
        info = self._info()
        lowest = info.stack_lowest
        used = stack_top - lowest if stack_top is not None and lowest <= stack_top else None
        return replace(
            found,
            ops=ops,
            stack_high_water_bytes=used,
            # Memory has to hold the whole run, whatever is counted of it.
            stacks=Copier(self._core, self.index, info).stacks(),
            warnings=(*_descriptor_warnings(ops_valid), *found.warnings),
            call=self._counted_call(found.call),
        )

    def _counted_call(self, taken: CountedCall | None) -> CountedCall | None:
        """Calls of the whole run with that one of which counts were taken; None: there were none.

        Where none came back, the counts at the end of the run are those of the first.
        """
        calls = read_calls(self._core, self.index) if self._one_call else None
        if calls is None or not calls.calls or taken is None:
            return calls if calls is not None and calls.calls else None
        return replace(
            calls,
            counted=taken.counted,
            counted_from=taken.counted_from,
            counted_to=taken.counted_to,
            function=taken.function,
        )

    def _copy(self) -> Counters:
        """A copy of all counts as they stand, but of how deep stacks were."""
        info = self._info()
        copier = Copier(self._core, self.index, info)
        if self.sums_only:
            whole = Node(-1, -1, -1, 0, 1, copier.sums())
            columns = column_names(self._region_names)
            return Counters(columns, (whole,), regions=self._region_names)
        every = copier.nodes()
        number = _ran(every)
        nodes = tuple(
            node._replace(parent=number.get(node.parent, -1))
            for index, node in enumerate(every)
            if index in number
        )
        objects, uses, numbers = copier.uses(self.objects, self._region_names)
        return Counters(
            columns=column_names(self._region_names),
            nodes=nodes,
            blocks=copier.block_counts(self.answers.facts),
            entries=copier.entries(),
            operations=copier.operations(numbers, self._asked),
            regions=self._region_names,
            objects=objects,
            uses=uses,
            warnings=(*_warnings(info), *self._stale_warnings(copier)),
            contexts=copier.contexts(),
            transfers=copier.transfers(self._region_names),
            moved_by_dma=copier.moved(),
            trace=read_trace(self._core, self.index, info.width, number),
            node_blocks=copier.node_blocks(number),
            interrupts=read_interrupts(self._core, self.index),
        )

    def turns(self, address: int, function: int) -> float:
        """How often an instruction of a function, by its index, was executed for each call of it,
        since counting began.
        """
        copier = Copier(self._core, self.index, self._info())
        times = sum(n for first, size, n in copier.executions() if 0 <= address - first < size)
        calls = sum(node.calls for node in copier.nodes() if node.function == function)
        return times / max(1, calls)

    def _stale_warnings(self, copier: Copier) -> Iterator[str]:
        """What silicon would get wrong, where DMA and the D-cache know nothing of each other."""
        sent, kept = copier.stale()
        if sent.lines:
            function = self._function_at(sent.code)
            who = "DMA" if function is None else f"DMA that {function.name} starts"
            yield (
                f"{who} reads {self._name(sent.address)} while {_lines(sent.lines)} of it"
                " in the D-cache are dirty; on silicon it reads what was in memory before:"
                " SCB_CleanDCache_by_Addr in front of the transfer"
            )
        if kept.lines:
            yield (
                f"the program reads {self._name(kept.address)} from {_lines(kept.lines)} that the"
                " D-cache holds since before DMA wrote it; on silicon it reads what was there"
                " before: SCB_InvalidateDCache_by_Addr behind the transfer"
            )

    def _name(self, address: int) -> str:
        """The data object at an address."""
        held = None if self.objects is None else self.objects.at(address)
        return f"{address:#010x}" if held is None else f"{held.name} ({address:#010x})"

    def _info(self) -> Any:
        """Its struct timing_info."""
        info = ffi.new("struct timing_info *")
        lib.core_timing_info(self._core, self.index, info)
        return info


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count} lines"


def _descriptor_warnings(ops_valid: bool) -> Iterator[str]:
    if not ops_valid:
        yield (
            "an operation descriptor is not that of this mcusim.h, so that its name and counts"
            " are unknown: initialize it with MCUSIM_OP()"
        )


def _warnings(info: Any) -> tuple[str, ...]:
    warnings = []
    if count := info.lost_frames:
        warnings.append(
            f"the call tree left out {count:,} calls, deeper than {lib.FRAMES_MAX:,} or by more"
            f" than {lib.NODES_MAX:,} paths; they count for their caller"
        )
    if count := info.lost_contexts:
        warnings.append(
            f"more than {lib.CONTEXTS_MAX:,} stacks of calls: the tasks behind them"
            f" ({count:,} beginnings) are counted as one"
        )
    if count := info.merged_states:
        warnings.append(
            f"more than {lib.SCHEDULES_MAX:,} states of the pipeline: {count:,} executions of"
            " blocks behind them are timed as from an empty one"
        )
    if count := info.merged_uses:
        warnings.append(
            f"more than {lib.USES_MAX:,} pairs of accesses, operations and data objects:"
            f" {count:,} uses behind them count for no object"
        )
    if count := info.unmatched_records:
        warnings.append(f"{count} block executions had accesses that their code does not explain")
    return tuple(warnings)


def _fields(config: Mapping[str, Any]) -> dict[str, Any]:
    return {name: dict(v) if isinstance(v, Mapping) else v for name, v in config.items()}


def _ran(nodes: Sequence[Node]) -> dict[int, int]:
    """New numbers, by old, of the nodes in which something was counted, and of those above them.

    Only where counting began late are there others.
    """
    ran = [bool(node.calls) or any(node.vector) for node in nodes]
    ran[0] = True
    for index in range(len(nodes) - 1, 0, -1):
        if ran[index]:
            ran[nodes[index].parent] = True
    return {index: number for number, index in enumerate(i for i, one in enumerate(ran) if one)}
