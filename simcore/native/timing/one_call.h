/* one_call.h: a part of the run that is counted alone: one call of a function, from its entry to its return.
 *
 * A call lasts as the frame of it does (calltree.h): until it returns, is left by longjmp, or what runs there ends.
 * Inside of it everything counts, what interrupts it too. Calls inside of another one of the same context are part of
 * that. The first is counted, then anew the next that begins when that has come back: `took` is called at the end of
 * each, before anything else is counted, and may copy the counters. Times are of the processor, not of what runs. */
#ifndef MCUSIM_ONE_CALL_H
#define MCUSIM_ONE_CALL_H

#include "timing/operations.h"
#include "types.h"

enum { ONE_CALL_TAKEN = 2 };     /* calls that are counted, one behind the other */

struct timing;

struct one_call {
    uint32_t function[ONE_CALL_FUNCTIONS];
    uint32_t functions;
    uint32_t row;                /* of operations; no node has it */
    struct one_call_info info;
    uint64_t begun, forgotten;   /* all that began; those of them before counting did */
    uint64_t counting;           /* which of them is counted now, 0: none */
    uint64_t from, instructions_from;    /* cycles and instructions before counting began */
    uint32_t open;
    struct timing *timing;
    core_one_call_fn *took;
    void *taker;
};

/* Calls of any of these functions are asked for, which are copied. Returns 0 or a core_status. */
int one_call_ask(struct timing *t, const uint32_t *function, uint32_t functions, void *taker, core_one_call_fn *took);
void one_call_free(struct operations *o);

/* A function is called; the frame of it will have this index. Returns 0 or a core_status. */
int one_call_begins(struct operations *o, uint32_t function, uint32_t frame);

/* A call of it is over. Returns 0 or a core_status. */
int one_call_ends(struct operations *o, const struct open_op *op);

/* What was counted until now does not count. */
void one_call_forget(struct operations *o);

struct one_call_info one_call_info(const struct operations *o);

#endif
