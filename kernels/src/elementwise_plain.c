/* elementwise_plain.c: one value a step, as the definitions read, to compare the others with. */
#include "elementwise_s8.h"
#include "requantize.h"

void clamp_s8_plain(const int8_t *input, int32_t size, int32_t low, int32_t high, int8_t *output)
{
    for (int32_t i = 0; i < size; i++)
        output[i] = (int8_t)clamp(input[i], low, high);
}

void relu_s8_plain(const int8_t *input, int32_t size, int32_t zero_point, int8_t *output)
{
    for (int32_t i = 0; i < size; i++)
        output[i] = (int8_t)(input[i] < zero_point ? zero_point : input[i]);
}

void add_s8_plain(const struct add_s8 *layer, const int8_t *input1, const int8_t *input2, int32_t size,
                  int8_t *output)
{
    for (int32_t i = 0; i < size; i++) {
        int32_t value1 = (input1[i] + layer->input1_offset) * (1 << ADD_S8_LEFT_SHIFT);
        int32_t value2 = (input2[i] + layer->input2_offset) * (1 << ADD_S8_LEFT_SHIFT);
        int32_t sum = requantize(value1, layer->input1_multiplier, layer->input1_shift) +
                      requantize(value2, layer->input2_multiplier, layer->input2_shift);
        int32_t value = requantize(sum, layer->output_multiplier, layer->output_shift);
        output[i] = (int8_t)clamp(value + layer->output_offset, layer->activation_min, layer->activation_max);
    }
}

void mul_s8_plain(const struct mul_s8 *layer, const int8_t *input1, const int8_t *input2, int32_t size,
                  int8_t *output)
{
    for (int32_t i = 0; i < size; i++) {
        int32_t product = (input1[i] + layer->input1_offset) * (input2[i] + layer->input2_offset);
        int32_t value = requantize(product, layer->output_multiplier, layer->output_shift);
        output[i] = (int8_t)clamp(value + layer->output_offset, layer->activation_min, layer->activation_max);
    }
}
