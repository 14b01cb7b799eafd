/* lines.c: lines by which devices ask for interrupts. A line is a level: behind the return from its handler the NVIC
 * finds it as it is then, and takes the interrupt again while the device still has a reason (Cortex-M7 Devices Generic
 * User Guide 4.2.9, Hardware and software control of interrupts). */
#include "capture/state.h"

int lines_add(struct capture *c, uint32_t enable, const struct device_rule *r)
{
    if (c->lines == DEVICE_LINES_MAX)
        return CORE_ERR_LIMIT;
    c->line[c->lines++] = (struct line){EXCEPTION_IRQ0 + (uint32_t)r->shift, enable, r->other, r->mask};
    return CORE_OK;
}

static int is_high(struct capture *c, const struct line *line)
{
    const struct peripheral *enable = peripheral_known(c, line->enable);
    struct peripheral *flags = peripheral_known(c, line->flags);
    uint32_t asks = enable && flags ? enable->written & line->mask : 0;
    if (asks)
        asks &= ~serial_sending(c, line->number);
    if (!asks)
        return 0;
    if (flags->serial)
        serial_until(c, &c->serial[flags->serial - 1], record_time(c));
    else
        rules_refresh(c, flags);
    return (rules_peek(c, flags) & asks) != 0;
}

void lines_look(struct capture *c, uint32_t number)
{
    struct nvic *n = &c->system.nvic;
    for (const struct line *line = c->line; line < c->line + c->lines; line++) {
        if ((number && line->number != number) || nvic_is_active(n, line->number) || nvic_is_pending(n, line->number))
            continue;
        if (is_high(c, line)) {
            exceptions_pend(c, line->number);
            c->look_at = 0;
        }
    }
}
