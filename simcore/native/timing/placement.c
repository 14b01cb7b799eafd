/* placement.c: see placement.h. */
#include "timing/placement.h"

#include <stdlib.h>
#include <string.h>

#define ADDRESS_END UINT64_C(0x100000000)

int placement_init(struct placement *p, const struct core_move *move, uint32_t moves)
{
    memset(p, 0, sizeof *p);
    for (uint32_t i = 0; i < moves; i++) {
        uint64_t end = (uint64_t)move[i].start + move[i].size;
        if (!move[i].size || end > ADDRESS_END || (uint64_t)move[i].to + move[i].size > ADDRESS_END ||
            (move[i].to - move[i].start) & 3 || (i + 1 < moves && move[i + 1].start < end))
            return CORE_ERR_CONFIG;
    }
    if (!moves)
        return CORE_OK;
    p->move = malloc(moves * sizeof *move);
    if (!p->move)
        return CORE_ERR_MEMORY;
    memcpy(p->move, move, moves * sizeof *move);
    p->moves = moves;
    return CORE_OK;
}

void placement_free(struct placement *p)
{
    free(p->move);
    memset(p, 0, sizeof *p);
}

struct placed placement_find(const struct placement *p, uint32_t address)
{
    uint32_t begin = 0, end = p->moves;              /* the first move that starts behind the address */
    while (begin < end) {
        uint32_t middle = begin + (end - begin) / 2;
        if (p->move[middle].start <= address)
            begin = middle + 1;
        else
            end = middle;
    }
    uint64_t low = 0, high = begin < p->moves ? p->move[begin].start : ADDRESS_END;
    if (begin) {
        const struct core_move *m = &p->move[begin - 1];
        if (address - m->start < m->size)
            return (struct placed){m->start, m->size, m->to - m->start};
        low = (uint64_t)m->start + m->size;
    }
    /* Without moves the span is all of 2^32, one more than fits: the last byte is looked up each time. */
    return (struct placed){(uint32_t)low, (uint32_t)(high - low > UINT32_MAX ? UINT32_MAX : high - low), 0};
}
