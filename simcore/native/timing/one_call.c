/* one_call.c: see one_call.h. */
#include "timing/one_call.h"

#include <stdlib.h>

#include "array.h"
#include "timing/timing.h"

int one_call_ask(struct timing *t, const uint32_t *function, uint32_t functions, void *taker, core_one_call_fn *took)
{
    struct operations *o = &t->calls.ops;
    if (o->one_call || !functions || functions > ONE_CALL_FUNCTIONS)
        return CORE_ERR_CONFIG;
    int row = operations_row(o, OP_ONE_CALL, 0, 0, UINT32_MAX);
    if (row < 0)
        return row;
    struct one_call *r = calloc(1, sizeof *r);
    if (!r)
        return CORE_ERR_MEMORY;
    for (uint32_t i = 0; i < functions; i++)
        r->function[i] = function[i];
    r->functions = functions;
    r->row = (uint32_t)row;
    r->timing = t;
    r->took = took;
    r->taker = taker;
    o->one_call = r;
    return CORE_OK;
}

void one_call_free(struct operations *o) { free(o->one_call); }

static int is_asked(const struct one_call *r, uint32_t function)
{
    for (uint32_t i = 0; i < r->functions; i++)
        if (r->function[i] == function)
            return 1;
    return 0;
}

/* Whether one of the calls is open in what runs. */
static int is_inside(const struct operations *o)
{
    for (uint32_t i = o->base; i < o->opens; i++)
        if (o->open[i].call)
            return 1;
    return 0;
}

int one_call_begins(struct operations *o, uint32_t function, uint32_t frame)
{
    struct one_call *r = o->one_call;
    if (!is_asked(r, function) || is_inside(o) || o->opens - o->base == OPEN_MAX)
        return CORE_OK;
    if (array_reserve(&o->open, &o->opens_room, o->opens + 1u, 16, sizeof *o->open) != CORE_OK)
        return CORE_ERR_MEMORY;
    struct one_call_info *info = &r->info;
    r->begun++;
    if (!info->calls++) {
        info->setup_cycles = *o->now - r->from;
        info->setup_instructions = r->timing->instructions - r->instructions_from;
    }
    info->overlapping += r->open++ > 0;
    if (!r->counting && info->taken < ONE_CALL_TAKEN) {
        r->counting = r->begun;
        info->counted = info->calls;
        info->counted_from = *o->now;
        info->counted_to = 0;
        info->function = function;
        timing_forget(r->timing);
    }
    o->open[o->opens] = (struct open_op){.row = r->row,
                                         .state = operations_state(o),
                                         .frame = frame,
                                         .serial = o->begun++,
                                         .since = *o->now,
                                         .call = r->begun,
                                         .again = 1};
    o->opens++;
    if (frame > o->bound)
        o->bound = frame;
    return CORE_OK;
}

int one_call_ends(struct operations *o, const struct open_op *op)
{
    struct one_call *r = o->one_call;
    struct one_call_info *info = &r->info;
    r->open--;
    if (op->call <= r->forgotten)
        return CORE_OK;
    uint64_t cycles = *o->now - op->since;
    if (!info->ended++ || cycles < info->least_cycles)
        info->least_cycles = cycles;
    if (cycles > info->most_cycles)
        info->most_cycles = cycles;
    if (op->call == r->forgotten + 1) {
        info->first_ended = 1;
        info->first_cycles = cycles;
    }
    if (op->call != r->counting)
        return CORE_OK;
    info->counted_to = *o->now;
    r->counting = 0;
    info->taken++;
    timing_settle(r->timing);
    timing_settle_objects(r->timing);
    timing_settle_trace(r->timing);
    return r->took(r->taker);
}

void one_call_forget(struct operations *o)
{
    struct one_call *r = o->one_call;
    if (!r)
        return;
    r->info = (struct one_call_info){0};
    r->forgotten = r->begun;
    r->counting = 0;
    r->from = *o->now;
    r->instructions_from = r->timing->instructions;
}

struct one_call_info one_call_info(const struct operations *o)
{
    return o->one_call ? o->one_call->info : (struct one_call_info){0};
}
