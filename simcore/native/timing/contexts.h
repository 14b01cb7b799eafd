/* contexts.h: what runs on calls of its own: the program as it starts, handlers, tasks.
 *
 * A context waits under an SP: the address of the exception's frame, or SP itself where code switches without an
 * exception. Whoever goes on from there is the same context; an SP under which nothing waits begins a new one. */
#ifndef MCUSIM_CONTEXTS_H
#define MCUSIM_CONTEXTS_H

#include <stdint.h>

#include "timing/blocks.h"
#include "timing/calltree.h"
#include "types.h"

enum { LEVELS_MAX = 64 };
enum { ANY_ADDRESS = 0 };

struct timing;

struct level {                   /* what goes on when a handler comes back */
    int32_t last_block, last_entry;
    struct exits left;
    struct calls_level calls;
    uint32_t returns_to;
    uint32_t frame;              /* address of its frame */
    uint32_t stack, saved_from, saved_on;
    uint8_t arrives;             /* enum arrival */
    uint8_t by_marker;           /* as struct timing has it */
};

struct context {
    struct context_info info;
    struct level at;             /* where it waits: `frame` is the SP, `returns_to` may be ANY_ADDRESS */
    struct kept_calls calls;     /* of one that waits */
    uint64_t left_at;            /* when it lost the processor */
    uint64_t woken_at;           /* when it could run again */
    uint32_t address;            /* of the kernel's structure of it, 0: not known */
    uint8_t had;                 /* the processor, at some time */
    uint8_t is_aside;            /* it does not count */
    uint8_t is_woken;            /* and has not run since */
};

struct contexts {
    struct context *context;
    uint32_t contexts, room;
    uint32_t running;            /* index of the one of thread mode */
    struct level level[LEVELS_MAX];      /* interrupted, the innermost last */
    uint32_t levels;
    uint64_t lost;
    uint32_t *counted;           /* the only ones that count, in order; NULL: all do */
    uint32_t counts;
    uint8_t jumped;              /* code set SP to another stack and has not come to a return since, ... */
    uint32_t jumped_from, jumped_stack;  /* ... from this SP on this stack */
};

/* All return 0 or a core_status, or STOP_FAULT for a stack that overflows. */
int contexts_init(struct timing *t);
void contexts_free(struct contexts *c);

/* A RECORD_EXCEPTION: enum exception_event, where it returns or returned to, its frame, SP behind it. */
int contexts_exception(struct timing *t, uint32_t event, uint32_t address, uint32_t frame, uint32_t sp);

/* A RECORD_TASK: what runs in thread mode is this task to the kernel, whose stack ends there, if that is not 0, and
 * whose structure has this address; 0: it is no structure of a task. */
int contexts_task(struct timing *t, uint32_t task, uint32_t floor, uint32_t address);

/* The instruction at pc set SP in thread mode, which was `before`. */
int contexts_set_stack(struct timing *t, uint32_t before, uint32_t sp, uint32_t pc);

/* Control returns to this address on a stack that code has set: a context begins there that was never seen, unless a
 * call of this one returns there. */
int contexts_return(struct timing *t, uint32_t address, uint32_t function, int is_entry);

/* Only these contexts count, which is said before the first runs. Copies. */
int contexts_count_only(struct timing *t, const uint32_t *context, uint32_t count);

/* A RECORD_WOKEN: the task whose structure has this address can run again. */
void contexts_woken(struct timing *t, uint32_t address);

/* The exception that gave the processor to what runs now was pended then. */
void contexts_responded(struct timing *t, uint64_t pended);

/* SP of what waits on a stack, the same one if nothing does. */
uint32_t contexts_sp_on(const struct contexts *c, uint32_t stack, uint32_t otherwise);

/* An operation was to end and none is open: whether one is in what does not run. */
void contexts_lost_end(struct timing *t);

/* Counts of operations begin anew. */
void contexts_forget_open(struct timing *t);

/* Adds to rows of operations what is open still. */
void contexts_add_open(const struct timing *t, struct op_row_info *row);

/* What was counted until now does not count. */
void contexts_forget(struct timing *t);

#endif
