/* operations.h: which operations are open in what runs, and how long each lasted.
 *
 * What is open belongs to what runs (contexts.h), not to a function: it stays open whatever returns. A row is what a
 * report has a line for: what a marker says, the k-th call of a function, the k-th call that is made at a place. A
 * state is what is open, outermost first: a row inside a state; state 0 is nothing. What opens again inside itself
 * changes no state: it counts once. */
#ifndef MCUSIM_OPERATIONS_H
#define MCUSIM_OPERATIONS_H

#include <stdint.h>

#include "timing/interned.h"
#include "types.h"

enum {
    NO_STATE = 0,
    STATE_DEPTH_MAX = 64,        /* operations inside one another; further ones change no state */
    OPEN_MAX = 1 << 12,          /* begins without their ends, with those that change no state */
    ROW_NODES_MAX = 1 << 16,     /* nodes of the call tree with which calls get no new rows any more */
};
#define NO_ROW UINT32_MAX

struct open_op {
    uint32_t row, state;
    uint32_t frame;              /* index of the frame whose call it is, 0: a marker ends it */
    uint32_t serial;             /* how many were opened before */
    int32_t node;                /* of the call tree, that it opened in */
    uint64_t since;              /* in cycles of what runs */
    uint64_t call;               /* of one_call.h: which, `since` is of the processor; 0: it is none */
    uint8_t again, counts;       /* it changes no state; its cycles are asked for */
};

struct one_call;

struct asked {                   /* calls that are operations */
    struct op_calls calls;
    uint64_t made;               /* of a function: how many calls */
};

struct operations {
    struct interned rows, states;        /* keys: source, number, call, callee; parent state, row */
    struct op_row_info *row;             /* by number */
    uint32_t *depth;                     /* of a state, by number - 1 */
    uint32_t rows_room, depths_room;
    struct open_op *open;                /* outermost first */
    uint32_t opens, opens_room;
    uint32_t base;                       /* how many of them are of what was interrupted */
    uint32_t bound;                      /* highest frame of one that is a call, 0: none is */
    uint32_t begun;
    struct asked *asked;
    uint32_t asks;
    struct one_call *one_call;           /* NULL: none is asked for */
    uint64_t away;                       /* cycles in which what runs did not run */
    const uint64_t *now;                 /* NULL: no time goes by */
    struct op_lost_info lost;
    uint32_t most_states;
    int status;                  /* 0, or the first core_status that nobody was told of yet */
    uint8_t is_aside;                    /* what runs does not count */
};

void operations_free(struct operations *o);

/* Which calls are operations. Copies. Returns 0, CORE_ERR_CONFIG or CORE_ERR_MEMORY. */
int operations_ask(struct operations *o, const struct op_calls *calls, uint32_t count);

/* What is open now. */
static inline uint32_t operations_state(const struct operations *o)
{
    return o->opens > o->base ? o->open[o->opens - 1].state : NO_STATE;
}

/* Of a state other than NO_STATE: what is open around its innermost operation, and that one. */
static inline uint32_t operations_around(const struct operations *o, uint32_t state)
{
    return o->states.key[state - 1].word[0];
}
static inline uint32_t operations_innermost(const struct operations *o, uint32_t state)
{
    return o->states.key[state - 1].word[1];
}

/* What is open in both of two states, from outside. */
uint32_t operations_common(const struct operations *o, uint32_t one, uint32_t other);

/* The row of what a report has a line for, by the fields of op_row_info. Negative: core_status. */
int operations_row(struct operations *o, uint32_t source, uint32_t number, uint32_t call, uint32_t callee);

/* The row that a marker's descriptor has. Negative: core_status. */
int operations_marked(struct operations *o, uint32_t descriptor);

/* The row of a call, if it is operation number `asked`: how many calls the frame has made there is counted on; with
 * so many nodes in the tree. NO_ROW: it is none, or open already. Negative: core_status. */
int64_t operations_called(struct operations *o, uint32_t asked, uint32_t function, uint32_t call_site, uint32_t *made,
                          uint32_t nodes);

/* A row opens; `frame` as in struct open_op. Returns 0 or a core_status. */
int operations_begin(struct operations *o, uint32_t row, uint32_t frame);

/* The innermost one that a marker began ends. Returns 0 when there is none. */
int operations_end(struct operations *o);

/* Frames are gone: calls end whose frame is none of the first so many. */
void operations_unwind(struct operations *o, uint32_t frames);

/* The oldest frame above the root's was given up. */
void operations_shift(struct operations *o);

/* Behind a change of `open` or `base`: finds `bound`. */
void operations_find_bound(struct operations *o);

/* Of more than so many no end will come. */
void operations_drop(struct operations *o, uint32_t opens);

/* Counts begin anew; then those of what is open, at this time of what it is open in. */
void operations_forget(struct operations *o);
void operations_forget_open(struct operations *o, struct open_op *open, uint32_t opens, uint64_t own);

/* Adds to rows what is open still where counting ends, at this time of what it is open in. With the run no end will
 * come of it, with one call (one_call.h) it may. */
void operations_add_open(struct op_row_info *row, const struct open_op *open, uint32_t opens, uint64_t own,
                         int run_ends);

#endif
