/* ops_fully_connected.c: fully connected layers and products of matrices. */
#include "fully_connected_f32.h"
#include "fully_connected_s8.h"
#include "ops.h"
#include "requantize.h"

enum { INPUT, WEIGHTS, BIAS, OUTPUT, MULTIPLIERS, SHIFTS, SCRATCH };

/* One row of inputs; several are a pointwise convolution. params: a struct fully_connected_s8. */
void op_fully_connected_s8(void *const *buffers, const int32_t *params)
{
    fully_connected_s8((const void *)params, buffers[INPUT], buffers[WEIGHTS], buffers[BIAS],
                       buffers[MULTIPLIERS], buffers[SHIFTS], buffers[OUTPUT], buffers[SCRATCH]);
}

/* Rows are pixels of a 1x1 convolution, whose sums TFLM scales in the same way. */
void op_fully_connected_s16(void *const *buffers, const int32_t *params)
{
    op_conv2d_s16(buffers, params);
}

void op_fully_connected_s16_bias32_plain(void *const *buffers, const int32_t *params)
{
    op_conv2d_s16_bias32_plain(buffers, params);
}

struct rows_fully_connected_f32 {
    int32_t rows;
    struct fully_connected_f32 layer;
};

void op_fully_connected_f32(void *const *buffers, const int32_t *params)
{
    const struct rows_fully_connected_f32 *op = (const void *)params;
    const float *input = buffers[INPUT];
    float *output = buffers[OUTPUT];
    for (int32_t row = 0; row < op->rows; row++, input += op->layer.inputs, output += op->layer.outputs)
        fully_connected_f32(&op->layer, input, buffers[WEIGHTS], buffers[BIAS], output);
}

/* Weights with a zero point, which the optimised layers do not know. */
struct fully_connected_offset {
    int32_t rows, inputs, outputs;
    int32_t input_offset, weight_offset, output_offset;
    int32_t activation_min, activation_max;
};

#define FULLY_CONNECTED(name, Input, Sum, scale)                                                       \
    void name(void *const *buffers, const int32_t *params)                                             \
    {                                                                                                  \
        const struct fully_connected_offset *op = (const void *)params;                                \
        const Input *input = buffers[INPUT];                                                           \
        const Sum *bias = buffers[BIAS];                                                               \
        const int32_t *multipliers = buffers[MULTIPLIERS], *shifts = buffers[SHIFTS];                  \
        Input *output = buffers[OUTPUT];                                                               \
        for (int32_t row = 0; row < op->rows; row++, input += op->inputs) {                            \
            const int8_t *weights = buffers[WEIGHTS];                                                  \
            for (int32_t o = 0; o < op->outputs; o++, weights += op->inputs) {                         \
                Sum sum = bias ? bias[o] : 0;                                                          \
                for (int32_t i = 0; i < op->inputs; i++)                                               \
                    sum += (input[i] + op->input_offset) * (weights[i] + op->weight_offset);           \
                int32_t value = scale(sum, multipliers[o], shifts[o]) + op->output_offset;             \
                *output++ = (Input)clamp(value, op->activation_min, op->activation_max);               \
            }                                                                                          \
        }                                                                                              \
    }

FULLY_CONNECTED(op_fully_connected_s8_plain, int8_t, int32_t, requantize)
FULLY_CONNECTED(op_fully_connected_s16_plain, int16_t, int64_t, requantize_s64)

/* Three axes of batches, each with what it adds to a place in either matrix, 0 where one is repeated. */
struct batch_matmul {
    int32_t batches[3], left_batch[3], right_batch[3];
    int32_t rows, columns, depth;
    int32_t left_row, left_depth, right_column, right_depth; /* steps, in values */
    int32_t left_offset, right_offset, output_offset;
    int32_t multiplier, shift;
    int32_t activation_min, activation_max;
};

enum { LEFT, RIGHT, PRODUCT };

static inline int32_t finish_s32(const struct batch_matmul *op, int32_t sum)
{
    int32_t value = requantize(sum, op->multiplier, op->shift) + op->output_offset;
    return clamp(value, op->activation_min, op->activation_max);
}

static inline int32_t finish_s64(const struct batch_matmul *op, int64_t sum)
{
    int32_t value = requantize_s64(sum, op->multiplier, op->shift) + op->output_offset;
    return clamp(value, op->activation_min, op->activation_max);
}

static inline float finish_f32(const struct batch_matmul *op, float sum)
{
    (void)op;
    return sum;
}

#define BATCH_MATMUL(name, Value, Sum, finish)                                                         \
    void name(void *const *buffers, const int32_t *params)                                             \
    {                                                                                                  \
        const struct batch_matmul *op = (const void *)params;                                          \
        const int32_t pairs = op->batches[1] * op->batches[2];                                         \
        Value *output = buffers[PRODUCT];                                                              \
        for (int32_t batch = 0; batch < op->batches[0] * pairs; batch++) {                             \
            const int32_t b0 = batch / pairs, b1 = batch / op->batches[2] % op->batches[1];            \
            const int32_t b2 = batch % op->batches[2];                                                 \
            const Value *left = (const Value *)buffers[LEFT] + b0 * op->left_batch[0] +                \
                                b1 * op->left_batch[1] + b2 * op->left_batch[2];                       \
            const Value *right = (const Value *)buffers[RIGHT] + b0 * op->right_batch[0] +             \
                                 b1 * op->right_batch[1] + b2 * op->right_batch[2];                    \
            for (int32_t row = 0; row < op->rows; row++)                                               \
                for (int32_t column = 0; column < op->columns; column++) {                             \
                    const Value *a = left + row * op->left_row;                                        \
                    const Value *b = right + column * op->right_column;                                \
                    Sum sum = 0;                                                                       \
                    for (int32_t i = 0; i < op->depth; i++, a += op->left_depth, b += op->right_depth) \
                        sum += ((Sum)*a + LEFT_OFFSET) * ((Sum)*b + RIGHT_OFFSET);                     \
                    *output++ = (Value)finish(op, sum);                                                \
                }                                                                                      \
        }                                                                                              \
    }

#define LEFT_OFFSET op->left_offset
#define RIGHT_OFFSET op->right_offset
BATCH_MATMUL(op_batch_matmul_s8, int8_t, int32_t, finish_s32)
BATCH_MATMUL(op_batch_matmul_s16, int16_t, int64_t, finish_s64)
#undef LEFT_OFFSET
#undef RIGHT_OFFSET
#define LEFT_OFFSET 0
#define RIGHT_OFFSET 0
BATCH_MATMUL(op_batch_matmul_f32, float, float, finish_f32)
