/* memory.h: what an access costs that depends on its address and on what came before: caches,
 * linefill buffers, store buffer, TCM banks, buses and the devices behind them.
 *
 * Times are absolute core cycles; a function returns the cycles that the pipeline has to wait. The rules
 * follow the Cortex-M7 TRM, chapters 5 (memory system) and 2.4 (TCM, AXIM); tests/reference.py is their
 * slow twin. Counters go to m->counters, the vector of the call-tree node that is running. */
#ifndef MCUSIM_MEMORY_H
#define MCUSIM_MEMORY_H

#include <stdint.h>

#include "memory/cache.h"
#include "peripherals.h"
#include "types.h"

enum {
    PAGE_SHIFT = 12,
    NO_REGION = 0xff,
    MIXED_POLICY = 0x7f,
    PAGE_TCM = 0x8000,
    MAX_LINEFILLS = 8,
    MAX_STORES = 16,
    STORED_WORDS = 16,           /* two words a cycle for as long as load_after_store_cycles may be */
    MAX_ROWS = 64,
    FOUND_LINES = 64,            /* a power of 2 */
    MPU_REGIONS = 16,
};

struct linefill {
    uint32_t line;               /* address, or 1 when unused */
    uint32_t first_beat;         /* critical 64-bit beat, fetched first; the others wrap round */
    uint32_t beat_cycles;
    uint32_t written;            /* one bit per byte stored into the line while it fills */
    uint64_t critical_at, done_at;
};

struct device {                  /* what stands behind one or more regions */
    uint64_t free_at;            /* the bus to it takes the next transfer then */
};

struct read_burst {              /* past the cache, by one instruction */
    uint32_t next;               /* address behind what was read last */
    uint64_t there;              /* when that was there */
};

struct store_entry {
    uint32_t group;              /* address / 8 */
    uint32_t region;
    uint64_t done_at;
};

struct stored_word {
    uint32_t word;               /* address of a 32-bit word */
    uint64_t readable_at;        /* a load of it issues freely from then on */
};

struct mpu_region {
    uint32_t rbar, rasr;
};

struct memory {
    const struct timing_config *config;
    const struct region_config *region;
    uint32_t regions;
    uint16_t *page;                      /* of each 4 KiB page: region | policy << 8 | PAGE_TCM */
    uint64_t *counters;                  /* of the running node */
    struct cache icache, dcache;
    uint8_t icache_on, dcache_on;
    struct device device[MAX_REGIONS];
    uint32_t row[MAX_REGIONS][MAX_ROWS]; /* rows held: number + 1, most recently used first */
    struct row_control {
        uint32_t rows, miss_cycles;
        uint8_t prefetch;
    } row_control[MAX_REGIONS];
    int64_t flash_wait_states;           /* as FLASH_ACR says, -1: it was not written */
    struct linefill fill[MAX_LINEFILLS];
    struct read_burst burst;
    struct store_entry store[MAX_STORES];   /* oldest first */
    uint32_t stores;
    uint64_t queued[MAX_STORES];            /* stores to TCM or cache: when each is done, in no order */
    uint32_t queue_used;
    uint64_t queued_until;                  /* all of them are done from then on */
    uint64_t ahbp_done_at[MAX_STORES];      /* stores to peripherals, oldest first */
    uint32_t ahbp_used;
    uint64_t bank_free_at[2];               /* data banks (address bit 2), as the store queue sees them */
    struct stored_word stored[STORED_WORDS];    /* what was stored last to TCM or cache, a ring */
    uint32_t stored_next;
    uint64_t stored_until;                  /* every word stored is readable from then on */
    uint64_t stored_mask;                   /* a bit for each of them, by its address modulo 64 words */
    uint64_t fills_done_at;                 /* no linefill is in flight from then on */
    uint64_t busy_until; /* nor a word stored that is not readable: never before either of the two */
    uint8_t by_all_rules; /* nothing is taken for granted that held before: no windows, no free fetches */
    uint32_t found[FOUND_LINES]; /* slots of the D-cache, by line: where each was found last */
    uint32_t epoch; /* changes when windows (window.h) opened before hold no more */
    uint32_t no_line; /* 0, but for CACHE_DIRTY: what TCM has for a tag word */
    struct linefill *last_fill; /* last one started, until it is judged */
    uint32_t full_line_fills; /* consecutive linefills that stores overwrote whole */
    uint8_t dynamic_read_allocate, read_allocate_mode;
    uint32_t streamed_line, streamed_bytes; /* read-allocate mode: the line being written, a bit per byte */
    uint64_t fetched_at; /* when the fetch unit had all it was asked for so far */
    struct linefill fetch; /* the line fetched last */
    struct mpu_region mpu[MPU_REGIONS];
    uint32_t mpu_ctrl, mpu_rnr;
    struct stale_info stale[STALE_KINDS];
};

/* Returns 0, CORE_ERR_CONFIG or CORE_ERR_MEMORY. config and regions must outlive m. */
int memory_init(struct memory *m, const struct timing_config *config, const struct region_config *region,
                uint32_t regions);
void memory_free(struct memory *m);

/* Empties caches, rows and buffers, so that what follows costs as behind a reset; nothing may be in flight. What
 * programs set (caches on, MPU, wait states) stays. */
void memory_reset(struct memory *m);

/* Region of an address, or NO_REGION. */
static inline uint32_t memory_region(const struct memory *m, uint32_t address)
{
    return m->page[address >> PAGE_SHIFT] & 0xff;
}

/* Stall cycles of one access that issues at a time. A read that continues is of the instruction that read before. */
uint32_t memory_read(struct memory *m, uint64_t time, uint32_t address, uint32_t size, int continues);
uint32_t memory_write(struct memory *m, uint64_t time, uint32_t address, uint32_t size);

/* A store to a TCM or a cached line. Returns stall cycles. */
uint32_t memory_queue_words(struct memory *m, uint64_t time, uint32_t address, uint32_t size);

/* coherence.c: DMA reads or writes memory, started by some code. */
void memory_transfer(struct memory *m, uint32_t address, uint32_t bytes, int is_write, uint32_t code);

/* Stall cycles of fetching a block that issues from `time` on and takes `cycles` when nothing stalls.
 * redirected: the block follows a mispredict, so nothing was fetched ahead. Adds to *misses. */
uint32_t memory_fetch(struct memory *m, uint64_t time, uint32_t cycles, uint32_t address, uint32_t size, int redirected,
                      uint32_t *misses);

/* A branch that ends at branch_end, resolved at `time`, goes elsewhere `cycles` later: what fetch asks for
 * behind it until then. Matters where a request costs: from uncached memory. */
void memory_fetch_wrong_path(struct memory *m, uint64_t time, uint32_t branch_end, uint32_t cycles);

/* 1 when fetches from this region go through the I-cache as it is set now. */
int memory_fetch_is_cached(const struct memory *m, uint32_t address);

static inline uint64_t *memory_region_counters(const struct memory *m, uint32_t region)
{
    return m->counters + COUNTER_COUNT + region * REGION_COUNTER_COUNT;
}

/* Puts bytes of one word into their bank from a time on. A store that does not fill its word reads the word first (TRM,
 * TCM and D-cache with ECC). Returns when that is done. */
static inline uint64_t memory_store_word(struct memory *m, uint64_t time, uint32_t word, uint32_t bytes)
{
    uint64_t *free_at = &m->bank_free_at[word >> 2 & 1], from = *free_at > time ? *free_at : time;
    m->stored_until = time + m->config->load_after_store_cycles;
    m->stored[m->stored_next++ % STORED_WORDS] = (struct stored_word){word, m->stored_until};
    m->stored_mask |= UINT64_C(1) << (word >> 2 & 63);
    return *free_at = from + (bytes == 4 ? m->config->word_store_cycles : m->config->subword_store_cycles);
}

/* memory_queue_words(), here for the most: one word, with nothing in front of it. */
static inline uint32_t memory_queue_word(struct memory *m, uint64_t time, uint32_t address, uint32_t size)
{
    if (m->queued_until > time || (address & 3) + size > 4)
        return memory_queue_words(m, time, address, size);
    if (time >= m->stored_until)
        m->stored_mask = 0;
    m->queued_until = m->queued[0] = memory_store_word(m, time, address & ~3u, size);
    m->queue_used = 1;
    if (m->busy_until < m->stored_until)
        m->busy_until = m->stored_until;
    return 0;
}

/* Whether a load may touch a word that was stored so shortly before that it has to wait. */
static inline int memory_near_store(const struct memory *m, uint64_t time, uint32_t address, uint32_t size)
{
    return time < m->stored_until &&
           ((m->stored_mask >> (address >> 2 & 63) | m->stored_mask >> ((address + size - 1) >> 2 & 63)) & 1);
}

/* Whether a store to this system register names a line by its address: maintenance by address. */
int memory_takes_address(uint32_t address);

/* A store to a register that changes the memory system: CCR, ACTLR, cache maintenance, MPU, FLASH_ACR.
 * Returns stall cycles. */
uint32_t memory_system_write(struct memory *m, uint64_t time, uint32_t address, uint32_t value);

/* Cycles until every store in flight is done. */
uint32_t memory_drain(struct memory *m, uint64_t time);

/* Cycles that a DMB waits: until store buffer and AHBP are empty. */
uint32_t memory_drain_buffer(struct memory *m, uint64_t time);

/* Cycles that a DSB waits: every store is done and every linefill has come in. */
uint32_t memory_synchronize(struct memory *m, uint64_t time);

#endif
