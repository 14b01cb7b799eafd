"""Start-up code that fills what moved: a loop over a table that the linker fragment makes, in C and
in assembly, and what it costs.

The table is why one loop, added once, serves every fragment and a build without one: its names are
weak, and without a fragment both are 0.
"""

from __future__ import annotations

from typing import Final

from simcore.cpu_model import Region
from simcore.placement.pieces import LINE
from simcore.run.setup import WORD, TimingSetup

TABLE: Final = "__mcusim_table"
#: Of the loop in C, built by GCC 12 with -O2 for a Cortex-M7, in the pipeline model: load, store,
#: compare and branch, and two more where it reads (tests/integration/test_relinked_advice.py).
CYCLES_A_LOADED_WORD: Final = 5
CYCLES_A_ZEROED_WORD: Final = 4
BEAT: Final = 8  # bytes of a transfer on the AXI bus
WORDS_OF_A_BEAT: Final = BEAT // 4

C_LOOP: Final = """\
/* At reset behind the switching on of RAM, caches and FPU, in front of everything that moved.
 * Volatile, so that no compiler makes a call of memcpy of it, which may have moved, too. */
extern const uint32_t __mcusim_table_start[] __attribute__((weak));
extern const uint32_t __mcusim_table_end[] __attribute__((weak));
for (const uint32_t *row = __mcusim_table_start; row < __mcusim_table_end; row += 3) {
    const uint32_t *from = (const uint32_t *)row[0];
    for (volatile uint32_t *to = (uint32_t *)row[1]; to < (uint32_t *)row[2]; to++)
        *to = from ? *from++ : 0;
}
__asm volatile("dsb\\n\\tisb" ::: "memory");
"""

ASSEMBLY_LOOP: Final = """\
    .weak __mcusim_table_start, __mcusim_table_end
    ldr   r0, =__mcusim_table_start
    ldr   r1, =__mcusim_table_end
1:  cmp   r0, r1
    bhs   4f
    ldmia r0!, {r2-r4}          @ from, first, end; from is 0 for what starts as zeros
    movs  r5, #0
2:  cmp   r3, r4
    bhs   1b
    cbz   r2, 3f
    ldr   r5, [r2], #4
3:  str   r5, [r3], #4
    b     2b
4:  dsb
    isb
"""


def copy_cycles(setup: TimingSetup, home: Region | None, loaded: int, zeroed: int) -> int:
    """About what the loop takes for bytes that are copied from a memory and bytes that are zeroed,
    with caches: its instructions, and what it waits at each line that it reads.

    It waits for the first words of a line, and while it works on those the others come; where they
    come slower than it takes them it waits for each. Rows of the memory are read one after another.
    """
    words = -(-loaded // WORD)
    cycles = words * CYCLES_A_LOADED_WORD + -(-zeroed // WORD) * CYCLES_A_ZEROED_WORD
    if home is None or not loaded:
        return cycles
    timing = _timing(setup, home)
    first = float(timing["read_cycles"])
    if timing["row_bytes"]:
        first += timing["row_miss_cycles"] * min(1.0, LINE / timing["row_bytes"])
    beats = (LINE // BEAT - 1) * timing["beat_cycles"]
    meanwhile = (LINE // WORD - WORDS_OF_A_BEAT) * CYCLES_A_LOADED_WORD
    return cycles + round(loaded / LINE * (first + max(0, beats - meanwhile)))


def linefill_cycles(setup: TimingSetup, home: Region, size: int) -> int:
    """What the lines of so many bytes take to come out of a memory whose row is open."""
    timing = _timing(setup, home)
    refill = timing["read_cycles"] + (LINE // BEAT - 1) * timing["beat_cycles"]
    return -(-size // LINE) * int(refill)


def _timing(setup: TimingSetup, home: Region) -> dict[str, int]:
    """Core cycles of a memory at the clock of a run."""
    model = setup.model
    _, regions = model.timing(setup.core_clock_hz, setup.caches, setup.voltage_scale)
    return regions[model.regions.index(home)]
