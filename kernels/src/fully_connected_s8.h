/* fully_connected_s8.h: int8 fully connected layer, one quantization scale per output. */
#ifndef FULLY_CONNECTED_S8_H
#define FULLY_CONNECTED_S8_H

#include <stdint.h>

struct fully_connected_s8 {
    int32_t inputs, outputs;
    int32_t input_offset;                    /* minus the input zero point, -127 to 128 */
    int32_t output_offset;                   /* the output zero point */
    int32_t activation_min, activation_max;  /* fused activation, in the output's scale */
};

/* Bytes of scratch that fully_connected_s8() needs, to be 4-byte aligned; best in DTCM. */
int32_t fully_connected_s8_scratch_bytes(const struct fully_connected_s8 *layer);

/* weights: outputs rows of inputs values; bias: outputs values or NULL; multipliers, shifts: see
 * requantize.h, one per output. */
void fully_connected_s8(const struct fully_connected_s8 *layer, const int8_t *input,
                        const int8_t *weights, const int32_t *bias, const int32_t *multipliers,
                        const int32_t *shifts, int8_t *output, void *scratch);

/* The same as two loops. */
void fully_connected_s8_plain(const struct fully_connected_s8 *layer, const int8_t *input,
                              const int8_t *weights, const int32_t *bias, const int32_t *multipliers,
                              const int32_t *shifts, int8_t *output);

#endif
