/* kept_calls.c: calls and operations of what does not run: a context that waits, what a handler interrupts. */
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "timing/calltree.h"

int calltree_keep(struct calltree *t, struct kept_calls *kept)
{
    uint32_t frames = t->frames - 1, opens = t->ops.opens;
    calltree_forget_kept(kept);
    kept->frame = malloc((frames + 1) * sizeof *kept->frame);
    kept->open = malloc((opens + 1) * sizeof *kept->open);
    if (!kept->frame || !kept->open) {
        calltree_forget_kept(kept);
        return CORE_ERR_MEMORY;
    }
    memcpy(kept->frame, t->frame + 1, frames * sizeof *kept->frame);
    if (opens)
        memcpy(kept->open, t->ops.open, opens * sizeof *kept->open);
    kept->frames = frames;
    kept->opens = opens;
    kept->away = t->ops.away;
    kept->since = t->ops.now ? *t->ops.now : 0;
    t->frames = 1;
    t->ops.opens = t->ops.bound = 0;
    return CORE_OK;
}

int calltree_restore(struct calltree *t, struct kept_calls *kept)
{
    struct operations *o = &t->ops;
    if (array_reserve(&t->frame, &t->frames_room, 1 + (uint64_t)kept->frames, 64, sizeof *t->frame) != CORE_OK ||
        array_reserve(&o->open, &o->opens_room, 1 + (uint64_t)kept->opens, 16, sizeof *o->open) != CORE_OK)
        return CORE_ERR_MEMORY;
    memcpy(t->frame + 1, kept->frame, kept->frames * sizeof *kept->frame);
    memcpy(o->open, kept->open, kept->opens * sizeof *kept->open);
    t->frames = 1 + kept->frames;
    o->opens = kept->opens;
    o->away = kept->away + (o->now ? *o->now - kept->since : 0);
    operations_find_bound(o);
    calltree_forget_kept(kept);
    return CORE_OK;
}

void calltree_forget_kept(struct kept_calls *kept)
{
    free(kept->frame);
    free(kept->open);
    memset(kept, 0, sizeof *kept);
}

int calltree_level(struct calltree *t, struct calls_level *level)
{
    struct operations *o = &t->ops;
    *level = (struct calls_level){t->frames, t->base, o->opens, o->base, o->away, o->now ? *o->now : 0};
    o->base = o->opens;
    o->bound = 0;
    return calltree_push_root(t);
}

void calltree_end_level(struct calltree *t, const struct calls_level *level)
{
    struct operations *o = &t->ops;
    calltree_unwind(t, level->frames);
    t->base = level->base;
    operations_drop(o, level->opens);
    o->base = level->ops_base;
    o->away = level->away + (o->now ? *o->now - level->since : 0);
    operations_find_bound(o);
}
