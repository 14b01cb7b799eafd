/* records.c: see records.h. */
#include "timing/records.h"

/* Byte offset of a note's instruction from the block's start. */
static uint32_t offset_of(const struct execution *x, uint32_t note) { return (x->note[note] >> 16) * 2 - x->first; }

void records_ran(const struct execution *x, uint8_t *ran)
{
    const struct block_static *f = x->facts;
    for (uint32_t i = 0; i < f->instructions; i++)
        ran[i] = !f->instruction_predicated[i];
    for (uint32_t n = 0; n < x->notes; n++)
        for (uint32_t i = 0; i < f->instructions; i++)
            if (f->instruction_offsets[i] == offset_of(x, n))
                ran[i] = 1;
}

/* Accesses recorded before an exclusive store ran, by its note. */
static uint32_t recorded_before(const struct execution *x, uint32_t instruction)
{
    for (uint32_t n = 0; n < x->notes; n++)
        if (offset_of(x, n) == x->facts->instruction_offsets[instruction])
            return x->note[n] & 0xffff;
    return UINT32_MAX;
}

/* Whether the exclusive store at access i stored: then it was recorded twice, as a read and a write, over
 * what else the block accesses up to its next exclusive store. */
static int exclusive_stored(const struct execution *x, const uint8_t *ran, uint32_t i)
{
    const struct block_static *f = x->facts;
    uint32_t from = recorded_before(x, f->access[i].instruction), to = x->count, others = 0;
    if (from == UINT32_MAX)
        return 0;
    for (i += 2; i < f->accesses; i++) {
        const struct access_static *a = &f->access[i];
        if (a->exclusive) {
            uint32_t next = recorded_before(x, a->instruction);
            to = next == UINT32_MAX ? x->count : next;
            break;
        }
        others += !a->predicated || ran[a->instruction];
    }
    /* A record that was split ends with the access that split it: of what follows not all has run. */
    if (x->is_split && to == x->count && to - from >= 2)
        return x->recorded[from] == x->recorded[from + 1];
    return to - from > others;
}

int records_match(const struct execution *x, const uint8_t *ran, uint32_t *address, uint8_t *present,
                  uint64_t *unmatched)
{
    const struct block_static *f = x->facts;
    uint32_t used = x->before;
    int last = -1, stored = 1;
    for (uint32_t i = 0; i < f->accesses; i++) {
        const struct access_static *a = &f->access[i];
        if (a->exclusive == EXCLUSIVE_CHECK)
            stored = exclusive_stored(x, ran, i);
        present[i] = used < x->count && (!a->predicated || ran[a->instruction]) && (!a->exclusive || stored);
        address[i] = present[i] ? x->recorded[used++] : 0;
        if (a->exclusive == EXCLUSIVE_CHECK)
            present[i] = 0;
        if (present[i])
            last = a->instruction;
    }
    if (used < x->count)
        ++*unmatched;
    return last;
}

uint32_t records_laid(const struct execution *x, const uint8_t *present)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < x->facts->accesses; i++)
        count += present[i] || (x->facts->access[i].exclusive == EXCLUSIVE_CHECK && present[i + 1]);
    return count;
}

int records_next_access(const struct execution *x, const uint8_t *ran)
{
    const struct block_static *f = x->facts;
    uint32_t count = x->count;
    for (uint32_t i = 0; i < f->accesses; i++) {
        const struct access_static *a = &f->access[i];
        if ((!a->predicated || ran[a->instruction]) && count-- == 0)
            return a->instruction;
    }
    return -1;
}
