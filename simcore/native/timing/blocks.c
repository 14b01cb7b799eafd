/* blocks.c: see blocks.h. */
#include "timing/blocks.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "stream/thumb.h"

void blocks_free(struct blocks *t)
{
    for (uint32_t i = 0; i < t->blocks; i++)
        free(t->block[i].site);          /* and all that copy_facts() put behind it */
    for (uint32_t i = 0; i < t->entries; i++)
        free(t->entry[i].access_cycles);
    free(t->block);
    free(t->entry);
    free(t->cost);
    free(t->whole);
    free(t->piece);
}

static int grow_definitions(struct blocks *t, uint32_t wanted)
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
    if (f->probes > MAX_PROBES || !f->instructions || f->accesses > STREAM_RECORD_MAX ||
        f->instructions > DEFINITION_BYTES_MAX / 2)
        return CORE_ERR_STREAM;
    for (uint32_t i = 0; i < f->accesses; i++)
        if (f->access[i].instruction >= f->instructions)
            return CORE_ERR_STREAM;
    for (uint32_t i = 0; i < f->probes; i++)
        if (f->probe[i].a >= f->accesses || f->probe[i].b >= f->accesses)
            return CORE_ERR_STREAM;
    for (uint32_t i = 0; i < f->barriers; i++)
        if (f->barrier[i].instruction >= f->instructions || f->barrier[i].access > f->accesses)
            return CORE_ERR_STREAM;
    return f->stack_access < (int32_t)f->accesses ? CORE_OK : CORE_ERR_STREAM;
}

/* The next bytes of an allocation of zeros, with a copy of what `from` points to, if it does. */
static void *carve(uint8_t **next, const void *from, size_t bytes)
{
    void *to = *next;
    if (from && bytes)
        memcpy(to, from, bytes);
    *next += bytes;
    return to;
}

/* Puts all arrays of a block into one allocation, those of the widest items first, so that none needs padding. */
static int copy_facts(struct block *b)
{
    struct block_static *f = &b->facts;
    size_t sites = f->accesses * sizeof *b->site, skipped = f->instructions * sizeof *b->skipped;
    size_t counters = COUNTER_STATIC * sizeof *f->counters, accesses = f->accesses * sizeof *f->access;
    size_t probes = f->probes * sizeof *f->probe, notes = f->notes * sizeof *f->note;
    size_t barriers = f->barriers * sizeof *f->barrier, offsets = f->instructions * sizeof *f->instruction_offsets;
    uint8_t *next =
        calloc(1, sites + skipped + counters + accesses + probes + notes + barriers + offsets + 2u * f->instructions);
    if (!next)
        return CORE_ERR_MEMORY;
    b->site = carve(&next, NULL, sites);
    b->skipped = carve(&next, NULL, skipped);
    f->counters = carve(&next, f->counters, counters);
    f->access = carve(&next, f->access, accesses);
    f->probe = carve(&next, f->probe, probes);
    f->note = carve(&next, f->note, notes);
    f->barrier = carve(&next, f->barrier, barriers);
    f->instruction_offsets = carve(&next, f->instruction_offsets, offsets);
    f->instruction_predicated = carve(&next, f->instruction_predicated, f->instructions);
    f->macs = carve(&next, f->macs, f->instructions);
    return CORE_OK;
}

void blocks_forget(struct block *b)
{
    b->info = (struct block_info){.address = b->info.address, .size = b->info.size};
    for (uint32_t i = 0; i < b->facts.accesses; i++)
        b->site[i].counts = b->site[i].object.counted = (struct site_info){0, 0, 0};
    memset(b->skipped, 0, b->facts.instructions * sizeof *b->skipped);
}

int blocks_for(struct blocks *t, const struct memory *m, uint32_t definition, uint32_t first, uint32_t end)
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
    if (array_reserve(&t->block, &t->blocks_room, t->blocks + 1u, 1024, sizeof *t->block) != CORE_OK)
        return CORE_ERR_MEMORY;
    const uint8_t *code = t->stream->code + d->code;
    struct block b;
    memset(&b, 0, sizeof b);
    b.place = placement_of(t->placement, d->address + first);
    int status = t->callbacks.define(t->callbacks.self, t->blocks, d->address + first, b.place, code + first,
                                     end - first, thumb_it_state_at(code, first, d->it_state), &b.facts);
    if (status == CORE_OK)
        status = check_facts(&b.facts);
    if (status != CORE_OK)
        return status;
    status = copy_facts(&b);
    if (status != CORE_OK)
        return status;
    const struct block_static *f = &b.facts;
    for (uint32_t i = 0; i < f->instructions; i++)
        b.predicated |= f->instruction_predicated[i];
    for (uint32_t i = 0; i < f->accesses; i++)
        b.exclusive |= f->access[i].exclusive;
    b.info.address = d->address + first;
    b.info.size = end - first;
    b.entries = NO_DEFINITION;
    b.branch = f->branch_address + (b.place - b.info.address);
    b.target = placement_of(t->placement, f->branch_target);
    b.region = memory_region(m, b.place);
    b.groups = ((b.place + b.info.size - 1) >> 3) - (b.place >> 3) + 1;
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

static int schedule(struct blocks *t, uint32_t block, uint32_t state, uint64_t variant)
{
    if (array_reserve(&t->entry, &t->entries_room, t->entries + 1u, 2048, sizeof *t->entry) != CORE_OK ||
        array_reserve(&t->cost, &t->costs_room, t->entries + 1u, 2048, sizeof *t->cost) != CORE_OK)
        return CORE_ERR_MEMORY;
    struct block_schedule s;
    memset(&s, 0, sizeof s);
    int status = t->callbacks.schedule(t->callbacks.self, block, state, variant, &s);
    if (status != CORE_OK)
        return status;
    struct block *b = &t->block[block];
    struct entry *e = &t->entry[t->entries];
    struct entry_cost *cost = &t->cost[t->entries];
    memset(e, 0, sizeof *e);
    memset(cost, 0, sizeof *cost);
    e->followed[0] = e->followed[1] = -1;
    e->variant = variant;
    e->state = state;
    e->block = block;
    for (uint32_t c = 0; c < CAUSE_COUNT; c++)
        e->cycles += cost->causes[c] = s.cycles_by_cause[c];
    cost->dual_issues = s.dual_issues;
    e->after_next = s.after_next;
    e->after_taken = s.after_taken;
    e->after_mispredict = s.after_mispredict;
    e->mispredict_cycles = s.mispredict_cycles;
    size_t access_cycles = (b->facts.accesses + b->facts.barriers) * sizeof *e->access_cycles;
    if (access_cycles) {
        e->access_cycles = malloc(access_cycles);
        if (!e->access_cycles)
            return CORE_ERR_MEMORY;
        memcpy(e->access_cycles, s.access_cycles, access_cycles);
    }
    e->next = b->entries;
    b->entries = (int32_t)t->entries;
    return (int)t->entries++;
}

int blocks_find(struct blocks *t, uint32_t block, uint32_t state, uint64_t variant)
{
    int32_t *link = &t->block[block].entries;
    for (int32_t at = *link; at >= 0; at = *link) {
        struct entry *e = &t->entry[at];
        if (e->state == state && e->variant == variant) {
            *link = e->next;                       /* to the front: the next look-up finds it first */
            e->next = t->block[block].entries;
            t->block[block].entries = at;
            return at;
        }
        link = &e->next;
    }
    return schedule(t, block, state, variant);
}
