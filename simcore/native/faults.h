/* faults.h: what can go wrong in a program, and where it did. */
#ifndef MCUSIM_FAULTS_H
#define MCUSIM_FAULTS_H

#include <stdint.h>

/* cffi: begin */

enum fault_kind {
    FAULT_NONE = 0,
    FAULT_READ_UNMAPPED = 1,
    FAULT_WRITE_UNMAPPED = 2,
    FAULT_FETCH_UNMAPPED = 3,
    FAULT_READ_PROTECTED = 4,
    FAULT_WRITE_PROTECTED = 5,   /* a write to flash or another read-only region */
    FAULT_FETCH_PROTECTED = 6,
    FAULT_PERIPHERAL = 7,        /* strict mode: an access to a peripheral that is not modelled */
    FAULT_DIVIDE_BY_ZERO = 8,    /* CCR.DIV_0_TRP set */
    FAULT_UNALIGNED = 9,         /* CCR.UNALIGN_TRP set, or an unaligned access the core never allows */
    FAULT_STACK_OVERFLOW = 10,   /* the stack pointer left the region it started in */
    FAULT_UNDEFINED = 11,
    FAULT_INVALID_STATE = 12,    /* a jump to an address with bit 0 clear */
    FAULT_INVALID_RETURN = 13,   /* an EXC_RETURN value that is not one here, or a frame that does not fit it */
    FAULT_NO_COPROCESSOR = 14,   /* a floating-point instruction while CPACR has the FPU off */
    FAULT_MPU_DATA = 15,
    FAULT_MPU_FETCH = 16,
    FAULT_STACKING = 17,         /* an exception's frame does not fit the stack */
    FAULT_UNSTACKING = 18,
    FAULT_VECTOR = 19,           /* no handler: the vector cannot be read, or is not Thumb code */
    FAULT_SVC = 20,              /* where its priority does not let it be taken */
};

struct fault_info {
    uint8_t kind;
    uint32_t address, pc, size;
};

/* Exceptions that were taken one behind the other while what they interrupted ran no instruction. */
struct storm_info {
    uint32_t number, same;       /* the last of them, and how often it was the same in a row */
    uint32_t interrupted;        /* the instruction that they came in front of */
    uint64_t taken;
};

/* A handler that runs or was interrupted, the outermost first. */
struct handler_info {
    uint32_t number, interrupted;        /* exception; the instruction that it came in front of */
    uint64_t instructions;       /* since it was entered */
};

/* cffi: end */
#endif
