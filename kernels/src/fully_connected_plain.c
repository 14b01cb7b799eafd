/* fully_connected_plain.c: matrix times vector as its definition reads, to compare the others with. */
#include "fully_connected_f32.h"
#include "fully_connected_s16.h"
#include "fully_connected_s8.h"
#include "requantize.h"

void fully_connected_s8_plain(const struct fully_connected_s8 *layer, const int8_t *input,
                              const int8_t *weights, const int32_t *bias, const int32_t *multipliers,
                              const int32_t *shifts, int8_t *output)
{
    for (int32_t o = 0; o < layer->outputs; o++) {
        int32_t sum = bias ? bias[o] : 0;
        for (int32_t i = 0; i < layer->inputs; i++)
            sum += (input[i] + layer->input_offset) * weights[o * layer->inputs + i];
        int32_t value = requantize(sum, multipliers[o], shifts[o]) + layer->output_offset;
        output[o] = (int8_t)clamp(value, layer->activation_min, layer->activation_max);
    }
}

void fully_connected_s16_plain(const struct fully_connected_s16 *layer, const int16_t *input,
                               const int8_t *weights, const int64_t *bias, const int32_t *multipliers,
                               const int32_t *shifts, int16_t *output)
{
    for (int32_t o = 0; o < layer->outputs; o++) {
        int64_t sum = bias ? bias[o] : 0;
        for (int32_t i = 0; i < layer->inputs; i++)
            sum += input[i] * weights[o * layer->inputs + i];
        int32_t value = requantize_s64_whole(sum, multipliers[o], shifts[o]);
        output[o] = (int16_t)clamp(value, layer->activation_min, layer->activation_max);
    }
}

void fully_connected_f32_plain(const struct fully_connected_f32 *layer, const float *input,
                               const float *weights, const float *bias, float *output)
{
    for (int32_t o = 0; o < layer->outputs; o++) {
        float sum = bias ? bias[o] : 0.0f;
        for (int32_t i = 0; i < layer->inputs; i++)
            sum += input[i] * weights[o * layer->inputs + i];
        sum = sum < layer->activation_min ? layer->activation_min : sum;
        output[o] = sum > layer->activation_max ? layer->activation_max : sum;
    }
}
