/* timers.c: counters of described devices whose overflow is an interrupt, in modelled time. */
#include "capture/state.h"

enum { BLOCK_BYTES = 0x400 };    /* of a timer's registers */

int timers_add(struct capture *c, uint32_t enable, const struct device_rule *r)
{
    if (c->timers == MAX_TIMERS + DEVICE_TIMERS_MAX)
        return CORE_ERR_LIMIT;
    c->timer[c->timers++] =
        (struct timer){EXCEPTION_IRQ0 + (uint32_t)r->shift, 0, UINT64_MAX, enable, r->mask, r->other, 0};
    return CORE_OK;
}

int timers_have(const struct capture *c, uint32_t address)
{
    for (uint32_t i = 0; i < c->timers; i++)
        if (c->timer[i].counter && (address ^ c->timer[i].enable) < BLOCK_BYTES)
            return 1;
    return 0;
}

void timers_plan(struct capture *c, uint64_t now)
{
    for (struct timer *t = c->timer; t < c->timer + c->timers; t++) {
        if (t->serial)
            t->next = serial_due(c, &c->serial[t->serial - 1]);
        if (!t->counter)
            continue;
        const struct peripheral *enable = peripheral_known(c, t->enable), *counter = peripheral_known(c, t->counter);
        t->period = enable && counter && (enable->written & t->mask) ? rules_counter_cycles(c, counter) : 0;
        t->next = t->period ? now + t->period - (now - counter->since) % t->period : UINT64_MAX;
    }
}
