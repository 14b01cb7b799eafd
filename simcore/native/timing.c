/* timing.c: see timing.h. */
#include "timing.h"

#include <stdlib.h>
#include <string.h>

#include "thumb.h"

/* --- set-up ------------------------------------------------------------------------------------- */

int timing_init(struct timing *t, const struct timing_config *config, const struct region_config *region,
                uint32_t regions, const uint32_t *extra, uint32_t extra_tables, uint32_t reset_state,
                struct timing_callbacks callbacks, const struct stream *stream)
{
    memset(t, 0, sizeof *t);
    if (regions > MAX_REGIONS)
        return CORE_ERR_CONFIG;
    t->config = *config;
    memcpy(t->region, region, regions * sizeof *region);
    t->callbacks = callbacks;
    t->stream = stream;
    t->state = t->reset_state = reset_state;
    t->last_block = t->last_entry = NO_DEFINITION;
    t->stack_lowest = UINT32_MAX;
    int status = memory_init(&t->memory, &t->config, t->region, regions);
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

void timing_free(struct timing *t)
{
    for (uint32_t i = 0; i < t->blocks; i++) {
        struct block *b = &t->block[i];
        free((void *)b->facts.instruction_offsets);
        free((void *)b->facts.instruction_predicated);
        free((void *)b->facts.access);
        free((void *)b->facts.probe);
        free((void *)b->facts.note);
        free((void *)b->facts.counters);
        free((void *)b->facts.macs);
        free(b->site);
        free(b->object);
        free(b->skipped);
    }
    for (uint32_t i = 0; i < t->entries; i++)
        free((void *)t->entry[i].access_cycles);
    free(t->block);
    free(t->entry);
    free(t->whole);
    free(t->piece);
    free(t->touched);
    free(t->extra);
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
        struct entry *e = &t->entry[t->touched[i]];
        const struct block *b = &t->block[e->block];
        uint64_t n = e->pending;
        for (uint32_t c = 0; c < COUNTER_STATIC; c++)
            v[c] += n * b->facts.counters[c];
        v[COUNTER_DUAL_ISSUES] += n * e->dual_issues;
        for (uint32_t c = 0; c < CAUSE_COUNT; c++)
            v[COUNTER_CYCLES + c] += n * e->causes[c];
        if (b->fetch_cached)
            v[COUNTER_ICACHE_ACCESSES] += n * b->groups;
        if (b->region != NO_REGION)
            memory_region_counters(&t->memory, b->region)[REGION_FETCH_BYTES] += n * b->info.size;
        e->executions += n;
        e->pending = 0;
    }
    t->touched_used = 0;
}

void timing_settle_objects(struct timing *t)
{
    for (uint32_t i = 0; i < t->blocks; i++)
        for (uint32_t a = 0; a < t->block[i].facts.accesses; a++)
            objects_settle(&t->objects, &t->block[i].object[a], &t->block[i].site[a]);
}

static int touch(struct timing *t, uint32_t entry)
{
    if (t->touched_used == t->touched_room) {
        uint32_t room = t->touched_room ? t->touched_room * 2 : 1024;
        uint32_t *grown = realloc(t->touched, room * sizeof *grown);
        if (!grown)
            return CORE_ERR_MEMORY;
        t->touched = grown;
        t->touched_room = room;
    }
    t->touched[t->touched_used++] = entry;
    return CORE_OK;
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
    t->memory.counters = calltree_current(&t->calls)->counters;
    return status;
}

/* --- blocks and their schedules ---------------------------------------------------------------------- */

static void *copy(const void *from, size_t count, size_t size)
{
    void *to = malloc(count * size + 1);
    if (to && count)
        memcpy(to, from, count * size);
    return to;
}

static int grow_definitions(struct timing *t, uint32_t wanted)
{
    uint32_t room = t->definitions ? t->definitions : 1024;
    while (room <= wanted)
        room *= 2;
    int32_t *whole = realloc(t->whole, room * sizeof *whole);
    if (whole)
        t->whole = whole;
    int32_t *piece = realloc(t->piece, room * sizeof *piece);
    if (piece)
        t->piece = piece;
    if (!whole || !piece)
        return CORE_ERR_MEMORY;
    for (uint32_t i = t->definitions; i < room; i++)
        whole[i] = piece[i] = NO_DEFINITION;
    t->definitions = room;
    return CORE_OK;
}

static int check_facts(const struct block_static *f)
{
    if (f->probes > MAX_PROBES || !f->instructions)
        return CORE_ERR_STREAM;
    for (uint32_t i = 0; i < f->accesses; i++)
        if (f->access[i].instruction >= f->instructions)
            return CORE_ERR_STREAM;
    for (uint32_t i = 0; i < f->probes; i++)
        if (f->probe[i].a >= f->accesses || f->probe[i].b >= f->accesses)
            return CORE_ERR_STREAM;
    return f->stack_access < (int32_t)f->accesses ? CORE_OK : CORE_ERR_STREAM;
}

/* The block for the piece [first, end) of a definition; defines it on first sight. Negative: core_status. */
static int block_for(struct timing *t, uint32_t definition, uint32_t first, uint32_t end)
{
    const struct definition *d = &t->stream->definition[definition];
    if (definition >= t->definitions) {
        int status = grow_definitions(t, definition);
        if (status != CORE_OK)
            return status;
    }
    int is_whole = first == 0 && end == d->size;
    if (is_whole && t->whole[definition] >= 0)
        return t->whole[definition];
    if (!is_whole)
        for (int32_t at = t->piece[definition]; at >= 0; at = t->block[at].next_piece)
            if (t->block[at].first == first && t->block[at].end == end)
                return at;
    if (t->blocks == t->blocks_room) {
        uint32_t room = t->blocks_room ? t->blocks_room * 2 : 1024;
        struct block *grown = realloc(t->block, room * sizeof *grown);
        if (!grown)
            return CORE_ERR_MEMORY;
        t->block = grown;
        t->blocks_room = room;
    }
    const uint8_t *code = t->stream->code + d->code;
    struct block b;
    memset(&b, 0, sizeof b);
    int status = t->callbacks.define(t->callbacks.self, t->blocks, d->address + first, code + first, end - first,
                                     thumb_it_state_at(code, first, d->it_state), &b.facts);
    if (status == CORE_OK)
        status = check_facts(&b.facts);
    if (status != CORE_OK)
        return status;
    struct block_static *f = &b.facts;
    f->instruction_offsets = copy(f->instruction_offsets, f->instructions, sizeof *f->instruction_offsets);
    f->instruction_predicated = copy(f->instruction_predicated, f->instructions, 1);
    f->access = copy(f->access, f->accesses, sizeof *f->access);
    f->probe = copy(f->probe, f->probes, sizeof *f->probe);
    f->note = copy(f->note, f->notes, sizeof *f->note);
    f->counters = copy(f->counters, COUNTER_STATIC, sizeof *f->counters);
    f->macs = copy(f->macs, f->instructions, 1);
    b.site = calloc(f->accesses + 1u, sizeof *b.site);
    b.object = calloc(f->accesses + 1u, sizeof *b.object);
    b.skipped = calloc(f->instructions, sizeof *b.skipped);
    if (!f->instruction_offsets || !f->instruction_predicated || !f->access || !f->probe || !f->note ||
        !f->counters || !f->macs || !b.site || !b.object || !b.skipped)
        return CORE_ERR_MEMORY;
    for (uint32_t i = 0; i < f->instructions; i++)
        b.predicated |= f->instruction_predicated[i];
    for (uint32_t i = 0; i < f->accesses; i++)
        b.exclusive |= f->access[i].exclusive;
    b.info.address = d->address + first;
    b.info.size = end - first;
    b.entries = NO_DEFINITION;
    b.region = memory_region(&t->memory, b.info.address);
    b.groups = ((b.info.address + b.info.size - 1) >> 3) - (b.info.address >> 3) + 1;
    b.definition = definition;
    b.first = first;
    b.end = end;
    if (is_whole) {
        t->whole[definition] = (int32_t)t->blocks;
    } else {
        b.next_piece = t->piece[definition];
        t->piece[definition] = (int32_t)t->blocks;
    }
    t->block[t->blocks] = b;
    return (int)t->blocks++;
}

static int new_entry(struct timing *t, uint32_t block, uint32_t state, uint64_t variant)
{
    if (t->entries == t->entries_room) {
        uint32_t room = t->entries_room ? t->entries_room * 2 : 2048;
        struct entry *grown = realloc(t->entry, room * sizeof *grown);
        if (!grown || room > INT32_MAX)
            return CORE_ERR_MEMORY;
        t->entry = grown;
        t->entries_room = room;
    }
    struct block_schedule s;
    memset(&s, 0, sizeof s);
    int status = t->callbacks.schedule(t->callbacks.self, block, state, variant, &s);
    if (status != CORE_OK)
        return status;
    struct block *b = &t->block[block];
    struct entry *e = &t->entry[t->entries];
    memset(e, 0, sizeof *e);
    e->variant = variant;
    e->state = state;
    e->block = block;
    for (uint32_t c = 0; c < CAUSE_COUNT; c++)
        e->cycles += e->causes[c] = s.cycles_by_cause[c];
    e->dual_issues = s.dual_issues;
    e->after_next = s.after_next;
    e->after_taken = s.after_taken;
    e->after_mispredict = s.after_mispredict;
    e->mispredict_cycles = s.mispredict_cycles;
    e->access_cycles = copy(s.access_cycles, b->facts.accesses, sizeof *s.access_cycles);
    if (!e->access_cycles)
        return CORE_ERR_MEMORY;
    e->next = b->entries;
    b->entries = (int32_t)t->entries;
    return (int)t->entries++;
}

static inline int entry_for(struct timing *t, uint32_t block, uint64_t variant)
{
    int32_t *link = &t->block[block].entries;
    for (int32_t at = *link; at >= 0; at = *link) {
        struct entry *e = &t->entry[at];
        if (e->state == t->state && e->variant == variant) {
            *link = e->next;                       /* to the front: the next look-up finds it first */
            e->next = t->block[block].entries;
            t->block[block].entries = at;
            return at;
        }
        link = &e->next;
    }
    return new_entry(t, block, t->state, variant);
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
    struct block *b = &t->block[t->last_block];
    const struct entry *e = &t->entry[t->last_entry];
    uint32_t end = b->info.address + b->info.size, how = BRANCH_NONE;
    enum prediction prediction = PREDICTED;
    int taken = next->info.address != end;
    t->state = e->after_next;
    if (b->facts.branch != BRANCH_NONE) {
        int conditional = b->facts.branch == BRANCH_CONDITIONAL || b->facts.branch_predicated;
        int is_call = b->facts.branch == BRANCH_CALL || b->facts.branch == BRANCH_CALL_INDIRECT;
        if (taken || conditional)
            prediction = predictor_branch(&t->predictor, b->facts.branch, conditional, b->facts.branch_address,
                                          b->facts.branch_target, end, next->info.address);
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
            memory_fetch_wrong_path(&t->memory, t->now, end, cycles);
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
    b->fetch_cached = (uint8_t)memory_fetch_is_cached(m, b->info.address);
    uint32_t stall = memory_fetch(m, t->now, cycles, b->info.address, b->info.size, redirected, &misses);
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
    struct block *b = &t->block[index];
    if (t->last_block >= 0)
        redirected = resolve_branch(t, b, &status);
    else
        status = enter_handler(t, b);
    if (status != CORE_OK)
        return status;

    int entry = entry_for(t, index, probe(b, address));
    if (entry < 0)
        return entry;
    struct entry *e = &t->entry[entry];
    if (e->pending++ == 0) {
        status = touch(t, (uint32_t)entry);
        if (status != CORE_OK)
            return status;
    }
    uint32_t stall = fetch(t, b, e->cycles, redirected);
    b->info.fetch_stall_cycles += stall;
    charge(t, CAUSE_FETCH, stall);
    for (uint32_t i = 0; i < b->facts.accesses; i++) {
        const struct access_static *a = &b->facts.access[i];
        if (present && !present[i])
            continue;
        if (address[i] & a->alignment_mask) {
            fault_at(t, FAULT_UNALIGNED, b, i, address[i]);
            return STOP_FAULT;
        }
        uint64_t *v = t->memory.counters;
        uint64_t misses = v[COUNTER_DCACHE_READ_MISSES] + v[COUNTER_DCACHE_WRITE_MISSES];
        uint64_t time = t->now + e->access_cycles[i];
        stall = a->is_write ? memory_write(&t->memory, time, address[i], a->size)
                            : memory_read(&t->memory, time, address[i], a->size);
        struct site_info *s = &b->site[i];
        if (!objects_is_current(&b->object[i], address[i])) {
            status = objects_switch(&t->objects, &t->memory, &b->object[i], s, index, i, address[i]);
            if (status != CORE_OK)
                return status;
        }
        s->executions++;
        s->misses += v[COUNTER_DCACHE_READ_MISSES] + v[COUNTER_DCACHE_WRITE_MISSES] - misses;
        if (stall) {
            s->stall_cycles += stall;
            charge(t, a->is_write ? CAUSE_STORE : CAUSE_LOAD, stall);
        }
    }
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

enum { ACCESSES_MAX = STREAM_RECORD_MAX, INSTRUCTIONS_MAX = DEFINITION_BYTES_MAX / 2 };

/* Which predicated instructions ran, by the notes. */
static void mark_ran(const struct block *b, const uint32_t *notes, uint32_t count, uint8_t *ran)
{
    for (uint32_t i = 0; i < b->facts.instructions; i++)
        ran[i] = !b->facts.instruction_predicated[i];
    for (uint32_t n = 0; n < count; n++) {
        uint32_t offset = (notes[n] >> 16) * 2 - b->first;
        for (uint32_t i = 0; i < b->facts.instructions; i++)
            if (b->facts.instruction_offsets[i] == offset)
                ran[i] = 1;
    }
}

/* Accesses recorded before an exclusive store ran, by its note. */
static uint32_t recorded_before(const struct block *b, uint32_t instruction, const uint32_t *notes, uint32_t note_count)
{
    for (uint32_t n = 0; n < note_count; n++)
        if ((notes[n] >> 16) * 2 - b->first == b->facts.instruction_offsets[instruction])
            return notes[n] & 0xffff;
    return UINT32_MAX;
}

/* Whether the exclusive store at access i stored: then it was recorded twice, as a read and a write, over
 * what else the block accesses up to its next exclusive store. */
static int exclusive_stored(const struct block *b, const uint8_t *ran, uint32_t i, uint32_t count,
                            const uint32_t *notes, uint32_t note_count)
{
    uint32_t from = recorded_before(b, b->facts.access[i].instruction, notes, note_count), to = count, others = 0;
    if (from == UINT32_MAX)
        return 0;
    for (i += 2; i < b->facts.accesses; i++) {
        const struct access_static *a = &b->facts.access[i];
        if (a->exclusive) {
            uint32_t next = recorded_before(b, a->instruction, notes, note_count);
            to = next == UINT32_MAX ? count : next;
            break;
        }
        others += !a->predicated || ran[a->instruction];
    }
    return to - from > others;
}

/* Lays the recorded addresses on the block's accesses: those of failed predicates are not there, nor are
 * those of a STREX that did not store, and the read that a STREX is reported with is none of the program's.
 * Returns the index of the last instruction that accessed memory, or -1. */
static int match_accesses(struct timing *t, const struct block *b, const uint8_t *ran, const uint32_t *recorded,
                          uint32_t count, const uint32_t *notes, uint32_t note_count, uint32_t *address,
                          uint8_t *present)
{
    uint32_t used = 0;
    int last = -1, stored = 1;
    for (uint32_t i = 0; i < b->facts.accesses; i++) {
        const struct access_static *a = &b->facts.access[i];
        if (a->exclusive == EXCLUSIVE_CHECK)
            stored = exclusive_stored(b, ran, i, count, notes, note_count);
        present[i] = used < count && (!a->predicated || ran[a->instruction]) && (!a->exclusive || stored);
        address[i] = present[i] ? recorded[used++] : 0;
        if (a->exclusive == EXCLUSIVE_CHECK)
            present[i] = 0;
        if (present[i])
            last = a->instruction;
    }
    if (used < count)
        t->unmatched++;
    return last;
}

/* The instruction of the access behind the first `count` that happen, -1: there is none. */
static int next_access(const struct block *b, const uint8_t *ran, uint32_t count)
{
    for (uint32_t i = 0; i < b->facts.accesses; i++) {
        const struct access_static *a = &b->facts.access[i];
        if ((!a->predicated || ran[a->instruction]) && count-- == 0)
            return a->instruction;
    }
    return -1;
}

static int run_record(struct timing *t, const uint32_t *words, size_t left, size_t *length)
{
    uint32_t id = words[0] & RECORD_ID;
    if (left < 2 || id >= t->stream->definitions)
        return CORE_ERR_STREAM;
    int partial = (words[0] & RECORD_PARTIAL) != 0;
    uint32_t accesses = words[1] & 0xffff, note_count = words[1] >> 16;
    *length = 2 + (size_t)partial + accesses + note_count;
    if (*length > left)
        return CORE_ERR_STREAM;
    const uint32_t *recorded = words + 2 + partial, *notes = recorded + accesses;
    uint32_t first = (words[0] & RECORD_CONTINUED) ? t->continue_at : 0;
    uint32_t end = t->stream->definition[id].size;
    if (first >= end)
        return CORE_OK;
    int index = block_for(t, id, first, end);
    if (index < 0)
        return index;
    struct block *b = &t->block[index];
    if (!partial && !b->predicated && !b->exclusive && b->facts.accesses == accesses)
        return run_block(t, (uint32_t)index, recorded, NULL, NULL, notes, note_count);

    static _Thread_local uint32_t address[ACCESSES_MAX];
    static _Thread_local uint8_t present[ACCESSES_MAX], ran[INSTRUCTIONS_MAX];
    mark_ran(b, notes, note_count, ran);
    uint64_t unmatched = t->unmatched;
    int last = match_accesses(t, b, ran, recorded, accesses, notes, note_count, address, present);
    if (partial) {
        t->unmatched = unmatched;    /* only the part that ran counts */
        uint32_t stop = words[2];
        if (stop == PARTIAL_AFTER_ACCESS) {
            stop = end;
            if (last >= 0 && last + 1 < b->facts.instructions)
                stop = first + b->facts.instruction_offsets[last + 1];
        } else if (stop == PARTIAL_BEFORE_ACCESS) {
            int faulting = next_access(b, ran, accesses);
            stop = faulting >= 0 ? first + b->facts.instruction_offsets[faulting] : end;
            t->fault.pc = t->stream->definition[id].address + stop;
        }
        t->continue_at = stop;
        if (stop <= first || stop > end)
            return arrive(t, b);
        index = block_for(t, id, first, stop);
        if (index < 0)
            return index;
        b = &t->block[index];
        mark_ran(b, notes, note_count, ran);
        match_accesses(t, b, ran, recorded, accesses, notes, note_count, address, present);
    }
    return run_block(t, (uint32_t)index, address, present, ran, notes, note_count);
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
        charge(t, CAUSE_STORE, memory_system_write(&t->memory, t->now, payload[0], payload[1]));
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
    t->memory.counters = calltree_current(&t->calls)->counters;
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
        at += length;
    }
    return CORE_OK;
}
