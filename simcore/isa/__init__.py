"""Bytes to instructions: decodes a translation block for the pipeline and the C core.

Capstone gives lengths and text only; which registers an instruction reads and writes, its kind and
its accesses come from the tables in isa/integer.py, isa/memory.py and isa/floating.py, because
capstone's own register lists miss accumulators and partial writes.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import capstone

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
from simcore.isa.floating import FLOAT_MNEMONICS, float_facts
from simcore.isa.integer import INTEGER_TABLE
from simcore.isa.kinds import (
    ALWAYS,
    CONDITIONS,
    FLAGS,
    BranchKind,
    Facts,
    Kind,
)
from simcore.isa.memory import MEMORY_TABLE
from simcore.isa.operands import constant, split_operands

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

_FIRST_32_BIT = 0b11101  # top five bits of the first half-word of a 32-bit instruction
_CONDITIONAL = frozenset("b" + condition for condition in CONDITIONS)


@dataclass(frozen=True, slots=True)
class Instruction:
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


def decode_block(address: int, code: bytes, it_state: int = 0) -> Block:
    """Decode the translation block `code` at `address`.

    `it_state` is ITSTATE[7:0] at its first instruction. A block may end in the middle of anything.
    Raises UnknownInstructionError for bytes that are no Armv7E-M or FPv5-D16 instruction.
    """
    builder = BlockBuilder()
    instructions = []
    offset = 0
    while offset < len(code):
        instruction, it_state = decode_instruction(address + offset, code[offset : offset + 4],
                                                   it_state)  # fmt: skip
        instructions.append(instruction)
        builder.add(instruction.facts, instruction.address, instruction.predicated)
        offset += instruction.size
    last = instructions[-1] if instructions else None
    branch = last.facts.branch if last else BranchKind.NONE
    target = 0
    if last and branch in (BranchKind.CONDITIONAL, BranchKind.DIRECT, BranchKind.CALL):
        target = constant(split_operands(last.operands)[-1])
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
        class_counts=builder.class_counts,
        macs=tuple(instruction.facts.macs for instruction in instructions),
        placements=tuple(builder.placements),
    )


@functools.lru_cache(maxsize=1 << 14)  # pieces of a block are decoded when interrupts cut it
def decode_instruction(address: int, code: bytes, it_state: int = 0) -> tuple[Instruction, int]:
    """Decode the first instruction of `code`; return it and ITSTATE behind it.

    Raises UnknownInstructionError, also when `code` holds only half an instruction.
    """
    if len(code) < 2:
        raise _unknown(address, code, "is cut off")
    size = 4 if code[1] >> 3 >= _FIRST_32_BIT else 2
    if len(code) < size:
        raise _unknown(address, code, "is cut off")
    encoding = code[:size]
    decoded = _decode(encoding, address & 2)
    if decoded is None:
        raise _unknown(address, encoding, "is none that a Cortex-M7 with FPv5-D16 executes")
    mnemonic, operands, facts = decoded
    if facts.branch in (BranchKind.CONDITIONAL, BranchKind.DIRECT, BranchKind.CALL):
        mnemonic, operands = _disassemble(encoding, address) or (mnemonic, operands)
    condition = ALWAYS
    if it_state:
        condition = it_state >> 4
        it_state = (it_state & 0xE0) | (it_state << 1 & 0x1F) if it_state & 0x7 else 0
        if size == 2 and facts.results and facts.results[-1][0] == FLAGS and mnemonic[-1] == "s":
            mnemonic, facts = mnemonic[:-1], _without_flags(facts)
    elif facts.kind is Kind.IT:
        it_state = encoding[0]
    return Instruction(address, size, mnemonic, operands, condition, facts), it_state


@functools.lru_cache(maxsize=1 << 16)
def _decode(encoding: bytes, alignment: int) -> tuple[str, str, Facts] | None:
    """Text and facts of one encoding. `alignment` (address & 2) decides where literals are."""
    text = _disassemble(encoding, alignment)
    facts = _facts(*text, wide=len(encoding) == 4) if text else None
    return (*text, facts) if text and facts else None


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


@functools.lru_cache(maxsize=256)
def _without_flags(facts: Facts) -> Facts:
    """A 16-bit flag-setting instruction inside an IT block does not set flags."""
    import dataclasses

    return dataclasses.replace(facts, results=facts.results[:-1])


@functools.cache
def _disassembler() -> Any:
    return capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)


def _disassemble(encoding: bytes, address: int) -> tuple[str, str] | None:
    found: Iterator[tuple[int, int, str, str]] = _disassembler().disasm_lite(encoding, address, 1)
    for _, size, mnemonic, operands in found:
        if size == len(encoding):
            return mnemonic, operands
    return None


def _bytes_text(encoding: bytes) -> str:
    halves = [encoding[i : i + 2][::-1].hex() for i in range(0, len(encoding), 2)]
    return "'" + " ".join(halves) + "'"


def _unknown(address: int, code: bytes, what: str) -> UnknownInstructionError:
    return UnknownInstructionError(f"instruction {_bytes_text(code)} at {address:#010x} {what}")
