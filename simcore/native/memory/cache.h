/* cache.h: one set-associative cache: which lines it holds, and nothing about time. */
#ifndef MCUSIM_CACHE_H
#define MCUSIM_CACHE_H

#include <stdint.h>

#include "types.h"

/* In the low bits of a tag word; lines are >= 16 bytes. Stale: memory was written behind it. */
enum { CACHE_VALID = 1u, CACHE_DIRTY = 2u, CACHE_STALE = 4u };

struct cache {
    uint32_t sets, ways, line_bytes, line_shift;
    uint8_t replacement;         /* enum replacement */
    uint32_t *tag;               /* sets * ways: line address | flags */
    uint32_t *stamp;             /* LRU: time of last touch */
    uint32_t *next_way;          /* round robin, per set */
    uint32_t clock;              /* LRU touches so far */
    uint32_t lfsr;               /* random: 16-bit Galois register, taps 16 14 13 11 */
    uint32_t generation;         /* changes whenever a line comes or goes */
};

/* Returns 0, CORE_ERR_CONFIG (size is not sets * ways * line with powers of two) or CORE_ERR_MEMORY.
 * A size of 0 makes a cache without sets. */
int cache_init(struct cache *c, const struct cache_config *config);
void cache_free(struct cache *c);

/* The line's slot, or UINT32_MAX. A hit counts as a touch. */
uint32_t cache_find(struct cache *c, uint32_t address);

/* The same without a touch. */
uint32_t cache_peek(const struct cache *c, uint32_t address);

/* Puts the line in, into an invalid way if the set has one. Returns the tag word that was thrown out,
 * 0 if the way was free. */
uint32_t cache_insert(struct cache *c, uint32_t address, uint32_t flags);

/* Whether a slot, seen some time ago, holds the line of an address, which is not stale. No touch. */
static inline int cache_holds(const struct cache *c, uint32_t slot, uint32_t address)
{
    return (c->tag[slot] & ~(uint32_t)CACHE_DIRTY) == ((address & ~(c->line_bytes - 1)) | CACHE_VALID);
}

void cache_mark_dirty(struct cache *c, uint32_t slot);

/* Maintenance. Each returns how many dirty lines it cleaned (wrote back); invalidating alone writes
 * nothing back. */
uint32_t cache_line_op(struct cache *c, uint32_t address, int clean, int invalidate);
uint32_t cache_set_way_op(struct cache *c, uint32_t set_way, int clean, int invalidate);
/* Empty, and as it was before the first access: the next victim, too. */
void cache_reset(struct cache *c);

void cache_invalidate_all(struct cache *c);

#endif
