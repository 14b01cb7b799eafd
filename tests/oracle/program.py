"""Programs that a timing case consists of: set-up, looped body, and their bytes."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from tests.oracle.addresses import STACK
from tests.oracle.cases import Case, Placement

# The loop of the JNK source, CM7_pipetest_tmpl.S: 40 instructions in .w encodings, 20 cycles.
# uxtb issues only from the older slot, so it brings the pairing back in step in every iteration.
TEMPLATE = (
    *("nop.w",) * 33,
    "subs.w r9,r9,#1",
    *("nop.w",) * 2,
    "uxtb.w r11,r11",
    *("nop.w",) * 2,
    "bne.w <head>",
)
TAIL = TEMPLATE[32:]  # what closes a loop of repeated sequences; same distances as the template

# The whole simulator also needs a stack, the FPU, and an end: semihosting's SYS_EXIT.
ENTRY = (
    *("movw r10,#60808", "movt r10,#57344", "movw r12,#0", "movt r12,#240", "str.w r12,[r10]"),
    *("dsb", "isb", f"movw r12,#{STACK & 0xFFFF}", f"movt r12,#{STACK >> 16}", "mov.w sp,r12"),
)
LEAVE = ("movw r0,#24", "movw r1,#38", "movt r1,#2", "bkpt #171")


@dataclass(frozen=True, slots=True)
class Program:
    """A body that runs `iterations` times when it ends in a branch to "<head>", else once."""

    name: str
    body: tuple[str, ...]
    case: Case = field(repr=False)
    counter: str = "r9"
    mispredicted: int = -1  # index in the body of a branch that goes against its prediction

    @property
    def placement(self) -> Placement:
        return self.case.placement

    @property
    def loops(self) -> bool:
        return "<head>" in self.body[-1]

    def texts(self, code: Mapping[str, str]) -> tuple[str, ...]:
        """The body with its branch to the head written as a distance."""
        if not self.loops:
            return self.body
        length = sum(len(code[text]) // 2 for text in self.body[:-1])
        return (*self.body[:-1], self.body[-1].replace("<head>", f".-{length}"))

    def pieces(self) -> tuple[bytes, ...]:
        """The bytes of each instruction of the body. Raises KeyError for one without bytes."""
        code = self.case.code
        return tuple(bytes.fromhex(code[text]) for text in self.texts(code))

    def setup(self, iterations: int) -> tuple[str, ...]:
        """Instructions that give memory, registers and the loop counter their values."""
        case = self.case
        result: list[str] = []
        for address, value in case.words.items():
            result += [*_constant("r10", address), *_constant("r12", value), "str.w r12,[r10]"]
        for name, number in case.doubles.items():
            low, high = struct.unpack("<II", struct.pack("<d", number))
            result += [*_constant("r10", low), *_constant("r12", high), f"vmov {name},r10,r12"]
        for name, value in case.registers.items():
            result += _constant(name, value)
        if self.loops and self.counter != "none":
            result += _constant(self.counter, iterations)
        return tuple(result)

    def image(self, iterations: int) -> tuple[int, bytes]:
        """Start address and bytes of the whole program: entry, set-up, body, exit."""
        code = self.case.code
        before = b"".join(bytes.fromhex(code[text]) for text in (*ENTRY, *self.setup(iterations)))
        after = b"".join(bytes.fromhex(code[text]) for text in LEAVE)
        return self.placement.code - len(before), before + b"".join(self.pieces()) + after


def _constant(register: str, value: int) -> list[str]:
    value &= 0xFFFFFFFF
    return [f"movw {register},#{value & 0xFFFF}", f"movt {register},#{value >> 16}"]


def in_template(case: Case, name: str, sequence: Iterable[str], at: int) -> Program:
    """The template with nops replaced by a sequence from position `at` on (from 1, odd = older)."""
    body = list(TEMPLATE)
    for position, text in enumerate(sequence, start=at - 1):
        if body[position] != "nop.w":
            raise ValueError(f"{case.id}: position {position + 1} of the template is taken")
        body[position] = text
    return Program(name, tuple(body), case)


def repeated(case: Case, name: str, sequence: tuple[str, ...], copies: int) -> Program:
    """A loop of `copies` times the sequence and the template's tail."""
    return Program(name, sequence * copies + TAIL, case)


def between_barriers(case: Case, name: str, sequence: tuple[str, ...], copies: int) -> Program:
    """`copies` times the sequence between two ISBs, run again and again as the QUI source does."""
    return Program(name, ("isb", *sequence * copies, "isb", *TAIL), case)


def own_loop(case: Case, body: tuple[str, ...]) -> Program:
    """A loop as the case writes it, closed by its own branch to "<head>"."""
    return Program("loop", body, case, counter=case.counter)


_STAND_INS = {"r0": "r8", "s0": "s16", "d0": "d8"}


def independent(texts: tuple[str, ...]) -> tuple[str, ...]:
    """The consumer with r0, s0 or d0 replaced by a register that nobody writes."""
    return tuple(
        re.sub(r"\b[rsd]0\b", lambda found: _STAND_INS[found.group()], text) for text in texts
    )


def sweep_pair(case: Case, distance: int) -> tuple[Program, Program] | None:
    """Producer and consumer `distance` cycles apart, and the control without the dependency.

    The producer is in the older slot of its cycle. At distance 0 the consumer is the younger of the
    same cycle; further away it stands in the older slot unless the case asks for the younger.
    """
    gap = 2 * distance - len(case.producer)
    if distance == 0:
        gap = 0
    elif case.younger_slot:
        gap += 1
    if gap < 0 or (distance == 0 and len(case.producer + case.consumer) > 2):
        return None
    filler = ("nop.w",) * gap
    first = 7
    producer = case.free_from or case.producer
    consumer = case.consumer if case.free_from else (case.free or independent(case.consumer))
    dependent = in_template(case, f"d{distance}", (*case.producer, *filler, *case.consumer), first)
    control = in_template(case, f"d{distance}-free", (*producer, *filler, *consumer), first)
    return dependent, control


def with_mispredict(program: Program, index: int) -> Program:
    """The same program whose branch at `index` of the body goes against its prediction."""
    return replace(program, name=program.name + "-mispredicted", mispredicted=index)
