/* control.c: stores to registers that change the memory system (Armv7-M ARM B3.2, B2.2): caches, cache
 * maintenance, MPU, flash. */
#include "memory/parts.h"
#include "registers.h"

#include <string.h>

/* Wait states, prefetch and accelerator of the flash, as its control register now says. */
static void flash_control(struct memory *m, uint32_t value)
{
    const struct timing_config *k = m->config;
    uint32_t lowest = k->flash_latency_mask & (0u - k->flash_latency_mask);
    uint32_t wait_states = lowest ? (value & k->flash_latency_mask) / lowest : k->flash_wait_states;
    m->flash_wait_states = wait_states;
    for (uint32_t r = 0; r < m->regions; r++) {
        const struct region_config *region = &m->region[r];
        struct row_control *c = &m->row_control[r];
        /* Modulo 2^32 the difference may be negative: what it is added to holds the old wait states. */
        c->miss_cycles = region->row_miss_cycles + (wait_states - k->flash_wait_states) * region->wait_state_cycles;
        if (k->flash_prefetch_mask)
            c->prefetch = region->prefetch && (value & k->flash_prefetch_mask);
        if (region->accelerated && k->flash_accelerator_mask) {
            c->rows = (value & k->flash_accelerator_mask) ? region->rows : region->rows > 0;
            memset(m->row[r] + 1, 0, sizeof m->row[r] - sizeof *m->row[r]);
        }
    }
}

static void mpu_write(struct memory *m, uint32_t address, uint32_t value)
{
    if (address == REG_MPU_CTRL) {
        m->mpu_ctrl = value;
    } else if (address == REG_MPU_RNR) {
        m->mpu_rnr = value & (MPU_REGIONS - 1);
    } else if (((address - REG_MPU_RBAR) & 7) == 0) {
        if (value & 0x10)
            m->mpu_rnr = value & (MPU_REGIONS - 1);
        m->mpu[m->mpu_rnr].rbar = value & ~0x1fu;
    } else {
        m->mpu[m->mpu_rnr].rasr = value;
    }
    memory_rebuild_pages(m);
    m->icache.generation++;                            /* what fetches are cached may have changed */
}

static uint32_t clean(struct memory *m, uint64_t time, uint32_t address, uint32_t cleaned)
{
    return cleaned ? memory_write_back(m, time, address) : 0;
}

/* The address of the line in a set and way, for the traffic of a clean by set/way. */
static uint32_t address_of_set_way(const struct memory *m, uint32_t set_way)
{
    const struct cache *c = &m->dcache;
    if (!c->sets)
        return 0;
    uint32_t bits = 0;
    while (c->ways > 1u << bits)
        bits++;
    uint32_t way = bits ? set_way >> (32 - bits) : 0, set = (set_way >> c->line_shift) & (c->sets - 1);
    return way < c->ways ? c->tag[set * c->ways + way] & ~(c->line_bytes - 1) : 0;
}

int memory_takes_address(uint32_t address)
{
    return address == REG_ICIMVAU || address == REG_DCIMVAC || address == REG_DCCMVAU || address == REG_DCCMVAC ||
           address == REG_DCCIMVAC;
}

uint32_t memory_system_write(struct memory *m, uint64_t time, uint32_t address, uint32_t value)
{
    struct cache *d = &m->dcache;
    uint32_t line = address_of_set_way(m, value);
    if (address >= REG_MPU_CTRL && address <= REG_MPU_LAST) {
        mpu_write(m, address, value);
        return 0;
    }
    if (address == m->config->flash_control && address) {
        flash_control(m, value);
        return 0;
    }
    switch (address) {
    case REG_ACTLR:
        m->dynamic_read_allocate = m->config->dynamic_read_allocate && !(value & ACTLR_DISRAMODE);
        if (!m->dynamic_read_allocate)
            m->read_allocate_mode = 0, m->full_line_fills = 0;
        return 0;
    case REG_CCR:
        if (m->config->caches == CACHES_AUTO) {
            m->dcache_on = (value & CCR_DC) && d->sets;
            m->icache_on = (value & CCR_IC) && m->icache.sets;
            m->icache.generation++;
            m->epoch++;
        }
        return 0;
    case REG_ICIALLU:
        cache_invalidate_all(&m->icache);
        m->fetch.line = NO_LINE;
        m->fetch.done_at = 0;
        return 0;
    case REG_ICIMVAU: cache_line_op(&m->icache, value, 0, 1); return 0;
    case REG_DCIMVAC: cache_line_op(d, value, 0, 1); return 0;
    case REG_DCISW: cache_set_way_op(d, value, 0, 1); return 0;
    case REG_DCCMVAU:
    case REG_DCCMVAC: return clean(m, time, value, cache_line_op(d, value, 1, 0));
    case REG_DCCIMVAC: return clean(m, time, value, cache_line_op(d, value, 1, 1));
    case REG_DCCSW: return clean(m, time, line, cache_set_way_op(d, value, 1, 0));
    case REG_DCCISW: return clean(m, time, line, cache_set_way_op(d, value, 1, 1));
    default: return 0;
    }
}
