/* blocks.c: see blocks.h. */
#include "timing/blocks.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "stream/thumb.h"
#include "timing/facts.h"
#include "timing/sequel.h"

_Static_assert(2 * sizeof(struct sequel) == CACHE_LINE && sizeof(struct entry) == CACHE_LINE &&
                   sizeof(struct block) % CACHE_LINE == 0,
               "what each execution looks at lies in as few cache lines as it can");

void blocks_free(struct blocks *t)
{
    for (uint32_t i = 0; i < t->blocks; i++)
        free(t->block[i].site);          /* and all that copy_facts() put behind it */
    for (uint32_t i = 0; i < t->entries; i++) {
        free(t->cost[i].schedule);       /* and cycles_of.far behind it */
        sequel_forget(&t->entry[i]);
    }
    for (uint32_t i = 0; i < t->schedules; i++)
        free(t->schedule[i].access_cycles);
    free(t->block);
    free(t->entry);
    free(t->cost);
    free(t->schedule);
    free(t->whole);
    free(t->piece);
    free(t->other[0]);
    free(t->other[1]);
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

void blocks_aside(struct blocks *t, int is_aside)
{
    if (t->is_aside == is_aside)
        return;
    int32_t *now[2] = {t->whole, t->piece};
    t->whole = t->other[0];
    t->piece = t->other[1];
    memcpy(t->other, now, sizeof now);
    uint32_t had = t->other_definitions;
    t->other_definitions = t->definitions;
    t->definitions = had;
    t->is_aside = (uint8_t)is_aside;
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

static struct probe_mask mask_of(const struct probe_static *p, const struct access_static *access)
{
    switch (p->kind) {
    case PROBE_ODD_WORD: return (struct probe_mask){p->a, p->b, 0, 4, 1};
    case PROBE_UNALIGNED: return (struct probe_mask){p->a, p->b, 0, access[p->a].size - 1u, 1};
    default: return (struct probe_mask){p->a, p->b, UINT32_MAX, p->kind == PROBE_SAME_BANK ? 4 : ~3u, 0};
    }
}

/* Puts all arrays of a block into one allocation, those of the widest items first, so that none needs padding. */
static int copy_facts(struct block *b)
{
    struct block_static *f = &b->facts;
    size_t sites = f->accesses * sizeof *b->site, skipped = f->instructions * sizeof *b->skipped;
    size_t counters = COUNTER_STATIC * sizeof *f->counters, accesses = f->accesses * sizeof *f->access;
    size_t probes = f->probes * sizeof *f->probe, notes = f->notes * sizeof *f->note;
    size_t barriers = f->barriers * sizeof *f->barrier, offsets = f->instructions * sizeof *f->instruction_offsets;
    size_t moves = f->stack_moves * sizeof *f->stack_move, masks = f->probes * sizeof *b->probe;
    size_t stretches = f->stretches * sizeof *f->stretch, schedules = f->stretches * sizeof *b->schedules;
    uint8_t *next = array_lines(sites + skipped + counters + stretches + schedules + moves + masks + accesses + probes +
                                notes + barriers + offsets + 2u * f->instructions);
    if (!next)
        return CORE_ERR_MEMORY;
    b->site = carve(&next, NULL, sites);
    b->skipped = carve(&next, NULL, skipped);
    f->counters = carve(&next, f->counters, counters);
    f->stretch = carve(&next, f->stretch, stretches);
    b->schedules = carve(&next, NULL, schedules);
    for (uint32_t i = 0; i < f->stretches; i++)
        b->schedules[i] = NO_DEFINITION;
    f->stack_move = carve(&next, f->stack_move, moves);
    b->probe = carve(&next, NULL, masks);
    f->access = carve(&next, f->access, accesses);
    for (uint32_t i = 0; i < f->accesses; i++) {
        b->site[i].size = f->access[i].size;
        b->site[i].is_write = f->access[i].is_write;
        b->site[i].alignment_mask = f->access[i].alignment_mask;
    }
    f->probe = carve(&next, f->probe, probes);
    for (uint32_t i = 0; i < f->probes; i++)
        b->probe[i] = mask_of(&f->probe[i], f->access);
    f->note = carve(&next, f->note, notes);
    f->barrier = carve(&next, f->barrier, barriers);
    f->instruction_offsets = carve(&next, f->instruction_offsets, offsets);
    f->instruction_predicated = carve(&next, f->instruction_predicated, f->instructions);
    f->macs = carve(&next, f->macs, f->instructions);
    return CORE_OK;
}

/* What a block does to SP, as far as it is the same each time. */
static void sum_moves(struct block *b)
{
    const struct block_static *f = &b->facts;
    b->sp_matters = f->stack_moves || f->stack_access >= 0;
    for (uint32_t i = 0; i < f->stack_moves; i++) {
        const struct stack_move_static *m = &f->stack_move[i];
        b->sp_depends |= m->kind != STACK_ADDED || f->instruction_predicated[m->instruction];
        b->sp_change += m->bytes;
        b->sp_low = b->sp_change < b->sp_low ? b->sp_change : b->sp_low;
    }
}

void blocks_forget(struct blocks *t)
{
    for (uint32_t i = 0; i < t->blocks; i++) {
        struct block *b = &t->block[i];
        b->info = (struct block_info){.address = b->info.address, .size = b->info.size};
        for (uint32_t a = 0; a < b->facts.accesses; a++)
            b->site[a].counts = b->site[a].object.counted = (struct site_info){0, 0, 0};
        memset(b->skipped, 0, b->facts.instructions * sizeof *b->skipped);
    }
    for (uint32_t i = 0; i < t->entries; i++)
        t->cost[i].cost.executions = 0;
    for (uint32_t i = 0; i < t->schedules; i++)
        t->schedule[i].cost.executions = 0;
}

int blocks_for(struct blocks *t, const struct memory *m, uint32_t definition, uint32_t first, uint32_t end)
{
    const struct definition *d = &t->stream->told.definition[definition];
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
    if (array_reserve_lines(&t->block, &t->blocks_room, t->blocks + 1u, 1024, sizeof *t->block) != CORE_OK)
        return CORE_ERR_MEMORY;
    const uint8_t *code = t->stream->told.code + d->code;
    struct block b;
    memset(&b, 0, sizeof b);
    b.place = placement_of(t->placement, d->address + first);
    int status = t->callbacks.define(t->callbacks.self, t->blocks, d->address + first, b.place, code + first,
                                     end - first, thumb_it_state_at(code, first, d->it_state), &b.facts);
    if (status == CORE_OK)
        status = facts_check(&b.facts, end - first);
    if (status != CORE_OK)
        return status;
    status = copy_facts(&b);
    if (status != CORE_OK)
        return status;
    const struct block_static *f = &b.facts;
    for (uint32_t i = 0; i < f->instructions; i++)
        b.predicated |= f->instruction_predicated[i];
    b.is_plain = !b.predicated && !f->function_bytes;
    for (uint32_t i = 0; i < f->accesses; i++)
        b.is_plain &= !f->access[i].exclusive;
    sum_moves(&b);
    b.info.address = d->address + first;
    b.info.size = end - first;
    b.entries = NO_DEFINITION;
    b.branch = f->branch_address + (b.place - b.info.address);
    b.target = placement_of(t->placement, f->branch_target);
    b.region = memory_region(m, b.place);
    b.groups = ((b.place + b.info.size - 1) >> 3) - (b.place >> 3) + 1;
    b.is_aside = t->is_aside;
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

/* --- schedules and entries ----------------------------------------------------------------------------- */

/* Accesses and barriers of a stretch; *accesses is how many of the first. */
static uint32_t timed_of(const struct block *b, uint32_t stretch, uint32_t *accesses)
{
    const struct stretch_static *s = &b->facts.stretch[stretch], none = {0}, *before = stretch ? s - 1 : &none;
    *accesses = s->accesses - before->accesses;
    return *accesses + s->barriers - before->barriers;
}

static int ask_schedule(struct blocks *t, uint32_t block, uint32_t stretch, uint32_t state, uint64_t variant)
{
    if (array_reserve(&t->schedule, &t->schedules_room, t->schedules + 1u, 2048, sizeof *t->schedule) != CORE_OK)
        return CORE_ERR_MEMORY;
    struct block_schedule told;
    memset(&told, 0, sizeof told);
    int status = t->callbacks.schedule(t->callbacks.self, block, stretch, state, variant, &told);
    if (status != CORE_OK)
        return status;
    struct block *b = &t->block[block];
    uint32_t accesses, timed = timed_of(b, stretch, &accesses);
    struct schedule s = {.variant = variant, .state = state, .block = block, .stretch = stretch};
    memcpy(s.cost.causes, told.cycles_by_cause, sizeof s.cost.causes);
    s.cost.dual_issues = told.dual_issues;
    s.exits = (struct exits){told.after_next, told.after_taken, told.after_mispredict, told.mispredict_cycles};
    if (timed) {
        s.access_cycles = malloc(timed * sizeof *s.access_cycles);
        if (!s.access_cycles)
            return CORE_ERR_MEMORY;
        memcpy(s.access_cycles, told.access_cycles, timed * sizeof *s.access_cycles);
    }
    s.next = b->schedules[stretch];
    b->schedules[stretch] = (int32_t)t->schedules;
    t->schedule[t->schedules] = s;
    return (int)t->schedules++;
}

static int find_schedule(struct blocks *t, uint32_t block, uint32_t stretch, uint32_t state, uint64_t variant)
{
    int32_t *first = &t->block[block].schedules[stretch], *link = first;
    for (int32_t at = *link; at >= 0; at = *link) {
        struct schedule *s = &t->schedule[at];
        if (s->state == state && s->variant == variant) {
            *link = s->next;                       /* to the front: the next look-up finds it first */
            s->next = *first;
            *first = at;
            return at;
        }
        link = &s->next;
    }
    return ask_schedule(t, block, stretch, state, variant);
}

/* The last one of its list, when a block of several stretches has as many as it may. */
int32_t blocks_given_up(const struct blocks *t, uint32_t block)
{
    const struct block *b = &t->block[block];
    if (b->facts.stretches < 2 || b->entries_used < ENTRIES_MAX)
        return NO_DEFINITION;
    int32_t last = b->entries;
    while (t->cost[last].next >= 0)
        last = t->cost[last].next;
    return last;
}

/* Takes an entry out of a block's list; its executions count for its schedules from now on. */
static void give_up_entry(struct blocks *t, struct block *b, int32_t entry)
{
    int32_t *link = &b->entries;
    while (*link != entry)
        link = &t->cost[*link].next;
    *link = t->cost[entry].next;
    sequel_forget(&t->entry[entry]);
    for (uint32_t s = 0; s < b->facts.stretches; s++)
        t->schedule[t->cost[entry].schedule[s]].cost.executions += t->cost[entry].cost.executions;
}

/* An entry with room for schedules and cycles and nothing in it that counts, in none of the lists. */
static int make_entry(struct blocks *t, struct block *b)
{
    int32_t given_up = blocks_given_up(t, (uint32_t)(b - t->block));
    if (given_up >= 0) {
        give_up_entry(t, b, given_up);
        return given_up;
    }
    if (array_reserve_lines(&t->entry, &t->entries_room, t->entries + 1u, 2048, sizeof *t->entry) != CORE_OK ||
        array_reserve(&t->cost, &t->costs_room, t->entries + 1u, 2048, sizeof *t->cost) != CORE_OK)
        return CORE_ERR_MEMORY;
    const struct block_static *f = &b->facts;
    struct entry_cost *c = &t->cost[t->entries];
    size_t timed = (size_t)f->accesses + f->barriers, far = timed > NEAR_CYCLES ? timed : 0;
    c->schedule = malloc(f->stretches * sizeof *c->schedule + TERMS_MAX * sizeof *c->term +
                         far * sizeof *t->entry->cycles_of.far);
    if (!c->schedule)
        return CORE_ERR_MEMORY;
    c->term = (struct term *)(c->schedule + f->stretches);
    b->entries_used++;
    return (int)t->entries++;
}

/* Adds when a stretch's accesses and barriers happen, to an entry that has the cycles of those before. An access may
 * stand beside an instruction of the stretch before, but not in front of the block. */
static void add_cycles(const struct block *b, const struct schedule *s, struct entry *e)
{
    uint32_t accesses, timed = timed_of(b, s->stretch, &accesses);
    uint16_t *access = e->is_far ? e->cycles_of.far : e->cycles_of.near, *barrier = access + b->facts.accesses;
    if (s->stretch) {
        access += b->facts.stretch[s->stretch - 1].accesses;
        barrier += b->facts.stretch[s->stretch - 1].barriers;
    }
    for (uint32_t i = 0; i < timed; i++) {
        int32_t at = (int32_t)e->cycles + s->access_cycles[i];
        *(i < accesses ? access++ : barrier++) = (uint16_t)(at > 0 ? at : 0);
    }
}

static void add_term(struct entry_cost *c, uint32_t counter, uint64_t amount)
{
    if (amount)
        c->term[c->terms++] = (struct term){counter, (uint32_t)amount};
}

/* What an execution adds to counters, whatever happens in it. */
static void sum_terms(const struct block *b, struct entry_cost *c)
{
    c->terms = 0;
    for (uint32_t i = 0; i < COUNTER_STATIC; i++)
        add_term(c, i, b->facts.counters[i]);
    add_term(c, COUNTER_DUAL_ISSUES, c->cost.dual_issues);
    for (uint32_t i = 0; i < CAUSE_COUNT; i++)
        add_term(c, COUNTER_CYCLES + i, c->cost.causes[i]);
    if (b->region != NO_REGION)
        add_term(c, COUNTER_COUNT + b->region * REGION_COUNTER_COUNT + REGION_FETCH_BYTES, b->info.size);
}

int blocks_enter(struct blocks *t, uint32_t block, uint32_t state, uint64_t variant)
{
    struct block *b = &t->block[block];
    if (t->schedules >= t->most || t->entries >= t->most) {
        t->merged++;
        state = t->any_state;
        variant = 0;
        int found = blocks_find(t, block, state, variant);
        if (found != NO_DEFINITION)
            return found;
    }
    uint32_t after = state;
    for (uint32_t i = 0; i < b->facts.stretches; i++) {
        int found = find_schedule(t, block, i, after, variant & b->facts.stretch[i].probes);
        if (found < 0)
            return found;
        t->found[i] = (uint32_t)found;
        after = t->schedule[found].exits.after_next;
    }
    int entry = make_entry(t, b);
    if (entry < 0)
        return entry;
    struct entry *e = &t->entry[entry];
    struct entry_cost *c = &t->cost[entry];
    *e = (struct entry){.variant = variant, .state = state, .block = block, .node = -1};
    e->is_far = b->facts.accesses + b->facts.barriers > NEAR_CYCLES;
    if (e->is_far)
        e->cycles_of.far = (uint16_t *)(c->term + TERMS_MAX);
    sequel_none(e);
    c->cost = (struct cost){0};
    for (uint32_t i = 0; i < b->facts.stretches; i++) {
        const struct schedule *s = &t->schedule[t->found[i]];
        c->schedule[i] = t->found[i];
        add_cycles(b, s, e);
        for (uint32_t cause = 0; cause < CAUSE_COUNT; cause++) {
            e->cycles += s->cost.causes[cause];
            c->cost.causes[cause] += s->cost.causes[cause];
        }
        c->cost.dual_issues += s->cost.dual_issues;
        c->exits = s->exits;
    }
    sum_terms(b, c);
    c->next = b->entries;
    b->entries = entry;
    return entry;
}

int blocks_find(struct blocks *t, uint32_t block, uint32_t state, uint64_t variant)
{
    int32_t *link = &t->block[block].entries;
    for (int32_t at = *link; at >= 0; at = *link) {
        const struct entry *e = &t->entry[at];
        int32_t *next = &t->cost[at].next;
        if (e->state == state && e->variant == variant) {
            *link = *next;                         /* to the front: the next look-up finds it first */
            *next = t->block[block].entries;
            t->block[block].entries = at;
            return at;
        }
        link = next;
    }
    return NO_DEFINITION;
}
