/* coherence.c: DMA and the D-cache, which knows nothing of it (TRM 5, memory system; AN4839 on STM32F7 and H7): a line
 * that is dirty when DMA reads memory, one that is read after DMA wrote memory behind it. Execution is not led astray,
 * so that a program which forgets the maintenance works here; what is counted here tells it. */
#include "memory/parts.h"

static void note(struct stale_info *s, uint32_t line, uint32_t address, uint32_t code)
{
    if (s->lines && s->last == line)
        return;
    s->last = line;
    if (!s->lines++) {
        s->address = address;
        s->code = code;
    }
}

void memory_transfer(struct memory *m, uint32_t address, uint32_t bytes, int is_write, uint32_t code)
{
    struct cache *c = &m->dcache;
    if (!m->dcache_on || !bytes)
        return;
    uint32_t first = address & ~(c->line_bytes - 1), last = (address + bytes - 1) & ~(c->line_bytes - 1);
    uint32_t lines = (last - first) / c->line_bytes + 1, slots = c->sets * c->ways;
    for (uint32_t i = 0; i < (lines < slots ? lines : slots); i++) {
        uint32_t slot = lines < slots ? cache_peek(c, first + i * c->line_bytes) : i;
        uint32_t line = slot == UINT32_MAX ? 0 : c->tag[slot] & ~(c->line_bytes - 1);
        if (slot == UINT32_MAX || !(c->tag[slot] & CACHE_VALID) || line - first > last - first)
            continue;
        if (is_write)
            c->tag[slot] |= CACHE_STALE;
        else if (c->tag[slot] & CACHE_DIRTY)
            note(&m->stale[STALE_SENT], line, line < address ? address : line, code);
    }
}

void memory_read_stale(struct memory *m, uint32_t slot, uint32_t address)
{
    m->dcache.tag[slot] &= ~(uint32_t)CACHE_STALE;
    note(&m->stale[STALE_KEPT], address & ~(m->dcache.line_bytes - 1), address, 0);
}
