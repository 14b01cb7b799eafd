/* sequel.c: see sequel.h. */
#include "timing/sequel.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "timing/access.h"

enum { SEQUELS_MAX = 16, SHIFTS = 8 };   /* of an entry; bits of numbers that are tried to tell them apart */

/* --- what followed an entry --------------------------------------------------------------------------- */

static struct sequel nothing = {.id = UINT32_MAX};   /* is never written to: nothing has its id */

void sequel_none(struct entry *e)
{
    e->sequel = &nothing;
    e->sequel_shift = e->sequel_mask = 0;
}

void sequel_forget(struct entry *e)
{
    if (e->sequel != &nothing)
        free(e->sequel);
    sequel_none(e);
}

static inline struct sequel *sequel_of(const struct entry *e, uint32_t id)
{
    return &e->sequel[id >> e->sequel_shift & e->sequel_mask];
}

/* Whether bits from `shift` on tell all that is kept, and one more, from each other. */
static int tells_apart(const struct entry *e, uint32_t id, uint32_t shift, uint32_t mask)
{
    uint32_t seen = 1u << (id >> shift & mask);
    for (uint32_t i = 0; i <= e->sequel_mask; i++) {
        const struct sequel *s = &e->sequel[i];
        if (s->id == UINT32_MAX || s->id == id)
            continue;
        uint32_t bit = 1u << (s->id >> shift & mask);
        if (seen & bit)
            return 0;
        seen |= bit;
    }
    return 1;
}

/* Makes places for so many, a power of 2. Returns 0 where there is no memory. */
static int spread(struct entry *e, uint32_t shift, uint32_t mask)
{
    struct sequel *wider = array_lines((mask + 1) * sizeof *wider);
    if (!wider)
        return 0;
    for (uint32_t i = 0; i <= mask; i++)
        wider[i] = nothing;
    for (uint32_t i = 0; i <= e->sequel_mask; i++)
        if (e->sequel[i].id != UINT32_MAX)
            wider[e->sequel[i].id >> shift & mask] = e->sequel[i];
    sequel_forget(e);
    e->sequel = wider;
    e->sequel_shift = (uint8_t)shift;
    e->sequel_mask = (uint8_t)mask;
    return 1;
}

/* Where to keep what followed by this definition: in place of another where there are too many. NULL: there is no memory. */
static struct sequel *place_for(struct entry *e, uint32_t id)
{
    struct sequel *s = sequel_of(e, id);
    if (e->sequel != &nothing && (s->id == UINT32_MAX || s->id == id))
        return s;
    for (uint32_t mask = e->sequel_mask ? e->sequel_mask : 1; mask < SEQUELS_MAX; mask = 2 * mask + 1)
        for (uint32_t shift = 0; shift < SHIFTS; shift++)
            if (tells_apart(e, id, shift, mask))
                return spread(e, shift, mask) ? sequel_of(e, id) : NULL;
    return s;
}

/* What is known of a branch now. One that nothing knows, and that falls through, is predicted without a look until
 * somebody learns of it; not so calls and returns, and where the BTAC is not read. */
static void look_up(const struct predictor *p, struct sequel *s, uint32_t branch)
{
    int is_asked = s->is_taken && (s->how == BRANCH_CALL || s->how == BRANCH_CALL_INDIRECT || s->how == BRANCH_RETURN);
    s->known = is_asked ? NO_WAY : (uint16_t)predictor_way(p, branch);     /* a part has a few thousand at most */
    s->changes = *predictor_changes(p, branch) - (s->is_taken || !p->sets || p->read_disabled);
}

int sequel_keep(struct timing *t, uint32_t before, uint32_t from, uint32_t index, uint32_t entry)
{
    const struct block *a = &t->blocks.block[from], *b = &t->blocks.block[index];
    struct entry *e = &t->blocks.entry[before];
    if (!b->is_plain || b->facts.barriers || b->first || t->blocks.whole[b->definition] != (int32_t)index ||
        e->block != from)
        return CORE_OK;
    struct sequel s = {.id = b->definition, .accesses = b->facts.accesses, .block = index, .entry = {entry, entry}};
    const struct exits *exits = &t->blocks.cost[before].exits;
    int is_taken = a->facts.branch != BRANCH_NONE && b->info.address != a->info.address + a->info.size;
    s.is_taken = (uint8_t)is_taken;
    s.is_branch = a->facts.branch != BRANCH_NONE && (is_taken || timing_is_conditional(a));
    s.how = timing_goes_on(a, b) ? BRANCH_NONE : a->facts.branch;
    s.enters = !(WITHIN_FUNCTION >> s.how & 1) || a->facts.function != b->facts.function;
    s.state = is_taken ? exits->after_taken : exits->after_next;
    s.known = NO_WAY;
    if (s.is_branch)
        look_up(&t->predictor, &s, a->branch);
    struct sequel *place = place_for(e, b->definition);
    if (!place)
        return CORE_ERR_MEMORY;
    *place = s;
    return CORE_OK;
}

/* --- the short way ------------------------------------------------------------------------------------ */

/* What the branch behind which a block comes does to the predictor, if it is predicted right at once: 1. */
static inline int predicted(struct predictor *p, const struct sequel *s, uint32_t branch, uint32_t next)
{
    if (s->known == NO_WAY)
        return s->changes == *predictor_changes(p, branch);
    struct btac_entry *e = &p->entry[s->known];
    if (e->branch != (branch | 1) || p->read_disabled || (e->counter >= 2) != s->is_taken)
        return 0;
    if (s->is_taken) {
        if (e->target != next)
            return 0;
        e->counter = 3;
    } else if (e->counter) {
        e->counter--;
    }
    e->stamp = ++p->clock;
    return 1;
}

/* A branch that is not: by all the rules. Returns 1 when fetch was redirected. */
static int ask(struct timing *t, const struct entry *last, struct sequel *s, uint32_t next, uint32_t *state)
{
    struct block *a = &t->blocks.block[last->block];
    const struct exits *exits = &t->blocks.cost[last - t->blocks.entry].exits;
    enum prediction how = timing_branch(t, a, exits, a->facts.branch, next, s->is_taken, state);
    look_up(&t->predictor, s, a->branch);
    return how != PREDICTED;
}

/* The entry of a block that is not the one of the last time. Moves the entry table. Negative: core_status. */
static int find(struct timing *t, struct sequel *s, int redirected, uint32_t state, uint64_t variant)
{
    int found = blocks_find(&t->blocks, s->block, state, variant);
    if (found >= 0) {
        s->entry[redirected] = (uint32_t)found;
        return found;
    }
    return timing_new_entry(t, s->block, state, variant);
}

/* Control goes elsewhere by what was kept. Returns 0 or a core_status. */
static int enter(struct timing *t, const struct entry *last, const struct sequel *s, const struct block *b)
{
    const struct block *a = &t->blocks.block[last->block];
    return timing_enter(t, b, s->how, a->facts.branch_address, a->info.address + a->info.size);
}

static int is_in(struct timing *t, const struct block *b)
{
    return b->facts.function == calltree_current(&t->calls)->info.function;
}

/* Whether what entry `last` keeps is of how the block that ran last was left: it may have been given up since. */
static int is_last(struct timing *t, const struct entry *last)
{
    const struct exits *exits = &t->blocks.cost[t->last_entry].exits;
    const struct block *b = &t->blocks.block[last->block];
    return last->block == (uint32_t)t->last_block && !memcmp(exits, &t->left, sizeof *exits) &&
           b->is_aside == t->blocks.is_aside && is_in(t, b);
}

size_t sequel_run(struct timing *t, const uint32_t *words, size_t count, int *status)
{
    struct block *blocks = t->blocks.block;
    struct memory *m = &t->memory;
    const uint32_t *record = words, *end = words + count;
    if (t->last_entry < 0 || m->by_all_rules || t->by_marker || t->unwinds_to || t->stacks.saved_from)
        return 0;
    struct entry *last = &t->blocks.entry[t->last_entry];
    if (!is_last(t, last))
        return 0;
    while (end - record >= 2 && t->now < t->sample_at) {
        struct sequel *s = sequel_of(last, record[0]);
        uint32_t accesses = s->accesses, state = s->state;
        if (record[0] != s->id || record[1] != accesses || (size_t)(end - record) - 2 < accesses)
            break;
        struct block *b = &blocks[s->block];
        const uint32_t *address = record + 2;
        int redirected = 0, entered = s->enters;
        t->waits = 0;
        if (s->is_branch && !predicted(&t->predictor, s, blocks[last->block].branch, b->place))
            redirected = ask(t, last, s, b->place, &state);
        if (entered) {
            *status = enter(t, last, s, b);
            if (*status != CORE_OK)
                break;
        }
        uint64_t variant = b->facts.probes ? access_variant(t, b, address, NULL) : 0;
        struct entry *e = &t->blocks.entry[s->entry[redirected]];
        if (e->state != state || e->variant != variant || e->block != s->block) {
            int found = find(t, s, redirected, state, variant);
            if (found < 0) {
                *status = found;
                break;
            }
            e = &t->blocks.entry[found];
        }
        last = e;
        record = address + accesses;
        *status = timing_count(t, e, (uint32_t)(e - t->blocks.entry));
        if (*status != CORE_OK)
            break;
        if (timing_fetch_is_free(t, b))
            m->fetched_at = t->now + e->cycles;
        else
            timing_fetch(t, b, e->cycles, redirected);
        *status = access_all(t, b, e, address, NULL, NULL, 0);
        if (*status != CORE_OK)
            break;
        t->now += e->cycles;
        t->instructions += b->facts.instructions;
        if (b->sp_matters) {
            *status = timing_follow_stack(t, b, address, NULL, NULL, NULL, 0);
            if (*status != CORE_OK || t->unwinds_to || t->stacks.saved_from)
                break;
        }
        if (entered && !is_in(t, b))
            break;
    }
    t->last_block = (int32_t)last->block;
    t->last_entry = (int32_t)(last - t->blocks.entry);
    t->left = t->blocks.cost[t->last_entry].exits;
    return (size_t)(record - words);
}
