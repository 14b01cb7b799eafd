/* sequel.h: the short way through blocks that come where they came before.
 *
 * Most blocks follow the one before as they did earlier: by a branch that is predicted right, with code that the I-cache
 * holds and nothing in between. What is the same each time a sequel keeps, so that only what may differ is looked at. For
 * a record that was not seen there yet, is a part of a block or says more than addresses, timing_run_block() has all the
 * rules, with the same result. */
#ifndef MCUSIM_SEQUEL_H
#define MCUSIM_SEQUEL_H

#include "timing/timing.h"

/* Times records from the first on for as long as they take the short way. Returns how many words that were, less than
 * `count` when a record does not, when a sample is due or when *status is not 0: that of timing_run_block(). */
size_t sequel_run(struct timing *t, const uint32_t *words, size_t count, int *status);

/* Block `index` has just run in `entry` behind an entry of another block, all of its accesses and none of its notes
 * with it: the next time that may be the short way. Returns 0 or CORE_ERR_MEMORY. */
int sequel_keep(struct timing *t, uint32_t before, uint32_t from, uint32_t index, uint32_t entry);

/* Nothing followed an entry yet: a new one, or one that gives up what it kept. */
void sequel_none(struct entry *e);
void sequel_forget(struct entry *e);

#endif
