/* parts.h: what the files of this folder share and nobody else needs. */
#ifndef MCUSIM_MEMORY_PARTS_H
#define MCUSIM_MEMORY_PARTS_H

#include "memory/memory.h"

enum { PAGES = 1 << (32 - PAGE_SHIFT), GROUP_BYTES = 8, NO_LINE = 1 };

static inline uint64_t later(uint64_t a, uint64_t b) { return a > b ? a : b; }

static inline int is_tcm(const struct region_config *r) { return r->kind == REGION_ITCM || r->kind == REGION_DTCM; }

static inline struct device *device_of(struct memory *m, uint32_t region)
{
    return &m->device[m->region[region].bank_of];
}

/* attributes.c: the table of pages anew, after the MPU was set; the policy that the MPU gives an address. */
void memory_rebuild_pages(struct memory *m);
uint8_t memory_policy_at(const struct memory *m, uint32_t address, uint8_t otherwise);

static inline uint8_t policy_of(const struct memory *m, uint32_t address)
{
    uint32_t page = m->page[address >> PAGE_SHIFT], policy = page >> 8 & 0x7f;
    if (policy == MIXED_POLICY)
        policy = memory_policy_at(m, address, m->region[page & 0xff].policy);
    return (uint8_t)policy;
}

/* devices.c: extra cycles until the first data of a read, and the state of the rows after it. */
uint32_t memory_device_cycles(struct memory *m, uint32_t region, uint32_t address);

/* A cache line goes out to its device behind whatever is under way. Returns the cycles it takes. */
uint32_t memory_write_back(struct memory *m, uint64_t time, uint32_t address);

/* coherence.c: a read found a line that is not what memory holds. */
void memory_read_stale(struct memory *m, uint32_t slot, uint32_t address);

/* stores.c: cycles for which a load waits for the stores to its words. */
uint32_t memory_wait_for_stores(const struct memory *m, uint64_t time, uint32_t address, uint32_t size);
/* A store that goes past the cache. Returns stall cycles. */
uint32_t memory_buffer_store(struct memory *m, uint64_t time, uint32_t address, uint32_t region, uint8_t policy);
/* One to the AHBP, which goes past the store buffer. */
uint32_t memory_ahbp_store(struct memory *m, uint64_t time, uint32_t region);

#endif
