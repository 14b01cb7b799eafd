/* objects.c: see objects.h. */
#include "timing/objects.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"

int objects_init(struct objects *o, uint32_t table, const struct object_range *range, uint32_t ranges)
{
    for (uint32_t i = 0; i < ranges; i++) {
        uint64_t end = (uint64_t)range[i].base + range[i].size;
        if (!range[i].size || end > UINT64_C(0x100000000) || (i + 1 < ranges && range[i + 1].base < end))
            return CORE_ERR_CONFIG;
    }
    if (table > o->tables || table >= OBJECT_TABLES_MAX)
        return CORE_ERR_CONFIG;
    struct object_range *copied = malloc((ranges + 1) * sizeof *copied);
    if (!copied)
        return CORE_ERR_MEMORY;
    if (array_reserve(&o->table, &o->tables_room, table + 1u, 4, sizeof *o->table) != CORE_OK) {
        free(copied);
        return CORE_ERR_MEMORY;
    }
    if (ranges)
        memcpy(copied, range, ranges * sizeof *copied);
    if (table < o->tables)
        free(o->table[table].range);
    else
        o->tables++;
    o->table[table] = (struct object_table){copied, ranges};
    return CORE_OK;
}

void objects_free(struct objects *o)
{
    for (uint32_t i = 0; i < o->tables; i++)
        free(o->table[i].range);
    free(o->table);
    free(o->use);
    free(o->op_use);
    interned_free(&o->states);
}

int objects_use(struct objects *o, uint32_t table)
{
    if (table && table >= o->tables)
        return CORE_ERR_STREAM;
    o->current = table;
    return CORE_OK;
}

static const struct object_table *table_of(const struct objects *o)
{
    static const struct object_table none = {NULL, 0};
    return o->tables ? &o->table[o->current] : &none;
}

/* How many ranges begin at an address or in front of it. */
static uint32_t begun(const struct object_table *o, uint32_t address)
{
    uint32_t begin = 0, end = o->ranges;
    while (begin < end) {
        uint32_t middle = begin + (end - begin) / 2;
        if (o->range[middle].base <= address)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

const struct object_range *objects_at(const struct objects *o, uint32_t address)
{
    const struct object_table *t = table_of(o);
    uint32_t begin = begun(t, address);
    int holds = begin && address - t->range[begin - 1].base < t->range[begin - 1].size;
    return holds ? &t->range[begin - 1] : NULL;
}

/* The object at an address and the addresses around it that need no other look-up. What lies in no
 * object counts for its region. */
static uint32_t find(const struct object_table *o, const struct memory *m, const struct placement *p, uint32_t address,
                     uint32_t *low, uint32_t *span)
{
    uint32_t begin = begun(o, address);
    if (begin && address - o->range[begin - 1].base < o->range[begin - 1].size) {
        *low = o->range[begin - 1].base;
        *span = o->range[begin - 1].size;
        return o->range[begin - 1].object;
    }
    struct placed place = placement_find(p, address);
    uint32_t timed = address + place.delta, region = memory_region(m, timed);
    uint64_t first = timed & ~((1u << PAGE_SHIFT) - 1), last = first + (1u << PAGE_SHIFT);
    if (region != NO_REGION) {                       /* else another region may begin on the next page */
        first = m->region[region].base;
        last = first + m->region[region].size;
    }
    /* As addresses of the program, and no further than they translate alike. */
    uint64_t below = timed - first, above = last - timed;
    first = below < address - place.low ? address - below : place.low;
    last = above < place.low + (uint64_t)place.span - address ? address + above : place.low + (uint64_t)place.span;
    if (begin && (uint64_t)o->range[begin - 1].base + o->range[begin - 1].size > first)
        first = (uint64_t)o->range[begin - 1].base + o->range[begin - 1].size;
    if (begin < o->ranges && o->range[begin].base < last)
        last = o->range[begin].base;
    *low = (uint32_t)first;
    *span = (uint32_t)(last - first);
    return OBJECT_IN_REGION | region;
}

static int add_to_state(struct objects *o, const struct object_use *use, const struct site_info *delta)
{
    if (array_reserve(&o->op_use, &o->op_uses_room, o->states.keys + 1u, 64, sizeof *o->op_use) != CORE_OK)
        return CORE_ERR_MEMORY;
    uint32_t before = o->states.keys, object = use->info.object;
    struct interned_key key = {{o->state, object, 0, 0}};
    if (o->most && before >= o->most && interned_find(&o->states, key) == NOT_INTERNED) {
        o->merged++;
        return CORE_OK;
    }
    int found = interned_number(&o->states, key);
    if (found < 0)
        return found;
    if (o->states.keys > before)
        o->op_use[found] = (struct op_use_info){o->state, object, 0, 0, 0, 0};
    struct op_use_info *to = &o->op_use[found];
    *(use->is_write ? &to->write_bytes : &to->read_bytes) += delta->executions * use->bytes;
    to->misses += delta->misses;
    to->stall_cycles += delta->stall_cycles;
    return CORE_OK;
}

int objects_settle(struct objects *o, struct site *site)
{
    struct site_object *s = &site->object;
    const struct site_info *counts = &site->counts;
    if (!s->current)
        return CORE_OK;
    struct site_info delta = {counts->executions - s->counted.executions, counts->misses - s->counted.misses,
                              counts->stall_cycles - s->counted.stall_cycles};
    struct object_use *use = &o->use[s->current - 1];
    struct site_info *to = &use->info.counts;
    to->executions += delta.executions;
    to->misses += delta.misses;
    to->stall_cycles += delta.stall_cycles;
    s->counted = *counts;
    return o->state && delta.executions ? add_to_state(o, use, &delta) : CORE_OK;
}

/* The use of an object by a site, index + 1, 0: none. */
static uint32_t use_of(const struct objects *o, const struct site_object *s, uint32_t object)
{
    uint32_t at = s->first;
    while (at && o->use[at - 1].info.object != object)
        at = o->use[at - 1].next;
    return at;
}

int objects_switch(struct objects *o, const struct memory *m, const struct placement *p, struct site *site,
                   uint32_t block, uint32_t access, uint32_t address, const struct access_static *kind)
{
    struct site_object *s = &site->object;
    site->window.span = 0;
    int status = objects_settle(o, site);
    if (status != CORE_OK)
        return status;
    uint32_t object = find(table_of(o), m, p, address, &s->low, &s->span), known = use_of(o, s, object);
    if (!known && o->most && o->uses >= o->most) {
        o->merged++;
        object = OBJECT_IN_REGION | memory_region(m, address + placement_find(p, address).delta);
        known = use_of(o, s, object);
    }
    if (known) {
        s->current = known;
        return CORE_OK;
    }
    if (array_reserve(&o->use, &o->room, o->uses + 1u, 1024, sizeof *o->use) != CORE_OK)
        return CORE_ERR_MEMORY;
    o->use[o->uses++] = (struct object_use){{block, access, object, {0, 0, 0}}, s->first, kind->size, kind->is_write};
    s->first = s->current = o->uses;
    return CORE_OK;
}
