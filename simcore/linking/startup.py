"""Start-up code that fills what moved: a loop over a table that the linker fragment makes, in C and
in assembly, and what it costs.

The table is why one loop, added once, serves every fragment and a build without one: its names are
weak, and without a fragment both are 0.
"""

from __future__ import annotations

from typing import Final

from simcore.cpu_model import Region
from simcore.placement.pieces import LINE
from simcore.run.setup import TimingSetup

TABLE: Final = "__mcusim_table"
#: Of the loop in C, built by GCC 12 with -O2 for a Cortex-M7, in the pipeline model: load, store,
#: compare and branch (tests/integration/test_relinked_advice.py holds it).
CYCLES_A_WORD: Final = 4
BEAT: Final = 8  # bytes of a transfer on the AXI bus

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
    """About what the loop takes for bytes that are copied from a memory and bytes that are zeroed:
    its instructions, and a linefill of each line that it reads."""
    words = -(-loaded // 4) + -(-zeroed // 4)
    refills = 0
    if home is not None and loaded:
        refills = linefill_cycles(setup, home, loaded)
    return words * CYCLES_A_WORD + refills


def linefill_cycles(setup: TimingSetup, home: Region, size: int) -> int:
    """What the lines of so many bytes take to come out of a memory whose row is open."""
    model = setup.model
    _, regions = model.timing(setup.core_clock_hz, setup.caches, setup.voltage_scale)
    timing = regions[model.regions.index(home)]
    refill = timing["read_cycles"] + (LINE // BEAT - 1) * timing["beat_cycles"]
    return -(-size // LINE) * int(refill)
