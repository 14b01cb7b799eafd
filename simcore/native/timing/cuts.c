/* cuts.c: see cuts.h. */
#include "timing/cuts.h"

#include "memory/parts.h"
#include "stream/thumb.h"
#include "timing/records.h"

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

int timing_cuts(struct timing *t, const uint32_t *record, struct cut *out, uint32_t room, uint32_t *whole)
{
    static _Thread_local uint8_t ran[INSTRUCTIONS_MAX];
    const struct memory *m = &t->memory;
    uint32_t id = record[0] & RECORD_ID, accesses = record[1] & 0xffff;
    const struct definition *d = &t->stream->definition[id];
    const uint8_t *code = t->stream->code + d->code;
    int index = blocks_whole(&t->blocks, id);
    if (index < 0)
        index = blocks_for(&t->blocks, m, id, 0, d->size);
    if (index < 0)
        return index;
    const struct block *b = &t->blocks.block[index];
    const struct block_static *f = &b->facts;
    struct execution x = {f, 0, record + 2, accesses, record + 2 + accesses, record[1] >> 16};
    records_ran(&x, ran);
    *whole = b->entries >= 0 ? t->blocks.entry[b->entries].cycles : UINT32_MAX;
    int fetch_free = b->fetch_free && b->fetch_generation == m->icache.generation;
    uint32_t count = 0, used = 0, access = 0, own = 0, waits = 0, at = 0;
    for (uint32_t i = 1; i <= f->instructions && count < room; i++) {
        uint32_t offset = i < f->instructions ? f->instruction_offsets[i] : d->size;
        for (; access < f->accesses && f->access[access].instruction < i; access++)
            if (ran[f->access[access].instruction] && used < accesses)
                waits += wait(m, &m->dcache, m->dcache_on, record[2 + used++]);
        for (; at < offset; at += 2)
            if (!fetch_free && (at == 0 || ((b->place + at) & 31) == 0))
                waits += wait(m, &m->icache, m->icache_on, b->place + at);
        own += own_cycles(code, i > 1 ? f->instruction_offsets[i - 1] : 0, offset);
        if (i == f->instructions || !(f->instruction_predicated[i] || b->exclusive))
            out[count++] = (struct cut){offset, used, own, waits};
    }
    if (count)
        out[count - 1] = (struct cut){d->size, accesses, own, waits};
    return (int)count;
}
