"""The two buffers between capture and timing, and the thread that hands a full one on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests import native

OTHER, KIND = 0x8000_0000, 10  # a record other than a block, of a kind with one word
FAULT = 3  # STOP_FAULT


class Sink:
    """A stream and what came of it, piece by piece; `says` is the status of each, 0 behind them."""

    def __init__(self, is_alone: bool, says: tuple[int, ...] = ()) -> None:
        self.ffi, self.lib = native.load()
        self.pieces: list[list[int]] = []
        self.threads: list[int] = []
        self.says = says
        self._consume = self.ffi.callback("int(void *, const uint32_t *, size_t)", self._take)
        self.s = self.ffi.new("struct stream *")
        self.lib.stream_init(self.s, self.ffi.new("struct sink *", {"consume": self._consume})[0])
        self.s.is_alone = is_alone

    def _take(self, _: Any, words: Any, count: int) -> int:
        self.threads.append(threading.get_ident())
        self.pieces.append(list(words[0:count]))
        return self.says[len(self.pieces) - 1] if len(self.pieces) <= len(self.says) else 0

    def put(self, number: int) -> None:
        self.lib.stream_put(self.s, KIND, self.ffi.new("uint32_t *", number), 1)


@pytest.fixture(params=[False, True], ids=["thread", "alone"])
def is_alone(request: pytest.FixtureRequest) -> Iterator[bool]:
    yield request.param


def test_pieces_come_whole_and_in_their_order(is_alone: bool) -> None:
    sink = Sink(is_alone)
    numbers = list(range(50_000))  # three buffers and some
    for number in numbers:
        sink.put(number)
    assert sink.lib.stream_flush(sink.s) == 0
    words = [word for piece in sink.pieces for word in piece]
    assert words[1::2] == numbers
    assert set(words[::2]) == {OTHER | KIND << 16 | 1}
    assert len(sink.pieces) == 4
    sink.lib.stream_free(sink.s)


def test_what_is_flushed_is_taken_on_the_thread_that_flushes() -> None:
    sink = Sink(is_alone=False)
    sink.put(1)
    sink.lib.stream_flush(sink.s)
    assert sink.threads == [threading.get_ident()]
    sink.put(2)
    sink.lib.stream_hand_on(sink.s)
    sink.lib.stream_wait(sink.s)
    # On a host of one core there is no other thread.
    assert len(set(sink.threads)) == (2 if sink.s.ahead else 1)
    sink.lib.stream_free(sink.s)


def test_a_failure_is_heard_of_with_the_next_buffer_and_stays(is_alone: bool) -> None:
    sink = Sink(is_alone, says=(FAULT,))
    heard = []
    for number in range(3):
        sink.put(number)
        heard.append(sink.lib.stream_hand_on(sink.s))
    assert heard == [0, FAULT, FAULT]
    sink.put(3)
    assert sink.lib.stream_flush(sink.s) == FAULT
    assert [piece[1] for piece in sink.pieces] == [0]
    sink.lib.stream_free(sink.s)


def test_a_failure_is_heard_of_by_who_waits(is_alone: bool) -> None:
    sink = Sink(is_alone, says=(0, FAULT))
    for number in range(2):
        sink.put(number)
        assert sink.lib.stream_hand_on(sink.s) == 0
    assert sink.lib.stream_wait(sink.s) == FAULT
    sink.lib.stream_free(sink.s)


def test_the_sink_sees_what_was_defined_before_and_it_stands(is_alone: bool) -> None:
    sink = Sink(is_alone)
    code = b"\x00\xbf" * 600
    for number in range(3_000):  # both tables grow while pieces are on their way
        assert sink.lib.stream_define(sink.s, 2 * number, code, len(code), 0) == number
        sink.put(number)
        sink.lib.stream_hand_on(sink.s)
        told = sink.s.told
        assert told.definitions == number + 1
        assert told.definition[number].address == 2 * number
    sink.lib.stream_flush(sink.s)
    assert [piece[1] for piece in sink.pieces] == list(range(3_000))
    sink.lib.stream_free(sink.s)
