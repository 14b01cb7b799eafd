/* moved.h: which memory DMA moved from or to, as addresses of the program. */
#ifndef MCUSIM_MOVED_H
#define MCUSIM_MOVED_H

#include <stdint.h>

#include "peripherals.h"

struct moved {
    struct moved_info range[MOVED_RANGES];   /* sorted, neither overlapping nor touching */
    uint32_t ranges, latest;                 /* where the item before this one went */
};

/* DMA moved some bytes; those of peripherals are left out. Of more ranges than there is room for the nearest join. */
void moved_add(struct moved *m, uint32_t address, uint32_t bytes);

#endif
