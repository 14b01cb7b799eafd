/* timing.c: see timing.h. */
#include "timing/timing.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "timing/records.h"

/* --- set-up ------------------------------------------------------------------------------------- */

int timing_init(struct timing *t, const struct timing_config *config, const struct region_config *region,
                uint32_t regions, const uint32_t *extra, uint32_t extra_tables, uint32_t reset_state,
                const struct core_move *move, uint32_t moves, struct timing_callbacks callbacks,
                const struct stream *stream)
{
    memset(t, 0, sizeof *t);
    if (regions > MAX_REGIONS)
        return CORE_ERR_CONFIG;
    t->config = *config;
    memcpy(t->region, region, regions * sizeof *region);
    t->stream = stream;
    t->blocks.callbacks = callbacks;
    t->blocks.stream = stream;
    t->blocks.placement = &t->placement;
    t->state = t->reset_state = reset_state;
    t->last_block = t->last_entry = NO_DEFINITION;
    t->stack_lowest = UINT32_MAX;
    t->sample_at = UINT64_MAX;
    int status = memory_init(&t->memory, &t->config, t->region, regions);
    if (status == CORE_OK)
        status = placement_init(&t->placement, move, moves);
    if (status == CORE_OK)
        status = predictor_init(&t->predictor, &t->config);
    if (status == CORE_OK)
        status = calltree_init(&t->calls, COUNTER_COUNT + regions * REGION_COUNTER_COUNT);
    t->extra = calloc(extra_tables ? extra_tables : 1, sizeof *t->extra);
    if (status == CORE_OK && !t->extra)
        status = CORE_ERR_MEMORY;
    if (status != CORE_OK)
        return status;
    memcpy(t->extra, extra, extra_tables * sizeof *t->extra);
    t->extra_tables = extra_tables;
    t->memory.counters = calltree_current(&t->calls)->counters;
    return CORE_OK;
}

int timing_trace(struct timing *t, uint32_t spans, uint32_t samples)
{
    if (t->trace || spans < 2 || samples < 2)
        return CORE_ERR_CONFIG;
    t->trace = calloc(1, sizeof *t->trace);
    if (!t->trace)
        return CORE_ERR_MEMORY;
    int status = trace_init(t->trace, spans, samples, t->calls.width, t->memory.counters);
    if (status == CORE_OK)
        t->sample_at = t->trace->next_sample;
    return status;
}

void timing_free(struct timing *t)
{
    if (t->trace)
        trace_free(t->trace);
    free(t->trace);
    blocks_free(&t->blocks);
    free(t->touched);
    free(t->extra);
    placement_free(&t->placement);
    memory_free(&t->memory);
    predictor_free(&t->predictor);
    calltree_free(&t->calls);
    objects_free(&t->objects);
}

/* --- pending counts -------------------------------------------------------------------------------- */

void timing_settle(struct timing *t)
{
    uint64_t *v = t->memory.counters;
    for (uint32_t i = 0; i < t->touched_used; i++) {
        struct entry *e = &t->blocks.entry[t->touched[i]];
        struct entry_cost *cost = &t->blocks.cost[t->touched[i]];
        const struct block *b = &t->blocks.block[e->block];
        uint64_t n = e->pending;
        for (uint32_t c = 0; c < COUNTER_STATIC; c++)
            v[c] += n * b->facts.counters[c];
        v[COUNTER_DUAL_ISSUES] += n * cost->dual_issues;
        for (uint32_t c = 0; c < CAUSE_COUNT; c++)
            v[COUNTER_CYCLES + c] += n * cost->causes[c];
        if (b->fetch_cached)
            v[COUNTER_ICACHE_ACCESSES] += n * b->groups;
        if (b->region != NO_REGION)
            memory_region_counters(&t->memory, b->region)[REGION_FETCH_BYTES] += n * b->info.size;
        cost->executions += n;
        e->pending = 0;
    }
    t->touched_used = 0;
}

void timing_settle_objects(struct timing *t)
{
    for (uint32_t i = 0; i < t->blocks.blocks; i++)
        for (uint32_t a = 0; a < t->blocks.block[i].facts.accesses; a++)
            objects_settle(&t->objects, &t->blocks.block[i].site[a]);
}

static void sample(struct timing *t, int is_last)
{
    timing_settle(t);
    trace_sample(t->trace, t->now, is_last);
    t->sample_at = t->trace->next_sample;
}

void timing_settle_trace(struct timing *t)
{
    if (t->trace)
        sample(t, 1);
}

static int touch(struct timing *t, uint32_t entry)
{
    if (array_reserve(&t->touched, &t->touched_room, t->touched_used + 1u, 1024, sizeof *t->touched) != CORE_OK)
        return CORE_ERR_MEMORY;
    t->touched[t->touched_used++] = entry;
    return CORE_OK;
}

/* Another node may be running now. */
static void follow(struct timing *t)
{
    t->memory.counters = calltree_current(&t->calls)->counters;
    if (t->trace)
        trace_follow(t->trace, &t->calls, t->now);
}

/* Pending counts belong to the node that runs: settle before it changes. */
static int enter(struct timing *t, const struct block *b, uint32_t how, uint32_t call_site, uint32_t returns_to)
{
    struct node *current = calltree_current(&t->calls);
    if (current->info.function == b->facts.function && (how == BRANCH_NONE || how == BRANCH_CONDITIONAL ||
                                                        how == BRANCH_DIRECT || how == BRANCH_TABLE))
        return CORE_OK;
    timing_settle(t);
    int status = calltree_enter(&t->calls, b->facts.function, b->facts.is_function_entry, b->info.address, how,
                                call_site, returns_to);
    follow(t);
    return status;
}

/* --- one block ---------------------------------------------------------------------------------------- */

static void charge(struct timing *t, enum cause cause, uint32_t cycles)
{
    t->memory.counters[COUNTER_CYCLES + cause] += cycles;
    t->now += cycles;
}

/* Settles how the block before ended, now that the next address is known. Returns 1 when fetch was redirected. */
static int resolve_branch(struct timing *t, const struct block *next, int *status)
{
    struct block *b = &t->blocks.block[t->last_block];
    const struct entry *e = &t->blocks.entry[t->last_entry];
    uint32_t end = b->info.address + b->info.size, placed_end = b->place + b->info.size, how = BRANCH_NONE;
    enum prediction prediction = PREDICTED;
    int taken = next->info.address != end;
    t->state = e->after_next;
    if (b->facts.branch != BRANCH_NONE) {
        int conditional = b->facts.branch == BRANCH_CONDITIONAL || b->facts.branch_predicated;
        int is_call = b->facts.branch == BRANCH_CALL || b->facts.branch == BRANCH_CALL_INDIRECT;
        if (taken || conditional)
            prediction = predictor_branch(&t->predictor, b->facts.branch, conditional, b->branch, b->target,
                                          placed_end, taken ? next->place : placed_end);
        if (taken)
            how = b->facts.branch;
        /* A call that came straight back: an operation marker, whose own cost is left out. */
        if (is_call && !taken)
            how = BRANCH_NONE;
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
        b->info.branch_stall_cycles += cycles;
        if (cycles)
            memory_fetch_wrong_path(&t->memory, t->now, placed_end, cycles);
        charge(t, CAUSE_BRANCH, cycles);
    }
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
        const struct probe_static *p = &b->facts.probe[i];
        uint32_t a = address[p->a], other = address[p->b], bit;
        switch (p->kind) {
        case PROBE_SAME_BANK: bit = ~(a ^ other) >> 2 & 1; break;
        case PROBE_ODD_WORD: bit = a >> 2 & 1; break;
        case PROBE_UNALIGNED: bit = (a & (b->facts.access[p->a].size - 1u)) != 0; break;
        default: bit = a >> 2 == other >> 2; break;
        }
        variant |= (uint64_t)bit << i;
    }
    return variant;
}

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
        for (uint32_t n = 0; n < b->facts.notes; n++) {
            const struct note_static *s = &b->facts.note[n];
            uint32_t class = notes[i] & 0xffff;
            if (b->facts.instruction_offsets[s->instruction] == (notes[i] >> 16) * 2 - b->first &&
                s->table < t->extra_tables && class < EXTRA_CLASSES)
                extra += t->extra[s->table][class];
        }
    return extra;
}

/* Where each access of a block is timed; those that did not happen stay at 0. */
static const uint32_t *place(struct timing *t, struct block *b, const uint32_t *address, const uint8_t *present)
{
    for (uint32_t i = 0; i < b->facts.accesses; i++)
        t->placed[i] = present && !present[i] ? address[i] : placement_at(&t->placement, &b->site[i].placed, address[i]);
    return t->placed;
}

/* The DSBs from *next on that stand in front of an access wait. Returns the access that the next one stands in
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
        uint32_t stall = memory_synchronize(&t->memory, t->now + e->access_cycles[b->facts.accesses + *next]);
        b->info.barrier_stall_cycles += stall;
        charge(t, CAUSE_STORE, stall);
    }
    return UINT32_MAX;
}

static void fault_at(struct timing *t, enum fault_kind kind, const struct block *b, uint32_t access, uint32_t address)
{
    const struct access_static *a = &b->facts.access[access];
    uint32_t pc = b->info.address + b->facts.instruction_offsets[a->instruction];
    t->fault = (struct fault_info){(uint8_t)kind, address, pc, a->size};
}

/* Control reached a block of which nothing runs: its first instruction faults. */
static int arrive(struct timing *t, const struct block *b)
{
    int status = CORE_OK;
    if (t->last_block >= 0)
        resolve_branch(t, b, &status);
    t->last_block = t->last_entry = NO_DEFINITION;
    return status;
}

static int run_block(struct timing *t, uint32_t index, const uint32_t *address, const uint8_t *present,
                     const uint8_t *ran, const uint32_t *notes, uint32_t note_count)
{
    int redirected = 0, status = CORE_OK;
    struct block *b = &t->blocks.block[index];
    if (t->last_block >= 0)
        redirected = resolve_branch(t, b, &status);
    else
        status = enter_handler(t, b);
    if (status != CORE_OK)
        return status;

    const uint32_t *placed = t->placement.moves ? place(t, b, address, present) : address;
    int entry = blocks_entry(&t->blocks, t->last_entry, index, t->state, probe(b, placed));
    if (entry < 0)
        return entry;
    struct entry *e = &t->blocks.entry[entry];
    if (e->pending++ == 0) {
        status = touch(t, (uint32_t)entry);
        if (status != CORE_OK)
            return status;
    }
    uint32_t stall = fetch(t, b, e->cycles, redirected);
    b->info.fetch_stall_cycles += stall;
    charge(t, CAUSE_FETCH, stall);
    uint32_t barriers = 0, barrier_before = b->facts.barriers ? b->facts.barrier->access : UINT32_MAX;
    for (uint32_t i = 0; i < b->facts.accesses; i++) {
        const struct access_static *a = &b->facts.access[i];
        if (i >= barrier_before)
            barrier_before = synchronize(t, b, e, ran, &barriers, i);
        if (present && !present[i])
            continue;
        if (address[i] & a->alignment_mask) {
            fault_at(t, FAULT_UNALIGNED, b, i, address[i]);
            return STOP_FAULT;
        }
        struct site *site = &b->site[i];
        if (!objects_is_current(&site->object, address[i])) {
            status = objects_switch(&t->objects, &t->memory, &t->placement, site, index, i, address[i]);
            if (status != CORE_OK)
                return status;
        }
        struct site_info *s = &site->counts;
        s->executions++;
        uint64_t time = t->now + e->access_cycles[i];
        if (!a->is_write && memory_read_free(&t->memory, time, placed[i], a->size, site->slot))
            continue;
        uint64_t *v = t->memory.counters;
        uint64_t misses = v[COUNTER_DCACHE_READ_MISSES] + v[COUNTER_DCACHE_WRITE_MISSES];
        stall = a->is_write ? memory_write(&t->memory, time, placed[i], a->size)
                            : memory_read(&t->memory, time, placed[i], a->size);
        site->slot = t->memory.dcache.recent;
        s->misses += v[COUNTER_DCACHE_READ_MISSES] + v[COUNTER_DCACHE_WRITE_MISSES] - misses;
        if (stall) {
            s->stall_cycles += stall;
            charge(t, a->is_write ? CAUSE_STORE : CAUSE_LOAD, stall);
        }
    }
    if (barrier_before != UINT32_MAX)
        synchronize(t, b, e, ran, &barriers, b->facts.accesses);
    if (b->predicated || note_count) {
        stall = apply_notes(t, b, ran, notes, note_count);
        b->info.execute_stall_cycles += stall;
        charge(t, CAUSE_EXECUTE, stall);
    }
    b->info.executions++;
    t->now += e->cycles;
    t->instructions += b->facts.instructions;
    t->last_block = (int32_t)index;
    t->last_entry = entry;
    if (b->facts.stack_access >= 0 && (!present || present[b->facts.stack_access])) {
        uint32_t low = address[b->facts.stack_access] + (uint32_t)b->facts.stack_low;
        if (low < t->stack_lowest && low <= t->stack_top && low + (1u << 20) > t->stack_top) {
            if (low < t->stack_floor && t->stack_lowest >= t->stack_floor) {
                fault_at(t, FAULT_STACK_OVERFLOW, b, (uint32_t)b->facts.stack_access, low);
                return STOP_FAULT;
            }
            t->stack_lowest = low;
        }
    }
    return CORE_OK;
}

/* --- records -------------------------------------------------------------------------------------------- */

static int run_record(struct timing *t, const uint32_t *words, size_t left, size_t *length)
{
    uint32_t id = words[0] & RECORD_ID;
    if (left < 2 || id >= t->stream->definitions)
        return CORE_ERR_STREAM;
    int partial = (words[0] & RECORD_PARTIAL) != 0;
    uint32_t accesses = words[1] & 0xffff, notes = words[1] >> 16;
    *length = 2 + (size_t)partial + accesses + notes;
    if (*length > left)
        return CORE_ERR_STREAM;
    uint32_t first = (words[0] & RECORD_CONTINUED) ? t->continue_at : 0;
    uint32_t end = t->stream->definition[id].size;
    if (first >= end)
        return CORE_OK;
    int index = first ? NO_DEFINITION : blocks_whole(&t->blocks, id);
    if (index < 0)
        index = blocks_for(&t->blocks, &t->memory, id, first, end);
    if (index < 0)
        return index;
    const uint32_t *recorded = words + 2 + partial;
    struct block *b = &t->blocks.block[index];
    struct execution x = {&b->facts, first, recorded, accesses, recorded + accesses, notes};
    if (!partial && !b->predicated && !b->exclusive && b->facts.accesses == accesses)
        return run_block(t, (uint32_t)index, recorded, NULL, NULL, x.note, notes);

    static _Thread_local uint32_t address[ACCESSES_MAX];
    static _Thread_local uint8_t present[ACCESSES_MAX], ran[INSTRUCTIONS_MAX];
    records_ran(&x, ran);
    uint64_t unmatched = t->unmatched;
    int last = records_match(&x, ran, address, present, &t->unmatched);
    if (partial) {
        t->unmatched = unmatched;    /* only the part that ran counts */
        uint32_t stop = words[2];
        if (stop == PARTIAL_AFTER_ACCESS) {
            stop = end;
            if (last >= 0 && last + 1 < b->facts.instructions)
                stop = first + b->facts.instruction_offsets[last + 1];
        } else if (stop == PARTIAL_BEFORE_ACCESS) {
            int faulting = records_next_access(&x, ran);
            stop = faulting >= 0 ? first + b->facts.instruction_offsets[faulting] : end;
            t->fault.pc = t->stream->definition[id].address + stop;
        }
        t->continue_at = stop;
        if (stop <= first || stop > end)
            return arrive(t, b);
        index = blocks_for(&t->blocks, &t->memory, id, first, stop);
        if (index < 0)
            return index;
        b = &t->blocks.block[index];
        x.facts = &b->facts;
        records_ran(&x, ran);
        records_match(&x, ran, address, present, &t->unmatched);
    }
    return run_block(t, (uint32_t)index, address, present, ran, x.note, notes);
}

enum { REG_ACTLR = 0xe000e008 };

/* The block that was interrupted ends in its branch when the handler has come back. */
static void enter_exception(struct timing *t, uint32_t return_address)
{
    if (t->interruptions == INTERRUPTED_MAX) {
        memmove(t->interrupted, t->interrupted + 1, (INTERRUPTED_MAX - 1) * sizeof *t->interrupted);
        t->interruptions--;
    }
    t->interrupted[t->interruptions++] = (struct interrupted){t->last_block, t->last_entry, t->calls.frames};
    t->last_block = t->last_entry = NO_DEFINITION;
    t->state = t->reset_state;
    t->hardware_return = return_address;
}

static void leave_exception(struct timing *t)
{
    if (!t->interruptions)
        return;
    const struct interrupted *i = &t->interrupted[--t->interruptions];
    calltree_unwind(&t->calls, i->frames);
    t->last_block = i->last_block;
    t->last_entry = i->last_entry;
}

static int run_other(struct timing *t, uint32_t kind, const uint32_t *payload, uint32_t count)
{
    static const uint8_t payload_words[] = {0, 2, 2, 0, 2, 1};
    if (kind >= sizeof payload_words || payload_words[kind] != count)
        return CORE_ERR_STREAM;
    int status = CORE_OK;
    timing_settle(t);
    switch (kind) {
    case RECORD_SYSTEM_WRITE:
        if (payload[0] == REG_ACTLR)
            predictor_control(&t->predictor, payload[1]);
        charge(t, CAUSE_STORE,
               memory_system_write(&t->memory, t->now, payload[0],
                                   memory_takes_address(payload[0]) ? placement_of(&t->placement, payload[1])
                                                                    : payload[1]));
        break;
    case RECORD_OP_BEGIN:
        status = calltree_op_begin(&t->calls, (int32_t)payload[0], payload[1]);
        break;
    case RECORD_OP_END:
        calltree_op_end(&t->calls);
        break;
    case RECORD_SLEEP: {
        uint64_t cycles = payload[0] | (uint64_t)payload[1] << 32;
        t->memory.counters[COUNTER_CYCLES + CAUSE_SLEEP] += cycles;
        t->now += cycles;
        break;
    }
    case RECORD_EXCEPTION:
        charge(t, CAUSE_BRANCH, payload[0] ? t->config.exception_entry_cycles : t->config.exception_return_cycles);
        if (payload[0])
            enter_exception(t, payload[0]);
        else
            leave_exception(t);
        break;
    default:
        return CORE_ERR_STREAM;
    }
    follow(t);
    return status;
}

int timing_consume(void *timing, const uint32_t *words, size_t count)
{
    struct timing *t = timing;
    for (size_t at = 0; at < count;) {
        size_t length;
        int status;
        if (words[at] & RECORD_OTHER) {
            length = 1 + (words[at] & 0xffff);
            if (length > count - at)
                return CORE_ERR_STREAM;
            status = run_other(t, words[at] >> 16 & 0x7fff, words + at + 1, (uint32_t)length - 1);
        } else {
            status = run_record(t, words + at, count - at, &length);
        }
        if (status != CORE_OK)
            return status;
        if (t->now >= t->sample_at)
            sample(t, 0);
        at += length;
    }
    return CORE_OK;
}
