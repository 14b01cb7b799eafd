/* storms.c: what exceptions leave to the code that they interrupt. An exception that comes again and again before one
 * instruction of that code has run, without a sleep, is a storm: its handler does not clear what raises it, or
 * takes longer than it takes to come again. */
#include "capture/state.h"

enum {
    STORM = 100000,              /* times the same exception */
    FAULT_STORM = 1000,          /* ... of a fault, whose report there is already */
};

/* A fault finds the block that it is in counted. */
static int ran(const struct capture *c, const struct level *l, uint32_t pc, int is_fault)
{
    uint64_t count = instructions_of(c) - l->resumed;
    return is_fault && pc == l->resumed_at ? count > c->captured[c->block_id].instructions : count != 0;
}

void storms_entered(struct capture *c, uint32_t number, uint32_t pc, int is_chained, int is_fault)
{
    uint32_t depth = nvic_active_count(&c->system.nvic);
    struct level *l = &c->level[depth];
    if (!is_chained && ran(c, l, pc, is_fault))
        l->same = 0, l->taken = 0;
    l->same = l->number == number ? l->same + 1 : 1;
    l->taken++;
    l->number = number;
    l->entered = instructions_of(c);
    if (!is_chained)
        l->interrupted = pc;
    if (depth + 1 < EXCEPTIONS_MAX)
        c->level[depth + 1] = (struct level){0};
    c->fault_repeats = is_fault && l->same >= FAULT_STORM;
    if (!is_fault && l->same >= STORM)
        capture_stop_with(c, STOP_STORM);
}

void storms_resumed(struct capture *c, uint32_t pc)
{
    struct level *l = &c->level[nvic_active_count(&c->system.nvic)];
    l->resumed = instructions_of(c);
    l->resumed_at = pc;
}

void storms_slept(struct capture *c)
{
    struct level *l = &c->level[nvic_active_count(&c->system.nvic)];
    l->same = 0;
    l->taken = 0;
}

int capture_fault_repeats(const struct capture *c) { return c->fault_repeats; }

void capture_storm(const struct capture *c, struct storm_info *out)
{
    const struct level *most = c->level;
    for (uint32_t depth = 1; depth < nvic_active_count(&c->system.nvic); depth++)
        most = c->level[depth].taken > most->taken ? &c->level[depth] : most;
    *out = (struct storm_info){most->number, most->same, most->interrupted, most->taken};
}

uint32_t capture_handlers(const struct capture *c, struct handler_info *out, uint32_t room)
{
    uint32_t active = nvic_active_count(&c->system.nvic);
    for (uint32_t depth = 0; depth < active && depth < room; depth++) {
        const struct level *l = &c->level[depth];
        out[depth] = (struct handler_info){l->number, l->interrupted, instructions_of(c) - l->entered};
    }
    return active;
}
