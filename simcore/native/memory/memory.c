/* memory.c: see memory.h. */
#include "memory/memory.h"

#include <stdlib.h>
#include <string.h>

#include "memory/parts.h"

int memory_init(struct memory *m, const struct timing_config *config, const struct region_config *region,
                uint32_t regions)
{
    memset(m, 0, sizeof *m);
    m->config = config;
    m->region = region;
    m->regions = regions;
    if (regions > MAX_REGIONS || config->linefill_buffers < 1 || config->linefill_buffers > MAX_LINEFILLS ||
        config->store_buffer_entries < 1 || config->store_buffer_entries > MAX_STORES ||
        config->store_queue_entries < 1 || config->store_queue_entries > MAX_STORES || config->ahbp_writes < 1 ||
        config->ahbp_writes > MAX_STORES || config->read_burst_bytes < 4 || config->read_burst_bytes > 32 ||
        config->read_burst_bytes & (config->read_burst_bytes - 1))
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
    memory_rebuild_pages(m);
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

void memory_reset(struct memory *m)
{
    cache_reset(&m->icache);
    cache_reset(&m->dcache);
    memset(m->device, 0, sizeof m->device);
    memset(m->row, 0, sizeof m->row);
    memset(&m->burst, 0, sizeof m->burst);
    memset(m->bank_free_at, 0, sizeof m->bank_free_at);
    memset(m->fill, 0, sizeof m->fill);
    for (uint32_t i = 0; i < MAX_LINEFILLS; i++)
        m->fill[i].line = NO_LINE;
    memset(&m->fetch, 0, sizeof m->fetch);
    m->streamed_line = m->fetch.line = NO_LINE;
    m->fetched_at = 0;
    m->stores = m->queue_used = m->ahbp_used = m->stored_next = 0;
    m->stored_until = m->stored_mask = m->fills_done_at = 0;
    m->last_fill = NULL;
    m->full_line_fills = m->streamed_bytes = m->read_allocate_mode = 0;
}

void memory_free(struct memory *m)
{
    cache_free(&m->icache);
    cache_free(&m->dcache);
    free(m->page);
    m->page = NULL;
}
