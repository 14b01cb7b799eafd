/* elementwise_s8.c: four int8 a step. */
#include "elementwise_s8.h"

#include "dsp.h"
#include "requantize.h"

enum { STEP = 4, BLOCK = 64 };  /* values a word, values a round of raise_blocks() */

/* One word of raise_blocks(): of the 16 of a block, word at is compared while the one before it is
 * stored, and is chosen from while the second one ahead is loaded. Two cycles, as SSUB8 and SEL must
 * be the older of a pair and no two of them pair; a compiler does not keep to this order. */
#define RAISE(at, now, before, ahead)                                                          \
    __asm__ volatile("ssub8 %[flags], %[word], %[low]\n\t"                                     \
                     "str %[done], [%[to], %[to_at]]\n\t"                                      \
                     "sel %[word], %[word], %[low]\n\t"                                        \
                     "ldr %[next], [%[from], %[from_at]]"                                      \
                     : [word] "+r"(now), [next] "=&r"(ahead), [flags] "=&r"(flags)             \
                     : [done] "r"(before), [low] "r"(low), [from] "r"(input), [to] "r"(output), \
                       [to_at] "i"(4 * (at) - 4), [from_at] "i"(4 * (at) + 8)                  \
                     : "memory")
#define RAISE_FOUR(at)                \
    RAISE(at, w0, w3, w2);            \
    RAISE((at) + 1, w1, w0, w3);      \
    RAISE((at) + 2, w2, w1, w0);      \
    RAISE((at) + 3, w3, w2, w1)

/* Whole blocks. The first word and the last two go without RAISE(), which would store a word in front
 * of the block and load words behind it. */
static __attribute__((noinline)) void raise_blocks(const int8_t *input, const int8_t *end, uint32_t low,
                                                   int8_t *output)
{
    for (; input != end; input += BLOCK, output += BLOCK) {
        uint32_t w0 = larger_s8x4(load_s8x4(input), low), w1 = load_s8x4(input + 4);
        uint32_t w2 = load_s8x4(input + 8), w3, flags;
        RAISE(1, w1, w0, w3);
        RAISE(2, w2, w1, w0);
        RAISE(3, w3, w2, w1);
        RAISE_FOUR(4);
        RAISE_FOUR(8);
        RAISE(12, w0, w3, w2);
        RAISE(13, w1, w0, w3);
        store_s8x4(output + 52, w1);
        store_s8x4(output + 56, larger_s8x4(w2, low));
        store_s8x4(output + 60, larger_s8x4(w3, low));
    }
}

void clamp_s8(const int8_t *input, int32_t size, int32_t low, int32_t high, int8_t *output)
{
    const uint32_t lows = broadcast_s8(low), highs = broadcast_s8(high);
    const int32_t whole = size & ~(BLOCK - 1);
    int32_t i = 0;
    if (high >= INT8_MAX) {
        raise_blocks(input, input + whole, lows, output);
        i = whole;
    }
    for (; i + STEP <= size; i += STEP)
        store_s8x4(output + i, smaller_s8x4(larger_s8x4(load_s8x4(input + i), lows), highs));
    for (; i < size; i++)
        output[i] = (int8_t)clamp(input[i], low, high);
}

void relu_s8(const int8_t *input, int32_t size, int32_t zero_point, int8_t *output)
{
    clamp_s8(input, size, zero_point, INT8_MAX, output);
}

/* A scale below one: multiplier, then a division by 2^right with halves away from zero. sign is -1,
 * or 0 where right is 0 and nothing is rounded. */
struct down {
    int32_t multiplier, right, half, sign;
};

static struct down down_from(int32_t multiplier, int32_t shift)
{
    int32_t right = -shift;
    return (struct down){multiplier, right, (1 << right) >> 1, right > 0 ? -1 : 0};
}

static inline int32_t scale_down(int32_t value, const struct down *down)
{
    int32_t high = high_multiply_rounded(value * 2, down->multiplier);
    return (high + (down->sign & (high >> 31)) + down->half) >> down->right;
}

/* Sum of two inputs with the offsets added, each at most 255 in magnitude. */
static inline int32_t add_one(int32_t value1, int32_t value2, const struct down *scale1,
                              const struct down *scale2, const struct down *scale_out, int32_t offset)
{
    int32_t sum = scale_down(value1 * (1 << ADD_S8_LEFT_SHIFT), scale1) +
                  scale_down(value2 * (1 << ADD_S8_LEFT_SHIFT), scale2);
    return scale_down(sum, scale_out) + offset;
}

static inline uint32_t low_byte(int32_t value)
{
    return (uint32_t)__ssat(value, 8) & 0xFFu;
}

void add_s8(const struct add_s8 *layer, const int8_t *input1, const int8_t *input2, int32_t size,
            int8_t *output)
{
    const struct down scale1 = down_from(layer->input1_multiplier, layer->input1_shift);
    const struct down scale2 = down_from(layer->input2_multiplier, layer->input2_shift);
    const struct down scale_out = down_from(layer->output_multiplier, layer->output_shift);
    const int32_t offset = layer->output_offset;
    const int16x2_t offsets1 = broadcast_s16(layer->input1_offset);
    const int16x2_t offsets2 = broadcast_s16(layer->input2_offset);
    const uint32_t low = broadcast_s8(layer->activation_min), high = broadcast_s8(layer->activation_max);
    int32_t i = 0;

    for (; i + STEP <= size; i += STEP) {
        uint32_t word1 = load_s8x4(input1 + i), word2 = load_s8x4(input2 + i);
        int16x2_t even1 = add_even(offsets1, word1), odd1 = add_odd(offsets1, word1);
        int16x2_t even2 = add_even(offsets2, word2), odd2 = add_odd(offsets2, word2);
        uint32_t four = low_byte(add_one((int16_t)even1, (int16_t)even2, &scale1, &scale2, &scale_out, offset));
        four |= low_byte(add_one((int16_t)odd1, (int16_t)odd2, &scale1, &scale2, &scale_out, offset)) << 8;
        four |= low_byte(add_one((int32_t)even1 >> 16, (int32_t)even2 >> 16, &scale1, &scale2, &scale_out, offset)) << 16;
        four |= low_byte(add_one((int32_t)odd1 >> 16, (int32_t)odd2 >> 16, &scale1, &scale2, &scale_out, offset)) << 24;
        store_s8x4(output + i, smaller_s8x4(larger_s8x4(four, low), high));
    }
    for (; i < size; i++) {
        int32_t value = add_one(input1[i] + layer->input1_offset, input2[i] + layer->input2_offset,
                                &scale1, &scale2, &scale_out, offset);
        output[i] = (int8_t)clamp(value, layer->activation_min, layer->activation_max);
    }
}

void mul_s8(const struct mul_s8 *layer, const int8_t *input1, const int8_t *input2, int32_t size,
            int8_t *output)
{
    const int16x2_t offsets1 = broadcast_s16(layer->input1_offset);
    const int16x2_t offsets2 = broadcast_s16(layer->input2_offset);
    const uint32_t low = broadcast_s8(layer->activation_min), high = broadcast_s8(layer->activation_max);
    const int32_t multiplier = layer->output_multiplier, shift = layer->output_shift;
    const int32_t offset = layer->output_offset;
    int32_t i = 0;

    for (; i + STEP <= size; i += STEP) {
        uint32_t word1 = load_s8x4(input1 + i), word2 = load_s8x4(input2 + i);
        int16x2_t even1 = add_even(offsets1, word1), odd1 = add_odd(offsets1, word1);
        int16x2_t even2 = add_even(offsets2, word2), odd2 = add_odd(offsets2, word2);
        uint32_t four = low_byte(requantize((int16_t)even1 * (int16_t)even2, multiplier, shift) + offset);
        four |= low_byte(requantize((int16_t)odd1 * (int16_t)odd2, multiplier, shift) + offset) << 8;
        four |= low_byte(requantize(((int32_t)even1 >> 16) * ((int32_t)even2 >> 16), multiplier, shift) + offset) << 16;
        four |= low_byte(requantize(((int32_t)odd1 >> 16) * ((int32_t)odd2 >> 16), multiplier, shift) + offset) << 24;
        store_s8x4(output + i, smaller_s8x4(larger_s8x4(four, low), high));
    }
    for (; i < size; i++) {
        int32_t product = (input1[i] + layer->input1_offset) * (input2[i] + layer->input2_offset);
        int32_t value = requantize(product, multiplier, shift) + offset;
        output[i] = (int8_t)clamp(value, layer->activation_min, layer->activation_max);
    }
}
