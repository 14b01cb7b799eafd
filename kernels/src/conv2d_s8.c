/* conv2d_s8.c: convolution as a matrix product over strips of output pixels.
 *
 * The patches under eight output pixels are unpacked to int16, offset added, and multiplied with all
 * weights by strip.c.
 */
#include "conv2d_s8.h"

#include "dsp.h"
#include "strip.h"

typedef int16_t __attribute__((may_alias)) half_word;  /* the column's words, one input at a time */

static inline int32_t smaller(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static int32_t patch_size(const struct conv2d_s8 *layer)
{
    return layer->kernel_height * layer->kernel_width * layer->input_channels;
}

int32_t conv2d_s8_scratch_bytes(const struct conv2d_s8 *layer)
{
    return strip_bytes(patch_size(layer));
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

void conv2d_s8(const struct conv2d_s8 *layer, const int8_t *input, const int8_t *weights,
               const int32_t *bias, const int32_t *multipliers, const int32_t *shifts,
               int8_t *output, void *scratch)
{
    const int32_t pixels = layer->output_height * layer->output_width;
    const int32_t words = strip_column_words(patch_size(layer));
    const struct strip strip = {patch_size(layer), layer->output_channels, layer->output_offset,
                                layer->activation_min, layer->activation_max};
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
        strip_multiply(&strip, columns, count, weights, bias, multipliers, shifts,
                       output + first * layer->output_channels);
    }
}
