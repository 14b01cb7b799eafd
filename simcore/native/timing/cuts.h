/* cuts.h: where a block that ran could have been interrupted. */
#ifndef MCUSIM_CUTS_H
#define MCUSIM_CUTS_H

#include "stream/stream.h"
#include "timing/timing.h"

/* The boundaries of the block of a whole record, in program order: in front of each instruction but the first and
 * those of an IT block, none of a block with exclusive stores, and its end. Returns how many, at most room (which has
 * to be enough). *whole: cycles that the block did not take longer than the last time, memory aside. Negative:
 * core_status. */
int timing_cuts(struct timing *t, const uint32_t *record, struct cut *out, uint32_t room, uint32_t *whole);

#endif
