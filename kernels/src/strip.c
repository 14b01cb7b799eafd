/* strip.c: output channels two at a time over pixel pairs.
 *
 * Each step of four inputs loads two words of weights and four of activations and does 16 MACs in 8
 * SMLAD, one per cycle at best, with loads and SXTB16 in the other issue slot. A strip of eight pixels
 * reads the weights a quarter as often as single pairs would; that matters where weights come from
 * flash through a small cache. Sums are requantized in a loop of their own, channel by channel, which
 * keeps the channel's scale in registers.
 */
#include "strip.h"

#include "elementwise_s8.h"
#include "requantize.h"

/* Out of line, so that the loop has the registers for itself: four sums, three pointers, an end and
 * six operands are all there are. */
__attribute__((noinline)) void multiply_rows(const int8_t *weights_a, const int8_t *weights_b,
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

/* Where a channel's values go and how they get there. */
struct finish {
    int8_t *output;
    int32_t step;  /* bytes from one pixel to the next */
    int32_t multiplier, shift, offset;
    int is_small;  /* see requantize_is_small() */
};

/* Requantizes the sums of one channel, the first pair's and the following ones. */
static inline void finish_channel(const int32_t *sums, int32_t pixels, const struct finish *finish)
{
    enum { NEXT_PAIR = sizeof(struct sums) / sizeof *sums };
    const int32_t multiplier = finish->multiplier, offset = finish->offset, step = finish->step;
    int8_t *output = finish->output;
    if (__builtin_expect(finish->is_small, 1)) {
        const int32_t halvings = -1 - finish->shift;
        for (; pixels > 1; pixels -= 2, sums += NEXT_PAIR, output += 2 * step) {
            int32_t value0 = requantize_small_first(sums[0], multiplier);
            int32_t value1 = requantize_small_first(sums[1], multiplier);
            __asm__("" : "+r"(value0), "+r"(value1)); /* then the second parts wait less */
            value0 = requantize_small_second(value0, halvings) + offset;
            value1 = requantize_small_second(value1, halvings) + offset;
            output[0] = (int8_t)__ssat(value0, 8);
            output[step] = (int8_t)__ssat(value1, 8);
        }
        if (pixels > 0) {
            int32_t value = requantize_small_second(requantize_small_first(sums[0], multiplier), halvings);
            output[0] = (int8_t)__ssat(value + offset, 8);
        }
        return;
    }
    for (int32_t i = 0; i < pixels; i++, output += step) {
        int32_t sum = sums[i / PIXELS_PER_PAIR * NEXT_PAIR + i % PIXELS_PER_PAIR];
        *output = (int8_t)__ssat(requantize(sum, multiplier, finish->shift) + offset, 8);
    }
}

/* Both channels of a pair. */
static __attribute__((noinline)) void finish_pair(const struct sums *sums, int32_t pixels,
                                                  const struct finish *a, const struct finish *b)
{
    finish_channel(&sums->a0, pixels, a);
    finish_channel(&sums->b0, pixels, b);
}

void strip_multiply(const struct strip *strip, const uint32_t *columns, int32_t pixels,
                    const int8_t *weights, const int32_t *bias, const int32_t *multipliers,
                    const int32_t *shifts, int8_t *output)
{
    const int32_t size = strip->size, words = strip_column_words(size);
    const int32_t groups = size / 4, rest = size % 4;
    const int32_t channels = strip->channels, offset = strip->output_offset;
    const int32_t pairs = (pixels + PIXELS_PER_PAIR - 1) / PIXELS_PER_PAIR;
    struct sums sums[PAIRS_PER_STRIP];

    for (int32_t a = 0; a < channels; a += 2) {
        const int32_t b = a + 1 < channels ? a + 1 : a;
        const int8_t *row_a = weights + a * size, *row_b = weights + b * size;
        const int32_t bias_a = bias ? bias[a] : 0, bias_b = bias ? bias[b] : 0;
        for (int32_t i = 0; i < pairs; i++) {
            const int16x2_t *column = (const int16x2_t *)(const void *)(columns + i * words);
            sums[i] = (struct sums){bias_a, bias_a, bias_b, bias_b};
            multiply_rows(row_a, row_b, groups, column, &sums[i]);
        }
        if (rest > 0) {
            const uint32_t tail_a = load_s8_tail(row_a + 4 * groups, rest);
            const uint32_t tail_b = load_s8_tail(row_b + 4 * groups, rest);
            const uint32_t *last = columns + groups * WORDS_PER_GROUP;
            for (int32_t i = 0; i < pairs; i++, last += words)
                multiply_group(tail_a, tail_b, (const int16x2_t *)(const void *)last, &sums[i]);
        }
        const struct finish finish_a = {output + a, channels, multipliers[a], shifts[a], offset,
                                        requantize_is_small(size, bias_a, shifts[a])};
        const struct finish finish_b = {output + b, channels, multipliers[b], shifts[b], offset,
                                        requantize_is_small(size, bias_b, shifts[b])};
        finish_pair(sums, pixels, &finish_a, &finish_b);
    }
    if (strip->activation_min > INT8_MIN || strip->activation_max < INT8_MAX)
        clamp_s8(output, pixels * channels, strip->activation_min, strip->activation_max, output);
}
