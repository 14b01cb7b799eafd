/* packed.c: facts of a block as bytes that hang on no address (simcore/core/facts.py), so that what was made once is
 * told again, to another configuration or by a file of another run. Bytes that a file holds may be anything: what C
 * reads by is checked here, the rest in timing/blocks.c. */
#include "packed.h"

#include <string.h>

/* 32-bit words in front of the arrays. */
enum {
    SIZE,
    CODE_BYTES,
    BRANCH,
    PREDICATED,
    BRANCH_OFFSET,
    DISTANCE,
    INSTRUCTIONS,
    ACCESSES,
    PROBES,
    NOTES,
    BARRIERS,
    STRETCHES,
    MOVES,
    STACK_ACCESS,
    STACK_OFFSET,
    HEAD_WORDS = 16
};

enum { ARRAYS = 10, ITEMS_MAX = 1 << 15 };

struct array {
    const void **at;             /* the pointer to it in block_static */
    size_t bytes;
};

/* The arrays of a block, those of the widest items first. */
static void arrays_of(struct block_static *b, struct array out[ARRAYS])
{
    struct array all[ARRAYS] = {
        {(const void **)&b->counters, COUNTER_STATIC * sizeof *b->counters},
        {(const void **)&b->stretch, b->stretches * sizeof *b->stretch},
        {(const void **)&b->stack_move, b->stack_moves * sizeof *b->stack_move},
        {(const void **)&b->access, b->accesses * sizeof *b->access},
        {(const void **)&b->probe, b->probes * sizeof *b->probe},
        {(const void **)&b->note, b->notes * sizeof *b->note},
        {(const void **)&b->barrier, b->barriers * sizeof *b->barrier},
        {(const void **)&b->instruction_offsets, b->instructions * sizeof *b->instruction_offsets},
        {(const void **)&b->instruction_predicated, b->instructions},
        {(const void **)&b->macs, b->instructions},
    };
    memcpy(out, all, sizeof all);
}

static size_t padded(size_t bytes) { return (bytes + 7) & ~(size_t)7; }

static int is_direct(uint32_t branch)
{
    return branch == BRANCH_CONDITIONAL || branch == BRANCH_DIRECT || branch == BRANCH_CALL;
}

/* Whether all that indexes something lies in it, as far as timing/blocks.c does not look. */
static int is_sound(const struct block_static *b, uint32_t code_bytes, uint32_t extra_tables)
{
    uint32_t before = 0;
    for (uint32_t i = 0; i < b->instructions; i++) {
        uint32_t at = b->instruction_offsets[i];
        if (i ? at <= before || at >= code_bytes : at != 0)
            return 0;
        if (b->instruction_predicated[i] > 1)
            return 0;
        before = at;
    }
    for (uint32_t i = 0; i < b->accesses; i++) {
        const struct access_static *a = &b->access[i];
        if (a->size == 0 || a->size > 8 || (a->size & (a->size - 1)) || a->is_write > 1 || a->predicated > 1 ||
            a->exclusive > EXCLUSIVE_STORE || a->instruction >= b->instructions ||
            (i && a->instruction < b->access[i - 1].instruction))
            return 0;
    }
    for (uint32_t i = 0; i < b->probes; i++)
        if (b->probe[i].kind > PROBE_SAME_WORD)
            return 0;
    for (uint32_t i = 0; i < b->notes; i++)
        if (b->note[i].table >= extra_tables || b->note[i].instruction >= b->instructions)
            return 0;
    for (uint32_t i = 0; i < b->stack_moves; i++)
        if (b->stack_move[i].kind > STACK_SET || b->stack_move[i].access < -1)
            return 0;
    return 1;
}

int core_unpack_block(const uint8_t *packed, uint32_t size, uint32_t address, uint32_t code_bytes,
                      uint32_t extra_tables, struct block_static *out)
{
    uint32_t head[HEAD_WORDS];
    if (size < sizeof head)
        return CORE_ERR_STREAM;
    memcpy(head, packed, sizeof head);
    if (head[SIZE] != size || head[CODE_BYTES] != code_bytes || head[BRANCH] > BRANCH_TABLE || head[PREDICATED] > 1 ||
        head[BRANCH_OFFSET] >= code_bytes)
        return CORE_ERR_STREAM;
    for (int i = INSTRUCTIONS; i <= MOVES; i++)
        if (head[i] >= ITEMS_MAX)
            return CORE_ERR_STREAM;
    if (!head[INSTRUCTIONS] || !head[STRETCHES] || (int32_t)head[STACK_ACCESS] < -1 ||
        (int32_t)head[STACK_ACCESS] >= (int32_t)head[ACCESSES])
        return CORE_ERR_STREAM;
    struct block_static b = {.branch = (uint8_t)head[BRANCH],
                             .branch_predicated = (uint8_t)head[PREDICATED],
                             .branch_address = head[BRANCH] ? address + head[BRANCH_OFFSET] : 0,
                             .branch_target = is_direct(head[BRANCH]) ? address + head[DISTANCE] : 0,
                             .instructions = (uint16_t)head[INSTRUCTIONS],
                             .accesses = (uint16_t)head[ACCESSES],
                             .probes = (uint16_t)head[PROBES],
                             .notes = (uint16_t)head[NOTES],
                             .barriers = (uint16_t)head[BARRIERS],
                             .stretches = (uint16_t)head[STRETCHES],
                             .stack_moves = (uint16_t)head[MOVES],
                             .stack_access = (int32_t)head[STACK_ACCESS],
                             .stack_offset = (int32_t)head[STACK_OFFSET],
                             .function = out->function,
                             .function_bytes = out->function_bytes,
                             .is_function_entry = out->is_function_entry};
    struct array array[ARRAYS];
    arrays_of(&b, array);
    size_t at = sizeof head;
    for (int i = 0; i < ARRAYS; i++) {
        *array[i].at = packed + at;
        at += padded(array[i].bytes);
    }
    if (at != size || !is_sound(&b, code_bytes, extra_tables))
        return CORE_ERR_STREAM;
    *out = b;
    return CORE_OK;
}

void core_unpack_schedule(const uint32_t *packed, struct block_schedule *out)
{
    out->cycles_by_cause = packed + 2;
    out->dual_issues = packed[0];
    out->mispredict_cycles = packed[1];
    out->access_cycles = (const int16_t *)(packed + 2 + CAUSE_COUNT);
}
