/* ops_convolution.c: convolutions by the suite's optimised kernels, a batch at a time. */
#include "conv2d_f32.h"
#include "conv2d_s16.h"
#include "conv2d_s8.h"
#include "depthwise_conv2d_s8.h"
#include "ops.h"
#include "pointwise_conv2d_s8.h"

/* What buffers holds. float32 ends with OUTPUT and then SCRATCH_F32. */
enum { INPUT, WEIGHTS, BIAS, OUTPUT, MULTIPLIERS, SHIFTS, SCRATCH, SCRATCH_F32 = MULTIPLIERS };

struct batches_conv2d_s8 {
    int32_t batches;
    struct conv2d_s8 layer;
};

void op_conv2d_s8(void *const *buffers, const int32_t *params)
{
    const struct batches_conv2d_s8 *op = (const void *)params;
    const struct conv2d_s8 *layer = &op->layer;
    const int8_t *input = buffers[INPUT];
    int8_t *output = buffers[OUTPUT];
    for (int32_t batch = 0; batch < op->batches; batch++) {
        conv2d_s8(layer, input, buffers[WEIGHTS], buffers[BIAS], buffers[MULTIPLIERS], buffers[SHIFTS],
                  output, buffers[SCRATCH]);
        input += layer->input_height * layer->input_width * layer->input_channels;
        output += layer->output_height * layer->output_width * layer->output_channels;
    }
}

/* params: a struct pointwise_conv2d_s8 whose pixels are those of all batches. */
void op_pointwise_conv2d_s8(void *const *buffers, const int32_t *params)
{
    pointwise_conv2d_s8((const void *)params, buffers[INPUT], buffers[WEIGHTS], buffers[BIAS],
                        buffers[MULTIPLIERS], buffers[SHIFTS], buffers[OUTPUT], buffers[SCRATCH]);
}

struct batches_depthwise_conv2d_s8 {
    int32_t batches;
    struct depthwise_conv2d_s8 layer;
};

void op_depthwise_conv2d_s8(void *const *buffers, const int32_t *params)
{
    const struct batches_depthwise_conv2d_s8 *op = (const void *)params;
    const struct depthwise_conv2d_s8 *layer = &op->layer;
    const int8_t *input = buffers[INPUT];
    int8_t *output = buffers[OUTPUT];
    for (int32_t batch = 0; batch < op->batches; batch++) {
        depthwise_conv2d_s8(layer, input, buffers[WEIGHTS], buffers[BIAS], buffers[MULTIPLIERS],
                            buffers[SHIFTS], output, buffers[SCRATCH]);
        input += layer->input_height * layer->input_width * layer->input_channels;
        output += layer->output_height * layer->output_width * layer->input_channels *
                  layer->channel_multiplier;
    }
}

struct batches_conv2d_s16 {
    int32_t batches;
    struct conv2d_s16 layer;
};

void op_conv2d_s16(void *const *buffers, const int32_t *params)
{
    const struct batches_conv2d_s16 *op = (const void *)params;
    const struct conv2d_s16 *layer = &op->layer;
    const int16_t *input = buffers[INPUT];
    int16_t *output = buffers[OUTPUT];
    for (int32_t batch = 0; batch < op->batches; batch++) {
        conv2d_s16(layer, input, buffers[WEIGHTS], buffers[BIAS], buffers[MULTIPLIERS], buffers[SHIFTS],
                   output, buffers[SCRATCH]);
        input += layer->input_height * layer->input_width * layer->input_channels;
        output += layer->output_height * layer->output_width * layer->output_channels;
    }
}

struct batches_conv2d_f32 {
    int32_t batches;
    struct conv2d_f32 layer;
};

void op_conv2d_f32(void *const *buffers, const int32_t *params)
{
    const struct batches_conv2d_f32 *op = (const void *)params;
    const struct conv2d_f32 *layer = &op->layer;
    const float *input = buffers[INPUT];
    float *output = buffers[OUTPUT];
    for (int32_t batch = 0; batch < op->batches; batch++) {
        conv2d_f32(layer, input, buffers[WEIGHTS], buffers[BIAS], output, buffers[SCRATCH_F32]);
        input += layer->input_height * layer->input_width * layer->input_channels;
        output += layer->output_height * layer->output_width * layer->output_channels;
    }
}
