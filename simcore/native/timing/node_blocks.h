/* node_blocks.h: how often each block ran in each node of the call tree; kept when it is asked for. */
#ifndef MCUSIM_NODE_BLOCKS_H
#define MCUSIM_NODE_BLOCKS_H

#include "types.h"

struct node_blocks {
    struct node_block_info *row;    /* a hash table; executions 0: free */
    uint32_t rows, room;            /* room is a power of 2, or 0 before the first */
    uint8_t is_lost;                /* there was no memory */
};

/* Adds executions, and the cycles that the pipeline says for them. */
void node_blocks_add(struct node_blocks *t, uint32_t node, uint32_t block, uint64_t executions, uint64_t cycles);

/* Copies the rows, in no order; rows is what there is room for. */
void node_blocks_copy(const struct node_blocks *t, struct node_block_info *out);
void node_blocks_forget(struct node_blocks *t);
void node_blocks_free(struct node_blocks *t);

#endif
