/* strip.h: matrix product over a strip of output pixels, the common half of the convolutions.
 *
 * The patches under eight output pixels stand as int16 in four columns, one a pixel pair. A column is
 * a sequence of groups of four words: inputs 0 2, inputs 1 3 of the first pixel, the same of the
 * second. A last group that is not full holds zeros. Who fills the columns decides what the operation
 * is: conv2d_s8.c, pointwise_conv2d_s8.c and conv2d_s16.c do. Private to the kernels.
 */
#ifndef STRIP_H
#define STRIP_H

#include <stdint.h>

#include "dsp.h"

enum { PIXELS_PER_PAIR = 2, PAIRS_PER_STRIP = 4, PIXELS_PER_STRIP = PIXELS_PER_PAIR * PAIRS_PER_STRIP };
enum { WORDS_PER_GROUP = 4 };  /* of a pair's column: four inputs of two pixels, as int16 */

struct sums {                  /* output channels a, b at pixels 0, 1 */
    int32_t a0, a1, b0, b1;
};

/* What all output values of a layer share. */
struct strip {
    int32_t size;              /* values of a patch, and of a row of weights */
    int32_t channels;          /* of the output */
    int32_t output_offset, activation_min, activation_max;
};

/* Words of the column of one pixel pair. */
static inline int32_t strip_column_words(int32_t size)
{
    return (size + 3) / 4 * WORDS_PER_GROUP;
}

/* Bytes of the columns of a whole strip. */
static inline int32_t strip_bytes(int32_t size)
{
    return strip_column_words(size) * PAIRS_PER_STRIP * (int32_t)sizeof(uint32_t);
}

/* Adds 16 MACs: four weights of two channels at four inputs of two pixels. In this order the compiler
 * finds a partner for most SXTB16, which must be the older of a pair, and for most SMLAD, of which a
 * pair holds one; found by trying 70 orders on the model. */
static inline void multiply_group(uint32_t a, uint32_t b, const int16x2_t *column, struct sums *sums)
{
    int16x2_t b_even = unpack_even(b);
    sums->b1 = __smlad(b_even, column[2], sums->b1);
    int16x2_t b_odd = unpack_odd(b);
    sums->b0 = __smlad(b_odd, column[1], sums->b0);
    int16x2_t a_odd = unpack_odd(a);
    sums->a0 = __smlad(a_odd, column[1], sums->a0);
    int16x2_t a_even = unpack_even(a);
    sums->a1 = __smlad(a_even, column[2], sums->a1);
    sums->b1 = __smlad(b_odd, column[3], sums->b1);
    sums->a0 = __smlad(a_even, column[0], sums->a0);
    sums->a1 = __smlad(a_odd, column[3], sums->a1);
    sums->b0 = __smlad(b_even, column[0], sums->b0);
}

/* Adds the dot products of two rows of weights with a pixel pair, whole groups only. */
void multiply_rows(const int8_t *weights_a, const int8_t *weights_b, int32_t groups,
                   const int16x2_t *column, struct sums *result);

/* All output channels of the 1 to 8 pixels of a strip. An odd last channel is computed as a pair with
 * itself and an odd last pixel with whatever its neighbour column holds; the latter is not stored. */
void strip_multiply(const struct strip *strip, const uint32_t *columns, int32_t pixels,
                    const int8_t *weights, const int32_t *bias, const int32_t *multipliers,
                    const int32_t *shifts, int8_t *output);

#endif
