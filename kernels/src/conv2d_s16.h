/* conv2d_s16.h: convolution of int16 activations with int8 weights, NHWC and OHWI, one quantization
 * scale per output channel as in the TFLite 16x8 specification. Batch size is 1. */
#ifndef CONV2D_S16_H
#define CONV2D_S16_H

#include <stdint.h>

/* All zero points are 0, as the specification asks. */
struct conv2d_s16 {
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels;
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t dilation_height, dilation_width;
    int32_t padding_top, padding_left;       /* the other two sides follow from the output size */
    int32_t activation_min, activation_max;  /* fused activation, in the output's scale */
};

/* Bytes of scratch that conv2d_s16() needs, to be 4-byte aligned; best in DTCM. */
int32_t conv2d_s16_scratch_bytes(const struct conv2d_s16 *layer);

/* weights: output_channels x kernel_height x kernel_width x input_channels; bias: output_channels
 * values or NULL; multipliers, shifts: see requantize_s64(), one per output channel. */
void conv2d_s16(const struct conv2d_s16 *layer, const int16_t *input, const int8_t *weights,
                const int64_t *bias, const int32_t *multipliers, const int32_t *shifts,
                int16_t *output, void *scratch);

/* The same as seven loops. */
void conv2d_s16_plain(const struct conv2d_s16 *layer, const int16_t *input, const int8_t *weights,
                      const int64_t *bias, const int32_t *multipliers, const int32_t *shifts,
                      int16_t *output);

#endif
