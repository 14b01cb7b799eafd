"""What an encoding is, whatever its address: text by capstone, facts by the tables; each once.

Capstone gives lengths and text only; which registers an instruction reads and writes, its kind and
its accesses come from the tables in integer.py, memory.py and floating.py, because capstone's own
register lists miss accumulators and partial writes. A call of capstone costs as much as the rest,
so a block's new encodings are disassembled in one.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from simcore.isa.blocks import is_plain
from simcore.isa.disassembler import disassembler
from simcore.isa.floating import FLOAT_MNEMONICS, float_facts
from simcore.isa.integer import INTEGER_TABLE
from simcore.isa.kinds import ALWAYS, BranchKind, Facts, Kind
from simcore.isa.memory import MEMORY_TABLE
from simcore.isa.operands import constant, split_operands

_FIRST_32_BIT = 0b11101  # top five bits of the first half-word of a 32-bit instruction
_IT = 0xBF  # second byte of IT and of hints
_DIRECT = (BranchKind.CONDITIONAL, BranchKind.DIRECT, BranchKind.CALL)
ADDRESSES = 0xFFFF_FFFF
#: So many encodings are kept, of all programs of a process.
MOST_KEPT = 1 << 16


@dataclass(slots=True)
class Encoding:
    """An encoding's disassembly and facts, and what a block's decoder asks of it each time."""

    size: int  # bytes
    mnemonic: str
    operands: str  # those in front of the target of a direct branch
    facts: Facts
    distance: int | None  # from a direct branch to its target, bytes; None for all others
    unconditional: tuple[int, str, str, int, Facts]  # size to facts of an Instruction
    is_it: bool
    is_plain: bool  # of a block it changes counts and registers alone
    written: tuple[int, ...]  # registers

    def operands_at(self, address: int) -> str:
        """The operands of the instruction at `address`."""
        if self.distance is None:
            return self.operands
        target = address + self.distance & ADDRESSES
        return self.operands + (f"#{target:#x}" if target > 9 else f"#{target}")


def size_of(code: bytes) -> int:
    """Bytes of the instruction that `code`, of at least two bytes, begins with."""
    return 4 if code[1] >> 3 >= _FIRST_32_BIT else 2


class Encodings:
    """Encodings by their bytes; None stands for one that no table knows. From any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[bytes, Encoding | None] = {}

    def of_block(self, code: bytes) -> list[Encoding | None]:
        """What a block's encodings are, without one that is cut off at its end."""
        encodings = _split(code)
        known = self._known
        try:
            return [known[one] for one in encodings]
        except KeyError:
            self._learn_new(encodings)
        return [self.find(one) for one in encodings]

    def learn(self, code: bytes) -> None:
        """Decode what is new of a block's encodings."""
        self._learn_new(_split(code))

    def _learn_new(self, encodings: Sequence[bytes]) -> None:
        new = dict.fromkeys(one for one in encodings if one not in self._known)
        if not new:
            return
        with self._lock:
            if len(self._known) + len(new) > MOST_KEPT:
                self._known = {}
            # What is behind an IT is disassembled with its conditions.
            self._learn([one for one in new if one[1] != _IT])
            for one in new:
                if one[1] == _IT:
                    self._learn([one])

    def find(self, encoding: bytes) -> Encoding | None:
        """What an encoding of whole size is."""
        known = self._known
        while encoding not in known:  # another thread may clear them
            self.learn(encoding)
            known = self._known
        return known[encoding]

    def _learn(self, encodings: Sequence[bytes]) -> None:
        begin = 0
        while begin < len(encodings):
            at = 0
            for size, mnemonic, operands in disassembler()(b"".join(encodings[begin:])):
                encoding = encodings[begin]
                if size != len(encoding):
                    break
                self._known[encoding] = _encoding(encoding, at, mnemonic, operands)
                begin, at = begin + 1, at + size
            if begin < len(encodings):  # where the disassembler stopped
                self._known[encodings[begin]] = None
                begin += 1


def _split(code: bytes) -> list[bytes]:
    """The encodings of a block; one that is cut off at its end is left out."""
    found, at, last = [], 0, len(code) - 2
    while at <= last:
        size = 4 if code[at + 1] >> 3 >= _FIRST_32_BIT else 2
        found.append(code[at : at + size])
        at += size
    if at > len(code):
        found.pop()
    return found


def _encoding(encoding: bytes, at: int, mnemonic: str, operands: str) -> Encoding | None:
    """What was disassembled at address `at`."""
    facts = _facts(mnemonic, operands, wide=len(encoding) == 4)
    if facts is None:
        return None
    size, distance = len(encoding), None
    if facts.branch in _DIRECT:
        operands, _, target = operands.rpartition("#")
        distance = constant(target) - at
    return Encoding(
        size,
        mnemonic,
        operands,
        facts,
        distance,
        (size, mnemonic, operands, ALWAYS, facts),
        facts.kind is Kind.IT,
        is_plain(facts),
        tuple([register for register, _ in facts.results]),
    )


def _facts(mnemonic: str, operands: str, wide: bool) -> Facts | None:
    """The facts of a disassembled instruction, None when no table knows it."""
    name = mnemonic.removesuffix(".w").removesuffix(".n")
    ops = split_operands(operands)
    try:
        if name.startswith("v"):
            base = name.split(".")[0]
            if base in FLOAT_MNEMONICS:
                return float_facts(name, ops)
            handler = MEMORY_TABLE.get(base)
            return handler(base, ops) if handler else None
        if name in MEMORY_TABLE:
            return MEMORY_TABLE[name](name, ops)
        if name in INTEGER_TABLE:
            return INTEGER_TABLE[name](name, ops, wide, False)
        if name.endswith("s") and name[:-1] in INTEGER_TABLE:
            return INTEGER_TABLE[name[:-1]](name[:-1], ops, wide, True)
    except (KeyError, ValueError, IndexError):
        return None  # operands that the mnemonic does not have: not an instruction of this core
    return None
