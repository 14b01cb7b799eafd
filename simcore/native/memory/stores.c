/* stores.c: stores in flight: the store queue of TCM and D-cache, the store buffer of the bus. */
#include "memory/parts.h"

#include <string.h>

/* Stores that are in the queue still at a time. Returns how many; when it is full, stalls until one leaves it. */
static uint32_t queued_at(struct memory *m, uint64_t time, uint32_t *stall)
{
    uint32_t kept = 0, oldest = 0;
    if (m->queued_until <= time)
        return 0;
    for (uint32_t i = 0; i < m->queue_used; i++)
        if (m->queued[i] > time)
            m->queued[kept++] = m->queued[i];
    if (kept == m->config->store_queue_entries) {
        for (uint32_t i = 1; i < kept; i++)
            if (m->queued[i] < m->queued[oldest])
                oldest = i;
        *stall = (uint32_t)(m->queued[oldest] - time);
        m->queued[oldest] = m->queued[--kept];
    }
    return kept;
}

uint32_t memory_queue_words(struct memory *m, uint64_t time, uint32_t address, uint32_t size)
{
    uint32_t stall = 0, kept = queued_at(m, time, &stall), first = address & ~3u, end = address + size;
    if (time >= m->stored_until)
        m->stored_mask = 0;
    uint64_t done = memory_store_word(m, time + stall, first, end - first > 4 ? first + 4 - address : size);
    for (uint32_t word = first + 4; word - first < end - first; word += 4)
        done = later(done, memory_store_word(m, time + stall, word, end - word > 4 ? 4 : end - word));
    m->busy_until = later(m->busy_until, m->stored_until);
    m->queued_until = later(m->queued_until, done);
    m->queued[kept++] = done;
    m->queue_used = kept;
    return stall;
}

uint32_t memory_wait_for_stores(const struct memory *m, uint64_t time, uint32_t address, uint32_t size)
{
    if (!memory_near_store(m, time, address, size))
        return 0;
    uint32_t low = address & ~3u, high = (address + size - 1) & ~3u;
    uint64_t readable = time;
    for (const struct stored_word *s = m->stored; s < m->stored + STORED_WORDS; s++)
        if (s->word == low || s->word == high)
            readable = later(readable, s->readable_at);
    return (uint32_t)(readable - time);
}

/* A store goes out to its device, behind whatever is under way. Returns when it is done. */
static uint64_t send(struct memory *m, uint64_t time, uint32_t region)
{
    struct device *d = device_of(m, region);
    d->free_at = later(d->free_at, time) + 1 + m->region[region].write_cycles;
    memory_region_counters(m, region)[REGION_UNCACHED_WRITES]++;
    return d->free_at;
}

uint32_t memory_buffer_store(struct memory *m, uint64_t time, uint32_t address, uint32_t region, uint8_t policy)
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
    m->store[m->stores++] = (struct store_entry){group, region, send(m, time + stall, region)};
    return stall;
}

uint32_t memory_ahbp_store(struct memory *m, uint64_t time, uint32_t region)
{
    uint32_t gone = 0, stall = 0;
    while (gone < m->ahbp_used && m->ahbp_done_at[gone] <= time)
        gone++;
    if (m->ahbp_used - gone == m->config->ahbp_writes)
        stall = (uint32_t)(m->ahbp_done_at[gone++] - time);
    m->ahbp_used -= gone;
    memmove(m->ahbp_done_at, m->ahbp_done_at + gone, m->ahbp_used * sizeof *m->ahbp_done_at);
    m->ahbp_done_at[m->ahbp_used++] = send(m, time + stall, region);
    return stall;
}

uint32_t memory_drain_buffer(struct memory *m, uint64_t time)
{
    uint64_t done = time;
    for (uint32_t i = 0; i < m->stores; i++)
        done = later(done, m->store[i].done_at);
    for (uint32_t i = 0; i < m->ahbp_used; i++)
        done = later(done, m->ahbp_done_at[i]);
    m->stores = m->ahbp_used = 0;
    return (uint32_t)(done - time);
}

uint32_t memory_drain(struct memory *m, uint64_t time)
{
    uint64_t done = time + memory_drain_buffer(m, time);
    for (uint32_t i = 0; i < m->queue_used; i++)
        done = later(done, m->queued[i]);
    m->queue_used = 0;
    return (uint32_t)(done - time);
}

uint32_t memory_synchronize(struct memory *m, uint64_t time)
{
    uint32_t stall = memory_drain(m, time);
    uint64_t done = later(time + stall, m->fills_done_at);
    return (uint32_t)(done - time);
}
