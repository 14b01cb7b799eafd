/* run.h: one execution of a block: its branch, its fetch, its accesses, its notes. */
#ifndef MCUSIM_RUN_H
#define MCUSIM_RUN_H

#include "timing/timing.h"

/* Branches behind which the function that runs goes on. */
enum { WITHIN_FUNCTION = 1 << BRANCH_NONE | 1 << BRANCH_CONDITIONAL | 1 << BRANCH_DIRECT | 1 << BRANCH_TABLE };

/* Whether the branch that ends a block may fall through. */
static inline int timing_is_conditional(const struct block *b)
{
    return b->facts.branch == BRANCH_CONDITIONAL || b->facts.branch_predicated;
}

static inline int timing_is_call(const struct block *b)
{
    return b->facts.branch == BRANCH_CALL || b->facts.branch == BRANCH_CALL_INDIRECT;
}

/* Whether a block that ends in a branch goes on in the next one all the same: what leads to the next address leads
 * nowhere, save a call that is none of those but an operation marker, whose own cost is left out: one that came
 * straight back. */
static inline int timing_goes_on(const struct block *b, const struct block *next)
{
    uint32_t end = b->info.address + b->info.size;
    if (next->info.address != end || !(timing_is_conditional(b) || timing_is_call(b)))
        return 0;
    return !timing_is_call(b) || b->facts.branch_target != end || !next->facts.is_function_entry;
}

static inline void timing_charge(struct timing *t, enum cause cause, uint32_t cycles)
{
    t->memory.counters[COUNTER_CYCLES + cause] += cycles;
    if (cause == CAUSE_FETCH || cause == CAUSE_LOAD || cause == CAUSE_STORE)
        t->waits += cycles;
    t->now += cycles;
}

/* Whether fetching a block costs nothing and changes nothing: its lines are there, and none is on its way. */
static inline int timing_fetch_is_free(const struct timing *t, const struct block *b)
{
    return b->free_in == t->memory.icache.generation && t->memory.fetch.done_at <= t->now;
}

/* An execution of a block in an entry. Returns 0 or CORE_ERR_MEMORY. */
static inline int timing_count(struct timing *t, struct entry *e, uint32_t entry)
{
    int status = e->node == t->node ? CORE_OK : timing_pend(t, entry);
    e->pending++;
    return status;
}

/* blocks_enter(); what it takes the place of is settled first. */
static inline int timing_new_entry(struct timing *t, uint32_t block, uint32_t state, uint64_t variant)
{
    int32_t given_up = blocks_given_up(&t->blocks, block);
    if (given_up >= 0)
        timing_give_up(t, (uint32_t)given_up);
    return blocks_enter(&t->blocks, block, state, variant);
}

/* Other operations are open now: what sites counted until here was of those before. */
void timing_switch_operations(struct timing *t, uint32_t state);

static inline void timing_follow_operations(struct timing *t)
{
    uint32_t state = t->calls.ops.is_aside ? NO_STATE : operations_state(&t->calls.ops);
    if (state != t->objects.state)
        timing_switch_operations(t, state);
}

/* Whether counts are looked at where control goes elsewhere: samples see one node; a call may be where counting begins or
 * ends. */
static inline int timing_is_watched(const struct timing *t)
{
    return t->trace || t->calls.ops.asks || t->calls.ops.one_call || t->memory.by_all_rules;
}

/* How the branch that ends a block in the running node was predicted, and what that costs. exits: of the entry that
 * ran; *state: behind it. */
enum prediction timing_branch(struct timing *t, struct block *b, const struct exits *exits, enum branch_kind kind,
                              uint32_t next, int is_taken, uint32_t *state);

/* Control goes to a block by a branch (BRANCH_NONE: by none) from call_site; a call returns to returns_to. Returns 0 or a
 * core_status. */
int timing_enter(struct timing *t, const struct block *b, uint32_t how, uint32_t call_site, uint32_t returns_to);

/* Waits for the code of a block that issues now, in so many cycles. */
void timing_fetch(struct timing *t, struct block *b, uint32_t cycles, int redirected);

/* Another node may be running now. */
void timing_follow(struct timing *t);

/* Control reached a block of which nothing runs: its first instruction faults. */
int timing_arrive(struct timing *t, const struct block *b);

/* Cycles of a note's instruction on top of what is scheduled. */
uint32_t timing_extra(const struct timing *t, const struct block *b, uint32_t note);

/* address: one for each access of the block. present, ran: which accesses happened, which instructions ran; NULL:
 * all of them. Returns 0, a core_status, or STOP_FAULT. */
int timing_run_block(struct timing *t, uint32_t index, const uint32_t *address, const uint8_t *present,
                     const uint8_t *ran, const uint32_t *notes, uint32_t note_count);

/* SP behind a block that moves or tells it; arguments as those of timing_run_block(). */
static inline int timing_follow_stack(struct timing *t, const struct block *b, const uint32_t *address,
                                      const uint8_t *present, const uint8_t *ran, const uint32_t *notes,
                                      uint32_t note_count)
{
    const struct block_static *f = &b->facts;
    struct stacks *s = &t->stacks;
    uint32_t low = s->sp + (uint32_t)b->sp_low;
    int tells = f->stack_access >= 0 && (!present || present[f->stack_access]);
    if (low < t->handler_low)
        t->handler_low = low;
    if (b->sp_depends || s->unknown || low < s->lowest ||
        (tells && address[f->stack_access] - (uint32_t)f->stack_offset != s->sp))
        return stacks_walk(t, b, address, present, ran, notes, note_count);
    s->sp += (uint32_t)b->sp_change;
    return CORE_OK;
}

#endif
