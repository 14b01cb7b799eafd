/* Runs the int8 kernels on many small layers that reach every tail and border, against the values of
 * kernels/reference.py. The exit code is the number of the first layer that differs, 0 when none. */
#include <stdint.h>

#include "conv2d_s8.h"
#include "fully_connected_s8.h"
#include "layer_data.h"
#include "semihost.h"

#define CASE(n)                                                                           \
    {                                                                                     \
        &layer_##n, input_values_##n, weights_##n, bias_##n, multipliers_##n, shifts_##n, \
            expected_##n, sizeof expected_##n                                             \
    }

struct values {
    const void *layer;
    const int8_t *input, *weights;
    const int32_t *bias, *multipliers, *shifts;
    const int8_t *expected;
    uint32_t size;
};

static const struct values convolutions[] = {CONV2D_S8_CASES};
static const struct values fully_connected[] = {FULLY_CONNECTED_S8_CASES};

enum { ROOM = 2048, CANARY = 0x5A };

static int8_t output[ROOM + 32];
static uint8_t scratch[ROOM + 32] __attribute__((section(".dtcm"), aligned(8)));

static void prepare(void)
{
    for (uint32_t i = 0; i < sizeof output; i++)
        output[i] = CANARY;
    for (uint32_t i = 0; i < sizeof scratch; i++)
        scratch[i] = CANARY;
}

/* The output is as expected, and nothing behind it or behind the scratch buffer was written. */
static int is_good(const struct values *values, int32_t scratch_bytes)
{
    for (uint32_t i = 0; i < values->size; i++)
        if (output[i] != values->expected[i])
            return 0;
    for (uint32_t i = values->size; i < values->size + 32; i++)
        if (output[i] != CANARY)
            return 0;
    for (int32_t i = scratch_bytes; i < scratch_bytes + 32; i++)
        if (scratch[i] != CANARY)
            return 0;
    return 1;
}

int main(void)
{
    int number = 1;
    for (uint32_t i = 0; i < sizeof convolutions / sizeof *convolutions; i++, number++) {
        const struct values *v = &convolutions[i];
        int32_t bytes = conv2d_s8_scratch_bytes(v->layer);
        if (bytes > ROOM || v->size > ROOM)
            return 255;
        prepare();
        conv2d_s8(v->layer, v->input, v->weights, v->bias, v->multipliers, v->shifts, output, scratch);
        if (!is_good(v, bytes))
            return number;
    }
    for (uint32_t i = 0; i < sizeof fully_connected / sizeof *fully_connected; i++, number++) {
        const struct values *v = &fully_connected[i];
        int32_t bytes = fully_connected_s8_scratch_bytes(v->layer);
        if (bytes > ROOM || v->size > ROOM)
            return 255;
        prepare();
        fully_connected_s8(v->layer, v->input, v->weights, v->bias, v->multipliers, v->shifts, output,
                           scratch);
        if (!is_good(v, bytes))
            return number;
    }
    return 0;
}
