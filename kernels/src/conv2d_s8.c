/* conv2d_s8.c: convolution as a matrix product over strips of output pixels.
 *
 * The patches under eight output pixels are unpacked to int16 and stored as four columns of pixel
 * pairs. Then two output channels at a time walk over all columns: each step of four inputs loads
 * two words of weights and four of activations and does 16 MACs in 8 SMLAD, one per cycle at best,
 * with loads and SXTB16 in the other issue slot. A strip of eight pixels reads the weights a quarter
 * as often as single pairs would; that matters where weights come from flash through a small cache.
 */
#include "conv2d_s8.h"

#include <stddef.h>

#include "dsp.h"
#include "requantize.h"

enum { PIXELS_PER_PAIR = 2, PAIRS_PER_STRIP = 4, PIXELS_PER_STRIP = PIXELS_PER_PAIR * PAIRS_PER_STRIP };
enum { WORDS_PER_GROUP = 4 };  /* of a pair's column: four inputs of two pixels, as int16 */

typedef int16_t __attribute__((may_alias)) half_word;  /* the column's words, one input at a time */

struct sums {                  /* output channels a, b at pixels 0, 1 */
    int32_t a0, a1, b0, b1;
};

static inline int32_t smaller(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static int32_t patch_size(const struct conv2d_s8 *layer)
{
    return layer->kernel_height * layer->kernel_width * layer->input_channels;
}

static int32_t column_words(const struct conv2d_s8 *layer)
{
    return (patch_size(layer) + 3) / 4 * WORDS_PER_GROUP;
}

int32_t conv2d_s8_scratch_bytes(const struct conv2d_s8 *layer)
{
    return column_words(layer) * PAIRS_PER_STRIP * (int32_t)sizeof(uint32_t);
}

/* Where input number k of a patch stands in its pixel's column, in int16 from the column's start:
 * groups of four in the order 0 2 1 3, each followed by the group of the other pixel. */
static inline int32_t column_index(int32_t k)
{
    return (k >> 2) * (2 * WORDS_PER_GROUP) + ((k & 1) << 1) + ((k >> 1) & 1);
}

/* Writes count zeroed inputs from place k on. */
static void column_fill_zero(half_word *column, int32_t k, int32_t count)
{
    for (; count > 0 && (k & 3) != 0; k++, count--)
        column[column_index(k)] = 0;
    uint32_t *words = (uint32_t *)(void *)(column + column_index(k));
    for (; count >= 4; k += 4, count -= 4, words += WORDS_PER_GROUP) {
        words[0] = 0;
        words[1] = 0;
    }
    for (; count > 0; k++, count--)
        column[column_index(k)] = 0;
}

/* Writes count inputs, offset added, from place k on. */
static void column_fill(half_word *column, int32_t k, const int8_t *input, int32_t count, int32_t offset)
{
    int16x2_t offsets = broadcast_s16(offset);
    for (; count > 0 && (k & 3) != 0; k++, count--)
        column[column_index(k)] = (int16_t)(*input++ + offset);
    uint32_t *words = (uint32_t *)(void *)(column + column_index(k));
    for (; count >= 4; k += 4, count -= 4, words += WORDS_PER_GROUP) {
        uint32_t four = load_s8x4(input);
        input += 4;
        words[0] = (uint32_t)__sadd16(unpack_even(four), offsets);
        words[1] = (uint32_t)__sadd16(unpack_odd(four), offsets);
    }
    for (; count > 0; k++, count--)
        column[column_index(k)] = (int16_t)(*input++ + offset);
}

/* Unpacks the patch under one output pixel; places outside the input hold the zero point, which is
 * 0 once the offset is added. */
static void column_build(const struct conv2d_s8 *layer, const int8_t *input, int32_t output_y,
                         int32_t output_x, half_word *column)
{
    const int32_t channels = layer->input_channels;
    const int32_t y0 = output_y * layer->stride_height - layer->padding_top;
    const int32_t x0 = output_x * layer->stride_width - layer->padding_left;
    int32_t k = 0;

    for (int32_t ky = 0; ky < layer->kernel_height; ky++) {
        int32_t y = y0 + ky * layer->dilation_height;
        if (y < 0 || y >= layer->input_height) {
            column_fill_zero(column, k, layer->kernel_width * channels);
            k += layer->kernel_width * channels;
            continue;
        }
        const int8_t *row = input + y * layer->input_width * channels;
        for (int32_t kx = 0, taps; kx < layer->kernel_width; kx += taps, k += taps * channels) {
            int32_t x = x0 + kx * layer->dilation_width;
            taps = 1;
            if (x < 0 || x >= layer->input_width) {
                column_fill_zero(column, k, channels);
                continue;
            }
            if (layer->dilation_width == 1) /* the rest of the row lies in one piece */
                taps = smaller(layer->kernel_width - kx, layer->input_width - x);
            column_fill(column, k, row + x * channels, taps * channels, layer->input_offset);
        }
    }
    column_fill_zero(column, k, -k & 3);
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

/* Adds the dot products of two rows of weights with a pixel pair, whole groups only. Out of line, so
 * that the loop has the registers for itself: four sums, three pointers, an end and six operands are
 * all there are. */
static __attribute__((noinline)) void multiply_rows(const int8_t *weights_a, const int8_t *weights_b,
                                                    int32_t groups, const int16x2_t *column,
                                                    struct sums *result)
{
    const int8_t *end = weights_a + 4 * groups;
    struct sums sums = *result;
    while (weights_a != end) {
        multiply_group(load_s8x4(weights_a), load_s8x4(weights_b), column, &sums);
        weights_a += 4;
        weights_b += 4;
        column += WORDS_PER_GROUP;
    }
    *result = sums;
}

/* What turns one channel's sums into outputs, held in registers where stores of int8 could alias the
 * layer's members. */
struct scale {
    int32_t multiplier, shift, offset, low, high;
};

static inline int8_t finish(int32_t sum, const struct scale *scale)
{
    int32_t value = requantize(sum, scale->multiplier, scale->shift) + scale->offset;
    return (int8_t)clamp(value, scale->low, scale->high);
}

/* All output channels of the pixels of one strip. An odd last channel is computed as a pair with
 * itself and an odd last pixel with whatever its neighbour column holds; the latter is not stored. */
static void strip_multiply(const struct conv2d_s8 *layer, const uint32_t *columns, int32_t pixels,
                           const int8_t *weights, const int32_t *bias, const int32_t *multipliers,
                           const int32_t *shifts, int8_t *output)
{
    const int32_t size = patch_size(layer), words = column_words(layer);
    const int32_t groups = size / 4, rest = size % 4;
    const int32_t channels = layer->output_channels, offset = layer->output_offset;
    const int32_t low = layer->activation_min, high = layer->activation_max;

    for (int32_t a = 0; a < channels; a += 2) {
        const int32_t b = smaller(a + 1, channels - 1);
        const int8_t *row_a = weights + a * size, *row_b = weights + b * size;
        const int32_t bias_a = bias ? bias[a] : 0, bias_b = bias ? bias[b] : 0;
        const struct scale scale_a = {multipliers[a], shifts[a], offset, low, high};
        const struct scale scale_b = {multipliers[b], shifts[b], offset, low, high};
        int8_t *out = output;
        for (int32_t pixel = 0; pixel < pixels; pixel += PIXELS_PER_PAIR, out += 2 * channels) {
            const int16x2_t *column = (const int16x2_t *)(const void *)(columns + pixel / 2 * words);
            struct sums sums = {bias_a, bias_a, bias_b, bias_b};
            multiply_rows(row_a, row_b, groups, column, &sums);
            if (rest > 0)
                multiply_group(load_s8_tail(row_a + 4 * groups, rest),
                               load_s8_tail(row_b + 4 * groups, rest),
                               column + groups * WORDS_PER_GROUP, &sums);
            out[a] = finish(sums.a0, &scale_a);
            out[b] = finish(sums.b0, &scale_b);
            if (pixel + 1 < pixels) {
                out[channels + a] = finish(sums.a1, &scale_a);
                out[channels + b] = finish(sums.b1, &scale_b);
            }
        }
    }
}

void conv2d_s8(const struct conv2d_s8 *layer, const int8_t *input, const int8_t *weights,
               const int32_t *bias, const int32_t *multipliers, const int32_t *shifts,
               int8_t *output, void *scratch)
{
    const int32_t pixels = layer->output_height * layer->output_width;
    const int32_t words = column_words(layer);
    uint32_t *columns = scratch;
    int32_t x = 0, y = 0;

    for (int32_t first = 0; first < pixels; first += PIXELS_PER_STRIP) {
        const int32_t count = smaller(pixels - first, PIXELS_PER_STRIP);
        for (int32_t i = 0; i < count; i++) {
            uint32_t *pair = columns + i / PIXELS_PER_PAIR * words;
            column_build(layer, input, y, x, (half_word *)(pair + i % PIXELS_PER_PAIR * 2));
            if (++x == layer->output_width) {
                x = 0;
                y++;
            }
        }
        strip_multiply(layer, columns, count, weights, bias, multipliers, shifts,
                       output + first * layer->output_channels);
    }
}
