/* calltree.c: see calltree.h. */
#include "timing/calltree.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "timing/one_call.h"

static int add_node(struct calltree *t, int32_t parent, uint32_t function, int32_t op, uint32_t state,
                    uint32_t call_site)
{
    uint64_t *counters = calloc(t->width, sizeof *counters);
    if (!counters || array_reserve(&t->node, &t->nodes_room, t->nodes + 1u, 64, sizeof *t->node) != CORE_OK) {
        free(counters);
        return CORE_ERR_MEMORY;
    }
    struct node *n = &t->node[t->nodes];
    uint32_t context = parent > 0 ? t->node[parent].info.context : t->context;
    *n = (struct node){{parent, function, op, state, call_site, context, 0}, NO_NODE, NO_NODE, counters};
    if (parent != NO_NODE) {
        n->next_sibling = t->node[parent].first_child;
        t->node[parent].first_child = (int32_t)t->nodes;
    }
    return (int)t->nodes++;
}

static int push(struct calltree *t, int32_t node, uint32_t state, uint32_t return_address, uint32_t call_site)
{
    if (t->frames == FRAMES_MAX) {       /* keep the newest: the oldest frame above the root goes */
        t->lost_frames++;
        memmove(t->frame + 1, t->frame + 2, (t->frames - 2) * sizeof *t->frame);
        t->frames--;
        t->base -= t->base > 0;
        operations_shift(&t->ops);
    }
    if (array_reserve(&t->frame, &t->frames_room, t->frames + 1u, 64, sizeof *t->frame) != CORE_OK)
        return CORE_ERR_MEMORY;
    t->frame[t->frames++] =
        (struct frame){node, node, return_address, call_site, t->sp, t->stack, state, 0, NO_NODE, PASSAGE_CALL};
    return CORE_OK;
}

int calltree_init(struct calltree *t, uint32_t width)
{
    memset(t, 0, sizeof *t);
    t->width = width;
    t->ops.most_states = STATES_MAX;
    int root = add_node(t, NO_NODE, NO_FUNCTION, -1, NO_STATE, 0);
    return root < 0 ? root : push(t, root, NO_STATE, 0, 0);
}

void calltree_free(struct calltree *t)
{
    for (uint32_t i = 0; i < t->nodes; i++)
        free(t->node[i].counters);
    free(t->node);
    free(t->frame);
    operations_free(&t->ops);
    memset(t, 0, sizeof *t);
}

/* A child of a node that is a call of a function, or the function with operation `op` open. The one that was asked for
 * last is looked at first: of a thousand calls that are operations of their own there are as many. */
static int32_t child_of(struct calltree *t, int32_t from, uint32_t function, int32_t op, uint32_t call_site)
{
    int32_t before = NO_NODE;
    for (int32_t child = t->node[from].first_child; child != NO_NODE; child = t->node[child].next_sibling) {
        const struct node_info *info = &t->node[child].info;
        if (info->function == function && info->op == op && (info->call_site == call_site || op >= 0) &&
            (from || info->context == t->context)) {
            if (before != NO_NODE) {
                t->node[before].next_sibling = t->node[child].next_sibling;
                t->node[child].next_sibling = t->node[from].first_child;
                t->node[from].first_child = child;
            }
            return child;
        }
        before = child;
    }
    return NO_NODE;
}

static int full(struct calltree *t, int32_t from)
{
    t->lost_frames++;
    return from;
}

/* The node of a call from a node: itself or an ancestor for recursion, else a child, made if missing. */
static int node_for(struct calltree *t, int32_t from, uint32_t function, uint32_t call_site)
{
    int32_t child = child_of(t, from, function, -1, call_site);
    if (child != NO_NODE)
        return child;
    for (int32_t up = from; up > 0 && t->node[up].info.op < 0; up = t->node[up].info.parent)
        if (t->node[up].info.function == function)
            return up;
    return t->nodes >= NODES_MAX ? full(t, from) : add_node(t, from, function, -1, t->node[from].info.state, call_site);
}

/* The node of a function in which an operation is open that is not in another node of it. */
static int op_node(struct calltree *t, int32_t from, uint32_t state, uint32_t call_site)
{
    uint32_t function = t->node[from].info.function;
    int32_t op = (int32_t)operations_innermost(&t->ops, state), child = child_of(t, from, function, op, call_site);
    if (child != NO_NODE)
        return child;
    return t->nodes >= NODES_MAX ? full(t, from) : add_node(t, from, function, op, state, call_site);
}

/* The same calls in another state: operations that are over are taken out of the path of a node, those that have come
 * stand at its end. */
static int with_state(struct calltree *t, int32_t node, uint32_t state, uint32_t call_site)
{
    struct node_info n = t->node[node].info;
    if (n.state == state)
        return node;
    if (operations_common(&t->ops, n.state, state) == n.state) {
        int from = with_state(t, node, operations_around(&t->ops, state), call_site);
        return from < 0 ? from : op_node(t, from, state, call_site);
    }
    if (n.op >= 0)
        return with_state(t, n.parent, state, call_site);
    uint32_t above = operations_common(&t->ops, t->node[n.parent].info.state, state);
    int from = with_state(t, n.parent, above, 0);
    int again = from < 0 ? from : node_for(t, from, n.function, n.call_site);
    return again < 0 ? again : with_state(t, again, state, call_site);
}

/* The node of the running function with what is open now. A root holds calls of all kinds, so it keeps its own. */
static int current(struct calltree *t)
{
    struct frame *top = &t->frame[t->frames - 1];
    int node = with_state(t, top->node, operations_state(&t->ops), 0);
    if (node >= 0 && t->frames > t->base + 1)
        top->node = node;
    return node;
}

/* Whether the running function was left in another state. */
static int settle(struct calltree *t)
{
    const struct frame *top = &t->frame[t->frames - 1];
    if (t->node[top->node].info.state == operations_state(&t->ops) || t->frames == t->base + 1)
        return t->ops.status;
    int node = current(t);
    if (node < 0)
        t->ops.status = node;
    return t->ops.status;
}

static int asks(const struct calltree *t) { return t->ops.asks || t->ops.one_call; }

/* A call that is an operation opens it; the frame has this index. */
static int begin_called(struct calltree *t, uint32_t function, uint32_t call_site, uint32_t frame)
{
    uint32_t *made = &t->frame[t->frames - 1].made;
    int status = t->ops.one_call ? one_call_begins(&t->ops, function, frame) : CORE_OK;
    for (uint32_t i = 0; status == CORE_OK && i < t->ops.asks; i++) {
        int64_t row = operations_called(&t->ops, i, function, call_site, made, t->nodes);
        if (row != NO_ROW)
            status = row < 0 ? (int)row : operations_begin(&t->ops, (uint32_t)row, frame);
    }
    return status;
}

/* What has opened behind so many others opened in this node. Returns the node inside of all that is open. */
static int open_in(struct calltree *t, int node, uint32_t opens, uint32_t call_site)
{
    for (; node >= 0 && opens < t->ops.opens; opens++) {
        struct open_op *op = &t->ops.open[opens];
        node = with_state(t, node, op->state, call_site);
        if (node >= 0)
            t->node[node].info.calls += !op->again;
        op->node = node;
    }
    return node < 0 ? node : with_state(t, node, operations_state(&t->ops), 0);
}

static int call(struct calltree *t, uint32_t function, uint32_t return_address, uint32_t call_site, int is_call)
{
    uint32_t opens = t->ops.opens, around = operations_state(&t->ops);
    int is_outermost = t->frames == t->base + 1;     /* of no function that an operation could open in */
    int status = asks(t) && is_call ? begin_called(t, function, call_site, t->frames) : CORE_OK;
    int from = status < 0 ? status : with_state(t, t->frame[t->frames - 1].node, around, 0);
    if (!is_outermost)
        from = open_in(t, from, opens, call_site);
    int node = from < 0 ? from : node_for(t, from, function, call_site);
    int inside = is_outermost ? open_in(t, node, opens, call_site) : node;
    if (inside < 0)
        return inside;
    t->node[node].info.calls += (uint64_t)is_call;
    status = push(t, inside, operations_state(&t->ops), return_address, call_site);
    t->frame[t->frames - 1].span = node;
    return status;
}

void calltree_unwind(struct calltree *t, uint32_t frames)
{
    t->frames = frames < t->frames ? frames : t->frames;
    if (t->ops.bound >= t->frames)
        operations_unwind(&t->ops, t->frames);
}

void calltree_unwind_to(struct calltree *t, uint32_t stack, uint32_t sp)
{
    while (t->frames > t->base + 1 && t->frame[t->frames - 1].stack == stack && t->frame[t->frames - 1].sp < sp)
        calltree_unwind(t, t->frames - 1);
    (void)settle(t);                     /* who settles next is told */
}

int calltree_push_root(struct calltree *t)
{
    int status = push(t, 0, NO_STATE, 0, 0);
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

/* Another function takes the place of the running one: by a tail call, or by a way that is none. What was open around
 * the call of that one, and still is, stands above. */
static int replace(struct calltree *t, uint32_t function, uint32_t call_site, int is_call)
{
    t->frames -= (uint32_t)is_run_on(t);
    struct frame *top = &t->frame[t->frames - 1];
    if (t->frames == t->base + 1)
        return call(t, function, 0, call_site, is_call);
    uint32_t site = top->call_site ? top->call_site : call_site, opens = t->ops.opens;
    if (top->call_site && !t->node[top->node].info.call_site)
        site = 0;                        /* of a handler: one node for all places where it interrupts */
    uint32_t above = operations_common(&t->ops, top->state, operations_state(&t->ops));
    int status = asks(t) && is_call ? begin_called(t, function, call_site, t->frames - 1) : CORE_OK;
    int from = status < 0 ? status : with_state(t, top[-1].node, above, 0);
    int node = from < 0 ? from : node_for(t, from, function, site);
    int now = node < 0 ? node : open_in(t, node, opens, call_site);
    if (now < 0)
        return now;
    t->node[node].info.calls += (uint64_t)is_call;
    if (is_call || top->before == NO_NODE)
        top->before = top->node;
    top->node = now;
    top->span = node;
    return CORE_OK;
}

/* Code of another function runs on in a call: a frame above that of the function that was called. */
static int run_on(struct calltree *t, uint32_t function, uint32_t call_site, enum passage passage)
{
    if (is_run_on(t) && t->frame[--t->frames].passage == PASSAGE_JUMPED)
        passage = PASSAGE_JUMPED;
    uint32_t site = passage == PASSAGE_JUMPED ? call_site : 0;
    int from = current(t), node = from < 0 ? from : node_for(t, from, function, site);
    int status = node < 0 ? node : push(t, node, operations_state(&t->ops), 0, site);
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
        called->node = called->span = called->before;
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

static int enter(struct calltree *t, uint32_t function, int is_entry, uint32_t address, uint32_t how,
                 uint32_t call_site, uint32_t return_address)
{
    if (how == BRANCH_CALL || how == BRANCH_CALL_INDIRECT)
        return call(t, function, return_address, call_site, 1);
    uint32_t running = calltree_current(t)->info.function;
    if (how == BRANCH_RETURN || how == BRANCH_INDIRECT)
        for (uint32_t at = t->frames; at-- > t->base + 1;)
            if (t->frame[at].return_address == address && t->frame[at].return_address) {
                calltree_unwind(t, at);
                running = calltree_current(t)->info.function;
                return running == function ? CORE_OK : run_on(t, function, call_site, PASSAGE_JUMPED);
            }
    if (running == function)
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

int calltree_enter(struct calltree *t, uint32_t function, int is_entry, uint32_t address, uint32_t how,
                   uint32_t call_site, uint32_t return_address)
{
    int status = enter(t, function, is_entry, address, how, call_site, return_address);
    return status == CORE_OK ? settle(t) : status;
}

int calltree_op_begin(struct calltree *t, uint32_t descriptor, uint32_t call_site)
{
    struct operations *o = &t->ops;
    uint32_t opens = o->opens;
    int row = operations_marked(o, descriptor);
    int status = row < 0 ? row : operations_begin(o, (uint32_t)row, 0);
    int node = status < 0 ? status : open_in(t, t->frame[t->frames - 1].node, opens, call_site);
    return node < 0 ? node : settle(t);
}

int calltree_op_end(struct calltree *t)
{
    struct operations *o = &t->ops;
    if (operations_end(o)) {
        (void)settle(t);
        return 1;
    }
    if (!o->lost.count++)
        o->lost = (struct op_lost_info){1, calltree_current(t)->info.function, NO_ROW};
    return 0;
}
