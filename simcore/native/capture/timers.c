/* timers.c: counters of described devices whose flags are interrupts, in modelled time. */
#include "capture/counters.h"
#include "capture/state.h"

enum { BLOCK_BYTES = 0x400 };    /* of a timer's registers */

static struct timer *timer_of(struct capture *c, uint32_t enable, const struct device_rule *r)
{
    for (struct timer *t = c->timer; t < c->timer + c->timers; t++)
        if (t->counter && t->enable == enable && t->mask == r->mask)
            return t;
    return NULL;
}

int timers_add(struct capture *c, const struct timer *timer)
{
    if (c->timers == MAX_TIMERS + DEVICE_TIMERS_MAX)
        return CORE_ERR_LIMIT;
    c->timer[c->timers++] = *timer;
    return CORE_OK;
}

/* One that no program lets interrupt is not looked at when time passes. */
/* One of the run's own, which the program's takes the place of: it counts at that rate from then on. */
static struct timer *told(struct capture *c, uint32_t number)
{
    for (uint32_t i = 0; i < c->config.timers; i++)
        if (c->timer[i].number == number)
            return &c->timer[i];
    return NULL;
}

uint64_t timers_told(const struct capture *c, uint32_t counter)
{
    for (const struct timer *t = c->timer + c->config.timers; t < c->timer + c->timers; t++)
        for (uint32_t i = 0; t->counter && t->counter == counter && i < c->config.timers; i++)
            if (c->timer[i].number == t->number)
                return c->timer[i].period;
    return 0;
}

int timers_enable(struct capture *c, uint32_t enable, const struct device_rule *r)
{
    const struct peripheral *counter = peripheral_known(c, r->other);
    if (!counter)
        return CORE_OK;
    uint32_t number = EXCEPTION_IRQ0 + (uint32_t)r->shift;
    if (!timer_of(c, enable, r)) {
        int status = timers_add(c, &(struct timer){number, 0, UINT64_MAX, enable, r->mask, r->other, 0});
        if (status != CORE_OK)
            return status;
        struct timer *own = told(c, number);
        if (own)
            own->next = UINT64_MAX;
    }
    if (counters_flagged(c, counter, r->mask))
        nvic_pend(&c->system.nvic, number);
    return CORE_OK;
}

static int is_enabled(const struct capture *c, const struct timer *t)
{
    const struct peripheral *enable = peripheral_known(c, t->enable);
    return enable && enable->written & t->mask;
}

void timers_raise(struct capture *c, uint32_t counter)
{
    for (const struct timer *t = c->timer; t < c->timer + c->timers; t++)
        if (t->counter && t->counter == counter && is_enabled(c, t) &&
            counters_flagged(c, peripheral_known(c, counter), t->mask))
            nvic_pend(&c->system.nvic, t->number);
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
        const struct peripheral *counter = peripheral_known(c, t->counter);
        t->next = is_enabled(c, t) ? counters_next(c, counter, t->mask, now, &t->period) : UINT64_MAX;
    }
}
