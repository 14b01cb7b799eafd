/* dma.c: channels of DMA controllers: when they move, what happens then, and what they reach. The kinds of controllers
 * are in streams.c, edma.c, pixels.c and mdma.c, the bytes in moves.c. */
#include "capture/dma.h"

#include "array.h"
#include "capture/state.h"

static const struct dma_kind *const kind_of[] = {&dma_stream, &dma_descriptor, &dma_pixels, &dma_master};

int capture_describe_dma(struct capture *c, const struct dma_info *info)
{
    struct dma *d = &c->dma;
    if (info->kind >= sizeof kind_of / sizeof *kind_of || !info->cycles || d->channels == DMA_CHANNELS_MAX)
        return CORE_ERR_CONFIG;
    if (array_reserve(&d->channel, &d->room, d->channels + 1u, 16, sizeof *d->channel) != CORE_OK)
        return CORE_ERR_MEMORY;
    d->channel[d->channels++] = (struct dma_channel){.info = *info, .next = UINT64_MAX};
    return CORE_OK;
}

void dma_set(struct capture *c, uint32_t address, uint32_t value)
{
    struct peripheral *p = peripheral_known(c, address);
    if (p)
        p->written = value;
}

/* --- when ------------------------------------------------------------------------------------------------ */

/* Bytes at which the next event is: what cannot be moved fails when its turn has come. */
static uint64_t stop_of(const struct dma_channel *ch)
{
    uint64_t last = ch->good < ch->total ? ch->good + ch->unit : ch->total;
    uint64_t half = ch->total / ch->unit / 2 * ch->unit;
    return ch->is_split && ch->done < half && half <= ch->good ? half : last;
}

static enum dma_event event_at(const struct dma_channel *ch, uint64_t stop)
{
    return stop > ch->good ? DMA_FAILED : stop == ch->total ? DMA_DONE : DMA_HALF;
}

static void plan(struct dma_channel *ch)
{
    ch->next = ch->moves ? ch->at + (stop_of(ch) - ch->done) / ch->unit * ch->cycles : UINT64_MAX;
}

static void plan_all(struct capture *c)
{
    struct dma *d = &c->dma;
    d->next = d->interrupt = UINT64_MAX;
    d->moving = 0;
    for (struct dma_channel *ch = d->channel; ch < d->channel + d->channels; ch++) {
        plan(ch);
        d->moving += ch->moves;
        d->next = ch->next < d->next ? ch->next : d->next;
        if (ch->next < d->interrupt && kind_of[ch->info.kind]->interrupts(c, ch, event_at(ch, stop_of(ch))))
            d->interrupt = ch->next;
    }
}

/* Moves one channel until a time. */
static void advance(struct capture *c, struct dma_channel *ch, uint64_t now)
{
    const struct dma_kind *kind = kind_of[ch->info.kind];
    while (ch->moves && c->status == CORE_OK) {
        uint64_t stop = stop_of(ch), left = (stop - ch->done) / ch->unit;
        uint64_t units = now > ch->at ? (now - ch->at) / ch->cycles : 0;
        units = units < left ? units : left;
        uint64_t to = ch->done + units * ch->unit, end = to < ch->good ? to : ch->good;
        if (end > ch->done)
            moves_run(c, ch, end - ch->done);
        ch->at += units * ch->cycles;
        ch->done = to;
        if (to < stop)
            break;
        c->dma.now = ch->at > c->dma.now ? ch->at : c->dma.now;
        kind->happened(c, ch, event_at(ch, stop));
        plan(ch);
    }
    if (kind->show)
        kind->show(c, ch);
    if (c->dma.wrote)
        timers_plan(c, now);
    c->dma.wrote = 0;
}

void dma_until(struct capture *c, uint64_t now)
{
    struct dma *d = &c->dma;
    if (!d->moving || now < d->next)
        return;
    for (struct dma_channel *ch = d->channel; ch < d->channel + d->channels; ch++)
        if (ch->next <= now)
            advance(c, ch, now);
    plan_all(c);
}

static void look(struct capture *c, uint64_t now)
{
    struct dma *d = &c->dma;
    d->now = c->held.position = now;
    for (struct dma_channel *ch = d->channel; ch < d->channel + d->channels; ch++)
        if (ch->moves)
            advance(c, ch, now);
    plan_all(c);
}

void dma_look(struct capture *c)
{
    c->clock_read |= c->dma.moving != 0;
    record_between(c, look);
}

void dma_begin(struct capture *c, struct dma_channel *ch)
{
    ch->moves = 1;
    ch->at = ch->at > c->dma.now ? ch->at : c->dma.now;
    ch->code = c->block_address;
    ch->good = moves_reach(c, ch);
}

void dma_end(struct dma_channel *ch) { ch->on = ch->moves = 0; }

/* --- interrupts --------------------------------------------------------------------------------------------- */

static int would_interrupt(const struct capture *c, const struct dma_channel *ch, enum dma_event event,
                           const struct masks *masks)
{
    uint32_t number = EXCEPTION_IRQ0 + ch->info.interrupt;
    return kind_of[ch->info.kind]->interrupts(c, ch, event) && nvic_is_enabled(&c->system.nvic, number) &&
           nvic_preempts(&c->system.nvic, number, masks);
}

/* The first event of a channel that interrupts: of this round, or the half of the next. */
static uint64_t first_of(const struct capture *c, const struct dma_channel *ch, const struct masks *masks)
{
    struct dma_channel at = *ch;
    for (int events = 0; at.moves && events < 3; events++) {
        uint64_t stop = stop_of(&at);
        enum dma_event event = event_at(&at, stop);
        if (would_interrupt(c, ch, event, masks))
            return at.at + (stop - at.done) / at.unit * at.cycles;
        at.at += (stop - at.done) / at.unit * at.cycles;
        at.done = event == DMA_DONE ? 0 : stop;
        at.moves = event == DMA_HALF || (event == DMA_DONE && at.again);
    }
    return UINT64_MAX;
}

uint64_t dma_to_wake(const struct capture *c, const struct masks *masks)
{
    const struct dma *d = &c->dma;
    uint64_t next = UINT64_MAX;
    for (const struct dma_channel *ch = d->channel; d->moving && ch < d->channel + d->channels; ch++) {
        uint64_t first = first_of(c, ch, masks);
        next = first < next ? first : next;
    }
    return next;
}

/* --- registers ------------------------------------------------------------------------------------------------ */

/* A rule of the peripheral whose data register is at an address. */
static const struct device_rule *rule_at(const struct capture *c, uint32_t address, enum device_rule_kind kind,
                                         uint32_t number)
{
    const struct peripheral *p = peripheral_known(c, address);
    for (uint32_t i = 0; p && i < p->rules; i++) {
        const struct device_rule *r = &c->rule[p->rule + i];
        if (r->kind == (uint32_t)kind && (kind != DEVICE_REQUEST || (uint32_t)r->shift == number))
            return r;
    }
    return NULL;
}

int dma_is_asked(const struct capture *c, const struct dma_channel *ch, uint32_t address)
{
    const struct dma_info *i = &ch->info;
    uint32_t number = i->request + (peripheral_word(c, i->select) >> i->select_shift & i->select_mask);
    const struct device_rule *r = rule_at(c, address, DEVICE_REQUEST, number);
    const struct device_rule *unless = rule_at(c, address, DEVICE_UNLESS, 0);
    return r && (peripheral_word(c, r->other) & r->mask) == r->mask &&
           !(unless && (peripheral_word(c, unless->other) & unless->mask));
}

uint32_t dma_pace(const struct capture *c, const struct dma_channel *ch, uint32_t address)
{
    const struct device_rule *r = rule_at(c, address, DEVICE_PACE, 0);
    if (!r)
        return ch->info.cycles;
    uint32_t each = r->other == (address & ~3u) ? 1 : peripheral_word(c, r->other) & 0xffff;
    uint32_t cycles = r->mask * each << r->shift;
    return cycles > ch->info.cycles ? cycles : ch->info.cycles;
}

void dma_written(struct capture *c, struct peripheral *p, uint32_t before)
{
    struct dma *d = &c->dma;
    for (struct dma_channel *ch = d->channel; ch < d->channel + d->channels; ch++)
        kind_of[ch->info.kind]->written(c, ch, p, before);
    plan_all(c);
}
