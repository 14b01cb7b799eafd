/* pool_s8.h: maximum and average of windows of an int8 NHWC image. Batch size is 1. Input and output
 * have one scale and zero point, so nothing is requantized. */
#ifndef POOL_S8_H
#define POOL_S8_H

#include <stdint.h>

struct pool_s8 {
    int32_t input_height, input_width, channels;
    int32_t output_height, output_width;
    int32_t window_height, window_width;
    int32_t stride_height, stride_width;
    int32_t padding_top, padding_left;       /* the other two sides follow from the output size */
    int32_t activation_min, activation_max;  /* fused activation */
};

/* Places outside the input take no part. Every window must hold one value at least. */
void max_pool_s8(const struct pool_s8 *layer, const int8_t *input, int8_t *output);
void max_pool_s8_plain(const struct pool_s8 *layer, const int8_t *input, int8_t *output);

/* The sum of a window over the number of its values inside the input, halves away from zero. */
void average_pool_s8(const struct pool_s8 *layer, const int8_t *input, int8_t *output);
void average_pool_s8_plain(const struct pool_s8 *layer, const int8_t *input, int8_t *output);

#endif
