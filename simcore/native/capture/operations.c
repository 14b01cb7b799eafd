/* operations.c: the marker functions of mcusim.h and the descriptors that they are given. */
#include "array.h"
#include "capture/state.h"

enum { OPS_MAX = 1 << 16, OP_MAGIC = 0x4d43504f, OP_BYTES = 40 };

static void read_text(struct capture *c, uint32_t address, char *text)
{
    for (uint32_t i = 0; i + 1 < OP_NAME_MAX; i++)
        if (c->mem_read(c->engine, address + i, text + i, 1) != UC_ERR_OK || !text[i]) {
            text[i] = 0;
            return;
        }
    text[OP_NAME_MAX - 1] = 0;
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
static uint32_t op_of(struct capture *c, uint32_t descriptor)
{
    for (uint32_t i = 0; i < c->ops; i++)
        if (c->op[i].descriptor == descriptor)
            return i;
    uint32_t index = operation_new(c, descriptor);
    if (c->status != CORE_OK)
        return 0;
    struct op_info *op = &c->op[index];
    uint8_t raw[OP_BYTES];
    op->valid = 0;
    if (c->mem_read(c->engine, descriptor, raw, sizeof raw) == UC_ERR_OK && word_of(raw) == OP_MAGIC) {
        op->valid = 1;
        read_text(c, word_of(raw + 4), op->name);
        read_text(c, word_of(raw + 8), op->kind);
        op->macs = word_of(raw + 16) | (uint64_t)word_of(raw + 20) << 32;
        op->ops = word_of(raw + 24) | (uint64_t)word_of(raw + 28) << 32;
        op->param_bytes = word_of(raw + 32);
        op->activation_bytes = word_of(raw + 36);
    }
    return index;
}

/* Marker functions of mcusim.h: their own blocks stay out of the stream. */
int marker_run(struct capture *c, uint32_t address)
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
    return address - k->op_begin < k->op_begin_size || address - k->op_end < k->op_end_size;
}
