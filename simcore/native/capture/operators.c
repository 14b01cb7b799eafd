/* operators.c: calls of an interpreter to the kernels of a network's operators, found by what is called.
 *
 * TensorFlow Lite Micro runs a network by `registration->invoke(context, node)`, with node and registration side by
 * side in memory:
 *
 *     struct NodeAndRegistration { TfLiteNode node; const Registration *registration; };
 *     struct TfLiteNode { const TfLiteIntArray *inputs, *outputs; ... 24 or 28 bytes in all };
 *     struct Registration { init, free, prepare, invoke; ... };
 *
 * (tensorflow/lite/micro/micro_allocator.h, tensorflow/lite/c/common.h, 2021 to 2026.) So a BLX that calls what stands
 * at word 3 of what a word behind R1 points to is that call, whatever the compiler made of the functions around it, and
 * without a symbol. Python then says whether the lists of tensors are those of a model in memory. */
#include "array.h"
#include "capture/state.h"

enum {
    CALLS_MAX = 1 << 14,         /* different operators */
    STRANGE_MAX = 8,             /* calls at a site that are none, before it is looked at no more */
    NODE_FIRST = 5,
    NODE_LAST = 10,  /* words of a node in front of its registration */
    INVOKE = 3,                  /* word of a registration */
};

void operators_watch(struct capture *c, void *self, core_operator_fn *ask)
{
    c->operators.ask = ask;
    c->operators.asker = self;
}

int operators_is_call(const struct capture *c, const uint8_t *code, uint32_t size)
{
    uint32_t at = 0, last = 0;
    if (!c->operators.ask)
        return 0;
    for (; at + 2 <= size; at += thumb_length((uint16_t)(code[at] | code[at + 1] << 8)))
        last = at;
    return at == size && code[last + 1] == 0x47 && (code[last] & 0x87) == 0x80;      /* BLX register */
}

/* Words of memory, and only of memory: to read a register of a peripheral has effects. */
static int read_words(struct capture *c, uint32_t address, uint32_t *word, uint32_t count)
{
    for (uint32_t i = 0; address % 4 == 0 && i < c->regions; i++) {
        const struct region_config *r = &c->region[i];
        uint32_t inside = address - r->base;
        if (r->kind < REGION_PERIPHERAL && inside < r->size && count * 4 <= r->size - inside)
            return c->mem_read(c->engine, address, word, count * 4) == UC_ERR_OK;
    }
    return 0;
}

/* The words of a node, if the function called is its registration's. */
static int read_call(struct capture *c, uint32_t target, struct operator_call *call)
{
    uint32_t word[NODE_LAST + 1], invoke[INVOKE + 1];
    call->node = register_of(c, UC_ARM_REG_R1);
    uint32_t words = call->node ? NODE_LAST + 1 : 0;
    while (words > NODE_FIRST && !read_words(c, call->node, word, words))
        words--;                                 /* memory ends behind it */
    for (uint32_t at = NODE_FIRST; at < words; at++)
        if (word[at] && read_words(c, word[at], invoke, INVOKE + 1) && invoke[INVOKE] == (target | 1)) {
            call->target = target;
            call->context = register_of(c, UC_ARM_REG_R0);
            call->inputs = word[0];
            call->outputs = word[1];
            call->node_bytes = 4 * (at + 1);
            return 1;
        }
    return 0;
}

static int is_same(const struct operator_call *a, const struct operator_call *b)
{
    return a->node == b->node && a->inputs == b->inputs && a->outputs == b->outputs && a->target == b->target;
}

/* What is known of a call; asked for when it is new. NULL: the run fails. */
static const struct operator_known *known_call(struct capture *c, struct operator_call *call)
{
    struct operators *o = &c->operators;
    for (uint32_t i = 0; i < o->count; i++) {
        uint32_t at = (o->last + 1 + i) % o->count;      /* most often the one behind the last */
        if (is_same(&o->known[at].call, call)) {
            o->last = at;
            return &o->known[at];
        }
    }
    if (o->count == CALLS_MAX || array_reserve(&o->known, &o->room, o->count + 1u, 64, sizeof *o->known) != CORE_OK) {
        capture_fail(c, o->count == CALLS_MAX ? CORE_ERR_LIMIT : CORE_ERR_MEMORY);
        return NULL;
    }
    struct operator_known *k = &o->known[o->count];
    *k = (struct operator_known){.call = *call};
    k->call.op = (int32_t)c->ops;
    int answer = o->ask(o->asker, &k->call, k->objects);
    if (answer < 0) {
        capture_fail(c, answer);
        return NULL;
    }
    k->is_operator = (uint8_t)answer;
    if (answer)
        k->call.op = (int32_t)operation_new(c, call->node);
    o->last = o->count++;
    return k;
}

static void tell_objects(struct capture *c, uint32_t table)
{
    if (table != c->operators.table)
        stream_put(c->stream, RECORD_OBJECTS, &table, 1);
    c->operators.table = table;
}

/* The innermost operator has come back, or will not. */
static void close_innermost(struct capture *c)
{
    struct operators *o = &c->operators;
    uint32_t table = o->open[--o->depth].objects[1];
    o->back = NO_RETURN;
    if (o->depth) {                              /* the one that runs its subgraph goes on */
        o->back = o->open[o->depth - 1].back;
        table = o->open[o->depth - 1].objects[0];
    }
    stream_put(c->stream, RECORD_OP_END, NULL, 0);
    tell_objects(c, table);
}

void operators_called(struct capture *c, uint32_t target)
{
    struct operators *o = &c->operators;
    struct captured *d = &c->captured[o->caller - 1];
    uint32_t back = d->address + d->size;
    struct operator_call call = {.site = back - 2};
    o->caller = 0;
    if (!read_call(c, target, &call)) {
        if (!d->calls_operators && ++d->strange == STRANGE_MAX)
            d->calls = 0;
        return;
    }
    d->calls_operators = 1;
    const struct operator_known *k = known_call(c, &call);
    if (!k || !k->is_operator)
        return;
    uint32_t sp = register_of(c, UC_ARM_REG_SP);
    while (o->depth && o->open[o->depth - 1].task == c->tasks.running && o->open[o->depth - 1].sp <= sp)
        close_innermost(c);                      /* left by longjmp */
    if (o->depth == OPERATORS_OPEN) {
        memmove(o->open, o->open + 1, (OPERATORS_OPEN - 1) * sizeof *o->open);
        o->depth--;
    }
    o->open[o->depth++] = (struct operator_open){back, sp, c->tasks.running, {k->objects[0], k->objects[1]}};
    o->back = back;
    tell_objects(c, k->objects[0]);
    uint32_t payload[2] = {(uint32_t)k->call.op, call.site};
    stream_put(c->stream, RECORD_OP_BEGIN, payload, 2);
}

void operators_returned(struct capture *c)
{
    struct operators *o = &c->operators;
    uint32_t sp = register_of(c, UC_ARM_REG_SP), at = o->depth;
    while (at && (o->open[at - 1].sp != sp || o->open[at - 1].back != o->back))
        at--;
    while (at && o->depth >= at)
        close_innermost(c);
}
