/* calltree.c: see calltree.h. */
#include "timing/calltree.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"

static int add_node(struct calltree *t, int32_t parent, uint32_t function, int32_t op, uint32_t call_site)
{
    uint64_t *counters = calloc(t->width, sizeof *counters);
    if (!counters || array_reserve(&t->node, &t->nodes_room, t->nodes + 1u, 64, sizeof *t->node) != CORE_OK) {
        free(counters);
        return CORE_ERR_MEMORY;
    }
    struct node *n = &t->node[t->nodes];
    uint32_t context = parent > 0 ? t->node[parent].info.context : t->context;
    *n = (struct node){{parent, function, op, call_site, context, 0}, NO_NODE, NO_NODE, counters};
    if (parent != NO_NODE) {
        n->next_sibling = t->node[parent].first_child;
        t->node[parent].first_child = (int32_t)t->nodes;
    }
    return (int)t->nodes++;
}

static int push(struct calltree *t, int32_t node, uint32_t return_address, uint32_t call_site, int is_op)
{
    if (t->frames == FRAMES_MAX) {       /* keep the newest: the oldest frame above the root goes */
        t->lost_frames++;
        memmove(t->frame + 1, t->frame + 2, (t->frames - 2) * sizeof *t->frame);
        t->frames--;
        t->base -= t->base > 0;
    }
    if (array_reserve(&t->frame, &t->frames_room, t->frames + 1u, 64, sizeof *t->frame) != CORE_OK)
        return CORE_ERR_MEMORY;
    t->frame[t->frames++] =
        (struct frame){node, return_address, call_site, t->sp, t->stack, (uint8_t)is_op, PASSAGE_CALL, NO_NODE};
    return CORE_OK;
}

int calltree_init(struct calltree *t, uint32_t width)
{
    memset(t, 0, sizeof *t);
    t->width = width;
    int root = add_node(t, NO_NODE, NO_FUNCTION, -1, 0);
    return root < 0 ? root : push(t, root, 0, 0, 0);
}

void calltree_free(struct calltree *t)
{
    for (uint32_t i = 0; i < t->nodes; i++)
        free(t->node[i].counters);
    free(t->node);
    free(t->frame);
    memset(t, 0, sizeof *t);
}

/* The node of a call from a node: itself or an ancestor for recursion, else a child, made if missing. */
static int node_for(struct calltree *t, int32_t from, uint32_t function, int32_t op, uint32_t call_site)
{
    for (int32_t child = t->node[from].first_child; child != NO_NODE; child = t->node[child].next_sibling) {
        const struct node_info *info = &t->node[child].info;
        if (info->function == function && info->op == op && info->call_site == call_site &&
            (from || info->context == t->context))
            return child;
    }
    if (op < 0)
        for (int32_t up = from; up > 0 && t->node[up].info.op < 0; up = t->node[up].info.parent)
            if (t->node[up].info.function == function)
                return up;
    if (t->nodes >= NODES_MAX) {
        t->lost_frames++;
        return from;
    }
    return add_node(t, from, function, op, call_site);
}

static int call(struct calltree *t, uint32_t function, uint32_t return_address, uint32_t call_site, int is_call)
{
    int node = node_for(t, t->frame[t->frames - 1].node, function, -1, call_site);
    if (node < 0)
        return node;
    t->node[node].info.calls += (uint64_t)is_call;
    return push(t, node, return_address, call_site, 0);
}

int calltree_restore(struct calltree *t, const struct frame *frame, uint32_t count)
{
    if (array_reserve(&t->frame, &t->frames_room, 1 + (uint64_t)count, 64, sizeof *t->frame) != CORE_OK)
        return CORE_ERR_MEMORY;
    memcpy(t->frame + 1, frame, count * sizeof *frame);
    t->frames = 1 + count;
    return CORE_OK;
}

void calltree_unwind(struct calltree *t, uint32_t frames)
{
    while (t->frames > frames)
        if (t->frame[--t->frames].is_op)
            t->unbalanced_ops++;
}

void calltree_unwind_to(struct calltree *t, uint32_t stack, uint32_t sp)
{
    while (t->frames > t->base + 1 && t->frame[t->frames - 1].stack == stack && t->frame[t->frames - 1].sp < sp)
        calltree_unwind(t, t->frames - 1);
}

int calltree_level(struct calltree *t)
{
    int status = push(t, 0, 0, 0, 0);
    t->base = t->frames - 1;
    return status;
}

int calltree_is_open(const struct calltree *t, uint32_t address, uint32_t function)
{
    for (uint32_t at = t->frames; at-- > t->base + 1;)
        if (t->frame[at].return_address == address ||
            (function != NO_FUNCTION && t->node[t->frame[at].node].info.function == function))
            return 1;
    return 0;
}

/* Whether the innermost frame is of code that runs on in the call of the frame below it. */
static int is_run_on(const struct calltree *t) { return t->frame[t->frames - 1].passage != PASSAGE_CALL; }

/* Another function takes the place of the running one: by a tail call, or by a way that is none. */
static int replace(struct calltree *t, uint32_t function, uint32_t call_site, int is_call)
{
    t->frames -= (uint32_t)is_run_on(t);
    struct frame *top = &t->frame[t->frames - 1];
    if (t->frames == t->base + 1 || top->is_op)
        return call(t, function, 0, call_site, is_call);
    uint32_t below = t->frames - 2, site = top->call_site ? top->call_site : call_site;
    if (top->call_site && !t->node[top->node].info.call_site)
        site = 0;                        /* of a handler: one node for all places where it interrupts */
    int node = node_for(t, t->frame[below].node, function, -1, site);
    if (node < 0)
        return node;
    t->node[node].info.calls += (uint64_t)is_call;
    if (is_call || top->before == NO_NODE)
        top->before = top->node;
    top->node = node;
    return CORE_OK;
}

/* Code of another function runs on in a call: a frame above that of the function that was called. */
static int run_on(struct calltree *t, uint32_t function, uint32_t call_site, enum passage passage)
{
    if (is_run_on(t) && t->frame[--t->frames].passage == PASSAGE_JUMPED)
        passage = PASSAGE_JUMPED;
    uint32_t site = passage == PASSAGE_JUMPED ? call_site : 0;
    int node = node_for(t, t->frame[t->frames - 1].node, function, -1, site);
    int status = node < 0 ? node : push(t, node, 0, site, 0);
    if (status == CORE_OK)
        t->frame[t->frames - 1].passage = (uint8_t)passage;
    return status;
}

static int is_of(const struct calltree *t, const struct frame *f, uint32_t function)
{
    return t->node[f->node].info.function == function;
}

/* Whether the running call is one of a function, or this made the tail call that became it: it is there again. */
static int go_back(struct calltree *t, uint32_t function)
{
    struct frame *called = &t->frame[t->frames - 1 - (uint32_t)is_run_on(t)];
    int is_back = is_run_on(t) && is_of(t, called, function);
    if (!is_back && called->before != NO_NODE && t->node[called->before].info.function == function) {
        called->node = called->before;
        called->before = NO_NODE;
        is_back = 1;
    }
    t->frames -= (uint32_t)(is_back && is_run_on(t));
    return is_back;
}

/* A jump to the entry of another function is a tail call, unless the running call went through that entry before. */
static int jump(struct calltree *t, uint32_t function, uint32_t call_site)
{
    const struct frame *top = &t->frame[t->frames - 1];
    uint32_t current = t->node[top->node].info.function;
    if (is_run_on(t) && is_of(t, top - 1, function)) {
        t->frames--;
        return CORE_OK;
    }
    if (top->passage == PASSAGE_FELL_THROUGH && current != NO_FUNCTION && function < current &&
        t->node[top[-1].node].info.function < function)
        return run_on(t, function, call_site, PASSAGE_FELL_THROUGH);
    return replace(t, function, call_site, 1);
}

int calltree_enter(struct calltree *t, uint32_t function, int is_entry, uint32_t address, uint32_t how,
                   uint32_t call_site, uint32_t return_address)
{
    if (how == BRANCH_CALL || how == BRANCH_CALL_INDIRECT)
        return call(t, function, return_address, call_site, 1);
    uint32_t current = calltree_current(t)->info.function;
    if (how == BRANCH_RETURN || how == BRANCH_INDIRECT)
        for (uint32_t at = t->frames; at-- > t->base + 1;)
            if (t->frame[at].return_address == address && t->frame[at].return_address) {
                calltree_unwind(t, at);
                current = calltree_current(t)->info.function;
                return current == function ? CORE_OK : run_on(t, function, call_site, PASSAGE_JUMPED);
            }
    if (current == function)
        return CORE_OK;
    if (is_entry && how != BRANCH_NONE)
        return jump(t, function, call_site);
    if (go_back(t, function))
        return CORE_OK;
    if (how != BRANCH_RETURN && how != BRANCH_INDIRECT)
        return run_on(t, function, call_site, how == BRANCH_NONE ? PASSAGE_FELL_THROUGH : PASSAGE_JUMPED);
    for (uint32_t at = t->frames; at-- > t->base + 1;)
        if (is_of(t, &t->frame[at], function)) {
            calltree_unwind(t, at + 1);              /* longjmp into a function that is still active */
            return CORE_OK;
        }
    return replace(t, function, call_site, 0);
}

int calltree_op_begin(struct calltree *t, int32_t op, uint32_t call_site)
{
    int32_t from = t->frame[t->frames - 1].node;
    int node = node_for(t, from, t->node[from].info.function, op, call_site);
    if (node < 0)
        return node;
    t->node[node].info.calls++;
    return push(t, node, 0, call_site, 1);
}

void calltree_op_end(struct calltree *t)
{
    for (uint32_t at = t->frames; at-- > t->base + 1;)
        if (t->frame[at].is_op) {
            t->frames = at;
            return;
        }
    t->unbalanced_ops++;
}
