/* fully_connected_s16.c: fully_connected_s8.c with inputs that are wide already.
 *
 * A product is at most 2^22 in magnitude, so 508 of them fit an int32: sums are 32 bits wide within a
 * block of so many and 64 bits between blocks, which is exact and costs next to nothing.
 */
#include "fully_connected_s16.h"

#include "requantize.h"
#include "rows.h"

enum { GROUPS_PER_BLOCK = 127 };  /* of four inputs */

int32_t fully_connected_s16_scratch_bytes(const struct fully_connected_s16 *layer)
{
    return (layer->inputs + 3) / 4 * WORDS_PER_FOUR * (int32_t)sizeof(uint32_t);
}

/* Puts each four inputs into the order 0 2 1 3; a last group that is not full ends in zeros. */
static void reorder(const int16_t *input, int32_t count, int16x2_t *words)
{
    for (; count >= 4; count -= 4, input += 4, words += WORDS_PER_FOUR) {
        uint32_t first = load_s16x2(input), second = load_s16x2(input + 2);
        words[0] = (int16x2_t)pack_low(first, second);
        words[1] = (int16x2_t)pack_high(first, second);
    }
    if (count > 0) {
        int16_t four[4] = {0, 0, 0, 0};
        for (int32_t i = 0; i < count; i++)
            four[i] = input[i];
        reorder(four, 4, words);
    }
}

void fully_connected_s16(const struct fully_connected_s16 *layer, const int16_t *input,
                         const int8_t *weights, const int64_t *bias, const int32_t *multipliers,
                         const int32_t *shifts, int16_t *output, void *scratch)
{
    int16x2_t *inputs = scratch;
    const int32_t size = layer->inputs, groups = size / 4, rest = size % 4;

    reorder(input, size, inputs);
    for (int32_t first = 0, count; first < layer->outputs; first += count) {
        const int8_t *row = weights + first * size;
        int64_t sums[ROWS] = {0};
        count = layer->outputs - first >= ROWS ? ROWS : 1;
        for (int32_t i = 0; i < count && bias; i++)
            sums[i] = bias[first + i];
        for (int32_t done = 0, block; done < groups; done += block) {
            int32_t partial[ROWS] = {0};
            block = groups - done < GROUPS_PER_BLOCK ? groups - done : GROUPS_PER_BLOCK;
            if (count == ROWS)
                multiply_four_rows(row + 4 * done, size, inputs + done * WORDS_PER_FOUR, block, partial);
            else
                multiply_one_row(row + 4 * done, inputs + done * WORDS_PER_FOUR, block, partial);
            for (int32_t i = 0; i < count; i++)
                sums[i] += partial[i];
        }
        for (int32_t i = 0; i < count; i++) {
            int32_t n = first + i;
            if (rest > 0) {
                uint32_t four = load_s8_tail(row + i * size + 4 * groups, rest);
                const int16x2_t *last = inputs + groups * WORDS_PER_FOUR;
                sums[i] += multiply_four(four, last[0], last[1], 0);
            }
            int32_t value = requantize_s64_whole(sums[i], multipliers[n], shifts[n]);
            output[n] = (int16_t)clamp(value, layer->activation_min, layer->activation_max);
        }
    }
}
