/* timing.c: see timing.h. */
#include "timing/timing.h"

#include <stdlib.h>
#include <string.h>

#include "registers.h"
#include "timing/interrupts.h"
#include "timing/records.h"
#include "timing/one_call.h"
#include "timing/run.h"
#include "timing/sequel.h"

/* --- set-up ------------------------------------------------------------------------------------- */

int timing_init(struct timing *t, const struct timing_setup *setup, const struct stream *stream)
{
    memset(t, 0, sizeof *t);
    if (setup->regions > MAX_REGIONS)
        return CORE_ERR_CONFIG;
    t->config = *setup->config;
    for (uint32_t r = 0; r < setup->regions; r++)
        t->region[r] = setup->region[r];
    t->stream = stream;
    t->blocks.callbacks = setup->callbacks;
    t->blocks.stream = stream;
    t->blocks.placement = &t->placement;
    t->blocks.most = SCHEDULES_MAX;
    t->blocks.any_state = setup->reset_state;
    t->objects.most = USES_MAX;
    t->state = t->reset_state = setup->reset_state;
    t->last_block = t->last_entry = NO_DEFINITION;
    t->sample_at = UINT64_MAX;
    int status = memory_init(&t->memory, &t->config, t->region, setup->regions);
    if (status == CORE_OK)
        status = placement_init(&t->placement, setup->move, setup->moves);
    if (status == CORE_OK)
        status = predictor_init(&t->predictor, &t->config);
    if (status == CORE_OK)
        status = calltree_init(&t->calls, COUNTER_COUNT + setup->regions * REGION_COUNTER_COUNT);
    if (status == CORE_OK)
        status = contexts_init(t);
    if (status == CORE_OK)
        status = stacks_begin(t, 0, 0);
    if (status != CORE_OK)
        return status;
    t->memory.counters = calltree_current(&t->calls)->counters;
    t->calls.ops.now = &t->now;
    if (!setup->extra_tables)
        return CORE_OK;
    t->extra = malloc(setup->extra_tables * sizeof *t->extra);
    if (!t->extra)
        return CORE_ERR_MEMORY;
    memcpy(t->extra, setup->extra, setup->extra_tables * sizeof *t->extra);
    t->extra_tables = setup->extra_tables;
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

int timing_node_blocks(struct timing *t)
{
    if (!t->node_blocks)
        t->node_blocks = calloc(1, sizeof *t->node_blocks);
    return t->node_blocks ? CORE_OK : CORE_ERR_MEMORY;
}

void timing_free(struct timing *t)
{
    if (t->node_blocks)
        node_blocks_free(t->node_blocks);
    free(t->node_blocks);
    if (t->trace)
        trace_free(t->trace);
    free(t->trace);
    blocks_free(&t->blocks);
    free(t->touched);
    free(t->ran);
    free(t->extra);
    placement_free(&t->placement);
    memory_free(&t->memory);
    predictor_free(&t->predictor);
    calltree_free(&t->calls);
    objects_free(&t->objects);
    contexts_free(&t->contexts);
    stacks_free(&t->stacks);
    interrupts_free(t);
}

/* --- pending counts -------------------------------------------------------------------------------- */

void timing_settle_objects(struct timing *t)
{
    for (uint32_t i = 0; i < t->blocks.blocks; i++)
        for (uint32_t a = 0; a < t->blocks.block[i].facts.accesses; a++)
            if (objects_settle(&t->objects, &t->blocks.block[i].site[a]) != CORE_OK)
                t->objects.status = CORE_ERR_MEMORY;
}

int timing_status(const struct timing *t)
{
    return t->calls.ops.status != CORE_OK ? t->calls.ops.status : t->objects.status;
}

static void sample(struct timing *t, int is_last)
{
    timing_settle(t);
    trace_sample(t->trace, t->now - t->counted_from, is_last);
    t->sample_at = t->counted_from + t->trace->next_sample;
}

void timing_settle_trace(struct timing *t)
{
    if (t->trace)
        sample(t, 1);
}

void timing_forget(struct timing *t)
{
    timing_settle_objects(t);
    for (uint32_t i = 0; i < t->calls.nodes; i++) {
        t->calls.node[i].info.calls = 0;
        memset(t->calls.node[i].counters, 0, t->calls.width * sizeof *t->calls.node[i].counters);
    }
    blocks_forget(&t->blocks);
    for (uint32_t i = 0; i < t->objects.uses; i++)
        t->objects.use[i].info.counts = (struct site_info){0, 0, 0};
    for (uint32_t i = 0; i < t->objects.states.keys; i++) {
        struct op_use_info *use = &t->objects.op_use[i];
        use->read_bytes = use->write_bytes = use->misses = use->stall_cycles = 0;
    }
    t->calls.lost_frames = t->unmatched = t->blocks.merged = t->objects.merged = 0;
    contexts_forget(t);
    t->counted_from = t->now;
    memset(t->transfer, 0, sizeof t->transfer);
    if (t->node_blocks)
        node_blocks_forget(t->node_blocks);
    interrupts_forget(t);
    if (t->trace) {
        trace_forget(t->trace);
        t->sample_at = t->counted_from + t->trace->next_sample;
    }
}

/* --- records -------------------------------------------------------------------------------------------- */

/* A block in which another function begins, from x->first on, piece by piece: each counts for the function that holds
 * it. */
static int run_pieces(struct timing *t, uint32_t id, uint32_t end, struct execution *x, uint32_t *address,
                      uint8_t *present, uint8_t *ran)
{
    int status = CORE_OK;
    for (uint32_t stop; status == CORE_OK && x->first < end; x->first = stop) {
        int index = blocks_for(&t->blocks, &t->memory, id, x->first, end);
        if (index < 0)
            return index;
        uint32_t own = t->blocks.block[index].facts.function_bytes;
        stop = own ? x->first + own : end;
        index = blocks_for(&t->blocks, &t->memory, id, x->first, stop);
        if (index < 0)
            return index;
        x->facts = &t->blocks.block[index].facts;
        x->is_split = stop < end;
        uint64_t unmatched = t->unmatched;
        records_ran(x, ran);
        records_match(x, ran, address, present, &t->unmatched);
        if (stop < end)
            t->unmatched = unmatched;
        x->before += records_laid(x, present);
        status = timing_run_block(t, (uint32_t)index, address, present, ran, x->note, x->notes);
    }
    return status;
}

static int run_record(struct timing *t, const uint32_t *words, size_t left, size_t *length)
{
    uint32_t id = words[0] & RECORD_ID;
    if (left < 2 || id >= t->stream->told.definitions)
        return CORE_ERR_STREAM;
    int partial = (words[0] & RECORD_PARTIAL) != 0;
    uint32_t accesses = words[1] & 0xffff, notes = words[1] >> 16;
    *length = 2 + (size_t)partial + accesses + notes;
    if (*length > left)
        return CORE_ERR_STREAM;
    uint32_t first = (words[0] & RECORD_CONTINUED) ? t->continue_at : 0;
    uint32_t end = t->stream->told.definition[id].size;
    if (first >= end)
        return CORE_OK;
    if (partial && words[2] > first && words[2] < end) {
        end = words[2];                  /* a piece of its own, which ran whole */
        partial = 0;
        t->continue_at = end;
    }
    int index = first || end < t->stream->told.definition[id].size ? NO_DEFINITION : blocks_whole(&t->blocks, id);
    if (index < 0)
        index = blocks_for(&t->blocks, &t->memory, id, first, end);
    if (index < 0)
        return index;
    const uint32_t *recorded = words + *length - accesses - notes;
    struct block *b = &t->blocks.block[index];
    if (!partial && b->is_plain && b->facts.accesses == accesses)
        return timing_run_block(t, (uint32_t)index, recorded, NULL, NULL, recorded + accesses, notes);

    struct execution x = {
        &b->facts, first, recorded, accesses, recorded + accesses, notes, partial && words[2] == PARTIAL_AFTER_ACCESS,
        0};
    static _Thread_local uint32_t address[ACCESSES_MAX];
    static _Thread_local uint8_t present[ACCESSES_MAX], ran[INSTRUCTIONS_MAX];
    if (!partial && b->facts.function_bytes)
        return run_pieces(t, id, end, &x, address, present, ran);
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
            t->fault.pc = t->stream->told.definition[id].address + stop;
        }
        t->continue_at = stop;
        if (stop <= first || stop > end)
            return timing_arrive(t, b);
        index = blocks_for(&t->blocks, &t->memory, id, first, stop);
        if (index < 0)
            return index;
        b = &t->blocks.block[index];
        x.facts = &b->facts;
        records_ran(&x, ran);
        records_match(&x, ran, address, present, &t->unmatched);
    }
    return timing_run_block(t, (uint32_t)index, address, present, ran, x.note, notes);
}

/* A whole block that was seen before and needs nothing but to run: as run_record() does it. Returns 0 for others. */
static inline int run_plain(struct timing *t, const uint32_t *words, size_t left, size_t *length, int *status)
{
    uint32_t id = words[0];
    if (left < 2 || id >= t->blocks.definitions || t->blocks.whole[id] < 0)
        return 0;
    uint32_t index = (uint32_t)t->blocks.whole[id], accesses = words[1] & 0xffff, notes = words[1] >> 16;
    const struct block *b = &t->blocks.block[index];
    *length = 2 + (size_t)accesses + notes;
    if (!b->is_plain || b->facts.accesses != accesses || *length > left)
        return 0;
    *status = timing_run_block(t, index, words + 2, NULL, NULL, words + 2 + accesses, notes);
    return 1;
}

/* What DMA moves costs the core nothing: it shares no bus with it here. */
static void run_transfer(struct timing *t, int is_write, uint32_t address, uint32_t bytes, uint32_t code)
{
    uint32_t place = placement_of(&t->placement, address), region;
    moved_add(&t->moved, address, bytes);
    while (bytes && (region = memory_region(&t->memory, place)) != NO_REGION) {
        uint32_t left = t->region[region].base + (t->region[region].size - 1) - place;
        uint32_t here = bytes - 1 < left ? bytes : left + 1;
        *(is_write ? &t->transfer[region].write_bytes : &t->transfer[region].read_bytes) += here;
        memory_transfer(&t->memory, place, here, is_write, code);
        place += here;
        bytes -= here;
    }
}

/* Other objects are at the same addresses from here on. */
static int switch_objects(struct timing *t, uint32_t table)
{
    timing_settle_objects(t);
    for (uint32_t i = 0; i < t->blocks.blocks; i++)
        for (uint32_t a = 0; a < t->blocks.block[i].facts.accesses; a++)
            objects_leave(&t->blocks.block[i].site[a]);
    return objects_use(&t->objects, table);
}

/* What begins here finds nothing of what ran before it. */
static void begin_apart(struct timing *t)
{
    timing_charge(t, CAUSE_STORE, memory_synchronize(&t->memory, t->now));
    memory_reset(&t->memory);
    predictor_forget(&t->predictor);
    t->waits = 0;
}

static int run_other(struct timing *t, uint32_t kind, const uint32_t *payload, uint32_t count)
{
    static const uint8_t payload_words[] = {
        0, 2, 2, 0, 2, 4, 0, 1, 4, 3, 1, [RECORD_OBJECTS] = 1, [RECORD_INTERRUPT] = 4, 3, 2, 2};
    if (kind >= sizeof payload_words || payload_words[kind] != count)
        return CORE_ERR_STREAM;
    if (kind >= RECORD_INTERRUPT)
        return interrupts_record(t, kind, payload);
    int status = CORE_OK;
    uint64_t before = t->now;
    if (kind == RECORD_SYSTEM_WRITE || kind == RECORD_FROM || timing_is_watched(t))
        timing_settle(t);                /* what is fetched from the cache may change, and counts begin anew */
    switch (kind) {
    case RECORD_SYSTEM_WRITE:
        if (payload[0] == REG_ACTLR)
            predictor_control(&t->predictor, payload[1]);
        timing_charge(t, CAUSE_STORE,
                      memory_system_write(&t->memory, t->now, payload[0],
                                          memory_takes_address(payload[0]) ? placement_of(&t->placement, payload[1])
                                                                           : payload[1]));
        break;
    case RECORD_OP_BEGIN:
        if (t->apart && t->apart_begun++ % t->apart == 0)
            begin_apart(t);
        status = calltree_op_begin(&t->calls, payload[0], payload[1]);
        t->by_marker = 1;
        break;
    case RECORD_OP_END:
        if (!calltree_op_end(&t->calls))
            contexts_lost_end(t);
        t->by_marker = 1;
        break;
    case RECORD_SLEEP: {
        uint64_t cycles = payload[0] | (uint64_t)payload[1] << 32;
        t->memory.counters[COUNTER_CYCLES + CAUSE_SLEEP] += cycles;
        t->now += cycles;
        break;
    }
    case RECORD_EXCEPTION: {
        uint32_t ran = t->contexts.running;
        status = contexts_exception(t, payload[0], payload[1], payload[2], payload[3]);
        if (status == CORE_OK)
            status = interrupts_exception(t, payload[0] & 0xff, before);
        if (t->contexts.running != ran)
            contexts_responded(t, t->ended_pended);
        break;
    }
    case RECORD_DMA: run_transfer(t, (int)payload[0], payload[1], payload[2], payload[3]); break;
    case RECORD_STACK: status = stacks_told(t, payload[0]); break;
    case RECORD_TASK: status = contexts_task(t, payload[0], payload[1], payload[2]); break;
    case RECORD_OBJECTS: status = switch_objects(t, payload[0]); break;
    case RECORD_WOKEN: contexts_woken(t, payload[0]); break;
    case RECORD_FROM:
        timing_forget(t);
        stacks_forget(t);
        one_call_forget(&t->calls.ops);
        break;
    default: return CORE_ERR_STREAM;
    }
    timing_follow(t);
    return status == CORE_OK ? timing_status(t) : status;
}

int timing_consume(void *timing, const uint32_t *words, size_t count)
{
    struct timing *t = timing;
    for (size_t at = 0; at < count;) {
        size_t length;
        int status = CORE_OK;
        at += sequel_run(t, words + at, count - at, &status);
        if (status != CORE_OK)
            return status;
        if (t->now >= t->sample_at)
            sample(t, 0);
        if (at == count)
            break;
        if (words[at] & RECORD_OTHER) {
            length = 1 + (words[at] & 0xffff);
            if (length > count - at)
                return CORE_ERR_STREAM;
            status = run_other(t, words[at] >> 16 & 0x7fff, words + at + 1, (uint32_t)length - 1);
        } else if (!run_plain(t, words + at, count - at, &length, &status)) {
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
