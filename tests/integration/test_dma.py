"""DMA: what channels move, when they say so, and what they do not reach."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import simcore
from simcore.cpu_model import CpuModel, load_cpu_model
from simcore.machine import EndedRun
from simcore.report.profile import render
from tests.integration.assembled import Build, go

FLASH_RT = ("-Wl,--section-start=.isr_vector=0x60002000,-Ttext=0x60002100",)


@pytest.fixture
def model() -> CpuModel:
    return load_cpu_model("stm32f746")


def code(result: EndedRun) -> int:
    """What the program ended with; it did end."""
    assert result.exit_reason == "exit", (result.exit_reason, result.fault)
    return (result.exit_code or 0) & 0xFFFF_FFFF


def stores(*words: tuple[int, int | str]) -> str:
    """Stores of words, each (address, value or label)."""
    return "".join(f"ldr r0, ={at:#x}\n ldr r1, ={value}\n str r1, [r0]\n" for at, value in words)


def flags(address: int, mask: int) -> str:
    """Waits until a bit of a register's mask is set."""
    return f"ldr r0, ={address:#x}\n 1: ldr r1, [r0]\n tst r1, #{mask:#x}\n beq 1b\n"


END = " bl exit_r0\n .ltorg\n .balign 4\n"
BYTES = " .byte " + ", ".join(str(n) for n in range(1, 65)) + "\n"
TABLE = END + "table:" + BYTES

# --- streams -----------------------------------------------------------------------------------

DMA1, DMA2, H7_DMA1 = 0x4002_6000, 0x4002_6400, 0x4002_0000
COPY = 0x2002_0000
IN_MEMORY, PINC, MINC, EN = 2 << 6, 1 << 9, 1 << 10, 1
BYTE, HALF, WORD = 0, 1, 2
TCIF, HTIF, TEIF = 1 << 5, 1 << 4, 1 << 3


@dataclass(frozen=True)
class Copy:
    """A transfer in memory by stream 0 of a controller."""

    items: int
    read: int = WORD
    write: int = WORD
    control: int = PINC | MINC
    source: int | str = "table"
    target: int = COPY
    base: int = DMA2
    wait: str = ""

    @property
    def text(self) -> str:
        sizes = self.read << 11 | self.write << 13
        return stores(
            (self.base + 0x14, self.items),
            (self.base + 0x18, self.source),
            (self.base + 0x1C, self.target),
            (self.base + 0x24, 0x27),
            (self.base + 0x10, IN_MEMORY | sizes | self.control | EN),
        ) + (self.wait or flags(self.base, TCIF | TEIF))


def word(address: int) -> str:
    return f"ldr r0, ={address:#x}\n ldr r0, [r0]\n"


def bytes_from(first: int, *steps: int) -> int:
    return sum((first + step) << 8 * n for n, step in enumerate(steps))


PLAIN = bytes_from(1, 0, 1, 2, 3)
#: The transfer, what is loaded into r0 behind it, and what that is, worked out by hand.
COPIES = {
    "words": (Copy(4), word(COPY + 12), bytes_from(13, 0, 1, 2, 3)),
    "and nothing behind them": (Copy(4), word(COPY + 16), 0),
    "bytes": (Copy(3, BYTE, BYTE), word(COPY), bytes_from(1, 0, 1, 2)),
    "halfwords": (Copy(2, HALF, HALF), word(COPY), PLAIN),
    "bytes packed to words": (Copy(4, BYTE, WORD), word(COPY), PLAIN),
    "words unpacked to bytes": (Copy(1, WORD, BYTE), word(COPY), PLAIN),
    "a source that stands still": (
        Copy(2, WORD, WORD, MINC), word(COPY + 4), PLAIN,
    ),
    "a target that stands still": (
        Copy(2, WORD, WORD, PINC), word(COPY), bytes_from(5, 0, 1, 2, 3),
    ),
    "steps of four whatever the size": (
        Copy(4, BYTE, BYTE, PINC | MINC | 1 << 15), word(COPY), bytes_from(1, 0, 4, 8, 12),
    ),
    "a target above its source, item by item": (
        Copy(4, source=COPY, target=COPY + 4), word(COPY + 16), 0x5A,
    ),
    "a target above its source, far enough": (
        Copy(4, source=COPY, target=COPY + 8), word(COPY + 8), 0x5A,
    ),
    "the stream is off behind it": (Copy(4), word(DMA2 + 0x10), 0x5680),
    "nothing is left": (Copy(4), word(DMA2 + 0x14), 0),
    "half and end are told": (Copy(4), word(DMA2), TCIF | HTIF),
    "flags are cleared by ones": (
        Copy(4), stores((DMA2 + 8, TCIF)) + word(DMA2), HTIF,
    ),
    "and are not written": (Copy(4), stores((DMA2, 0)) + word(DMA2), TCIF | HTIF),
    "to DTCM": (Copy(4, target=0x2000_8000), word(0x2000_8000), PLAIN),
    "not to ITCM": (Copy(4, target=0x100), word(DMA2), TEIF),
    "not from flash on the ITCM bus": (Copy(4, source=0x0020_0100), word(DMA2), TEIF),
    "not to flash": (Copy(4, target=0x0801_0000), word(DMA2), TEIF),
    "not where nothing is": (Copy(4, target=0x7000_0000), word(DMA2), TEIF),
    "not beyond the end of memory": (
        Copy(4, target=0x2004_FFF8), word(0x2004_FFFC), bytes_from(5, 0, 1, 2, 3),
    ),
    "which is an error": (Copy(4, target=0x2004_FFF8), word(DMA2), TEIF | HTIF),
    "nor with DMA1, whose other port has no memory": (Copy(4, base=DMA1), word(DMA1), TEIF),
    "not to its own registers": (Copy(1, target=DMA2 + 0x28), word(DMA2), TEIF),
    "to a port of pins": (
        Copy(1, source="ports", target=0x4002_0018), word(0x4002_0014), 0x0000_0041,
    ),
    "from random numbers, by their rule": (
        Copy(1, source=0x5006_0808, control=MINC), word(COPY), 1013904223,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", COPIES)
def test_a_stream_copies(build: Build, model: CpuModel, name: str) -> None:
    transfer, text, expected = COPIES[name]
    program = f"{stores((COPY, 0x5A))}{transfer.text}{text}{TABLE} .balign 4\nports: .word 0x41\n"
    assert code(go(build(program), model)) == expected


OTHERS = {
    "stm32h743, AXI SRAM": ("stm32h743", Copy(4, target=0x2400_0000, base=H7_DMA1), TCIF | HTIF),
    "stm32h743, SRAM4": ("stm32h743", Copy(4, target=0x3800_0000, base=H7_DMA1), TCIF | HTIF),
    "stm32h743, not DTCM": ("stm32h743", Copy(4, target=0x2000_8000, base=H7_DMA1), TEIF),
    "stm32f767, DTCM": ("stm32f767", Copy(4, target=0x2000_8000), TCIF | HTIF),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_it_reaches_is_the_parts(build: Build, name: str) -> None:
    part, transfer, expected = OTHERS[name]
    program = build(f"{transfer.text}{word(transfer.base)}{TABLE}")
    assert code(go(program, load_cpu_model(part))) == expected


# --- time --------------------------------------------------------------------------------------

COUNT_CYCLES = stores((0xE000_EDFC, 1 << 24), (0xE000_1000, 1))
CYCLES = "ldr r2, =0xe0001004\n ldr r2, [r2]\n"


@pytest.mark.parametrize("items", [16, 1024, 65535])
def test_a_copy_takes_its_time(build: Build, model: CpuModel, items: int) -> None:
    transfer = Copy(items, BYTE, BYTE, source=0x2001_0000)
    text = f"{COUNT_CYCLES}{transfer.text}{CYCLES} mov r0, r2\n{END}"
    assert 8 * items <= code(go(build(text), model)) < 8 * items + 400


def test_what_is_left_counts_down(build: Build, model: CpuModel) -> None:
    wait = "mov r1, #250\n 1: subs r1, #1\n bne 1b\n"
    transfer = Copy(1024, source=0x2001_0000, wait=wait)
    # 250 turns of a loop take at least as many cycles, and at most four times as many.
    left = code(go(build(f"{transfer.text}{word(DMA2 + 0x14)}{END}"), model))
    assert 1024 - (4 * 250 + 100) // 8 <= left <= 1024 - 250 // 8


def test_a_stream_that_is_switched_off_stops(build: Build, model: CpuModel) -> None:
    wait = stores((DMA2 + 0x10, 0)) + "ldr r0, =0x40026414\n ldr r4, [r0]\n mov r1, #4000\n"
    wait += "1: subs r1, #1\n bne 1b\n"
    transfer = Copy(1024, source=0x2001_0000, wait=wait)
    text = f"{transfer.text}{word(DMA2 + 0x14)} subs r0, r4\n ldr r1, =0x40026400\n ldr r1, [r1]\n"
    assert code(go(build(f"{text} orr r0, r1\n{END}"), model)) == TCIF


def test_registers_of_a_stream_that_is_on_keep_what_they_hold(
    build: Build, model: CpuModel
) -> None:
    wait = stores((DMA2 + 0x1C, 0), (DMA2 + 0x14, 5)) + flags(DMA2, TCIF)
    text = f"{Copy(64, source=0x2001_0000, wait=wait).text}{word(DMA2 + 0x1C)}{END}"
    assert code(go(build(text), model)) == COPY


# --- interrupts --------------------------------------------------------------------------------


def interrupting(number: int, handler: str, text: str) -> str:
    """Text with an interrupt enabled; r7 counts the times that its handler ran."""
    return f"""
        {stores((0xE000_ED08, "vectors"), (0xE000_E100 + number // 32 * 4, 1 << number % 32))}
        movs r7, #0
        {text}
        bl exit_r0
        .ltorg
        .type ended, %function
    ended:
        adds r7, #1
        {handler}
        bx lr
        .ltorg
        .balign 512
    vectors:
        .rept 112
        .word ended + 1
        .endr
    table:{BYTES}
    """


CLEAR = "ldr r0, =0x40026408\n movs r1, #0x3d\n str r1, [r0]\n"
#: Enables of interrupts: how often they come of one copy, and cycles after which the first has come.
ENABLES = {"end": (1 << 4, 1, 8192), "half": (1 << 3, 1, 4096), "both": (3 << 3, 2, 4096)}


@pytest.mark.parametrize("enable", ENABLES)
@pytest.mark.parametrize("waits", ["b 1b", "wfi\n b 1b"], ids=["a loop", "sleep"])
def test_half_and_end_interrupt(
    build: Build, model: CpuModel, enable: str, waits: str
) -> None:
    bits, times, first = ENABLES[enable]
    transfer = Copy(1024, source=0x2001_0000, control=PINC | MINC | bits, wait=COUNT_CYCLES)
    wait = f"1: cmp r7, #{times}\n bge 2f\n {waits}\n 2:"
    text = interrupting(56, f"{CLEAR}{CYCLES} mov r6, r2\n", f"{transfer.text}{wait} mov r0, r6\n")
    last = first if times == 1 else 8192
    assert last - 100 <= code(go(build(text), model)) < last + 200


def test_an_interrupt_that_is_not_enabled_does_not_come(build: Build, model: CpuModel) -> None:
    transfer = Copy(16, source=0x2001_0000, control=PINC | MINC)
    text = interrupting(56, CLEAR, f"{transfer.text} mov r0, r7\n")
    assert code(go(build(text), model)) == 0


def test_an_error_interrupts(build: Build, model: CpuModel) -> None:
    transfer = Copy(4, target=0x7000_0000, control=PINC | MINC | 1 << 2, wait="1: cmp r7, #0\n beq 1b\n")
    text = interrupting(56, f"{word(DMA2)} mov r4, r0\n{CLEAR}", f"{transfer.text} mov r0, r4\n")
    assert code(go(build(text), model)) == TEIF


# --- peripherals -------------------------------------------------------------------------------

USART1, ADC1 = 0x4001_1000, 0x4001_2000
BAUD = 100  # a byte each 2,000 core cycles: ten bits of 100 cycles of half the core's clock


def sends(channel: int = 4, dmat: int = 1 << 7, control: int = 0, stream: int = 7) -> str:
    """USART1 sends the first four bytes of `letters` by a stream of DMA2."""
    first = DMA2 + 0x10 + 0x18 * stream
    return stores(
        (USART1, 0xD),
        (USART1 + 0xC, BAUD),
        (first + 4, 4),
        (first + 8, USART1 + 0x28),
        (first + 0xC, "letters"),
        (first, channel << 25 | 1 << 6 | MINC | EN | control),
        (USART1 + 8, dmat),
    )


LETTERS = END + 'letters: .ascii "DMA\\n"\n'


def test_a_serial_port_sends_by_dma(build: Build, model: CpuModel) -> None:
    out = io.BytesIO()
    text = f"{COUNT_CYCLES}{sends()}{flags(DMA2 + 4, 1 << 27)}{CYCLES} mov r0, r2\n{LETTERS}"
    cycles = code(go(build(text), model, stdout=out))
    assert out.getvalue() == b"DMA\n"
    assert 4 * 10 * BAUD * 2 <= cycles < 4 * 10 * BAUD * 2 + 500


WRONG = {"channel": {"channel": 5}, "stream": {"stream": 5}, "not asked for": {"dmat": 0}}


@pytest.mark.parametrize("wrong", WRONG)
def test_nothing_is_sent_that_nobody_asks_for(build: Build, model: CpuModel, wrong: str) -> None:
    out = io.BytesIO()
    stream = WRONG[wrong].get("stream", 7)
    text = f"{sends(**WRONG[wrong])} ldr r0, =20000\n1: subs r0, #1\n bne 1b\n"
    text += word(DMA2 + 0x14 + 0x18 * stream) + LETTERS
    assert code(go(build(text), model, stdout=out)) == 4
    assert out.getvalue() == b""


def test_a_circular_stream_begins_anew(build: Build, model: CpuModel) -> None:
    out = io.BytesIO()
    text = f"{sends(control=1 << 8)} ldr r4, =0x40026404\n movs r5, #3\n"
    text += "2: ldr r1, [r4]\n tst r1, #0x8000000\n beq 2b\n mov r1, #0x8000000\n"
    text += "ldr r0, =0x4002640c\n str r1, [r0]\n subs r5, #1\n bne 2b\n movs r0, #0\n" + LETTERS
    assert code(go(build(text), model, stdout=out)) == 0
    assert out.getvalue() == b"DMA\n" * 3


#: ADON, CONT and DMA of an ADC; with a trigger, which never comes.
CONVERSIONS = {"continuous": (0x103, 0), "one at a time": (0x101, 4), "triggered": (0x1000_0103, 4)}


@pytest.mark.parametrize("name", CONVERSIONS)
def test_conversions_are_fetched(build: Build, model: CpuModel, name: str) -> None:
    control, left = CONVERSIONS[name]
    text = stores(
        (COPY, 0x5A),
        (DMA2 + 0x14, 4),
        (DMA2 + 0x18, ADC1 + 0x4C),
        (DMA2 + 0x1C, COPY),
        (DMA2 + 0x10, MINC | HALF << 11 | HALF << 13 | EN),
        (ADC1 + 8, control),
    )
    text += f"mov r0, #1000\n1: subs r0, #1\n bne 1b\n{word(DMA2 + 0x14)}"
    assert code(go(build(text + END), model)) == left


# --- descriptors -------------------------------------------------------------------------------

EDMA, MUX, OCRAM = 0x400E_8000, 0x400E_C000, 0x2020_0000


@dataclass(frozen=True)
class Descriptor:
    """A transfer of channel 0 of the eDMA: sizes as in ATTR, offsets, bytes of a minor loop, loops."""

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
    more: dict[int, int] = field(default_factory=dict)

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
        return stores(*words) + f"ldr r0, ={EDMA + offset:#x}\n movs r1, #{value}\n {kind} r1, [r0]\n"


TCD = EDMA + 0x1000
SETTLE = "mov r0, #4000\n1: subs r0, #1\n bne 1b\n"
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


# --- pixels ------------------------------------------------------------------------------------

DMA2D = 0x4002_B000
ARGB, RGB888, RGB565 = 0, 1, 2


def drawing(mode: int, pixels: int, lines: int, *more: tuple[int, int | str]) -> str:
    """A rectangle at COPY, and a wait for its end."""
    words = [(0x3C, COPY), (0x0C, "table"), (0x44, pixels << 16 | lines), *more, (0, mode << 16 | 1)]
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


# --- programs that mean no good ----------------------------------------------------------------

LOOP = "ldr r4, =300\n 3: {start} subs r4, #1\n bne 3b\n movs r0, #7\n"
HOSTILE = {
    "over the stack": Copy(64, target=0x2000_FF80, control=MINC).text + "movs r0, #7\n",
    "over the code that runs": (
        Copy(16, source="table", target=0x2002_0000).text
        + "ldr r0, =0x20020001\n ldr r1, =0x4770bf00\n str r1, [r0, #-1]\n blx r0\n"
        + Copy(1, source="code", target=COPY).text
        + "movs r0, #0\n ldr r1, =0x20020001\n blx r1\n"
    ),
    "many at once": LOOP.format(start=Copy(65535, source=COPY, target=COPY + 2, wait=" ").text),
    "all streams with nothing to do": "".join(
        stores((DMA2 + 0x10 + 0x18 * n, EN)) for n in range(8)
    ) + "movs r0, #7\n",
    "every bit": "".join(
        stores((DMA2 + 4 * n, 0xFFFF_FFFF)) for n in range(0x34)
    ) + SETTLE + "movs r0, #7\n",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_hangs_or_breaks(build: Build, model: CpuModel, name: str) -> None:
    tail = f"{TABLE} .balign 4\ncode: .short 0x2007, 0x4770\n"  # MOVS r0, #7; BX lr
    assert code(go(build(HOSTILE[name] + tail), model)) == 7


# --- what is told ------------------------------------------------------------------------------

CACHES_ON = stores((0xE000_ED14, 0x3_0200)) + "dsb\n isb\n"
FILL = f"ldr r0, ={COPY:#x}\n movs r1, #16\n 9: str r1, [r0], #4\n subs r1, #1\n bne 9b\n"


def profile_of(build: Build, tmp_path: Path, text: str) -> simcore.Profile:
    build(text, "-g")
    return simcore.profile(tmp_path / "program.elf", cpu="stm32f746", clock_hz=200_000_000)


def test_a_profile_has_what_was_moved_by_region(build: Build, tmp_path: Path) -> None:
    profile = profile_of(build, tmp_path, f"{Copy(4).text} movs r0, #0\n{TABLE}")
    rows = [(row.region, row.read_bytes, row.write_bytes) for row in profile.dma or ()]
    assert rows == [("flash", 16, 0), ("sram1", 0, 16)]
    assert simcore.Profile.from_json(profile.to_json()).dma == profile.dma
    assert re.search(r"sram1 +0 B +16 B", render(profile, "text"))
    none = profile_of(build, tmp_path, f"movs r0, #0\n{END}")
    assert none.dma is None
    assert '"dma"' not in none.to_json()


def test_a_capture_has_it(build: Build, tmp_path: Path) -> None:
    live = profile_of(build, tmp_path, f"{Copy(4).text} movs r0, #0\n{TABLE}")
    file = tmp_path / "program.capture"
    simcore.record(tmp_path / "program.elf", file, cpu="stm32f746", clock_hz=200_000_000)
    again = simcore.replay(file)
    assert (again.dma, again.totals) == (live.dma, live.totals)


OUT = Copy(16, source=COPY, target=COPY + 0x1000).text
IN = Copy(16, target=COPY).text
READ = f"ldr r0, ={COPY:#x}\n ldr r2, [r0]\n"
LINES = f"ldr r0, ={COPY:#x}\n ldr r1, =0xe000ef{{register}}\n str r0, [r1]\n adds r0, #32\n str r0, [r1]\n dsb\n"
CLEAN, INVALIDATE = LINES.format(register="68"), LINES.format(register="5c")
#: What a program does, and what it is warned of.
MAINTENANCE = {
    "sends what is dirty": (FILL + OUT, "while 2 lines of it in the D-cache are dirty"),
    "sends what is clean": (FILL + CLEAN + OUT, None),
    "reads what is stale": (READ + IN + READ, "from 1 line that the D-cache holds since before"),
    "reads what is fresh": (READ + IN + INVALIDATE + READ, None),
    "reads what was never cached": (IN + READ, None),
}


@pytest.mark.parametrize("name", MAINTENANCE)
def test_a_program_that_forgets_the_cache_is_warned(
    build: Build, tmp_path: Path, name: str
) -> None:
    text, warning = MAINTENANCE[name]
    profile = profile_of(build, tmp_path, f"{CACHES_ON}{text} movs r0, #0\n{TABLE}")
    told = [one for one in profile.warnings if "D-cache" in one]
    assert len(told) == (warning is not None)
    assert [one for one in told if warning not in one] == []
