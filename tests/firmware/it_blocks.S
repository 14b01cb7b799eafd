/* IT blocks in every shape: each function gets r0 = 0 or 1 and returns a value that tells which
 * instructions took effect. it_blocks.c holds the expected values. */
    .file "tests/firmware/it_blocks.S" /* the assembler would name its temporary file, another each time */
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

    .align 3
table:
    .word 11, 22, 33, 44

function it_four_then
    cmp r0, #0
    mov r1, #1
    itttt ne
    addne r1, r1, #2
    addne r1, r1, #4
    addne r1, r1, #8
    addne r1, r1, #16
    mov r0, r1
    bx lr
endfunction it_four_then

function it_mixed_arms
    cmp r0, #0
    mov r1, #0
    iteet ne
    orrne r1, r1, #1
    orreq r1, r1, #2
    orreq r1, r1, #4
    orrne r1, r1, #8
    mov r0, r1
    bx lr
endfunction it_mixed_arms

/* A load in each arm: one access happens, two instructions issue. */
function it_load_each_arm
    cmp r0, #0
    adr r1, table
    ite ne
    ldrne r0, [r1, #4]
    ldreq r0, [r1, #8]
    bx lr
endfunction it_load_each_arm

function it_store_each_arm
    push {r4, lr}
    sub sp, sp, #8
    mov r2, #100
    mov r3, #200
    str r2, [sp]
    str r2, [sp, #4]
    cmp r0, #0
    ite ne
    strne r3, [sp]
    streq r3, [sp, #4]
    ldrd r0, r1, [sp]
    add r0, r0, r1, lsl #1
    add sp, sp, #8
    pop {r4, pc}
endfunction it_store_each_arm

function it_load_store_wide
    push {r4, r5, r6, lr}
    sub sp, sp, #16
    mov r2, #1
    mov r3, #2
    mov r4, #0
    mov r5, #0
    strd r4, r5, [sp]
    strd r4, r5, [sp, #8]
    cmp r0, #0
    mov r1, sp
    itttt ne
    strdne r2, r3, [sp]
    ldmne r1, {r4, r5}
    strhne r3, [sp, #8]
    ldrbne r6, [sp, #8]
    it eq
    moveq r6, #9
    add r0, r4, r5, lsl #4
    add r0, r0, r6, lsl #8
    add sp, sp, #16
    pop {r4, r5, r6, pc}
endfunction it_load_store_wide

/* A return in the middle: pop with a condition. */
function it_pop_return
    push {r4, lr}
    mov r4, r0
    cmp r4, #0
    itt ne
    movne r0, #71
    popne {r4, pc}
    mov r0, #72
    pop {r4, pc}
endfunction it_pop_return

function it_bx_return
    cmp r0, #0
    itt eq
    moveq r0, #81
    bxeq lr
    mov r0, #82
    bx lr
endfunction it_bx_return

function it_leaf
    mov r0, #91
    bx lr
endfunction it_leaf

function it_call
    push {r4, lr}
    cmp r0, #0
    mov r0, #92
    it ne
    blne it_leaf
    pop {r4, pc}
endfunction it_call

function it_branch
    cmp r0, #0
    mov r1, #5
    itt ne
    movne r1, #6
    bne.w 1f
    add r1, r1, #100
1:  mov r0, r1
    bx lr
endfunction it_branch

/* A compare inside the block changes what its later instructions do. */
function it_flags_inside
    mov r1, #0
    cmp r0, #1
    ittt eq
    moveq r1, #1
    cmpeq r1, #2
    moveq r1, #50
    mov r0, r1
    bx lr
endfunction it_flags_inside

function it_multiply_divide
    mov r1, #7
    mov r2, #3
    mov r3, #10
    cmp r0, #0
    itete ne
    mlane r3, r1, r2, r3
    udiveq r3, r1, r2
    smladne r3, r1, r2, r3
    muleq r3, r3, r1
    mov r0, r3
    bx lr
endfunction it_multiply_divide

function it_float
    adr r1, table
    vmov.f32 s0, #1.0
    vmov.f32 s1, #2.0
    cmp r0, #0
    ittee ne
    vaddne.f32 s0, s0, s1
    vldrne s2, [r1]
    vmuleq.f32 s0, s1, s1
    vldreq s2, [r1, #12]
    vcvt.u32.f32 s0, s0
    vmov r0, s0
    vmov r1, s2
    add r0, r0, r1, lsl #8
    bx lr
endfunction it_float

/* An IT block over the end of a 4 KB page: the translation block is cut inside it. Before each page
 * end stands another number of the block's four instructions, 4 bytes each. */
    .section .text.it_page, "ax", %progbits
    .macro straddle name, before
    .p2align 12
    .space 4096 - 8 - 4 * \before
function \name
    cmp r0, #0              /* 2 bytes */
    mov.w r1, #1            /* 4 */
    itete ne                /* 2 */
    addne.w r1, r1, #2
    addeq.w r1, r1, #4
    addne.w r1, r1, #8
    addeq.w r1, r1, #16
    mov r0, r1
    bx lr
endfunction \name
    .endm

    straddle it_page_0, 0
    straddle it_page_1, 1
    straddle it_page_2, 2
    straddle it_page_3, 3
