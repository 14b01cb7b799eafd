"""Programs that make one table of the simulator grow as fast as they can, for ever."""

from __future__ import annotations

from random import Random

#: r6 is another number each turn, of whose bits a few are chosen.
_NEXT = " lsls r6, r6, #1\n it cs\n eorcs r6, r6, r8\n"
_SEED = " movw r6, #0x4567\n movw r8, #0x1db7\n movt r8, #0x04c1\n"
_MARKERS = """
    .type mcusim_op_begin, %function
mcusim_op_begin: bx lr
    .size mcusim_op_begin, . - mcusim_op_begin
    .type mcusim_op_end, %function
mcusim_op_end: bx lr
    .size mcusim_op_end, . - mcusim_op_end
"""
#: 64 descriptors at 0x20030000, whose names are a letter each.
_DESCRIPTORS = """
    ldr r0, =0x20030000
    ldr r1, =0x4d43504f
    movs r3, #64
1:  str r1, [r0]
    add r2, r0, #36
    str r2, [r0, #4]
    str r2, [r0, #8]
    movs r5, #1
    str r5, [r0, #12]
    add r5, r3, #32
    str r5, [r0, #36]
    add r0, #40
    subs r3, #1
    bne 1b
"""


def _rewritten(variants: int) -> str:
    """Three instructions that load other constants each time, or the same ones again."""
    return f"""
    ldr r4, =0x20002000
    movs r6, #0
    movw r5, #0x4770
    strh r5, [r4, #6]
1:  uxtb r0, r6
    orr r0, #0x2000
    strh r0, [r4]
    ubfx r0, r6, #8, #8
    orr r0, #0x2100
    strh r0, [r4, #2]
    ubfx r0, r6, #16, #8
    orr r0, #0x2200
    strh r0, [r4, #4]
    dsb
    isb
    orr r0, r4, #1
    blx r0
    adds r6, #1
    ldr r0, ={variants - 1}
    ands r6, r0
    b 1b
    .ltorg"""


def _states(blocks: int = 256, words: int = 16384) -> str:
    """Blocks of what takes long, one behind the other in another order each time."""
    chance = Random(1)
    slow = (
        "vdiv.f64 d{n}, d0, d1", "vsqrt.f64 d{n}, d1", "vdiv.f32 s{n}, s1, s2", "ldr r{l}, [r9]",
        "smull r{l}, r5, r5, r5", "vmul.f64 d{n}, d2, d3", "sdiv r{l}, r5, r5", "vldr d{n}, [r9]",
    )  # fmt: skip
    made = []
    for number in range(blocks):
        some = [
            chance.choice(slow).format(n=chance.randrange(16), l=chance.randrange(4))
            for _ in range(chance.randrange(1, 4))
        ]
        made.append(f"k{number}: " + "\n ".join([*some, "ldr pc, [r10], #4"]))
    table = "\n".join(f" .word k{number} + 1" for number in range(blocks))
    return f"""
    ldr r0, =0xe000ed88
    mov r1, #0xf00000
    str r1, [r0]
    dsb
    isb
    {_SEED}
    movs r5, #3
    ldr r9, =0x20000100
again:
    ldr r10, =0x20010000
    ldr r11, =table
    ldr r12, ={words}
1:  {_NEXT}
    eor r0, r6, r6, lsr #13
    and r0, #{blocks - 1}
    ldr r0, [r11, r0, lsl #2]
    str r0, [r10], #4
    subs r12, #1
    bne 1b
    ldr r0, =again + 1
    str r0, [r10]
    ldr r10, =0x20010000
    ldr pc, [r10], #4
    .ltorg
    .balign 4
    {chr(10).join(made)}
    .balign 4
table:
{table}
"""


def _objects(objects: int = 20_000, loads: int = 4_000) -> str:
    """Loads that each walk over all objects of data, inside of operations in any order."""
    return f"""
    .bss
    .altmacro
    .macro object n
    .type o\\n, %object
    .size o\\n, 8
o\\n: .space 8
    .endm
    .set number, 0
    .rept {objects}
    object %number
    .set number, number + 1
    .endr
    .text
    {_SEED}
again:
    movs r7, #0
1:  mov r4, #0x20000000
    add r4, #0x10000
    adds r4, r4, r7
    {(" ldr r0, [r4], #8" + chr(10)) * loads}
    adds r7, #8
    movw r0, #{8 * (objects - loads) & 0xFFFF}
    movt r0, #{8 * (objects - loads) >> 16}
    cmp r7, r0
    blo.w 1b
    b.w again
    .ltorg
"""


def _paths(levels: int = 22) -> str:
    """A tree of calls of two functions on each level."""
    made = []
    for level in range(levels):
        for side in "ab":
            below = level + 1
            calls = f" bl f{below}a\n bl f{below}b\n" if below < levels else ""
            name = f"f{level}{side}"
            made.append(
                f" .type {name}, %function\n{name}: push {{r4, lr}}\n{calls} pop {{r4, pc}}\n"
                f" .size {name}, . - {name}\n"
            )
    return "1: bl f0a\n bl f0b\n b 1b\n" + "".join(made)


PROGRAMS = {
    "paths of calls": _paths(),
    "operations in every order": f"""
    {_DESCRIPTORS}{_SEED}
again:
    movs r7, #60
1:  {_NEXT}
    eor r0, r6, r6, lsr #13
    and r0, #63
    movs r1, #40
    mul r0, r0, r1
    ldr r1, =0x20030000
    add r0, r0, r1
    bl mcusim_op_begin
    subs r7, #1
    bne 1b
    movs r7, #60
1:  bl mcusim_op_end
    subs r7, #1
    bne 1b
    b again
    .ltorg
    {_MARKERS}""",
    "descriptors of operations": f"""
    {_DESCRIPTORS}{_SEED}
1:  {_NEXT}
    ldr r0, =0x20030000
    bfc r6, #7, #1
    bfc r6, #15, #1
    bfc r6, #23, #1
    orr r1, r6, #0x30
    str r1, [r0, #36]
    bl mcusim_op_begin
    bl mcusim_op_end
    b 1b
    .ltorg
    {_MARKERS}""",
    "stack pointers": """
    ldr r4, =0x20010000
    ldr r5, =0x20040000
again:
    mov r6, r4
1:  mov sp, r6
    push {r4, r5}
    pop {r4, r5}
    add r6, #24
    cmp r6, r5
    blo 1b
    b again
    .ltorg""",
    "code that is other code each time": _rewritten(1 << 24),
    "code that is there again": _rewritten(256),
    "states of the pipeline": _states(),
    "data objects": _objects(),
    "registers of peripherals": """
    ldr r4, =0x40000000
    ldr r5, =0x60000000
again:
    mov r6, r4
1:  str r5, [r6], #4
    cmp r6, r5
    blo 1b
    b again
    .ltorg""",
    "clocks that change": """
    ldr r4, =0x40023808
    movs r5, #0
1:  str r5, [r4]
    eor r5, #0x10
    b 1b
    .ltorg""",
    "faults all over memory": """
    ldr r4, =0xc0000000
    b 1f
    .type hard_fault, %function
hard_fault:
    ldr r0, [sp, #24]
    adds r0, #2
    str r0, [sp, #24]
    bx lr
    .balign 4
1:  ldr r0, [r4]
    adds r4, #4
    b 1b
    .ltorg""",
}
