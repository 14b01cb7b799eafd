"""What firmware says to FLASH_ACR and ACTLR reaches the timing of its own run."""

from __future__ import annotations

import pytest

from simcore.core.counters import CAUSES
from simcore.cpu_model import load_cpu_model
from simcore.elf import Image, Segment
from simcore.machine import EndedRun, RunOptions, run

FLASH_ACR, ACTLR = 0x4002_3C00, 0xE000_E008
FLASH, RAM = 0x0800_0000, 0x2001_0000
BTAC_OFF = 0x3000  # DISBTACREAD
LOOPS = 1000
NOP = b"\x00\xbf"
# movs r0,#0x18 ; movw r1,#0x26 ; movt r1,#2 ; bkpt 0xab: semihosting SYS_EXIT, all well
LEAVE = bytes.fromhex("1820 40f22601 c0f20201 abbe")
# subs r3,#1 ; bne .-2
LOOP = bytes.fromhex("013b fdd1")


def constant(register: int, value: int) -> bytes:
    """movw and movt of a 32-bit constant (encodings T3 and T1 of the Armv7-M ARM)."""
    code = b""
    for opcode, half in ((0xF240, value & 0xFFFF), (0xF2C0, value >> 16)):
        high = opcode | half >> 12 | (half >> 11 & 1) << 10
        low = (half >> 8 & 7) << 12 | register << 8 | half & 0xFF
        code += high.to_bytes(2, "little") + low.to_bytes(2, "little")
    return code


def store(address: int, value: int) -> bytes:
    """Stores a word: str r1,[r0], then dsb."""
    return constant(0, address) + constant(1, value) + bytes.fromhex("0160 bff34f8f")


def go(code: bytes, clock_hz: int = 216_000_000, caches: str = "off", at: int = RAM) -> EndedRun:
    """Runs code on an STM32F746 to its exit."""
    code += NOP * (-len(code) // 2 % 4) + LEAVE
    image = Image(
        "demo.elf", "", None, None, at | 1, (Segment(at, at, code, len(code), True, False),)
    )
    result = run(image, load_cpu_model("stm32f746"), RunOptions(clock_hz, caches=caches))
    assert result.exit_code == 0, result.fault
    return result


def cycles(result: EndedRun) -> int:
    total = result.counters.total()
    return sum(total[f"cycles.{cause}"] for cause in CAUSES)


def reads(lines: int) -> bytes:
    """Loads a word of each of some flash lines: ldr r2,[r0] ; adds r0,#32."""
    return constant(0, FLASH + 0x1000) + bytes.fromhex("0268 2030") * lines


def flash_read_cycles(prefix: bytes, clock_hz: int) -> float:
    """Cycles of one such read and its add, from the difference of two runs."""
    few, many = (cycles(go(prefix + reads(lines), clock_hz)) for lines in (20, 120))
    return (many - few) / 100


@pytest.mark.parametrize(
    ("clock_hz", "needed"), [(216_000_000, 7), (60_000_000, 1), (30_000_000, 0)]
)
def test_firmware_that_leaves_flash_acr_alone_has_the_wait_states_of_the_clock(
    clock_hz: int, needed: int
) -> None:
    base = flash_read_cycles(store(FLASH_ACR, 0), clock_hz)
    assert flash_read_cycles(b"", clock_hz) == base + needed


@pytest.mark.parametrize("wait_states", [0, 3, 7, 15])
def test_the_wait_states_that_firmware_sets_are_those_of_its_reads(wait_states: int) -> None:
    none = flash_read_cycles(store(FLASH_ACR, 0), 30_000_000)
    told = flash_read_cycles(store(FLASH_ACR, wait_states), 30_000_000)
    assert told == none + wait_states


def test_too_few_wait_states_for_the_clock_are_a_warning() -> None:
    (warning,) = go(store(FLASH_ACR, 2)).warnings
    assert warning.startswith("the program sets 2 flash wait states in FLASH_ACR, but a core clock")
    assert "216 MHz needs 7" in warning
    assert go(store(FLASH_ACR, 7)).warnings == ()
    assert go(b"").warnings == ()


def test_the_last_setting_counts_for_the_warning() -> None:
    assert go(store(FLASH_ACR, 0) + store(FLASH_ACR, 7)).warnings == ()


def test_actlr_switches_branch_prediction_to_static() -> None:
    # BR-off-dtcm of docs/sources/oracle.csv: 4 cycles an iteration instead of 1.
    loop = constant(3, LOOPS) + LOOP
    plain = cycles(go(store(ACTLR, 0) + loop, caches="on", at=0x2000_2000))
    static = cycles(go(store(ACTLR, BTAC_OFF) + loop, caches="on", at=0x2000_2000))
    assert static - plain == pytest.approx(3 * LOOPS, rel=0.01)


# --- barriers --------------------------------------------------------------------------


DSB, DMB, WIDE_NOP = "bff34f8f", "bff35f8f", "aff30080"
STORES = "0160 4160 8160 c160"  # str r1,[r0] to str r1,[r0,#12]


@pytest.mark.parametrize("barrier", [DSB, DMB])
def test_a_barrier_waits_for_the_stores_in_front_of_it(barrier: str) -> None:
    def spent(code: str) -> int:
        once = constant(0, RAM + 0x4000) + bytes.fromhex(code) + NOP * 40
        return cycles(go(once * 20)) - cycles(go(once * 10))

    # AHB SRAM of the F7: a buffered store leaves every 1 + 3 bus cycles, the last of four comes to
    # an end 12 cycles behind its issue. Alone, a barrier has nothing to wait for.
    alone = spent(barrier) - spent(WIDE_NOP)
    waits = (spent(STORES + barrier) - spent(STORES + WIDE_NOP) - alone) / 10
    assert 8 < waits <= 12


def test_what_comes_behind_a_dsb_finds_the_store_buffer_empty() -> None:
    def spent(code: str) -> int:
        result = go((constant(0, RAM + 0x4000) + bytes.fromhex(code) + NOP * 40) * 20)
        assert result.counters.total()["cycles.store"] > 0
        return cycles(result)

    # Eight stores fill the buffer of four; a DSB between them waits for what they would wait for.
    assert spent(STORES + DSB + STORES) > spent(DSB + STORES + STORES)


def test_a_dsb_that_its_it_block_skips_does_not_wait() -> None:
    def stalls(condition: str, barrier: str) -> int:
        # cmp r0,r0 ; four stores ; it eq or it ne ; the barrier
        once = constant(0, RAM + 0x4000) + bytes.fromhex(f"8042 {STORES} {condition} {barrier}")
        return go((once + NOP * 40) * 20).counters.total()["cycles.store"]

    equal, not_equal = "08bf", "18bf"
    assert stalls(equal, DSB) > stalls(not_equal, DSB)
    assert stalls(not_equal, DSB) == stalls(not_equal, DMB)
