/* data.c: reads and writes of data: D-cache, linefills, read-allocate mode. */
#include "memory/parts.h"

/* The next linefill is asked for: did stores overwrite the line of the one before it while it came
 * (TRM, dynamic read allocate)? */
static void judge_fill(struct memory *m)
{
    if (!m->last_fill || !m->dynamic_read_allocate)
        return;
    m->full_line_fills = m->last_fill->written == UINT32_MAX ? m->full_line_fills + 1 : 0;
    m->last_fill = NULL;
    if (m->full_line_fills >= m->config->read_allocate_after) {
        m->read_allocate_mode = 1;
        m->epoch++;
    }
}

static struct linefill *fill_of(struct memory *m, uint64_t time, uint32_t line)
{
    if (time < m->fills_done_at)
        for (uint32_t i = 0; i < m->config->linefill_buffers; i++)
            if (m->fill[i].line == line && time < m->fill[i].done_at)
                return &m->fill[i];
    return NULL;
}

/* Starts a linefill; *critical_at is when its first data is there. Returns cycles spent waiting for a buffer. */
static uint32_t start_fill(struct memory *m, uint64_t time, uint32_t address, uint32_t region, uint32_t flags,
                           struct linefill **started)
{
    const struct region_config *r = &m->region[region];
    struct linefill *f = &m->fill[0];
    for (uint32_t i = 1; i < m->config->linefill_buffers; i++)
        if (m->fill[i].done_at < f->done_at)
            f = &m->fill[i];
    uint32_t wait = f->done_at > time ? (uint32_t)(f->done_at - time) : 0;
    struct device *d = device_of(m, region);
    uint64_t start = later(d->free_at, time + wait);
    uint32_t line = address & ~(m->dcache.line_bytes - 1);
    for (uint32_t i = 0; i < m->config->linefill_buffers; i++)
        if (m->fill[i].line == line)
            m->fill[i].line = NO_LINE;                  /* an older fill of a line that was lost meanwhile */
    f->line = line;
    m->last_fill = f;
    f->first_beat = (address - line) / GROUP_BYTES;
    f->beat_cycles = r->beat_cycles;
    f->written = 0;
    f->critical_at = start + memory_device_cycles(m, region, address);
    f->done_at = f->critical_at + (m->dcache.line_bytes / GROUP_BYTES - 1) * r->beat_cycles;
    d->free_at = f->done_at;
    m->fills_done_at = later(m->fills_done_at, f->done_at);
    m->busy_until = later(m->busy_until, m->fills_done_at);
    memory_region_counters(m, region)[REGION_DATA_REFILLS]++;
    uint32_t victim = cache_insert(&m->dcache, address, flags);
    if (victim) {
        m->counters[COUNTER_DCACHE_EVICTIONS]++;
        if (victim & CACHE_DIRTY)
            memory_write_back(m, f->done_at, victim & ~(m->dcache.line_bytes - 1));
    }
    *started = f;
    return wait;
}

static uint32_t read_line(struct memory *m, uint64_t time, uint32_t address, uint32_t region)
{
    uint32_t line = address & ~(m->dcache.line_bytes - 1);
    m->counters[COUNTER_DCACHE_READS]++;
    if (m->read_allocate_mode && line == m->streamed_line)
        m->read_allocate_mode = 0, m->full_line_fills = 0;
    uint32_t slot = cache_find(&m->dcache, address);
    if (slot == UINT32_MAX) {
        struct linefill *f;
        m->counters[COUNTER_DCACHE_READ_MISSES]++;
        judge_fill(m);
        start_fill(m, time, address, region, 0, &f);
        return (uint32_t)(f->critical_at - time);
    }
    if (m->dcache.tag[slot] & CACHE_STALE)
        memory_read_stale(m, slot, address);
    struct linefill *f = fill_of(m, time, line);
    if (!f)
        return 0;
    uint32_t beats = m->dcache.line_bytes / GROUP_BYTES;
    uint32_t beat = ((address - line) / GROUP_BYTES + beats - f->first_beat) & (beats - 1);
    uint64_t there = f->critical_at + beat * f->beat_cycles;
    return there > time ? (uint32_t)(there - time) : 0;
}

/* Words that an instruction reads from Normal memory come in one burst of 64-bit beats, cut where aligned blocks of
 * read_burst_bytes end (Cortex-R4 TRM, DDI0363 9.3.1, 9.3.2 and 9.3.7). */
static uint32_t read_uncached(struct memory *m, uint64_t time, uint32_t address, uint32_t size, uint32_t region,
                              uint8_t policy, int continues)
{
    struct read_burst *b = &m->burst;
    struct device *d = device_of(m, region);
    uint64_t there;
    if (continues && policy != POLICY_DEVICE && address == b->next && address % m->config->read_burst_bytes) {
        int is_new_beat = (address + size - 1) / GROUP_BYTES != (address - 1) / GROUP_BYTES;
        there = b->there + (is_new_beat ? m->region[region].beat_cycles : 0);
        d->free_at = later(d->free_at, there);
    } else {
        uint32_t stall = policy == POLICY_DEVICE ? memory_drain(m, time) : 0;
        there = later(d->free_at, time + stall) + memory_device_cycles(m, region, address);
        d->free_at = there;
    }
    *b = (struct read_burst){address + size, there};
    memory_region_counters(m, region)[REGION_UNCACHED_READS]++;
    return there > time ? (uint32_t)(there - time) : 0;
}

static int is_cached(const struct memory *m, uint8_t policy) { return m->dcache_on && policy >= POLICY_WRITE_THROUGH; }

uint32_t memory_read(struct memory *m, uint64_t time, uint32_t address, uint32_t size, int continues)
{
    uint32_t region = memory_region(m, address), stall;
    if (region == NO_REGION)
        return 0;
    uint64_t *counters = memory_region_counters(m, region);
    counters[REGION_READS]++;
    counters[REGION_READ_BYTES] += size;
    uint8_t policy = policy_of(m, address);
    if (is_tcm(&m->region[region])) {
        stall = memory_wait_for_stores(m, time, address, size);
    } else if (is_cached(m, policy)) {
        stall = memory_wait_for_stores(m, time, address, size);
        stall += read_line(m, time + stall, address, region);
        uint32_t next = (address & ~(m->dcache.line_bytes - 1)) + m->dcache.line_bytes;
        if (address + size > next && memory_region(m, next) == region)
            stall += read_line(m, time + stall, next, region);
    } else {
        stall = read_uncached(m, time, address, size, region, policy, continues);
    }
    counters[REGION_STALL_CYCLES] += stall;
    return stall;
}

static uint32_t bytes_mask(uint32_t offset, uint32_t size) { return (uint32_t)(((UINT64_C(1) << size) - 1) << offset); }

/* In read-allocate mode a store that leaves a line unfinished, or starts another before its end, ends it. */
static void stream_store(struct memory *m, uint32_t line, uint32_t mask)
{
    if (line != m->streamed_line) {
        if (m->streamed_line != NO_LINE && m->streamed_bytes != UINT32_MAX)
            m->read_allocate_mode = 0, m->full_line_fills = 0;
        m->streamed_line = line;
        m->streamed_bytes = 0;
    }
    m->streamed_bytes |= mask;
}

static uint32_t write_line(struct memory *m, uint64_t time, uint32_t address, uint32_t size, uint32_t region,
                           uint8_t policy)
{
    uint32_t line = address & ~(m->dcache.line_bytes - 1), stall = 0;
    uint32_t mask = bytes_mask((address - line) & 31, size);
    m->counters[COUNTER_DCACHE_WRITES]++;
    uint32_t slot = cache_find(&m->dcache, address);
    if (slot != UINT32_MAX) {
        struct linefill *f = fill_of(m, time, line);
        if (f)
            f->written |= mask;
        if (policy == POLICY_WRITE_THROUGH)
            return memory_buffer_store(m, time, address, region, policy);
        cache_mark_dirty(&m->dcache, slot);
        return f ? 0 : memory_queue_word(m, time, address, size);
    }
    if (policy == POLICY_WRITE_BACK_ALLOCATE && !m->read_allocate_mode)
        judge_fill(m);
    if (m->read_allocate_mode)
        stream_store(m, line, mask);
    int streamed = policy == POLICY_WRITE_BACK_ALLOCATE && m->read_allocate_mode;
    m->counters[streamed ? COUNTER_DCACHE_STREAMED_WRITES : COUNTER_DCACHE_WRITE_MISSES]++;
    if (policy == POLICY_WRITE_BACK_ALLOCATE && !m->read_allocate_mode) {
        struct linefill *f;
        stall = start_fill(m, time, address, region, CACHE_DIRTY, &f);
        f->written |= mask;
        m->streamed_line = NO_LINE;
        return stall;
    }
    return memory_buffer_store(m, time, address, region, policy);
}

uint32_t memory_write(struct memory *m, uint64_t time, uint32_t address, uint32_t size)
{
    uint32_t region = memory_region(m, address), stall;
    if (region == NO_REGION)
        return 0;
    uint64_t *counters = memory_region_counters(m, region);
    counters[REGION_WRITES]++;
    counters[REGION_WRITE_BYTES] += size;
    if (is_tcm(&m->region[region])) {
        stall = memory_queue_word(m, time, address, size);
    } else {
        uint8_t policy = policy_of(m, address);
        if (is_cached(m, policy)) {
            uint32_t next = (address & ~(m->dcache.line_bytes - 1)) + m->dcache.line_bytes;
            uint32_t here = address + size > next ? next - address : size;
            stall = write_line(m, time, address, here, region, policy);
            if (here < size && memory_region(m, next) == region)
                stall += write_line(m, time + stall, next, size - here, region, policy);
        } else if (m->region[region].kind == REGION_PERIPHERAL) {
            stall = memory_ahbp_store(m, time, region);
        } else {
            stall = memory_buffer_store(m, time, address, region, policy);
        }
    }
    counters[REGION_STALL_CYCLES] += stall;
    return stall;
}
