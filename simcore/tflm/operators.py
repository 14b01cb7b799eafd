"""The operators that an interpreter of TensorFlow Lite Micro calls, and where their tensors are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from simcore.core.arenas import ArenaPlace, TensorArena
from simcore.core.counters import DataObject
from simcore.core.data_objects import ObjectMap, ObjectTable, Range
from simcore.core.operators import AddTable, OperatorAnswer, OperatorCall, ReadableMemory
from simcore.elf import Image
from simcore.network.counts import activation_bytes, bytes_of, macs_of, param_bytes
from simcore.run.asked import NetworkOperator, OpDescriptor
from simcore.tflm.arena import Arena, find_arena, find_tensors, pieces
from simcore.tflm.lifetimes import lifetimes
from simcore.tflm.models import LoadedModel, Models

ARENA, PERSISTENT, SCRATCH = "(tensor arena)", "(persistent)", "(scratch)"
_NAME = 40  # letters of a tensor's name in that of its operator


@dataclass(slots=True)
class _Graph:
    """A subgraph of an interpreter: its nodes lie from an address on."""

    loaded: LoadedModel
    subgraph: int
    nodes: int
    tensors: tuple[int, ...] | None  # where the data of each is
    arena: Arena | None
    outer: int  # index of the data object that holds the arena, -1: none
    live: dict[int, tuple[int, int]]
    tables: dict[int, int] = field(default_factory=dict)  # by operator, -1: between inferences


@dataclass(frozen=True, slots=True)
class _Known:
    call: OperatorCall
    graph: _Graph
    index: int


class Interpreters:
    """Answers what calls of operators are, by the memory at the moment of the call."""

    def __init__(
        self, image: Image, memory: ReadableMemory, objects: ObjectMap, add_table: AddTable
    ) -> None:
        self._image, self._memory, self._objects = image, memory, objects
        self._add_table = add_table
        self._models = Models(memory)
        self._graphs: list[_Graph] = []
        self._known: list[_Known] = []
        self._inner: dict[DataObject, int] = {}  # objects in arenas so far
        self._unsaid: list[DataObject] = []  # of these, those of no table yet
        self._strange: list[OperatorCall] = []

    def ask(self, call: OperatorCall) -> OperatorAnswer | None:
        """What a call that looks like one of an operator is. On the engine's thread."""
        found = self._models.of(call.inputs, call.outputs)
        if found is None:
            self._strange.append(call)
            return None
        loaded, places = found
        graph, index = self._place(loaded, places, call)
        self._known.append(_Known(call, graph, index))
        return OperatorAnswer(self._table(graph, index), self._table(graph, -1))

    def _place(
        self, loaded: LoadedModel, places: Sequence[tuple[int, int]], call: OperatorCall
    ) -> tuple[_Graph, int]:
        """Whose operator it is; of several with the same lists the one where its node lies."""
        for subgraph, index in places:
            nodes = call.node - index * call.node_bytes
            for graph in self._graphs:
                if (graph.loaded, graph.subgraph, graph.nodes) == (loaded, subgraph, nodes):
                    return graph, index
        subgraph, index = places[0]
        tensors = find_tensors(self._memory, call.node, loaded, subgraph)
        live = lifetimes(loaded.model.subgraphs[subgraph])
        planned = [tensors[one] for one in live if tensors[one]] if tensors else []
        arena = find_arena(self._memory, self._image, call.node, planned)
        outer = -1 if arena is None else self._objects.index_at(arena.start)
        if arena is not None and outer < 0:
            whole = DataObject(ARENA, "arena", arena.start, arena.size)
            outer = len(self._objects.objects) + self._index(whole, self._unsaid)
        graph = _Graph(
            loaded, subgraph, call.node - index * call.node_bytes, tensors, arena, outer, live
        )
        self._graphs.append(graph)
        return graph, index

    # --- the arena ---

    def _table(self, graph: _Graph, operator: int) -> int:
        """The table of objects while an operator runs, -1: behind it."""
        if graph.arena is None:
            return 0
        if operator not in graph.tables:
            graph.tables[operator] = self._new_table(graph, graph.arena, operator)
        return graph.tables[operator]

    def _new_table(self, graph: _Graph, arena: Arena, operator: int) -> int:
        subgraph = graph.loaded.model.subgraphs[graph.subgraph]
        tensors, ends = graph.tensors or (), {*subgraph.inputs, *subgraph.outputs}
        live = [
            (tensors[one], bytes_of(subgraph.tensors[one]), one)
            for one, (first, last) in graph.live.items()
            if (first <= operator <= last if operator >= 0 else one in ends)
        ]
        new, self._unsaid = self._unsaid, []
        rest = arena.start, arena.persistent - arena.start
        rows: list[Range] = []

        def add(base: int, size: int, what: DataObject) -> None:
            if size:
                rows.append((base, size, self._index(what, new)))

        at = arena.start
        for base, size, held in pieces((arena.start, arena.persistent), live):
            name = " / ".join(subgraph.tensors[one].name for one in held)
            add(at, base - at, DataObject(SCRATCH, "scratch", *rest, inside=graph.outer))
            add(base, size, DataObject(name, "tensor", base, size, inside=graph.outer))
            at = base + size
        add(at, arena.persistent - at, DataObject(SCRATCH, "scratch", *rest, inside=graph.outer))
        stays = arena.persistent, arena.end - arena.persistent
        add(*stays, DataObject(PERSISTENT, "persistent", *stays, inside=graph.outer))
        return self._add_table(tuple(new), ObjectTable(tuple(rows)))

    def _index(self, what: DataObject, new: list[DataObject]) -> int:
        """The index of an object among those inside others; put to the new ones when it is one."""
        if what not in self._inner:
            self._inner[what] = len(self._inner)
            new.append(what)
        return self._inner[what]

    # --- what came of it ---

    def named(self, ops: Sequence[OpDescriptor]) -> tuple[OpDescriptor, ...]:
        """The operations of a run, those of operators with what their models say."""
        named = list(ops)
        for known in self._known:
            named[known.call.op] = self._descriptor(known)
        return tuple(named)

    def arenas(self) -> tuple[TensorArena, ...]:
        """The arenas of the run, one for each subgraph that has tensors there."""
        return tuple(self._arena(graph, graph.arena) for graph in self._graphs if graph.arena)

    def _arena(self, graph: _Graph, arena: Arena) -> TensorArena:
        tensors, places = graph.loaded.model.subgraphs[graph.subgraph].tensors, graph.tensors or ()
        rows = [
            ArenaPlace(tensors[one].name, places[one] - arena.start, bytes_of(tensors[one]), *life)
            for one, life in graph.live.items()
            if arena.start <= places[one] < arena.planned_end
        ]
        return TensorArena(
            self._model_name(graph.loaded),
            graph.subgraph,
            arena.symbol,
            arena.start,
            arena.size,
            arena.planned_end - arena.start,
            arena.end - arena.persistent,
            tuple(sorted(rows, key=lambda row: (row.offset, row.first, row.name))),
        )

    def _descriptor(self, known: _Known) -> OpDescriptor:
        graph, index = known.graph, known.index
        subgraph = graph.loaded.model.subgraphs[graph.subgraph]
        operator = subgraph.operators[index]
        number = f"{index}" if not graph.subgraph else f"{graph.subgraph}.{index}"
        outputs = tuple(subgraph.tensors[one].name for one in operator.outputs)
        kind = str(operator.options.get("custom_code", "")) or operator.kind
        callee = self._image.function_at(known.call.target)
        if self._image.is_stripped:
            callee = None  # its name is that of a section
        parts = [f"#{number} {kind}"]
        if outputs:
            parts.append(_short(outputs[0]))
        kernel = _callee(callee.name) if callee else f"{known.call.target:#010x}"
        parts.append(f"({kernel})")
        where = self._model_name(graph.loaded)
        if len({id(graph.loaded) for graph in self._graphs}) > 1:
            parts.insert(0, where)
        macs = macs_of(operator, subgraph)
        return OpDescriptor(
            " ".join(parts),
            kind,
            macs,
            0,
            param_bytes(operator, subgraph),
            activation_bytes(operator, subgraph),
            NetworkOperator(
                where,
                graph.subgraph,
                index,
                tuple(subgraph.tensors[one].name for one in operator.inputs if one >= 0),
                outputs,
                tuple(subgraph.tensors[one].shape for one in operator.inputs if one >= 0),
                tuple(subgraph.tensors[one].shape for one in operator.outputs),
                kernel,
            ),
        )

    def _model_name(self, loaded: LoadedModel) -> str:
        symbol = self._image.object_at(loaded.address)
        if symbol is not None and symbol.address == loaded.address:
            return self._image.data_name(symbol)
        return f"model@{loaded.address:#010x}"

    def warnings(self) -> tuple[str, ...]:
        """What was seen of an interpreter and could not be named."""
        if not self._strange:
            return ()
        call = self._strange[0]
        caller = self._image.function_at(call.site)
        where = f"{call.site:#010x}" if caller is None else f"{caller.name} ({call.site:#010x})"
        refused = "".join(
            f"; what looks like one at {address:#010x} {text}"
            for address, text in sorted(self._models.refused.items())[:1]
        )
        option = f"--op-calls '{'F' if caller is None else caller.name}@{call.site:#x}'"
        return (
            f"an interpreter of TensorFlow Lite Micro calls operators at {where}, but no model in"
            f" memory has their tensors{refused}; {option} gives a row per call",
        )


def _short(name: str) -> str:
    """A tensor's name in one piece: converters join those of what was fused by semicolons."""
    first = name.split(";", 1)[0]
    return first if len(first) <= _NAME else "..." + first[3 - _NAME :]


def _callee(name: str) -> str:
    """A function's own name, without its scopes and arguments."""
    plain = name.replace("(anonymous namespace)::", "")
    return plain.split("(", 1)[0].rpartition("::")[2] or name
