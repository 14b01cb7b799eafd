"""Operand text of the disassembler to numbers: registers, constants, lists, addressing modes."""

from __future__ import annotations

import re

from simcore.isa.kinds import FP_BASE, MemoryOperand

_CORE_REGISTERS = {
    **{f"r{number}": number for number in range(16)},
    "sb": 9, "sl": 10, "fp": 11, "ip": 12, "sp": 13, "lr": 14, "pc": 15,
}  # fmt: skip
_SHIFTS = ("lsl", "lsr", "asr", "ror", "rrx")
_COMMA_OUTSIDE = re.compile(r",(?![^\[{]*[\]}])")


def split_operands(text: str) -> tuple[str, ...]:
    """Split at the commas outside brackets and braces."""
    if "[" not in text and "{" not in text:
        return tuple(text.split(", ")) if text else ()
    return tuple([part.strip() for part in _COMMA_OUTSIDE.split(text)])


def core_register(text: str) -> int:
    """The number of a core register. Raises KeyError for anything else."""
    return _CORE_REGISTERS[text.rstrip("!")]


def is_core_register(text: str) -> bool:
    return text in _CORE_REGISTERS


def is_shift(text: str) -> bool:
    return text.startswith(_SHIFTS)


def fp_registers(text: str) -> tuple[int, ...]:
    """The one (S) or two (D) register numbers of an FP register, or a D register's lane."""
    number = int(text[1:].split("[")[0])
    if text[0] == "s":
        return (FP_BASE + number,)
    return (FP_BASE + 2 * number, FP_BASE + 2 * number + 1)


def constant(text: str) -> int:
    return int(text.lstrip("#"), 0)


def register_list(text: str) -> list[str]:
    return [part.strip() for part in text.strip("{}").split(",")]


def is_rotated_constant(value: int) -> bool:
    """Whether a 32-bit Thumb constant is a rotated 8-bit value, not a plain one or a pattern."""
    value &= 0xFFFFFFFF
    low, high = value & 0xFF, value >> 8 & 0xFF
    patterns = (low, low * 0x00010001, high * 0x01000100, low * 0x01010101)
    return value not in patterns


def memory_operand(parts: tuple[str, ...]) -> MemoryOperand:
    """The addressing mode of `[base, ...]`, with `!` or a following constant for write-back."""
    body, _, mark = parts[0].partition("]")
    inner = [part.strip() for part in body.lstrip("[").split(",")]
    base = core_register(inner[0])
    if len(inner) > 1 and not inner[1].startswith("#"):
        shift = constant(inner[2].split()[1]) if len(inner) > 2 else 0
        return MemoryOperand(base, index=core_register(inner[1].lstrip("-")), shift=shift)
    offset = constant(inner[1]) if len(inner) > 1 else 0
    if mark == "!":
        return MemoryOperand(base, offset, base_change=offset)
    if len(parts) > 1:
        return MemoryOperand(base, 0, base_change=constant(parts[1]))
    return MemoryOperand(base, offset)
