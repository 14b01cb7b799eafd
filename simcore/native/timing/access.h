/* access.h: the accesses of one execution of a block, and the barriers between them. */
#ifndef MCUSIM_ACCESS_H
#define MCUSIM_ACCESS_H

#include "timing/run.h"

/* An access by all the rules. Returns 0 or a core_status. */
int access_one(struct timing *t, struct block *b, uint32_t i, uint32_t address, uint64_t time);

/* The barriers from *next on that stand in front of an access wait. Returns the access that the next one stands in
 * front of, UINT32_MAX when there is none. */
uint32_t access_barriers(struct timing *t, struct block *b, const struct entry *e, const uint8_t *ran, uint32_t *next,
                         uint32_t access);

void access_faults(struct timing *t, enum fault_kind kind, const struct block *b, uint32_t access, uint32_t address);

/* Where each access of a block is timed; those that did not happen stay at 0. */
static inline const uint32_t *access_places(struct timing *t, struct block *b, const uint32_t *address,
                                            const uint8_t *present)
{
    for (uint32_t i = 0; i < b->facts.accesses; i++)
        t->placed[i] =
            present && !present[i] ? address[i] : placement_at(&t->placement, &b->site[i].placed, address[i]);
    return t->placed;
}

/* What of a block's schedule hangs on where it accesses memory: a bit for each of its probes. */
static inline uint64_t access_variant(struct timing *t, struct block *b, const uint32_t *address,
                                      const uint8_t *present)
{
    uint64_t variant = 0;
    if (t->placement.moves)
        address = access_places(t, b, address, present);
    for (uint32_t i = 0; i < b->facts.probes; i++) {
        const struct probe_mask *p = &b->probe[i];
        uint32_t bits = (address[p->a] ^ (address[p->b] & p->other)) & p->mask;
        variant |= (uint64_t)((bits == 0) ^ p->is_set) << i;
    }
    return variant;
}

/* An access in its site's window. Returns 0 where all the rules are needed, before anything has changed. */
static inline int access_in_window(struct timing *t, struct site *site, uint32_t placed, uint64_t time)
{
    const struct window *w = &site->window;
    if (!site->is_write) {
        if (!memory_read_free(&t->memory, w, time, placed, site->size))
            return 0;
        site->counts.executions++;
        return 1;
    }
    if (!memory_write_joins(&t->memory, w, time))
        return 0;
    uint32_t stall = memory_join_queue(&t->memory, w, time, placed, site->size);
    site->counts.executions++;
    if (stall) {
        site->counts.stall_cycles += stall;
        timing_charge(t, CAUSE_STORE, stall);
    }
    return 1;
}

/* The accesses of a block, and the barriers between them. Compiled, too, for all of them without barriers. */
static inline __attribute__((always_inline)) int access_all(struct timing *t, struct block *b, const struct entry *e,
                                                            const uint32_t *address, const uint8_t *present,
                                                            const uint8_t *ran, int has_barriers)
{
    struct memory *m = &t->memory;
    uint32_t barriers = 0, barrier_before = has_barriers ? b->facts.barrier->access : UINT32_MAX;
    const uint16_t *cycles = blocks_cycles(e);
    struct site *site = b->site, *end = site + b->facts.accesses;
    for (uint32_t i = 0; site < end; i++, site++) {
        if (has_barriers && i >= barrier_before)
            barrier_before = access_barriers(t, b, e, ran, &barriers, i);
        if (present && !present[i])
            continue;
        uint32_t at = address[i];
        if (at & site->alignment_mask) {
            access_faults(t, FAULT_UNALIGNED, b, i, at);
            return STOP_FAULT;
        }
        uint64_t time = t->now + cycles[i];
        if (memory_in_window(m, &site->window, at) && access_in_window(t, site, at + site->window.delta, time))
            continue;
        int status = access_one(t, b, i, at, time);
        if (status != CORE_OK)
            return status;
    }
    if (barrier_before != UINT32_MAX)
        access_barriers(t, b, e, ran, &barriers, b->facts.accesses);
    return CORE_OK;
}

#endif
