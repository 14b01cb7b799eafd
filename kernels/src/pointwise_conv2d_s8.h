/* pointwise_conv2d_s8.h: int8 convolution of 1x1, stride 1, no padding. Batch size is 1. */
#ifndef POINTWISE_CONV2D_S8_H
#define POINTWISE_CONV2D_S8_H

#include <stdint.h>

struct pointwise_conv2d_s8 {
    int32_t pixels;                          /* height times width, of input and output */
    int32_t input_channels, output_channels;
    int32_t input_offset;                    /* minus the input zero point, -127 to 128 */
    int32_t output_offset;                   /* the output zero point */
    int32_t activation_min, activation_max;  /* fused activation, in the output's scale */
};

/* Bytes of scratch that pointwise_conv2d_s8() needs, to be 4-byte aligned; best in DTCM. */
int32_t pointwise_conv2d_s8_scratch_bytes(const struct pointwise_conv2d_s8 *layer);

/* input: pixels x input_channels; weights: output_channels x input_channels; bias: output_channels
 * values or NULL; multipliers, shifts: see requantize.h, one per output channel; output: pixels x
 * output_channels. */
void pointwise_conv2d_s8(const struct pointwise_conv2d_s8 *layer, const int8_t *input,
                         const int8_t *weights, const int32_t *bias, const int32_t *multipliers,
                         const int32_t *shifts, int8_t *output, void *scratch);

/* The same as three loops. */
void pointwise_conv2d_s8_plain(const struct pointwise_conv2d_s8 *layer, const int8_t *input,
                               const int8_t *weights, const int32_t *bias, const int32_t *multipliers,
                               const int32_t *shifts, int8_t *output);

#endif
