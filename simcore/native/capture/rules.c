/* rules.c: registers of devices that are described: what they do beside keeping what is written. */
#include "array.h"
#include "capture/state.h"

enum { MIRRORS_DEEP = 3 };       /* an alias of a register with a flag of its own, and one to spare */

int capture_describe(struct capture *c, uint32_t address, uint32_t reset, const struct device_rule *rule,
                     uint32_t rules)
{
    int status;
    struct peripheral *p = peripheral_at(c, address, &status);
    if (!p)
        return status;
    if (array_reserve(&c->rule, &c->rules_room, (uint64_t)c->rules + rules, 256, sizeof *c->rule) != CORE_OK)
        return CORE_ERR_MEMORY;
    p->described = 1;
    p->written = reset;
    p->rule = c->rules;
    p->rules = rules;
    for (uint32_t i = 0; i < rules && status == CORE_OK; i++) {
        c->rule[c->rules++] = rule[i];
        if (rule[i].kind == DEVICE_INTERRUPT)
            status = timers_add(c, address, &rule[i]);
        else if (rule[i].kind == DEVICE_LINE)
            status = lines_add(c, address, &rule[i]);
    }
    return status;
}

static uint32_t moved(uint32_t bits, int32_t shift) { return shift < 0 ? bits >> -shift : bits << shift; }

static uint32_t read_at(const struct capture *c, const struct peripheral *p, int deep)
{
    uint32_t value = p->written;
    for (const struct device_rule *r = c->rule + p->rule; p->rules && r < c->rule + p->rule + p->rules; r++) {
        if (r->kind != DEVICE_MIRROR || !deep)
            continue;
        const struct peripheral *other = peripheral_known(c, r->other);
        uint32_t bits = !other ? 0 : other == p ? p->written : read_at(c, other, deep - 1);
        value = (value & ~r->mask) | (moved(bits, r->shift) & r->mask);
    }
    return (value & ~p->fixed_mask) | (p->fixed & p->fixed_mask);
}

uint32_t rules_peek(const struct capture *c, const struct peripheral *p) { return read_at(c, p, MIRRORS_DEEP); }

/* --- counters -------------------------------------------------------------------------------------------- */

/* Registers of a timer, from its counter: control, whose bit 0 lets it count; divider - 1; last value. */
enum { TIMER_CONTROL = -0x24, TIMER_DIVIDER = 4, TIMER_LAST = 8 };

static uint32_t word_near(const struct capture *c, const struct peripheral *counter, int offset)
{
    const struct peripheral *p = peripheral_known(c, counter->address + (uint32_t)offset);
    return p ? p->written : 0;
}

/* Core cycles of a tick, and ticks after which it begins anew. */
static uint64_t tick(const struct capture *c, const struct peripheral *counter, int32_t shift)
{
    return ((uint64_t)(word_near(c, counter, TIMER_DIVIDER) & 0xffff) + 1) << shift;
}

static uint64_t period(const struct capture *c, const struct peripheral *counter)
{
    return (uint64_t)word_near(c, counter, TIMER_LAST) + 1;
}

static int counts(const struct capture *c, const struct peripheral *counter)
{
    return (int)(word_near(c, counter, TIMER_CONTROL) & 1);
}

static const struct device_rule *count_rule(const struct capture *c, const struct peripheral *counter)
{
    for (uint32_t i = counter->rule; i < counter->rule + counter->rules; i++)
        if (c->rule[i].kind == DEVICE_COUNT)
            return &c->rule[i];
    return NULL;
}

uint64_t rules_counter_cycles(const struct capture *c, const struct peripheral *counter)
{
    const struct device_rule *r = count_rule(c, counter);
    return r && counts(c, counter) && word_near(c, counter, TIMER_LAST)
               ? tick(c, counter, r->shift) * period(c, counter)
               : 0;
}

/* The counter goes on from what it reads. */
static void restart(struct capture *c, struct peripheral *counter, int32_t shift)
{
    counter->since = record_time(c) - counter->written * tick(c, counter, shift);
}

static void count(struct capture *c, struct peripheral *counter, int32_t shift)
{
    c->clock_read = 1;
    counter->written = (uint32_t)((record_time(c) - counter->since) / tick(c, counter, shift) % period(c, counter));
}

static void look_for_overflow(struct capture *c, struct peripheral *flags, const struct device_rule *r)
{
    const struct peripheral *counter = peripheral_known(c, r->other);
    uint64_t each = counter ? rules_counter_cycles(c, counter) : 0, now = each ? record_time(c) : 0;
    if (!each)
        return;
    uint64_t from = flags->since > counter->since ? flags->since : counter->since;
    c->clock_read = 1;
    if ((now - counter->since) / each != (from - counter->since) / each)
        flags->written |= r->mask;
}

void rules_refresh(struct capture *c, struct peripheral *p)
{
    for (uint32_t i = p->rule; i < p->rule + p->rules; i++)
        if (c->rule[i].kind == DEVICE_OVERFLOW)
            look_for_overflow(c, p, &c->rule[i]);
}

uint32_t rules_read(struct capture *c, struct peripheral *p)
{
    for (uint32_t i = p->rule; i < p->rule + p->rules; i++) {
        const struct device_rule *r = &c->rule[i];
        if (r->kind == DEVICE_SEQUENCE)
            p->written = p->written * 1664525u + 1013904223u;    /* Numerical Recipes, 7.1: quick and dirty */
        else if (r->kind == DEVICE_COUNT && counts(c, p))
            count(c, p, r->shift);
        else if (r->kind == DEVICE_OVERFLOW)
            look_for_overflow(c, p, r);
    }
    return rules_peek(c, p);
}

/* --- what a write does ----------------------------------------------------------------------------------- */

int capture_print_rest(struct capture *c)
{
    int status = CORE_OK;
    if (c->print && c->text_used)
        status = c->print(c->printer, c->text, c->text_used);
    c->text_used = 0;
    return status;
}

static void send(struct capture *c, uint8_t byte)
{
    c->text[c->text_used++] = byte;
    int status = byte == '\n' || c->text_used == TEXT_BYTES ? capture_print_rest(c) : CORE_OK;
    if (status != CORE_OK)
        capture_fail(c, status);
}

/* A timer was stopped or let go. */
static void start(struct capture *c, struct peripheral *counter, uint32_t before, uint32_t after)
{
    const struct device_rule *r = counter ? count_rule(c, counter) : NULL;
    if (r && after && !before)
        restart(c, counter, r->shift);
    else if (r && before && !after)
        count(c, counter, r->shift);
}

static void note_clock(struct capture *c, uint32_t address, uint32_t value)
{
    if (array_reserve(&c->clock_note, &c->clock_notes_room, c->clock_notes + 1u, 16, sizeof *c->clock_note) != CORE_OK)
        capture_fail(c, CORE_ERR_MEMORY);
    else
        c->clock_note[c->clock_notes++] = (struct clock_note){record_time(c), address, value};
}

void rules_write(struct capture *c, struct peripheral *p, uint32_t value, uint32_t mask)
{
    uint32_t first = p->rule, rules = p->rules, address = p->address;
    rules_refresh(c, p);
    uint32_t before = p->written;
    p->written = (p->written & ~mask) | (value & mask);
    for (uint32_t i = first; i < first + rules; i++) {
        const struct device_rule *r = &c->rule[i];
        struct peripheral *other = peripheral_known(c, r->other);
        uint32_t bits = moved(value & mask & r->mask, r->shift);
        switch (r->kind) {
        case DEVICE_SET:
        case DEVICE_CLEAR:
        case DEVICE_TOGGLE:
            if (other && bits)
                rules_write(c, other,
                            r->kind == DEVICE_TOGGLE ? ~other->written
                            : r->kind == DEVICE_SET  ? bits
                                                     : 0,
                            bits);
            break;
        case DEVICE_IDLE: p->written &= ~r->mask; break;
        case DEVICE_TEXT:
            if (!other || (other->written & r->mask) == r->mask)
                send(c, (uint8_t)value);
            break;
        case DEVICE_SENT:
            if (other)
                other->written |= r->mask;
            serial_sent(c, EXCEPTION_IRQ0 + (uint32_t)r->shift);
            lines_look(c, EXCEPTION_IRQ0 + (uint32_t)r->shift);
            break;
        case DEVICE_COUNT: restart(c, p, r->shift); break;
        case DEVICE_START: start(c, other, before & 1, p->written & 1); break;
        case DEVICE_OVERFLOW:
            p->written &= before;
            p->since = record_time(c);
            break;
        case DEVICE_LINE: lines_look(c, EXCEPTION_IRQ0 + (uint32_t)r->shift); break;
        case DEVICE_CLOCK:
            if (p->written != before)
                note_clock(c, address, p->written);
            break;
        default: break;
        }
    }
}

void capture_print(struct capture *c, void *self, core_write_fn *write)
{
    c->printer = self;
    c->print = write;
}

uint32_t capture_clock_note_count(const struct capture *c) { return c->clock_notes; }

void capture_clock_notes(const struct capture *c, struct clock_note *out)
{
    if (c->clock_notes)
        memcpy(out, c->clock_note, c->clock_notes * sizeof *out);
}
