/* ops_activation.c: functions of one value, and softmax. */
#include <math.h>

#include "elementwise_s8.h"
#include "ops.h"
#include "requantize.h"
#include "softmax_s8.h"
#include "table_s8.h"

enum { INPUT, OUTPUT, TABLE, TABLE2 };

/* Any function of an int8 or uint8, TABLE having 256 bytes, that of the int8 -128 first. */
void op_table_s8(void *const *buffers, const int32_t *params)
{
    table_s8(buffers[INPUT], params[0], buffers[TABLE], buffers[OUTPUT]);
}

/* low and high: int32, or the bits of a float. */
struct limited {
    int32_t size, low, high;
};

void op_clamp_s8(void *const *buffers, const int32_t *params)
{
    const struct limited *op = (const void *)params;
    clamp_s8(buffers[INPUT], op->size, op->low, op->high, buffers[OUTPUT]);
}

void op_clamp_s16(void *const *buffers, const int32_t *params)
{
    const struct limited *op = (const void *)params;
    const int16_t *input = buffers[INPUT];
    int16_t *output = buffers[OUTPUT];
    for (int32_t i = 0; i < op->size; i++)
        output[i] = (int16_t)clamp(input[i], op->low, op->high);
}

void op_clamp_f32(void *const *buffers, const int32_t *params)
{
    const struct limited *op = (const void *)params;
    const float *input = buffers[INPUT], low = float_of(op->low), high = float_of(op->high);
    float *output = buffers[OUTPUT];
    for (int32_t i = 0; i < op->size; i++)
        output[i] = clamp_f32(input[i], low, high);
}

/* One scale from zero on, another below, whose factor may be negative. */
struct leaky_s16 {
    int32_t size;
    int32_t input_offset, output_offset;
    int32_t multiplier, shift;
    int32_t below_multiplier, below_shift, below_is_negative;
    int32_t low, high;
};

void op_leaky_s16(void *const *buffers, const int32_t *params)
{
    const struct leaky_s16 *op = (const void *)params;
    const int16_t *input = buffers[INPUT];
    int16_t *output = buffers[OUTPUT];
    for (int32_t i = 0; i < op->size; i++) {
        int32_t value = input[i] + op->input_offset;
        if (value >= 0) {
            value = requantize(value, op->multiplier, op->shift);
        } else {
            value = requantize(value, op->below_multiplier, op->below_shift);
            value = op->below_is_negative ? -value : value;
        }
        output[i] = (int16_t)clamp(value + op->output_offset, op->low, op->high);
    }
}

struct slope_f32 {
    int32_t size, slope;
};

void op_leaky_f32(void *const *buffers, const int32_t *params)
{
    const struct slope_f32 *op = (const void *)params;
    const float *input = buffers[INPUT], slope = float_of(op->slope);
    float *output = buffers[OUTPUT];
    for (int32_t i = 0; i < op->size; i++)
        output[i] = input[i] > 0.0f ? input[i] : input[i] * slope;
}

void op_hard_swish_f32(void *const *buffers, const int32_t *params)
{
    const float *input = buffers[INPUT];
    float *output = buffers[OUTPUT];
    for (int32_t i = 0; i < params[0]; i++)
        output[i] = input[i] * clamp_f32(input[i] + 3.0f, 0.0f, 6.0f) / 6.0f;
}

/* table: 2^16 times the logistic function of every 1/24 from 0 on, 256 of them. value: 1/12288 units, so
 * that a step of the table is 512; between two steps it is a line. The result has 15 fraction bits. */
int32_t logistic_s16(int32_t value, const uint16_t *table)
{
    const uint32_t magnitude = (uint32_t)(value < 0 ? -value : value), step = magnitude >> 9;
    uint32_t result;
    if (step >= 255)
        result = 0x7FFFu << 10;
    else
        result = ((uint32_t)table[step] << 9) + (magnitude & 0x1FF) * (uint32_t)(table[step + 1] - table[step]);
    result = value >= 0 ? result + (1 << 9) : (1u << 25) - result + (1 << 9) - 1;
    return (int32_t)(result >> 10);
}

/* Twice the logistic function of twice the value, minus 1. */
int32_t tanh_s16(int32_t value, const uint16_t *table)
{
    const uint32_t magnitude = (uint32_t)(value < 0 ? -value : value), step = magnitude >> 8;
    int32_t result;
    if (step >= 255)
        result = 0xFFFF << 8;
    else
        result = (table[step] << 8) + (int32_t)(magnitude & 0xFF) * (table[step + 1] - table[step]);
    result = value >= 0 ? result - (1 << 23) + (1 << 7) : -result + (1 << 23) + (1 << 7) - 1;
    return result >> 8;
}

/* Inputs times multiplier / 2^shift are in 1/12288 units. */
struct curve_s16 {
    int32_t size, multiplier, shift;
};

static void curve_s16(void *const *buffers, const int32_t *params,
                      int32_t (*curve)(int32_t, const uint16_t *))
{
    const struct curve_s16 *op = (const void *)params;
    const int32_t half = op->shift > 0 ? 1 << (op->shift - 1) : 0;
    const int16_t *input = buffers[INPUT];
    int16_t *output = buffers[OUTPUT];
    for (int32_t i = 0; i < op->size; i++)
        output[i] = (int16_t)curve((input[i] * op->multiplier + half) >> op->shift, buffers[TABLE]);
}

void op_logistic_s16(void *const *buffers, const int32_t *params)
{
    curve_s16(buffers, params, logistic_s16);
}

void op_tanh_s16(void *const *buffers, const int32_t *params)
{
    curve_s16(buffers, params, tanh_s16);
}

/* Where TFLM's reference takes exp(x) for 1 / (1 + exp(-x)), and 1. */
float logistic_f32(float value)
{
    if (value > 16.619047164916992188f)
        return 1.0f;
    return value < -9.0f ? expf(value) : 1.0f / (1.0f + expf(-value));
}

void op_logistic_f32(void *const *buffers, const int32_t *params)
{
    const float *input = buffers[INPUT];
    float *output = buffers[OUTPUT];
    for (int32_t i = 0; i < params[0]; i++)
        output[i] = logistic_f32(input[i]);
}

void op_tanh_f32(void *const *buffers, const int32_t *params)
{
    const float *input = buffers[INPUT];
    float *output = buffers[OUTPUT];
    for (int32_t i = 0; i < params[0]; i++)
        output[i] = tanhf(input[i]);
}

/* TABLE is scratch. params: a struct softmax_s8. */
void op_softmax_s8(void *const *buffers, const int32_t *params)
{
    softmax_s8((const void *)params, buffers[INPUT], buffers[OUTPUT], buffers[TABLE]);
}

static inline int32_t multiply(int32_t a, int32_t b)
{
    return rounding_doubling_high_multiply(a, b);
}

/* 2^62 / (2^31 + a), a in [0, 2^31): three steps of Newton's method as gemmlowp takes them. */
static int32_t reciprocal_of_one_plus(int32_t a)
{
    const int32_t half = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2);
    int32_t x = 1515870810 + multiply(half, -1010580540); /* 48/17, -32/17, Q2.29 */
    for (int i = 0; i < 3; i++) {
        int64_t step = (int64_t)multiply(x, (1 << 29) - multiply(half, x)) * 4;
        x += (int32_t)(step > INT32_MAX ? INT32_MAX : step < INT32_MIN ? INT32_MIN : step);
    }
    return (int32_t)((int64_t)x * 2 > INT32_MAX ? INT32_MAX : x * 2);
}

struct rows {
    int32_t rows, columns;
};

/* TABLE: exponentials, Q0.31, of the differences 0 to -255 to a row's maximum; 0 for those too small. */
void op_softmax_s8_s16(void *const *buffers, const int32_t *params)
{
    const struct rows *op = (const void *)params;
    const int32_t *exponentials = buffers[TABLE];
    const int8_t *input = buffers[INPUT];
    int16_t *output = buffers[OUTPUT];
    for (int32_t row = 0; row < op->rows; row++, input += op->columns, output += op->columns) {
        int32_t most = INT8_MIN, sum = 0; /* Q12.19 */
        for (int32_t i = 0; i < op->columns; i++)
            most = input[i] > most ? input[i] : most;
        for (int32_t i = 0; i < op->columns; i++)
            sum += rounding_divide_by_power_of_two(exponentials[most - input[i]], 12);
        const int32_t headroom = __builtin_clz((uint32_t)sum);
        const int32_t scale = reciprocal_of_one_plus((int32_t)(((uint32_t)sum << headroom) - (1u << 31)));
        for (int32_t i = 0; i < op->columns; i++) {
            const int32_t share = multiply(scale, exponentials[most - input[i]]);
            const int32_t value = rounding_divide_by_power_of_two(share, 12 - headroom + 15);
            output[i] = (int16_t)clamp(value + INT16_MIN, INT16_MIN, INT16_MAX);
        }
    }
}

/* A table of 513 values over all int16, a line between two. */
static inline int32_t look_up(int32_t value, const int16_t *table)
{
    const int32_t index = 256 + (value >> 7);
    const int32_t slope = (int16_t)(table[index + 1] - table[index]);
    return (int16_t)(table[index] + ((slope * (value & 0x7F) + 64) >> 7));
}

struct softmax_s16 {
    int32_t rows, columns;
    int32_t multiplier, shift; /* of differences, to 10/65535 units */
};

/* TABLE: e^x over -10 to 0, TABLE2: 1 / (1 + x) over 0 to 1, both with 15 fraction bits. */
void op_softmax_s16(void *const *buffers, const int32_t *params)
{
    const struct softmax_s16 *op = (const void *)params;
    const int16_t *input = buffers[INPUT];
    int16_t *output = buffers[OUTPUT];
    for (int32_t row = 0; row < op->rows; row++, input += op->columns, output += op->columns) {
        int32_t most = INT16_MIN, sum = 0;
        for (int32_t i = 0; i < op->columns; i++)
            most = input[i] > most ? input[i] : most;
        for (int32_t i = 0; i < op->columns; i++) {
            int32_t difference = requantize(input[i] - most, op->multiplier, op->shift);
            output[i] = (int16_t)look_up(clamp(difference + 32767, INT16_MIN, INT16_MAX), buffers[TABLE]);
            sum += output[i];
        }
        const int32_t headroom = sum == 0 ? 32 : __builtin_clz((uint32_t)sum);
        const int32_t mantissa = (int32_t)((((int64_t)sum << (headroom - 1)) + (1 << 13)) >> 14);
        const int32_t at = clamp(mantissa - ((1 << 15) + (1 << 16)), INT16_MIN, INT16_MAX);
        const int32_t scale = look_up(at, buffers[TABLE2]), right = 31 - headroom;
        for (int32_t i = 0; i < op->columns; i++) {
            int64_t product = (int64_t)output[i] * scale + (INT64_C(1) << (right - 1));
            output[i] = (int16_t)clamp((int32_t)(product >> right), 0, INT16_MAX);
        }
    }
}

struct softmax_f32 {
    int32_t rows, columns, beta;
};

void op_softmax_f32(void *const *buffers, const int32_t *params)
{
    const struct softmax_f32 *op = (const void *)params;
    const float *input = buffers[INPUT], beta = float_of(op->beta);
    float *output = buffers[OUTPUT];
    for (int32_t row = 0; row < op->rows; row++, input += op->columns, output += op->columns) {
        float most = LOWEST_F32, sum = 0.0f;
        for (int32_t i = 0; i < op->columns; i++)
            most = input[i] > most ? input[i] : most;
        for (int32_t i = 0; i < op->columns; i++) {
            output[i] = expf((input[i] - most) * beta);
            sum += output[i];
        }
        for (int32_t i = 0; i < op->columns; i++)
            output[i] /= sum;
    }
}
