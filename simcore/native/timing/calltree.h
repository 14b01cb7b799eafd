/* calltree.h: which function runs, called from where: the tree of calls and its counters.
 *
 * Calls, returns, tail calls, `pop {pc}`, recursion and longjmp are told apart by return addresses:
 * see calltree_enter(). A recursive call shares the node of the call it repeats. A jump is a call when it goes to the
 * entry of another function; one into the middle, back into the function that was called, and code that runs on into
 * the next function count nothing: their frame lies above that of the call.
 *
 * Operations are orthogonal to frames (operations.h). In the tree an operation is a node of the function in which it
 * opens or goes on, and what is called there lies below it: a node's path names its function and all that is open. So
 * a frame has other nodes when an operation opens or ends inside of what it calls; each is found when the frame runs
 * again. */
#ifndef MCUSIM_CALLTREE_H
#define MCUSIM_CALLTREE_H

#include <stdint.h>

#include "timing/operations.h"
#include "types.h"

enum { NO_NODE = -1 };
#define NO_FUNCTION UINT32_MAX

struct node {
    struct node_info info;
    int32_t first_child, next_sibling;
    uint64_t *counters;
};

struct frame {
    int32_t node;                /* in the state in which it ran last */
    int32_t span;                /* in that in which it was entered: what a trace shows */
    uint32_t return_address;     /* 0: entered otherwise than by a call */
    uint32_t call_site;
    uint32_t sp, stack;          /* SP when it was entered, and the stack that it lies on: stacks.h */
    uint32_t state;              /* what was open around the call: operations.h */
    uint32_t made;               /* calls of it that are operations by their place */
    int32_t before;              /* node that made the tail call to this one; NO_NODE: none */
    uint8_t passage;
};

/* Calls and operations of what does not run. */
struct kept_calls {
    struct frame *frame;         /* without the root's; NULL: none are kept */
    struct open_op *open;
    uint32_t frames, opens;
    uint64_t away, since;        /* as in struct operations, then */
};

/* What goes on when the calls of a level are gone. */
struct calls_level {
    uint32_t frames, base, opens, ops_base;
    uint64_t away, since;
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
    struct operations ops;
    uint64_t lost_frames;        /* calls deeper than FRAMES_MAX, nodes beyond NODES_MAX */
};

int calltree_init(struct calltree *t, uint32_t width);
void calltree_free(struct calltree *t);

static inline struct node *calltree_current(struct calltree *t) { return &t->node[t->frame[t->frames - 1].node]; }

/* A block starts: function that holds it (numbered by address), whether at its entry, how control came there
 * (branch_kind of the block before, BRANCH_NONE when it was not taken), where a call returns to. Returns 0 or a core_status. */
int calltree_enter(struct calltree *t, uint32_t function, int is_entry, uint32_t address, uint32_t how,
                   uint32_t call_site, uint32_t return_address);

/* Keeps what is open, so that the root alone is left, and puts it back there. Returns 0 or a core_status. */
int calltree_keep(struct calltree *t, struct kept_calls *kept);
int calltree_restore(struct calltree *t, struct kept_calls *kept);
void calltree_forget_kept(struct kept_calls *kept);

/* Drops frames until so many are left; those on a stack that were entered with a lower SP. */
void calltree_unwind(struct calltree *t, uint32_t frames);
void calltree_unwind_to(struct calltree *t, uint32_t stack, uint32_t sp);

/* What runs is interrupted by calls and operations of their own, until that level ends. Returns 0 or a core_status. */
int calltree_level(struct calltree *t, struct calls_level *level);
void calltree_end_level(struct calltree *t, const struct calls_level *level);
int calltree_push_root(struct calltree *t);               /* a frame of the root begins it */

/* Whether a call that is open returns to an address, or is one of this function. */
int calltree_is_open(const struct calltree *t, uint32_t address, uint32_t function);

/* A marker begins operation `descriptor`, or ends the innermost one. The first returns 0 or a core_status, the second
 * 0 when none is open. */
int calltree_op_begin(struct calltree *t, uint32_t descriptor, uint32_t call_site);
int calltree_op_end(struct calltree *t);

#endif
