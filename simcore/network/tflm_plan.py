"""The bytes that TensorFlow Lite Micro's own planner needs for the tensors of a network.

The rules are those of its sources, scratch of kernels left out, which hangs on its kernels:

- micro_allocation_info.cc: a tensor lives from the operator that gives it out to the last that
  takes it, inputs of a subgraph from its beginning and outputs to its end; each operator is one
  moment, and those of a subgraph that an operator runs lie inside that operator's.
- greedy_memory_planner.cc: the largest first, of equal ones the last of the file, each at the first
  gap between those that live at the same time. No operator overwrites its input.
- micro_allocator.cc: sizes are multiples of 16 bytes; variables are not planned.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from simcore.network.arena import Lifetime, lowest
from simcore.network.graph import BYTES_OF_TYPE, Model, Operator

ALIGN: Final = 16  # MicroArenaBufferAlignment() of micro_arena_constants.h
METHOD: Final = "TensorFlow Lite Micro's GreedyMemoryPlanner"

_RESOURCE_BYTES: Final = 4  # memory_helpers.cc: a resource is the number of a variable
#: Options that name the subgraphs which an operator runs, in their order.
_RUNS: Final = {
    "CALL_ONCE": ("init_subgraph_index",),
    "IF": ("then_subgraph_index", "else_subgraph_index"),
    "WHILE": ("cond_subgraph_index", "body_subgraph_index"),
}

Key = tuple[int, int]  # a tensor: its subgraph and its index there


def tflm_arena_bytes(model: Model) -> int:
    """Bytes of planned tensors, without scratch of kernels and what stays for ever."""
    lives = _Scopes(model).lives()
    order = sorted(lives, key=lambda key: (-lives[key].size, (-key[0], -key[1])))
    offsets: dict[Key, int] = {}
    for key in order:
        offsets[key] = lowest(lives[key], offsets, lives, ALIGN)
    return max((offsets[key] + lives[key].size for key in offsets), default=0)


class _Scopes:
    """Counts moments through a model as TFLM does, and when each tensor is first made and last
    used."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._now = 0
        self._first: dict[Key, int] = {}
        self._last: dict[Key, int] = {}
        self._inside: list[int] = []  # subgraphs that are being walked: a circle ends

    def lives(self) -> dict[Key, Lifetime]:
        """Lifetimes of all tensors that are planned, sizes as they are."""
        self._walk(0)
        return {
            key: Lifetime(size, self._first[key], self._last.get(key, self._first[key]))
            for key in sorted(self._first)
            if (size := self._size(key))
        }

    def _size(self, key: Key) -> int:
        """Bytes in the arena, 0 of what is not planned."""
        tensor = self._model.subgraphs[key[0]].tensors[key[1]]
        if tensor.data is not None or tensor.is_variable:
            return 0
        of_type = BYTES_OF_TYPE.get(tensor.type, _RESOURCE_BYTES)
        return -(-tensor.elements * of_type // ALIGN) * ALIGN

    def _walk(self, number: int) -> None:
        subgraph = self._model.subgraphs[number]
        self._inside.append(number)
        for index in subgraph.inputs:
            self._made((number, index))
            self._used((number, index))
        for operator in subgraph.operators:
            self._now += 1
            for index in operator.outputs:
                self._made((number, index))
            for called in self._called(operator):
                self._now += 1
                self._walk(called)
            for index in (*operator.inputs, *operator.outputs):
                if index >= 0:
                    self._used((number, index))
        for index in subgraph.outputs:
            self._made((number, index))
            self._used((number, index))
        self._inside.pop()

    def _called(self, operator: Operator) -> Iterator[int]:
        for option in _RUNS.get(operator.kind, ()):
            number = operator.options.get(option)
            known = isinstance(number, int) and 0 <= number < len(self._model.subgraphs)
            if isinstance(number, int) and known and number not in self._inside:
                yield number

    def _made(self, key: Key) -> None:
        self._first.setdefault(key, self._now)

    def _used(self, key: Key) -> None:
        if key in self._first:
            self._last[key] = self._now
