/* elementwise_s8.h: activations by comparison and sums and products of two int8 tensors. Every shape
 * will do, as long as both inputs have the same: size is the number of values. In and output may be
 * one buffer. */
#ifndef ELEMENTWISE_S8_H
#define ELEMENTWISE_S8_H

#include <stdint.h>

/* Limits values to low .. high; a ReLU6 where these are the zero point and the quantized 6. */
void clamp_s8(const int8_t *input, int32_t size, int32_t low, int32_t high, int8_t *output);
void clamp_s8_plain(const int8_t *input, int32_t size, int32_t low, int32_t high, int8_t *output);

/* Values below the zero point become the zero point; input and output have one scale. */
void relu_s8(const int8_t *input, int32_t size, int32_t zero_point, int8_t *output);
void relu_s8_plain(const int8_t *input, int32_t size, int32_t zero_point, int8_t *output);

enum { ADD_S8_LEFT_SHIFT = 20 };  /* bits by which add_s8() widens its inputs, as TFLite does */

/* multiplier and shift: see requantize.h. With twice_max = 2 * the larger input scale: input n is
 * scaled by input scale n / twice_max (shift at most 0), the sum by twice_max / (2^20 * output scale)
 * (shift at most 0). */
struct add_s8 {
    int32_t input1_offset, input1_multiplier, input1_shift;  /* offset: minus the zero point */
    int32_t input2_offset, input2_multiplier, input2_shift;
    int32_t output_offset, output_multiplier, output_shift;  /* offset: the zero point */
    int32_t activation_min, activation_max;                  /* fused activation */
};

void add_s8(const struct add_s8 *layer, const int8_t *input1, const int8_t *input2, int32_t size,
            int8_t *output);
void add_s8_plain(const struct add_s8 *layer, const int8_t *input1, const int8_t *input2, int32_t size,
                  int8_t *output);

/* The product is scaled by input scale 1 * input scale 2 / output scale. */
struct mul_s8 {
    int32_t input1_offset, input2_offset;                    /* minus the zero points */
    int32_t output_offset, output_multiplier, output_shift;  /* offset: the zero point */
    int32_t activation_min, activation_max;                  /* fused activation */
};

void mul_s8(const struct mul_s8 *layer, const int8_t *input1, const int8_t *input2, int32_t size,
            int8_t *output);
void mul_s8_plain(const struct mul_s8 *layer, const int8_t *input1, const int8_t *input2, int32_t size,
                  int8_t *output);

#endif
