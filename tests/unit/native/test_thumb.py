"""thumb.c against a table of encodings: lengths, IT blocks, what capture watches, operand classes.

Encodings by arm-none-eabi-as 2.40 -mcpu=cortex-m7 -mfpu=fpv5-d16, halfwords as objdump prints them.
"""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import native

Watch = tuple[int, str, int, int]  # offset, kind, first and second operand register

NOT_WATCHED = """
bf00       nop
46c0       mov r8, r8
bf30       wfi
4770       bx lr
e7fe       b .
fb01 f002  mul.w r0, r1, r2
fb01 3002  mla r0, r1, r2, r3
fba2 0103  umull r0, r1, r2, r3
fbc2 01c3  smlald r0, r1, r2, r3
fb51 f002  smmul r0, r1, r2
fbe2 0163  umaal r0, r1, r2, r3
ee30 0a81  vadd.f32 s0, s1, s2
ee80 0a81  vdiv.f32 s0, s1, s2
eeb1 0ae0  vsqrt.f32 s0, s1
eea0 0a81  vfma.f32 s0, s1, s2
eeb0 0bc1  vabs.f64 d0, d1
eeb1 0b41  vneg.f64 d0, d1
eeb0 0b41  vmov.f64 d0, d1
eeb7 0b00  vmov.f64 d0, #1.0
eeb4 0b41  vcmp.f64 d0, d1
eeb5 0b40  vcmp.f64 d0, #0.0
eeb7 0bc1  vcvt.f32.f64 s0, d1
eeb7 0ae0  vcvt.f64.f32 d0, s1
eebd 0bc1  vcvt.s32.f64 s0, d1
eeb8 0be0  vcvt.f64.s32 d0, s1
eeb6 0bc1  vrintz.f64 d0, d1
feb8 0b41  vrinta.f64 d0, d1
fe81 0b02  vmaxnm.f64 d0, d1, d2
fe01 0b02  vseleq.f64 d0, d1, d2
ed90 0b00  vldr d0, [r0]
ed80 0b00  vstr d0, [r0]
ecb0 0b08  vldmia r0!, {d0-d3}
ec51 0b10  vmov r0, r1, d0
ec41 0b10  vmov d0, r0, r1
ee00 0b10  vmov.32 d0[0], r0
ee00 0a10  vmov s0, r0
eef1 fa10  vmrs APSR_nzcv, fpscr
f7ff fffe  bl .
f7ff bffe  b.w .
f8d1 0000  ldr.w r0, [r1]
e9d2 0100  ldrd r0, r1, [r2]
f241 2034  movw r0, #0x1234
e8df f000  tbb [pc, r0]
e92d 41f0  push.w {r4-r8, lr}
"""

WATCHED = """
fb91 f0f2  SDIV 1 2        sdiv r0, r1, r2
fb9b fcfa  SDIV 11 10      sdiv r12, r11, r10
fbb1 f0f2  UDIV 1 2        udiv r0, r1, r2
fbbe f7f9  UDIV 14 9       udiv r7, r14, r9
ee31 0b02  F64 1 2         vadd.f64 d0, d1, d2
ee3f 7b48  F64 15 8        vsub.f64 d7, d15, d8
ee24 3b0c  F64 4 12        vmul.f64 d3, d4, d12
ee24 3b45  F64 4 5         vnmul.f64 d3, d4, d5
ee89 0b01  F64 9 1         vdiv.f64 d0, d9, d1
ee01 0b02  F64 1 2         vmla.f64 d0, d1, d2
ee01 0b42  F64 1 2         vmls.f64 d0, d1, d2
ee11 0b42  F64 1 2         vnmla.f64 d0, d1, d2
ee11 0b02  F64 1 2         vnmls.f64 d0, d1, d2
eea1 0b02  F64 1 2         vfma.f64 d0, d1, d2
eea1 0b42  F64 1 2         vfms.f64 d0, d1, d2
ee91 0b42  F64 1 2         vfnma.f64 d0, d1, d2
ee91 0b02  F64 1 2         vfnms.f64 d0, d1, d2
eeb1 3bce  F64_UNARY _ 14  vsqrt.f64 d3, d14
"""


def rows(table: str) -> list[tuple[bytes, list[str]]]:
    """(code, the other columns) of each line."""
    found = []
    for line in table.strip().splitlines():
        columns = line.split()
        count = 2 if int(columns[0], 16) >= 0xE800 else 1  # Armv7-M ARM A5.1
        found.append((code(" ".join(columns[:count])), columns[count:]))
    return found


def code(halfwords: str) -> bytes:
    return b"".join(struct.pack("<H", int(halfword, 16)) for halfword in halfwords.split())


def scan(block: bytes, it_state: int = 0, room: int = 64) -> tuple[list[Watch], int]:
    """(watch list, instructions)."""
    ffi, lib = native.load()
    watches, count = ffi.new("struct watch[]", room or 1), ffi.new("uint32_t *")
    found = lib.thumb_scan(block, len(block), it_state, watches, room, count)
    kinds = {value: name for name, value in native.constants("watch_kind", "WATCH_").items()}
    return [(w.offset, kinds[w.kind].upper(), w.n, w.m) for w in watches[0:found]], count[0]


@pytest.mark.parametrize(("block", "text"), rows(NOT_WATCHED), ids=lambda value: str(value))
def test_most_instructions_cost_the_same_whatever_their_operands(
    block: bytes, text: list[str]
) -> None:
    assert scan(block) == ([], 1), text


@pytest.mark.parametrize(("block", "told"), rows(WATCHED), ids=lambda value: str(value))
def test_divides_and_double_arithmetic_are_watched_with_their_operands(
    block: bytes, told: list[str]
) -> None:
    watches, count = scan(block)
    assert count == 1
    [(offset, kind, n, m)] = watches
    assert (offset, kind, m) == (0, told[0], int(told[2]))
    if told[1] != "_":
        assert n == int(told[1])


def test_a_block_is_walked_by_the_lengths_of_its_instructions() -> None:
    blocks = [block for block, _ in rows(NOT_WATCHED)] + [block for block, _ in rows(WATCHED)]
    watches, count = scan(b"".join(blocks))
    assert count == len(blocks)
    starts = [sum(len(block) for block in blocks[:i]) for i in range(len(blocks))]
    assert [watch[0] for watch in watches] == starts[len(rows(NOT_WATCHED)) :]


IT_BLOCK = code(
    "bfcb fbb1 f0f2 ee32 1b03 eb04 0305 4770 bf00"
    # itete gt ; udivgt r0,r1,r2 ; vaddle.f64 d1,d2,d3 ; addgt.w r3,r4,r5 ; bxle lr ; nop
)


def test_each_instruction_of_an_it_block_is_watched_and_none_behind_it() -> None:
    watches, count = scan(IT_BLOCK)
    assert count == 6
    assert [watch[:2] for watch in watches] == [
        (2, "UDIV"),
        (6, "F64"),
        (10, "PREDICATED"),
        (14, "PREDICATED"),
    ]


@pytest.mark.parametrize(
    ("it", "length"),
    # it eq, ite ne, itt, ittt, itet, itttt, itete gt; the lowest set bit of the mask ends the block
    [("bf08", 1), ("bf14", 2), ("bf04", 2), ("bf02", 3), ("bf0a", 3), ("bf01", 4), ("bfcb", 4)],
)
def test_an_it_mask_says_how_many_instructions_it_governs(it: str, length: int) -> None:
    watches, _ = scan(code(it + " bf00" * 8))
    assert [watch[0] for watch in watches] == [2 + 2 * i for i in range(length)]


@pytest.mark.parametrize("hint", ["bf00", "bf10", "bf20", "bf30", "bf40"])
def test_hints_are_not_it_instructions(hint: str) -> None:  # nop, yield, wfe, wfi, sev
    assert scan(code(f"{hint} 46c0 46c0")) == ([], 3)


@given(st.integers(0, 8))
def test_an_it_block_goes_on_in_a_block_that_begins_in_its_middle(cut: int) -> None:
    # Cut at an instruction, the two parts are watched as the whole was.
    _, lib = native.load()
    offsets = [0, 2, 6, 10, 14, 16, 18]
    at = offsets[cut % len(offsets)]
    state = lib.thumb_it_state_at(IT_BLOCK, at, 0)
    head, head_count = scan(IT_BLOCK[:at])
    tail, tail_count = scan(IT_BLOCK[at:], state)
    whole, count = scan(IT_BLOCK)
    assert head + [(at + watch[0], *watch[1:]) for watch in tail] == whole
    assert head_count + tail_count == count


def test_it_state_advances_as_the_manual_says() -> None:
    # ITSTATE of itete gt: condition 1100, then 1 1011, shifted left until 000 is left below.
    _, lib = native.load()
    states = [lib.thumb_it_state_at(IT_BLOCK, at, 0) for at in (2, 6, 10, 14, 16)]
    assert states == [0b1100_1011, 0b1101_0110, 0b1100_1100, 0b1101_1000, 0]


def test_an_instruction_cut_off_at_the_end_of_a_block_is_counted_but_not_decoded() -> None:
    assert scan(code("bf00 fbb1")) == ([], 2)


def test_a_watch_list_without_room_keeps_what_it_holds() -> None:
    watches, count = scan(IT_BLOCK, room=2)
    assert [watch[1] for watch in watches] == ["UDIV", "F64"]
    assert count == 6


def divide_class(dividend: int, divisor: int, signed: bool) -> int:
    _, lib = native.load()
    mask = 0xFFFF_FFFF
    return int(lib.thumb_divide_class(dividend & mask, divisor & mask, signed))


@pytest.mark.parametrize(
    ("dividend", "divisor", "signed", "expected"),
    [
        (100, 0, False, 33),
        (0, 0, True, 33),
        (0xFFFF_FFFF, 1, False, 32),  # 31 - 0 + 1
        (1, 1, False, 1),
        (7, 4, False, 1),  # same number of bits
        (8, 4, False, 2),
        (3, 4, False, 0),  # one bit less: the quotient is 0
        (1, 0xFFFF_FFFF, False, 0),  # 0 - 31 is no less than -1
        (0, 5, False, 0),
        (-8, 4, True, 2),  # magnitudes
        (8, -4, True, 2),
        (-1, 1, True, 1),
        (-(2**31), 1, True, 32),
        (-(2**31), -1, True, 32),
        (-1, 1, False, 32),
    ],
)
def test_a_divide_is_classed_by_the_bits_of_its_quotient(
    dividend: int, divisor: int, signed: bool, expected: int
) -> None:
    assert divide_class(dividend, divisor, signed) == expected


@given(st.integers(-(2**31), 2**31 - 1), st.integers(-(2**31), 2**31 - 1))
def test_a_signed_divide_is_classed_as_that_of_its_magnitudes(dividend: int, divisor: int) -> None:
    bits = max(abs(dividend).bit_length() - abs(divisor).bit_length(), -1) + 1
    expected = bits if divisor else 33
    assert divide_class(dividend, divisor, True) == expected
    assert divide_class(abs(dividend), abs(divisor), False) == expected


SAME, DIFFERENT, DENORMAL, ZERO = range(4)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (1.0, 1.5, SAME),
        (-1.0, 1.5, SAME),
        (1.0, 2.0, DIFFERENT),
        (1e300, 1e-300, DIFFERENT),
        (5e-324, 1.0, DENORMAL),
        (1.0, -5e-324, DENORMAL),
        (5e-324, 5e-324, DENORMAL),
        (2.2250738585072014e-308, 1.0, DIFFERENT),  # the smallest normal number
        (0.0, 1.0, ZERO),
        (1.0, -0.0, ZERO),
        (0.0, 5e-324, ZERO),
        (float("inf"), float("nan"), SAME),
    ],
)
def test_doubles_are_classed_by_their_exponents(a: float, b: float, expected: int) -> None:
    _, lib = native.load()
    bits = struct.unpack("<2Q", struct.pack("<2d", a, b))
    assert lib.thumb_double_class(*bits) == expected
