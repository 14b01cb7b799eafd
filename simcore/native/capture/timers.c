/* timers.c: counters of described devices whose overflow is an interrupt, in modelled time. */
#include "capture/state.h"

enum { BLOCK_BYTES = 0x400 };    /* of a timer's registers */

int timers_add(struct capture *c, uint32_t enable, const struct device_rule *r)
{
    if (c->timers == TIMERS_MAX)
        return CORE_ERR_LIMIT;
    c->timer[c->timers++] = (struct timer){enable, r->mask, r->other, EXCEPTION_IRQ0 + (uint32_t)r->shift, UINT64_MAX};
    return CORE_OK;
}

int timers_have(const struct capture *c, uint32_t address)
{
    for (uint32_t i = 0; i < c->timers; i++)
        if ((address ^ c->timer[i].enable) < BLOCK_BYTES)
            return 1;
    return 0;
}

static uint64_t next_of(const struct capture *c, const struct timer *t, uint64_t now)
{
    const struct peripheral *enable = peripheral_known(c, t->enable), *counter = peripheral_known(c, t->counter);
    uint64_t cycles = enable && counter && (enable->written & t->mask) ? rules_counter_cycles(c, counter) : 0;
    return cycles ? now + cycles - (now - counter->since) % cycles : UINT64_MAX;
}

uint64_t timers_plan(struct capture *c, uint64_t now)
{
    uint64_t first = UINT64_MAX;
    for (struct timer *t = c->timer; t < c->timer + c->timers; t++) {
        t->next = next_of(c, t, now);
        first = t->next < first ? t->next : first;
    }
    return first;
}

void timers_pend(struct capture *c, uint64_t time)
{
    for (const struct timer *t = c->timer; t < c->timer + c->timers; t++)
        if (time >= t->next)
            nvic_pend(&c->system.nvic, t->number);
    c->next_timer = timers_plan(c, time);
}
