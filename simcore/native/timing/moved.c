/* moved.c: see moved.h. */
#include "timing/moved.h"

#include <string.h>

enum { PERIPHERALS = 2 };        /* of the eight parts of the address space: 0x40000000 to 0x5FFFFFFF */

static void drop(struct moved *m, uint32_t at)
{
    memmove(&m->range[at], &m->range[at + 1], (m->ranges - at - 1) * sizeof m->range[0]);
    m->ranges--;
}

/* Joins the two neighbours with the least between them. */
static void join_nearest(struct moved *m)
{
    uint32_t nearest = 0;
    for (uint32_t i = 1; i + 1 < m->ranges; i++)
        if (m->range[i + 1].first - m->range[i].last < m->range[nearest + 1].first - m->range[nearest].last)
            nearest = i;
    m->range[nearest].last = m->range[nearest + 1].last;
    drop(m, nearest + 1);
}

void moved_add(struct moved *m, uint32_t address, uint32_t bytes)
{
    uint32_t last = address + (bytes - 1);
    if (!bytes || last < address || address >> 29 == PERIPHERALS)
        return;
    if (m->ranges) {
        struct moved_info *known = &m->range[m->latest < m->ranges ? m->latest : 0];
        if (known->first <= address && last <= known->last)
            return;
    }
    uint32_t at = 0;
    while (at < m->ranges && (uint64_t)m->range[at].last + 1 < address)
        at++;
    if (at < m->ranges && m->range[at].first <= (uint64_t)last + 1) {
        struct moved_info *to = &m->range[at];
        to->first = to->first < address ? to->first : address;
        to->last = to->last > last ? to->last : last;
        while (at + 1 < m->ranges && m->range[at + 1].first <= (uint64_t)to->last + 1) {
            to->last = to->last > m->range[at + 1].last ? to->last : m->range[at + 1].last;
            drop(m, at + 1);
        }
        m->latest = at;
        return;
    }
    if (m->ranges == MOVED_RANGES) {
        join_nearest(m);
        moved_add(m, address, bytes);
        return;
    }
    memmove(&m->range[at + 1], &m->range[at], (m->ranges - at) * sizeof m->range[0]);
    m->range[at] = (struct moved_info){address, last};
    m->ranges++;
    m->latest = at;
}
