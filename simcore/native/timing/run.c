/* run.c: see run.h. */
#include "timing/run.h"

#include "timing/access.h"
#include "timing/sequel.h"

/* --- where control goes ------------------------------------------------------------------------------- */

void timing_follow(struct timing *t)
{
    t->node = t->calls.frame[t->calls.frames - 1].node;
    t->memory.counters = t->calls.node[t->node].counters;
    timing_follow_operations(t);
    if (t->trace)
        trace_follow(t->trace, &t->calls, t->now - t->counted_from);
}

/* Whether control goes on in the function that runs, as behind most blocks. */
static inline int stays(struct timing *t, const struct block *b, uint32_t how)
{
    return WITHIN_FUNCTION >> how & 1 && !t->unwinds_to &&
           calltree_current(&t->calls)->info.function == b->facts.function;
}

int timing_enter(struct timing *t, const struct block *b, uint32_t how, uint32_t call_site, uint32_t returns_to)
{
    if (timing_is_watched(t))
        timing_settle(t);
    if (t->unwinds_to) {
        calltree_unwind_to(&t->calls, t->stacks.running, t->unwinds_to);
        t->unwinds_to = 0;
        timing_follow(t);
    }
    if (stays(t, b, how))
        return CORE_OK;
    int returns = how == BRANCH_RETURN || how == BRANCH_INDIRECT, status = returns ? stacks_keep(t) : CORE_OK;
    if (t->contexts.jumped && !t->contexts.levels && how == BRANCH_RETURN && status == CORE_OK)
        status = contexts_return(t, b->info.address, b->facts.function, b->facts.is_function_entry);
    if (status != CORE_OK)
        return status;
    t->calls.sp = t->stacks.sp;
    status = calltree_enter(&t->calls, b->facts.function, b->facts.is_function_entry, b->info.address, how, call_site,
                            returns_to);
    struct context *context = &t->contexts.context[t->calls.context];
    if (context->info.function == NO_FUNCTION)
        context->info.function = b->facts.function;
    timing_follow(t);
    return status == CORE_OK ? timing_status(t) : status;
}

enum prediction timing_branch(struct timing *t, struct block *b, const struct exits *exits, enum branch_kind kind,
                              uint32_t next, int is_taken, uint32_t *state)
{
    uint32_t end = b->place + b->info.size, cycles = 0;
    int conditional = timing_is_conditional(b);
    enum prediction prediction =
        predictor_branch(&t->predictor, kind, conditional, b->branch, b->target, end, is_taken ? next : end);
    if (prediction == MISPREDICTED) {
        cycles = conditional ? exits->mispredict_cycles : t->config.indirect_mispredict_cycles;
        *state = exits->after_mispredict;
        t->memory.counters[COUNTER_MISPREDICTS]++;
        b->info.mispredicts++;
    } else if (prediction == PREDICTED_STATIC) {
        cycles = t->config.static_taken_cycles;
        *state = exits->after_mispredict;            /* fetch starts anew as after a mispredict */
    } else {
        *state = is_taken ? exits->after_taken : exits->after_next;
    }
    if (cycles) {
        b->info.branch_stall_cycles += cycles;
        if (t->predictor.ran_on)
            memory_fetch_wrong_path(&t->memory, t->now, end, cycles);
        timing_charge(t, CAUSE_BRANCH, cycles);
    }
    return prediction;
}

/* Settles how the block before ended, now that the next address is known. Returns 1 when fetch was redirected. */
static int resolve_branch(struct timing *t, const struct block *next, int *status)
{
    struct block *b = &t->blocks.block[t->last_block];
    uint32_t end = b->info.address + b->info.size, how = BRANCH_NONE;
    enum prediction prediction = PREDICTED;
    int taken = next->info.address != end;
    t->state = t->left.after_next;
    if (b->facts.branch != BRANCH_NONE) {
        enum branch_kind kind = b->facts.branch;
        /* A jump to an operation marker, whose own cost is left out, is the return that it came back with. */
        if (t->by_marker && !timing_is_call(b))
            kind = BRANCH_RETURN;
        if (taken || timing_is_conditional(b))
            prediction = timing_branch(t, b, &t->left, kind, next->place, taken, &t->state);
        how = timing_goes_on(b, next) ? BRANCH_NONE : kind;
    }
    t->by_marker = 0;
    if (!stays(t, next, how))
        *status = timing_enter(t, next, how, b->facts.branch_address, end);
    return prediction != PREDICTED;
}

/* The first block of the program or of an exception handler. One node for all places where it interrupts. */
static int enter_handler(struct timing *t, const struct block *b)
{
    int status = timing_enter(t, b, BRANCH_CALL, 0, 0);
    t->calls.frame[t->calls.frames - 1].call_site = t->hardware_return;
    return status;
}

/* Control reached a block of which nothing runs: its first instruction faults. */
int timing_arrive(struct timing *t, const struct block *b)
{
    int status = CORE_OK;
    if (t->last_block >= 0) {
        resolve_branch(t, b, &status);
        t->arrives = ARRIVES_INSIDE;
    }
    t->last_block = t->last_entry = NO_DEFINITION;
    return status;
}

/* --- fetch and operands ------------------------------------------------------------------------------- */

/* Lines have come or gone since a block was free, but none of its own. */
static int holds_all(const struct memory *m, const struct block *b)
{
    const struct cache *c = &m->icache;
    if (!b->fetch_lines || b->fetch_epoch != m->epoch)
        return 0;
    for (uint32_t i = 0; i < b->fetch_lines; i++)
        if (!cache_holds(c, b->fetch_slot[i], b->place + i * c->line_bytes))
            return 0;
    return 1;
}

/* Which lines a block lies in, all of which the I-cache holds. */
static void note_lines(const struct memory *m, struct block *b)
{
    const struct cache *c = &m->icache;
    uint32_t lines = ((b->place + b->info.size - 1) >> c->line_shift) - (b->place >> c->line_shift) + 1;
    if (lines > FETCH_LINES)
        return;
    for (uint32_t i = 0; i < lines; i++)
        b->fetch_slot[i] = cache_peek(c, b->place + i * c->line_bytes);
    b->fetch_lines = lines;
    b->fetch_epoch = m->epoch;
}

void timing_fetch(struct timing *t, struct block *b, uint32_t cycles, int redirected)
{
    struct memory *m = &t->memory;
    if (m->fetch.done_at <= t->now && holds_all(m, b)) {
        b->free_in = m->icache.generation;
        m->fetched_at = t->now + cycles;
        return;
    }
    uint32_t misses = 0;
    b->fetch_cached = (uint8_t)memory_fetch_is_cached(m, b->place);
    uint32_t stall = memory_fetch(m, t->now, cycles, b->place, b->info.size, redirected, &misses);
    b->info.icache_misses += misses;
    /* No look-up is needed while no line has come or gone, unless look-ups move the replacement. */
    int is_held = b->fetch_cached && m->icache.replacement != REPLACE_LRU && !misses;
    int is_free = is_held || b->region == NO_REGION || t->region[b->region].kind == REGION_ITCM ||
                  t->region[b->region].kind == REGION_DTCM;
    b->free_in = is_free && !m->by_all_rules ? m->icache.generation : 0;
    b->fetch_lines = 0;
    if (is_held && !m->by_all_rules)
        note_lines(m, b);
    if (stall) {
        b->info.fetch_stall_cycles += stall;
        timing_charge(t, CAUSE_FETCH, stall);
    }
}

static inline uint32_t extra_of(const struct timing *t, const struct block *b, uint32_t note)
{
    uint32_t class = note & 0xffff, extra = 0;
    for (uint32_t n = 0; n < b->facts.notes; n++) {
        const struct note_static *s = &b->facts.note[n];
        if (b->facts.instruction_offsets[s->instruction] == (note >> 16) * 2 - b->first && s->table < t->extra_tables &&
            class < EXTRA_CLASSES)
            extra += t->extra[s->table][class];
    }
    return extra;
}

uint32_t timing_extra(const struct timing *t, const struct block *b, uint32_t note) { return extra_of(t, b, note); }

/* Operand-dependent cycles and failed predicates. */
static uint32_t apply_notes(struct timing *t, struct block *b, const uint8_t *ran, const uint32_t *notes,
                            uint32_t count)
{
    uint32_t extra = 0;
    uint64_t *v = t->memory.counters;
    for (uint32_t i = 0; b->predicated && i < b->facts.instructions; i++) {
        if (ran[i])
            continue;
        b->skipped[i]++;
        v[COUNTER_SKIPPED]++;
        v[COUNTER_MACS] -= b->facts.macs[i];        /* settled with the block as if it had run */
    }
    for (uint32_t i = 0; i < count; i++)
        extra += extra_of(t, b, notes[i]);
    return extra;
}

/* --- one execution ----------------------------------------------------------------------------------- */

int timing_run_block(struct timing *t, uint32_t index, const uint32_t *address, const uint8_t *present,
                     const uint8_t *ran, const uint32_t *notes, uint32_t note_count)
{
    int redirected = 0, status = CORE_OK;
    int32_t before = t->last_entry, from = t->last_block;
    struct block *b = &t->blocks.block[index];
    t->waits = 0;
    if (t->last_block >= 0)
        redirected = resolve_branch(t, b, &status);
    else if (t->arrives == ARRIVES_INSIDE)
        status = timing_enter(t, b, BRANCH_NONE, 0, 0);
    else if (t->arrives == ARRIVES_BY_RETURN && !b->facts.is_function_entry)
        status = timing_enter(t, b, BRANCH_RETURN, 0, 0);
    else
        status = enter_handler(t, b);
    t->arrives = ARRIVES_BY_CALL;
    if (status != CORE_OK)
        return status;

    uint64_t variant = 0;
    if (b->facts.probes)
        variant = access_variant(t, b, address, present);
    int entry = blocks_find(&t->blocks, index, t->state, variant);
    if (entry == NO_DEFINITION)
        entry = timing_new_entry(t, index, t->state, variant);
    if (entry < 0)
        return entry;
    if (before >= 0 && !present && !note_count)
        status = sequel_keep(t, (uint32_t)before, (uint32_t)from, index, (uint32_t)entry);
    if (status != CORE_OK)
        return status;
    struct entry *e = &t->blocks.entry[entry];
    status = timing_count(t, e, (uint32_t)entry);
    if (status != CORE_OK)
        return status;
    if (timing_fetch_is_free(t, b))
        t->memory.fetched_at = t->now + e->cycles;
    else
        timing_fetch(t, b, e->cycles, redirected);
    status = present || b->facts.barriers ? access_all(t, b, e, address, present, ran, b->facts.barriers)
                                          : access_all(t, b, e, address, NULL, NULL, 0);
    if (status != CORE_OK)
        return status;
    if (b->predicated || note_count) {
        uint32_t stall = apply_notes(t, b, ran, notes, note_count);
        b->info.execute_stall_cycles += stall;
        timing_charge(t, CAUSE_EXECUTE, stall);
    }
    t->now += e->cycles;
    t->instructions += b->facts.instructions;
    t->last_block = (int32_t)index;
    t->last_entry = entry;
    t->left = t->blocks.cost[entry].exits;
    if (t->stacks.saved_from) {
        status = stacks_saved(t, b, address, present);
        if (status != CORE_OK)
            return status;
    }
    return b->sp_matters ? timing_follow_stack(t, b, address, present, ran, notes, note_count) : CORE_OK;
}
