/* fully_connected_s16.h: fully connected layer of int16 activations and int8 weights. */
#ifndef FULLY_CONNECTED_S16_H
#define FULLY_CONNECTED_S16_H

#include <stdint.h>

/* All zero points are 0, as the TFLite specification asks. */
struct fully_connected_s16 {
    int32_t inputs, outputs;
    int32_t activation_min, activation_max;  /* fused activation, in the output's scale */
};

/* Bytes of scratch that fully_connected_s16() needs, to be 4-byte aligned; best in DTCM. */
int32_t fully_connected_s16_scratch_bytes(const struct fully_connected_s16 *layer);

/* weights: outputs rows of inputs values; bias: outputs values or NULL;
 * multipliers, shifts: see requantize_s64_whole(), one per output. */
void fully_connected_s16(const struct fully_connected_s16 *layer, const int16_t *input,
                         const int8_t *weights, const int64_t *bias, const int32_t *multipliers,
                         const int32_t *shifts, int16_t *output, void *scratch);

/* The same as two loops. */
void fully_connected_s16_plain(const struct fully_connected_s16 *layer, const int16_t *input,
                               const int8_t *weights, const int64_t *bias, const int32_t *multipliers,
                               const int32_t *shifts, int16_t *output);

#endif
