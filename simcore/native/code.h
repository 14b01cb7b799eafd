/* code.h: what Python says of a block of code over the border: its static facts, and what a stretch of it costs.
 *
 * simcore/native/build.py gives the text between the two cffi marks to cffi as it stands.
 */
#ifndef MCUSIM_CODE_H
#define MCUSIM_CODE_H

#include <stdint.h>

/* cffi: begin */

/* Static facts of one block, filled by Python on its first execution. Probes are one bit of the variant each,
 * computed from run-time addresses. A block is scheduled in stretches, each from the state behind the one before. */
enum probe_kind {
    PROBE_SAME_BANK = 0,     /* address bit 2 of accesses a and b is equal */
    PROBE_ODD_WORD = 1,      /* address bit 2 of access a is set (4 mod 8) */
    PROBE_UNALIGNED = 2,     /* access a is not a multiple of its size */
    PROBE_SAME_WORD = 3,     /* accesses a and b touch the same 32-bit word */
};

/* How a block ends. */
enum branch_kind {
    BRANCH_NONE = 0,         /* runs on into the next address */
    BRANCH_CONDITIONAL = 1,
    BRANCH_DIRECT = 2,
    BRANCH_CALL = 3,
    BRANCH_CALL_INDIRECT = 4,
    BRANCH_RETURN = 5,
    BRANCH_INDIRECT = 6,
    BRANCH_TABLE = 7,
};

enum { MAX_PROBES = 48, MAX_REGIONS = 32 };

enum exclusive { EXCLUSIVE_NONE = 0, EXCLUSIVE_CHECK = 1, EXCLUSIVE_STORE = 2 };

struct access_static {
    uint16_t instruction;    /* index in the block */
    uint8_t size;            /* bytes */
    uint8_t is_write;
    uint8_t predicated;      /* happens only if its instruction's condition held */
    uint8_t exclusive;       /* of a STREX, which the engine reports as a read and a write: enum exclusive */
    uint8_t alignment_mask;  /* address bits that have to be 0, or the access faults whatever CCR says */
};

struct probe_static {
    uint8_t kind;
    uint16_t a, b;           /* access indices */
};

struct note_static {         /* an instruction whose note carries an operand class */
    uint16_t instruction;
    uint16_t table;          /* row of the extra-cycles table */
};

struct barrier_static {      /* a DSB or DMB */
    uint16_t instruction;
    uint16_t access;         /* the first one behind it; the number of accesses: none */
    uint16_t everything;     /* 0: it waits for the store buffer only, as a DMB does */
};

/* How an instruction changes SP. */
enum stack_move {
    STACK_ADDED = 0,         /* by a constant */
    STACK_MOVED = 1,         /* by what is in a register, on the stack that it is on */
    STACK_SET = 2,           /* to what is in a register or in memory, or the other of the two is in use */
};

struct stack_move_static {
    uint16_t instruction;
    uint8_t kind;            /* enum stack_move */
    int32_t bytes;           /* that are added */
    int32_t access;          /* of another kind: the first access behind it that tells SP, -1: none */
    int32_t offset;          /* of that access's address from SP behind this instruction, bytes */
};

struct stretch_static {      /* where a stretch ends */
    uint64_t probes;         /* those that it asks: a bit each, as in the variant */
    uint32_t accesses, barriers;   /* of the block up to its end */
};

struct block_static {
    uint16_t instructions, accesses, probes, notes, barriers, stretches;
    uint32_t function;            /* index of the function that holds its first byte */
    uint32_t function_bytes;      /* up to where another begins inside the block; 0: none does */
    uint8_t is_function_entry;
    uint8_t branch;               /* enum branch_kind */
    uint8_t branch_predicated;    /* the branch stands in an IT block */
    uint32_t branch_address, branch_target;  /* of the branch; where a direct one goes */
    const uint16_t *instruction_offsets;     /* bytes from the block's start, one per instruction */
    const uint8_t *instruction_predicated;   /* one per instruction */
    const struct access_static *access;      /* in program order */
    const struct probe_static *probe;
    const struct note_static *note;
    const struct barrier_static *barrier;    /* in program order */
    const struct stretch_static *stretch;    /* in program order, at least one */
    uint16_t stack_moves;
    const struct stack_move_static *stack_move;  /* in program order */
    int32_t stack_access;         /* index of the first access that tells SP at the block's entry, -1: none */
    int32_t stack_offset;         /* of its address from that SP, bytes */
    const uint64_t *counters;     /* COUNTER_STATIC values: instructions, classes, MACs (issued) */
    const uint8_t *macs;          /* one per instruction, to take back where a predicate failed */
};

/* What the pipeline says of a stretch of a block entered in a state. */
struct block_schedule {
    const uint32_t *cycles_by_cause;  /* CAUSE_COUNT values */
    uint32_t dual_issues;
    const int16_t *access_cycles;     /* of accesses, then barriers; below 0: beside an instruction before it */
    uint32_t after_next;              /* state when the branch is not taken, or there is none */
    uint32_t after_taken;             /* state when it is taken as predicted */
    uint32_t after_mispredict;
    uint32_t mispredict_cycles;       /* penalty of a conditional mispredict here (flag distance) */
};

/* cffi: end */
#endif
