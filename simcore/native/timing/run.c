/* run.c: see run.h. */
#include "timing/run.h"

#include "array.h"

/* --- where control goes ------------------------------------------------------------------------------- */

/* Another node may be running now. */
void timing_follow(struct timing *t)
{
    t->memory.counters = calltree_current(&t->calls)->counters;
    timing_follow_operations(t);
    if (t->trace)
        trace_follow(t->trace, &t->calls, t->now - t->counted_from);
}

enum { WITHIN_FUNCTION = 1 << BRANCH_NONE | 1 << BRANCH_CONDITIONAL | 1 << BRANCH_DIRECT | 1 << BRANCH_TABLE };

/* Whether control goes on in the function that runs, as behind most blocks. */
static inline int stays(struct timing *t, const struct block *b, uint32_t how)
{
    return WITHIN_FUNCTION >> how & 1 && !t->unwinds_to &&
           calltree_current(&t->calls)->info.function == b->facts.function;
}

/* Pending counts belong to the node that runs: settle before it changes. */
static int enter(struct timing *t, const struct block *b, uint32_t how, uint32_t call_site, uint32_t returns_to)
{
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

/* Settles how the block before ended, now that the next address is known. Returns 1 when fetch was redirected. Inlined:
 * a call of it for each block is a twentieth of a replay. */
static inline __attribute__((always_inline)) int resolve_branch(struct timing *t, const struct block *next, int *status)
{
    struct block *b = &t->blocks.block[t->last_block];
    const struct exits *e = &t->left;
    uint32_t end = b->info.address + b->info.size, placed_end = b->place + b->info.size, how = BRANCH_NONE;
    enum prediction prediction = PREDICTED;
    int taken = next->info.address != end;
    t->state = e->after_next;
    if (b->facts.branch != BRANCH_NONE) {
        enum branch_kind kind = b->facts.branch;
        int is_call = kind == BRANCH_CALL || kind == BRANCH_CALL_INDIRECT;
        int conditional = kind == BRANCH_CONDITIONAL || b->facts.branch_predicated;
        /* A jump to an operation marker, whose own cost is left out, is the return that it came back with. */
        if (t->by_marker && !is_call)
            kind = BRANCH_RETURN;
        if (taken || conditional)
            prediction = predictor_branch(&t->predictor, kind, conditional, b->branch, b->target, placed_end,
                                          taken ? next->place : placed_end);
        /* A branch to the next address goes on all the same, save that of an operation marker, whose own cost is left
         * out: a call that came straight back. */
        if (taken || !(conditional || is_call) ||
            (is_call && b->facts.branch_target == end && next->facts.is_function_entry))
            how = kind;
        uint32_t cycles = 0;
        if (prediction == MISPREDICTED) {
            cycles = conditional ? e->mispredict_cycles : t->config.indirect_mispredict_cycles;
            t->state = e->after_mispredict;
            t->memory.counters[COUNTER_MISPREDICTS]++;
            b->info.mispredicts++;
        } else if (prediction == PREDICTED_STATIC) {
            cycles = t->config.static_taken_cycles;
            t->state = e->after_mispredict;          /* fetch starts anew as after a mispredict */
        } else if (taken) {
            t->state = e->after_taken;
        }
        if (cycles) {
            b->info.branch_stall_cycles += cycles;
            if (t->predictor.ran_on)
                memory_fetch_wrong_path(&t->memory, t->now, placed_end, cycles);
            timing_charge(t, CAUSE_BRANCH, cycles);
        }
    }
    t->by_marker = 0;
    if (!stays(t, next, how))
        *status = enter(t, next, how, b->facts.branch_address, end);
    return prediction != PREDICTED;
}

/* The first block of the program or of an exception handler. One node for all places where it interrupts. */
static int enter_handler(struct timing *t, const struct block *b)
{
    int status = enter(t, b, BRANCH_CALL, 0, 0);
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

static inline uint32_t fetch(struct timing *t, struct block *b, uint32_t cycles, int redirected)
{
    struct memory *m = &t->memory;
    uint32_t misses = 0;
    if (b->fetch_generation == m->icache.generation && b->fetch_free) {
        m->fetched_at = t->now + cycles;
        return 0;
    }
    b->fetch_cached = (uint8_t)memory_fetch_is_cached(m, b->place);
    uint32_t stall = memory_fetch(m, t->now, cycles, b->place, b->info.size, redirected, &misses);
    b->info.icache_misses += misses;
    b->fetch_generation = m->icache.generation;
    /* No look-up is needed while no line has come or gone, unless look-ups move the replacement. */
    b->fetch_free = b->region == NO_REGION || t->region[b->region].kind == REGION_ITCM ||
                    t->region[b->region].kind == REGION_DTCM ||
                    (b->fetch_cached && m->icache.replacement != REPLACE_LRU && !misses);
    return stall;
}

static inline uint64_t probe(const struct block *b, const uint32_t *address)
{
    uint64_t variant = 0;
    for (uint32_t i = 0; i < b->facts.probes; i++) {
        const struct probe_mask *p = &b->probe[i];
        uint32_t bits = (address[p->a] ^ (address[p->b] & p->other)) & p->mask;
        variant |= (uint64_t)((bits == 0) ^ p->is_set) << i;
    }
    return variant;
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

/* --- accesses ------------------------------------------------------------------------------------------ */

/* Where each access of a block is timed; those that did not happen stay at 0. */
static const uint32_t *place(struct timing *t, struct block *b, const uint32_t *address, const uint8_t *present)
{
    for (uint32_t i = 0; i < b->facts.accesses; i++)
        t->placed[i] =
            present && !present[i] ? address[i] : placement_at(&t->placement, &b->site[i].placed, address[i]);
    return t->placed;
}

/* Behind an access: accesses like it may follow. */
static void open_window(struct timing *t, struct site *site, uint32_t address, uint32_t placed,
                        const struct access_static *a)
{
    uint32_t low = site->object.low, span = site->object.span;
    if (t->placement.moves) {
        const struct placed *p = &site->placed;
        uint32_t below = address - (address - low < address - p->low ? low : p->low);
        uint32_t above = low + span - address, moved = p->low + p->span - address;
        low = address - below;
        span = below + (above < moved ? above : moved);
    }
    memory_open_window(&t->memory, &site->window, address, placed, a->size, a->is_write, low, span);
}

/* The barriers from *next on that stand in front of an access wait. Returns the access that the next one stands in
 * front of, UINT32_MAX when there is none. */
static uint32_t synchronize(struct timing *t, struct block *b, const struct entry *e, const uint8_t *ran,
                            uint32_t *next, uint32_t access)
{
    for (; *next < b->facts.barriers; ++*next) {
        const struct barrier_static *barrier = &b->facts.barrier[*next];
        if (barrier->access > access)
            return barrier->access;
        if (ran && !ran[barrier->instruction])
            continue;
        uint64_t time = t->now + e->access_cycles[b->facts.accesses + *next];
        uint32_t stall =
            barrier->everything ? memory_synchronize(&t->memory, time) : memory_drain_buffer(&t->memory, time);
        b->info.barrier_stall_cycles += stall;
        timing_charge(t, CAUSE_STORE, stall);
    }
    return UINT32_MAX;
}

static void fault_at(struct timing *t, enum fault_kind kind, const struct block *b, uint32_t access, uint32_t address)
{
    const struct access_static *a = &b->facts.access[access];
    uint32_t pc = b->info.address + b->facts.instruction_offsets[a->instruction];
    t->fault = (struct fault_info){(uint8_t)kind, address, pc, a->size};
}

static inline int follow_stack(struct timing *t, const struct block *b, const uint32_t *address, const uint8_t *present,
                               const uint8_t *ran, const uint32_t *notes, uint32_t note_count)
{
    const struct block_static *f = &b->facts;
    struct stacks *s = &t->stacks;
    uint32_t low = s->sp + (uint32_t)b->sp_low;
    int tells = f->stack_access >= 0 && (!present || present[f->stack_access]);
    if (low < t->handler_low)
        t->handler_low = low;
    if (b->sp_depends || s->unknown || low < s->lowest ||
        (tells && address[f->stack_access] - (uint32_t)f->stack_offset != s->sp))
        return stacks_walk(t, b, address, present, ran, notes, note_count);
    s->sp += (uint32_t)b->sp_change;
    return CORE_OK;
}

static int touch(struct timing *t, uint32_t entry)
{
    if (array_reserve(&t->touched, &t->touched_room, t->touched_used + 1u, 1024, sizeof *t->touched) != CORE_OK)
        return CORE_ERR_MEMORY;
    t->touched[t->touched_used++] = entry;
    return CORE_OK;
}

/* An access by all the rules. */
static __attribute__((noinline)) int access_one(struct timing *t, struct block *b, uint32_t i, uint32_t address,
                                                uint64_t time)
{
    struct memory *m = &t->memory;
    const struct access_static *a = &b->facts.access[i];
    struct site *site = &b->site[i];
    if (!objects_is_current(&site->object, address)) {
        uint32_t index = (uint32_t)(b - t->blocks.block);
        int status = objects_switch(&t->objects, m, &t->placement, site, index, i, address, a);
        if (status != CORE_OK)
            return status;
    }
    uint32_t placed = t->placement.moves ? placement_at(&t->placement, &site->placed, address) : address;
    const uint64_t *v = m->counters;
    uint64_t misses = v[COUNTER_DCACHE_READ_MISSES] + v[COUNTER_DCACHE_WRITE_MISSES];
    uint32_t stall = a->is_write ? memory_write(m, time, placed, a->size)
                                 : memory_read(m, time, placed, a->size, i && a[-1].instruction == a->instruction);
    site->counts.executions++;
    site->counts.misses += v[COUNTER_DCACHE_READ_MISSES] + v[COUNTER_DCACHE_WRITE_MISSES] - misses;
    site->counts.stall_cycles += stall;
    timing_charge(t, a->is_write ? CAUSE_STORE : CAUSE_LOAD, stall);
    open_window(t, site, address, placed, a);
    return CORE_OK;
}

/* The accesses of a block, and the barriers between them. Compiled, too, for all of them without barriers. */
static inline __attribute__((always_inline)) int access_all(struct timing *t, struct block *b, const struct entry *e,
                                                            const uint32_t *address, const uint8_t *present,
                                                            const uint8_t *ran, int has_barriers)
{
    struct memory *m = &t->memory;
    uint32_t barriers = 0, barrier_before = has_barriers ? b->facts.barrier->access : UINT32_MAX;
    const uint16_t *cycles = e->access_cycles;
    struct site *site = b->site, *end = site + b->facts.accesses;
    for (uint32_t i = 0; site < end; i++, site++) {
        if (has_barriers && i >= barrier_before)
            barrier_before = synchronize(t, b, e, ran, &barriers, i);
        if (present && !present[i])
            continue;
        uint32_t at = address[i], stall;
        if (at & site->alignment_mask) {
            fault_at(t, FAULT_UNALIGNED, b, i, at);
            return STOP_FAULT;
        }
        struct window *w = &site->window;
        uint64_t time = t->now + cycles[i];
        if (memory_in_window(m, w, at)) {
            if (!site->is_write) {
                if (memory_read_free(m, w, time, at + w->delta, site->size)) {
                    site->counts.executions++;
                    continue;
                }
            } else if (memory_write_joins(m, w, time)) {
                stall = memory_join_queue(m, w, time, at + w->delta, site->size);
                site->counts.executions++;
                if (stall) {
                    site->counts.stall_cycles += stall;
                    timing_charge(t, CAUSE_STORE, stall);
                }
                continue;
            }
        }
        int status = access_one(t, b, i, at, time);
        if (status != CORE_OK)
            return status;
    }
    if (barrier_before != UINT32_MAX)
        synchronize(t, b, e, ran, &barriers, b->facts.accesses);
    return CORE_OK;
}

int timing_run_block(struct timing *t, uint32_t index, const uint32_t *address, const uint8_t *present,
                     const uint8_t *ran, const uint32_t *notes, uint32_t note_count)
{
    int redirected = 0, status = CORE_OK;
    struct block *b = &t->blocks.block[index];
    t->waits = 0;
    if (t->last_block >= 0)
        redirected = resolve_branch(t, b, &status);
    else if (t->arrives == ARRIVES_INSIDE)
        status = enter(t, b, BRANCH_NONE, 0, 0);
    else if (t->arrives == ARRIVES_BY_RETURN && !b->facts.is_function_entry)
        status = enter(t, b, BRANCH_RETURN, 0, 0);
    else
        status = enter_handler(t, b);
    t->arrives = ARRIVES_BY_CALL;
    if (status != CORE_OK)
        return status;

    uint64_t variant = 0;
    if (b->facts.probes)
        variant = probe(b, t->placement.moves ? place(t, b, address, present) : address);
    int entry = blocks_entry(&t->blocks, t->last_entry, index, t->state, variant);
    if (entry == NO_DEFINITION) {
        timing_settle(t);                /* it may take the place of one that is pending */
        entry = blocks_enter(&t->blocks, index, t->state, variant);
    }
    if (entry < 0)
        return entry;
    struct entry *e = &t->blocks.entry[entry];
    if (e->pending++ == 0) {
        status = touch(t, (uint32_t)entry);
        if (status != CORE_OK)
            return status;
    }
    uint32_t stall = fetch(t, b, e->cycles, redirected);
    if (stall) {
        b->info.fetch_stall_cycles += stall;
        timing_charge(t, CAUSE_FETCH, stall);
    }
    status = present || b->facts.barriers ? access_all(t, b, e, address, present, ran, b->facts.barriers)
                                          : access_all(t, b, e, address, NULL, NULL, 0);
    if (status != CORE_OK)
        return status;
    if (b->predicated || note_count) {
        stall = apply_notes(t, b, ran, notes, note_count);
        b->info.execute_stall_cycles += stall;
        timing_charge(t, CAUSE_EXECUTE, stall);
    }
    b->info.executions++;
    t->now += e->cycles;
    t->instructions += b->facts.instructions;
    t->last_block = (int32_t)index;
    t->last_entry = entry;
    t->left = e->exits;
    if (t->stacks.saved_from) {
        status = stacks_saved(t, b, address, present);
        if (status != CORE_OK)
            return status;
    }
    return b->sp_matters ? follow_stack(t, b, address, present, ran, notes, note_count) : CORE_OK;
}
