/* fully_connected_f32.c: four outputs at a time, so that one load of an input serves four rows and
 * four chains of additions hide each other's latency. */
#include "fully_connected_f32.h"

enum { ROWS = 4 };

static inline float limit(float value, const struct fully_connected_f32 *layer)
{
    value = value < layer->activation_min ? layer->activation_min : value;
    return value > layer->activation_max ? layer->activation_max : value;
}

static __attribute__((noinline)) void multiply_rows_f32(const float *row0, int32_t stride,
                                                        const float *input, const float *end,
                                                        float *sums)
{
    const float *row1 = row0 + stride, *row2 = row1 + stride, *row3 = row2 + stride;
    float sum0 = sums[0], sum1 = sums[1], sum2 = sums[2], sum3 = sums[3];
#pragma GCC unroll 4
    while (input != end) {
        float value = *input++;
        sum0 = __builtin_fmaf(*row0++, value, sum0);
        sum1 = __builtin_fmaf(*row1++, value, sum1);
        sum2 = __builtin_fmaf(*row2++, value, sum2);
        sum3 = __builtin_fmaf(*row3++, value, sum3);
    }
    sums[0] = sum0;
    sums[1] = sum1;
    sums[2] = sum2;
    sums[3] = sum3;
}

void fully_connected_f32(const struct fully_connected_f32 *layer, const float *input,
                         const float *weights, const float *bias, float *output)
{
    const int32_t size = layer->inputs;
    int32_t first = 0;
    for (; first + ROWS <= layer->outputs; first += ROWS) {
        float sums[ROWS] = {0.0f, 0.0f, 0.0f, 0.0f};
        for (int32_t i = 0; i < ROWS && bias; i++)
            sums[i] = bias[first + i];
        multiply_rows_f32(weights + first * size, size, input, input + size, sums);
        for (int32_t i = 0; i < ROWS; i++)
            output[first + i] = limit(sums[i], layer);
    }
    for (; first < layer->outputs; first++) {
        float sum = bias ? bias[first] : 0.0f;
        for (int32_t i = 0; i < size; i++)
            sum = __builtin_fmaf(weights[first * size + i], input[i], sum);
        output[first] = limit(sum, layer);
    }
}
