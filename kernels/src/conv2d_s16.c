/* conv2d_s16.c: conv2d_s8.c with activations that are wide already.
 *
 * A product is at most 2^22 in magnitude, so 511 of them fit an int32: sums are 32 bits wide within a
 * block of so many, 127 groups and a tail of 3, and 64 bits between blocks, which is exact and costs next to nothing.
 */
#include "conv2d_s16.h"

#include "dsp.h"
#include "requantize.h"
#include "strip.h"

enum { GROUPS_PER_BLOCK = 127 };

typedef int16_t __attribute__((may_alias)) half_word;  /* the column's words, one input at a time */

static int32_t patch_size(const struct conv2d_s16 *layer)
{
    return layer->kernel_height * layer->kernel_width * layer->input_channels;
}

int32_t conv2d_s16_scratch_bytes(const struct conv2d_s16 *layer)
{
    return strip_bytes(patch_size(layer));
}

/* Where input number k of a patch stands in its pixel's column, in int16 from the column's start. */
static inline int32_t column_index(int32_t k)
{
    return (k >> 2) * (2 * WORDS_PER_GROUP) + ((k & 1) << 1) + ((k >> 1) & 1);
}

/* Writes count inputs, or zeros where input is a null pointer, from place k on. */
static void column_fill(half_word *column, int32_t k, const int16_t *input, int32_t count)
{
    const int32_t step = input ? 1 : 0;
    const int16_t nothing[4] = {0, 0, 0, 0};
    input = input ? input : nothing;
    for (; count > 0 && (k & 3) != 0; k++, count--, input += step)
        column[column_index(k)] = *input;
    uint32_t *words = (uint32_t *)(void *)(column + column_index(k));
    for (; count >= 4; k += 4, count -= 4, input += 4 * step, words += WORDS_PER_GROUP) {
        uint32_t first = load_s16x2(input), second = load_s16x2(input + 2);
        words[0] = pack_low(first, second);
        words[1] = pack_high(first, second);
    }
    for (; count > 0; k++, count--, input += step)
        column[column_index(k)] = *input;
}

/* Lays out the patch under one output pixel. */
static void column_build(const struct conv2d_s16 *layer, const int16_t *input, int32_t output_y,
                         int32_t output_x, half_word *column)
{
    const int32_t channels = layer->input_channels;
    int32_t k = 0;
    for (int32_t ky = 0; ky < layer->kernel_height; ky++) {
        int32_t y = output_y * layer->stride_height - layer->padding_top + ky * layer->dilation_height;
        for (int32_t kx = 0; kx < layer->kernel_width; kx++, k += channels) {
            int32_t x = output_x * layer->stride_width - layer->padding_left + kx * layer->dilation_width;
            int32_t inside = y >= 0 && y < layer->input_height && x >= 0 && x < layer->input_width;
            const int16_t *pixel = input + (y * layer->input_width + x) * channels;
            column_fill(column, k, inside ? pixel : 0, channels);
        }
    }
    column_fill(column, k, 0, -k & 3);
}

/* Sums of output channels a, b at pixels 0, 1. */
struct wide_sums {
    int64_t a0, a1, b0, b1;
};

static void add_sums(struct wide_sums *wide, const struct sums *sums)
{
    wide->a0 += sums->a0;
    wide->a1 += sums->a1;
    wide->b0 += sums->b0;
    wide->b1 += sums->b1;
}

static struct wide_sums multiply_pair(const int8_t *row_a, const int8_t *row_b, int32_t size,
                                      const int16x2_t *column, int64_t bias_a, int64_t bias_b)
{
    struct wide_sums wide = {bias_a, bias_a, bias_b, bias_b};
    struct sums sums = {0, 0, 0, 0};
    int32_t groups = size / 4;
    const int32_t rest = size % 4;
    for (; groups > GROUPS_PER_BLOCK; groups -= GROUPS_PER_BLOCK) {
        multiply_rows(row_a, row_b, GROUPS_PER_BLOCK, column, &sums);
        add_sums(&wide, &sums);
        sums = (struct sums){0, 0, 0, 0};
        row_a += 4 * GROUPS_PER_BLOCK;
        row_b += 4 * GROUPS_PER_BLOCK;
        column += WORDS_PER_GROUP * GROUPS_PER_BLOCK;
    }
    multiply_rows(row_a, row_b, groups, column, &sums);
    if (rest > 0)
        multiply_group(load_s8_tail(row_a + 4 * groups, rest), load_s8_tail(row_b + 4 * groups, rest),
                       column + groups * WORDS_PER_GROUP, &sums);
    add_sums(&wide, &sums);
    return wide;
}

void conv2d_s16(const struct conv2d_s16 *layer, const int16_t *input, const int8_t *weights,
                const int64_t *bias, const int32_t *multipliers, const int32_t *shifts,
                int16_t *output, void *scratch)
{
    const int32_t pixels = layer->output_height * layer->output_width, size = patch_size(layer);
    const int32_t channels = layer->output_channels, words = strip_column_words(size);
    const int32_t low = layer->activation_min, high = layer->activation_max;
    uint32_t *columns = scratch;

    for (int32_t first = 0; first < pixels; first += PIXELS_PER_STRIP, output += PIXELS_PER_STRIP * channels) {
        const int32_t count = pixels - first < PIXELS_PER_STRIP ? pixels - first : PIXELS_PER_STRIP;
        for (int32_t i = 0; i < count; i++) {
            uint32_t *pair = columns + i / PIXELS_PER_PAIR * words;
            column_build(layer, input, (first + i) / layer->output_width, (first + i) % layer->output_width,
                         (half_word *)(pair + i % PIXELS_PER_PAIR * 2));
        }
        for (int32_t a = 0; a < channels; a += 2) {
            const int32_t b = a + 1 < channels ? a + 1 : a;
            for (int32_t i = 0; i < count; i += PIXELS_PER_PAIR) {
                const void *column = columns + i / PIXELS_PER_PAIR * words;
                struct wide_sums sums = multiply_pair(weights + a * size, weights + b * size, size, column,
                                                      bias ? bias[a] : 0, bias ? bias[b] : 0);
                int16_t *out = output + i * channels;
                out[a] = (int16_t)clamp(requantize_s64(sums.a0, multipliers[a], shifts[a]), low, high);
                out[b] = (int16_t)clamp(requantize_s64(sums.b0, multipliers[b], shifts[b]), low, high);
                if (i + 1 == count)
                    continue;
                out += channels;
                out[a] = (int16_t)clamp(requantize_s64(sums.a1, multipliers[a], shifts[a]), low, high);
                out[b] = (int16_t)clamp(requantize_s64(sums.b1, multipliers[b], shifts[b]), low, high);
            }
        }
    }
}
