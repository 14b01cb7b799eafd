/* timings.h: the configurations that one event stream is timed under, side by side.
 *
 * All of them see the same records, so their blocks have the same numbers. Only the first one's time
 * goes back to the program. Where there are several they share the host's cores: each configuration takes
 * each piece of the stream as a whole on one of them, so nothing hangs on how they share. */
#ifndef MCUSIM_TIMINGS_H
#define MCUSIM_TIMINGS_H

#include "timing/timing.h"

enum { HELPERS_MAX = 15, SHARED_WORDS_MIN = 2048 };  /* shorter pieces are not worth waking anybody for */

struct timings {
    struct timing **timing;
    uint32_t count, room;
    uint8_t by_all_rules;        /* those that are added from now on take no short cut */
    struct helpers *helpers;     /* NULL: they have not been needed yet */
};

void timings_init(struct timings *t);
void timings_free(struct timings *t);

/* Adds a configuration and returns its number or a core_status. Before the stream begins. */
int timings_add(struct timings *t, const struct timing_setup *setup, const struct stream *stream);

/* The sink of the stream: see struct sink. */
int timings_consume(void *timings, const uint32_t *words, size_t count);
uint64_t timings_now(void *timings);

#endif
