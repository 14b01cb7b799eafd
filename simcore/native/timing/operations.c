/* operations.c: see operations.h. */
#include "timing/operations.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "timing/one_call.h"

static uint64_t own_time(const struct operations *o) { return o->now ? *o->now - o->away : 0; }

void operations_free(struct operations *o)
{
    interned_free(&o->rows);
    interned_free(&o->states);
    free(o->row);
    free(o->depth);
    free(o->open);
    free(o->asked);
    one_call_free(o);
}

int operations_ask(struct operations *o, const struct op_calls *calls, uint32_t count)
{
    if (o->asks)
        return CORE_ERR_CONFIG;
    o->asked = calloc(count + 1u, sizeof *o->asked);
    if (!o->asked)
        return CORE_ERR_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        if (!calls[i].rows)
            return CORE_ERR_CONFIG;
        o->asked[i].calls = calls[i];
    }
    o->asks = count;
    return CORE_OK;
}

/* --- rows and states ---------------------------------------------------------------------------------------- */

int operations_row(struct operations *o, uint32_t source, uint32_t number, uint32_t call, uint32_t callee)
{
    struct interned_key key = {{source, number, call, callee}};
    if (array_reserve(&o->row, &o->rows_room, o->rows.keys + 1u, 16, sizeof *o->row) != CORE_OK)
        return CORE_ERR_MEMORY;
    uint32_t before = o->rows.keys;
    int row = interned_number(&o->rows, key);
    if (o->rows.keys > before)
        o->row[row] = (struct op_row_info){.source = source, .number = number, .call = call, .callee = callee};
    return row;
}

int operations_marked(struct operations *o, uint32_t descriptor)
{
    return operations_row(o, OP_MARKED, descriptor, 0, UINT32_MAX);
}

static uint32_t depth_of(const struct operations *o, uint32_t state) { return state ? o->depth[state - 1] : 0; }

/* A row inside a state; the state itself when there are too many. Returns the state or a core_status. */
static int64_t inside(struct operations *o, uint32_t state, uint32_t row)
{
    if (o->states.keys >= o->most_states &&
        interned_find(&o->states, (struct interned_key){{state, row, 0, 0}}) == NOT_INTERNED)
        return state;
    if (array_reserve(&o->depth, &o->depths_room, o->states.keys + 1u, 16, sizeof *o->depth) != CORE_OK)
        return CORE_ERR_MEMORY;
    int found = interned_number(&o->states, (struct interned_key){{state, row, 0, 0}});
    if (found < 0)
        return found;
    o->depth[found] = depth_of(o, state) + 1;
    return found + 1;
}

uint32_t operations_common(const struct operations *o, uint32_t one, uint32_t other)
{
    while (one != other) {
        uint32_t *deeper = depth_of(o, one) >= depth_of(o, other) ? &one : &other;
        *deeper = operations_around(o, *deeper);
    }
    return one;
}

/* Whether what a row stands for is open: of calls, any of the same function or place. */
static int is_open(const struct operations *o, uint32_t source, uint32_t number)
{
    for (uint32_t state = operations_state(o); state; state = operations_around(o, state)) {
        const struct op_row_info *row = &o->row[operations_innermost(o, state)];
        if (row->source == source && row->number == number)
            return 1;
    }
    return 0;
}

static int is_asked(const struct op_calls *c, uint32_t function, uint32_t call_site)
{
    return c->source == OP_CALLED ? c->number == function : call_site - c->first < c->size;
}

int64_t operations_called(struct operations *o, uint32_t asked, uint32_t function, uint32_t call_site, uint32_t *made,
                          uint32_t nodes)
{
    struct asked *a = &o->asked[asked];
    const struct op_calls *c = &a->calls;
    if (!is_asked(c, function, call_site) || o->is_aside || is_open(o, c->source, c->number))
        return NO_ROW;
    uint64_t call = c->source == OP_CALLED || c->period ? a->made++ : (*made)++;
    if (c->period)
        call %= c->period;
    uint32_t callee = c->source == OP_CALLED ? UINT32_MAX : function;
    struct interned_key key = {{c->source, c->number, (uint32_t)call, callee}};
    if (call < c->rows && (nodes < ROW_NODES_MAX || interned_find(&o->rows, key) != NOT_INTERNED))
        return operations_row(o, c->source, c->number, (uint32_t)call, callee);
    int rest = operations_row(o, c->source, c->number, UINT32_MAX, UINT32_MAX);
    if (rest >= 0 && !o->row[rest].is_rest) {
        o->row[rest].is_rest = 1;
        o->row[rest].call = (uint32_t)call;
    }
    return rest;
}

/* --- what is open --------------------------------------------------------------------------------------------- */

void operations_find_bound(struct operations *o)
{
    o->bound = 0;
    for (uint32_t i = o->base; i < o->opens; i++)
        if (o->open[i].frame > o->bound)
            o->bound = o->open[i].frame;
}

int operations_begin(struct operations *o, uint32_t row, uint32_t frame)
{
    struct op_row_info *info = &o->row[row];
    uint32_t around = operations_state(o);
    int again = is_open(o, info->source, info->number), is_deep = !again && depth_of(o, around) == STATE_DEPTH_MAX;
    if (o->opens - o->base == OPEN_MAX) {
        info->too_deep++;
        return CORE_OK;
    }
    int64_t state = again || is_deep ? around : inside(o, around, row);
    is_deep |= !again && state == around;
    if (state < 0 || array_reserve(&o->open, &o->opens_room, o->opens + 1u, 16, sizeof *o->open) != CORE_OK)
        return CORE_ERR_MEMORY;
    int counts = !again && !o->is_aside;
    info->invocations += (uint64_t)counts;
    info->again += (uint64_t)(again && !o->is_aside);
    info->too_deep += (uint64_t)is_deep;
    o->open[o->opens++] = (struct open_op){
        row, (uint32_t)state, frame, o->begun++, 0, own_time(o), 0, (uint8_t)(again || is_deep), (uint8_t)counts};
    if (frame > o->bound)
        o->bound = frame;
    return CORE_OK;
}

static void time(struct op_row_info *row, uint64_t cycles)
{
    if (!row->timed++ || cycles < row->least_cycles)
        row->least_cycles = cycles;
    if (cycles > row->most_cycles)
        row->most_cycles = cycles;
}

/* One ends, or is given up; those inside it stay open. */
static void close(struct operations *o, uint32_t at, int is_ended)
{
    struct open_op *op = &o->open[at];
    struct op_row_info *row = &o->row[op->row];
    if (op->counts)
        time(row, own_time(o) - op->since);
    row->unended += (uint64_t)(!is_ended && !op->frame && !o->is_aside);
    int status = op->call ? one_call_ends(o, op) : CORE_OK;
    if (status != CORE_OK)
        o->status = status;
    uint32_t state = at > o->base ? op[-1].state : NO_STATE;
    for (memmove(op, op + 1, (--o->opens - at) * sizeof *op); at < o->opens; at++, op++) {
        int64_t found = op->again ? state : inside(o, state, op->row);
        if (found < 0)
            o->status = (int)found;
        op->again |= found == state;
        state = op->state = found < 0 ? state : (uint32_t)found;
    }
    operations_find_bound(o);
}

int operations_end(struct operations *o)
{
    for (uint32_t at = o->opens; at-- > o->base;)
        if (!o->open[at].frame) {
            close(o, at, 1);
            return 1;
        }
    return 0;
}

void operations_unwind(struct operations *o, uint32_t frames)
{
    for (uint32_t at = o->opens; at-- > o->base && o->bound >= frames;)
        if (o->open[at].frame >= frames && o->open[at].frame)
            close(o, at, 1);
}

void operations_shift(struct operations *o)
{
    for (uint32_t at = o->opens; at-- > 0;)
        if (o->open[at].frame > 1)       /* else it ends with the frame that took its place */
            o->open[at].frame--;
    operations_find_bound(o);
}

void operations_drop(struct operations *o, uint32_t opens)
{
    while (o->opens > opens)
        close(o, o->opens - 1, o->open[o->opens - 1].frame != 0);
}

void operations_forget(struct operations *o)
{
    for (uint32_t i = 0; i < o->rows.keys; i++) {
        struct op_row_info *row = &o->row[i];
        row->invocations = row->timed = row->least_cycles = row->most_cycles = 0;
        row->again = row->unended = row->too_deep = row->partial = 0;
    }
    for (uint32_t i = 0; i < o->asks; i++)
        o->asked[i].made = 0;
    o->lost = (struct op_lost_info){0, 0, 0};
}

void operations_forget_open(struct operations *o, struct open_op *open, uint32_t opens, uint64_t own)
{
    for (; opens; opens--, open++) {
        open->since = open->call ? open->since : own;
        o->row[open->row].invocations += open->counts;
        o->row[open->row].partial += open->counts;
    }
}

void operations_add_open(struct op_row_info *row, const struct open_op *open, uint32_t opens, uint64_t own,
                         int run_ends)
{
    for (; opens; opens--, open++) {
        if (open->counts)
            time(&row[open->row], own - open->since);
        row[open->row].unended += run_ends && !open->frame;
        row[open->row].partial += open->counts && !run_ends;
    }
}
