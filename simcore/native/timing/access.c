/* access.c: see access.h. */
#include "timing/access.h"

/* Addresses around one, of the same object, that translate as it does. */
static struct placed alike(const struct timing *t, const struct site *site, uint32_t address)
{
    uint32_t low = site->object.low, span = site->object.span;
    if (t->placement.moves) {
        const struct placed *p = &site->placed;
        uint32_t below = address - (address - low < address - p->low ? low : p->low);
        uint32_t above = low + span - address, moved = p->low + p->span - address;
        low = address - below;
        span = below + (above < moved ? above : moved);
    }
    return (struct placed){low, span, 0};
}

uint32_t access_barriers(struct timing *t, struct block *b, const struct entry *e, const uint8_t *ran, uint32_t *next,
                         uint32_t access)
{
    for (; *next < b->facts.barriers; ++*next) {
        const struct barrier_static *barrier = &b->facts.barrier[*next];
        if (barrier->access > access)
            return barrier->access;
        if (ran && !ran[barrier->instruction])
            continue;
        uint64_t time = t->now + blocks_cycles(e)[b->facts.accesses + *next];
        uint32_t stall =
            barrier->everything ? memory_synchronize(&t->memory, time) : memory_drain_buffer(&t->memory, time);
        b->info.barrier_stall_cycles += stall;
        timing_charge(t, CAUSE_STORE, stall);
    }
    return UINT32_MAX;
}

void access_faults(struct timing *t, enum fault_kind kind, const struct block *b, uint32_t access, uint32_t address)
{
    const struct access_static *a = &b->facts.access[access];
    uint32_t pc = b->info.address + b->facts.instruction_offsets[a->instruction];
    t->fault = (struct fault_info){(uint8_t)kind, address, pc, a->size};
}

int access_one(struct timing *t, struct block *b, uint32_t i, uint32_t address, uint64_t time)
{
    struct memory *m = &t->memory;
    const struct access_static *a = &b->facts.access[i];
    struct site *site = &b->site[i];
    if (!objects_is_current(&site->object, address)) {
        uint32_t index = (uint32_t)(b - t->blocks.block);
        int status = objects_switch(&t->objects, m, &t->placement, site, index, i, address, a);
        if (status != CORE_OK)
            return status;
    }
    uint32_t placed = t->placement.moves ? placement_at(&t->placement, &site->placed, address) : address;
    struct placed around = alike(t, site, address);
    struct window *w = &site->window;
    if (memory_open_window(m, w, address, placed, a->size, a->is_write, around.low, around.span) &&
        access_in_window(t, site, placed, time))
        return CORE_OK;
    const uint64_t *v = m->counters;
    uint64_t misses = v[COUNTER_DCACHE_READ_MISSES] + v[COUNTER_DCACHE_WRITE_MISSES];
    uint32_t stall = a->is_write ? memory_write(m, time, placed, a->size)
                                 : memory_read(m, time, placed, a->size, i && a[-1].instruction == a->instruction);
    site->counts.executions++;
    site->counts.misses += v[COUNTER_DCACHE_READ_MISSES] + v[COUNTER_DCACHE_WRITE_MISSES] - misses;
    site->counts.stall_cycles += stall;
    timing_charge(t, a->is_write ? CAUSE_STORE : CAUSE_LOAD, stall);
    memory_open_window(m, w, address, placed, a->size, a->is_write, around.low, around.span);
    return CORE_OK;
}
