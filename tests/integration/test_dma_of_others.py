"""DMA by descriptors of an i.MX RT1060, and rectangles of pixels."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from simcore.cpu_model import CpuModel, load_cpu_model
from tests.integration.assembled import Build, go
from tests.integration.transfers import (
    COPY,
    COUNT_CYCLES,
    CYCLES,
    PLAIN,
    SETTLE,
    TABLE,
    bytes_from,
    code,
    flags,
    interrupting,
    stores,
    word,
)

FLASH_RT = ("-Wl,--section-start=.isr_vector=0x60002000,-Ttext=0x60002100",)


@pytest.fixture
def model() -> CpuModel:
    return load_cpu_model("stm32f746")


# --- descriptors -------------------------------------------------------------------------------

EDMA, MUX, OCRAM = 0x400E_8000, 0x400E_C000, 0x2020_0000


@dataclass(frozen=True)
class Descriptor:
    """A transfer of the eDMA: sizes as in ATTR, offsets, bytes of a minor loop, loops."""

    sizes: int = 0x0202
    steps: tuple[int, int] = (4, 4)
    bytes: int = 16
    loops: int = 1
    control: int = 0
    target: int = OCRAM
    last: tuple[int, int] = (0, 0)
    before: tuple[tuple[int, int], ...] = ()
    start: tuple[str, int, int] = ("strb", 0x1D, 0)  # SSRT
    number: int = 0

    @property
    def text(self) -> str:
        tcd = EDMA + 0x1000 + 0x20 * self.number
        words: list[tuple[int, int | str]] = [
            *self.before,
            (tcd, "table"),
            (tcd + 0x04, self.steps[0] & 0xFFFF | self.sizes << 16),
            (tcd + 0x08, self.bytes),
            (tcd + 0x0C, self.last[0] & 0xFFFF_FFFF),
            (tcd + 0x10, self.target),
            (tcd + 0x14, self.steps[1] & 0xFFFF | self.loops << 16),
            (tcd + 0x18, self.last[1] & 0xFFFF_FFFF),
            (tcd + 0x1C, self.control | self.loops << 16),
        ]
        kind, offset, value = self.start
        begin = f"ldr r0, ={EDMA + offset:#x}\n movs r1, #{value}\n {kind} r1, [r0]\n"
        return stores(*words) + begin


TCD = EDMA + 0x1000
ALWAYS = (((MUX, 0xA000_0000),), ("strb", 0x1B, 0))  # the multiplexer always asks; SERQ
DESCRIBED = {
    "a minor loop": (Descriptor(), word(OCRAM + 12), bytes_from(13, 0, 1, 2, 3)),
    "one for each start": (Descriptor(loops=2), word(TCD + 0x14), 1 << 16 | 4),
    "which leaves the address behind it": (
        Descriptor(loops=2), word(TCD + 0x10), OCRAM + 16,
    ),
    "a start by its own bit": (
        Descriptor(control=1, start=("strb", 0x1D, 0x80)), word(OCRAM), PLAIN,
    ),
    "the major loop is done": (Descriptor(), word(TCD + 0x1C), 1 << 16 | 0x80),
    "and the addresses are put back": (
        Descriptor(last=(-16, -16)), word(TCD + 0x10), OCRAM,
    ),
    "all loops while it is asked": (
        Descriptor(loops=4, control=8, before=ALWAYS[0], start=ALWAYS[1]),
        word(OCRAM + 60), bytes_from(61, 0, 1, 2, 3),
    ),
    "then it asks no more": (
        Descriptor(loops=4, control=8, before=ALWAYS[0], start=ALWAYS[1]), word(EDMA + 0xC), 0,
    ),
    "bytes to words": (Descriptor(0x0002, (1, 4)), word(OCRAM), PLAIN),
    "every other byte": (
        Descriptor(0x0000, (2, 1), 4), word(OCRAM), bytes_from(1, 0, 2, 4, 6),
    ),
    "backwards": (
        Descriptor(0x0000, (1, -1), 4, target=OCRAM + 3), word(OCRAM), bytes_from(4, 0, -1, -2, -3),
    ),
    "round and round": (
        Descriptor(0x1202, (4, 4), 8, target=OCRAM), word(OCRAM + 4), PLAIN,
    ),
    "it says that it is done": (Descriptor(control=2), word(EDMA + 0x24), 1),
    "until that is cleared": (
        Descriptor(control=2), f"{stores((EDMA + 0x24, 1))}{word(EDMA + 0x24)}", 0,
    ),
    "or by a command": (
        Descriptor(control=2),
        f"ldr r0, ={EDMA + 0x1F:#x}\n movs r1, #0\n strb r1, [r0]\n{word(EDMA + 0x24)}", 0,
    ),
    "to DTCM": (Descriptor(target=0x2000_8000), word(0x2000_8000), PLAIN),
    "not where nothing is": (
        Descriptor(target=0x7000_0000), word(EDMA + 4), 0x8000_0001,
    ),
    "not backwards out of memory": (
        Descriptor(0x0000, (1, -1), 4, target=OCRAM + 1), word(EDMA + 4), 0x8000_0001,
    ),
    "not what is no multiple": (Descriptor(bytes=6), word(EDMA + 4), 0x8000_0008),
    "not out of line": (Descriptor(target=OCRAM + 2), word(EDMA + 4), 0x8000_0020),
    "of no size": (Descriptor(sizes=0x0404), word(EDMA + 0x2C), 1),
}  # fmt: skip


@pytest.mark.parametrize("name", DESCRIBED)
def test_a_descriptor_moves(build: Build, name: str) -> None:
    transfer, text, expected = DESCRIBED[name]
    program = build(f"{transfer.text}{SETTLE}{text}{TABLE}", *FLASH_RT)
    assert code(go(program, load_cpu_model("imxrt1062"))) == expected


def test_the_end_of_a_major_loop_interrupts_and_starts_another(build: Build) -> None:
    second = Descriptor(number=1, target=OCRAM + 0x100, control=2, start=("strb", 0x1D, 0x80))
    first = Descriptor(control=2 | 1 << 5 | 1 << 8)  # INTMAJOR, a link to channel 1
    clear = "ldr r0, =0x400e8024\n ldr r1, [r0]\n str r1, [r0]\n"
    wait = "1: wfi\n cmp r7, #2\n bne 1b\n"
    text = second.text + first.text + wait + word(OCRAM + 0x100)
    text = interrupting(0, clear, stores((0xE000_E100, 3)) + text)
    program = build(text, *FLASH_RT)
    assert code(go(program, load_cpu_model("imxrt1062"))) == PLAIN


# --- the master of an STM32H7 -------------------------------------------------------------------

MDMA, AXI, DTCM = 0x5200_0040, 0x2400_0000, 0x2000_8000
WORDS, SOFTWARE, REQUEST = 2 << 4 | 2 << 6 | 2 << 8 | 2 << 10 | 0xA, 1 << 30, 1 << 16
BUFFER, BLOCK, BLOCKS, LIST = (trigger << 28 for trigger in range(4))


def asked(
    control: int,
    length: int,
    *more: tuple[int, int | str],
    target: int = AXI,
    buses: int = 0,
    times: int = 1,
) -> str:
    """Transfers of channel 0 that software asks for, with further registers."""
    words: list[tuple[int, int | str]] = [
        (0x10, control | SOFTWARE), (0x14, length), (0x18, "table"), (0x1C, target), (0x28, buses),
        *more, (0xC, 1), *[(0xC, 1 | REQUEST)] * times,
    ]  # fmt: skip
    return stores(*((MDMA + at, value) for at, value in words)) + SETTLE


TO_DTCM = {"target": DTCM, "buses": 1 << 17}
ASKED = {
    "a block": (asked(WORDS | BLOCK, 16), word(AXI + 12), bytes_from(13, 0, 1, 2, 3)),
    "and nothing behind it": (asked(WORDS | BLOCK, 16), word(AXI + 16), 0),
    "its end is told": (asked(WORDS | BLOCK, 16), word(MDMA), 0x1E),
    "until that is cleared": (
        asked(WORDS | BLOCK, 16), stores((MDMA + 4, 0xE)) + word(MDMA), 0x10,
    ),
    "the channel is off": (asked(WORDS | BLOCK, 16), word(MDMA + 0xC), 0),
    "to DTCM by its bus": (asked(WORDS | BLOCK, 16, **TO_DTCM), word(DTCM), PLAIN),
    "not by the other": (asked(WORDS | BLOCK, 16, target=DTCM), word(MDMA), 1),
    "a buffer": (asked(WORDS | BUFFER | 7 << 18, 16), word(AXI + 8), 0),
    "leaves the rest": (asked(WORDS | BUFFER | 7 << 18, 16), word(MDMA + 0x14), 8),
    "bytes packed to words": (
        asked(2 << 6 | 2 << 10 | 0xA | 1 << 25 | BLOCK, 8), word(AXI), PLAIN,
    ),
    "widths without packing are left out": (
        asked(2 << 6 | 2 << 10 | 0xA | BLOCK, 8), word(MDMA), 1,
    ),
    "blocks that go back to where they began": (
        asked(WORDS | BLOCKS, 4 | 1 << 18 | 2 << 20, (0x20, 4)),
        word(AXI + 8), PLAIN,
    ),
    "a list": (
        asked(WORDS | LIST, 4, (0x24, "link")), word(AXI + 0x100), bytes_from(5, 0, 1, 2, 3),
    ),
}  # fmt: skip
LINK = f""" .balign 8
link: .word {WORDS | LIST | SOFTWARE:#x}, 4, table + 4, {AXI + 0x100:#x}, 0, 0, 0, 0, 0, 0
"""


@pytest.mark.parametrize("name", ASKED)
def test_software_asks_the_master(build: Build, name: str) -> None:
    transfer, text, expected = ASKED[name]
    program = build(f"{transfer}{text}{TABLE}{LINK}")
    assert code(go(program, load_cpu_model("stm32h743"))) == expected


# --- pixels ------------------------------------------------------------------------------------

DMA2D = 0x4002_B000
ARGB, RGB888, RGB565 = 0, 1, 2


def drawing(mode: int, pixels: int, lines: int, *more: tuple[int, int | str]) -> str:
    """A rectangle at COPY, and a wait for its end."""
    size, begin = pixels << 16 | lines, mode << 16 | 1
    words: list[tuple[int, int | str]] = [(0x3C, COPY), (0x0C, "table"), (0x44, size)]
    words += [*more, (0, begin)]
    return stores(*((DMA2D + at, value) for at, value in words)) + flags(DMA2D + 4, 3)


DRAWINGS = {
    "a copy": (drawing(0, 4, 1), word(COPY + 12), bytes_from(13, 0, 1, 2, 3)),
    "and nothing behind it": (drawing(0, 4, 1), word(COPY + 16), 0),
    "lines of a wider picture": (
        drawing(0, 2, 2, (0x10, 1)), word(COPY + 8), bytes_from(13, 0, 1, 2, 3),
    ),
    "to a wider picture": (
        drawing(0, 2, 2, (0x40, 1)), word(COPY + 12), bytes_from(9, 0, 1, 2, 3),
    ),
    "of pixels of three bytes": (
        drawing(0, 3, 1, (0x1C, RGB888)), word(COPY + 8), 9,
    ),
    "a fill": (drawing(3, 2, 2, (0x38, 0x1234_5678)), word(COPY + 12), 0x1234_5678),
    "of pixels of two bytes": (
        drawing(3, 2, 1, (0x34, RGB565), (0x38, 0x5678)), word(COPY), 0x5678_5678,
    ),
    "it is off behind it": (drawing(0, 4, 1), word(DMA2D), 0),
    "its end is told": (drawing(0, 4, 1), word(DMA2D + 4), 2),
    "until that is cleared": (drawing(0, 4, 1), stores((DMA2D + 8, 2)) + word(DMA2D + 4), 0),
    "not where nothing is": (drawing(0, 4, 1, (0x3C, 0x7000_0000)), word(DMA2D + 4), 1),
    "lines in two memories": (
        drawing(0, 2, 2, (0x3C, 0x2004_BFF8), (0x40, 1)),
        word(0x2004_C004), bytes_from(9, 0, 1, 2, 3),
    ),
    "not lines that leave memory": (
        drawing(0, 2, 2, (0x3C, 0x2004_FFF8), (0x40, 1)), word(DMA2D + 4), 1,
    ),
    "a conversion moves nothing": (drawing(1, 4, 1), word(COPY), 0),
    "and ends at once": (drawing(1, 4, 1), word(DMA2D + 4), 2),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWINGS)
def test_rectangles_are_copied_and_filled(build: Build, model: CpuModel, name: str) -> None:
    drawn, text, expected = DRAWINGS[name]
    assert code(go(build(f"{drawn}{text}{TABLE}"), model)) == expected


def test_the_end_of_a_rectangle_interrupts(build: Build, model: CpuModel) -> None:
    words = ((0x3C, COPY), (0x0C, 0x2001_0000), (0x44, 100 << 16 | 10), (0, 1 << 9 | 1))
    text = stores(*((DMA2D + at, value) for at, value in words))
    text = interrupting(90, f"{CYCLES} mov r6, r2\n", f"{COUNT_CYCLES}{text} wfi\n mov r0, r6\n")
    assert 2 * 1000 <= code(go(build(text), model)) < 2 * 1000 + 200
