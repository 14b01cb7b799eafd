/* nn_memory.h: where the runner's tensors live and what they hold. */
#ifndef NN_MEMORY_H
#define NN_MEMORY_H

#include <stdint.h>

enum place { SRAM, DTCM, FLASH };

enum { MEMORY_LINE = 32 }; /* what tensors are aligned to: a cache line */

/* Gives all of SRAM and DTCM back. */
void memory_reset(void);

/* Bytes of a place, aligned to a line, uninitialised; fails when they are not there. what: in the error. */
void *memory_take(enum place place, uint32_t bytes, const char *what);

/* Bytes at an offset that the caller chose, a multiple of 4; memory_take() keeps off them. */
void *memory_at(enum place place, uint32_t offset, uint32_t bytes, const char *what);

/* Bytes of SRAM or DTCM given away, up to the end of the highest. */
uint32_t memory_taken(enum place place);

/* Whether memory_take() would succeed. */
int memory_has(enum place place, uint32_t bytes);

/* The next bytes of random int8 or float in flash, or their copy in another place. Calls walk through
 * the flash arrays, and begin again where the rest is too short. */
const int8_t *memory_weights(enum place place, uint32_t count);
const float *memory_weights_f32(enum place place, uint32_t count);

/* Per-channel constants in flash: bias, multipliers, and shifts that are base or base - 1. */
enum { MOST_CHANNELS = 1024, LARGEST_SHIFT = -6, SMALLEST_SHIFT = -14 };

/* Where the next count of them begin; at most MOST_CHANNELS. Walks as memory_weights() does. */
uint32_t memory_channels(uint32_t count);
const int32_t *memory_bias(void);
const int64_t *memory_bias_s64(void);
const float *memory_bias_f32(void);
const int32_t *memory_multipliers(void);
const int32_t *memory_shifts(int32_t base);

/* Word number i of the random sequence of a seed; kernels/generator.py says the same. */
uint32_t random_word(uint32_t seed, uint32_t i);

/* Fills memory with the sequence's words, or with floats made of them: from -1 up to below 1. */
void random_fill(void *to, uint32_t bytes, uint32_t seed);
void random_fill_f32(float *to, uint32_t count, uint32_t seed);

#endif
