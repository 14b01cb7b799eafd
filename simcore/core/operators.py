"""Operators that an interpreter of networks calls, as the C core asks; tables of objects."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from simcore.core.callbacks import answers_c
from simcore.core.extension import ffi, lib
from simcore.plain import filled
from simcore.records import dataclass

if TYPE_CHECKING:
    from simcore.core.arenas import TensorArena
    from simcore.core.counters import DataObject
    from simcore.core.data_objects import ObjectMap, ObjectTable
    from simcore.core.timing import Timing
    from simcore.run.asked import OpDescriptor


@dataclass(frozen=True, slots=True)
class OperatorCall:
    """Struct operator_call: addresses, node_bytes from one node to the next, op a number."""

    site: int
    context: int
    node: int
    inputs: int
    outputs: int
    target: int
    node_bytes: int
    op: int


@dataclass(frozen=True, slots=True)
class OperatorAnswer:
    """It is an operator; numbers of the tables of objects from its begin and from its end on."""

    objects: int = 0
    objects_after: int = 0


#: What a call is, None: no operator of a model.
AskOperator = Callable[[OperatorCall], OperatorAnswer | None]


class ReadableMemory(Protocol):
    """The program's memory as it is now."""

    def read(self, address: int, size: int) -> bytes | None:
        """Bytes, None when one of them is not memory."""

    def region_of(self, address: int) -> tuple[int, int] | None:
        """First address and size of the memory around an address, None where there is none."""


class Networks(Protocol):
    """Who says what the operators of networks are that a program runs."""

    def ask(self, call: OperatorCall) -> OperatorAnswer | None:
        """What a call is that looks like one of an operator. On the engine's thread."""

    def named(self, ops: Sequence[OpDescriptor]) -> tuple[OpDescriptor, ...]:
        """The operations of the run, those of operators with what their models say."""

    def arenas(self) -> tuple[TensorArena, ...]:
        """Where their tensors lie."""

    def warnings(self) -> tuple[str, ...]:
        """What was seen of a network and could not be named."""


#: Tells the core of a table of objects, with objects that are new in it; its number there.
AddTable = Callable[[tuple["DataObject", ...], "ObjectTable"], int]
WatchNetworks = Callable[[ReadableMemory, "ObjectMap", AddTable], Networks]


class _Watch:
    def __init__(self, ask: AskOperator) -> None:
        self.ask = ask
        self.error: BaseException | None = None
        self.handle = ffi.new_handle(self)


@answers_c
def core_py_operator(handle: Any, call: Any, objects: Any) -> int:
    """Answer core_operator_fn: whether a call is one of an operator."""
    watch: _Watch = ffi.from_handle(handle)
    answer = watch.ask(filled(OperatorCall, call))
    if answer is None:
        return 0
    objects[0], objects[1] = answer.objects, answer.objects_after
    return 1


class CoreOperators(ABC):
    """What :class:`simcore.core.core.Core` has of operators and of data objects."""

    _core: Any
    _asked: list[Any]
    timings: list[Timing]

    @abstractmethod
    def _check(self, status: int) -> None:
        """Raise CoreError when a call of the C core failed."""

    def watch_objects(self, objects: ObjectMap) -> None:
        """Count uses per data object, besides those per region. Before the first run."""
        for timing in self.timings:
            timing.objects = objects
        for number in range(1 + len(objects.tables)):
            self._tell(objects, number)

    def add_table(self, inner: tuple[DataObject, ...], table: ObjectTable) -> int:
        """One more table of objects, and objects that are new in it; the number of the table.

        While an operator is asked for: between two records of the stream.
        """
        objects = self.objects
        more = replace(objects, inner=(*objects.inner, *inner), tables=(*objects.tables, table))
        for timing in self.timings:
            timing.objects = more
        self._tell(more, len(more.tables))
        return len(more.tables)

    @property
    def objects(self) -> ObjectMap:
        """The data objects, with all tables so far."""
        objects = self.timings[0].objects
        assert objects is not None
        return objects

    def watch_operators(self, ask: AskOperator) -> None:
        """Ask what calls by register are that look like those of an interpreter's operators."""
        watch = _Watch(ask)
        self._asked.append(watch)
        lib.core_watch_operators(self._core, watch.handle, lib.core_py_operator)

    def _tell(self, objects: ObjectMap, number: int) -> None:
        ranges = objects.ranges_of(number)
        told = ffi.new("struct object_range[]", ranges)
        self._check(lib.core_objects(self._core, number, told, len(ranges)))
