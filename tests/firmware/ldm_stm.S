/* Every kind of load and store, each once, for the access counts. Each function gets r0 = a buffer
 * of 128 bytes, 32-byte aligned, whose byte i holds i, and returns a value ldm_stm.c knows. */
    .file "tests/firmware/ldm_stm.S" /* the assembler would name its temporary file, another each time */
    .syntax unified
    .cpu cortex-m7
    .fpu fpv5-d16
    .thumb
    .text

    .macro function name
    .global \name
    .type \name, %function
    .thumb_func
\name:
    .endm
    .macro endfunction name
    .size \name, . - \name
    .endm

function multiple_words
    push {r4-r8, lr}
    ldmia r0, {r1, r2}
    ldmia r0!, {r3, r4, r5}         /* r0 = +12 */
    ldmdb r0, {r6, r7, r8}
    eor r1, r1, r6
    add r0, r0, #32                 /* +44 */
    stmdb r0!, {r1, r2, r3, r4, r5} /* +24 */
    stmia r0, {r2, r3}
    ldmia r0, {r0-r6}
    add r0, r0, r1
    add r0, r0, r2
    add r0, r0, r3
    pop {r4-r8, pc}
endfunction multiple_words

function doubles
    push {r4, r5}
    ldrd r1, r2, [r0]
    ldrd r3, r4, [r0, #8]!
    strd r1, r2, [r0], #16
    strd r3, r4, [r0, #-8]
    ldrd r2, r3, [r0, #-20]
    ldr r5, [r0, #-8]
    add r0, r2, r3
    add r0, r0, r5
    pop {r4, r5}
    bx lr
endfunction doubles

function narrow
    push {r4}
    ldrb r1, [r0, #1]
    ldrsb r2, [r0, #3]!
    ldrh r3, [r0, #1]
    ldrsh r4, [r0, #3]
    strb r1, [r0], #5
    strh r3, [r0]
    add r1, r1, r2
    add r1, r1, r3
    add r1, r1, r4
    ldr r0, [r0]
    add r0, r0, r1
    pop {r4}
    bx lr
endfunction narrow

function floats
    vpush {d8, d9}
    vldmia r0!, {s0-s4}             /* five singles, +20 */
    vldmia r0!, {s5}                /* +24 */
    vldmia r0, {d4-d6}              /* three doubles */
    vldr s14, [r0, #8]
    vldr d8, [r0, #16]
    vstmdb r0!, {d4, d5}            /* +8 */
    vstr s1, [r0]
    vstr d6, [r0, #8]
    vstmia r0, {s2-s4}
    ldr r1, [r0]
    ldr r2, [r0, #8]
    ldr r3, [r0, #12]
    vmov r0, s14
    add r0, r0, r1
    add r0, r0, r2
    add r0, r0, r3
    vpop {d8, d9}
    bx lr
endfunction floats

function exclusive
    push {r4, lr}
    ldrex r1, [r0]
    add r1, r1, #1
    strex r2, r1, [r0]              /* succeeds: 0 */
    strex r3, r1, [r0, #4]          /* no monitor: 1, and no write */
    add r2, r2, r3, lsl #4
    add r4, r0, #8
    ldrexb r1, [r4]
    clrex
    strexb r3, r1, [r4]             /* 1 */
    add r2, r2, r3, lsl #8
    ldrexh r1, [r4]
    strexh r3, r1, [r4]             /* 0 */
    add r2, r2, r3, lsl #12
    ldr r1, [r0]
    ldr r3, [r0, #4]
    add r0, r1, r3
    add r0, r0, r2
    pop {r4, pc}
endfunction exclusive

function unaligned
    ldr r1, [r0, #1]
    ldr r2, [r0, #30]               /* over a cache line's end */
    ldrh r3, [r0, #7]
    str r1, [r0, #33]
    strh r3, [r0, #63]
    ldr r0, [r0, #32]
    add r0, r0, r1
    add r0, r0, r2
    add r0, r0, r3
    bx lr
endfunction unaligned

    .align 3
function literals
    ldr r0, value
    ldr.w r1, value + 4
    ldrd r2, r3, value
    vldr s0, value
    vldr d1, value
    add r0, r0, r1
    add r0, r0, r2
    add r0, r0, r3
    vmov r1, s0
    add r0, r0, r1
    vmov r1, r2, d1
    add r0, r0, r2
    bx lr
    .align 3
value:
    .word 0x01020304, 0x10203040
endfunction literals

/* Preload reports no access; a table branch reads one byte or half-word. */
function tables_and_hints
    mov r1, r0
    pld [r1]
    pld [r1, #64]
    mov r2, #1
    tbh [pc, r2, lsl #1]
1:  .hword (2f - 1b) / 2, (3f - 1b) / 2
2:  mov r0, #1
    bx lr
3:  tbb [pc, r2]
4:  .byte (5f - 4b) / 2, (6f - 4b) / 2
5:  mov r0, #2
    bx lr
6:  mov r0, #3
    bx lr
endfunction tables_and_hints

function registers_indexed
    mov r1, #4
    ldr r2, [r0, r1]
    ldr r3, [r0, r1, lsl #2]
    ldrb r12, [r0, r1]
    str r2, [r0, r1, lsl #3]
    strb r12, [r0, r1]
    ldr r0, [r0, #32]
    add r0, r0, r3
    add r0, r0, r12
    bx lr
endfunction registers_indexed
