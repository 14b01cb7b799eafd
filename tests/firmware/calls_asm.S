/* Hand-written code as firmware has it: labels without type or size, several ways to return. */
    .file "tests/firmware/calls_asm.S" /* the assembler would name its temporary file, another each time */
    .syntax unified
    .cpu cortex-m7
    .thumb
    .text

    .global asm_untyped         /* no .type, no .size; called through its address with bit 0 set */
asm_untyped:
    add r0, r0, #1
    bx lr

    .global asm_return_mov
    .thumb_func
asm_return_mov:
    push {lr}
    add r0, r0, #2
    pop {r1}
    mov pc, r1

    .global asm_return_ldr
    .thumb_func
asm_return_ldr:
    str lr, [sp, #-8]!
    add r0, r0, #4
    ldr pc, [sp], #8

    .global asm_return_ldm
    .thumb_func
asm_return_ldm:
    stmdb sp!, {r4, r5, r6, lr}
    add r0, r0, #8
    ldmia sp!, {r4, r5, r6, pc}

    .global asm_tail            /* leaves by a branch into another function */
    .thumb_func
asm_tail:
    add r0, r0, #16
    b asm_return_ldm

    .global asm_falls_through   /* runs on into the next label */
    .thumb_func
asm_falls_through:
    add r0, r0, #32
    .global asm_second_entry
    .thumb_func
asm_second_entry:
    add r0, r0, #64
    bx lr

    .global asm_table_branch    /* a jump table of bytes: 0 -> 10, 1 -> 20, 2 -> 30 */
    .thumb_func
asm_table_branch:
    tbb [pc, r0]
1:  .byte (2f - 1b) / 2, (3f - 1b) / 2, (4f - 1b) / 2, 0
2:  mov r0, #10
    bx lr
3:  mov r0, #20
    bx lr
4:  mov r0, #30
    bx lr
