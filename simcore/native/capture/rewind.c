/* rewind.c: a block in which an interrupt may fall due: it runs whole, is timed piece by piece, and when its time
 * came inside, it is taken back and run again up to there.
 *
 * Only then are its addresses known without a guess, and the engine leaves a block in its middle only at an address
 * that it was told before. Devices cannot be asked twice: in front of an access to one the time is looked at, and when
 * it has come the rest of the block runs unheard, until the engine stops. When the block runs again a device is not
 * asked: what it said is kept. A store of STREX cannot be repeated, so behind it a block is not taken back. */
#include "capture/state.h"
#include "registers.h"

enum {
    LATE = 8,                    /* cycles that an interrupt may come behind the instruction in which it fell due */
    CUTS_MAX = DEFINITION_BYTES_MAX / 2 + 1,
};

/* A block's record and where it could have been interrupted. */
static _Thread_local struct pieces {
    uint32_t words[STREAM_RECORD_MAX];
    struct cut cut[CUTS_MAX + 1];
} pieces;

static const int core_register[REWIND_REGISTERS] = {
    UC_ARM_REG_R0,      UC_ARM_REG_R1,      UC_ARM_REG_R2,        UC_ARM_REG_R3,      UC_ARM_REG_R4,    UC_ARM_REG_R5,
    UC_ARM_REG_R6,      UC_ARM_REG_R7,      UC_ARM_REG_R8,        UC_ARM_REG_R9,      UC_ARM_REG_R10,   UC_ARM_REG_R11,
    UC_ARM_REG_R12,     UC_ARM_REG_LR,      UC_ARM_REG_MSP,       UC_ARM_REG_PSP,     UC_ARM_REG_FPSCR, UC_ARM_REG_XPSR,
    UC_ARM_REG_PRIMASK, UC_ARM_REG_BASEPRI, UC_ARM_REG_FAULTMASK, UC_ARM_REG_CONTROL,
};
enum { SAVED_XPSR = 17, SAVED_PRIMASK = 18, SAVED_BASEPRI = 19, SAVED_FAULTMASK = 20, SAVED_CONTROL = 21 };

static void each(struct rewind *r, int *id, void **at)
{
    for (int i = 0; i < REWIND_REGISTERS; i++)
        id[i] = core_register[i], at[i] = &r->core[i];
    for (int i = 0; i < 16; i++)
        id[REWIND_REGISTERS + i] = UC_ARM_REG_D0 + i, at[REWIND_REGISTERS + i] = &r->d[i];
}

static struct masks saved_masks(const struct rewind *r)
{
    return (struct masks){r->core[SAVED_PRIMASK], r->core[SAVED_FAULTMASK], r->core[SAVED_BASEPRI]};
}

/* Keeps the state in front of the block, that of the FPU if it has instructions of it. */
static void save(struct capture *c, int floating)
{
    int id[REWIND_REGISTERS + 16];
    void *at[REWIND_REGISTERS + 16];
    each(&c->rewind, id, at);
    c->rewind.doubles = floating ? 16 : 0;
    c->reg_read_batch(c->engine, id, at, REWIND_REGISTERS + c->rewind.doubles);
    c->rewind.stores = c->rewind.answers = 0;
    c->rewind.until_left = c->until_left;
}

void rewind_arm(struct capture *c, const struct captured *d)
{
    struct rewind *r = &c->rewind;
    uint64_t until = c->asked == UINT64_MAX || c->from_left ? 0 : c->asked + (uint64_t)d->instructions * SLOWEST + 64;
    int is_near = due_next(c) <= until;
    int may_fault = d->conditional && (c->trap_unaligned || c->protects || c->trap_divide);
    if (!is_near && !may_fault)
        return;
    save(c, d->floating != 0);
    struct masks masks = saved_masks(r);
    r->due = due_to_come(c, &masks);
    r->armed = r->due <= until ? ARMED_DUE : may_fault ? ARMED_FAULT : 0;
    rewind_opened(c);
    closely_checked(c);
}

void rewind_disarm(struct capture *c)
{
    c->rewind.armed = 0;
    closely_checked(c);
}

/* Tells timing of a piece of the record, whose words are a copy. */
static void tell(struct capture *c, const uint32_t *words, struct cut from, struct cut to, int is_last)
{
    uint32_t accesses = words[1] & 0xffff, notes = words[1] >> 16, count = to.accesses - from.accesses;
    uint32_t *out = c->stream->words + c->stream->used, *first = out;
    *out++ = (words[0] & RECORD_ID) | (from.offset ? RECORD_CONTINUED : 0) | (is_last ? 0 : RECORD_PARTIAL);
    *out++ = count | notes << 16;
    if (!is_last)
        *out++ = to.offset;
    memcpy(out, words + 2 + from.accesses, count * sizeof *out);
    memcpy(out + count, words + 2 + accesses, notes * sizeof *out);
    c->stream->used += (size_t)(out - first) + count + notes;
    capture_flush(c);
}

/* Cycles that a piece does not take longer than. It may wait for the result of the instruction in front of it. */
static uint64_t longest(const struct cut *cut, uint32_t at, uint32_t to)
{
    uint32_t own = cut[to].cycles - cut[at ? at - 1 : 0].cycles;
    uint32_t scheduled = cut[to].latest > cut[at].earliest ? cut[to].latest - cut[at].earliest : 0;
    return (uint64_t)(own < scheduled ? own : scheduled) + cut[to].waits - cut[at].waits;
}

/* The boundary up to which a piece is timed: as far as it can come for sure without passing a time, one at least.
 * Each piece has to be scheduled when it is new, so there are few of a block: between multiples of 4 where that
 * goes. */
static uint32_t as_far(const struct cut *cut, uint32_t at, uint32_t end, uint64_t cycles)
{
    uint32_t to = at + 1;
    while (to < end && longest(cut, at, to + 1) <= cycles)
        to++;
    for (uint32_t grid = 4; to < end && grid > 1; grid /= 2)
        if (to - to % grid > at) {
            to -= to % grid;
            break;
        }
    while (cut[to].is_inside && to > at + 1)
        to--;
    return to;
}

/* Takes the block's record out of the stream, to tell timing of it in pieces. Returns how many boundaries are behind
 * that at which it begins, 0: it is left as it is. */
static uint32_t take_record(struct capture *c, struct pieces *p)
{
    struct stream *s = c->stream;
    size_t record = c->rewind.record, length = s->used - record;
    if (s->used <= record || length > STREAM_RECORD_MAX || (s->words[record] & ~(RECORD_ID | RECORD_CONTINUED)))
        return 0;
    memcpy(p->words, s->words + record, length * sizeof *p->words);
    s->used = record;
    capture_flush(c);                            /* where a record that is continued goes on is known then */
    uint64_t now = s->sink.now(s->sink.self), cycles = now < c->rewind.due ? c->rewind.due - now + LATE : LATE;
    int found = s->sink.cuts(s->sink.self, p->words, cycles, p->cut, CUTS_MAX);
    if (found < 0)
        capture_fail(c, found);
    return found < 0 ? 0 : (uint32_t)found;
}

/* Tells timing of pieces up to a boundary, or to the one in front of it at which the time has come. */
static uint32_t tell_until(struct capture *c, const struct pieces *p, uint32_t end, uint32_t last)
{
    const struct sink *sink = &c->stream->sink;
    uint32_t at = 0;
    for (uint64_t now = sink->now(sink->self); at < end && now < c->rewind.due; now = sink->now(sink->self)) {
        uint32_t to = as_far(p->cut, at, end, c->rewind.due - now + LATE);
        tell(c, p->words, p->cut[at], p->cut[to], to == last);
        at = to;
    }
    return at;
}

/* The block is to run again up to this offset. */
static void take_back(struct capture *c, uint32_t offset)
{
    struct rewind *r = &c->rewind;
    const struct definition *d = &c->stream->definition[c->block_id];
    r->to = d->address + offset;
    r->from = d->address;
    uint32_t left = 0;
    struct watch none[1];
    thumb_scan(c->stream->code + d->code + offset, d->size - offset, 0, none, 0, &left);
    atomic_store_explicit(&c->instructions, instructions_of(c) - left, memory_order_relaxed);
    c->ask_at = 0; /* it was counted from the block's end if a device was told of time */
}

int rewind_settle(struct capture *c)
{
    struct rewind *r = &c->rewind;
    struct pieces *p = &pieces;
    int armed = r->armed;
    rewind_disarm(c);
    if (armed != ARMED_DUE)
        return 0;
    struct masks masks = saved_masks(r);
    r->due = due_to_come(c, &masks); /* a store to the NVIC may have changed it */
    uint32_t end = take_record(c, p);
    if (!end)
        return 0;
    uint32_t at = tell_until(c, p, end, end);
    if (at == end)
        return 0;
    take_back(c, p->cut[at].offset);
    return 1;
}

/* Begins the record anew at a boundary, with what was recorded behind it. */
static void reopen(struct capture *c, const struct pieces *p, const struct cut *from)
{
    uint32_t accesses = p->words[1] & 0xffff, notes = p->words[1] >> 16;
    record_open(c, (p->words[0] & RECORD_ID) | (from->offset ? RECORD_CONTINUED : 0));
    for (uint32_t i = from->accesses; i < accesses; i++)
        *c->out++ = p->words[2 + i];
    for (uint32_t i = 0; i < notes; i++)
        if ((p->words[2 + accesses + i] >> 16) * 2 >= from->offset)
            c->note[c->notes++] = p->words[2 + accesses + i];
    rewind_opened(c);
}

/* The running block comes to what cannot be done twice, in the instruction of the last of so many accesses, or at
 * this offset: 1, or 0 when an interrupt is due in front of it, for which the engine is stopped. */
static int pass(struct capture *c, uint32_t accesses, uint32_t offset)
{
    struct pieces *p = &pieces;
    const struct watch *watch = c->watch, *watch_end = c->watch_end;
    uint32_t here = 0;
    record_end(c, 0, 0);
    uint32_t end = take_record(c, p);
    if (!end)
        return 1; /* it failed, and the run ends */
    while (here + 1 < end && p->cut[here + 1].accesses < accesses && p->cut[here + 1].offset <= offset)
        here++;
    uint32_t at = tell_until(c, p, here, end);
    if (at < here || c->stream->sink.now(c->stream->sink.self) >= c->rewind.due) {
        take_back(c, p->cut[at].offset);
        capture_stop_with(c, STOP_AGAIN);
        return 0;
    }
    reopen(c, p, &p->cut[here]);
    c->watch = watch;
    c->watch_end = watch_end;
    return 1;
}

int rewind_exclusive(struct capture *c, uint32_t offset)
{
    if (c->rewind.armed != ARMED_DUE || !c->header)
        return 1;
    if (!pass(c, UINT32_MAX, offset))
        return 0;
    rewind_disarm(c);
    return 1;
}

void rewind_access(struct capture *c, int is_write, uint32_t address, uint32_t size)
{
    struct rewind *r = &c->rewind;
    int is_device = address >> 29 == 2 || address >= 0xe0000000u;
    if (is_device) {
        int runs = r->armed != ARMED_DUE || !c->header || pass(c, (uint32_t)(c->out - c->header - 2), UINT32_MAX);
        if (runs && c->dma.moving)
            rewind_disarm(c);                    /* what it moves now is not taken back */
    } else if (is_write && (r->stores == REWIND_STORES || size > 8)) {
        rewind_disarm(c);
    } else if (is_write) {
        struct rewind_store *s = &r->store[r->stores++];
        *s = (struct rewind_store){address, size, {0}};
        c->mem_read(c->engine, address, s->old, size);
    }
}

uint32_t rewind_said(struct capture *c, uint32_t value)
{
    struct rewind *r = &c->rewind;
    if (c->silent)
        return r->again < r->answers ? r->answer[r->again++] : 0;
    if (c->stop != STOP_NONE)
        return value;
    if (r->armed && r->answers == REWIND_ANSWERS)
        rewind_disarm(c);
    else if (r->armed)
        r->answer[r->answers++] = value;
    return value;
}

/* As it was in front of the block from which it is taken back. */
static void restore(struct capture *c, uint32_t from)
{
    struct rewind *r = &c->rewind;
    int id[REWIND_REGISTERS + 16];
    void *at[REWIND_REGISTERS + 16];
    while (r->stores) {
        const struct rewind_store *s = &r->store[--r->stores];
        c->mem_write(c->engine, s->address, s->old, s->size);
    }
    r->again = 0;
    c->until_left = r->until_left;
    each(r, id, at);
    if (register_of(c, UC_ARM_REG_CONTROL) != r->core[SAVED_CONTROL])
        control_set(c, r->core[SAVED_XPSR], r->core[SAVED_CONTROL]);
    c->reg_write_batch(c->engine, id, at, SAVED_CONTROL);
    c->reg_write_batch(c->engine, id + REWIND_REGISTERS, at + REWIND_REGISTERS, r->doubles);
    register_set(c, UC_ARM_REG_PC, from | 1);
}

static void run_silently(struct capture *c, uint32_t to, uint32_t *pc)
{
    c->silent = 1;
    c->plan = NULL;
    c->step_to = to;
    capture_step(c, pc);
    c->silent = 0;
    c->out = c->discard;
}

void rewind_run(struct capture *c, uint32_t *pc)
{
    uint32_t to = c->rewind.to;
    c->rewind.to = 0;
    restore(c, c->rewind.from);
    rewind_disarm(c);
    run_silently(c, to, pc);
}

void rewind_fault(struct capture *c)
{
    const struct definition *d = &c->stream->definition[c->block_id];
    uint32_t offset = c->fault.pc - d->address, pc;
    int armed = c->rewind.armed;
    rewind_disarm(c);
    if (!armed || offset >= d->size || !thumb_it_state_at(c->stream->code + d->code, offset, d->it_state))
        return;
    restore(c, d->address);
    if (offset)
        run_silently(c, c->fault.pc, &pc);
}
