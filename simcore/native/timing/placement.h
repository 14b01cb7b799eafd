/* placement.h: where a program's addresses are timed: memory that a configuration moves elsewhere.
 *
 * The program runs where it was linked; only the timing side sees the translated addresses. */
#ifndef MCUSIM_PLACEMENT_H
#define MCUSIM_PLACEMENT_H

#include <stdint.h>

#include "types.h"

struct placed {                  /* addresses that translate alike; all zero: none known yet */
    uint32_t low, span;
    uint32_t delta;              /* modulo 2^32 */
};

struct placement {
    struct core_move *move;      /* sorted by start, not overlapping */
    uint32_t moves;
};

/* Copies the moves. Returns 0, CORE_ERR_CONFIG (not sorted, overlapping, past the end of the address
 * space, or by no whole number of words) or CORE_ERR_MEMORY. */
int placement_init(struct placement *p, const struct core_move *move, uint32_t moves);
void placement_free(struct placement *p);

/* The addresses around one that translate as it does. */
struct placed placement_find(const struct placement *p, uint32_t address);

/* Where an address is timed; *last is what the same site asked for last. */
static inline uint32_t placement_at(const struct placement *p, struct placed *last, uint32_t address)
{
    if (address - last->low >= last->span)
        *last = placement_find(p, address);
    return address + last->delta;
}

static inline uint32_t placement_of(const struct placement *p, uint32_t address)
{
    return p->moves ? address + placement_find(p, address).delta : address;
}

#endif
