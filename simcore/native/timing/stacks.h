/* stacks.h: how deep each stack was, and in which calls.
 *
 * SP is followed from block to block by what instructions add to it; where one sets it otherwise, an access through it
 * or capture says what it is. A stack is an SP that came from elsewhere and what lies below it. What a handler stores
 * below the frame that it interrupted belongs to that stack: a kernel saves registers there. */
#ifndef MCUSIM_STACKS_H
#define MCUSIM_STACKS_H

#include <stdint.h>

#include "types.h"

enum {
    STACKS_MAX = 4096,
    LINKS_MAX = 512,             /* calls that are kept of a deepest chain, the innermost */
    STACK_STEP = 4096,           /* bytes below all that a stack held, to which no function sets SP in one step */
};

struct block;
struct timing;

struct stack {
    struct stack_info info;
    struct link_info *link;      /* LINKS_MAX of them when there are any */
    uint8_t is_deeper;           /* than when its calls were kept */
    uint8_t is_over;             /* another begins in its memory */
};

struct stacks {
    struct stack *stack;
    uint32_t stacks, room;
    uint32_t running;            /* index of the one in use */
    uint32_t lowest;             /* its info.lowest */
    uint32_t sp, saved_from;     /* SP; down to where is saved what was interrupted on another stack, 0: nothing */
    uint32_t saved_on;           /* index of that stack */
    uint32_t apart_low, apart_high;      /* the store that came last and did not end there */
    uint32_t set_from, set_at; /* SP in front of an instruction that set it to what is not told yet, and its address */
    int32_t since, since_low; /* bytes added behind that instruction, and the lowest on the way */
    uint8_t unknown, set_kind; /* SP is not told yet; enum stack_move */
};

/* The program starts on this stack. Returns 0 or a core_status; so do all below, or STOP_FAULT for an overflow. */
int stacks_begin(struct timing *t, uint32_t top, uint32_t floor);
void stacks_free(struct stacks *s);

/* The index of the stack that an SP lies on, of a new one when it lies on none. Negative: core_status. */
int stacks_at(struct timing *t, uint32_t sp);

/* Behind a block that moves SP or tells it; arguments as those of timing_run_block(). */
int stacks_walk(struct timing *t, const struct block *b, const uint32_t *address, const uint8_t *present,
                const uint8_t *ran, const uint32_t *note, uint32_t notes);

/* Capture says what SP is. */
int stacks_told(struct timing *t, uint32_t sp);

/* Whether an SP lies on a stack, or not far below it. */
int stacks_holds(const struct stacks *s, uint32_t stack, uint32_t sp);

/* The index of a new stack with this SP on top, in place of those that held it. Negative: core_status. */
int stacks_new(struct timing *t, uint32_t top);

/* SP is on this stack now, because of the instruction at pc. A stack reaches down to an SP, which is not in use. */
int stacks_switch(struct timing *t, uint32_t stack, uint32_t sp, uint32_t pc);
int stacks_hold(struct timing *t, uint32_t stack, uint32_t sp, uint32_t pc);

/* A handler stored to these addresses: what lies right below the frame, or below what was stored so, is saved. */
int stacks_saved(struct timing *t, const struct block *b, const uint32_t *address, const uint8_t *present);

/* The calls that are open may end: those of a deepest stack are kept. */
int stacks_keep(struct timing *t);

/* How deep each was until now does not count. */
void stacks_forget(struct timing *t);

#endif
