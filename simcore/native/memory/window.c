/* window.c: see window.h. */
#include "memory/window.h"

#include "memory/parts.h"

static uint32_t less(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* Whether all that hits in the D-cache on a page costs and changes the same. */
static int hits_alike(const struct memory *m, uint32_t page, int is_write)
{
    uint32_t policy = page >> 8, least = is_write ? POLICY_WRITE_BACK : POLICY_WRITE_THROUGH;
    return m->dcache_on && policy >= least && policy != MIXED_POLICY && !m->read_allocate_mode &&
           m->dcache.replacement != REPLACE_LRU;
}

/* Around an access that lies in so many bytes of memory, aligned to them. */
static void set(const struct memory *m, struct window *w, uint32_t region, uint32_t address, uint32_t placed,
                uint32_t bytes, uint32_t size, uint32_t low, uint32_t span)
{
    uint32_t offset = placed & (bytes - 1);
    uint32_t below = less(address - low, offset), above = less(low + span - address, bytes - size + 1 - offset);
    w->low = address - below;
    w->span = below + above;
    w->delta = placed - address;
    w->epoch = m->epoch;
    w->counters = COUNTER_COUNT + region * REGION_COUNTER_COUNT;
}

void memory_open_window(struct memory *m, struct window *w, uint32_t address, uint32_t placed, uint32_t size,
                        int is_write, uint32_t low, uint32_t span)
{
    uint32_t page = m->page[placed >> PAGE_SHIFT], region = page & 0xff, bytes = 1u << PAGE_SHIFT;
    w->span = 0;
    if (region == NO_REGION || m->by_all_rules)
        return;
    w->is_cached = !(page & PAGE_TCM);
    w->held = &m->no_line;
    w->tag = 0;
    if (w->is_cached) {
        struct cache *c = &m->dcache;
        if (!hits_alike(m, page, is_write) || !cache_holds(c, c->recent, placed))
            return;
        w->held = &c->tag[c->recent];
        w->tag = *w->held & ~(uint32_t)CACHE_DIRTY;
        bytes = c->line_bytes;
    }
    uint32_t offset = placed & (bytes - 1);
    if (offset + size <= bytes)
        set(m, w, region, address, placed, bytes, size, low, span);
}

int memory_read_held(struct memory *m, struct window *w, uint64_t time, uint32_t address, uint32_t placed,
                     uint32_t size, uint32_t low, uint32_t span)
{
    struct cache *c = &m->dcache;
    uint32_t page = m->page[placed >> PAGE_SHIFT], bytes = c->line_bytes;
    if ((page & 0xff) == NO_REGION || page & PAGE_TCM || m->by_all_rules || !hits_alike(m, page, 0) ||
        (placed & (bytes - 1)) + size > bytes)
        return 0;
    uint32_t slot = cache_peek(c, placed);
    if (slot == UINT32_MAX || !cache_holds(c, slot, placed))
        return 0;
    c->recent = slot;
    w->is_cached = 1;
    w->held = &c->tag[slot];
    w->tag = *w->held & ~(uint32_t)CACHE_DIRTY;
    set(m, w, page & 0xff, address, placed, bytes, size, low, span);
    return memory_read_free(m, w, time, placed, size);
}
