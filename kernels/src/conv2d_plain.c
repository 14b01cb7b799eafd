/* conv2d_plain.c: convolutions as their definitions read, to compare the others with. */
#include "conv2d_f32.h"
#include "conv2d_s16.h"
#include "conv2d_s8.h"
#include "depthwise_conv2d_s8.h"
#include "pointwise_conv2d_s8.h"
#include "requantize.h"

void conv2d_s8_plain(const struct conv2d_s8 *layer, const int8_t *input, const int8_t *weights,
                     const int32_t *bias, const int32_t *multipliers, const int32_t *shifts,
                     int8_t *output)
{
    const int32_t channels = layer->input_channels;
    for (int32_t oy = 0; oy < layer->output_height; oy++) {
        for (int32_t ox = 0; ox < layer->output_width; ox++) {
            for (int32_t o = 0; o < layer->output_channels; o++) {
                int32_t sum = bias ? bias[o] : 0;
                for (int32_t ky = 0; ky < layer->kernel_height; ky++) {
                    for (int32_t kx = 0; kx < layer->kernel_width; kx++) {
                        int32_t y = oy * layer->stride_height - layer->padding_top + ky * layer->dilation_height;
                        int32_t x = ox * layer->stride_width - layer->padding_left + kx * layer->dilation_width;
                        if (y < 0 || y >= layer->input_height || x < 0 || x >= layer->input_width)
                            continue;
                        for (int32_t c = 0; c < channels; c++)
                            sum += (input[(y * layer->input_width + x) * channels + c] + layer->input_offset) *
                                   weights[((o * layer->kernel_height + ky) * layer->kernel_width + kx) * channels + c];
                    }
                }
                int32_t value = requantize(sum, multipliers[o], shifts[o]) + layer->output_offset;
                *output++ = (int8_t)clamp(value, layer->activation_min, layer->activation_max);
            }
        }
    }
}

void depthwise_conv2d_s8_plain(const struct depthwise_conv2d_s8 *layer, const int8_t *input,
                               const int8_t *weights, const int32_t *bias, const int32_t *multipliers,
                               const int32_t *shifts, int8_t *output)
{
    const int32_t channels = layer->input_channels;
    const int32_t outputs = channels * layer->channel_multiplier;
    for (int32_t oy = 0; oy < layer->output_height; oy++) {
        for (int32_t ox = 0; ox < layer->output_width; ox++) {
            for (int32_t c = 0; c < channels; c++) {
                for (int32_t m = 0; m < layer->channel_multiplier; m++) {
                    int32_t o = c * layer->channel_multiplier + m;
                    int32_t sum = bias ? bias[o] : 0;
                    for (int32_t ky = 0; ky < layer->kernel_height; ky++) {
                        for (int32_t kx = 0; kx < layer->kernel_width; kx++) {
                            int32_t y = oy * layer->stride_height - layer->padding_top + ky * layer->dilation_height;
                            int32_t x = ox * layer->stride_width - layer->padding_left + kx * layer->dilation_width;
                            if (y < 0 || y >= layer->input_height || x < 0 || x >= layer->input_width)
                                continue;
                            sum += (input[(y * layer->input_width + x) * channels + c] + layer->input_offset) *
                                   weights[(ky * layer->kernel_width + kx) * outputs + o];
                        }
                    }
                    int32_t value = requantize(sum, multipliers[o], shifts[o]) + layer->output_offset;
                    *output++ = (int8_t)clamp(value, layer->activation_min, layer->activation_max);
                }
            }
        }
    }
}

void pointwise_conv2d_s8_plain(const struct pointwise_conv2d_s8 *layer, const int8_t *input,
                               const int8_t *weights, const int32_t *bias, const int32_t *multipliers,
                               const int32_t *shifts, int8_t *output)
{
    for (int32_t pixel = 0; pixel < layer->pixels; pixel++, input += layer->input_channels) {
        for (int32_t o = 0; o < layer->output_channels; o++) {
            int32_t sum = bias ? bias[o] : 0;
            for (int32_t c = 0; c < layer->input_channels; c++)
                sum += (input[c] + layer->input_offset) * weights[o * layer->input_channels + c];
            int32_t value = requantize(sum, multipliers[o], shifts[o]) + layer->output_offset;
            *output++ = (int8_t)clamp(value, layer->activation_min, layer->activation_max);
        }
    }
}

void conv2d_s16_plain(const struct conv2d_s16 *layer, const int16_t *input, const int8_t *weights,
                      const int64_t *bias, const int32_t *multipliers, const int32_t *shifts,
                      int16_t *output)
{
    const int32_t channels = layer->input_channels;
    for (int32_t oy = 0; oy < layer->output_height; oy++) {
        for (int32_t ox = 0; ox < layer->output_width; ox++) {
            for (int32_t o = 0; o < layer->output_channels; o++) {
                int64_t sum = bias ? bias[o] : 0;
                for (int32_t ky = 0; ky < layer->kernel_height; ky++) {
                    for (int32_t kx = 0; kx < layer->kernel_width; kx++) {
                        int32_t y = oy * layer->stride_height - layer->padding_top + ky * layer->dilation_height;
                        int32_t x = ox * layer->stride_width - layer->padding_left + kx * layer->dilation_width;
                        if (y < 0 || y >= layer->input_height || x < 0 || x >= layer->input_width)
                            continue;
                        for (int32_t c = 0; c < channels; c++)
                            sum += input[(y * layer->input_width + x) * channels + c] *
                                   weights[((o * layer->kernel_height + ky) * layer->kernel_width + kx) * channels + c];
                    }
                }
                int32_t value = requantize_s64(sum, multipliers[o], shifts[o]);
                *output++ = (int16_t)clamp(value, layer->activation_min, layer->activation_max);
            }
        }
    }
}

void conv2d_f32_plain(const struct conv2d_f32 *layer, const float *input, const float *weights,
                      const float *bias, float *output)
{
    const int32_t channels = layer->input_channels;
    for (int32_t oy = 0; oy < layer->output_height; oy++) {
        for (int32_t ox = 0; ox < layer->output_width; ox++) {
            for (int32_t o = 0; o < layer->output_channels; o++) {
                float sum = bias ? bias[o] : 0.0f;
                for (int32_t ky = 0; ky < layer->kernel_height; ky++) {
                    for (int32_t kx = 0; kx < layer->kernel_width; kx++) {
                        int32_t y = oy * layer->stride_height - layer->padding_top + ky * layer->dilation_height;
                        int32_t x = ox * layer->stride_width - layer->padding_left + kx * layer->dilation_width;
                        if (y < 0 || y >= layer->input_height || x < 0 || x >= layer->input_width)
                            continue;
                        for (int32_t c = 0; c < channels; c++)
                            sum += input[(y * layer->input_width + x) * channels + c] *
                                   weights[((o * layer->kernel_height + ky) * layer->kernel_width + kx) * channels + c];
                    }
                }
                sum = sum < layer->activation_min ? layer->activation_min : sum;
                *output++ = sum > layer->activation_max ? layer->activation_max : sum;
            }
        }
    }
}
