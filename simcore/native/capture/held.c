/* held.c: see held.h. Who is urgent enough is decided here alone (Armv7-M ARM B1.5.4); timing adds up cycles. */
#include "capture/state.h"

/* --- masks ------------------------------------------------------------------------------------------------- */

static const struct masks nothing_masked;

/* The masks with all but one of them clear. */
static struct masks only(const struct masks *m, enum mask which)
{
    struct masks one = {which == MASK_PRIMASK ? m->primask : 0, which == MASK_FAULTMASK ? m->faultmask : 0,
                        which == MASK_BASEPRI ? m->basepri : 0};
    return one;
}

static uint32_t bits_of(const struct masks *m)
{
    return (m->primask & 1 ? 1u << MASK_PRIMASK : 0) | (m->faultmask & 1 ? 1u << MASK_FAULTMASK : 0) |
           (m->basepri ? 1u << MASK_BASEPRI : 0);
}

/* --- reasons ------------------------------------------------------------------------------------------------ */

/* The active exception that decides how urgent another has to be. */
static uint32_t most_urgent_active(const struct nvic *n)
{
    uint32_t best = n->running;
    for (uint32_t word = 0; word < EXCEPTION_WORDS; word++)
        for (uint32_t left = n->active[word], at = word * 32; left; left >>= 1, at++)
            if ((left & 1) && (!best || nvic_group_priority(n, nvic_priority(n, at)) <
                                            nvic_group_priority(n, nvic_priority(n, best))))
                best = at;
    return best;
}

static enum hold reason(const struct capture *c, uint32_t number, uint32_t *who)
{
    static const enum mask strongest_first[MASK_KINDS] = {MASK_FAULTMASK, MASK_PRIMASK, MASK_BASEPRI};
    const struct nvic *n = &c->system.nvic;
    const struct held *h = &c->held;
    *who = 0;
    if (!nvic_preempts(n, number, &nothing_masked)) {
        *who = most_urgent_active(n);
        return HOLD_PRIORITY;
    }
    for (int i = 0; i < MASK_KINDS; i++) {
        struct masks one = only(&h->masks, strongest_first[i]);
        if (!nvic_preempts(n, number, &one)) {
            *who = h->mask_at[strongest_first[i]];
            return HOLD_MASK;
        }
    }
    return HOLD_INSTRUCTION;
}

static void tell_hold(struct capture *c, uint32_t number, enum hold kind, uint32_t who)
{
    uint32_t payload[2] = {number | (uint32_t)kind << 16, who};
    stream_put(c->stream, RECORD_HELD, payload, 2);
}

/* Of all that are ready, the reasons that are not as timing was told. */
static void look(struct capture *c)
{
    struct held *h = &c->held;
    for (uint32_t word = 0; word < EXCEPTION_WORDS; word++)
        for (uint32_t left = h->ready[word], at = word * 32; left; left >>= 1, at++) {
            uint32_t who = 0;
            enum hold kind = left & 1 ? reason(c, at, &who) : HOLD_INSTRUCTION;
            if (!(left & 1) || (h->kind[at] == kind && h->who[at] == who))
                continue;
            h->kind[at] = (uint8_t)kind;
            h->who[at] = who;
            tell_hold(c, at, kind, who);
        }
}

/* --- what becomes pending ------------------------------------------------------------------------------------- */

static void tell_pend(struct capture *c, uint32_t number, uint32_t late, uint32_t how)
{
    uint32_t payload[3] = {number, late, how};
    stream_put(c->stream, RECORD_PEND, payload, 3);
    if (how & PEND_AGAIN)
        return;
    c->held.ready[number / 32] |= 1u << (number & 31);
    c->held.kind[number] = HOLD_INSTRUCTION;
    c->held.who[number] = 0;
}

void held_due(struct capture *c, uint32_t number, uint64_t due, uint64_t times, int again)
{
    const struct nvic *n = &c->system.nvic;
    if (!nvic_is_enabled(n, number))
        return;
    uint64_t most = PEND_TIMES;
    uint32_t how = (uint32_t)(times < most ? times : most);
    how |= (again ? PEND_AGAIN : 0) | (nvic_is_active(n, number) ? PEND_ACTIVE : 0);
    tell_pend(c, number, (uint32_t)(c->held.position - due), how);
    look(c);
}

void held_notice(struct capture *c)
{
    struct held *h = &c->held;
    const struct nvic *n = &c->system.nvic;
    int changed = h->changed;
    for (uint32_t word = 0; word < EXCEPTION_WORDS; word++) {
        uint32_t ready = n->pending[word] & n->enabled[word], other = ready ^ h->ready[word];
        if (!other)
            continue;
        for (uint32_t left = other, at = word * 32; left; left >>= 1, at++)
            if ((left & 1) && (ready >> (at & 31) & 1))
                tell_pend(c, at, 0, 1 | (nvic_is_active(n, at) ? PEND_ACTIVE | PEND_BY_PROGRAM : PEND_BY_PROGRAM));
            else if (left & 1)
                tell_hold(c, at, HOLD_GONE, 0);
        h->ready[word] = ready;
        changed = 1;
    }
    h->changed = 0;
    if (changed)
        look(c);
}

/* --- changes ---------------------------------------------------------------------------------------------------- */

void held_masks(struct capture *c, uint32_t address)
{
    struct held *h = &c->held;
    struct masks now = frame_masks(c), was = h->masks;
    if (now.primask == was.primask && now.faultmask == was.faultmask && now.basepri == was.basepri)
        return;
    if (instructions_of(c) >= c->ask_at)
        due_within(c, 0);                        /* what came before the masks changed was held by those */
    if (now.primask != was.primask)
        h->mask_at[MASK_PRIMASK] = address;
    if (now.faultmask != was.faultmask)
        h->mask_at[MASK_FAULTMASK] = address;
    if (now.basepri != was.basepri)
        h->mask_at[MASK_BASEPRI] = address;
    h->masks = now;
    uint32_t payload[2] = {bits_of(&now), address};
    if (payload[0] != bits_of(&was))
        stream_put(c->stream, RECORD_MASKS, payload, 2);
    look(c);
}

void held_entered(struct capture *c, uint32_t number, uint32_t handler, uint32_t sp, uint32_t frame_bytes)
{
    uint32_t payload[4] = {number, handler & ~1u, sp, frame_bytes};
    stream_put(c->stream, RECORD_INTERRUPT, payload, 4);
    c->held.ready[number / 32] &= ~(1u << (number & 31));
    look(c);
}

void held_left(struct capture *c, uint32_t pc)
{
    if (c->held.masks.faultmask)
        held_masks(c, pc);                       /* a return clears it */
    look(c);
}
