/* softmax_s8.h: softmax of int8 rows in fixed point. The output's scale is 1/256, its zero point -128,
 * as the TFLite specification fixes them; results are those of TFLite's integer reference. */
#ifndef SOFTMAX_S8_H
#define SOFTMAX_S8_H

#include <stdint.h>

struct softmax_s8 {
    int32_t rows, columns;       /* each row is a softmax of its own */
    int32_t multiplier, shift;   /* beta * input scale * 2^26 as multiplier * 2^(shift - 31), shift >= 0 */
    int32_t smallest_difference; /* to the row's maximum; what lies below counts as 0. See below. */
};

/* The smallest_difference that belongs to a shift: where the scaled difference leaves 5 integer bits. */
int32_t softmax_s8_smallest_difference(int32_t shift);

/* Bytes of scratch that softmax_s8() needs, to be 4-byte aligned. */
int32_t softmax_s8_scratch_bytes(const struct softmax_s8 *layer);

/* Computes each exponential once and keeps it in scratch. */
void softmax_s8(const struct softmax_s8 *layer, const int8_t *input, int8_t *output, void *scratch);

/* Computes each exponential twice, for the sum and for the quotient. */
void softmax_s8_plain(const struct softmax_s8 *layer, const int8_t *input, int8_t *output);

#endif
