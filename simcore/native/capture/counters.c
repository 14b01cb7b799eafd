/* counters.c: counters of described timers on modelled time, and the flags that they set.
 *
 * Registers as RM0385 and RM0433 have them of TIM and LPTIM, IMXRT1060RM of GPT and PIT. All count from 0 up to their
 * last value, whatever direction is set; PIT's, which counts down, is read so. */
#include "capture/counters.h"
#include "capture/state.h"
#include "registers.h"

/* Where a kind of timer has its registers, from its counter, and its bits. */
struct shape {
    int control, divider, last, flags, enables;
    uint32_t runs, once;         /* of control: all of them let it count; it counts one period */
    int flag_shift;              /* from a bit that enables an interrupt right to its flag's */
};

static const struct shape shapes[] = {
    [TIMER_TIM] = {-0x24, 4, 8, -0x14, -0x18, 1, 1 << 3, 0},
    [TIMER_LPTIM] = {-0xc, -0x10, -4, -0x1c, -0x14, 1, 1 << 1, 0},
    [TIMER_GPT] = {-0x24, -0x20, -0x14, -0x1c, -0x18, 1, 0, 0},
    [TIMER_PIT] = {4, 0, -4, 8, 4, 1, 0, 1},
};

enum { TIM_MODES = -0xc, TIM_FIRST_COMPARE = 0x10 };             /* CCMR1 and CCR1 */
enum { LPTIM_STARTED = 3 << 1 };                                 /* CR: SNGSTRT, CNTSTRT */
enum { GPT_FREE = 1 << 9 };                                      /* CR.FRR */

struct pace {                    /* `ticks` of a counter in each `cycles`; how many until it begins anew */
    uint64_t cycles, ticks, period;
};

static uint32_t word_at(const struct capture *c, uint32_t address)
{
    const struct peripheral *p = peripheral_known(c, address);
    return p ? (p->written & ~p->fixed_mask) | (p->fixed & p->fixed_mask) : 0;
}

static const struct device_rule *rule_of(const struct capture *c, const struct peripheral *p, uint32_t kind)
{
    for (uint32_t i = p->rule; i < p->rule + p->rules; i++)
        if (c->rule[i].kind == kind)
            return &c->rule[i];
    return NULL;
}

static const struct shape *shape_of(const struct capture *c, const struct peripheral *counter)
{
    const struct device_rule *r = rule_of(c, counter, DEVICE_COUNT);
    return r ? &shapes[r->shift] : NULL;
}

static uint32_t near(const struct capture *c, const struct peripheral *counter, int offset)
{
    return word_at(c, counter->address + (uint32_t)offset);
}

/* --- clocks ---------------------------------------------------------------------------------------------- */

/* RCC: HPRE and PPRE. Timers of a bus that is divided by more than 2 count at twice its clock (TIMPRE is taken as 0). */
static uint32_t ahb_divider(uint32_t hpre)
{
    static const uint16_t by[] = {2, 4, 8, 16, 64, 128, 256, 512};
    return hpre & 8 ? by[hpre & 7] : 1;
}

static uint32_t bus_divider(uint32_t ppre) { return ppre & 4 ? 2u << (ppre & 3) : 1; }
static uint32_t timer_divider(uint32_t ppre) { return ppre & 4 ? 1u << (ppre & 3) : 1; }

enum { F7_CFGR = 8, H7_D1CFGR = 0x18, H7_D2CFGR = 0x1c };        /* from RCC */
enum { CCM_CBCDR = 0x14, CCM_CSCMR1 = 0x1c };                    /* from CCM */
enum { OSCILLATOR_HZ = 24000000, SLOW_HZ = 32768 };              /* of an i.MX RT */

static void of_hz(const struct capture *c, struct pace *p, uint32_t hz)
{
    p->cycles = c->config.clock_hz;
    p->ticks = hz;
}

/* IPG_CLK_ROOT, and PERCLK_CLK_ROOT, which comes of it or of the oscillator. */
static void of_ipg(const struct capture *c, struct pace *p, uint32_t ccm)
{
    p->cycles = field(word_at(c, ccm + CCM_CBCDR), 8, 2) + 1;
}

static void of_perclk(const struct capture *c, struct pace *p, uint32_t ccm)
{
    uint32_t select = word_at(c, ccm + CCM_CSCMR1);
    if (select & 1 << 6)
        of_hz(c, p, OSCILLATOR_HZ);
    else
        of_ipg(c, p, ccm);
    p->cycles *= field(select, 0, 6) + 1;
}

static void of_gpt(const struct capture *c, struct pace *p, const struct peripheral *counter, uint32_t ccm)
{
    const struct shape *s = &shapes[TIMER_GPT];
    switch (field(near(c, counter, s->control), 6, 3)) {         /* CLKSRC */
    case 1: of_ipg(c, p, ccm); break;
    case 2: of_perclk(c, p, ccm); break;
    case 4: of_hz(c, p, SLOW_HZ); break;
    case 5:
        of_hz(c, p, OSCILLATOR_HZ);
        p->cycles *= field(near(c, counter, s->divider), 12, 4) + 1;
        break;
    default: p->cycles = 0;                                      /* none, or a pin */
    }
}

static void clocked(const struct capture *c, struct pace *p, const struct peripheral *counter)
{
    const struct device_rule *r = rule_of(c, counter, DEVICE_CLOCKED);
    *p = (struct pace){1, 1, 0};
    if (!r)
        return;
    uint32_t f7 = word_at(c, r->other + F7_CFGR), h7 = word_at(c, r->other + H7_D2CFGR);
    uint32_t ahb = ahb_divider(field(word_at(c, r->other + H7_D1CFGR), 0, 4));
    switch (r->shift) {
    case CLOCKED_F7_APB1: p->cycles = timer_divider(field(f7, 10, 3)); break;
    case CLOCKED_F7_APB2: p->cycles = timer_divider(field(f7, 13, 3)); break;
    case CLOCKED_F7_BUS1: p->cycles = bus_divider(field(f7, 10, 3)); break;
    case CLOCKED_H7_APB1: p->cycles = ahb * timer_divider(field(h7, 4, 3)); break;
    case CLOCKED_H7_APB2: p->cycles = ahb * timer_divider(field(h7, 8, 3)); break;
    case CLOCKED_H7_BUS1: p->cycles = ahb * bus_divider(field(h7, 4, 3)); break;
    case CLOCKED_PERCLK: of_perclk(c, p, r->other); break;
    case CLOCKED_GPT: of_gpt(c, p, counter, r->other); break;
    default: break;
    }
}

/* --- settings --------------------------------------------------------------------------------------------- */

static int runs(const struct capture *c, const struct peripheral *counter, const struct shape *s)
{
    uint32_t control = near(c, counter, s->control);
    int started = s != &shapes[TIMER_LPTIM] || control & LPTIM_STARTED;
    return (control & s->runs) == s->runs && started;
}

static int once(const struct capture *c, const struct peripheral *counter, const struct shape *s)
{
    return (near(c, counter, s->control) & s->once) != 0;
}

static uint64_t divisor(const struct capture *c, const struct peripheral *counter, const struct shape *s)
{
    uint32_t word = s->divider ? near(c, counter, s->divider) : 0;
    if (s == &shapes[TIMER_LPTIM])
        return 1u << field(word, 9, 3);
    return (s == &shapes[TIMER_GPT] ? field(word, 0, 12) : word & 0xffff) + 1;
}

static uint64_t period(const struct capture *c, const struct peripheral *counter, const struct shape *s)
{
    uint64_t last = near(c, counter, s->last);
    if (s == &shapes[TIMER_GPT] && near(c, counter, s->control) & GPT_FREE)
        last = UINT32_MAX;
    return last || s == &shapes[TIMER_PIT] ? last + 1 : 0;     /* a TIM whose ARR is 0 stands */
}

static uint64_t common(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* How it counts, period 0: it stands. */
static struct pace pace_of(const struct capture *c, const struct peripheral *counter, const struct shape *s)
{
    struct pace p;
    clocked(c, &p, counter);
    p.cycles *= divisor(c, counter, s);
    p.period = p.cycles && runs(c, counter, s) ? period(c, counter, s) : 0;
    uint64_t told = p.period ? timers_told(c, counter->address) : 0;
    if (told) {                                  /* by --irq: so many cycles a period */
        p.cycles = told;
        p.ticks = p.period;
    }
    uint64_t both = common(p.cycles, p.ticks);
    p.cycles /= both ? both : 1;
    p.ticks /= both ? both : 1;
    return p;
}

static uint64_t ticks_in(const struct pace *p, uint64_t cycles) { return cycles * p->ticks / p->cycles; }
static uint64_t cycles_of(const struct pace *p, uint64_t ticks)
{
    return (ticks * p->cycles + p->ticks - 1) / p->ticks;
}

/* --- flags ------------------------------------------------------------------------------------------------ */

/* The tick, of each period, at which a rule's flag is set, 0: never. A counter begins anew at the last one. */
static uint64_t tick_of(const struct capture *c, const struct peripheral *counter, const struct device_rule *r,
                        const struct pace *p)
{
    const struct shape *s = shape_of(c, counter);
    if (r->kind == DEVICE_OVERFLOW)
        return s != &shapes[TIMER_GPT] || near(c, counter, s->control) & GPT_FREE ? p->period : 0;
    uint64_t compare = near(c, counter, r->shift);
    if (s == &shapes[TIMER_TIM]) {
        uint32_t channel = (uint32_t)(r->shift - TIM_FIRST_COMPARE) / 4;
        uint32_t modes = near(c, counter, TIM_MODES + (int)(channel / 2) * 4);
        if (field(modes, channel % 2 * 8, 2))                    /* CCxS: it captures, and nobody drives its pin */
            return 0;
    }
    return compare >= p->period ? 0 : compare ? compare : p->period;
}

/* How often a tick came since the counter was 0. */
static uint64_t times(const struct pace *p, uint64_t tick, uint64_t ticks)
{
    return ticks < tick ? 0 : (ticks - tick) / p->period + 1;
}

static void set_flag(struct capture *c, const struct peripheral *counter, const struct pace *p,
                     struct peripheral *flags, const struct device_rule *r, uint64_t now)
{
    uint64_t tick = tick_of(c, counter, r, p);
    uint64_t from = ticks_in(p, flags->since - counter->since), to = ticks_in(p, now - counter->since);
    uint64_t before = tick ? times(p, tick, from) : 0, until = tick ? times(p, tick, to) : 0;
    if (once(c, counter, shape_of(c, counter)))
        until = until > 1 ? 1 : until;
    if (until > before)
        flags->written |= r->mask;
}

static int sets_flag(const struct device_rule *r) { return r->kind == DEVICE_OVERFLOW || r->kind == DEVICE_COMPARE; }

static void set_flags(struct capture *c, struct peripheral *counter, const struct shape *s, const struct pace *p,
                      uint64_t now)
{
    struct peripheral *flags = peripheral_known(c, counter->address + (uint32_t)s->flags);
    if (!flags)
        return;
    for (uint32_t i = flags->rule; i < flags->rule + flags->rules; i++)
        if (sets_flag(&c->rule[i]))
            set_flag(c, counter, p, flags, &c->rule[i], now);
    flags->since = now;
}

/* --- what rules.c asks ------------------------------------------------------------------------------------ */

static void stop(struct capture *c, struct peripheral *counter, const struct shape *s)
{
    struct peripheral *control = peripheral_known(c, counter->address + (uint32_t)s->control);
    control->written &= ~(s == &shapes[TIMER_LPTIM] ? (uint32_t)LPTIM_STARTED : s->runs);
    counter->written = 0;
}

void counters_settle(struct capture *c, struct peripheral *counter)
{
    const struct shape *s = counter ? shape_of(c, counter) : NULL;
    struct pace p = s ? pace_of(c, counter, s) : (struct pace){0, 0, 0};
    if (!p.period)
        return;
    uint64_t now = record_time(c), ticks = ticks_in(&p, now - counter->since);
    c->clock_read = 1;
    set_flags(c, counter, s, &p, now);
    counter->written = (uint32_t)(ticks % p.period);
    if (once(c, counter, s) && ticks >= p.period)
        stop(c, counter, s);
    else if (s == &shapes[TIMER_PIT])
        counter->written = (uint32_t)(p.period - 1) - counter->written;
}

/* It goes on from `value`. */
static void restart(struct capture *c, struct peripheral *counter, const struct shape *s, uint64_t value)
{
    struct pace p = pace_of(c, counter, s);
    struct peripheral *flags = peripheral_known(c, counter->address + (uint32_t)s->flags);
    uint64_t now = p.period ? record_time(c) : 0;
    counter->since = p.period ? now - cycles_of(&p, value) : 0;
    if (flags)
        flags->since = now;
}

void counters_change(struct capture *c, struct peripheral *counter, struct peripheral *p, uint32_t value)
{
    const struct shape *s = counter ? shape_of(c, counter) : NULL;
    if (!s) {
        p->written = value;
        return;
    }
    struct pace before = pace_of(c, counter, s);
    p->written = value;
    struct pace after = pace_of(c, counter, s);
    if (p == counter || before.cycles != after.cycles || before.ticks != after.ticks || before.period != after.period)
        /* PIT takes a new value when it is let go */
        restart(c, counter, s, s == &shapes[TIMER_PIT] ? 0 : counter->written);
}

void counters_update(struct capture *c, struct peripheral *counter)
{
    enum { EVENTS_OFF = 1 << 1, REQUESTS_OFF = 1 << 2 };         /* CR1: UDIS, URS */
    const struct shape *s = counter ? shape_of(c, counter) : NULL;
    if (!s)
        return;
    counters_settle(c, counter);
    uint32_t control = near(c, counter, s->control);
    struct peripheral *flags = peripheral_known(c, counter->address + (uint32_t)s->flags);
    counter->written = 0;
    restart(c, counter, s, 0);
    if (flags && !(control & (EVENTS_OFF | REQUESTS_OFF)))
        flags->written |= 1;                                     /* UIF */
}

/* --- what timers.c asks ------------------------------------------------------------------------------------ */

static const struct device_rule *flag_rule(const struct capture *c, const struct peripheral *counter, uint32_t enable,
                                           struct peripheral **flags)
{
    const struct shape *s = shape_of(c, counter);
    *flags = peripheral_known(c, counter->address + (uint32_t)s->flags);
    for (uint32_t i = 0; *flags && i < (*flags)->rules; i++) {
        const struct device_rule *r = &c->rule[(*flags)->rule + i];
        if (sets_flag(r) && r->mask & enable >> s->flag_shift)
            return r;
    }
    return NULL;
}

int counters_flagged(const struct capture *c, const struct peripheral *counter, uint32_t enable)
{
    struct peripheral *flags;
    const struct device_rule *r = flag_rule(c, counter, enable, &flags);
    return r && flags->written & r->mask;
}

uint64_t counters_next(const struct capture *c, const struct peripheral *counter, uint32_t enable, uint64_t now,
                       uint64_t *every)
{
    const struct shape *s = shape_of(c, counter);
    struct peripheral *flags;
    const struct device_rule *r = flag_rule(c, counter, enable, &flags);
    struct pace p = pace_of(c, counter, s);
    uint64_t tick = r && p.period ? tick_of(c, counter, r, &p) : 0;
    if (!tick)
        return UINT64_MAX;
    uint64_t came = times(&p, tick, ticks_in(&p, now - counter->since));
    int ends = once(c, counter, s);
    *every = ends ? NEVER_AGAIN : cycles_of(&p, p.period);
    return ends && came ? UINT64_MAX : counter->since + cycles_of(&p, tick + came * p.period);
}
