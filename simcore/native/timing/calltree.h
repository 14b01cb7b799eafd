/* calltree.h: which function runs, called from where: the tree of calls and its counters.
 *
 * Calls, returns, tail calls, `pop {pc}`, recursion and longjmp are told apart by return addresses:
 * see calltree_enter(). A recursive call shares the node of the call it repeats. A jump is a call when it goes to the
 * entry of another function; one into the middle, back into the function that was called, and code that runs on into
 * the next function count nothing: their frame lies above that of the call. */
#ifndef MCUSIM_CALLTREE_H
#define MCUSIM_CALLTREE_H

#include <stdint.h>

#include "types.h"

enum { NO_NODE = -1, FRAMES_MAX = 1 << 16, NODES_MAX = 1 << 18 };
#define NO_FUNCTION UINT32_MAX

struct node {
    struct node_info info;
    int32_t first_child, next_sibling;
    uint64_t *counters;
};

struct frame {
    int32_t node;
    uint32_t return_address;     /* 0: entered otherwise than by a call */
    uint32_t call_site;
    uint32_t sp, stack;          /* SP when it was entered, and the stack that it lies on: stacks.h */
    uint8_t is_op, passage;
    int32_t before;              /* node that made the tail call to this one; NO_NODE: none */
};

/* How control came from the function of the frame below; but by a call it is still in the call of that. */
enum passage { PASSAGE_CALL = 0, PASSAGE_FELL_THROUGH, PASSAGE_JUMPED };

struct calltree {
    struct node *node;
    uint32_t nodes, nodes_room;
    uint32_t width;              /* counters of a node */
    struct frame *frame;
    uint32_t frames, frames_room;
    uint32_t base;               /* index of the root's frame below which what was interrupted stands */
    uint32_t context, sp, stack; /* of what runs: contexts.h, stacks.h */
    uint64_t unbalanced_ops;     /* op_end without op_begin, or a function that left with an op open */
    uint64_t lost_frames;        /* calls deeper than FRAMES_MAX, nodes beyond NODES_MAX */
};

int calltree_init(struct calltree *t, uint32_t width);
void calltree_free(struct calltree *t);

static inline struct node *calltree_current(struct calltree *t) { return &t->node[t->frame[t->frames - 1].node]; }

/* A block starts: function that holds it (numbered by address), whether at its entry, how control came there
 * (branch_kind of the block before, BRANCH_NONE when it was not taken), where a call returns to. Returns 0 or a core_status. */
int calltree_enter(struct calltree *t, uint32_t function, int is_entry, uint32_t address, uint32_t how,
                   uint32_t call_site, uint32_t return_address);

/* Puts frames that were kept on top of the root, which alone is there. Returns 0 or a core_status. */
int calltree_restore(struct calltree *t, const struct frame *frame, uint32_t count);

/* Drops frames until so many are left; those on a stack that were entered with a lower SP. */
void calltree_unwind(struct calltree *t, uint32_t frames);
void calltree_unwind_to(struct calltree *t, uint32_t stack, uint32_t sp);

/* What runs is interrupted by calls of their own, until it is unwound to. Returns 0 or a core_status. */
int calltree_level(struct calltree *t);

/* Whether a call that is open returns to an address, or is one of this function. */
int calltree_is_open(const struct calltree *t, uint32_t address, uint32_t function);

int calltree_op_begin(struct calltree *t, int32_t op, uint32_t call_site);
void calltree_op_end(struct calltree *t);

#endif
