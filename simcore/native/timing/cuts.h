/* cuts.h: where a block that ran could have been interrupted. */
#ifndef MCUSIM_CUTS_H
#define MCUSIM_CUTS_H

#include "stream/stream.h"
#include "timing/timing.h"

/* The boundaries of the block of a record that is not partial, or of the rest of it, in program order: where it
 * begins, in front of each instruction up to one that stores exclusively, and its end. Returns how many but the first,
 * at most room (which has to be enough), and only the end when all of it does not take longer than so many cycles.
 * Negative: core_status. */
int timing_cuts(struct timing *t, const uint32_t *record, uint64_t cycles, struct cut *out, uint32_t room);

#endif
