/* thumb.h: the few facts of Thumb encodings that capture and timing need: lengths, IT blocks, and the
 * instructions whose time depends on their operands. Everything else is decoded in isa/. */
#ifndef MCUSIM_THUMB_H
#define MCUSIM_THUMB_H

#include <stdint.h>

/* An instruction that capture watches while it runs. */
enum watch_kind {
    WATCH_PREDICATED = 0,     /* in an IT block: a note says that its condition held */
    WATCH_UDIV,               /* operand class: thumb_divide_class() */
    WATCH_SDIV,
    WATCH_F64,                /* operand class: thumb_double_class() */
    WATCH_F64_UNARY,          /* VSQRT.F64: one operand */
    WATCH_EXCLUSIVE,          /* STREX: the note says how many accesses the block had made before it */
    WATCH_STACK,              /* behind one that sets SP, with another one to come: bits 17:2 of SP */
};

struct watch {
    uint16_t offset;          /* bytes from the block's start */
    uint8_t kind;             /* enum watch_kind */
    uint8_t n, m;             /* first and second operand register, core or D */
};

/* Length in bytes (2 or 4) of the instruction whose first halfword this is. */
static inline uint32_t thumb_length(uint16_t halfword) { return (halfword >> 11) >= 0x1d ? 4 : 2; }

/* ITSTATE after one more instruction (Armv7-M ARM, A7.3.3 ITAdvance). */
static inline uint8_t thumb_it_advance(uint8_t it_state)
{
    return (it_state & 7) ? (uint8_t)((it_state & 0xe0) | ((it_state << 1) & 0x1f)) : 0;
}

/* Walks code, counts its instructions and fills the watch list (at most room entries).
 * Returns the number of entries. */
uint32_t thumb_scan(const uint8_t *code, uint32_t size, uint8_t it_state, struct watch *watch, uint32_t room,
                    uint32_t *instructions);

/* Bytes up to and with the first 16-bit branch, all of them when there is none. */
uint32_t thumb_to_branch(const uint8_t *code, uint32_t size);

/* Whether SP behind the code is what an instruction set it to from a register or memory, or of the other of the two
 * stacks, and whether an access based on SP behind that instruction tells. */
enum sets_stack { STACK_NOT_SET = 0, STACK_SET_AND_TOLD, STACK_SET_UNTOLD };
enum sets_stack thumb_sets_stack(const uint8_t *code, uint32_t size);

/* Bytes from the end of the code at which the last CPS, or MSR to PRIMASK, BASEPRI, BASEPRI_MAX or FAULTMASK begins,
 * 0: there is none. */
uint32_t thumb_sets_masks(const uint8_t *code, uint32_t size);

/* ITSTATE in front of the instruction at offset, for a block entered with it_state. */
uint8_t thumb_it_state_at(const uint8_t *code, uint32_t offset, uint8_t it_state);

/* Cycles that an instruction does not need longer than, its accesses and its own fetch aside. */
uint32_t thumb_longest(const uint8_t *code);

/* Address of the first instruction of the FPU (coprocessors 10 and 11), 0 when there is none. */
uint32_t thumb_floating(const uint8_t *code, uint32_t size, uint32_t address);

/* Operand class of a divide: max(clz(divisor) - clz(dividend), -1) + 1, 33 for a divisor of zero.
 * The magnitudes are what a signed divide works on. */
uint32_t thumb_divide_class(uint32_t dividend, uint32_t divisor, int is_signed);

/* Operand class of a double operation: 0 same exponent, 1 different exponents, 2 a denormal operand,
 * 3 a zero operand. */
uint32_t thumb_double_class(uint64_t a, uint64_t b);

#endif
