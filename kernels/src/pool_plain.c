/* pool_plain.c: pooling as its definition reads, to compare the others with. */
#include "pool_s8.h"
#include "requantize.h"

void max_pool_s8_plain(const struct pool_s8 *layer, const int8_t *input, int8_t *output)
{
    for (int32_t oy = 0; oy < layer->output_height; oy++) {
        for (int32_t ox = 0; ox < layer->output_width; ox++) {
            for (int32_t c = 0; c < layer->channels; c++) {
                int32_t most = INT8_MIN;
                for (int32_t ky = 0; ky < layer->window_height; ky++) {
                    for (int32_t kx = 0; kx < layer->window_width; kx++) {
                        int32_t y = oy * layer->stride_height - layer->padding_top + ky;
                        int32_t x = ox * layer->stride_width - layer->padding_left + kx;
                        if (y < 0 || y >= layer->input_height || x < 0 || x >= layer->input_width)
                            continue;
                        int32_t value = input[(y * layer->input_width + x) * layer->channels + c];
                        most = value > most ? value : most;
                    }
                }
                *output++ = (int8_t)clamp(most, layer->activation_min, layer->activation_max);
            }
        }
    }
}

void average_pool_s8_plain(const struct pool_s8 *layer, const int8_t *input, int8_t *output)
{
    for (int32_t oy = 0; oy < layer->output_height; oy++) {
        for (int32_t ox = 0; ox < layer->output_width; ox++) {
            for (int32_t c = 0; c < layer->channels; c++) {
                int32_t sum = 0, count = 0;
                for (int32_t ky = 0; ky < layer->window_height; ky++) {
                    for (int32_t kx = 0; kx < layer->window_width; kx++) {
                        int32_t y = oy * layer->stride_height - layer->padding_top + ky;
                        int32_t x = ox * layer->stride_width - layer->padding_left + kx;
                        if (y < 0 || y >= layer->input_height || x < 0 || x >= layer->input_width)
                            continue;
                        sum += input[(y * layer->input_width + x) * layer->channels + c];
                        count++;
                    }
                }
                int32_t value = (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
                *output++ = (int8_t)clamp(value, layer->activation_min, layer->activation_max);
            }
        }
    }
}
