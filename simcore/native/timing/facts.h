/* facts.h: whether what Python says of a block fits together, so that no index of it goes astray. */
#ifndef MCUSIM_FACTS_H
#define MCUSIM_FACTS_H

#include "types.h"

/* Of a block of so many bytes. Returns 0 or CORE_ERR_STREAM. */
int facts_check(const struct block_static *f, uint32_t size);

#endif
