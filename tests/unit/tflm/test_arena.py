"""Where tensors are: by an interpreter's structures as they lie in memory."""

from __future__ import annotations

import struct

import pytest

from simcore.elf.image import Symbol
from simcore.tflm.arena import find_arena, find_tensors, pieces
from simcore.tflm.models import LoadedModel, load
from tests import flat_models
from tests.unit.tflm.memory import FLASH, RAM, Memory, image

PLACES = (RAM + 0x40, 0, RAM + 0x80, RAM + 0xC0, RAM + 0x40, 0, RAM + 0x80)
EVALS, NODES, ALLOCATOR, ARENA_END = 0x200, 0x280, 0x320, 0x340


@pytest.fixture
def loaded() -> LoadedModel:
    found = load(FLASH, flat_models.dense())
    assert found is not None
    return found


def ram(loaded: LoadedModel, *, head: int = RAM + 0x140) -> bytearray:
    """An arena from RAM + 0x40 on: tensors, their array, nodes, and the allocator at its end."""
    content = bytearray(0x400)
    for index, (place, shape) in enumerate(zip(PLACES, loaded.shapes[0], strict=True)):
        struct.pack_into("<III", content, EVALS + 12 * index, place, shape, 9)
    struct.pack_into(
        "<IIIII", content, ALLOCATOR, FLASH + 8, RAM + 0x40, RAM + ARENA_END, head, RAM + EVALS
    )
    return content


def test_tensors_are_where_the_array_with_their_shapes_says(loaded: LoadedModel) -> None:
    content = ram(loaded)
    struct.pack_into("<II", content, 0x100, RAM, loaded.shapes[0][2])  # a shape somewhere else
    memory = Memory(flat_models.dense(), bytes(content))
    assert find_tensors(memory, RAM + NODES, loaded, 0) == PLACES


def test_a_kernel_may_give_a_tensor_other_dimensions(loaded: LoadedModel) -> None:
    content = ram(loaded)
    struct.pack_into("<I", content, EVALS + 4, RAM + 0x2F0)
    memory = Memory(flat_models.dense(), bytes(content))
    assert find_tensors(memory, RAM + NODES, loaded, 0) == PLACES


def test_an_array_of_other_types_is_none_of_this_model(loaded: LoadedModel) -> None:
    content = ram(loaded)
    struct.pack_into("<I", content, EVALS + 8, 1)  # float32
    memory = Memory(flat_models.dense(), bytes(content))
    assert find_tensors(memory, RAM + NODES, loaded, 0) is None


@pytest.mark.parametrize("is_named", [True, False])
def test_the_arena_is_what_the_allocator_says(loaded: LoadedModel, is_named: bool) -> None:
    symbol = Symbol("tensor_arena", RAM + 0x38, ARENA_END - 0x38, "object", ".bss")
    memory = Memory(flat_models.dense(), bytes(ram(loaded)))
    program = image((symbol,) if is_named else ())
    found = find_arena(memory, program, RAM + NODES, [place for place in PLACES if place])
    assert found is not None
    assert (found.start, found.end) == (RAM + 0x40, RAM + ARENA_END)
    assert found.used == 0x100 + ARENA_END - EVALS
    assert found.symbol == ("tensor_arena" if is_named else "")


def test_an_allocator_whose_numbers_cannot_be_is_none(loaded: LoadedModel) -> None:
    memory = Memory(flat_models.dense(), bytes(ram(loaded, head=RAM + 0x90)))
    places = [place for place in PLACES if place]
    assert find_arena(memory, image(), RAM + NODES, places) is None
    assert find_arena(memory, image(), 0x6000_0000, places) is None


def test_what_shares_bytes_is_one_piece() -> None:
    live = [(0, 64, 1), (32, 64, 2), (128, 16, 3)]
    assert pieces((0, 256), live) == [
        (0, 32, (1,)), (32, 32, (1, 2)), (64, 32, (2,)), (128, 16, (3,)),
    ]  # fmt: skip
    assert pieces((16, 140), [(0, 64, 1), (128, 64, 3)]) == [(16, 48, (1,)), (128, 12, (3,))]
