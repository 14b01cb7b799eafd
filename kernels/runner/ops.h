/* ops.h: the operators of a .tflite file, each as one function of buffers and numbers.
 *
 * A kernel casts params to a struct of 32-bit fields that stands beside it; simcore/network/prepare/
 * writes the fields in that order, a float as its bits. buffers are the inputs, the outputs, constants
 * that the preparation made (multipliers and shifts per channel, tables) and scratch, in the order of
 * an enum at the head of its file; one that is left out is a null pointer. Results are those of TFLM's
 * reference kernels: bit by bit, but where a kernel of float32 says otherwise. Tensors are row-major,
 * pictures NHWC. Nothing is allocated, and nothing kept between calls but in buffers.
 */
#ifndef OPS_H
#define OPS_H

#include <stdint.h>

enum { MOST_AXES = 6 };
#define LOWEST_F32 (-3.4028234663852886e38f)

static inline float float_of(int32_t bits)
{
    union {
        int32_t bits;
        float value;
    } both = {bits};
    return both.value;
}

static inline float clamp_f32(float value, float low, float high)
{
    value = value < low ? low : value;
    return value > high ? high : value;
}

/* A walk over all axes but the last, and the places in two tensors that belong to it. */
struct walk {
    int32_t at[MOST_AXES - 1];
    int32_t first, second;
};

/* Goes on; returns 0 behind the end. */
static inline int walk_on(struct walk *walk, const int32_t *sizes, const int32_t *steps1,
                          const int32_t *steps2)
{
    for (int32_t axis = MOST_AXES - 2; axis >= 0; axis--) {
        walk->first += steps1[axis];
        walk->second += steps2[axis];
        if (++walk->at[axis] < sizes[axis])
            return 1;
        walk->first -= sizes[axis] * steps1[axis];
        walk->second -= sizes[axis] * steps2[axis];
        walk->at[axis] = 0;
    }
    return 0;
}

#define OP(name) void name(void *const *buffers, const int32_t *params)

/* ops_convolution.c: the suite's kernels; float32 within a bound, as products are not rounded */
OP(op_conv2d_s8);
OP(op_conv2d_s16);
OP(op_conv2d_f32);
OP(op_pointwise_conv2d_s8);
OP(op_depthwise_conv2d_s8);

/* ops_convolution_plain.c */
OP(op_conv2d_s8_plain);
OP(op_conv2d_s16_plain);
OP(op_conv2d_s16_bias32_plain);
OP(op_conv2d_f32_plain);
OP(op_depthwise_conv2d_s16);
OP(op_depthwise_conv2d_f32);
OP(op_transpose_conv_s8);
OP(op_transpose_conv_s16);
OP(op_transpose_conv_f32);

/* ops_fully_connected.c: op_fully_connected_f32 within a bound */
OP(op_fully_connected_s8);
OP(op_fully_connected_s8_plain);
OP(op_fully_connected_s16);
OP(op_fully_connected_s16_plain);
OP(op_fully_connected_s16_bias32_plain);
OP(op_fully_connected_f32);
OP(op_batch_matmul_s8);
OP(op_batch_matmul_s16);
OP(op_batch_matmul_f32);

/* ops_pool.c */
OP(op_max_pool_s8);
OP(op_max_pool_s16);
OP(op_max_pool_f32);
OP(op_average_pool_s8);
OP(op_average_pool_s16);
OP(op_average_pool_f32);
OP(op_reduce_s8);
OP(op_reduce_s16);
OP(op_reduce_f32);
OP(op_argument_s8);
OP(op_argument_f32);

/* ops_elementwise.c */
OP(op_add_s8);
OP(op_add_s32);
OP(op_add_f32);
OP(op_sub_s32);
OP(op_sub_f32);
OP(op_mul_s8);
OP(op_mul_s32);
OP(op_mul_f32);
OP(op_sum_s8);
OP(op_sum_s16);
OP(op_product_s8);
OP(op_product_s16);
OP(op_choice_s8);
OP(op_choice_s16);
OP(op_choice_s32);
OP(op_choice_f32);
OP(op_prelu_s8);
OP(op_prelu_s16);
OP(op_prelu_f32);

/* ops_activation.c: logistic, tanh and softmax of float32 within a bound, as exp() is another library's */
OP(op_table_s8);
OP(op_clamp_s8);
OP(op_clamp_s16);
OP(op_clamp_f32);
OP(op_leaky_s16);
OP(op_leaky_f32);
OP(op_logistic_s16);
OP(op_logistic_f32);
OP(op_tanh_s16);
OP(op_tanh_f32);
OP(op_hard_swish_f32);
OP(op_softmax_s8);
OP(op_softmax_s8_s16);
OP(op_softmax_s16);
OP(op_softmax_f32);

/* ops_quantize.c */
OP(op_quantize_f32_s8);
OP(op_quantize_f32_s16);
OP(op_dequantize_s8);
OP(op_dequantize_u8);
OP(op_dequantize_s16);
OP(op_requantize_s8_s16);
OP(op_requantize_s8_s32);
OP(op_requantize_s16_s8);
OP(op_requantize_s16_s16);
OP(op_requantize_s16_s32);
OP(op_requantize_s32_s8);
OP(op_requantize_s32_s16);
OP(op_cast);

/* ops_layout.c */
OP(op_copy);
OP(op_concatenate);
OP(op_split);
OP(op_pad);
OP(op_pad_s8);
OP(op_strided_slice);
OP(op_transpose);
OP(op_transpose_s8);
OP(op_resize_nearest);
OP(op_resize_bilinear_s8);
OP(op_resize_bilinear_f32);

/* ops_recurrent.c: op_lstm_f32 within a bound */
OP(op_svdf_s8);
OP(op_svdf_s16);
OP(op_svdf_f32);
OP(op_lstm_s8);
OP(op_lstm_s16);
OP(op_lstm_f32);

/* Logistic and tanh of an int16 in units of 1/4096, by the table of ops_recurrent.c and ops_activation.c. */
int32_t logistic_s16(int32_t value, const uint16_t *table);
int32_t tanh_s16(int32_t value, const uint16_t *table);
float logistic_f32(float value);

#endif
