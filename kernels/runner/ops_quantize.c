/* ops_quantize.c: between scales and between types. */
#include <math.h>

#include "ops.h"
#include "requantize.h"

enum { INPUT, OUTPUT };

struct quantize {
    int32_t size, scale, zero_point; /* scale: the bits of a float */
};

#define QUANTIZE(name, Value, low, high)                                                               \
    void name(void *const *buffers, const int32_t *params)                                             \
    {                                                                                                  \
        const struct quantize *op = (const void *)params;                                              \
        const float *input = buffers[INPUT], scale = float_of(op->scale);                              \
        Value *output = buffers[OUTPUT];                                                               \
        for (int32_t i = 0; i < op->size; i++)                                                         \
            output[i] = (Value)clamp((int32_t)roundf(input[i] / scale) + op->zero_point, low, high);   \
    }

QUANTIZE(op_quantize_f32_s8, int8_t, INT8_MIN, INT8_MAX)
QUANTIZE(op_quantize_f32_s16, int16_t, INT16_MIN, INT16_MAX)

/* The difference fits the fraction of a float, so the product is rounded once, as TFLM's double is. */
#define DEQUANTIZE(name, Value)                                                                        \
    void name(void *const *buffers, const int32_t *params)                                             \
    {                                                                                                  \
        const struct quantize *op = (const void *)params;                                              \
        const Value *input = buffers[INPUT];                                                           \
        const float scale = float_of(op->scale);                                                       \
        float *output = buffers[OUTPUT];                                                               \
        for (int32_t i = 0; i < op->size; i++)                                                         \
            output[i] = scale * (float)(input[i] - op->zero_point);                                    \
    }

DEQUANTIZE(op_dequantize_s8, int8_t)
DEQUANTIZE(op_dequantize_u8, uint8_t)
DEQUANTIZE(op_dequantize_s16, int16_t)

struct requantize {
    int32_t size, input_offset, output_offset, multiplier, shift;
};

/* int8 to int8 is a table. No int32 leaves its range, so its own limits are those of the type. */
#define REQUANTIZE(name, From, To, low, high)                                                          \
    void name(void *const *buffers, const int32_t *params)                                             \
    {                                                                                                  \
        const struct requantize *op = (const void *)params;                                            \
        const From *input = buffers[INPUT];                                                            \
        To *output = buffers[OUTPUT];                                                                  \
        for (int32_t i = 0; i < op->size; i++) {                                                       \
            int32_t value = requantize(input[i] + op->input_offset, op->multiplier, op->shift);        \
            output[i] = (To)clamp(value + op->output_offset, low, high);                               \
        }                                                                                              \
    }

REQUANTIZE(op_requantize_s8_s16, int8_t, int16_t, INT16_MIN, INT16_MAX)
REQUANTIZE(op_requantize_s8_s32, int8_t, int32_t, INT32_MIN, INT32_MAX)
REQUANTIZE(op_requantize_s16_s8, int16_t, int8_t, INT8_MIN, INT8_MAX)
REQUANTIZE(op_requantize_s16_s16, int16_t, int16_t, INT16_MIN, INT16_MAX)
REQUANTIZE(op_requantize_s16_s32, int16_t, int32_t, INT32_MIN, INT32_MAX)
REQUANTIZE(op_requantize_s32_s8, int32_t, int8_t, INT8_MIN, INT8_MAX)
REQUANTIZE(op_requantize_s32_s16, int32_t, int16_t, INT16_MIN, INT16_MAX)

enum type { INT8, INT16, INT32, FLOAT32, BOOL };

struct cast {
    int32_t size, from, to; /* enum type */
};

static inline int32_t load_integer(const void *from, int32_t type, int32_t i)
{
    switch (type) {
    case INT8:
        return ((const int8_t *)from)[i];
    case INT16:
        return ((const int16_t *)from)[i];
    case BOOL:
        return ((const uint8_t *)from)[i];
    default:
        return ((const int32_t *)from)[i];
    }
}

/* Integers lose their upper bits, floats their fraction. */
void op_cast(void *const *buffers, const int32_t *params)
{
    const struct cast *op = (const void *)params;
    for (int32_t i = 0; i < op->size; i++) {
        const int is_float = op->from == FLOAT32;
        const float real = is_float ? ((const float *)buffers[INPUT])[i] : 0.0f;
        const int32_t whole = is_float && op->to != FLOAT32 ? (int32_t)real
                              : is_float                    ? 0
                                                            : load_integer(buffers[INPUT], op->from, i);
        if (op->to == INT8)
            ((int8_t *)buffers[OUTPUT])[i] = (int8_t)whole;
        else if (op->to == INT16)
            ((int16_t *)buffers[OUTPUT])[i] = (int16_t)whole;
        else if (op->to == INT32)
            ((int32_t *)buffers[OUTPUT])[i] = whole;
        else
            ((float *)buffers[OUTPUT])[i] = is_float ? real : (float)whole;
    }
}
