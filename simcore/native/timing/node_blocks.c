/* node_blocks.c: see node_blocks.h. */
#include "timing/node_blocks.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 1 << 12 };

static struct node_block_info *find(struct node_block_info *row, uint32_t room, uint32_t node, uint32_t block)
{
    uint64_t hash = ((uint64_t)node << 32 | block) * 0x9e3779b97f4a7c15u;
    uint32_t at = (uint32_t)(hash >> 32) & (room - 1);
    while (row[at].executions && (row[at].node != node || row[at].block != block))
        at = (at + 1) & (room - 1);
    return &row[at];
}

static int grow(struct node_blocks *t)
{
    uint32_t room = t->room ? 2 * t->room : FIRST_ROOM;
    struct node_block_info *row = calloc(room, sizeof *row);
    if (!row)
        return 0;
    for (uint32_t i = 0; i < t->room; i++)
        if (t->row[i].executions)
            *find(row, room, t->row[i].node, t->row[i].block) = t->row[i];
    free(t->row);
    t->row = row;
    t->room = room;
    return 1;
}

void node_blocks_add(struct node_blocks *t, uint32_t node, uint32_t block, uint64_t executions, uint64_t cycles)
{
    if (t->is_lost || !executions)
        return;
    if (t->rows >= t->room / 2 && !grow(t)) {
        node_blocks_forget(t);
        t->is_lost = 1;                  /* nothing is better than a part */
        return;
    }
    struct node_block_info *row = find(t->row, t->room, node, block);
    t->rows += !row->executions;
    row->node = node;
    row->block = block;
    row->executions += executions;
    row->cycles += cycles;
}

void node_blocks_copy(const struct node_blocks *t, struct node_block_info *out)
{
    for (uint32_t i = 0; i < t->room; i++)
        if (t->row[i].executions)
            *out++ = t->row[i];
}

void node_blocks_forget(struct node_blocks *t)
{
    t->rows = 0;
    if (t->row)
        memset(t->row, 0, t->room * sizeof *t->row);
}

void node_blocks_free(struct node_blocks *t) { free(t->row); }
