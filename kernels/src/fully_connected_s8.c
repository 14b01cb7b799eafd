/* fully_connected_s8.c: matrix times vector; each weight is read once, so memory sets the pace.
 *
 * The input is unpacked to int16 once. Then four outputs at a time walk over it in rows.c.
 */
#include "fully_connected_s8.h"

#include <stddef.h>

#include "dsp.h"
#include "requantize.h"
#include "rows.h"

int32_t fully_connected_s8_scratch_bytes(const struct fully_connected_s8 *layer)
{
    return (layer->inputs + 3) / 4 * WORDS_PER_FOUR * (int32_t)sizeof(uint32_t);
}

/* Stores four inputs, offset added, in the order 0 2 1 3. */
static inline void unpack_group(uint32_t four, int16x2_t offsets, int16x2_t *words)
{
    words[0] = __sadd16(unpack_even(four), offsets);
    words[1] = __sadd16(unpack_odd(four), offsets);
}

/* The last group's missing inputs meet weights of zero; what stands there does not matter. */
static void unpack_input(const struct fully_connected_s8 *layer, const int8_t *input, int16x2_t *words)
{
    const int16x2_t offsets = broadcast_s16(layer->input_offset);
    const int32_t groups = layer->inputs / 4, rest = layer->inputs % 4;
    for (int32_t i = 0; i < groups; i++)
        unpack_group(load_s8x4(input + 4 * i), offsets, words + i * WORDS_PER_FOUR);
    if (rest > 0)
        unpack_group(load_s8_tail(input + 4 * groups, rest), offsets, words + groups * WORDS_PER_FOUR);
}

void fully_connected_s8(const struct fully_connected_s8 *layer, const int8_t *input,
                        const int8_t *weights, const int32_t *bias, const int32_t *multipliers,
                        const int32_t *shifts, int8_t *output, void *scratch)
{
    int16x2_t *inputs = scratch;
    const int32_t size = layer->inputs, groups = size / 4, rest = size % 4;

    unpack_input(layer, input, inputs);
    for (int32_t first = 0, count; first < layer->outputs; first += count) {
        const int8_t *row = weights + first * size;
        int32_t sums[ROWS] = {0};
        count = layer->outputs - first >= ROWS ? ROWS : 1;
        for (int32_t i = 0; i < count && bias; i++)
            sums[i] = bias[first + i];
        if (count == ROWS)
            multiply_four_rows(row, size, inputs, groups, sums);
        else
            multiply_one_row(row, inputs, groups, sums);
        for (int32_t i = 0; i < count; i++) {
            int32_t n = first + i;
            if (rest > 0) {
                uint32_t four = load_s8_tail(row + i * size + 4 * groups, rest);
                const int16x2_t *last = inputs + groups * WORDS_PER_FOUR;
                sums[i] = multiply_four(four, last[0], last[1], sums[i]);
            }
            int32_t value = requantize(sums[i], multipliers[n], shifts[n]) + layer->output_offset;
            output[n] = (int8_t)clamp(value, layer->activation_min, layer->activation_max);
        }
    }
}
