/* window.h: addresses at which an access costs and changes what the last one of the same site did.
 *
 * A TCM page, or a line that the D-cache holds: while the window holds and no linefill is on its way, a read of a
 * word that was not stored just before costs nothing, and a store only takes its place in the queue. So neither needs
 * a look-up of page, policy or set. */
#ifndef MCUSIM_WINDOW_H
#define MCUSIM_WINDOW_H

#include "memory/memory.h"

struct window {                  /* all zero: none */
    uint32_t low, span;          /* addresses of the program */
    uint32_t tag;                /* of the line, clean */
    uint32_t epoch;              /* of the memory, when it was opened */
    uint32_t *held;              /* tag word that the line is in; of a TCM one that never changes */
    uint32_t delta;              /* from them to where they are timed, modulo 2^32 */
    uint32_t counters;           /* index of its region's in a vector of counters */
    uint8_t is_cached;
};

/* Opens one around an access that is timed at an address `placed`, if it may: in so many addresses from `low` on, which
 * translate alike. Returns 1 when it did. */
int memory_open_window(struct memory *m, struct window *w, uint32_t address, uint32_t placed, uint32_t size,
                       int is_write, uint32_t low, uint32_t span);

static inline int memory_in_window(const struct memory *m, const struct window *w, uint32_t address)
{
    return address - w->low < w->span && (*w->held & ~(uint32_t)CACHE_DIRTY) == w->tag && w->epoch == m->epoch;
}

/* In a window: counts a read that costs nothing and changes nothing, and returns 1; 0: ask memory_read(). */
static inline int memory_read_free(struct memory *m, const struct window *w, uint64_t time, uint32_t placed,
                                   uint32_t size)
{
    if (time < m->busy_until && ((w->is_cached && time < m->fills_done_at) || memory_near_store(m, time, placed, size)))
        return 0;
    uint64_t *counters = m->counters + w->counters;
    m->counters[COUNTER_DCACHE_READS] += w->is_cached;
    counters[REGION_READS]++;
    counters[REGION_READ_BYTES] += size;
    return 1;
}

/* Whether a store in a window only joins the queue. */
static inline int memory_write_joins(const struct memory *m, const struct window *w, uint64_t time)
{
    return !w->is_cached || time >= m->fills_done_at;
}

/* Such a store; returns its stall cycles. */
static inline uint32_t memory_join_queue(struct memory *m, const struct window *w, uint64_t time, uint32_t placed,
                                         uint32_t size)
{
    uint64_t *counters = m->counters + w->counters;
    m->counters[COUNTER_DCACHE_WRITES] += w->is_cached;
    counters[REGION_WRITES]++;
    counters[REGION_WRITE_BYTES] += size;
    *w->held |= CACHE_DIRTY;
    uint32_t stall = memory_queue_word(m, time, placed, size);
    counters[REGION_STALL_CYCLES] += stall;
    return stall;
}

#endif
