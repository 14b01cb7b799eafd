/* Runs one depthwise convolution layer and checks its output. Argument: repeat=N runs it N times. */
#include "depthwise_conv2d_s8.h"

#include <string.h>

#include "check.h"
#include "layer_data.h"
#include "mcusim.h"
#include "semihost.h"

/* Activations in SRAM, unpacked weights and sums in DTCM; weights stay in flash. */
static int8_t input[sizeof input_values] __attribute__((aligned(32)));
static int8_t output[sizeof expected] __attribute__((aligned(32)));
static uint8_t scratch[4 * 1024] __attribute__((section(".dtcm"), aligned(8)));

static const struct mcusim_op operation =
    MCUSIM_OP(LAYER_NAME, "depthwise_conv2d_s8", LAYER_MACS,
              sizeof weights + sizeof bias + sizeof multipliers + sizeof shifts,
              sizeof input + sizeof output);

int main(void)
{
    if (depthwise_conv2d_s8_scratch_bytes(&layer) > (int32_t)sizeof scratch)
        return 2;
    memcpy(input, input_values, sizeof input);
    for (uint32_t repeat = semihost_argument("repeat", 1); repeat > 0; repeat--) {
        mcusim_op_begin(&operation);
        depthwise_conv2d_s8(&layer, input, weights, bias, multipliers, shifts, output, scratch);
        mcusim_op_end();
    }
    return check_values(output, expected, sizeof expected);
}
