/* mixed.h: an integer workload of control code, to set beside the neural-network kernels. */
#ifndef MIXED_H
#define MIXED_H

#include <stdint.h>

/* One iteration: list, matrix, state machine and checksum over a few KB of data in RAM. Returns a
 * checksum of all results; the same seed gives the same checksum, whatever ran before. */
uint32_t mixed_run(uint32_t seed);

#endif
