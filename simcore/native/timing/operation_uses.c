/* operation_uses.c: which operations data objects are used in. See objects.h. */
#include "array.h"
#include "timing/run.h"

static void keep(struct timing *t, int status)
{
    if (t->objects.status == CORE_OK)
        t->objects.status = status;
}

void timing_ran(struct timing *t, uint32_t block)
{
    struct block *b = &t->blocks.block[block];
    if (b->has_ran || !b->facts.accesses)
        return;
    int status = array_reserve(&t->ran, &t->ran_room, t->ran_used + 1u, 256, sizeof *t->ran);
    keep(t, status);
    if (status != CORE_OK)
        return;
    t->ran[t->ran_used++] = block;
    b->has_ran = 1;
}

void timing_switch_operations(struct timing *t, uint32_t state)
{
    timing_settle(t);
    if (!t->objects.by_state)
        timing_settle_objects(t);        /* nothing was open until now */
    t->objects.by_state = 1;
    for (uint32_t i = 0; i < t->ran_used; i++) {
        struct block *b = &t->blocks.block[t->ran[i]];
        for (uint32_t a = 0; a < b->facts.accesses; a++)
            keep(t, objects_settle(&t->objects, &b->site[a]));
        b->has_ran = 0;
    }
    t->ran_used = 0;
    t->objects.state = state;
}
