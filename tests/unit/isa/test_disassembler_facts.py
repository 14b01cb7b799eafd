"""What isa.py rests on in capstone, and why pyproject.toml asks for a version below 6.

6.0.0a11 answers otherwise: behind an IT instruction it writes the condition into the names of the
next calls, and LDR PC, [SP], #4 is POP {PC} to it.
"""

from __future__ import annotations

import capstone

IT_EQ, ADDS, MOV = "08bf", "0130", "0846"
LDR_PC_FROM_THE_STACK = "5df804fb"


def disassembled(*codes: str) -> list[str]:
    """The texts of instructions, each of them a call of its own on one disassembler."""
    decoder = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
    return [
        f"{name} {operands}"
        for code in codes
        for _, _, name, operands in decoder.disasm_lite(bytes.fromhex(code), 0x100, 1)
    ]


def test_an_it_instruction_changes_nothing_about_the_calls_behind_it() -> None:
    assert disassembled(IT_EQ, ADDS, MOV) == ["it eq", "adds r0, #1", "mov r0, r1"]


def test_a_load_of_pc_from_the_stack_keeps_the_name_of_its_encoding() -> None:
    assert disassembled(LDR_PC_FROM_THE_STACK) == ["ldr pc, [sp], #4"]
