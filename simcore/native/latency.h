/* latency.h: what goes over the border to Python of exceptions: cost, latency, and what held them back. */
#ifndef MCUSIM_LATENCY_H
#define MCUSIM_LATENCY_H

#include <stdint.h>

/* cffi: begin */

/* What keeps a pending exception waiting: the rest of what runs, a mask, an active exception, memory that what runs
 * waits for. */
enum hold { HOLD_INSTRUCTION = 0, HOLD_MASK = 1, HOLD_PRIORITY = 2, HOLD_BUS = 3, HOLD_KINDS = 4, HOLD_GONE = 5 };
enum mask { MASK_PRIMASK = 0, MASK_FAULTMASK = 1, MASK_BASEPRI = 2 };

struct hold_info {
    uint64_t longest, total;     /* cycles in one piece, and of all activations */
    uint32_t who;                /* of the longest: an instruction's address, of HOLD_PRIORITY an exception */
};

/* An exception whose handler ran. Latency: from when it was pending and enabled to the handler's first instruction. */
struct interrupt_info {
    uint32_t number, handler;    /* of the exception; address */
    uint64_t count, lost, overruns;      /* taken; came again while pending; ... while its handler ran */
    uint64_t own, total;         /* cycles from the start of entry to the end of return, and with what nested in it */
    uint64_t waited;             /* how many were pending before they were taken: those of the latencies */
    uint64_t least, median, p99, most;   /* latencies, cycles */
    uint64_t response;           /* longest from pending to the end of its return */
    uint32_t deepest;            /* handlers that were active, its own with them */
    uint32_t stack;              /* most bytes: its frame, and below SP at its first instruction */
    struct hold_info hold[4];    /* by enum hold */
};

/* Stretches with PRIMASK, FAULTMASK or BASEPRI set. */
struct critical_info {
    uint64_t count, total, longest;      /* cycles */
    uint32_t begin, end; /* of the longest: instructions that set the first mask and cleared the last; 0: none */
    uint32_t masks; /* a bit for each enum mask that was set in it */
};

/* A handler that ran, in cycles from the start of the run. */
struct activation_info {
    uint64_t pended, start, entered, end; /* pended: start where it did not wait */
    uint32_t number, depth;
};

/* cffi: end */
#endif
