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

/* Each step for four values before the next step, so that none waits for the one before. */
#define TOGETHER(a, b, c, d) __asm__("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d))

/* requantize_small_second() of four values with the output's offset, saturated and packed; bias is
 * 1 + 2 * offset. The last halving stands behind the offset, where SSAT does it for nothing. */
static inline uint32_t finish_four(int32_t value0, int32_t value1, int32_t value2, int32_t value3,
                                   int32_t halvings, int32_t bias)
{
    TOGETHER(value0, value1, value2, value3);
    value0 = ((value0 + (value0 >> 31)) >> halvings) + bias;
    value1 = ((value1 + (value1 >> 31)) >> halvings) + bias;
    value2 = ((value2 + (value2 >> 31)) >> halvings) + bias;
    value3 = ((value3 + (value3 >> 31)) >> halvings) + bias;
    TOGETHER(value0, value1, value2, value3);
    value0 = __ssat(value0 >> 1, 8);
    value1 = __ssat(value1 >> 1, 8);
    value2 = __ssat(value2 >> 1, 8);
    value3 = __ssat(value3 >> 1, 8);
    TOGETHER(value0, value1, value2, value3);
    uint32_t even = (uint32_t)__uxtb16((uint8x4_t)pack_low((uint32_t)value0, (uint32_t)value2));
    uint32_t odd = (uint32_t)__uxtb16((uint8x4_t)pack_low((uint32_t)value1, (uint32_t)value3));
    return even | odd << 8;
}

/* The common addition: input 1 has the larger scale, so that it is only halved, which is exact, and
 * input 2 is scaled down. up is 21, or 22 where input 2 has the same scale and 0 halvings. */
struct halved_add {
    int32_t up, multiplier2, halvings2, multiplier_out, halvings_out, bias;
};

/* value1 << 20 is twice the first input's half; so is the sum twice the sum, as SMMULR wants it. */
static inline int32_t add_halved(int32_t value1_up, int32_t value2, const struct halved_add *add)
{
    int32_t high = high_multiply_rounded(value2 * (1 << add->up), add->multiplier2);
    int32_t scaled2 = (((high + (high >> 31)) >> add->halvings2) + 1) & ~1;
    return high_multiply_rounded(scaled2 + value1_up, add->multiplier_out);
}

enum { HALF = 1 << 30, TWICE_UP = ADD_S8_LEFT_SHIFT };

/* Whether the common addition it is, with input 1 as the halved one. */
static int is_halved_add(const struct add_s8 *layer, int32_t multiplier1, int32_t shift1,
                         int32_t multiplier2, int32_t shift2)
{
    const int is_equal = shift2 == 0 && multiplier2 == HALF;
    return multiplier1 == HALF && shift1 == 0 && (shift2 < 0 || is_equal) && layer->output_shift < 0;
}

/* Whole words. */
static __attribute__((noinline)) void add_words(const struct halved_add *layer, int16x2_t offsets1,
                                                int16x2_t offsets2, const int8_t *input1,
                                                const int8_t *input2, int8_t *output, const int8_t *end)
{
    const struct halved_add add = *layer;
    const int32_t bias = add.bias, halvings = add.halvings_out;
    for (; output != end; input1 += STEP, input2 += STEP, output += STEP) {
        uint32_t word1 = load_s8x4(input1), word2 = load_s8x4(input2);
        uint32_t even1 = (uint32_t)add_even(offsets1, word1), odd1 = (uint32_t)add_odd(offsets1, word1);
        int32_t even2 = (int32_t)add_even(offsets2, word2), odd2 = (int32_t)add_odd(offsets2, word2);
        int32_t value0 = add_halved((int32_t)(even1 << TWICE_UP), even2, &add);
        int32_t value1 = add_halved((int32_t)(odd1 << TWICE_UP), odd2, &add);
        int32_t value2 = add_halved((int32_t)((even1 & ~0xFFFFu) << (TWICE_UP - 16)), even2 >> 16, &add);
        int32_t value3 = add_halved((int32_t)((odd1 & ~0xFFFFu) << (TWICE_UP - 16)), odd2 >> 16, &add);
        store_s8x4(output, finish_four(value0, value1, value2, value3, halvings, bias));
    }
}

/* The words of both inputs, swapped where input 2 is the halved one. Returns how many values it did. */
static int32_t add_common(const struct add_s8 *layer, const int8_t *input1, const int8_t *input2,
                          int32_t size, int8_t *output)
{
    const int32_t whole = size & ~(STEP - 1);
    const int16x2_t offsets1 = broadcast_s16(layer->input1_offset);
    const int16x2_t offsets2 = broadcast_s16(layer->input2_offset);
    struct halved_add add = {.multiplier_out = layer->output_multiplier,
                             .halvings_out = -1 - layer->output_shift,
                             .bias = 1 + 2 * layer->output_offset};
    int32_t shift = layer->input2_shift;
    int is_swapped = 0;
    add.multiplier2 = layer->input2_multiplier;
    if (!is_halved_add(layer, layer->input1_multiplier, layer->input1_shift, add.multiplier2, shift)) {
        shift = layer->input1_shift;
        add.multiplier2 = layer->input1_multiplier;
        is_swapped = 1;
        if (!is_halved_add(layer, layer->input2_multiplier, layer->input2_shift, add.multiplier2, shift))
            return 0;
    }
    add.up = shift < 0 ? ADD_S8_LEFT_SHIFT + 1 : ADD_S8_LEFT_SHIFT + 2;
    add.halvings2 = shift < 0 ? -1 - shift : 0;
    if (is_swapped)
        add_words(&add, offsets2, offsets1, input2, input1, output, output + whole);
    else
        add_words(&add, offsets1, offsets2, input1, input2, output, output + whole);
    if (layer->activation_min > INT8_MIN || layer->activation_max < INT8_MAX)
        clamp_s8(output, whole, layer->activation_min, layer->activation_max, output);
    return whole;
}

void add_s8(const struct add_s8 *layer, const int8_t *input1, const int8_t *input2, int32_t size,
            int8_t *output)
{
    const struct down scale1 = down_from(layer->input1_multiplier, layer->input1_shift);
    const struct down scale2 = down_from(layer->input2_multiplier, layer->input2_shift);
    const struct down scale_out = down_from(layer->output_multiplier, layer->output_shift);

    for (int32_t i = add_common(layer, input1, input2, size, output); i < size; i++) {
        int32_t value = add_one(input1[i] + layer->input1_offset, input2[i] + layer->input2_offset,
                                &scale1, &scale2, &scale_out, layer->output_offset);
        output[i] = (int8_t)clamp(value, layer->activation_min, layer->activation_max);
    }
}

/* Whole words, for a scale below a half. */
static __attribute__((noinline)) void mul_words(const struct mul_s8 *layer, const int8_t *input1,
                                                const int8_t *input2, int8_t *output, const int8_t *end)
{
    const int16x2_t offsets1 = broadcast_s16(layer->input1_offset);
    const int16x2_t offsets2 = broadcast_s16(layer->input2_offset);
    const int32_t multiplier = layer->output_multiplier, halvings = -1 - layer->output_shift;
    const int32_t bias = 1 + 2 * layer->output_offset;
    for (; output != end; input1 += STEP, input2 += STEP, output += STEP) {
        uint32_t word1 = load_s8x4(input1), word2 = load_s8x4(input2);
        int32_t even1 = (int32_t)add_even(offsets1, word1), odd1 = (int32_t)add_odd(offsets1, word1);
        int32_t even2 = (int32_t)add_even(offsets2, word2), odd2 = (int32_t)add_odd(offsets2, word2);
        int32_t value0 = (int16_t)even1 * (int16_t)even2, value2 = (even1 >> 16) * (even2 >> 16);
        int32_t value1 = (int16_t)odd1 * (int16_t)odd2, value3 = (odd1 >> 16) * (odd2 >> 16);
        TOGETHER(value0, value1, value2, value3);
        value0 = requantize_small_first(value0, multiplier);
        value1 = requantize_small_first(value1, multiplier);
        value2 = requantize_small_first(value2, multiplier);
        value3 = requantize_small_first(value3, multiplier);
        store_s8x4(output, finish_four(value0, value1, value2, value3, halvings, bias));
    }
}

void mul_s8(const struct mul_s8 *layer, const int8_t *input1, const int8_t *input2, int32_t size,
            int8_t *output)
{
    int32_t i = 0;
    if (layer->output_shift < 0) {
        i = size & ~(STEP - 1);
        mul_words(layer, input1, input2, output, output + i);
        if (layer->activation_min > INT8_MIN || layer->activation_max < INT8_MAX)
            clamp_s8(output, i, layer->activation_min, layer->activation_max, output);
    }
    for (; i < size; i++) {
        int32_t product = (input1[i] + layer->input1_offset) * (input2[i] + layer->input2_offset);
        int32_t value = requantize(product, layer->output_multiplier, layer->output_shift);
        output[i] = (int8_t)clamp(value + layer->output_offset, layer->activation_min, layer->activation_max);
    }
}
