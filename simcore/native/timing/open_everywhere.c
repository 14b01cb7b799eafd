/* open_everywhere.c: operations that are open in any context: in what runs, what it interrupts, and what waits. */
#include "timing/contexts.h"
#include "timing/one_call.h"
#include "timing/timing.h"

static uint32_t innermost_marked(const struct operations *o, const struct open_op *open, uint32_t opens)
{
    while (opens-- > 0)
        if (o->row[open[opens].row].source == OP_MARKED)
            return open[opens].row;
    return NO_ROW;
}

void contexts_lost_end(struct timing *t)
{
    struct operations *o = &t->calls.ops;
    if (o->lost.count > 1)
        return;
    o->lost.row = innermost_marked(o, o->open, o->base);
    for (uint32_t i = 0; i < t->contexts.contexts && o->lost.row == NO_ROW; i++)
        o->lost.row = innermost_marked(o, t->contexts.context[i].calls.open, t->contexts.context[i].calls.opens);
}

/* Those of what runs, with what it interrupts: each at its own time. */
static uint32_t opens_below(const struct timing *t, uint32_t level, uint64_t *own)
{
    const struct operations *o = &t->calls.ops;
    const struct calls_level *l = level < t->contexts.levels ? &t->contexts.level[level].calls : NULL;
    *own = l ? l->since - l->away : t->now - o->away;
    return l ? l->opens : o->opens;
}

void contexts_forget_open(struct timing *t)
{
    struct operations *o = &t->calls.ops;
    uint64_t own;
    operations_forget(o);
    for (uint32_t level = 0, from = 0, to; level <= t->contexts.levels; level++, from = to) {
        to = opens_below(t, level, &own);
        operations_forget_open(o, o->open + from, to - from, own);
    }
    for (uint32_t i = 0; i < t->contexts.contexts; i++) {
        struct kept_calls *kept = &t->contexts.context[i].calls;
        operations_forget_open(o, kept->open, kept->opens, kept->since - kept->away);
    }
}

void contexts_add_open(const struct timing *t, struct op_row_info *row)
{
    const struct operations *o = &t->calls.ops;
    int run_ends = !one_call_info(o).counted_to;
    uint64_t own;
    for (uint32_t level = 0, from = 0, to; level <= t->contexts.levels; level++, from = to) {
        to = opens_below(t, level, &own);
        operations_add_open(row, o->open + from, to - from, own, run_ends);
    }
    for (uint32_t i = 0; i < t->contexts.contexts; i++) {
        const struct kept_calls *kept = &t->contexts.context[i].calls;
        operations_add_open(row, kept->open, kept->opens, kept->since - kept->away, run_ends);
    }
}
