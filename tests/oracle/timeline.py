"""The modelled time along a run's event stream, asked behind each record.

The stream comes from a recording, or from a twin that makes its own. Records go to a core one by
one, as a capture that is replayed does, so the time is the product's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from simcore.core.core import Core, add_setups
from simcore.elf import Image
from simcore.run.setup import TimingSetup
from tests.coded_stream import Definition, Stream

OTHER, PARTIAL, CONTINUED, ID = 0x8000_0000, 0x4000_0000, 0x2000_0000, 0x0FFF_FFFF
EXCEPTION, SLEEP = 5, 4
ENTERED, LEFT, CHAINED = 1, 2, 3
AFTER_ACCESS = 0xFFFF_FFFF
SYST_CSR = 0xE000_E010
MASKS = {b"\x72\xb6": True, b"\x62\xb6": False}  # cpsid i, cpsie i: each ends its block


@dataclass(frozen=True, slots=True)
class Entry:
    """A handler that was entered, in cycles from the start of the run."""

    number: int  # of the exception
    at: int  # when entry began
    behind: tuple[int, ...]  # the last two instructions that ran before; of a handler: none
    cycles: int  # of entry or tail-chaining
    ran: int = 0  # cycles of the instruction in front, where it was timed by itself


class Timeline:
    """A core that times what it is told."""

    def __init__(self, image: Image, setup: TimingSetup, definitions: list[Definition]) -> None:
        self._core = Core(image.function_at)
        add_setups(self._core, [setup])
        self._coder = Stream(definitions)
        self.now = 0

    def run(self, record: list[int]) -> int:
        """The time behind a record."""
        self._core.replay(self._coder.encode([record]))
        self.now = self._core.now()
        return self.now

    def define(self, address: int, code: bytes, it_state: int) -> None:
        """One more definition; they are numbered in their order."""
        status = self._coder.lib.stream_define(self._coder.s, address, code, len(code), it_state)
        assert status < ID
        self._coder.lib.stream_flush(self._coder.s)

    def close(self) -> None:
        self._core.close()


def records(words: Sequence[int]) -> Iterator[list[int]]:
    """The records of a stream."""
    at = 0
    while at < len(words):
        if words[at] & OTHER:
            end = at + 1 + (words[at] & 0xFFFF)
        else:
            partial = bool(words[at] & PARTIAL)
            end = at + 2 + partial + (words[at + 1] & 0xFFFF) + (words[at + 1] >> 16)
        yield list(words[at:end])
        at = end


class Run:
    """When handlers were entered and left in a recorded run."""

    def __init__(
        self, image: Image, setup: TimingSetup, pieces: Sequence[bytes], handlers: Mapping[int, int]
    ) -> None:
        """`handlers`: the exception of each handler's address."""
        stream = Stream()
        for piece in pieces:
            assert stream.decode(piece) == 0
        self._definitions = stream.definitions()
        self._handlers = handlers
        self._timeline = Timeline(image, setup, self._definitions)
        self._begun: tuple[int, tuple[int, ...], int] | None = (
            None  # an entry whose handler is not seen yet
        )
        self.entries: list[Entry] = []
        # A time and what came: "enter" and the exception, "leave" and the cycles that it took, or
        # "mask" and whether it was set.
        self.steps: list[tuple[int, str, int]] = []
        self._ran = 0  # cycles of the last instruction, if it was timed by itself
        self._at = 0  # of the block, where a record that is continued goes on
        self.ticks_from: int | None = None  # when SysTick was switched on
        self._behind: tuple[int, ...] = ()
        for record in records(stream.words):
            self._record(record)
        self.end = self._timeline.now
        self._timeline.close()

    def _record(self, record: list[int]) -> None:
        before = self._timeline.now
        now = self._timeline.run(record)
        if not record[0] & OTHER:
            self._block(record, now, now - before)
        elif record[0] >> 16 & 0x7FFF == EXCEPTION:
            kind = record[1] & 0xFF
            if kind != ENTERED:
                self.steps.append((before, "leave", now - before if kind == LEFT else 0))
            if kind != LEFT:
                self._begun = before, self._behind if kind == ENTERED else (), now - before

    def _block(self, record: list[int], now: int, cycles: int) -> None:
        address, code, _ = self._definitions[record[0] & ID]
        if self._begun is not None:
            at, behind, cycles = self._begun
            number = self._handlers[address]
            self.entries.append(Entry(number, at, behind, cycles, self._ran if behind else 0))
            self.steps.append((at, "enter", number))
            self._begun = None
        partial = record[0] & PARTIAL
        accesses = record[3:] if partial else record[2:]
        accesses = accesses[: record[1] & 0xFFFF]
        if partial and record[2] == AFTER_ACCESS and accesses and accesses[-1] == SYST_CSR:
            self.ticks_from = self.ticks_from or now
        ran = code[: record[2]] if partial and record[2] < len(code) else code
        start = self._at if record[0] & CONTINUED else 0
        if partial and record[2] == AFTER_ACCESS:
            ran = code[: start + length(code[start:])]  # the rest was told in pieces up to there
        those = [address + offset for offset in instructions(ran) if offset >= start]
        self._behind = (*self._behind, *those)[-2:]
        self._at = len(ran)
        self._ran = cycles if len(those) == 1 else 0 if those else self._ran
        if not partial and ran[-2:] in MASKS:
            self.steps.append((now, "mask", MASKS[ran[-2:]]))


def length(code: bytes) -> int:
    """Of the first instruction."""
    return 4 if code[1] >> 3 >= 0b11101 else 2


def instructions(code: bytes) -> Iterator[int]:
    """The offset of each."""
    at = 0
    while at < len(code):
        yield at
        at += length(code[at:])
