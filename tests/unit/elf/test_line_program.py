"""Line programs of random opcodes against a machine as DWARF 5, 6.2.2 writes it, row by row."""

from __future__ import annotations

import random
import struct
from bisect import bisect_right

import pytest

from simcore.elf.line_program import LineProgram, Rows
from tests.unit.elf_builder import sleb, uleb

BASE_LINE, RANGE = -3, 12
LENGTHS = bytes((0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 2, 0))  # 13 and 14 are no opcodes yet
Row = tuple[int, int, int]  # address, file, line


def program(
    opcodes: bytes, version: int = 4, base: int = 13, step: int = 2, *, wide: bool = False
) -> LineProgram:
    """A program without files: `step` is minimum_instruction_length, `base` opcode_base."""
    word = "<Q" if wide else "<I"
    tail = bytes((step,)) + (b"\1" if version >= 4 else b"")
    tail += struct.pack("<BbBB", 1, BASE_LINE, RANGE, base) + LENGTHS[: base - 1]
    tail += b"\0\0\0\0" if version >= 5 else b"\0\0"
    body = struct.pack("<H", version) + (b"\4\0" if version >= 5 else b"")
    body += struct.pack(word, len(tail)) + tail + opcodes
    data = (b"\xff\xff\xff\xff" if wide else b"") + struct.pack(word, len(body)) + body
    return LineProgram(lambda name: memoryview(data if name == "line" else b""), 0)


class Machine:
    """Writes opcodes of one sequence and keeps the rows that they mean."""

    def __init__(self, start: int, base: int, step: int) -> None:
        self.base, self.step = base, step
        self.opcodes = bytearray()
        self.rows: list[Row] = []
        self.start, self.address, self.file, self.line = start, start, 1, 1

    def random_opcode(self, lots: random.Random) -> None:
        kind = lots.randrange(14)
        if kind < 4:
            opcode = lots.randrange(self.base, 256)
            self.line += BASE_LINE + (opcode - self.base) % RANGE
            self.address += (opcode - self.base) // RANGE * self.step
            self._row(bytes((opcode,)))
        elif kind == 4:
            self._row(b"\1")
        elif kind == 5:
            by = lots.choice([1, 70, 300])
            self.address += by * self.step
            self.opcodes += b"\2" + uleb(by)
        elif kind in (6, 7):
            by = lots.choice([-1, 1, 63, -64, 64, 200, -300])
            self.line += by
            self.opcodes += b"\3" + sleb(by)
        elif kind == 8:
            self.file = lots.choice([1, 2, 200])
            self.opcodes += b"\4" + uleb(self.file)
        elif kind == 9:
            self.opcodes += lots.choice([b"\5" + uleb(lots.randrange(400)), b"\6", b"\7"])
        elif kind == 10:
            self.address += (255 - self.base) // RANGE * self.step
            self.opcodes += b"\x08"
        elif kind == 11:
            by = lots.randrange(500)
            self.address += by
            self.opcodes += b"\x09" + struct.pack("<H", by)
        elif kind == 12:
            more = [b"\x0a", b"\x0b", b"\x0c" + uleb(300)] * (self.base > 12)
            more += [b"\x0d\x80\1\5", b"\x0e"] * (self.base > 14)
            self.opcodes += lots.choice([*more, b"\7"])
        else:  # set_address, a discriminator, or what only a vendor knows, of any length
            known = b"\0\5\2" + struct.pack("<I", self.address)
            vendor = b"\0" + uleb(lots.choice([1, 5, 200]) + 1) + b"\x85"
            vendor += lots.randbytes(vendor[1] - 1 if vendor[1] < 0x80 else 200)
            self.opcodes += lots.choice([known, b"\0\2\4\7", b"\0\3\4\xff\1", vendor])

    def _row(self, opcode: bytes) -> None:
        self.opcodes += opcode
        self.rows.append((self.address, self.file, self.line))

    def finished(self) -> bytes:
        head = b"\5\3\0\5\2" + struct.pack("<I", self.start)
        self.address += 4
        return bytes(head + self.opcodes + b"\2" + uleb(4 // self.step) + b"\0\1\1")

    def at(self, address: int) -> tuple[int, int]:
        """The last row at or before an address: file and line."""
        index = bisect_right([row[0] for row in self.rows], address) - 1
        _, file, line = self.rows[index]
        return (file, line) if line > 0 else (file, 0)


@pytest.mark.parametrize(
    ("version", "base", "step", "wide"),
    [(2, 10, 2, False), (3, 13, 1, False), (4, 13, 2, True), (5, 15, 2, False), (5, 13, 1, True)],
)
def test_rows_are_those_of_the_machine_of_the_standard(
    version: int, base: int, step: int, wide: bool
) -> None:
    lots = random.Random(version * 100 + base)
    for _ in range(30):
        start, machines = 0x8000, []
        for _ in range(lots.randrange(1, 5)):
            machine = Machine(start, base, step)
            for _ in range(lots.randrange(1, 60)):
                machine.random_opcode(lots)
            machine._row(b"\1")
            machines.append((machine, machine.finished()))
            start = machine.address + lots.choice([0, 100])
        lots.shuffle(machines)
        whole = b"".join(opcodes for _, opcodes in machines)
        read = program(whole, version, base, step, wide=wide)
        assert read.problem(0x8000) is None
        for machine, _ in machines:
            first = machine.rows[0][0]
            (rows,) = read.starting_at(read.start_before(first) or 0)
            assert rows.end == machine.address
            for address in range(first, machine.address):
                assert rows.at(address) == machine.at(address)


def one(start: int, lines: int) -> bytes:
    return b"\0\5\2" + struct.pack("<I", start) + bytes((13 + 3 + 1 + RANGE,)) * lines + b"\0\1\1"


def test_a_sequence_of_more_opcodes_than_one_match_takes_is_whole() -> None:
    (rows,) = program(one(0x100, 10_000)).starting_at(0x100)
    assert (rows.start, rows.end) == (0x102, 0x102 + 2 * 9_999)
    assert rows.at(rows.end - 1) == (1, 10_000)


def test_only_the_sequence_that_is_asked_for_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = []
    original = LineProgram._run

    def run(self: LineProgram, at: int, end: int) -> Rows | None:
        decoded.append(at)
        return original(self, at, end)

    monkeypatch.setattr(LineProgram, "_run", run)
    read = program(b"".join(one(0x100 * n, 9) for n in range(1, 100)))
    assert decoded == []
    assert len(read.starts) == 99
    assert read.starting_at(0x500)[0].at(0x504) == (1, 3)
    assert read.starting_at(0x500)[0].at(0x506) == (1, 4)
    assert len(decoded) == 1


def test_sequences_before_a_broken_one_are_read_and_what_is_broken_is_said() -> None:
    broken = program(one(0x100, 3) + b"\0\5\2" + bytes(4) + b"\2\xff")
    assert broken.starting_at(0x100)[0].at(0x103) == (1, 2)
    assert (broken.problem(0x900) or "").startswith("is cut off at byte ")
    endless = program(one(0x100, 3) + b"\0\0")
    assert (endless.problem(0x900) or "").startswith("is broken at byte ")
    falling = program(one(0x100, 3) + one(0x200, 2)[:-3] + b"\1" + one(0x100, 1))
    assert falling.starting_at(0x200) == []
    assert falling.problem(0x200) == "has addresses that fall"
    assert falling.problem(0x100) is None


@pytest.mark.parametrize(
    ("offset", "value", "what"),
    [(4, b"\x09", "version 9"), (11, b"\2", "several operations"), (14, b"\0", "cannot be")],
)
def test_a_header_that_cannot_be_is_refused(offset: int, value: bytes, what: str) -> None:
    read = program(one(0x100, 3))
    data = bytearray(read._data)
    data[offset : offset + len(value)] = value
    with pytest.raises(ValueError, match=what):
        LineProgram(lambda _: memoryview(bytes(data)), 0)
