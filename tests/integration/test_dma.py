"""DMA streams of STM32 parts: what they move, when they say so, and what they do not reach."""

from __future__ import annotations

import io

import pytest

from simcore.cpu_model import CpuModel, load_cpu_model
from tests.integration.assembled import Build, go
from tests.integration.transfers import (
    BYTE,
    COPY,
    COUNT_CYCLES,
    CYCLES,
    DMA1,
    DMA2,
    EN,
    END,
    H7_DMA1,
    HALF,
    HTIF,
    MINC,
    PINC,
    PLAIN,
    TABLE,
    TCIF,
    TEIF,
    WORD,
    Copy,
    bytes_from,
    code,
    flags,
    interrupting,
    stores,
    word,
)


@pytest.fixture
def model() -> CpuModel:
    return load_cpu_model("stm32f746")


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
    "across two memories": (
        Copy(4, target=0x2004_BFF8), word(0x2004_C004), bytes_from(13, 0, 1, 2, 3),
    ),
    "not by steps beyond the end": (
        Copy(4, BYTE, BYTE, PINC | MINC | 1 << 15, source=0x2004_FFF8), word(DMA2), TEIF | HTIF,
    ),
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

CLEAR = "ldr r0, =0x40026408\n movs r1, #0x3d\n str r1, [r0]\n"
#: Enables of interrupts: how often they come of one copy, and cycles until the first.
ENABLES = {"end": (1 << 4, 1, 8192), "half": (1 << 3, 1, 4096), "both": (3 << 3, 2, 4096)}


@pytest.mark.parametrize("enable", ENABLES)
@pytest.mark.parametrize("waits", ["b 1b", "wfi\n b 1b"], ids=["a loop", "sleep"])
def test_half_and_end_interrupt(build: Build, model: CpuModel, enable: str, waits: str) -> None:
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
    wait = "1: cmp r7, #0\n beq 1b\n"
    transfer = Copy(4, target=0x7000_0000, control=PINC | MINC | 1 << 2, wait=wait)
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
