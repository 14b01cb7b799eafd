/* rows.h: rows of int8 weights times a vector of int16, the common half of the fully connected layers.
 *
 * The vector stands in groups of two words, values 0 2 and 1 3; a last group that is not full holds
 * anything, as it meets weights of zero. Private to the kernels.
 */
#ifndef ROWS_H
#define ROWS_H

#include <stdint.h>

#include "dsp.h"

enum { ROWS = 4, WORDS_PER_FOUR = 2 };  /* rows a round, words of four values */

/* sum + four weights times four values. */
static inline int32_t multiply_four(uint32_t four, int16x2_t even, int16x2_t odd, int32_t sum)
{
    return __smlad(unpack_odd(four), odd, __smlad(unpack_even(four), even, sum));
}

/* Adds the dot products of four neighbouring rows, a stride of bytes apart, to sums; whole groups. */
void multiply_four_rows(const int8_t *row0, int32_t stride, const int16x2_t *values, int32_t groups,
                        int32_t *sums);

/* The same for one row. */
void multiply_one_row(const int8_t *row, const int16x2_t *values, int32_t groups, int32_t *sum);

#endif
