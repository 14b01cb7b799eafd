/* fully_connected_f32.h: fully connected layer in single precision. */
#ifndef FULLY_CONNECTED_F32_H
#define FULLY_CONNECTED_F32_H

#include <stdint.h>

struct fully_connected_f32 {
    int32_t inputs, outputs;
    float activation_min, activation_max;  /* fused activation; -INFINITY, INFINITY for none */
};

/* weights: outputs rows of inputs values; bias: outputs values or NULL. Each output is a chain of
 * fused multiply-adds from the bias on, in the order of the inputs. */
void fully_connected_f32(const struct fully_connected_f32 *layer, const float *input,
                         const float *weights, const float *bias, float *output);

/* The same as two loops, with products rounded before they are added. */
void fully_connected_f32_plain(const struct fully_connected_f32 *layer, const float *input,
                               const float *weights, const float *bias, float *output);

#endif
