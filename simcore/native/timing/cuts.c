/* cuts.c: see cuts.h. */
#include "timing/cuts.h"

#include "memory/parts.h"
#include "stream/thumb.h"
#include "timing/records.h"
#include "timing/run.h"

enum { WAITS = 16 };             /* cycles of buses and buffers on top of what a region says */

static int holds(const struct cache *k, uint32_t address)
{
    uint32_t set = (address >> k->line_shift) & (k->sets - 1);
    for (uint32_t way = 0; way < k->ways; way++)
        if (cache_holds(k, set * k->ways + way, address))
            return 1;
    return 0;
}

/* Cycles that an access or a fetch of this address does not wait longer than. */
static uint32_t wait(const struct memory *m, const struct cache *k, int is_on, uint32_t address)
{
    uint32_t region = memory_region(m, address);
    if (region == NO_REGION)
        return 4 * WAITS;
    const struct region_config *r = &m->region[region];
    if (is_tcm(r))
        return 1;
    if (is_on && policy_of(m, address) >= POLICY_WRITE_THROUGH && holds(k, address))
        return 1;
    return WAITS + r->read_cycles + r->row_miss_cycles + r->fetch_cycles + 4 * r->beat_cycles;
}

static uint32_t own_cycles(const uint8_t *code, uint32_t from, uint32_t to)
{
    uint32_t cycles = 0;
    for (; from < to; from += thumb_length((uint16_t)(code[from] | code[from + 1] << 8)))
        cycles += thumb_longest(code + from);
    return cycles;
}

/* Cycles up to the instruction, between which they are as the block was scheduled last: instructions issue in order, at
 * most two a cycle, and the cycles of accesses are known. access: the first that is not in front of it. */
static void scheduled(const struct blocks *blocks, const struct block *b, uint32_t instruction, uint32_t access,
                      struct cut *cut)
{
    const struct block_static *f = &b->facts;
    cut->earliest = 0;
    cut->latest = UINT32_MAX;
    if (b->entries < 0)
        return;
    const struct entry *e = &blocks->entry[b->entries];
    const uint16_t *cycles = blocks_cycles(e);
    uint32_t behind = (f->instructions - instruction) / 2;
    cut->latest = e->cycles > behind ? e->cycles - behind : 0;
    cut->earliest = instruction / 2;
    if (access < f->accesses && cycles[access] < cut->latest)
        cut->latest = cycles[access];
    if (access && cycles[access - 1] > cut->earliest)
        cut->earliest = cycles[access - 1];
}

/* Cycles for which a line of code is still on its way. */
static uint32_t under_way(const struct timing *t)
{
    uint64_t there = t->memory.fetch.done_at;
    return there > t->now ? (uint32_t)(there - t->now) : 0;
}

/* Cycles that a piece of code does not wait for longer than where it is fetched, from `at` bytes into it on. */
static uint32_t fetch_waits(const struct memory *m, const struct block *b, uint32_t at, uint32_t end)
{
    uint32_t waits = 0;
    if (b->free_in == m->icache.generation)
        return 0;
    for (uint32_t next = at ? (b->place + at + 31) & ~31u : b->place; next < b->place + end; next = (next | 31) + 1)
        waits += wait(m, &m->icache, m->icache_on, next);
    return waits;
}

/* The same of all of a block that was scheduled before. */
static uint64_t longest(const struct timing *t, const struct block *b, const struct execution *x)
{
    const struct memory *m = &t->memory;
    uint64_t cycles = t->blocks.entry[b->entries].cycles + under_way(t) + fetch_waits(m, b, 0, b->info.size);
    for (uint32_t i = 0; i < x->count; i++)
        cycles += wait(m, &m->dcache, m->dcache_on, x->recorded[i]);
    for (uint32_t i = 0; i < x->notes; i++)
        cycles += timing_extra(t, b, x->note[i]);
    return cycles;
}

int timing_cuts(struct timing *t, const uint32_t *record, uint64_t cycles, struct cut *out, uint32_t room)
{
    static _Thread_local uint8_t ran[INSTRUCTIONS_MAX];
    const struct memory *m = &t->memory;
    uint32_t id = record[0] & RECORD_ID, accesses = record[1] & 0xffff;
    uint32_t first = (record[0] & RECORD_CONTINUED) ? t->continue_at : 0;
    const struct definition *d = &t->stream->told.definition[id];
    const uint8_t *code = t->stream->told.code + d->code + first;
    if (first >= d->size)
        return 0;
    int index = first ? NO_DEFINITION : blocks_whole(&t->blocks, id);
    if (index < 0)
        index = blocks_for(&t->blocks, m, id, first, d->size);
    if (index < 0)
        return index;
    const struct block *b = &t->blocks.block[index];
    const struct block_static *f = &b->facts;
    struct execution x = {f, first, record + 2, accesses, record + 2 + accesses, record[1] >> 16, 0, 0};
    struct cut c = {first, 0, 0, 0, 0, 0, 0};
    out[0] = c;
    c.waits = under_way(t);
    if (b->entries >= 0 && longest(t, b, &x) <= cycles) {
        out[1] = (struct cut){.offset = d->size, .accesses = accesses};
        return 1;
    }
    records_ran(&x, ran);
    int is_exclusive = 0;
    uint32_t count = 0, used = 0, access = 0, note = 0, extra = 0;
    for (uint32_t i = 1; i <= f->instructions && count < room; i++) {
        int is_end = i == f->instructions;
        uint32_t offset = is_end ? d->size - first : f->instruction_offsets[i];
        for (; access < f->accesses && f->access[access].instruction < i; access++) {
            is_exclusive |= f->access[access].exclusive;
            if (ran[f->access[access].instruction] && used < accesses)
                c.waits += wait(m, &m->dcache, m->dcache_on, record[2 + used++]);
        }
        c.waits += fetch_waits(m, b, f->instruction_offsets[i - 1], offset);
        for (; note < x.notes && (x.note[note] >> 16) * 2 < first + offset; note++)
            extra += timing_extra(t, b, x.note[note]);
        c.cycles += own_cycles(code, f->instruction_offsets[i - 1], offset);
        if (is_exclusive && !is_end)
            continue;
        c.offset = first + offset;
        c.accesses = is_end ? accesses : used;
        c.is_inside = !is_end && f->instruction_predicated[i];
        out[++count] = c;
        out[count].cycles += extra;
        scheduled(&t->blocks, b, i, access, &out[count]);
        out[count].earliest += extra;
        out[count].latest += out[count].latest == UINT32_MAX ? 0 : extra;
    }
    return (int)count;
}
