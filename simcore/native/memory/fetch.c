/* fetch.c: fetches of instructions, through the I-cache and past it. */
#include "memory/parts.h"

int memory_fetch_is_cached(const struct memory *m, uint32_t address)
{
    uint32_t region = memory_region(m, address);
    return region != NO_REGION && m->icache_on && !is_tcm(&m->region[region]) &&
           policy_of(m, address) >= POLICY_WRITE_THROUGH;
}

/* The line that comes or came in last: through the I-cache, or held by the fetch path without it. */
static void start_fetch(struct memory *m, uint64_t at, uint32_t group, uint32_t line_bytes, uint32_t region, int cached)
{
    const struct region_config *r = &m->region[region];
    struct device *d = device_of(m, region);
    struct linefill *f = &m->fetch;
    f->line = group & ~(line_bytes - 1);
    f->first_beat = (group - f->line) / GROUP_BYTES;
    f->beat_cycles = r->beat_cycles;
    f->critical_at = later(at, d->free_at) + 1 + memory_device_cycles(m, region, group) + r->fetch_cycles;
    f->done_at = f->critical_at + (line_bytes / GROUP_BYTES - 1) * r->beat_cycles;
    d->free_at = cached ? f->done_at : f->critical_at - 1;   /* single fetches: the next address overlaps */
}

/* When a group of the line in m->fetch is there, asked for at a time. */
static uint64_t group_arrival(const struct memory *m, uint64_t at, uint32_t group, uint32_t line_bytes)
{
    const struct linefill *f = &m->fetch;
    uint32_t beats = line_bytes / GROUP_BYTES;
    uint32_t beat = ((group - f->line) / GROUP_BYTES + beats - f->first_beat) & (beats - 1);
    return later(at + 1, f->critical_at + beat * f->beat_cycles);
}

/* Asks for one 64-bit group; returns when it is there. */
static uint64_t fetch_group(struct memory *m, uint64_t at, uint32_t group, uint32_t region, int cached,
                            uint32_t *misses)
{
    uint32_t line_bytes = cached ? m->icache.line_bytes : m->region[region].fetch_bytes;
    uint32_t line = group & ~(line_bytes - 1);
    if (cached && cache_find(&m->icache, group) == UINT32_MAX) {
        m->counters[COUNTER_ICACHE_MISSES]++;
        memory_region_counters(m, region)[REGION_INSTRUCTION_REFILLS]++;
        if (cache_insert(&m->icache, group, 0))
            m->counters[COUNTER_ICACHE_EVICTIONS]++;
        (*misses)++;
        start_fetch(m, at, group, line_bytes, region, 1);
    } else if (!cached && line != m->fetch.line) {
        memory_region_counters(m, region)[REGION_FETCHES]++;
        start_fetch(m, at, group, line_bytes, region, 0);
    }
    return line == m->fetch.line ? group_arrival(m, at, group, line_bytes) : at + 1;
}

uint32_t memory_fetch(struct memory *m, uint64_t time, uint32_t cycles, uint32_t address, uint32_t size, int redirected,
                      uint32_t *misses)
{
    uint32_t region = memory_region(m, address);
    if (region == NO_REGION || is_tcm(&m->region[region])) {
        m->fetched_at = time + cycles;
        return 0;
    }
    /* The queue lets fetch run ahead of issue by its groups, one a cycle at best. */
    uint64_t ahead = redirected ? 0 : m->config->fetch_queue_groups;
    uint64_t at = later(m->fetched_at, time > ahead ? time - ahead : 0);
    int cached = memory_fetch_is_cached(m, address);
    uint32_t missed = *misses;
    uint32_t first = address & ~(uint32_t)(GROUP_BYTES - 1), groups = (address + size - 1 - first) / GROUP_BYTES + 1;
    uint64_t end = 0;                                  /* of the block's issue, if it waits for nothing else */
    for (uint32_t g = 0; g < groups; g++) {
        at = fetch_group(m, at, first + g * GROUP_BYTES, region, cached, misses);
        /* A group is needed when its share of the block issues. */
        uint32_t issue = g * cycles / groups + 1 < cycles ? g * cycles / groups + 1 : cycles;
        end = later(end, at + (cycles - issue));
    }
    /* Groups that hit are the pipeline's own affair: it knows how many of them it needs and when. */
    if (cached && *misses == missed && m->fetch.done_at <= time) {
        m->fetched_at = time + cycles;
        return 0;
    }
    m->fetched_at = at;
    uint32_t stall = end > time + cycles ? (uint32_t)(end - time - cycles) : 0;
    memory_region_counters(m, region)[REGION_STALL_CYCLES] += stall;
    return stall;
}

void memory_fetch_wrong_path(struct memory *m, uint64_t time, uint32_t branch_end, uint32_t cycles)
{
    uint32_t group = (branch_end - 1) & ~(uint32_t)(GROUP_BYTES - 1);
    uint32_t region = memory_region(m, group);
    if (region == NO_REGION || is_tcm(&m->region[region]) || memory_fetch_is_cached(m, group))
        return;
    /* Groups behind the branch are asked for, one a cycle, until it is known to be taken. A request that
     * left for another line cannot be called back; one that would leave just then costs its cycle. */
    uint32_t line_bytes = m->region[region].fetch_bytes;
    for (uint32_t asked = 1; asked <= cycles && asked <= m->config->fetch_queue_groups; asked++) {
        group += GROUP_BYTES;
        if ((group & ~(line_bytes - 1)) == m->fetch.line)
            continue;
        if (memory_region(m, group) == region && asked < cycles) {
            memory_region_counters(m, region)[REGION_FETCHES]++;
            start_fetch(m, time + asked - 1, group, line_bytes, region, 0);
            m->fetched_at = m->fetch.critical_at - 1;
        } else {
            m->fetched_at = time + cycles + 1;
        }
        return;
    }
}
