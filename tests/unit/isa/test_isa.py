"""Decoding: what each instruction reads, writes, accesses and counts for.

Expected registers follow the operation pseudo-code of the Armv7-M Architecture Reference Manual;
expected accesses are those that unicorn 2.1.3 reports.
"""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simcore.cpu_model.schema import CLASSES
from simcore.errors import ExitCode, UnknownInstructionError
from simcore.isa import Block, Instruction, decode_block, decode_instruction
from simcore.isa.blocks import (
    BANK_NONE,
    BANK_OTHER,
    BANK_SAME,
    MAX_PROBES,
    ProbeKind,
    StackMove,
    StackMoveKind,
)
from simcore.isa.kinds import FLAGS, GE_FLAGS, SP, BranchKind, Kind, Role
from tests.tools import needs
from tests.unit.thumb_code import ASSEMBLER, assemble, code, stored

BASE = 0x0800_1000


def block(text: str, it_state: int = 0) -> Block:
    return decode_block(BASE, code(text), it_state)


def one(text: str) -> Instruction:
    return block(text).instructions[0]


def reads(text: str) -> set[int]:
    return {register for register, _ in one(text).facts.sources}


def writes(text: str) -> set[int]:
    return {register for register, _ in one(text).facts.results}


S0, D1 = 32, {34, 35}


@pytest.mark.parametrize(
    ("text", "read", "written"),
    [
        ("add.w r0,r1,r2", {1, 2}, {0}),
        ("adds r0,#1", {0}, {0, FLAGS}),
        ("adc.w r0,r1,r2", {1, 2, FLAGS}, {0}),
        ("movt r0,#22136", {0}, {0}),
        ("movw r0,#4660", set(), {0}),
        ("bfi r0,r1,#3,#5", {0, 1}, {0}),
        ("bfc r0,#3,#5", {0}, {0}),
        ("uxtab r0,r1,r2", {1, 2}, {0}),
        ("sel r0,r1,r2", {1, 2, GE_FLAGS}, {0}),
        ("sadd16 r0,r1,r2", {1, 2}, {0, GE_FLAGS}),
        ("uhadd8 r0,r1,r2", {1, 2}, {0}),
        ("cmp.w r0,r1,lsl #2", {0, 1}, {FLAGS}),
        ("mla r0,r1,r2,r3", {1, 2, 3}, {0}),
        ("muls r0,r1", {0, 1}, {0, FLAGS}),
        ("umull r0,r1,r2,r3", {2, 3}, {0, 1}),
        ("smlal r0,r1,r2,r3", {0, 1, 2, 3}, {0, 1}),
        ("umaal r0,r1,r2,r3", {0, 1, 2, 3}, {0, 1}),
        ("smlald r0,r1,r2,r3", {0, 1, 2, 3}, {0, 1}),
        ("smlad r0,r1,r2,r3", {1, 2, 3}, {0}),
        ("udiv r0,r1,r2", {1, 2}, {0}),
        ("ldr.w r0,[r1,r2,lsl #2]", {1, 2}, {0}),
        ("ldr.w r0,[r1],#4", {1}, {0, 1}),
        ("ldr.w r0,[r1,#4]!", {1}, {0, 1}),
        ("str.w r0,[r1],#4", {0, 1}, {1}),
        ("ldrd r0,r1,[r2]", {2}, {0, 1}),
        ("stmdb sp!,{r4-r6,lr}", {4, 5, 6, 14, SP}, {SP}),
        ("pop {r4,pc}", {SP}, {4, SP}),
        ("strex r0,r1,[r2]", {1, 2}, {0}),
        ("bl .+8", set(), {14}),
        ("vfma.f32 s0,s1,s2", {32, 33, 34}, {S0}),
        ("vmla.f32 s0,s1,s2", {32, 33, 34}, {S0}),
        ("vadd.f32 s0,s1,s2", {33, 34}, {S0}),
        ("vfma.f64 d1,d2,d3", {34, 35, 36, 37, 38, 39}, D1),
        ("vmov r0,r1,d1", D1, {0, 1}),
        ("vmov d1,r0,r1", {0, 1}, D1),
        ("vmov.32 d0[1],r0", {0}, {33}),
        ("vcvtb.f16.f32 s0,s1", {32, 33}, {S0}),
        ("vseleq.f32 s0,s1,s2", {33, 34, FLAGS}, {S0}),
        ("vldr s0,[r0,#4]", {0}, {S0}),
        ("vstr d1,[r0]", {0} | D1, set()),
    ],
)
def test_an_instruction_reads_and_writes_what_the_manual_says(
    text: str, read: set[int], written: set[int]
) -> None:
    assert reads(text) == read
    assert writes(text) == written


@pytest.mark.parametrize(
    ("text", "macs"),
    [
        ("smlad r0,r1,r2,r3", 2), ("smladx r0,r1,r2,r3", 2), ("smlsd r0,r1,r2,r3", 2),
        ("smuad r0,r1,r2", 2), ("smlald r0,r1,r2,r3", 2), ("mla r0,r1,r2,r3", 1),
        ("mls r0,r1,r2,r3", 1), ("smlabb r0,r1,r2,r3", 1), ("smlal r0,r1,r2,r3", 1),
        ("umaal r0,r1,r2,r3", 1), ("smmla r0,r1,r2,r3", 1), ("vfma.f32 s0,s1,s2", 1),
        ("vmla.f32 s0,s1,s2", 1), ("vfma.f64 d1,d2,d3", 1), ("muls r0,r1", 0),
        ("umull r0,r1,r2,r3", 0), ("vmul.f32 s0,s1,s2", 0), ("add.w r0,r1,r2", 0),
    ],
)  # fmt: skip
def test_multiply_accumulates_are_counted(text: str, macs: int) -> None:
    assert block(text).macs == (macs,)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("mov.w r0,#85", Kind.ADD),
        ("mov.w r0,#0x550055", Kind.ADD),  # a pattern, not a rotated constant
        ("mov.w r0,#0x1fc0", Kind.SHIFTED_CONSTANT),
        ("eor.w r0,r1,#0x1fc0", Kind.SHIFTED_CONSTANT),
        ("eor.w r0,r1,#0x55005500", Kind.ALU),
        ("addw r0,r1,#4095", Kind.ADD),
        ("add.w r0,r1,r2,lsl #3", Kind.INLINE_SHIFT),
        ("lsl.w r0,r1,#3", Kind.SHIFT),
        ("rrx r0,r1", Kind.SHIFT_LATE),
        ("uxtb.w r0,r1", Kind.EXTEND),
    ],
)
def test_the_second_operand_decides_the_kind(text: str, kind: Kind) -> None:
    assert one(text).facts.kind is kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("bx lr", BranchKind.RETURN), ("pop {r4,pc}", BranchKind.RETURN),
        ("ldr.w pc,[sp],#4", BranchKind.RETURN), ("mov pc,lr", BranchKind.RETURN),
        ("ldmia.w sp!,{r4,r5,pc}", BranchKind.RETURN), ("bx r3", BranchKind.INDIRECT),
        ("ldr.w pc,[r3,r4,lsl #2]", BranchKind.INDIRECT), ("mov pc,r3", BranchKind.INDIRECT),
        ("blx r3", BranchKind.CALL_INDIRECT), ("bl .+8", BranchKind.CALL),
        ("beq.n .+8", BranchKind.CONDITIONAL), ("cbz r0,.+8", BranchKind.CONDITIONAL),
        ("b.w .+8", BranchKind.DIRECT), ("tbb [pc,r0]", BranchKind.TABLE),
        ("svc #3", BranchKind.NONE), ("ldr.w r0,[r1],#4", BranchKind.NONE),
    ],
)  # fmt: skip
def test_the_last_instruction_gives_the_kind_of_branch(text: str, kind: BranchKind) -> None:
    assert block(f"nop.w ; {text}").branch is kind


def test_a_direct_branch_has_address_and_target() -> None:
    found = block("nop.w ; beq.n .+8")
    assert (found.branch_address, found.branch_target) == (BASE + 4, BASE + 12)
    assert block("bx lr").branch_target == 0


def test_an_it_block_predicates_its_instructions_and_keeps_flags() -> None:
    found = block("itte ne ; adds r0,#1 ; ldr.n r2,[r3] ; cmp r0,#1 ; adds r0,#1")
    assert [instruction.predicated for instruction in found.instructions] == [
        False, True, True, True, False,
    ]  # fmt: skip
    assert [i.text.split()[0] for i in found.instructions] == [
        "itte", "addne", "ldrne", "cmpeq", "adds",
    ]  # fmt: skip
    written = [{register for register, _ in i.facts.results} for i in found.instructions]
    assert FLAGS not in written[1]  # a 16-bit ADDS in an IT block is an ADD
    assert FLAGS in written[3]
    assert FLAGS in written[4]
    assert [access.predicated for access in found.accesses] == [True]


def test_a_block_may_begin_inside_an_it_block() -> None:
    whole = block("itte ne ; adds r0,#1 ; ldr.n r2,[r3] ; cmp r0,#1")
    first, state = decode_instruction(BASE, code("itte ne"))
    assert first.facts.kind is Kind.IT
    rest = block("adds r0,#1 ; ldr.n r2,[r3] ; cmp r0,#1", it_state=state)
    assert [i.text for i in rest.instructions] == [i.text for i in whole.instructions[1:]]


def test_a_predicated_branch_is_told_apart() -> None:
    found = block("it ne ; b.n .+8")
    assert found.branch is BranchKind.DIRECT
    assert found.branch_predicated
    assert not block("b.n .+8").branch_predicated


def test_each_instruction_is_in_exactly_one_class() -> None:
    found = block("nop.w ; add.w r0,r1,r2 ; muls r0,r1 ; udiv r0,r1,r2 ; vadd.f32 s0,s1,s2 ;"
                  "vfma.f64 d1,d2,d3 ; ldr.w r0,[r1],#4 ; str.w r0,[r1],#4 ; bx lr")  # fmt: skip
    assert found.class_counts == dict.fromkeys(CLASSES, 1)


def test_the_notes_name_the_tables_of_operand_dependent_cycles() -> None:
    found = block("udiv r0,r1,r2 ; vfma.f64 d1,d2,d3 ; vfma.f64 d1,d2,d3 ; vadd.f64 d1,d2,d3")
    assert [(note.instruction, note.table) for note in found.notes] == [
        (0, "udiv"), (1, "vfma.f64"), (2, "vfma.f64.chained"), (3, "vadd.f64"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "bank"),
    [
        ("ldr.w r0,[r1] ; ldr.w r2,[r1,#4]", BANK_OTHER),
        ("ldr.w r0,[r1] ; ldr.w r2,[r1,#8]", BANK_SAME),
        ("ldr.w r0,[r1],#4 ; ldr.w r2,[r1],#4", BANK_OTHER),
        ("ldrb.w r0,[r1] ; ldrb.w r2,[r1,#1]", 0),  # depends on the address: a probe
        ("ldr.w r0,[r1] ; ldr.w r2,[r3]", 2),  # probes 0 and 1 are the loads' alignments
        ("ldr.w r1,[r1] ; ldr.w r2,[r1,#4]", 2),  # the base was loaded anew
        ("ldr.w r0,[r1] ; add.w r0,r1,r2", BANK_NONE),
    ],
)
def test_banks_are_probed_only_where_the_code_does_not_tell(text: str, bank: int) -> None:
    found = block(text)
    assert found.placements[1].bank == bank
    if bank >= 0:
        probe = found.probes[bank]
        assert (probe.kind, probe.a, probe.b) == (ProbeKind.SAME_BANK, 0, 1)


def test_loads_aligned_alike_share_a_probe_and_the_stack_needs_none() -> None:
    found = block("ldr.w r0,[r1] ; ldr.w r2,[r1,#4] ; ldr.w r3,[sp,#4] ; ldr.n r3,[pc,#4]")
    assert [probe.kind for probe in found.probes if probe.kind == ProbeKind.UNALIGNED] == [2]
    assert found.placements[0].unaligned == found.placements[1].unaligned == 0
    assert [placement.unaligned for placement in found.placements[2:]] == [-1, -1]


def test_a_block_never_asks_for_more_probes_than_the_core_holds() -> None:
    assert len(block("100x ldr.w r1,[r1]").probes) == MAX_PROBES


ADDED, MOVED, SET = StackMoveKind


def test_moves_of_sp_by_constants_add_up_and_the_first_access_tells_where_it_was() -> None:
    # PUSH stores at SP-8, SUB goes 16 bytes further down.
    found = block("push {r4,lr} ; sub.w sp,sp,#16 ; str.w r0,[sp] ; add.w sp,sp,#16")
    assert (found.stack_access, found.stack_offset) == (0, -8)
    assert [(m.instruction, m.kind, m.bytes) for m in found.stack_moves] == [
        (0, ADDED, -8), (1, ADDED, -16), (3, ADDED, 16),
    ]  # fmt: skip
    assert block("str.w r0,[r1],#4").stack_access == -1


def test_an_access_behind_an_instruction_that_sets_sp_tells_to_what() -> None:
    found = block("mov sp,r7 ; push {r4,lr} ; str.w r0,[sp]")
    assert found.stack_access == -1
    assert found.stack_moves[0] == StackMove(0, SET, access=0, offset=-8)
    found = block("push {r4,lr} ; mov sp,r7 ; push {r4,lr}")
    assert (found.stack_access, found.stack_offset) == (0, -8)
    assert found.stack_moves[1] == StackMove(1, SET, access=2, offset=-8)


@pytest.mark.parametrize(
    ("text", "kind"),
    [("sub.w sp,sp,r3", MOVED), ("add sp,r3", MOVED), ("mov sp,r3", SET), ("ldr.w sp,[r0]", SET),
     ("msr psp,r0", SET), ("msr control,r0", SET)],
)  # fmt: skip
def test_how_an_instruction_changes_sp(text: str, kind: StackMoveKind) -> None:
    assert [(m.kind, m.access) for m in block(text).stack_moves] == [(kind, -1)]


def test_what_a_condition_may_skip_tells_nothing_of_sp() -> None:
    assert block("push {r4,lr} ; str.w r0,[sp]", it_state=0x08).stack_access == -1  # in an IT EQ


@pytest.mark.parametrize(
    "encoding",
    ["00ee100e", "ffff", "ffffffff", "40f8", "f7"],
    ids=["MCR p14", "half of 32 bits", "all ones", "cut store", "cut half-word"],
)
def test_bytes_that_are_no_instruction_are_refused_with_address_and_bytes(encoding: str) -> None:
    with pytest.raises(UnknownInstructionError, match="0x08001000") as caught:
        decode_block(BASE, bytes.fromhex(encoding))
    assert caught.value.exit_code is ExitCode.FAULT
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("count", [4_000, pytest.param(20_000, marks=pytest.mark.exhaustive)])
def test_random_bytes_are_decoded_or_refused_but_never_crash_the_decoder(count: int) -> None:
    source = random.Random(7)
    decoded = 0
    for _ in range(count):
        data = source.randbytes(4)
        try:
            instructions = decode_block(BASE, data).instructions
        except UnknownInstructionError:
            continue
        decoded += 1
        assert sum(instruction.size for instruction in instructions) == len(data)
    assert decoded > count // 20


ACCESSES = (
    "ldr.w r0,[r1],#4", "ldr.w r0,[r1,#4]!", "ldrh.w r0,[r1,#2]", "ldrb.w r0,[r1,#3]",
    "ldrsb.w r0,[r1]", "ldrd r0,r2,[r1]", "ldm.w r1,{r0,r2,r3}", "ldmdb r1,{r0,r2,r3}",
    "stmdb r1!,{r0,r2,r3}", "push {r0,r2,lr}", "pop {r0,r2}", "strd r0,r2,[r1]", "str.w r0,[r1,#1]",
    "ldr.w r0,[r1,#1]", "strh.w r0,[r1,#1]", "strb.w r0,[r1]", "ldrex r0,[r1]", "strex r0,r2,[r1]",
    "vldr s0,[r1]", "vldr d0,[r1]", "vstr s0,[r1]", "vstr d0,[r1]", "vldmia r1,{s0-s2}",
    "vldmia r1!,{d0-d2}", "vstmdb r1!,{s3-s4}", "vstmia r1,{d3-d4}", "vpush {d8-d9}",
    "vpop {d8-d9}", "pld [r1]", "tbb [r1,r4]", "tbh [r1,r4,lsl #1]", "ldr.n r0,[pc,#4]",
)  # fmt: skip


@pytest.mark.parametrize("text", ACCESSES)
def test_accesses_are_those_that_the_engine_reports(text: str) -> None:
    """The contract between isa.py and the C core: number, order, size and direction."""
    import unicorn
    from unicorn import arm_const as arm
    from unicorn import unicorn_const as const

    uc = unicorn.Uc(const.UC_ARCH_ARM, const.UC_MODE_THUMB, arm.UC_CPU_ARM_CORTEX_M7)
    uc.mem_map(0, 0x1000)
    uc.mem_map(0x2000_0000, 0x1000)
    before = code("ldrex r0,[r1]") if text.startswith("strex") else b""
    uc.mem_write(0, before + code(text))
    for register, value in (
        (arm.UC_ARM_REG_R1, 0x2000_0400), (arm.UC_ARM_REG_SP, 0x2000_0800),
        (arm.UC_ARM_REG_R4, 0), (arm.UC_ARM_REG_FPEXC, 1 << 30),
    ):  # fmt: skip
        uc.reg_write(register, value)
    seen: list[tuple[int, int, bool]] = []

    def on_access(_: Any, kind: int, address: int, size: int, value: int, data: Any) -> None:
        seen.append((address, size, kind == const.UC_MEM_WRITE))

    uc.hook_add(const.UC_HOOK_MEM_READ | const.UC_HOOK_MEM_WRITE, on_access)
    uc.emu_start(1, 0x1000, count=2 if before else 1)
    reported = seen[1:] if before else seen
    expected = decode_block(0, code(text)).accesses
    assert [(size, write) for _, size, write in reported] == [
        (access.size, access.is_write) for access in expected
    ]
    if not before:
        assert sorted(reported) == reported  # ascending addresses


def test_write_back_comes_before_the_loaded_registers() -> None:
    results = [register for register, _ in one("ldr.w r0,[r1],#4").facts.results]
    assert results == [1, 0]


def test_flags_of_an_operand_role_are_those_of_the_condition() -> None:
    assert (FLAGS, Role.FP_SELECT) in one("vseleq.f32 s0,s1,s2").facts.sources


def test_stored_bytes_are_what_the_assembler_makes_of_the_text() -> None:
    needs(ASSEMBLER, "binutils-arm-none-eabi")
    assert assemble(stored()) == stored()


# How objdump names what capstone names otherwise.
_OBJDUMP_NAMES = {
    "ldmia": ("pop", "ldm"), "stmdb": ("push",), "stmia": ("stm",),
    "negs": ("rsbs",), "neg": ("rsb",),
    "mov": ("lsl", "lsr", "asr", "ror", "rrx"), "movs": ("lsls", "lsrs", "asrs", "rors", "rrxs"),
    "add": ("adr",),
}  # fmt: skip
_CONDITION = r"(eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)?"
PROGRAM = r"""
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
    double x = atof(argv[1]);
    float f = (float)x;
    printf("%g %f %d\n", sin(x) + pow(x, 2) + log(x) + cbrt(x) + fmod(x, 3),
           sinf(f) + fmaf(f, f, f), argc / (int)x);
    return (int)strtol(argv[1], 0, 0);
}
"""


def test_a_large_program_decodes_like_the_disassembler_of_binutils(
    tmp_path: Path, arm_gcc: Callable[..., Path]
) -> None:
    """Every instruction of newlib's printf, strtod and libm: same lengths, same mnemonics."""
    source = tmp_path / "large.c"
    source.write_text(PROGRAM)
    elf = arm_gcc(tmp_path / "large.elf", ["-O2", source, "--specs=nosys.specs", "-lm"])
    listing = subprocess.run(
        ["arm-none-eabi-objdump", "-d", elf], check=True, capture_output=True, text=True
    ).stdout
    line = re.compile(r"\s*([0-9a-f]+):\t([0-9a-f]{4})(?: ([0-9a-f]{4}))? *\t([a-z]\S*)")
    found, state = 0, 0
    for address, first, second, name in line.findall(listing):
        data = bytes.fromhex(first)[::-1] + bytes.fromhex(second)[::-1]
        instruction, state = decode_instruction(int(address, 16), data, state)
        assert instruction.size == len(data)
        found += 1
        ours = instruction.mnemonic.removesuffix(".w")
        theirs = name.removesuffix(".w").removesuffix(".n")
        theirs = {"bcs": "bhs", "bcc": "blo"}.get(theirs, theirs)
        if instruction.predicated:
            plain, dot, rest = theirs.partition(".")
            theirs = re.sub(_CONDITION + "$", "", plain) + dot + rest
        assert ours == theirs or ours in _OBJDUMP_NAMES.get(theirs, ()), (ours, name, address)
    assert found > 10_000
