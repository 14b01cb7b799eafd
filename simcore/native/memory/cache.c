/* cache.c: see cache.h. */
#include "memory/cache.h"

#include <stdlib.h>
#include <string.h>

static int is_power_of_two(uint32_t value) { return value && !(value & (value - 1)); }

static uint32_t log2_of(uint32_t value)
{
    uint32_t shift = 0;
    while (value >> (shift + 1))
        shift++;
    return shift;
}

enum { FIRST_LFSR = 0xace1 };

int cache_init(struct cache *c, const struct cache_config *config)
{
    memset(c, 0, sizeof *c);
    c->lfsr = FIRST_LFSR;
    c->generation = 1;
    c->replacement = config->replacement;
    if (config->size == 0)
        return CORE_OK;
    if (!config->ways || config->ways > 64 || !is_power_of_two(config->line_bytes) || config->line_bytes < 16 ||
        config->size % (config->ways * config->line_bytes))
        return CORE_ERR_CONFIG;
    c->sets = config->size / (config->ways * config->line_bytes);
    if (!is_power_of_two(c->sets))
        return CORE_ERR_CONFIG;
    c->ways = config->ways;
    c->line_bytes = config->line_bytes;
    c->line_shift = log2_of(config->line_bytes);
    c->tag = calloc((size_t)c->sets * c->ways, sizeof *c->tag);
    c->stamp = calloc((size_t)c->sets * c->ways, sizeof *c->stamp);
    c->next_way = calloc(c->sets, sizeof *c->next_way);
    if (!c->tag || !c->stamp || !c->next_way) {
        cache_free(c);
        return CORE_ERR_MEMORY;
    }
    return CORE_OK;
}

void cache_free(struct cache *c)
{
    free(c->tag);
    free(c->stamp);
    free(c->next_way);
    c->tag = c->stamp = c->next_way = NULL;
}

static uint32_t first_slot(const struct cache *c, uint32_t address)
{
    return ((address >> c->line_shift) & (c->sets - 1)) * c->ways;
}

static inline uint32_t slot_of(const struct cache *c, uint32_t address)
{
    uint32_t wanted = (address & ~(c->line_bytes - 1)) | CACHE_VALID;
    uint32_t slot = first_slot(c, address);
    for (uint32_t end = slot + c->ways; slot < end; slot++)
        if ((c->tag[slot] & ~(uint32_t)(CACHE_DIRTY | CACHE_STALE)) == wanted)
            return slot;
    return UINT32_MAX;
}

uint32_t cache_peek(const struct cache *c, uint32_t address) { return slot_of(c, address); }

uint32_t cache_find(struct cache *c, uint32_t address)
{
    uint32_t slot = slot_of(c, address);
    if (slot == UINT32_MAX)
        return slot;
    if (c->replacement == REPLACE_LRU)
        c->stamp[slot] = ++c->clock;
    return slot;
}

static uint32_t victim_way(struct cache *c, uint32_t first)
{
    uint32_t way = 0;
    switch (c->replacement) {
    case REPLACE_ROUND_ROBIN: {
        uint32_t *next = &c->next_way[first / c->ways];
        way = *next;
        *next = way + 1 == c->ways ? 0 : way + 1;
        break;
    }
    case REPLACE_LRU:
        for (uint32_t i = 1; i < c->ways; i++)
            if (c->stamp[first + i] < c->stamp[first + way])
                way = i;
        break;
    default: c->lfsr = (c->lfsr >> 1) ^ (-(c->lfsr & 1u) & 0xb400u); way = c->lfsr % c->ways;
    }
    return way;
}

uint32_t cache_insert(struct cache *c, uint32_t address, uint32_t flags)
{
    uint32_t first = first_slot(c, address), way = c->ways;
    for (uint32_t i = 0; i < c->ways && way == c->ways; i++)
        if (!(c->tag[first + i] & CACHE_VALID))
            way = i;
    if (way == c->ways)
        way = victim_way(c, first);
    uint32_t old = c->tag[first + way];
    c->tag[first + way] = (address & ~(c->line_bytes - 1)) | CACHE_VALID | flags;
    c->stamp[first + way] = ++c->clock;
    c->generation++;
    return (old & CACHE_VALID) ? old : 0;
}

void cache_mark_dirty(struct cache *c, uint32_t slot) { c->tag[slot] |= CACHE_DIRTY; }

static uint32_t slot_op(struct cache *c, uint32_t slot, int clean, int invalidate)
{
    uint32_t tag = c->tag[slot];
    if (!(tag & CACHE_VALID))
        return 0;
    uint32_t cleaned = clean && (tag & CACHE_DIRTY);
    if (clean)
        c->tag[slot] &= ~(uint32_t)CACHE_DIRTY;
    if (invalidate) {
        c->tag[slot] = 0;
        c->generation++;
    }
    return cleaned;
}

uint32_t cache_line_op(struct cache *c, uint32_t address, int clean, int invalidate)
{
    if (!c->sets)
        return 0;
    uint32_t slot = cache_find(c, address);
    return slot == UINT32_MAX ? 0 : slot_op(c, slot, clean, invalidate);
}

uint32_t cache_set_way_op(struct cache *c, uint32_t set_way, int clean, int invalidate)
{
    if (!c->sets)
        return 0;
    uint32_t way_bits = c->ways > 1 ? log2_of(c->ways - 1) + 1 : 0;   /* DCISW: way in the top bits */
    uint32_t way = way_bits ? set_way >> (32 - way_bits) : 0;
    uint32_t set = (set_way >> c->line_shift) & (c->sets - 1);
    return way < c->ways ? slot_op(c, set * c->ways + way, clean, invalidate) : 0;
}

void cache_invalidate_all(struct cache *c)
{
    if (c->sets)
        memset(c->tag, 0, (size_t)c->sets * c->ways * sizeof *c->tag);
    c->generation++;
}

void cache_reset(struct cache *c)
{
    cache_invalidate_all(c);
    c->lfsr = FIRST_LFSR;
    c->clock = 0;
    if (c->sets) {
        memset(c->stamp, 0, (size_t)c->sets * c->ways * sizeof *c->stamp);
        memset(c->next_way, 0, c->sets * sizeof *c->next_way);
    }
}
