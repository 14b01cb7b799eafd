"""What the C core does when the host has no memory left: an error, no crash, nothing lost.

The test build has an allocator that fails where it is told to (tests/allocator.h). Each scenario
runs once for each of its allocations.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.rule_cases import read
from tests.unit.native.timed import Timed

BLOCKS = read("timing")["block"]
RECORDS: list[dict[str, Any]] = [
    {"run": "caller"}, {"run": "callee"}, {"run": "back_in_caller"},
    {"op_begin": 0}, {"run": "load", "at": [0x2002_0000]}, {"op_end": 1},
    {"run": "stores", "at": [0x2000_0000] * 3, "partial": 6}, {"run": "it", "notes": [[1, 0]]},
    {"exception": 0x200}, {"run": "handler"}, {"exception": 0}, {"run": "loop", "times": 9},
]  # fmt: skip


@pytest.fixture
def timed() -> Iterator[Timed]:
    timed = Timed(BLOCKS, moves=[[0x2002_0000, 0x100, 0x2000_8000]], extra=[[1], [2]])
    yield timed
    timed.lib.allocator_fail(0)
    timed.close()


def record(timed: Timed) -> tuple[int, bytes]:
    """The records as the pieces of a capture: a status, and the bytes."""
    ffi, lib = timed.ffi, timed.lib
    words = [w for r in RECORDS for w in timed.words(r) * r.get("times", 1)]
    told, pieces = ffi.new("uint32_t[]", words), bytearray()

    def write(_: Any, found: Any, size: int) -> int:
        pieces.extend(ffi.buffer(found, size))
        return 0

    callback = ffi.callback("core_write_fn *", write)
    codec = ffi.new("struct codec *")
    lib.codec_init(codec)
    status = lib.codec_encode(codec, timed.stream, told, len(words))
    if status == lib.CORE_OK:
        status = lib.codec_piece(codec, ffi.NULL, callback)
    lib.codec_free(codec)
    return status, bytes(pieces)


def replay(timed: Timed, piece: bytes) -> int:
    """A core with two configurations, objects and a trace, made, fed and freed: its status."""
    ffi, lib = timed.ffi, timed.lib
    timed.names.clear()
    timed._first.clear()
    status = ffi.new("int *")
    core = lib.core_new(status)
    if core == ffi.NULL:
        return int(status[0])
    objects = ffi.new("struct object_range[]", [(0x2000_0000, 16, 0)])
    steps: list[Callable[[], int]] = [
        lambda: lib.core_add_timing(core, timed.setup),
        lambda: lib.core_objects(core, 0, objects, 1),
        lambda: lib.core_trace(core, 0, 16, 16),
        lambda: lib.core_replay(core, piece, len(piece)),
        lambda: lib.core_finish(core),
    ]
    result = next((code for code in (step() for step in steps) if code != 0), 0)
    lib.core_free(core)
    return int(result)


def fails_everywhere(timed: Timed, scenario: Callable[[], int]) -> int:
    """Runs a scenario with each of its allocations failing; how many it has."""
    lib = timed.lib
    gc.collect()  # what other tests left would be freed between two counts
    nth = 0
    while True:
        nth += 1
        before = lib.allocator_alive()
        lib.allocator_fail(nth)
        status = scenario()
        reached = lib.allocator_calls() >= nth
        lib.allocator_fail(0)
        assert lib.allocator_alive() == before, f"allocation {nth} failed and others are lost"
        if not reached:
            assert status == lib.CORE_OK
            return nth - 1
        assert status == lib.CORE_ERR_MEMORY, f"allocation {nth} failed and nobody was told"


def test_a_replay_survives_each_allocation_that_fails(timed: Timed) -> None:
    status, piece = record(timed)
    assert status == timed.lib.CORE_OK
    assert fails_everywhere(timed, lambda: replay(timed, piece)) > 30


def test_a_recording_survives_each_allocation_that_fails(timed: Timed) -> None:
    assert fails_everywhere(timed, lambda: record(timed)[0]) > 5
