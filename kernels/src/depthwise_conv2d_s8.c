/* depthwise_conv2d_s8.c: four output channels at a time, with weights unpacked once per call.
 *
 * No input serves two output channels, so there is nothing to share but the unpacked weights, and a
 * MAC each needs its own multiplication: SMLABB and SMLATT on the halves of two words. The weights
 * stand in scratch as int16, four channels of all taps in a row, in the order in which they are used.
 * A pixel's sums go to scratch too and are requantized in a loop of their own, as one loop for both
 * would run out of registers.
 */
#include "depthwise_conv2d_s8.h"

#include "dsp.h"
#include "elementwise_s8.h"
#include "requantize.h"

enum { CHANNELS = 4, WORDS_PER_TAP = 2 };  /* of four channels: 0 2, 1 3 */

/* How the sums of an output channel end, where one load after the other finds it. */
struct channel {
    int32_t bias, multiplier, halvings;  /* halvings: -1 - shift */
};

/* The parts of scratch. */
struct scratch {
    uint32_t *weights;  /* fours x taps x WORDS_PER_TAP */
    int32_t *sums;      /* of one pixel, whole fours */
    struct channel *channels;
};

static int32_t output_channels(const struct depthwise_conv2d_s8 *layer)
{
    return layer->input_channels * layer->channel_multiplier;
}

static int32_t taps_of(const struct depthwise_conv2d_s8 *layer)
{
    return layer->kernel_height * layer->kernel_width;
}

static int32_t fours_of(const struct depthwise_conv2d_s8 *layer)
{
    return (output_channels(layer) + CHANNELS - 1) / CHANNELS;
}

int32_t depthwise_conv2d_s8_scratch_bytes(const struct depthwise_conv2d_s8 *layer)
{
    const int32_t words = fours_of(layer) * (taps_of(layer) * WORDS_PER_TAP + CHANNELS);
    return words * (int32_t)sizeof(uint32_t) + output_channels(layer) * (int32_t)sizeof(struct channel);
}

static struct scratch scratch_parts(const struct depthwise_conv2d_s8 *layer, uint32_t *words)
{
    const int32_t fours = fours_of(layer);
    int32_t *sums = (int32_t *)words + fours * taps_of(layer) * WORDS_PER_TAP;
    return (struct scratch){words, sums, (struct channel *)(sums + fours * CHANNELS)};
}

static void unpack_weights(const struct depthwise_conv2d_s8 *layer, const int8_t *weights, uint32_t *words)
{
    const int32_t channels = output_channels(layer), taps = taps_of(layer);
    for (int32_t channel = 0; channel < channels; channel += CHANNELS) {
        const int32_t rest = channels - channel;
        const int8_t *from = weights + channel;
        for (int32_t tap = 0; tap < taps; tap++, from += channels, words += WORDS_PER_TAP) {
            uint32_t four = rest >= CHANNELS ? load_s8x4(from) : load_s8_tail(from, rest);
            words[0] = (uint32_t)unpack_even(four);
            words[1] = (uint32_t)unpack_odd(four);
        }
    }
}

/* The part of the kernel that lies inside the input, as first tap and number of taps. */
struct span {
    int32_t first, count;
};

static struct span span_inside(int32_t start, int32_t dilation, int32_t taps, int32_t size)
{
    int32_t first = 0, end = taps;
    while (first < taps && start + first * dilation < 0)
        first++;
    while (end > first && start + (end - 1) * dilation >= size)
        end--;
    return (struct span){first, end - first};
}

/* Sums of four output channels. */
struct sums {
    int32_t sum0, sum1, sum2, sum3;
};

static inline void multiply_word(uint32_t four, int16x2_t offsets, const uint32_t *weights,
                                 struct sums *sums)
{
    int16x2_t even = add_even(offsets, four), odd = add_odd(offsets, four);
    const volatile uint32_t *words = weights; /* two LDR beside other instructions, not one LDRD alone */
    int16x2_t weights_even = (int16x2_t)words[0], weights_odd = (int16x2_t)words[1];
    sums->sum0 = __smlabb(even, weights_even, sums->sum0);
    sums->sum2 = __smlatt(even, weights_even, sums->sum2);
    sums->sum1 = __smlabb(odd, weights_odd, sums->sum1);
    sums->sum3 = __smlatt(odd, weights_odd, sums->sum3);
}

/* Whole fours of channels of one pixel, whose patch of 3x3 without dilation lies inside the input:
 * the most frequent case without a loop over taps. row: bytes from one input row to the next. */
static __attribute__((noinline)) void pixel_3x3(const int8_t *input, int32_t channels, int32_t row,
                                                const uint32_t *weights, int16x2_t offsets,
                                                struct sums *result)
{
    for (const int8_t *end = input + channels; input != end; input += CHANNELS, result++) {
        struct sums sums = {0, 0, 0, 0};
        const int8_t *from = input;
#pragma GCC unroll 3
        for (int32_t ky = 0; ky < 3; ky++, from += row, weights += 3 * WORDS_PER_TAP) {
            __asm__("" : "+r"(from)); /* one pointer that walks; three would not all find a register */
            multiply_word(load_s8x4(from), offsets, weights, &sums);
            multiply_word(load_s8x4(from + channels), offsets, weights + WORDS_PER_TAP, &sums);
            multiply_word(load_s8x4(from + 2 * channels), offsets, weights + 2 * WORDS_PER_TAP, &sums);
        }
        *result = sums;
    }
}

/* The taps of one pixel that lie inside the input. */
struct patch {
    const int8_t *input;      /* under the first of them */
    const uint32_t *weights;  /* of the first of them and of four channels */
    int32_t rows, columns;
    int32_t row_step, column_step;       /* bytes of input from tap to tap */
    int32_t weights_row, weights_next;   /* words to the next row of taps, to the next four channels */
};

/* The sums of the four channels from input and weights on; values: how many inputs there are. */
static inline struct sums sum_taps(const struct patch *patch, const int8_t *input, const uint32_t *weights,
                                   int32_t values, int16x2_t offsets)
{
    struct sums sums = {0, 0, 0, 0};
    for (int32_t ky = patch->rows; ky > 0; ky--, input += patch->row_step, weights += patch->weights_row) {
        const int8_t *from = input;
        const uint32_t *words = weights;
        for (int32_t kx = patch->columns; kx > 0; kx--, from += patch->column_step, words += WORDS_PER_TAP) {
            uint32_t four = values >= CHANNELS ? load_s8x4(from) : load_s8_tail(from, values);
            multiply_word(four, offsets, words, &sums);
        }
    }
    return sums;
}

/* Any patch of one pixel. */
static __attribute__((noinline)) void pixel_any(const struct patch *patch, int32_t channels,
                                                int16x2_t offsets, struct sums *result)
{
    const int8_t *input = patch->input;
    const uint32_t *weights = patch->weights;
    for (; channels >= CHANNELS; channels -= CHANNELS, input += CHANNELS, weights += patch->weights_next)
        *result++ = sum_taps(patch, input, weights, CHANNELS, offsets);
    if (channels > 0)
        *result = sum_taps(patch, input, weights, channels, offsets);
}

/* Any patch of one pixel where several output channels share an input channel: their inputs are
 * gathered, for four output channels a time. */
static __attribute__((noinline)) void pixel_multiplied(const struct patch *patch, int32_t channels,
                                                       int32_t multiplier, int32_t offset,
                                                       struct sums *result)
{
    const uint32_t *weights = patch->weights;
    int32_t source = 0, copy = 0; /* the input channel, and which of its output channels comes next */
    for (int32_t channel = 0; channel < channels; channel += CHANNELS, weights += patch->weights_next) {
        int32_t from[CHANNELS]; /* those behind the last channel repeat it and meet weights of zero */
        for (int32_t i = 0; i < CHANNELS; i++) {
            from[i] = source;
            if (channel + i + 1 < channels && ++copy == multiplier) {
                copy = 0;
                source++;
            }
        }
        const int8_t *row = patch->input + from[0];
        const int32_t from1 = from[1] - from[0], from2 = from[2] - from[0], from3 = from[3] - from[0];
        const uint32_t *weights_row = weights;
        struct sums sums = {0, 0, 0, 0};
        for (int32_t ky = patch->rows; ky > 0; ky--, row += patch->row_step, weights_row += patch->weights_row) {
            const int8_t *at = row;
            const uint32_t *words = weights_row;
            for (int32_t kx = patch->columns; kx > 0; kx--, at += patch->column_step, words += WORDS_PER_TAP) {
                int16x2_t weights_even = (int16x2_t)words[0], weights_odd = (int16x2_t)words[1];
                int32_t value = at[0] + offset;
                sums.sum0 = __smlabb(value, weights_even, sums.sum0);
                if (from3 == 0) { /* one input channel for all four */
                    sums.sum1 = __smlabb(value, weights_odd, sums.sum1);
                    sums.sum2 = __smlabt(value, weights_even, sums.sum2);
                    sums.sum3 = __smlabt(value, weights_odd, sums.sum3);
                } else {
                    sums.sum1 = __smlabb(at[from1] + offset, weights_odd, sums.sum1);
                    sums.sum2 = __smlabt(at[from2] + offset, weights_even, sums.sum2);
                    sums.sum3 = __smlabt(at[from3] + offset, weights_odd, sums.sum3);
                }
            }
        }
        *result++ = sums;
    }
}

/* Gathers the channels' constants. Returns whether requantize_is_small() holds for all. */
static int gather_channels(const struct depthwise_conv2d_s8 *layer, const int32_t *bias,
                           const int32_t *multipliers, const int32_t *shifts, struct channel *channels)
{
    int are_small = 1;
    for (int32_t i = 0; i < output_channels(layer); i++) {
        channels[i] = (struct channel){bias ? bias[i] : 0, multipliers[i], -1 - shifts[i]};
        are_small &= requantize_is_small(taps_of(layer), channels[i].bias, shifts[i]);
    }
    return are_small;
}

/* The four steps of four channels, each step for all before the next: none waits for the one before. */
static inline void finish_four(const int32_t *sums, const struct channel *channel, int32_t offset,
                               int8_t *output)
{
    int32_t value0 = requantize_small_first(sums[0] + channel[0].bias, channel[0].multiplier);
    int32_t value1 = requantize_small_first(sums[1] + channel[1].bias, channel[1].multiplier);
    int32_t value2 = requantize_small_first(sums[2] + channel[2].bias, channel[2].multiplier);
    int32_t value3 = requantize_small_first(sums[3] + channel[3].bias, channel[3].multiplier);
    __asm__("" : "+r"(value0), "+r"(value1), "+r"(value2), "+r"(value3));
    value0 = requantize_small_second(value0, channel[0].halvings) + offset;
    value1 = requantize_small_second(value1, channel[1].halvings) + offset;
    value2 = requantize_small_second(value2, channel[2].halvings) + offset;
    value3 = requantize_small_second(value3, channel[3].halvings) + offset;
    __asm__("" : "+r"(value0), "+r"(value1), "+r"(value2), "+r"(value3));
    output[0] = (int8_t)__ssat(value0, 8);
    output[1] = (int8_t)__ssat(value1, 8);
    output[2] = (int8_t)__ssat(value2, 8);
    output[3] = (int8_t)__ssat(value3, 8);
}

/* Requantizes the sums of one pixel; the caller limits them to the activation. */
static __attribute__((noinline)) void finish_pixel(const int32_t *sums, const struct channel *channel,
                                                   int32_t count, int are_small, int32_t offset,
                                                   int8_t *output)
{
    if (are_small)
        for (; count >= CHANNELS; count -= CHANNELS) {
            finish_four(sums, channel, offset, output);
            output += CHANNELS;
            channel += CHANNELS;
            sums += CHANNELS;
        }
    for (; count > 0; count--, channel++) {
        int32_t value = requantize(*sums++ + channel->bias, channel->multiplier, -1 - channel->halvings);
        *output++ = (int8_t)__ssat(value + offset, 8);
    }
}

void depthwise_conv2d_s8(const struct depthwise_conv2d_s8 *layer, const int8_t *input,
                         const int8_t *weights, const int32_t *bias, const int32_t *multipliers,
                         const int32_t *shifts, int8_t *output, void *scratch)
{
    const struct scratch parts = scratch_parts(layer, scratch);
    const int32_t channels = layer->input_channels, outputs = output_channels(layer);
    const int32_t width = layer->kernel_width, row = layer->input_width * channels;
    const int32_t low = layer->activation_min, high = layer->activation_max;
    const int16x2_t offsets = broadcast_s16(layer->input_offset);
    const int is_3x3 = layer->kernel_height == 3 && width == 3 && layer->dilation_height == 1 &&
                       layer->dilation_width == 1 && channels % CHANNELS == 0;
    struct sums *sums = (struct sums *)(void *)parts.sums;
    struct patch patch = {
        .row_step = row * layer->dilation_height, .column_step = channels * layer->dilation_width,
        .weights_row = width * WORDS_PER_TAP, .weights_next = taps_of(layer) * WORDS_PER_TAP,
    };

    unpack_weights(layer, weights, parts.weights);
    const int are_small = gather_channels(layer, bias, multipliers, shifts, parts.channels);
    for (int32_t oy = 0; oy < layer->output_height; oy++) {
        const int32_t y = oy * layer->stride_height - layer->padding_top;
        const struct span rows =
            span_inside(y, layer->dilation_height, layer->kernel_height, layer->input_height);
        for (int32_t ox = 0; ox < layer->output_width; ox++, output += outputs) {
            const int32_t x = ox * layer->stride_width - layer->padding_left;
            const struct span columns = span_inside(x, layer->dilation_width, width, layer->input_width);
            patch.input = input + y * row + rows.first * patch.row_step + x * channels +
                          columns.first * patch.column_step;
            patch.weights = parts.weights + (rows.first * width + columns.first) * WORDS_PER_TAP;
            patch.rows = rows.count;
            patch.columns = columns.count;
            if (layer->channel_multiplier > 1)
                pixel_multiplied(&patch, outputs, layer->channel_multiplier, layer->input_offset, sums);
            else if (is_3x3 && rows.count == 3 && columns.count == 3)
                pixel_3x3(patch.input, channels, row, parts.weights, offsets, sums);
            else
                pixel_any(&patch, channels, offsets, sums);
            finish_pixel(parts.sums, parts.channels, outputs, are_small, layer->output_offset, output);
            if (low > INT8_MIN || high < INT8_MAX)
                clamp_s8(output, outputs, low, high, output);
        }
    }
}
