"""Bytes to instructions: decodes a translation block for the pipeline and the C core."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import NamedTuple

from simcore.errors import UnknownInstructionError
from simcore.isa.blocks import (
    Access,
    Barrier,
    BlockBuilder,
    Note,
    Probe,
    ProbeBits,
    ProbeKind,
    StackMove,
)
from simcore.isa.encodings import ADDRESSES, Encodings, size_of
from simcore.isa.kinds import (
    ALWAYS,
    CONDITIONS,
    FLAGS,
    BranchKind,
    Facts,
    Kind,
)

__all__ = [
    "Access",
    "Block",
    "BranchKind",
    "Facts",
    "Instruction",
    "Kind",
    "Note",
    "Probe",
    "ProbeBits",
    "ProbeKind",
    "decode_block",
    "decode_instruction",
]  # fmt: skip

_ENCODINGS = Encodings()
_NONE = "is none that a Cortex-M7 with FPv5-D16 executes"
_new = tuple.__new__  # a named tuple's own takes twice as long


class Instruction(NamedTuple):
    """One decoded instruction. `condition` is that of its IT block, 14 (always) outside of one."""

    address: int
    size: int  # bytes: 2 or 4
    mnemonic: str
    operands: str
    condition: int
    facts: Facts

    @property
    def predicated(self) -> bool:
        return self.condition != ALWAYS

    @property
    def text(self) -> str:
        """The disassembly, with the condition of the IT block as a suffix."""
        if not self.predicated:
            return f"{self.mnemonic} {self.operands}".rstrip()
        name, dot, rest = self.mnemonic.partition(".")
        return f"{name}{CONDITIONS[self.condition]}{dot}{rest} {self.operands}".rstrip()


@dataclass(frozen=True, slots=True)
class Block:
    """A translation block, decoded. Indices are into `instructions` and `accesses`."""

    address: int
    size: int
    instructions: tuple[Instruction, ...]
    accesses: tuple[Access, ...]
    branch: BranchKind
    branch_predicated: bool
    branch_address: int
    branch_target: int  # of a direct branch, else 0
    probes: tuple[Probe, ...]
    notes: tuple[Note, ...]
    barriers: tuple[Barrier, ...]
    stack_moves: tuple[StackMove, ...]
    stack_access: int  # index of the first access that tells SP at the block's entry, -1: none
    stack_offset: int  # of its address from that SP, bytes
    class_counts: dict[str, int]
    macs: tuple[int, ...]
    placements: tuple[ProbeBits, ...]  # per instruction: what its addresses mean to the pipeline

    def address_of(self, instruction: int) -> int:
        """The address of an instruction."""
        return self.instructions[instruction].address


def decode_block(address: int, code: bytes, it_state: int = 0) -> Block:
    """Decode the translation block `code` at `address`.

    `it_state` is ITSTATE[7:0] at its first instruction. A block may end in the middle of anything.
    Raises UnknownInstructionError for bytes that are no Armv7E-M or FPv5-D16 instruction.
    """
    encodings = _ENCODINGS.of_block(code)
    builder = BlockBuilder(len(encodings))
    versions = builder.versions
    class_counts: dict[str, int] = {}
    instructions: list[Instruction] = []
    at, known = address, None
    for index, known in enumerate(encodings):
        if known is None:
            raise _unknown(at, code[at - address :][: size_of(code[at - address :])], _NONE)
        if it_state or known.is_it:
            encoding = code[at - address : at - address + 4]
            instruction, it_state = decode_instruction(at, encoding, it_state)
            facts, predicated = instruction.facts, instruction.condition != ALWAYS
        else:
            facts, predicated = known.facts, False
            row = (at, *known.unconditional)
            if known.distance is not None:
                row = (at, known.size, known.mnemonic, known.operands_at(at), ALWAYS, facts)
            instruction = _new(Instruction, row)
        instructions.append(instruction)
        class_counts[facts.counter] = class_counts.get(facts.counter, 0) + 1
        if not known.is_plain:
            builder.add(index, facts, at, predicated)
        else:
            for register in known.written:
                versions[register] = index + 1
        at += known.size
    if at < address + len(code):
        raise _unknown(at, code[at - address :], "is cut off")
    last = instructions[-1] if instructions else None
    target = 0
    if last and known and known.distance is not None:
        target = last.address + known.distance & ADDRESSES
    branch = last.facts.branch if last else BranchKind.NONE
    return Block(
        address=address,
        size=len(code),
        instructions=tuple(instructions),
        accesses=tuple(builder.accesses),
        branch=branch,
        branch_predicated=bool(last and branch and last.predicated),
        branch_address=last.address if last and branch else 0,
        branch_target=target,
        probes=tuple(builder.probes),
        notes=tuple(builder.notes),
        barriers=tuple(builder.barriers),
        stack_moves=tuple(builder.stack_moves),
        stack_access=builder.stack_access,
        stack_offset=builder.stack_offset,
        class_counts=class_counts,
        macs=tuple([instruction.facts.macs for instruction in instructions]),
        placements=tuple(builder.placements),
    )


def decode_instruction(address: int, code: bytes, it_state: int = 0) -> tuple[Instruction, int]:
    """Decode the first instruction of `code`; return it and ITSTATE behind it.

    Raises UnknownInstructionError, also when `code` holds only half an instruction.
    """
    if len(code) < 2:
        raise _unknown(address, code, "is cut off")
    size = size_of(code)
    if len(code) < size:
        raise _unknown(address, code, "is cut off")
    encoding = code[:size]
    found = _ENCODINGS.find(encoding)
    if found is None:
        raise _unknown(address, encoding, _NONE)
    mnemonic, operands, facts = found.mnemonic, found.operands_at(address), found.facts
    condition = ALWAYS
    if it_state:
        # The manual leaves 1111 open (A7.7.38, ITAdvance); the engine takes it as always.
        condition = min(it_state >> 4, ALWAYS)
        it_state = (it_state & 0xE0) | (it_state << 1 & 0x1F) if it_state & 0x7 else 0
        if size == 2 and facts.results and facts.results[-1][0] == FLAGS and mnemonic[-1] == "s":
            mnemonic, facts = mnemonic[:-1], _without_flags(facts)
    elif facts.kind is Kind.IT:
        it_state = encoding[0]
    return Instruction(address, size, mnemonic, operands, condition, facts), it_state


@functools.lru_cache(maxsize=256)
def _without_flags(facts: Facts) -> Facts:
    """A 16-bit flag-setting instruction inside an IT block does not set flags."""
    return facts._replace(results=facts.results[:-1])


def _bytes_text(encoding: bytes) -> str:
    halves = [encoding[i : i + 2][::-1].hex() for i in range(0, len(encoding), 2)]
    return "'" + " ".join(halves) + "'"


def _unknown(address: int, code: bytes, what: str) -> UnknownInstructionError:
    return UnknownInstructionError(f"instruction {_bytes_text(code)} at {address:#010x} {what}")
