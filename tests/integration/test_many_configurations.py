"""One execution times many configurations: each as it would alone, a moved one as if relinked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from simcore.elf import load_image
from simcore.run.setup import Move, TimingSetup, load_setup
from simcore.run.spec import RunSpec
from simcore.simulation.live import simulate_many
from simcore.simulation.simulation import Simulation
from tests.integration.programs import FIRMWARE, KERNELS

ITCM, DTCM, SRAM, FLASH = 0x0000_0000, 0x2000_0000, 0x2001_0000, 0x0800_0000
WORK, TABLE, BUFFER, STACK_BYTES = 0x0800_4000, 0x0800_8000, 0x2002_0000, 0x400

# Calls through a register, so that no veneer is needed wherever the function lies.
PROGRAM = """
    .syntax unified
    .cpu cortex-m7
    .thumb
    .section .isr_vector, "a"
    .global __isr_vector
__isr_vector:
    .word 0x20010000, reset
    .text
    .global reset
    .type reset, %function
reset:
    movs r6, #20
1:  ldr r3, =work
    blx r3
    subs r6, #1
    bne 1b
    movs r0, #0x18
    ldr r1, =0x20026
    bkpt 0xab
    b .
    .size reset, . - reset
    .ltorg
    .section .work, "ax"
    .type work, %function
work:
    push {r4-r7, lr}
    ldr r0, =table
    ldr r1, =buffer
    movs r2, #40
2:  ldrd r4, r5, [r0], #8
    ldr r7, [r0, #4]
    eor r4, r4, r7
    cbz r4, 3f
    strd r4, r5, [r1], #8
    strb r4, [r1, #1]
3:  subs r2, #1
    bne 2b
    bl helper
    pop {r4-r7, pc}
    .size work, . - work
    .type helper, %function
helper:
    push {r4, lr}
    sub sp, #16
    str r0, [sp, #4]
    ldr r4, [sp, #4]
    ldr r0, =0x12345678
    add sp, #16
    pop {r4, pc}
    .size helper, . - helper
    .ltorg
    .section .table, "a"
    .type table, %object
table:
    .rept 100
    .word 0x01020304
    .endr
    .size table, . - table
    .section .buffer, "aw", %nobits
    .type buffer, %object
buffer:
    .space 512
    .size buffer, . - buffer
"""

Link = Callable[..., Path]


@pytest.fixture
def link(arm_gcc: Callable[..., Path], tmp_path: Path) -> Link:
    """Links PROGRAM with its function, table and buffer at some addresses."""
    source = tmp_path / "program.S"
    source.write_text(PROGRAM)

    def build(work: int = WORK, table: int = TABLE, buffer: int = BUFFER) -> Path:
        starts = {".isr_vector": FLASH, ".work": work, ".table": table, ".buffer": buffer}
        flags = [f"-Wl,--section-start={name}={start:#x}" for name, start in starts.items()]
        elf = tmp_path / f"{work:x}-{table:x}-{buffer:x}.elf"
        return arm_gcc(
            elf,
            ["-nostdlib", "-Wl,--entry=reset", f"-Wl,-Ttext={FLASH + 0x100:#x}", *flags, source],
        )

    return build


def run(elf: Path, *setups: TimingSetup) -> list[Simulation]:
    return simulate_many(load_image(str(elf)), setups, RunSpec(max_instructions=300_000))


@pytest.mark.parametrize("caches", ["on", "off"])
@pytest.mark.parametrize(
    ("work", "table", "buffer"),
    [
        (ITCM + 0x100, TABLE, BUFFER),
        (ITCM + 0x104, TABLE, BUFFER),
        (WORK, DTCM + 0x40, BUFFER),
        (WORK, TABLE, DTCM + 0x44),
        (SRAM + 0x1000, SRAM + 0x200C, SRAM),
        (0x0802_0014, 0x0803_0008, BUFFER + 4),
    ],
)
def test_memory_that_is_moved_costs_what_it_costs_when_it_is_linked_there(
    link: Link, work: int, table: int, buffer: int, caches: str
) -> None:
    moves = [Move(WORK, 0x200, work), Move(TABLE, 0x190, table), Move(BUFFER, 0x200, buffer)]
    moves = [move for move in moves if move.start != move.to]
    (moved,) = run(link(), load_setup("stm32f746", caches=caches, moves=moves))
    (linked,) = run(link(work, table, buffer), load_setup("stm32f746", caches=caches))
    assert moved.result.exit_code == linked.result.exit_code == 0
    assert moved.result.counters.total() == linked.result.counters.total()
    # ... but the program's own addresses are those of its ELF.
    addresses = {block.address for block in moved.result.counters.blocks}
    assert min(address for address in addresses if address >= WORK) == WORK
    assert {o.address for o in moved.result.counters.objects if o.kind == "symbol"} == {
        TABLE,
        BUFFER,
    }


def test_the_stack_is_timed_elsewhere_and_its_depth_stays(link: Link) -> None:
    stack = Move(0x2001_0000 - STACK_BYTES, STACK_BYTES, BUFFER + 0x1000)
    here, there = run(
        link(),
        load_setup("stm32f746", caches="off"),
        load_setup("stm32f746", caches="off", moves=[stack]),
    )
    was, now = here.result.counters, there.result.counters
    accesses = was.total()["dtcm.reads"], was.total()["dtcm.writes"]
    assert min(accesses) > 0
    assert (now.total()["dtcm.reads"], now.total()["dtcm.writes"]) == (0, 0)
    assert now.total()["sram1.reads"] == was.total()["sram1.reads"] + accesses[0]
    assert was.stack_high_water_bytes == now.stack_high_water_bytes == 44


def test_maintenance_by_address_reaches_the_line_where_it_is_timed(
    arm_gcc: Callable[..., Path], tmp_path: Path
) -> None:
    source = tmp_path / "clean.S"
    source.write_text(
        """
        .syntax unified
        .cpu cortex-m7
        .thumb
        .section .isr_vector, "a"
        .global __isr_vector
        __isr_vector: .word 0x20010000, reset
        .text
        .global reset
        .type reset, %function
        reset:
        ldr r0, =0x20020000
        str r0, [r0]
        ldr r0, [r0]
        ldr r1, =0xe000ef68 // DCCMVAC
        str r0, [r1]
        movs r0, #0x18
        ldr r1, =0x20026
        bkpt 0xab
        """
    )
    start = f"-Wl,--section-start=.isr_vector={FLASH:#x}"
    flags = ["-nostdlib", "-Wl,--entry=reset", start, f"-Wl,-Ttext={FLASH + 0x100:#x}"]
    elf = arm_gcc(tmp_path / "clean.elf", [*flags, source])
    here, there = run(
        elf,
        load_setup("stm32f746", caches="on"),
        load_setup("stm32f746", caches="on", moves=[Move(0x2002_0000, 64, 0x2002_8020)]),
    )
    for simulation in (here, there):
        assert simulation.result.counters.total()["dcache_write_backs"] == 1


SETUPS = [
    {},
    {"caches": "off"},
    {"clock_hz": 100_000_000},
    {"overrides": ["core.memory.linefill_buffers=1"]},
    {"moves": [Move(FLASH, 0x4000, ITCM)]},
    {"moves": [Move(DTCM, 0x1_0000, 0x2001_0000)], "caches": "on"},
]


@pytest.mark.parametrize(
    "name", ["conv2d_s8_small", pytest.param("mixed", marks=pytest.mark.exhaustive)]
)
def test_a_configuration_among_many_counts_what_it_counts_alone(name: str) -> None:
    elf = KERNELS / f"{name}.elf"
    setups = [load_setup("stm32f746", **options) for options in SETUPS]  # type: ignore[arg-type]
    together = run(elf, *setups)
    for simulation, setup in zip(together, setups, strict=True):
        (alone,) = run(elf, setup)
        assert simulation.result.counters == alone.result.counters
        assert simulation.result.schedules == alone.result.schedules
        assert simulation.profile(instructions=True).totals == alone.profile().totals


def test_what_hangs_on_the_clock_is_told_of_all_but_the_first() -> None:
    setups = [load_setup("stm32f746"), load_setup("stm32f746", clock_hz=50_000_000)]
    first, other = run(FIRMWARE / "self_timing.elf", *setups)
    assert first.result.clock_dependent
    assert other.result.clock_dependent
    told = [w for w in other.result.warnings if w not in first.result.warnings]
    assert len(told) == 1
    assert told[0].startswith("the program reads the clock, which is that of the first")


def test_a_program_that_asks_for_the_sizes_of_the_caches_is_told_where_they_differ() -> None:
    smaller = load_setup("stm32f746", overrides=["core.dcache.size=2K"])
    first, other = run(KERNELS / "conv2d_s8_small.elf", load_setup("stm32f746"), smaller)
    assert not first.result.warnings
    (told,) = other.result.warnings
    assert told.startswith("the program reads the sizes of the caches")
    total = other.result.counters.total()
    assert total["dcache_read_misses"] > first.result.counters.total()["dcache_read_misses"]


def test_a_program_that_reads_no_clock_says_nothing_of_it() -> None:
    setups = [load_setup("stm32f746"), load_setup("stm32f746", clock_hz=50_000_000)]
    for simulation in run(KERNELS / "conv2d_s8_small.elf", *setups):
        assert not simulation.result.clock_dependent
        assert not simulation.result.warnings
