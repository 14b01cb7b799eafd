/* conv2d_f32.h: convolution in single precision, NHWC activations, OHWI weights. Batch size is 1. */
#ifndef CONV2D_F32_H
#define CONV2D_F32_H

#include <stdint.h>

struct conv2d_f32 {
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels;
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t dilation_height, dilation_width;
    int32_t padding_top, padding_left;     /* the other two sides follow from the output size */
    float activation_min, activation_max;  /* fused activation; -INFINITY, INFINITY for none */
};

/* Bytes of scratch that conv2d_f32() needs, to be 4-byte aligned; best in DTCM. */
int32_t conv2d_f32_scratch_bytes(const struct conv2d_f32 *layer);

/* weights: output_channels x kernel_height x kernel_width x input_channels; bias: output_channels
 * values or NULL. Each output is a chain of fused multiply-adds from the bias on, in the order of the
 * weights; places outside the input count as zeros. */
void conv2d_f32(const struct conv2d_f32 *layer, const float *input, const float *weights,
                const float *bias, float *output, void *scratch);

/* The same as seven loops, with products rounded before they are added. */
void conv2d_f32_plain(const struct conv2d_f32 *layer, const float *input, const float *weights,
                      const float *bias, float *output);

#endif
