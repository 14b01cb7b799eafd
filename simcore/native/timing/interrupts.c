/* interrupts.c: see interrupts.h. */
#include "timing/interrupts.h"

#include <stdlib.h>
#include <string.h>

#include "timing/histogram.h"

enum { NUMBERS = 256, ACTIVATIONS_MAX = 1 << 15 };

struct exception {               /* one exception number */
    struct interrupt_info info;
    struct histogram latency;
    uint64_t pended, since;      /* when it became pending, and when what keeps it waiting began to */
    uint32_t who;
    uint8_t is_pending, kind;    /* enum hold */
};

struct activation {              /* a handler that runs or was interrupted */
    uint64_t began, pended, entered, nested;
    uint32_t number, sp, low_outside, frame_bytes;
};

struct interrupts {
    struct exception *of[NUMBERS];       /* NULL: nothing known of it */
    struct activation active[NUMBERS];   /* outermost first */
    uint32_t depth;
    struct {
        uint32_t number, handler, sp, frame_bytes, behind;
    } coming;
    struct critical_info critical;
    uint64_t masked_from;
    uint32_t masks, masked_at, masks_seen;       /* a bit each, by whom, and all of this section */
    struct activation_info *span;        /* of a trace */
    uint32_t spans;
    uint64_t resolution;         /* cycles: what was shorter may be left out */
};

static struct interrupts *state_of(struct timing *t)
{
    if (!t->interrupts)
        t->interrupts = calloc(1, sizeof *t->interrupts);
    return t->interrupts;
}

static struct exception *exception_of(struct interrupts *s, uint32_t number)
{
    struct exception **e = &s->of[number % NUMBERS];
    if (!*e && (*e = calloc(1, sizeof **e)))
        (*e)->info.number = number % NUMBERS;
    return *e;
}

/* --- waiting ------------------------------------------------------------------------------------------------ */

static void held(struct exception *e, enum hold kind, uint32_t who, uint64_t cycles)
{
    struct hold_info *h = &e->info.hold[kind];
    h->total += cycles;
    if (cycles > h->longest) {
        h->longest = cycles;
        h->who = who;
    }
}

/* What kept it waiting ends, and something else does from now on. */
static void hold_ends(struct exception *e, uint64_t now, uint32_t kind, uint32_t who)
{
    if (e->kind != HOLD_INSTRUCTION) {           /* else the new one kept it from the start */
        held(e, (enum hold)e->kind, e->who, now > e->since ? now - e->since : 0);
        e->since = now;
    }
    e->kind = (uint8_t)kind;
    e->who = who;
}

static void pend(struct exception *e, uint64_t now, uint32_t late, uint32_t how)
{
    uint32_t times = how & PEND_TIMES, lost = how & PEND_AGAIN ? times : times - 1;
    e->info.lost += lost;
    e->info.overruns += (how & PEND_ACTIVE) && !(how & PEND_BY_PROGRAM) ? times - lost : 0;
    if (how & PEND_AGAIN)
        return;
    int64_t cycles = (int32_t)late;
    e->pended = cycles > 0 && (uint64_t)cycles > now ? 0 : now - (uint64_t)cycles;
    e->since = e->pended;
    e->kind = HOLD_INSTRUCTION;
    e->is_pending = 1;
}

/* The last instruction that ran, 0: none since an exception was entered or left. */
static uint32_t last_instruction(const struct timing *t)
{
    if (t->last_block < 0)
        return 0;
    const struct block *b = &t->blocks.block[t->last_block];
    return b->info.address + b->facts.instruction_offsets[b->facts.instructions - 1];
}

/* Nothing holds it back any more but what runs: whether that waits for memory most of the time. */
static void held_by_running(const struct timing *t, struct exception *e, uint64_t now, uint32_t behind)
{
    uint64_t cycles = now > e->since ? now - e->since : 0, waits = t->waits < cycles ? t->waits : cycles;
    held(e, 2 * waits > cycles ? HOLD_BUS : HOLD_INSTRUCTION, behind, cycles);
}

/* --- masks ------------------------------------------------------------------------------------------------------ */

static void section_ends(struct interrupts *s, uint64_t now, uint32_t address)
{
    uint64_t cycles = now - s->masked_from;
    s->critical.count++;
    s->critical.total += cycles;
    if (cycles > s->critical.longest) {
        s->critical.longest = cycles;
        s->critical.begin = s->masked_at;
        s->critical.end = address;
        s->critical.masks = s->masks_seen;
    }
}

static void mask(struct interrupts *s, uint64_t now, uint32_t masks, uint32_t address)
{
    if (!s->masks) {
        s->masked_from = now;
        s->masked_at = address;
        s->masks_seen = 0;
    } else if (!masks) {
        section_ends(s, now, address);
    }
    s->masks = masks;
    s->masks_seen |= masks;
}

int interrupts_record(struct timing *t, uint32_t kind, const uint32_t *payload)
{
    struct interrupts *s = state_of(t);
    if (!s)
        return CORE_ERR_MEMORY;
    if (kind == RECORD_MASKS) {
        mask(s, t->now, payload[0], payload[1]);
        return CORE_OK;
    }
    struct exception *e = exception_of(s, payload[0] & 0xffff);
    if (!e)
        return CORE_ERR_MEMORY;
    if (kind == RECORD_PEND) {
        pend(e, t->now, payload[1], payload[2]);
    } else if (kind == RECORD_INTERRUPT) {
        s->coming.number = e->info.number;
        s->coming.handler = payload[1];
        s->coming.sp = payload[2];
        s->coming.frame_bytes = payload[3];
        s->coming.behind = last_instruction(t);
    } else if (payload[0] >> 16 == HOLD_GONE) {
        e->is_pending = 0;
    } else if (payload[0] >> 16 == HOLD_MASK || payload[0] >> 16 == HOLD_PRIORITY ||
               payload[0] >> 16 == HOLD_INSTRUCTION) {
        hold_ends(e, t->now, payload[0] >> 16, payload[1]);
    } else {
        return CORE_ERR_STREAM;
    }
    return CORE_OK;
}

/* --- activations -------------------------------------------------------------------------------------------------- */

/* Short spans go until half of the room is free, as in trace.c. */
static void coarsen(struct interrupts *s)
{
    while (s->spans > ACTIVATIONS_MAX / 2) {
        uint32_t kept = 0;
        s->resolution = s->resolution ? s->resolution * 2 : 1;
        for (uint32_t i = 0; i < s->spans; i++)
            if (s->span[i].end - s->span[i].start >= s->resolution)
                s->span[kept++] = s->span[i];
        s->spans = kept;
    }
}

static int keep_span(struct timing *t, const struct activation *a, uint64_t now)
{
    struct interrupts *s = t->interrupts;
    uint64_t from = t->counted_from;
    if (!t->trace || now - a->began < s->resolution)
        return CORE_OK;
    if (!s->span && !(s->span = malloc(ACTIVATIONS_MAX * sizeof *s->span)))
        return CORE_ERR_MEMORY;
    if (s->spans == ACTIVATIONS_MAX)
        coarsen(s);
    if (now - a->began >= s->resolution)
        s->span[s->spans++] = (struct activation_info){a->pended > from ? a->pended - from : 0,
                                                       a->began - from,
                                                       a->entered - from,
                                                       now - from,
                                                       a->number,
                                                       s->depth};
    return CORE_OK;
}

/* The innermost handler has come back. */
static int end(struct timing *t, uint64_t now)
{
    struct interrupts *s = t->interrupts;
    const struct activation *a = &s->active[s->depth - 1];
    struct interrupt_info *i = &s->of[a->number]->info;
    uint64_t cycles = now - a->began, response = now > a->pended ? now - a->pended : 0;
    t->ended_pended = a->pended;
    i->total += cycles;
    i->own += cycles > a->nested ? cycles - a->nested : 0;
    i->response = response > i->response ? response : i->response;
    uint32_t bytes = a->frame_bytes + (t->handler_low < a->sp ? a->sp - t->handler_low : 0);
    i->stack = bytes > i->stack ? bytes : i->stack;
    t->handler_low = a->low_outside;
    int status = keep_span(t, a, now);
    s->depth--;
    if (s->depth)
        s->active[s->depth - 1].nested += cycles;
    return status;
}

static int begin(struct timing *t, uint64_t before, uint32_t frame_bytes)
{
    struct interrupts *s = t->interrupts;
    if (s->depth == NUMBERS)                     /* more than there are: a corrupt capture */
        return CORE_ERR_STREAM;
    struct exception *e = exception_of(s, s->coming.number);
    if (!e)
        return CORE_ERR_MEMORY;
    int status = CORE_OK;
    uint64_t pended = before;
    e->info.count++;
    if (s->coming.number)
        e->info.handler = s->coming.handler;
    if (e->is_pending) {
        hold_ends(e, before, HOLD_INSTRUCTION, 0);
        held_by_running(t, e, before, s->coming.behind);
        pended = e->pended;
        e->is_pending = 0;
        e->info.waited++;
        status = histogram_add(&e->latency, t->now > pended ? t->now - pended : 0);
    }
    s->active[s->depth++] = (struct activation){.began = before,
                                                .pended = pended,
                                                .entered = t->now,
                                                .number = e->info.number,
                                                .sp = s->coming.sp,
                                                .low_outside = t->handler_low,
                                                .frame_bytes = frame_bytes};
    t->handler_low = s->coming.sp;
    e->info.deepest = s->depth > e->info.deepest ? s->depth : e->info.deepest;
    s->coming.number = s->coming.behind = s->coming.sp = 0;
    return status;
}

int interrupts_exception(struct timing *t, uint32_t event, uint64_t before)
{
    struct interrupts *s = state_of(t);
    int status = CORE_OK;
    if (!s)
        return CORE_ERR_MEMORY;
    uint32_t frame_bytes = s->coming.frame_bytes;
    if (event == EXCEPTION_CHAINED && s->depth) {
        frame_bytes = s->active[s->depth - 1].frame_bytes;       /* it stays where it is */
        status = end(t, before);
    } else if (event == EXCEPTION_LEFT && s->depth) {
        status = end(t, t->now);
    }
    return event == EXCEPTION_LEFT || status != CORE_OK ? status : begin(t, before, frame_bytes);
}

/* --- what came of it -------------------------------------------------------------------------------------------- */

void interrupts_forget(struct timing *t)
{
    struct interrupts *s = t->interrupts;
    if (!s)
        return;
    for (uint32_t n = 0; n < NUMBERS; n++)
        if (s->of[n]) {
            s->of[n]->info = (struct interrupt_info){.number = n, .handler = s->of[n]->info.handler};
            histogram_forget(&s->of[n]->latency);
        }
    for (uint32_t i = 0; i < s->depth; i++) {
        s->active[i].began = s->active[i].entered = t->now;
        s->active[i].nested = 0;
    }
    memset(&s->critical, 0, sizeof s->critical);
    s->masked_from = t->now;
    s->spans = 0;
    s->resolution = 0;
}

void interrupts_settle(struct timing *t)
{
    struct interrupts *s = t->interrupts;
    while (s && s->depth)
        end(t, t->now);
    if (s && s->masks)
        mask(s, t->now, 0, 0);
}

void interrupts_free(struct timing *t)
{
    struct interrupts *s = t->interrupts;
    for (uint32_t n = 0; s && n < NUMBERS; n++) {
        if (s->of[n])
            histogram_free(&s->of[n]->latency);
        free(s->of[n]);
    }
    if (s)
        free(s->span);
    free(s);
    t->interrupts = NULL;
}

static int is_told(const struct exception *e) { return e && (e->info.count || e->info.lost || e->is_pending); }

uint32_t interrupts_count(const struct timing *t)
{
    uint32_t count = 0;
    for (uint32_t n = 1; t->interrupts && n < NUMBERS; n++)
        count += (uint32_t)is_told(t->interrupts->of[n]);
    return count;
}

void interrupts_info(const struct timing *t, struct interrupt_info *out)
{
    for (uint32_t n = 1; t->interrupts && n < NUMBERS; n++) {
        const struct exception *e = t->interrupts->of[n];
        if (!is_told(e))
            continue;
        *out = e->info;
        out->least = e->latency.least;
        out->median = histogram_quantile(&e->latency, 50);
        out->p99 = histogram_quantile(&e->latency, 99);
        out->most = e->latency.most;
        out++;
    }
}

void interrupts_critical(const struct timing *t, struct critical_info *out)
{
    *out = t->interrupts ? t->interrupts->critical : (struct critical_info){0};
}

uint32_t interrupts_activations(const struct timing *t) { return t->interrupts ? t->interrupts->spans : 0; }

void interrupts_spans(const struct timing *t, struct activation_info *out)
{
    if (t->interrupts && t->interrupts->spans)
        memcpy(out, t->interrupts->span, t->interrupts->spans * sizeof *out);
}
