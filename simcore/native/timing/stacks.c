/* stacks.c: see stacks.h. */
#include "timing/stacks.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "timing/contexts.h"
#include "timing/timing.h"

enum { WINDOW = 1 << 18 };       /* bytes of addresses that the 16 bits of a note tell apart, in words */

static struct stack *running_of(struct stacks *s) { return &s->stack[s->running]; }

/* --- which stack ------------------------------------------------------------------------------------------ */

/* What lies below a stack's first word: the start of the data object that holds it. */
static uint32_t floor_of(const struct timing *t, uint32_t top)
{
    const struct object_range *held = objects_at(&t->objects, top - 4);
    return held ? held->base : 0;
}

static int add(struct timing *t, uint32_t top, uint32_t floor)
{
    struct stacks *s = &t->stacks;
    if (s->stacks == STACKS_MAX)
        return STACKS_MAX - 1;
    if (array_reserve(&s->stack, &s->room, s->stacks + 1u, 8, sizeof *s->stack) != CORE_OK)
        return CORE_ERR_MEMORY;
    s->stack[s->stacks] = (struct stack){{top, top, floor, 0}, NULL, 0, 0};
    return (int)s->stacks++;
}

static int is_near(const struct stack *s, uint32_t sp)
{
    return sp < s->info.lowest && s->info.lowest - sp <= STACK_STEP && sp >= s->info.floor;
}

int stacks_holds(const struct stacks *s, uint32_t stack, uint32_t sp)
{
    const struct stack *one = &s->stack[stack];
    return (sp <= one->info.top && sp >= one->info.lowest) || is_near(one, sp);
}

int stacks_at(struct timing *t, uint32_t sp)
{
    struct stacks *s = &t->stacks;
    int found = -1;
    for (uint32_t i = 0; i < s->stacks; i++) {
        const struct stack_info *one = &s->stack[i].info;
        int holds = !s->stack[i].is_over && sp <= one->top && sp >= one->lowest;
        if (holds && (found < 0 || one->top < s->stack[found].info.top || i == s->running))
            found = (int)i;
    }
    if (found >= 0)
        return found;
    return is_near(running_of(s), sp) ? (int)s->running : add(t, sp, floor_of(t, sp));
}

int stacks_new(struct timing *t, uint32_t top)
{
    for (uint32_t i = 1; i < t->stacks.stacks; i++)
        if (top <= t->stacks.stack[i].info.top && top > t->stacks.stack[i].info.lowest)
            t->stacks.stack[i].is_over = 1;
    return add(t, top, floor_of(t, top));
}

static int deeper(struct timing *t, uint32_t index, uint32_t sp, uint32_t pc)
{
    struct stack *stack = &t->stacks.stack[index];
    uint32_t floor = stack->info.floor;
    if (sp < floor && stack->info.lowest >= floor) {
        t->fault = (struct fault_info){FAULT_STACK_OVERFLOW, sp, pc, 0};
        return STOP_FAULT;
    }
    stack->info.lowest = sp;
    stack->is_deeper = 1;
    if (index == t->stacks.running)
        t->stacks.lowest = sp;
    return CORE_OK;
}

int stacks_switch(struct timing *t, uint32_t stack, uint32_t sp, uint32_t pc)
{
    struct stacks *s = &t->stacks;
    s->running = stack;
    s->lowest = s->stack[stack].info.lowest;
    s->sp = sp;
    s->unknown = 0;
    t->calls.stack = stack;
    return sp < s->lowest ? deeper(t, stack, sp, pc) : CORE_OK;
}

int stacks_hold(struct timing *t, uint32_t stack, uint32_t sp, uint32_t pc)
{
    return sp < t->stacks.stack[stack].info.lowest ? deeper(t, stack, sp, pc) : CORE_OK;
}

int stacks_begin(struct timing *t, uint32_t top, uint32_t floor)
{
    struct stacks *s = &t->stacks;
    if (!s->stacks && add(t, top, floor) < 0)
        return CORE_ERR_MEMORY;
    s->stack[0].info = (struct stack_info){top, top, floor, 0};
    return stacks_switch(t, 0, top, 0);
}

void stacks_free(struct stacks *s)
{
    for (uint32_t i = 0; i < s->stacks; i++)
        free(s->stack[i].link);
    free(s->stack);
}

/* --- following SP ------------------------------------------------------------------------------------------- */

/* Where SP stands behind something other than an addition. */
static int arrive(struct timing *t, uint32_t before, uint32_t sp, enum stack_move kind, uint32_t pc)
{
    struct stacks *s = &t->stacks;
    const struct frame *called = &t->calls.frame[t->calls.frames - 1];
    int ends_frame = called->stack == s->running && sp >= before && sp <= called->sp;
    if (kind == STACK_MOVED || ends_frame)
        return stacks_switch(t, s->running, sp, pc);
    if (!t->contexts.levels)
        return contexts_set_stack(t, before, sp, pc);
    int status = stacks_keep(t), stack = stacks_at(t, sp);
    if (status != CORE_OK || stack < 0)
        return status != CORE_OK ? status : stack;
    return stacks_switch(t, (uint32_t)stack, sp, pc);
}

/* A new task takes its first registers from above the SP that it was given. */
static void rise(struct stacks *s)
{
    if (s->sp > running_of(s)->info.top)
        running_of(s)->info.top = s->sp;
}

/* SP is known again: what it was set to, then what was added to it since. */
static int learn(struct timing *t, uint32_t sp)
{
    struct stacks *s = &t->stacks;
    int32_t since = s->since, low = s->since_low;
    int status = arrive(t, s->set_from, sp, (enum stack_move)s->set_kind, s->set_at);
    if (status == CORE_OK && sp + (uint32_t)low < s->lowest)
        status = deeper(t, s->running, sp + (uint32_t)low, s->set_at);
    s->sp = sp + (uint32_t)since;
    s->unknown = 0;
    rise(s);
    return status;
}

static void lose(struct stacks *s, enum stack_move kind, uint32_t pc)
{
    if (!s->unknown)
        s->set_from = s->sp;
    s->unknown = 1;
    s->set_kind = (uint8_t)kind;
    s->set_at = pc;
    s->since = s->since_low = 0;
}

static int add_to_sp(struct timing *t, int32_t bytes, uint32_t pc)
{
    struct stacks *s = &t->stacks;
    if (s->unknown) {
        s->since += bytes;
        s->since_low = s->since < s->since_low ? s->since : s->since_low;
        return CORE_OK;
    }
    s->sp += (uint32_t)bytes;
    rise(s);
    return s->sp < s->lowest ? deeper(t, s->running, s->sp, pc) : CORE_OK;
}

/* What a note says of SP in front of the instruction at an offset: its low bits, in words. */
static int noted(const struct stacks *s, uint32_t offset, const uint32_t *note, uint32_t notes, uint32_t *sp)
{
    for (uint32_t i = 0; i < notes; i++)
        if ((note[i] >> 16) * 2 == offset) {
            int32_t moved = (int32_t)(((note[i] & 0xffff) * 4 - s->set_from) & (WINDOW - 1));
            *sp = s->set_from + (uint32_t)(moved < WINDOW / 2 ? moved : moved - WINDOW);
            return 1;
        }
    return 0;
}

int stacks_walk(struct timing *t, const struct block *b, const uint32_t *address, const uint8_t *present,
                const uint8_t *ran, const uint32_t *note, uint32_t notes)
{
    struct stacks *s = &t->stacks;
    const struct block_static *f = &b->facts;
    int status = CORE_OK;
    if (f->stack_access >= 0 && (!present || present[f->stack_access])) {
        uint32_t sp = address[f->stack_access] - (uint32_t)f->stack_offset;
        if (!s->unknown && sp != s->sp)
            lose(s, STACK_SET, b->info.address);
        if (s->unknown)
            status = learn(t, sp - (uint32_t)s->since);
    }
    for (uint32_t i = 0; i < f->stack_moves && status == CORE_OK; i++) {
        const struct stack_move_static *m = &f->stack_move[i];
        uint32_t pc = b->info.address + f->instruction_offsets[m->instruction], sp;
        if (ran && !ran[m->instruction])
            continue;
        if (m->kind == STACK_ADDED) {
            status = add_to_sp(t, m->bytes, pc);
            continue;
        }
        lose(s, (enum stack_move)m->kind, pc);
        uint32_t next = m->instruction + 1u;
        if (m->access >= 0 && (!present || present[m->access]))
            status = learn(t, address[m->access] - (uint32_t)m->offset);
        else if (next < f->instructions && noted(s, b->first + f->instruction_offsets[next], note, notes, &sp))
            status = learn(t, sp);
    }
    return status;
}

int stacks_told(struct timing *t, uint32_t sp)
{
    struct stacks *s = &t->stacks;
    if (!s->unknown && sp == s->sp)
        return CORE_OK;
    if (!s->unknown)
        lose(s, STACK_SET, 0);
    return learn(t, sp - (uint32_t)s->since);
}

int stacks_saved(struct timing *t, const struct block *b, const uint32_t *address, const uint8_t *present)
{
    struct stacks *s = &t->stacks;
    int status = CORE_OK;
    for (uint32_t i = 0, next; i < b->facts.accesses && status == CORE_OK; i = next) {
        const struct access_static *a = &b->facts.access[i];
        for (next = i + 1; next < b->facts.accesses && a[next - i].instruction == a->instruction;)
            next++;
        uint32_t end = address[next - 1] + a[next - 1 - i].size;
        if (!a->is_write || (present && !present[i]) || end > s->saved_from)
            continue;
        uint32_t low = address[i];
        if (end != s->saved_from) {
            s->apart_low = low != s->apart_high ? low : s->apart_low;
            s->apart_high = end;
            continue;
        }
        s->saved_from = low != s->apart_high ? low : s->apart_low;
        status =
            stacks_hold(t, s->saved_on, s->saved_from, b->info.address + b->facts.instruction_offsets[a->instruction]);
    }
    return status;
}

/* --- the calls of the deepest point ------------------------------------------------------------------------- */

static int is_link(const struct timing *t, const struct frame *f, uint32_t stack)
{
    return f->stack == stack && t->calls.node[f->node].info.function != NO_FUNCTION;
}

static int keep(struct timing *t, uint32_t index)
{
    struct stack *stack = &t->stacks.stack[index];
    uint32_t at = t->calls.frames, count = 0, below = stack->info.lowest;
    stack->is_deeper = 0;
    while (at > 0 && count < LINKS_MAX)
        count += (uint32_t)is_link(t, &t->calls.frame[--at], index);
    struct link_info *link = realloc(stack->link, (count ? count : 1) * sizeof *link);
    if (!link)
        return CORE_ERR_MEMORY;
    stack->link = link;
    stack->info.links = count;
    for (at = t->calls.frames; count; at--) {
        const struct frame *f = &t->calls.frame[at - 1];
        if (!is_link(t, f, index))
            continue;
        link[--count] = (struct link_info){t->calls.node[f->node].info.function, f->sp > below ? f->sp - below : 0};
        below = f->sp > below ? f->sp : below;
    }
    return CORE_OK;
}

int stacks_keep(struct timing *t)
{
    struct stacks *s = &t->stacks;
    int status = CORE_OK;
    if (s->stacks && running_of(s)->is_deeper)
        status = keep(t, s->running);
    if (status == CORE_OK && s->saved_from && s->stack[s->saved_on].is_deeper)
        status = keep(t, s->saved_on);
    return status;
}

void stacks_forget(struct timing *t)
{
    struct stacks *s = &t->stacks;
    for (uint32_t i = 0; i < s->stacks; i++) {
        uint32_t sp = i == s->running ? s->sp : contexts_sp_on(&t->contexts, i, s->stack[i].info.top);
        s->stack[i].info.lowest = sp;
        s->stack[i].info.links = 0;
        s->stack[i].is_deeper = 1;
    }
    if (s->stacks)
        s->lowest = running_of(s)->info.lowest;
}
