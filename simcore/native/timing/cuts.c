/* cuts.c: see cuts.h. */
#include "timing/cuts.h"

#include "timing/records.h"

int timing_cuts(struct timing *t, const uint32_t *record, struct cut *out, uint32_t room)
{
    static _Thread_local uint8_t ran[INSTRUCTIONS_MAX];
    uint32_t id = record[0] & RECORD_ID, accesses = record[1] & 0xffff;
    int index = blocks_whole(&t->blocks, id);
    if (index < 0)
        index = blocks_for(&t->blocks, &t->memory, id, 0, t->stream->definition[id].size);
    if (index < 0)
        return index;
    const struct block *b = &t->blocks.block[index];
    struct execution x = {&b->facts, 0, record + 2, accesses, record + 2 + accesses, record[1] >> 16};
    if (b->exclusive)
        return 0;
    records_ran(&x, ran);
    uint32_t count = 0, used = 0, access = 0;
    for (uint32_t i = 1; i < b->facts.instructions && count < room; i++) {
        for (; access < b->facts.accesses && b->facts.access[access].instruction < i; access++)
            used += ran[b->facts.access[access].instruction];
        if (!b->facts.instruction_predicated[i] && used <= accesses)
            out[count++] = (struct cut){b->facts.instruction_offsets[i], used};
    }
    return (int)count;
}
