/* layout_s8.h: operations that move int8 values and compute nothing. */
#ifndef LAYOUT_S8_H
#define LAYOUT_S8_H

#include <stdint.h>

/* Copies size values that do not overlap; what a reshape costs where it cannot be left out. */
void copy_s8(const int8_t *input, int32_t size, int8_t *output);
void copy_s8_plain(const int8_t *input, int32_t size, int8_t *output);

/* Puts rows and columns of value, most often the zero point, around an NHWC image. */
struct pad_s8 {
    int32_t height, width, channels;   /* of the input */
    int32_t top, bottom, left, right;  /* rows and columns that come on */
    int32_t value;
};

void pad_s8(const struct pad_s8 *layer, const int8_t *input, int8_t *output);
void pad_s8_plain(const struct pad_s8 *layer, const int8_t *input, int8_t *output);

/* Joins inputs along one axis. outer: product of the sizes before the axis; inner[i]: product of
 * input i's sizes from the axis on. All inputs have one scale and zero point. */
void concatenate_s8(const int8_t *const *inputs, const int32_t *inner, int32_t count, int32_t outer,
                    int8_t *output);
void concatenate_s8_plain(const int8_t *const *inputs, const int32_t *inner, int32_t count,
                          int32_t outer, int8_t *output);

/* Axis i of the output is axis order[i] of the input. Tensors with fewer axes: sizes of 1 in front. */
struct transpose_s8 {
    int32_t size[4];   /* of the input */
    int32_t order[4];  /* a permutation of 0 to 3 */
};

void transpose_s8(const struct transpose_s8 *layer, const int8_t *input, int8_t *output);
void transpose_s8_plain(const struct transpose_s8 *layer, const int8_t *input, int8_t *output);

#endif
