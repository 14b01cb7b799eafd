/* timings.c: see timings.h. */
#include "timings.h"

#include <stdlib.h>

void timings_free(struct timings *t)
{
    for (uint32_t i = 0; i < t->count; i++) {
        timing_free(t->timing[i]);
        free(t->timing[i]);
    }
    free(t->timing);
    *t = (struct timings){0};
}

struct timing *timings_add(struct timings *t)
{
    if (t->count == t->room) {
        uint32_t room = t->room ? t->room * 2 : 4;
        struct timing **grown = realloc(t->timing, room * sizeof *grown);
        if (!grown)
            return NULL;
        t->timing = grown;
        t->room = room;
    }
    struct timing *added = calloc(1, sizeof *added);
    if (added)
        t->timing[t->count++] = added;
    return added;
}

int timings_consume(void *timings, const uint32_t *words, size_t count)
{
    struct timings *t = timings;
    int result = CORE_OK;
    for (uint32_t i = 0; i < t->count; i++) {
        int status = timing_consume(t->timing[i], words, count);
        if (status < 0)
            return status;
        if (status > 0)          /* a fault of the program: the others come upon it, too */
            result = status;
    }
    return result;
}

uint64_t timings_now(void *timings)
{
    const struct timings *t = timings;
    return t->count ? t->timing[0]->now : 0;
}
