/* timings.h: the configurations that one event stream is timed under, side by side.
 *
 * All of them see the same records, so their blocks have the same numbers. Only the first one's time
 * goes back to the program. */
#ifndef MCUSIM_TIMINGS_H
#define MCUSIM_TIMINGS_H

#include "timing.h"

struct timings {
    struct timing **timing;
    uint32_t count, room;
};

void timings_free(struct timings *t);

/* Makes room for one more, all zero; NULL: there is no memory. */
struct timing *timings_add(struct timings *t);

/* The sink of the stream: see struct sink. */
int timings_consume(void *timings, const uint32_t *words, size_t count);
uint64_t timings_now(void *timings);

#endif
