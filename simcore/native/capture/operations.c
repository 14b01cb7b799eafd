/* operations.c: the marker functions of mcusim.h and the descriptors that they are given.
 *
 * A descriptor is read each time: a profiler hook fills one anew for each event. What lies at the same address and says
 * the same is the same operation. */
#include "array.h"
#include "capture/state.h"

enum { OPS_MAX = 1 << 12, OP_SLOTS = 1 << 13, OP_MAGIC = 0x4d43504f, OP_BYTES = 40 };

static void read_text(struct capture *c, uint32_t address, char *text)
{
    uint32_t bytes = OP_NAME_MAX - 1;
    memset(text, 0, OP_NAME_MAX);
    if (c->mem_read(c->engine, address, text, bytes) == UC_ERR_OK)
        bytes = 0;
    for (uint32_t i = 0; i < bytes; i++)         /* up to the end of memory */
        if (c->mem_read(c->engine, address + i, text + i, 1) != UC_ERR_OK || !text[i])
            break;
    uint32_t length = 0;
    while (length < OP_NAME_MAX && text[length])
        length++;
    memset(text + length, 0, OP_NAME_MAX - length);
}

static uint32_t word_of(const uint8_t *bytes)
{
    return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

uint32_t operation_new(struct capture *c, uint32_t descriptor)
{
    if (c->ops == OPS_MAX || array_reserve(&c->op, &c->ops_room, c->ops + 1u, 16, sizeof *c->op) != CORE_OK) {
        capture_fail(c, c->ops == OPS_MAX ? CORE_ERR_LIMIT : CORE_ERR_MEMORY);
        return 0;
    }
    c->op[c->ops] = (struct op_info){.descriptor = descriptor, .valid = 1};
    return c->ops++;
}

/* The descriptor's layout is that of struct mcusim_op in kernels/include/mcusim.h. */
static void read_op(struct capture *c, uint32_t descriptor, struct op_info *op)
{
    uint8_t raw[OP_BYTES];
    memset(op, 0, sizeof *op);           /* with what lies between its fields */
    op->descriptor = descriptor;
    if (c->mem_read(c->engine, descriptor, raw, sizeof raw) != UC_ERR_OK || word_of(raw) != OP_MAGIC)
        return;
    op->valid = 1;
    read_text(c, word_of(raw + 4), op->name);
    read_text(c, word_of(raw + 8), op->kind);
    op->macs = word_of(raw + 16) | (uint64_t)word_of(raw + 20) << 32;
    op->ops = word_of(raw + 24) | (uint64_t)word_of(raw + 28) << 32;
    op->param_bytes = word_of(raw + 32);
    op->activation_bytes = word_of(raw + 36);
}

static uint32_t *slot_of(struct capture *c, const struct op_info *op)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < sizeof *op; i++)
        hash = (hash ^ ((const uint8_t *)op)[i]) * 0x100000001b3u;
    uint32_t at = (uint32_t)(hash >> 20) & (OP_SLOTS - 1);
    while (c->op_slot[at] && memcmp(&c->op[c->op_slot[at] - 1], op, sizeof *op) != 0)
        at = (at + 1) & (OP_SLOTS - 1);
    return &c->op_slot[at];
}

/* The number of an operation. Those that are too many are one. */
static uint32_t op_of(struct capture *c, uint32_t descriptor)
{
    struct op_info op;
    read_op(c, descriptor, &op);
    if (!c->op_slot)
        c->op_slot = calloc(OP_SLOTS, sizeof *c->op_slot);
    if (!c->op_slot) {
        capture_fail(c, CORE_ERR_MEMORY);
        return 0;
    }
    uint32_t *slot = slot_of(c, &op);
    if (*slot)
        return *slot - 1;
    if (c->ops == OPS_MAX)
        return OPS_MAX - 1;
    if (array_reserve(&c->op, &c->ops_room, c->ops + 1u, 16, sizeof *c->op) != CORE_OK) {
        capture_fail(c, CORE_ERR_MEMORY);
        return 0;
    }
    if (c->ops == OPS_MAX - 1) {
        memset(&op, 0, sizeof op);
        op.valid = 1;
        memcpy(op.name, "(further operations)", sizeof "(further operations)");
        memcpy(op.kind, "operations", sizeof "operations");
        c->op[c->ops++] = op;
        return OPS_MAX - 1;
    }
    memcpy(&c->op[c->ops++], &op, sizeof op);
    *slot = c->ops;
    return c->ops - 1;
}

/* What markers run is not counted, but no limit is escaped by it: that of instructions shrinks, and more than two
 * instructions a cycle fit into no duration. A halfword holds one instruction at most. */
static void spend(struct capture *c, uint32_t instructions)
{
    uint64_t counted = atomic_load_explicit(&c->instructions, memory_order_relaxed);
    c->marker_instructions += instructions;
    if (c->limit != UINT64_MAX && c->limit - counted < instructions)
        capture_stop_with(c, STOP_MAX_INSTRUCTIONS);
    else if (c->config.max_cycles && c->marker_instructions / 2 > c->config.max_cycles)
        capture_stop_with(c, STOP_CYCLES);
    else if (c->limit != UINT64_MAX)
        c->limit -= instructions;
}

/* Marker functions of mcusim.h: their own blocks stay out of the stream. */
int marker_run(struct capture *c, uint32_t address, uint32_t size)
{
    const struct capture_config *k = &c->config;
    if (address == k->op_begin && k->op_begin) {
        uint32_t descriptor = 0, call_site = 0;
        c->reg_read(c->engine, UC_ARM_REG_R0, &descriptor);
        c->reg_read(c->engine, UC_ARM_REG_LR, &call_site);
        uint32_t payload[2] = {op_of(c, descriptor), call_site & ~1u};
        stream_put(c->stream, RECORD_OP_BEGIN, payload, 2);
    } else if (address == k->op_end && k->op_end) {
        stream_put(c->stream, RECORD_OP_END, NULL, 0);
    }
    if (address - k->op_begin >= k->op_begin_size && address - k->op_end >= k->op_end_size)
        return 0;
    spend(c, size / 2);
    return 1;
}
