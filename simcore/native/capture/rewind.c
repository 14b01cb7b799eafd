/* rewind.c: a block in which an interrupt may fall due: it runs whole, is timed piece by piece, and when its time
 * came inside, it is taken back and run again up to there.
 *
 * Only then are its addresses known without a guess, and the engine leaves a block in its middle only at an address
 * that it was told before. Devices cannot be asked twice, so a block that touches one is not taken back: what is due
 * comes behind it. */
#include "capture/state.h"
#include "registers.h"

enum {
    LATE = 8,                    /* cycles that an interrupt may come behind the instruction in which it fell due */
    CUTS_MAX = DEFINITION_BYTES_MAX / 2,
};

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

/* Keeps the state in front of the block. */
static void save(struct capture *c)
{
    int id[REWIND_REGISTERS + 16];
    void *at[REWIND_REGISTERS + 16];
    each(&c->rewind, id, at);
    c->reg_read_batch(c->engine, id, at, REWIND_REGISTERS + 16);
    c->rewind.stores = 0;
}

void rewind_arm(struct capture *c, const struct captured *d)
{
    struct rewind *r = &c->rewind;
    int is_near = c->due_in <= (uint64_t)d->instructions * SLOWEST + 64 && !c->from_left;
    int may_fault = d->conditional && (c->trap_unaligned || c->protects || c->trap_divide);
    if (!is_near && !may_fault)
        return;
    save(c);
    struct masks masks = saved_masks(r);
    if (is_near && due_would_come(c, &masks))
        r->armed = ARMED_DUE;
    else if (may_fault)
        r->armed = ARMED_FAULT;
    r->record = (size_t)(c->header - c->stream->words);
    closely_checked(c);
}

void rewind_disarm(struct capture *c)
{
    c->rewind.armed = 0;
    closely_checked(c);
}

void rewind_access(struct capture *c, int is_write, uint32_t address, uint32_t size)
{
    struct rewind *r = &c->rewind;
    int is_device = address >> 29 == 2 || address >= 0xe0000000u;
    if (is_device && c->stop != STOP_NONE)
        return;                                  /* it happens behind a fault: devices do not hear of it */
    if (is_device || (is_write && (r->stores == REWIND_STORES || size > 8))) {
        rewind_disarm(c);
    } else if (is_write) {
        struct rewind_store *s = &r->store[r->stores++];
        *s = (struct rewind_store){address, size, {0}};
        c->mem_read(c->engine, address, s->old, size);
    }
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

static uint64_t longest(const struct cut *from, const struct cut *to, uint32_t whole)
{
    uint32_t own = to->cycles - from->cycles;
    return (uint64_t)(own < whole ? own : whole) + to->waits - from->waits;
}

/* The boundary up to which a piece is timed: as far as it can come for sure without passing a time, one at least.
 * Few of them are used, as each makes a piece that has to be scheduled when it is new. */
static uint32_t as_far(const struct cut *cut, uint32_t at, uint32_t end, uint32_t whole, uint64_t cycles)
{
    uint32_t to = at + 1;
    while (to < end && longest(&cut[at], &cut[to + 1], whole) <= cycles)
        to++;
    for (uint32_t grid = 8; to < end && grid > 1; grid /= 2)
        if (to - to % grid > at)
            return to - to % grid;
    return to;
}

int rewind_settle(struct capture *c)
{
    static _Thread_local uint32_t words[STREAM_RECORD_MAX];
    static _Thread_local struct cut cut[CUTS_MAX + 2];
    struct rewind *r = &c->rewind;
    struct stream *s = c->stream;
    size_t length = s->used - r->record;
    rewind_disarm(c);
    if (s->used <= r->record || length > STREAM_RECORD_MAX || (s->words[r->record] & ~RECORD_ID))
        return 0;
    memcpy(words, s->words + r->record, length * sizeof *words);
    const struct definition *d = &s->definition[words[0] & RECORD_ID];
    s->used = r->record;
    uint32_t whole = 0;
    int found = s->sink.cuts(s->sink.self, words, cut + 1, CUTS_MAX, &whole);
    if (found < 0) {
        capture_fail(c, found);
        return 0;
    }
    uint32_t end = (uint32_t)found, at = 0;
    cut[0] = (struct cut){0, 0, 0, 0};
    uint64_t now = s->sink.now(s->sink.self), due = due_next(c);
    while (at < end && now < due) {
        uint32_t to = as_far(cut, at, end, whole, due - now + LATE);
        tell(c, words, cut[at], cut[to], to == end);
        at = to;
        now = s->sink.now(s->sink.self);
    }
    if (at == end)
        return 0;
    r->to = d->address + cut[at].offset;
    r->from = d->address;
    r->end = d->address + d->size;
    uint32_t left = 0;
    struct watch none[1];
    thumb_scan(s->code + d->code + cut[at].offset, d->size - cut[at].offset, 0, none, 0, &left);
    atomic_store_explicit(&c->instructions, instructions_of(c) - left, memory_order_relaxed);
    return 1;
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
    each(r, id, at);
    if (register_of(c, UC_ARM_REG_CONTROL) != r->core[SAVED_CONTROL])
        control_set(c, r->core[SAVED_XPSR], r->core[SAVED_CONTROL]);
    c->reg_write_batch(c->engine, id, at, SAVED_CONTROL);
    c->reg_write_batch(c->engine, id + REWIND_REGISTERS, at + REWIND_REGISTERS, 16);
    register_set(c, UC_ARM_REG_PC, from | 1);
}

static void run_silently(struct capture *c, uint32_t to, uint32_t end, uint32_t *pc)
{
    c->silent = 1;
    c->step_to = to;
    c->step_end = end;
    capture_step(c, pc);
    c->silent = 0;
    c->out = c->discard;
}

void rewind_run(struct capture *c, uint32_t *pc)
{
    uint32_t to = c->rewind.to;
    c->rewind.to = 0;
    restore(c, c->rewind.from);
    run_silently(c, to, c->rewind.end, pc);
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
        run_silently(c, c->fault.pc, d->address + d->size, &pc);
}
