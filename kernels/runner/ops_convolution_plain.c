/* ops_convolution_plain.c: convolutions as their definitions read, for what the optimised ones leave out:
 * groups, 32-bit sums of int16, depthwise layers of int16 and float32, transposed convolutions. */
#include "ops.h"
#include "requantize.h"

enum { INPUT, WEIGHTS, BIAS, OUTPUT, MULTIPLIERS, SHIFTS, SUMS, SUMS_F32 = MULTIPLIERS };

/* activation_*: int32, or the bits of a float. group_channels: input channels that an output sees. */
struct convolution {
    int32_t batches;
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels;
    int32_t kernel_height, kernel_width, group_channels;
    int32_t stride_height, stride_width;
    int32_t dilation_height, dilation_width;
    int32_t padding_top, padding_left;
    int32_t input_offset, output_offset;
    int32_t activation_min, activation_max;
};

static inline int32_t values_of_input(const struct convolution *op)
{
    return op->input_height * op->input_width * op->input_channels;
}

static inline int32_t values_of_output(const struct convolution *op)
{
    return op->batches * op->output_height * op->output_width * op->output_channels;
}

/* The last steps of an output channel's sum. */
static inline int32_t finish_s32(const struct convolution *op, void *const *buffers, int32_t sum, int32_t o)
{
    const int32_t *multipliers = buffers[MULTIPLIERS], *shifts = buffers[SHIFTS];
    int32_t value = requantize(sum, multipliers[o], shifts[o]) + op->output_offset;
    return clamp(value, op->activation_min, op->activation_max);
}

static inline int32_t finish_s64(const struct convolution *op, void *const *buffers, int64_t sum, int32_t o)
{
    const int32_t *multipliers = buffers[MULTIPLIERS], *shifts = buffers[SHIFTS];
    int32_t value = requantize_s64(sum, multipliers[o], shifts[o]) + op->output_offset;
    return clamp(value, op->activation_min, op->activation_max);
}

static inline float finish_f32(const struct convolution *op, void *const *buffers, float sum, int32_t o)
{
    (void)buffers, (void)o;
    return clamp_f32(sum, float_of(op->activation_min), float_of(op->activation_max));
}

/* A sum of products over a window, then the bias, as TFLM's reference adds them. */
#define WINDOW_SUM(Sum, input_index, weight_index)                                                     \
    for (int32_t ky = 0; ky < op->kernel_height; ky++) {                                               \
        int32_t y = oy * op->stride_height - op->padding_top + ky * op->dilation_height;               \
        for (int32_t kx = 0; y >= 0 && y < op->input_height && kx < op->kernel_width; kx++) {          \
            int32_t x = ox * op->stride_width - op->padding_left + kx * op->dilation_width;            \
            if (x < 0 || x >= op->input_width)                                                         \
                continue;                                                                              \
            for (int32_t c = 0; c < op->group_channels; c++)                                           \
                sum += (Sum)(input[input_index] + OFFSET) * weights[weight_index];                     \
        }                                                                                              \
    }

#define CONVOLUTION(name, Input, Weight, Bias, Sum, finish, first_channel, input_index, weight_index)  \
    void name(void *const *buffers, const int32_t *params)                                             \
    {                                                                                                  \
        const struct convolution *op = (const void *)params;                                           \
        const Input *input = buffers[INPUT];                                                           \
        const Weight *weights = buffers[WEIGHTS];                                                      \
        const Bias *bias = buffers[BIAS];                                                              \
        Input *output = buffers[OUTPUT];                                                               \
        for (int32_t batch = 0; batch < op->batches; batch++, input += values_of_input(op))            \
            for (int32_t oy = 0; oy < op->output_height; oy++)                                         \
                for (int32_t ox = 0; ox < op->output_width; ox++)                                      \
                    for (int32_t o = 0; o < op->output_channels; o++) {                                \
                        const int32_t first = first_channel;                                           \
                        Sum sum = 0;                                                                   \
                        WINDOW_SUM(Sum, input_index, weight_index)                                     \
                        if (bias)                                                                      \
                            sum += bias[o];                                                            \
                        *output++ = (Input)finish(op, buffers, sum, o);                                \
                    }                                                                                  \
    }

#define AT_PIXEL ((y * op->input_width + x) * op->input_channels + first + c)
#define AT_FILTER (((o * op->kernel_height + ky) * op->kernel_width + kx) * op->group_channels + c)
#define AT_TAP ((ky * op->kernel_width + kx) * op->output_channels + o)
#define GROUP (o / (op->output_channels / (op->input_channels / op->group_channels)) * op->group_channels)
#define OWN (o / (op->output_channels / op->input_channels)) /* group_channels is 1 */

#define OFFSET op->input_offset
CONVOLUTION(op_conv2d_s8_plain, int8_t, int8_t, int32_t, int32_t, finish_s32, GROUP, AT_PIXEL, AT_FILTER)
CONVOLUTION(op_conv2d_s16_plain, int16_t, int8_t, int64_t, int64_t, finish_s64, GROUP, AT_PIXEL, AT_FILTER)
CONVOLUTION(op_conv2d_s16_bias32_plain, int16_t, int8_t, int32_t, int32_t, finish_s32, GROUP, AT_PIXEL, AT_FILTER)
CONVOLUTION(op_depthwise_conv2d_s16, int16_t, int8_t, int64_t, int64_t, finish_s64, OWN, AT_PIXEL, AT_TAP)
#undef OFFSET
#define OFFSET 0
CONVOLUTION(op_conv2d_f32_plain, float, float, float, float, finish_f32, GROUP, AT_PIXEL, AT_FILTER)
CONVOLUTION(op_depthwise_conv2d_f32, float, float, float, float, finish_f32, OWN, AT_PIXEL, AT_TAP)
#undef OFFSET

/* Spreads each input over the outputs that it reaches, into SUMS, in the order of TFLM's reference. */
#define TRANSPOSED(name, Input, Weight, Bias, Sum, finish, sums_at)                                    \
    void name(void *const *buffers, const int32_t *params)                                             \
    {                                                                                                  \
        const struct convolution *op = (const void *)params;                                           \
        const Input *input = buffers[INPUT];                                                           \
        const Weight *weights = buffers[WEIGHTS];                                                      \
        const Bias *bias = buffers[BIAS];                                                              \
        Input *output = buffers[OUTPUT];                                                               \
        Sum *all = buffers[sums_at];                                                                   \
        const int32_t outputs = op->output_channels, size = values_of_output(op);                      \
        for (int32_t i = 0; i < size; i++)                                                             \
            all[i] = 0;                                                                                \
        Sum *sums = all;                                                                               \
        for (int32_t batch = 0; batch < op->batches; batch++) {                                        \
            for (int32_t iy = 0; iy < op->input_height; iy++)                                          \
                for (int32_t ix = 0; ix < op->input_width; ix++)                                       \
                    for (int32_t c = 0; c < op->input_channels; c++) {                                 \
                        const Sum value = (Sum)(*input++ + OFFSET);                                    \
                        for (int32_t ky = 0; ky < op->kernel_height; ky++)                             \
                            for (int32_t kx = 0; kx < op->kernel_width; kx++) {                        \
                                int32_t y = iy * op->stride_height - op->padding_top + ky;             \
                                int32_t x = ix * op->stride_width - op->padding_left + kx;             \
                                if (y < 0 || y >= op->output_height || x < 0 || x >= op->output_width) \
                                    continue;                                                          \
                                Sum *to = sums + (y * op->output_width + x) * outputs;                 \
                                for (int32_t o = 0; o < outputs; o++)                                  \
                                    to[o] += value * weights[((o * op->kernel_height + ky) *           \
                                                                  op->kernel_width + kx) *             \
                                                                 op->input_channels + c];              \
                            }                                                                          \
                    }                                                                                  \
            sums += op->output_height * op->output_width * outputs;                                    \
        }                                                                                              \
        for (int32_t i = 0, o = 0; i < size; i++, o = o + 1 == outputs ? 0 : o + 1) {                  \
            Sum sum = all[i];                                                                          \
            if (bias)                                                                                  \
                sum += bias[o];                                                                        \
            output[i] = (Input)finish(op, buffers, sum, o);                                            \
        }                                                                                              \
    }

#define OFFSET op->input_offset
TRANSPOSED(op_transpose_conv_s8, int8_t, int8_t, int32_t, int32_t, finish_s32, SUMS)
#undef OFFSET
#define OFFSET 0
TRANSPOSED(op_transpose_conv_s16, int16_t, int8_t, int64_t, int64_t, finish_s64, SUMS)
TRANSPOSED(op_transpose_conv_f32, float, float, float, float, finish_f32, SUMS_F32)
