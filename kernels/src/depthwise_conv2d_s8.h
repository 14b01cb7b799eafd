/* depthwise_conv2d_s8.h: int8 convolution of each channel by itself, NHWC activations, one
 * quantization scale per output channel as in the TFLite int8 specification. Batch size is 1. */
#ifndef DEPTHWISE_CONV2D_S8_H
#define DEPTHWISE_CONV2D_S8_H

#include <stdint.h>

struct depthwise_conv2d_s8 {
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width;
    int32_t channel_multiplier;              /* output channels made of one input channel, from 1 */
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t dilation_height, dilation_width;
    int32_t padding_top, padding_left;       /* the other two sides follow from the output size */
    int32_t input_offset;                    /* minus the input zero point, -127 to 128 */
    int32_t output_offset;                   /* the output zero point */
    int32_t activation_min, activation_max;  /* fused activation, in the output's scale */
};

/* Bytes of scratch that depthwise_conv2d_s8() needs, to be 4-byte aligned; best in DTCM. */
int32_t depthwise_conv2d_s8_scratch_bytes(const struct depthwise_conv2d_s8 *layer);

/* weights: kernel_height x kernel_width x output channels, where output channel number c *
 * channel_multiplier + m belongs to input channel c; bias: a value per output channel or NULL;
 * multipliers, shifts: see requantize.h, one per output channel. */
void depthwise_conv2d_s8(const struct depthwise_conv2d_s8 *layer, const int8_t *input,
                         const int8_t *weights, const int32_t *bias, const int32_t *multipliers,
                         const int32_t *shifts, int8_t *output, void *scratch);

/* The same as six loops. */
void depthwise_conv2d_s8_plain(const struct depthwise_conv2d_s8 *layer, const int8_t *input,
                               const int8_t *weights, const int32_t *bias, const int32_t *multipliers,
                               const int32_t *shifts, int8_t *output);

#endif
