/* sequel.c: see sequel.h. */
#include "timing/sequel.h"

#include "timing/access.h"

void sequel_keep(struct timing *t, uint32_t before, uint32_t from, uint32_t index, uint32_t entry)
{
    const struct block *a = &t->blocks.block[from], *b = &t->blocks.block[index];
    struct entry *e = &t->blocks.entry[before];
    if (!b->is_plain || b->facts.barriers || b->first || t->blocks.whole[b->definition] != (int32_t)index ||
        e->block != from || a->facts.function != b->facts.function || !(WITHIN_FUNCTION >> a->facts.branch & 1))
        return;
    struct sequel s = {.id = b->definition, .accesses = b->facts.accesses, .block = index, .entry = entry};
    s.is_taken = a->facts.branch != BRANCH_NONE && b->info.address != a->info.address + a->info.size;
    s.is_branch = a->facts.branch != BRANCH_NONE && (s.is_taken || timing_is_conditional(a));
    if (s.is_branch) {
        s.branch = a->branch;
        s.next = b->place;
        s.known = predictor_way(&t->predictor, a->branch);
        s.changes = *predictor_changes(&t->predictor, a->branch);
        if (s.known == UINT32_MAX && (s.is_taken || !t->predictor.sets || t->predictor.read_disabled))
            return;
    }
    e->sequel[b->definition & 1] = s;
}

/* What the branch behind which a block comes does to the predictor, if it is predicted right at once: 1. */
static inline int predicted(struct predictor *p, const struct sequel *s)
{
    if (s->known == UINT32_MAX)
        return s->changes == *predictor_changes(p, s->branch);
    struct btac_entry *e = &p->entry[s->known];
    if (e->branch != (s->branch | 1) || p->read_disabled || (e->counter >= 2) != s->is_taken)
        return 0;
    if (s->is_taken) {
        if (e->target != s->next)
            return 0;
        e->counter = 3;
    } else if (e->counter) {
        e->counter--;
    }
    e->stamp = ++p->clock;
    return 1;
}

/* The entry of the block that comes: most often that of the last time. NULL: there is none yet. */
static inline struct entry *entry_of(struct timing *t, struct sequel *s, const struct exits *left, struct block *b,
                                     const uint32_t *address)
{
    struct entry *e = &t->blocks.entry[s->entry];
    uint32_t state = s->is_taken ? left->after_taken : left->after_next;
    uint64_t variant = b->facts.probes ? access_variant(t, b, address, NULL) : 0;
    if (e->state == state && e->variant == variant && e->block == s->block)
        return e;
    int found = blocks_find(&t->blocks, s->block, state, variant);
    if (found < 0)
        return NULL;
    s->entry = (uint32_t)found;
    return &t->blocks.entry[found];
}

size_t sequel_run(struct timing *t, const uint32_t *words, size_t count, int *status)
{
    struct block *blocks = t->blocks.block;
    struct memory *m = &t->memory;
    const uint32_t *record = words, *end = words + count;
    if (t->last_entry < 0 || m->by_all_rules || t->by_marker || t->unwinds_to || t->stacks.saved_from)
        return 0;
    struct entry *last = &t->blocks.entry[t->last_entry];
    if (last->block != (uint32_t)t->last_block ||
        blocks[last->block].facts.function != calltree_current(&t->calls)->info.function)
        return 0;
    const struct exits *left = &t->left;
    while (end - record >= 2 && t->now < t->sample_at) {
        struct sequel *s = &last->sequel[record[0] & 1];
        uint32_t accesses = s->accesses;
        if (record[0] != s->id || record[1] != accesses || (size_t)(end - record) - 2 < accesses)
            break;
        struct block *b = &blocks[s->block];
        if (!timing_fetch_is_free(t, b))
            break;
        struct entry *e = entry_of(t, s, left, b, record + 2);
        if (!e || (s->is_branch && !predicted(&t->predictor, s)))
            break;
        last = e;
        left = &e->exits;
        t->waits = 0;
        t->last_block = (int32_t)s->block;
        t->last_entry = (int32_t)s->entry;
        *status = timing_count(t, e, s->entry);
        if (*status != CORE_OK)
            break;
        const uint32_t *address = record + 2;
        record = address + accesses;
        m->fetched_at = t->now + e->cycles;
        *status = access_all(t, b, e, address, NULL, NULL, 0);
        if (*status != CORE_OK)
            break;
        b->info.executions++;
        t->now += e->cycles;
        t->instructions += b->facts.instructions;
        if (b->sp_matters) {
            *status = timing_follow_stack(t, b, address, NULL, NULL, NULL, 0);
            if (*status != CORE_OK || t->unwinds_to || t->stacks.saved_from)
                break;
        }
    }
    t->left = *left;
    return (size_t)(record - words);
}
