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

/* The line of an access that the D-cache holds, where it was found last if it still is there. */
static int find_line(struct memory *m, struct window *w, uint32_t placed)
{
    struct cache *c = &m->dcache;
    uint32_t *slot = &m->found[placed >> c->line_shift & (FOUND_LINES - 1)];
    if (!cache_holds(c, *slot, placed)) {
        uint32_t found = cache_peek(c, placed);
        if (found == UINT32_MAX || !cache_holds(c, found, placed))
            return 0;
        *slot = found;
    }
    w->held = &c->tag[*slot];
    w->tag = *w->held & ~(uint32_t)CACHE_DIRTY;
    return 1;
}

int memory_open_window(struct memory *m, struct window *w, uint32_t address, uint32_t placed, uint32_t size,
                       int is_write, uint32_t low, uint32_t span)
{
    uint32_t page = m->page[placed >> PAGE_SHIFT], region = page & 0xff, bytes = 1u << PAGE_SHIFT;
    w->span = 0;
    if (region == NO_REGION || m->by_all_rules)
        return 0;
    w->is_cached = !(page & PAGE_TCM);
    w->held = &m->no_line;
    w->tag = 0;
    if (w->is_cached) {
        if (!hits_alike(m, page, is_write))
            return 0;
        bytes = m->dcache.line_bytes;
    }
    if ((placed & (bytes - 1)) + size > bytes || (w->is_cached && !find_line(m, w, placed)))
        return 0;
    set(m, w, region, address, placed, bytes, size, low, span);
    return 1;
}
