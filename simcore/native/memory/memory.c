/* memory.c: see memory.h. */
#include "memory/memory.h"

#include <stdlib.h>
#include <string.h>

enum { PAGES = 1 << (32 - PAGE_SHIFT), GROUP_BYTES = 8, NO_LINE = 1 };

/* --- set-up ------------------------------------------------------------------------------------ */

static void rebuild_pages(struct memory *m);

int memory_init(struct memory *m, const struct timing_config *config, const struct region_config *region,
                uint32_t regions)
{
    memset(m, 0, sizeof *m);
    m->config = config;
    m->region = region;
    m->regions = regions;
    if (regions > MAX_REGIONS || config->linefill_buffers < 1 || config->linefill_buffers > MAX_LINEFILLS ||
        config->store_buffer_entries < 1 || config->store_buffer_entries > MAX_STORES ||
        config->store_queue_entries < 1 || config->store_queue_entries > MAX_STORES)
        return CORE_ERR_CONFIG;
    for (uint32_t r = 0; r < regions; r++) {
        if ((region[r].base | region[r].size) & ((1u << PAGE_SHIFT) - 1) ||
            region[r].size > UINT64_C(0x100000000) - region[r].base || region[r].rows > MAX_ROWS ||
            region[r].bank_of >= MAX_REGIONS || (region[r].rows && !region[r].row_bytes) ||
            region[r].fetch_bytes < GROUP_BYTES || region[r].fetch_bytes & (region[r].fetch_bytes - 1))
            return CORE_ERR_CONFIG;
    }
    int status = cache_init(&m->icache, &config->icache);
    if (status == CORE_OK)
        status = cache_init(&m->dcache, &config->dcache);
    if (status != CORE_OK)
        return status;
    m->page = malloc(PAGES * sizeof *m->page);
    if (!m->page)
        return CORE_ERR_MEMORY;
    rebuild_pages(m);
    for (uint32_t r = 0; r < regions; r++)
        m->row_control[r] = (struct row_control){region[r].rows, region[r].row_miss_cycles, region[r].prefetch};
    m->flash_wait_states = -1;
    m->dynamic_read_allocate = config->dynamic_read_allocate;
    for (uint32_t i = 0; i < MAX_LINEFILLS; i++)
        m->fill[i].line = NO_LINE;
    m->streamed_line = m->fetch.line = NO_LINE;
    m->icache_on = config->caches == CACHES_ON && m->icache.sets;
    m->dcache_on = config->caches == CACHES_ON && m->dcache.sets;
    return CORE_OK;
}

void memory_free(struct memory *m)
{
    cache_free(&m->icache);
    cache_free(&m->dcache);
    free(m->page);
    m->page = NULL;
}

/* --- memory attributes: default map and MPU (Armv7-M ARM B3.1, B3.5) ----------------------------- */

static uint8_t policy_of_rasr(uint32_t rasr)
{
    uint32_t tex = rasr >> 19 & 7, cb = rasr >> 16 & 3;
    static const uint8_t inner[4] = {POLICY_NON_CACHEABLE, POLICY_WRITE_BACK_ALLOCATE, POLICY_WRITE_THROUGH,
                                     POLICY_WRITE_BACK};
    uint8_t policy;
    if (tex & 4)
        policy = inner[cb];
    else if (tex == 0)
        policy = cb < 2 ? POLICY_DEVICE : cb == 2 ? POLICY_WRITE_THROUGH : POLICY_WRITE_BACK;
    else if (tex == 1)
        policy = cb == 0 ? POLICY_NON_CACHEABLE : POLICY_WRITE_BACK_ALLOCATE;
    else
        policy = POLICY_DEVICE;
    int shareable = rasr >> 18 & 1;      /* shareable Normal memory is not cached (TRM, shareability) */
    return shareable && policy > POLICY_NON_CACHEABLE ? POLICY_NON_CACHEABLE : policy;
}

static int mpu_covers(const struct mpu_region *r, uint32_t address)
{
    uint32_t size_log2 = (r->rasr >> 1 & 0x1f) + 1;
    if (!(r->rasr & 1) || size_log2 < 5)
        return 0;
    uint64_t size = UINT64_C(1) << size_log2;
    uint64_t offset = (uint64_t)address - (r->rbar & ~(uint32_t)(size - 1) & ~0x1fu);
    if (address < (r->rbar & ~(uint32_t)(size - 1) & ~0x1fu) || offset >= size)
        return 0;
    return size_log2 < 8 || !(r->rasr >> 8 >> (offset * 8 / size) & 1);
}

static uint8_t policy_at(const struct memory *m, uint32_t address, uint8_t otherwise)
{
    if (m->mpu_ctrl & 1)
        for (int i = MPU_REGIONS - 1; i >= 0; i--)     /* the highest number wins */
            if (mpu_covers(&m->mpu[i], address))
                return policy_of_rasr(m->mpu[i].rasr);
    return otherwise;
}

static int is_tcm(const struct region_config *r) { return r->kind == REGION_ITCM || r->kind == REGION_DTCM; }

static void rebuild_pages(struct memory *m)
{
    for (uint32_t p = 0; p < PAGES; p++)
        m->page[p] = NO_REGION;
    int small = 0;
    for (uint32_t i = 0; i < MPU_REGIONS; i++)
        if ((m->mpu_ctrl & 1) && (m->mpu[i].rasr & 1) && (m->mpu[i].rasr >> 1 & 0x1f) + 1 < PAGE_SHIFT + 3)
            small = 1;                                 /* it or its eighths can be smaller than a page */
    for (uint32_t r = 0; r < m->regions; r++) {
        const struct region_config *region = &m->region[r];
        uint32_t first = region->base >> PAGE_SHIFT, count = region->size >> PAGE_SHIFT;
        for (uint32_t p = first; p < first + count; p++) {
            uint8_t policy = region->policy;
            if (!region->never_cached && (m->mpu_ctrl & 1))
                policy = small ? MIXED_POLICY : policy_at(m, p << PAGE_SHIFT, policy);
            m->page[p] = (uint16_t)(r | policy << 8 | (is_tcm(region) ? PAGE_TCM : 0));
        }
    }
}

static uint8_t policy_of(const struct memory *m, uint32_t address)
{
    uint32_t page = m->page[address >> PAGE_SHIFT], policy = page >> 8 & 0x7f;
    if (policy == MIXED_POLICY)
        policy = policy_at(m, address, m->region[page & 0xff].policy);
    return (uint8_t)policy;
}

/* --- devices and buses --------------------------------------------------------------------------- */

/* Extra cycles until the first data of a read, and the state of the rows after it. */
static uint32_t device_read_cycles(struct memory *m, uint32_t region, uint32_t address)
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

static uint64_t later(uint64_t a, uint64_t b) { return a > b ? a : b; }

static struct device *device_of(struct memory *m, uint32_t region)
{
    return &m->device[m->region[region].bank_of];
}

/* A cache line goes out to its device behind whatever is under way. Returns the cycles it takes. */
static uint32_t write_back(struct memory *m, uint64_t time, uint32_t address)
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

/* --- stores in flight ------------------------------------------------------------------------------ */

static uint32_t queue_word(struct memory *m, uint64_t time, uint32_t address, uint32_t size)
{
    /* A store that does not fill its word reads the word first (TRM, TCM and D-cache with ECC). */
    uint32_t kept = 0, oldest = 0, stall = 0;
    for (uint32_t i = 0; i < m->queue_used; i++)
        if (m->queued[i] > time)
            m->queued[kept++] = m->queued[i];
    if (kept == m->config->store_queue_entries) {
        for (uint32_t i = 1; i < kept; i++)
            if (m->queued[i] < m->queued[oldest])
                oldest = i;
        stall = (uint32_t)(m->queued[oldest] - time);
        m->queued[oldest] = m->queued[--kept];
    }
    uint32_t first = address & ~3u, last = (address + size - 1) & ~3u;
    uint64_t done = 0;
    for (uint32_t word = first;; word += 4) {
        uint32_t from = word > address ? word : address;
        uint32_t to = word + 4 < address + size ? word + 4 : address + size;
        uint64_t *free_at = &m->bank_free_at[word >> 2 & 1];
        *free_at = later(*free_at, time + stall) +
                   (to - from == 4 ? m->config->word_store_cycles : m->config->subword_store_cycles);
        done = later(done, *free_at);
        if (word == last)
            break;
    }
    m->queued[kept++] = done;
    m->queue_used = kept;
    return stall;
}

static uint32_t buffer_store(struct memory *m, uint64_t time, uint32_t address, uint32_t region, uint8_t policy)
{
    uint32_t group = address / GROUP_BYTES, gone = 0, stall = 0;
    while (gone < m->stores && m->store[gone].done_at <= time)
        gone++;
    if (policy != POLICY_DEVICE && m->stores > gone && m->store[m->stores - 1].group == group &&
        m->store[m->stores - 1].done_at > time)
        return 0;                                       /* merges with the youngest entry */
    if (m->stores - gone == m->config->store_buffer_entries) {
        stall = (uint32_t)(m->store[gone].done_at - time);
        gone++;
    }
    m->stores -= gone;
    memmove(m->store, m->store + gone, m->stores * sizeof *m->store);
    struct device *d = device_of(m, region);
    d->free_at = later(d->free_at, time + stall) + 1 + m->region[region].write_cycles;
    m->store[m->stores++] = (struct store_entry){group, region, d->free_at};
    memory_region_counters(m, region)[REGION_UNCACHED_WRITES]++;
    return stall;
}

uint32_t memory_drain(struct memory *m, uint64_t time)
{
    uint64_t done = time;
    for (uint32_t i = 0; i < m->stores; i++)
        done = later(done, m->store[i].done_at);
    for (uint32_t i = 0; i < m->queue_used; i++)
        done = later(done, m->queued[i]);
    m->stores = m->queue_used = 0;
    return (uint32_t)(done - time);
}

uint32_t memory_synchronize(struct memory *m, uint64_t time)
{
    uint32_t stall = memory_drain(m, time);
    uint64_t done = later(time + stall, m->fills_done_at);
    return (uint32_t)(done - time);
}

/* --- D-side --------------------------------------------------------------------------------------- */

/* The next linefill is asked for: did stores overwrite the line of the one before it while it came
 * (TRM, dynamic read allocate)? */
static void judge_fill(struct memory *m)
{
    if (!m->last_fill || !m->dynamic_read_allocate)
        return;
    m->full_line_fills = m->last_fill->written == UINT32_MAX ? m->full_line_fills + 1 : 0;
    m->last_fill = NULL;
    if (m->full_line_fills >= m->config->read_allocate_after)
        m->read_allocate_mode = 1;
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
    f->critical_at = start + device_read_cycles(m, region, address);
    f->done_at = f->critical_at + (m->dcache.line_bytes / GROUP_BYTES - 1) * r->beat_cycles;
    d->free_at = f->done_at;
    m->fills_done_at = later(m->fills_done_at, f->done_at);
    memory_region_counters(m, region)[REGION_DATA_REFILLS]++;
    uint32_t victim = cache_insert(&m->dcache, address, flags);
    if (victim) {
        m->counters[COUNTER_DCACHE_EVICTIONS]++;
        if (victim & CACHE_DIRTY)
            write_back(m, f->done_at, victim & ~(m->dcache.line_bytes - 1));
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
    if (cache_find(&m->dcache, address) == UINT32_MAX) {
        struct linefill *f;
        m->counters[COUNTER_DCACHE_READ_MISSES]++;
        judge_fill(m);
        start_fill(m, time, address, region, 0, &f);
        return (uint32_t)(f->critical_at - time);
    }
    struct linefill *f = fill_of(m, time, line);
    if (!f)
        return 0;
    uint32_t beats = m->dcache.line_bytes / GROUP_BYTES;
    uint32_t beat = ((address - line) / GROUP_BYTES + beats - f->first_beat) & (beats - 1);
    uint64_t there = f->critical_at + beat * f->beat_cycles;
    return there > time ? (uint32_t)(there - time) : 0;
}

static uint32_t read_uncached(struct memory *m, uint64_t time, uint32_t address, uint32_t region, uint8_t policy)
{
    uint32_t stall = policy == POLICY_DEVICE ? memory_drain(m, time) : 0;
    struct device *d = device_of(m, region);
    uint64_t there = later(d->free_at, time + stall) + device_read_cycles(m, region, address);
    d->free_at = there;
    memory_region_counters(m, region)[REGION_UNCACHED_READS]++;
    return (uint32_t)(there - time);
}

static int is_cached(const struct memory *m, uint8_t policy)
{
    return m->dcache_on && policy >= POLICY_WRITE_THROUGH;
}

uint32_t memory_read(struct memory *m, uint64_t time, uint32_t address, uint32_t size)
{
    uint32_t region = memory_region(m, address), stall;
    if (region == NO_REGION)
        return 0;
    uint64_t *counters = memory_region_counters(m, region);
    counters[REGION_READS]++;
    counters[REGION_READ_BYTES] += size;
    if (is_tcm(&m->region[region]))
        return 0;
    uint8_t policy = policy_of(m, address);
    if (is_cached(m, policy)) {
        stall = read_line(m, time, address, region);
        uint32_t next = (address & ~(m->dcache.line_bytes - 1)) + m->dcache.line_bytes;
        if (address + size > next && memory_region(m, next) == region)
            stall += read_line(m, time + stall, next, region);
    } else {
        stall = read_uncached(m, time, address, region, policy);
    }
    counters[REGION_STALL_CYCLES] += stall;
    return stall;
}

static uint32_t bytes_mask(uint32_t offset, uint32_t size)
{
    return (uint32_t)(((UINT64_C(1) << size) - 1) << offset);
}

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
            return buffer_store(m, time, address, region, policy);
        cache_mark_dirty(&m->dcache, slot);
        return f ? 0 : queue_word(m, time, address, size);
    }
    m->counters[COUNTER_DCACHE_WRITE_MISSES]++;
    if (policy == POLICY_WRITE_BACK_ALLOCATE && !m->read_allocate_mode)
        judge_fill(m);
    if (m->read_allocate_mode)
        stream_store(m, line, mask);
    if (policy == POLICY_WRITE_BACK_ALLOCATE && !m->read_allocate_mode) {
        struct linefill *f;
        stall = start_fill(m, time, address, region, CACHE_DIRTY, &f);
        f->written |= mask;
        m->streamed_line = NO_LINE;
        return stall;
    }
    return buffer_store(m, time, address, region, policy);
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
        stall = queue_word(m, time, address, size);
    } else {
        uint8_t policy = policy_of(m, address);
        if (is_cached(m, policy)) {
            uint32_t next = (address & ~(m->dcache.line_bytes - 1)) + m->dcache.line_bytes;
            uint32_t here = address + size > next ? next - address : size;
            stall = write_line(m, time, address, here, region, policy);
            if (here < size && memory_region(m, next) == region)
                stall += write_line(m, time + stall, next, size - here, region, policy);
        } else {
            stall = buffer_store(m, time, address, region, policy);
        }
    }
    counters[REGION_STALL_CYCLES] += stall;
    return stall;
}

/* --- I-side --------------------------------------------------------------------------------------- */

int memory_fetch_is_cached(const struct memory *m, uint32_t address)
{
    uint32_t region = memory_region(m, address);
    return region != NO_REGION && m->icache_on && !is_tcm(&m->region[region]) &&
           policy_of(m, address) >= POLICY_WRITE_THROUGH;
}

/* The line that comes or came in last: through the I-cache, or held by the fetch path without it. */
static void start_fetch(struct memory *m, uint64_t at, uint32_t group, uint32_t line_bytes, uint32_t region,
                        int cached)
{
    const struct region_config *r = &m->region[region];
    struct device *d = device_of(m, region);
    struct linefill *f = &m->fetch;
    f->line = group & ~(line_bytes - 1);
    f->first_beat = (group - f->line) / GROUP_BYTES;
    f->beat_cycles = r->beat_cycles;
    f->critical_at = later(at, d->free_at) + 1 + device_read_cycles(m, region, group) + r->fetch_cycles;
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

uint32_t memory_fetch(struct memory *m, uint64_t time, uint32_t cycles, uint32_t address, uint32_t size,
                      int redirected, uint32_t *misses)
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
        /* A group that comes through the cache is needed when its share of the block issues. Past the cache
         * the issue of the whole block hides its fetches: so DW0 measured (F-ST16). */
        uint32_t issue = cached && g * cycles / groups + 1 < cycles ? g * cycles / groups + 1 : cycles;
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

/* --- system registers (Armv7-M ARM B3.2, B2.2) ----------------------------------------------------- */

enum {
    REG_ACTLR = 0xe000e008, REG_CCR = 0xe000ed14, REG_MPU_CTRL = 0xe000ed94, REG_MPU_RNR = 0xe000ed98, REG_MPU_RBAR = 0xe000ed9c,
    REG_MPU_LAST = 0xe000edb8,
    REG_ICIALLU = 0xe000ef50, REG_ICIMVAU = 0xe000ef58, REG_DCIMVAC = 0xe000ef5c, REG_DCISW = 0xe000ef60,
    REG_DCCMVAU = 0xe000ef64, REG_DCCMVAC = 0xe000ef68, REG_DCCSW = 0xe000ef6c, REG_DCCIMVAC = 0xe000ef70,
    REG_DCCISW = 0xe000ef74,
    ACTLR_DISRAMODE = 1u << 11,
};

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
    rebuild_pages(m);
    m->icache.generation++;                            /* what fetches are cached may have changed */
}

static uint32_t clean(struct memory *m, uint64_t time, uint32_t address, uint32_t cleaned)
{
    return cleaned ? write_back(m, time, address) : 0;
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
            m->dcache_on = (value >> 16 & 1) && d->sets;
            m->icache_on = (value >> 17 & 1) && m->icache.sets;
            m->icache.generation++;
        }
        return 0;
    case REG_ICIALLU:
        cache_invalidate_all(&m->icache);
        m->fetch.line = NO_LINE;
        m->fetch.done_at = 0;
        return 0;
    case REG_ICIMVAU:
        cache_line_op(&m->icache, value, 0, 1);
        return 0;
    case REG_DCIMVAC:
        cache_line_op(d, value, 0, 1);
        return 0;
    case REG_DCISW:
        cache_set_way_op(d, value, 0, 1);
        return 0;
    case REG_DCCMVAU:
    case REG_DCCMVAC:
        return clean(m, time, value, cache_line_op(d, value, 1, 0));
    case REG_DCCIMVAC:
        return clean(m, time, value, cache_line_op(d, value, 1, 1));
    case REG_DCCSW:
        return clean(m, time, line, cache_set_way_op(d, value, 1, 0));
    case REG_DCCISW:
        return clean(m, time, line, cache_set_way_op(d, value, 1, 1));
    default:
        return 0;
    }
}
