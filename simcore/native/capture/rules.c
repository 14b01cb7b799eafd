/* rules.c: registers of devices that are described: what they do beside keeping what is written. */
#include "array.h"
#include "capture/counters.h"
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
        p->dma |= rule[i].kind == DEVICE_DMA;
        if (rule[i].kind == DEVICE_LINE)
            status = lines_add(c, address, &rule[i]);
    }
    return status;
}

static uint32_t moved(uint32_t bits, int32_t shift) { return shift < 0 ? bits >> -shift : bits << shift; }

static uint32_t read_at(const struct capture *c, const struct peripheral *p, int deep)
{
    uint32_t value = p->written;
    for (const struct device_rule *r = c->rule + p->rule; p->rules && r < c->rule + p->rule + p->rules; r++) {
        if (r->kind == DEVICE_CRC)
            value = crc_value(c, p);
        if (r->kind != DEVICE_MIRROR || !deep)
            continue;
        const struct peripheral *other = peripheral_known(c, r->other);
        uint32_t bits = !other ? 0 : other == p ? p->written : read_at(c, other, deep - 1);
        value = (value & ~r->mask) | (moved(bits, r->shift) & r->mask);
    }
    return (value & ~p->fixed_mask) | (p->fixed & p->fixed_mask);
}

uint32_t rules_peek(const struct capture *c, const struct peripheral *p) { return read_at(c, p, MIRRORS_DEEP); }

static struct peripheral *counter_of(struct capture *c, const struct peripheral *p)
{
    for (uint32_t i = p->rule; i < p->rule + p->rules; i++)
        switch (c->rule[i].kind) {
        case DEVICE_COUNT:
        case DEVICE_TIMED:
        case DEVICE_OVERFLOW:
        case DEVICE_COMPARE: return peripheral_known(c, c->rule[i].other);
        default: break;
        }
    return NULL;
}

void rules_refresh(struct capture *c, const struct peripheral *p) { counters_settle(c, counter_of(c, p)); }

uint32_t rules_read(struct capture *c, struct peripheral *p, uint32_t size)
{
    rules_refresh(c, p);
    uint32_t value = rules_peek(c, p);
    for (uint32_t i = p->rule; i < p->rule + p->rules; i++) {
        const struct device_rule *r = &c->rule[i];
        if (r->kind == DEVICE_SEQUENCE)
            value = p->written = p->written * 1664525u + 1013904223u;    /* Numerical Recipes, 7.1: quick and dirty */
        else if (r->kind == DEVICE_SPI)
            spi_read(c, r, p->address, size);
    }
    return value;
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

static void note(struct capture *c, uint64_t cycles, uint32_t address, uint32_t value)
{
    if (c->clock_notes == CLOCK_NOTES_MAX)
        c->left_out.clock_notes++;
    else if (array_reserve(&c->clock_note, &c->clock_notes_room, c->clock_notes + 1u, 16, sizeof *c->clock_note) !=
             CORE_OK)
        capture_fail(c, CORE_ERR_MEMORY);
    else
        c->clock_note[c->clock_notes++] = (struct clock_note){cycles, address, value};
}

/* The keys that were written open what locks a register. */
static void unlock(struct capture *c, const struct device_rule *key, uint32_t before, uint32_t value)
{
    struct peripheral *locked = peripheral_known(c, key->other);
    for (uint32_t i = 0; locked && i < locked->rules; i++)
        if (c->rule[locked->rule + i].kind == DEVICE_LOCK && before == key->mask && value == (uint32_t)key->shift)
            locked->written &= ~c->rule[locked->rule + i].mask;
}

static int is_locked(const struct capture *c, const struct peripheral *p)
{
    for (uint32_t i = p->rule; i < p->rule + p->rules; i++)
        if (c->rule[i].kind == DEVICE_LOCK && p->written & c->rule[i].mask)
            return 1;
    return 0;
}

/* Ones that are written in `bits` of another word: set, clear or turn over. */
static void change(struct capture *c, const struct device_rule *r, struct peripheral *other, uint32_t bits)
{
    if (other && bits)
        rules_write(c, other, r->kind == DEVICE_TOGGLE ? ~other->written : r->kind == DEVICE_SET ? bits : 0, bits);
}

static void obey(struct capture *c, struct peripheral *p, const struct device_rule *r, uint32_t before, uint32_t value,
                 uint32_t mask)
{
    struct peripheral *other = peripheral_known(c, r->other);
    uint32_t ones = value & mask & r->mask, bytes = (uint32_t)__builtin_popcount(mask) / 8;
    switch (r->kind) {
    case DEVICE_SET:
    case DEVICE_CLEAR:
    case DEVICE_TOGGLE: change(c, r, other, moved(ones, r->shift)); break;
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
    case DEVICE_LINE: lines_look(c, EXCEPTION_IRQ0 + (uint32_t)r->shift); break;
    case DEVICE_INTERRUPT:
        if (p->written & ~before & r->mask && timers_enable(c, p->address, r) != CORE_OK)
            capture_fail(c, CORE_ERR_LIMIT);
        break;
    case DEVICE_UPDATE:
        if (ones & 1)
            counters_update(c, other);
        timers_raise(c, r->other);
        break;
    case DEVICE_FORCE:
    case DEVICE_DROP:
        if (other)
            other->written = r->kind == DEVICE_FORCE ? other->written | moved(ones, r->shift)
                                                     : other->written & ~moved(ones, r->shift);
        break;
    case DEVICE_KEEP: p->written = (p->written & ~r->mask) | (before & r->mask); break;
    case DEVICE_ZERO_CLEARS: p->written = (p->written & ~r->mask) | (p->written & before & r->mask); break;
    case DEVICE_ONE_CLEARS: p->written = (p->written & ~r->mask) | (before & r->mask & ~ones); break;
    case DEVICE_UNLOCK: unlock(c, r, before, p->written); break;
    case DEVICE_ERASE:
        if (ones)
            flash_erase(c, r, p->written);
        break;
    case DEVICE_CRC: crc_feed(c, p, before, value >> __builtin_ctz(mask), bytes); break;
    case DEVICE_CRC_RESET:
        if (other && (ones || !r->mask))
            crc_reset(c, other);
        break;
    case DEVICE_DMA: dma_written(c, p, before); break;
    case DEVICE_SPI: spi_write(c, r, p->address, before, bytes); break;
    case DEVICE_CLOCK:
        if (p->written != before)
            note(c, record_time(c), p->address, p->written);
        break;
    case DEVICE_POWER:
        if (p->written != before)
            note(c, c->clock_notes ? c->clock_note[c->clock_notes - 1].cycles : 0, p->address, p->written);
        break;
    default: break;
    }
}

void rules_write(struct capture *c, struct peripheral *p, uint32_t value, uint32_t mask)
{
    uint32_t first = p->rule, rules = p->rules;
    if (is_locked(c, p))
        return;
    struct peripheral *counter = counter_of(c, p);
    counters_settle(c, counter);
    uint32_t before = p->written;
    counters_change(c, counter, p, (before & ~mask) | (value & mask));
    for (uint32_t i = first; i < first + rules; i++)
        obey(c, p, &c->rule[i], before, value, mask);
}

void capture_print(struct capture *c, void *self, core_write_fn *write)
{
    c->printer = self;
    c->print = write;
}

struct left_out_info capture_left_out(const struct capture *c) { return c->left_out; }

uint32_t capture_clock_note_count(const struct capture *c) { return c->clock_notes; }

void capture_clock_notes(const struct capture *c, struct clock_note *out)
{
    if (c->clock_notes)
        memcpy(out, c->clock_note, c->clock_notes * sizeof *out);
}
