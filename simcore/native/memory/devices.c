/* devices.c: what stands behind the buses: rows that are open or cached, and write-backs of cache lines. */
#include "memory/parts.h"

#include <string.h>

uint32_t memory_device_cycles(struct memory *m, uint32_t region, uint32_t address)
{
    const struct region_config *r = &m->region[region];
    const struct row_control *c = &m->row_control[region];
    uint32_t cycles = r->read_cycles;
    if (!c->rows)
        return cycles;
    uint32_t *row = m->row[region], wanted = address / r->row_bytes + 1, at = 0;
    while (at < c->rows - 1 && row[at] != wanted)
        at++;
    if (row[at] != wanted)
        cycles += c->miss_cycles;
    memmove(row + 1, row, at * sizeof *row);
    row[0] = wanted;
    if (c->prefetch && c->rows > 1) {                  /* the next row comes in as second newest */
        for (at = 1; at < c->rows - 1 && row[at] != wanted + 1; at++)
            ;
        memmove(row + 2, row + 1, (at - 1) * sizeof *row);
        row[1] = wanted + 1;
    }
    return cycles;
}

uint32_t memory_write_back(struct memory *m, uint64_t time, uint32_t address)
{
    uint32_t region = memory_region(m, address);
    m->counters[COUNTER_DCACHE_WRITE_BACKS]++;
    if (region == NO_REGION)
        return 0;
    const struct region_config *r = &m->region[region];
    struct device *d = device_of(m, region);
    uint32_t cycles = r->write_cycles + (m->dcache.line_bytes / GROUP_BYTES - 1) * r->beat_cycles;
    memory_region_counters(m, region)[REGION_WRITE_BACKS]++;
    d->free_at = later(d->free_at, time) + cycles;
    return cycles;
}
