/* pending.c: executions that are not added to the call tree yet, each entry's to the node that ran it last. */
#include "array.h"
#include "timing/timing.h"

static void settle(struct timing *t, uint32_t entry)
{
    struct entry *e = &t->blocks.entry[entry];
    struct entry_cost *cost = &t->blocks.cost[entry];
    struct block *b = &t->blocks.block[e->block];
    uint64_t n = e->pending, *v = t->calls.node[e->node].counters;
    for (const struct term *term = cost->term, *end = term + cost->terms; term < end; term++)
        v[term->counter] += n * term->amount;
    if (b->fetch_cached)
        v[COUNTER_ICACHE_ACCESSES] += n * b->groups;
    cost->cost.executions += n;
    b->info.executions += n;
    if (t->node_blocks)
        node_blocks_add(t->node_blocks, (uint32_t)e->node, e->block, n, n * e->cycles);
    e->pending = 0;
    if (t->objects.by_state)
        timing_ran(t, e->block);
}

void timing_settle(struct timing *t)
{
    for (uint32_t i = 0; i < t->touched_used; i++) {
        settle(t, t->touched[i]);
        t->blocks.entry[t->touched[i]].node = NO_NODE;
    }
    t->touched_used = 0;
}

void timing_give_up(struct timing *t, uint32_t entry)
{
    if (t->blocks.entry[entry].node == NO_NODE)
        return;
    settle(t, entry);
    uint32_t at = 0;
    while (t->touched[at] != entry)
        at++;
    t->touched[at] = t->touched[--t->touched_used];
    t->blocks.entry[entry].node = NO_NODE;
}

int timing_pend(struct timing *t, uint32_t entry)
{
    struct entry *e = &t->blocks.entry[entry];
    if (e->node != NO_NODE) {
        settle(t, entry);
    } else {
        if (array_reserve(&t->touched, &t->touched_room, t->touched_used + 1u, 1024, sizeof *t->touched) != CORE_OK)
            return CORE_ERR_MEMORY;
        t->touched[t->touched_used++] = entry;
    }
    e->node = t->node;
    return CORE_OK;
}
