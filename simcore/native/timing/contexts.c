/* contexts.c: see contexts.h. */
#include "timing/contexts.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "timing/run.h"

#define NO_TASK UINT32_MAX

static struct context *running_of(struct timing *t) { return &t->contexts.context[t->contexts.running]; }

static int is_aside(const struct contexts *c, uint32_t index)
{
    for (uint32_t i = 0; i < c->counts; i++)
        if (c->counted[i] == index)
            return 0;
    return c->counted != NULL;
}

static int add(struct contexts *c, uint32_t stack)
{
    if (c->contexts == CONTEXTS_MAX) {
        c->lost++;
        return CONTEXTS_MAX - 1;
    }
    if (array_reserve(&c->context, &c->room, c->contexts + 1u, 8, sizeof *c->context) != CORE_OK)
        return CORE_ERR_MEMORY;
    c->context[c->contexts] = (struct context){.info = {NO_TASK, NO_FUNCTION, stack, 0, 0, 0, 0},
                                               .is_aside = (uint8_t)is_aside(c, c->contexts)};
    return (int)c->contexts++;
}

/* What runs from now on is of this context. */
static void count_for(struct timing *t, uint32_t index)
{
    t->calls.context = index;
    if (t->contexts.counted) {
        timing_settle(t);
        t->calls.ops.is_aside = t->contexts.context[index].is_aside;
        blocks_aside(&t->blocks, t->calls.ops.is_aside);
    }
}

int contexts_count_only(struct timing *t, const uint32_t *context, uint32_t count)
{
    struct contexts *c = &t->contexts;
    c->counted = malloc((count + 1) * sizeof *c->counted);
    if (!c->counted)
        return CORE_ERR_MEMORY;
    memcpy(c->counted, context, count * sizeof *c->counted);
    c->counts = count;
    for (uint32_t i = 0; i < c->contexts; i++)
        c->context[i].is_aside = (uint8_t)is_aside(c, i);
    count_for(t, t->calls.context);
    return CORE_OK;
}

void contexts_responded(struct timing *t, uint64_t pended)
{
    struct context_info *i = &running_of(t)->info;
    if (t->now - pended > i->longest_response)
        i->longest_response = t->now - pended;
}

void contexts_woken(struct timing *t, uint32_t address)
{
    struct contexts *c = &t->contexts;
    for (uint32_t i = 0; i < c->contexts; i++)
        if (c->context[i].address == address && c->context[i].calls.frame && address) {
            c->context[i].is_woken = 1;
            c->context[i].woken_at = t->now;
        }
}

int contexts_init(struct timing *t)
{
    if (add(&t->contexts, 0) < 0 || add(&t->contexts, 0) < 0)
        return CORE_ERR_MEMORY;
    running_of(t)->had = 1;
    return CORE_OK;
}

void contexts_free(struct contexts *c)
{
    for (uint32_t i = 0; i < c->contexts; i++)
        calltree_forget_kept(&c->context[i].calls);
    free(c->context);
    free(c->counted);
}

uint32_t contexts_sp_on(const struct contexts *c, uint32_t stack, uint32_t otherwise)
{
    for (uint32_t i = 0; i < c->contexts; i++)
        if (c->context[i].calls.frame && c->context[i].info.stack == stack)
            return c->context[i].at.frame;
    for (uint32_t i = 0; i < c->levels; i++)
        if (c->level[i].stack == stack)
            return c->level[i].frame;
    return otherwise;
}

void contexts_forget(struct timing *t)
{
    struct contexts *c = &t->contexts;
    for (uint32_t i = 0; i < c->contexts; i++) {
        struct context_info *info = &c->context[i].info;
        info->switches = info->longest_wait = info->longest_response = info->longest_woken = 0;
        c->context[i].left_at = c->context[i].woken_at = t->now;
    }
    c->lost = 0;
    contexts_forget_open(t);
}

/* --- from one to another ------------------------------------------------------------------------------------ */

/* All but the root of its calls are kept; nothing but the root is left. */
static int suspend(struct timing *t, const struct level *at)
{
    struct context *context = running_of(t);
    int status = calltree_keep(&t->calls, &context->calls);
    if (status != CORE_OK)
        return status;
    context->info.stack = at->stack;
    context->at = *at;
    context->left_at = t->now;
    if (t->trace)
        trace_suspend(t->trace, t->now - t->counted_from);
    return CORE_OK;
}

static void give_processor(struct timing *t, uint32_t index)
{
    struct context *context = &t->contexts.context[index];
    uint64_t waited = t->now - context->left_at;
    if (context->had && waited > context->info.longest_wait)
        context->info.longest_wait = waited;
    if (context->is_woken && t->now - context->woken_at > context->info.longest_woken)
        context->info.longest_woken = t->now - context->woken_at;
    context->is_woken = 0;
    context->had = 1;
    context->info.switches++;
    t->contexts.running = index;
    count_for(t, index);
}

static void go_on(struct timing *t, const struct level *at)
{
    t->last_block = at->last_block;
    t->last_entry = at->last_entry;
    t->left = at->left;
    t->arrives = at->arrives;
    t->by_marker = at->by_marker;
}

static void arrive_anew(struct timing *t, enum arrival how)
{
    t->last_block = t->last_entry = NO_DEFINITION;
    t->arrives = (uint8_t)how;
    t->by_marker = 0;
    t->hardware_return = 0;
}

static int find_waiting(const struct timing *t, uint32_t sp, uint32_t address)
{
    const struct contexts *c = &t->contexts;
    for (uint32_t i = 0; i < c->contexts; i++) {
        const struct level *at = &c->context[i].at;
        if (c->context[i].calls.frame && at->frame == sp && !t->stacks.stack[at->stack].is_over &&
            (address == ANY_ADDRESS || at->returns_to == ANY_ADDRESS || at->returns_to == address))
            return (int)i;
    }
    return -1;
}

/* The calls of a context that waits are those that are open, again. */
static int take_up(struct timing *t, uint32_t index)
{
    struct context *context = &t->contexts.context[index];
    int status = calltree_restore(&t->calls, &context->calls);
    give_processor(t, index);
    return status;
}

static int begin(struct timing *t, uint32_t stack)
{
    int index = add(&t->contexts, stack);
    if (index < 0)
        return index;
    calltree_forget_kept(&t->contexts.context[index].calls); /* of the one that is shared, as there are too many */
    give_processor(t, (uint32_t)index);
    return CORE_OK;
}

/* --- by an exception ---------------------------------------------------------------------------------------- */

static int enter(struct timing *t, uint32_t returns_to, uint32_t frame, uint32_t sp, int is_process)
{
    struct contexts *c = &t->contexts;
    struct stacks *s = &t->stacks;
    int status = stacks_told(t, s->unknown ? frame : s->sp);
    if (status == CORE_OK)
        status = stacks_hold(t, s->running, frame, returns_to);
    if (status != CORE_OK)
        return status;
    calltree_unwind_to(&t->calls, s->running, t->unwinds_to);
    t->unwinds_to = 0;
    if (c->levels == LEVELS_MAX) {
        memmove(c->level, c->level + 1, (LEVELS_MAX - 1) * sizeof *c->level);
        c->levels--;
    }
    c->level[c->levels++] = (struct level){.last_block = t->last_block,
                                           .last_entry = t->last_entry,
                                           .left = t->left,
                                           .returns_to = returns_to,
                                           .frame = frame,
                                           .stack = s->running,
                                           .saved_from = s->saved_from,
                                           .saved_on = s->saved_on,
                                           .arrives = t->arrives,
                                           .by_marker = t->by_marker};
    arrive_anew(t, ARRIVES_BY_CALL);
    t->state = t->reset_state;
    t->hardware_return = returns_to;
    count_for(t, CONTEXT_HANDLERS);
    status = calltree_level(&t->calls, &c->level[c->levels - 1].calls);
    if (status != CORE_OK || !is_process)
        return status == CORE_OK ? stacks_switch(t, s->running, frame, returns_to) : status;
    s->saved_from = frame;
    s->saved_on = s->running;
    s->apart_high = 0;
    int stack = stacks_at(t, sp);
    return stack < 0 ? stack : stacks_switch(t, (uint32_t)stack, sp, returns_to);
}

/* The stack that a context goes on with, and the calls on it that are still open when it does so at another place
 * than it left: those that were entered with an SP above. */
static int on_own_stack(struct timing *t, uint32_t stack, uint32_t sp, uint32_t pc)
{
    calltree_unwind_to(&t->calls, stack, sp);
    return stacks_switch(t, stack, sp, pc);
}

static int leave(struct timing *t, uint32_t frame, uint32_t address, uint32_t sp)
{
    struct contexts *c = &t->contexts;
    struct stacks *s = &t->stacks;
    if (!c->levels)
        return CORE_OK;
    struct level i = c->level[--c->levels];
    calltree_end_level(&t->calls, &i.calls);
    s->saved_from = i.saved_from;
    s->saved_on = i.saved_on;
    count_for(t, c->levels ? CONTEXT_HANDLERS : c->running);
    if (i.frame == frame || c->levels) {
        go_on(t, &i);
        return stacks_switch(t, i.stack, sp, address);
    }
    int waiting = find_waiting(t, frame, address);
    if (waiting < 0 && stacks_holds(s, i.stack, sp)) { /* it unwinds, or calls */
        arrive_anew(t, ARRIVES_BY_RETURN);
        return on_own_stack(t, i.stack, sp, address);
    }
    int status = suspend(t, &i);
    if (status != CORE_OK)
        return status;
    if (waiting >= 0) {
        go_on(t, &c->context[waiting].at);
        status = take_up(t, (uint32_t)waiting);
        return status == CORE_OK ? stacks_switch(t, running_of(t)->info.stack, sp, address) : status;
    }
    arrive_anew(t, ARRIVES_BY_CALL);
    int stack = stacks_new(t, sp);
    if (stack < 0)
        return stack;
    status = begin(t, (uint32_t)stack);
    if (status == CORE_OK)
        status = stacks_switch(t, (uint32_t)stack, sp, address);
    return status == CORE_OK ? stacks_hold(t, (uint32_t)stack, frame, address) : status;
}

int contexts_exception(struct timing *t, uint32_t event, uint32_t address, uint32_t frame, uint32_t sp)
{
    const struct timing_config *k = &t->config;
    struct contexts *c = &t->contexts;
    uint32_t fp = (event & EXCEPTION_FP) ? k->exception_fp_cycles : 0;
    int status = stacks_keep(t);
    if (status != CORE_OK)
        return status;
    switch (event & 0xff) {
    case EXCEPTION_ENTERED:
        timing_charge(t, CAUSE_BRANCH, k->exception_entry_cycles + fp);
        return enter(t, address, frame, sp, (event & EXCEPTION_PROCESS) != 0);
    case EXCEPTION_CHAINED: {
        timing_charge(t, CAUSE_BRANCH, k->exception_chain_cycles);
        if (!c->levels)
            return enter(t, address, frame, sp, 0);
        struct level *i = &c->level[c->levels - 1];
        calltree_end_level(&t->calls, &i->calls);
        arrive_anew(t, ARRIVES_BY_CALL);
        t->state = t->reset_state;
        t->hardware_return = i->returns_to;
        status = calltree_level(&t->calls, &i->calls);
        if (status != CORE_OK)
            return status;
        int stack = stacks_at(t, sp);
        return stack < 0 ? stack : stacks_switch(t, (uint32_t)stack, sp, address);
    }
    default: timing_charge(t, CAUSE_BRANCH, k->exception_return_cycles + fp); return leave(t, frame, address, sp);
    }
}

/* --- by code --------------------------------------------------------------------------------------------------- */

/* What is at hand waits under an SP, to go on behind the block that set it: nothing of that block is kept. */
static struct level here(const struct timing *t, uint32_t sp)
{
    return (struct level){.last_block = NO_DEFINITION,
                          .last_entry = NO_DEFINITION,
                          .returns_to = ANY_ADDRESS,
                          .frame = sp,
                          .stack = t->stacks.running,
                          .arrives = ARRIVES_BY_RETURN};
}

static int switch_to(struct timing *t, uint32_t index, uint32_t before)
{
    struct level at = here(t, before);
    int status = suspend(t, &at);
    if (status == CORE_OK)
        status = take_up(t, index);
    timing_follow(t);
    return status;
}

int contexts_set_stack(struct timing *t, uint32_t before, uint32_t sp, uint32_t pc)
{
    struct contexts *c = &t->contexts;
    uint32_t from = t->stacks.running;
    const struct stack_info *first = &t->stacks.stack[0].info;
    if (from == 0 && first->lowest == first->top && sp > first->floor) /* a program sets its own */
        return stacks_begin(t, sp, first->floor);
    timing_settle(t);
    int status = stacks_keep(t), waiting = find_waiting(t, sp, ANY_ADDRESS);
    if (status != CORE_OK)
        return status;
    int stack = waiting >= 0 ? (int)c->context[waiting].info.stack : stacks_at(t, sp);
    if (stack < 0)
        return stack;
    for (uint32_t i = 0; waiting < 0 && (uint32_t)stack != from && i < c->contexts; i++)
        if (c->context[i].calls.frame && c->context[i].info.stack == (uint32_t)stack)
            waiting = (int)i;
    if (waiting >= 0 && (uint32_t)waiting != c->running) {
        status = switch_to(t, (uint32_t)waiting, before);
        return status == CORE_OK ? on_own_stack(t, (uint32_t)stack, sp, pc) : status;
    }
    if ((uint32_t)stack != from) {
        c->jumped = 1;
        c->jumped_from = before;
        c->jumped_stack = from;
        running_of(t)->info.stack = (uint32_t)stack;
        return stacks_switch(t, (uint32_t)stack, sp, pc);
    }
    t->unwinds_to = sp; /* behind the branch that ends the block */
    return stacks_switch(t, from, sp, pc);
}

/* Where code jumped to is a context of its own; the one that jumped waits. */
static int begin_on_jumped(struct timing *t)
{
    struct contexts *c = &t->contexts;
    struct level at = here(t, c->jumped_from);
    uint32_t stack = t->stacks.running;
    c->jumped = 0;
    running_of(t)->info.stack = at.stack = c->jumped_stack;
    int status = suspend(t, &at);
    return status == CORE_OK ? begin(t, stack) : status;
}

int contexts_return(struct timing *t, uint32_t address, uint32_t function, int is_entry)
{
    t->contexts.jumped = 0;
    if (calltree_is_open(&t->calls, address, is_entry ? NO_FUNCTION : function))
        return CORE_OK;
    return begin_on_jumped(t);
}

int contexts_task(struct timing *t, uint32_t task, uint32_t floor, uint32_t address)
{
    struct contexts *c = &t->contexts;
    if (c->levels) /* only a corrupt capture says so of a handler */
        return CORE_ERR_STREAM;
    int is_other = running_of(t)->address != address && address;
    int status = c->jumped && is_other ? begin_on_jumped(t) : CORE_OK;
    if (status != CORE_OK)
        return status;
    struct context *context = running_of(t);
    if (floor && context->info.stack == t->stacks.running)
        t->stacks.stack[context->info.stack].info.floor = floor;
    if (!address || !context->address || context->address == address) {
        if (address || context->info.task == NO_TASK)
            context->info.task = task; /* it may have another name now */
        context->address = address ? address : context->address;
        return CORE_OK;
    }
    /* Under the SP of a task that is gone another one runs. */
    struct level at = here(t, 0);
    at.returns_to = UINT32_MAX; /* where nothing goes on */
    status = suspend(t, &at);
    if (status == CORE_OK)
        status = begin(t, t->stacks.running);
    running_of(t)->info.task = task;
    running_of(t)->address = address;
    timing_follow(t);
    return status;
}
