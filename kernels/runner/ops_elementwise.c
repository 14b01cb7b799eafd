/* ops_elementwise.c: one value out of two, with one of the inputs repeated where its shape asks for it. */
#include "elementwise_s8.h"
#include "ops.h"
#include "requantize.h"

enum { INPUT1, INPUT2, OUTPUT };

/* Steps are 0 along an axis on which an input is repeated. */
struct broadcast {
    int32_t sizes[MOST_AXES], steps1[MOST_AXES], steps2[MOST_AXES];
};

#define BROADCAST(name, Layer, Value1, Value2, join)                                                   \
    void name(void *const *buffers, const int32_t *params)                                             \
    {                                                                                                  \
        const struct {                                                                                 \
            struct broadcast shape;                                                                    \
            Layer layer;                                                                               \
        } *op = (const void *)params;                                                                  \
        const struct broadcast *shape = &op->shape;                                                    \
        const int32_t last = shape->sizes[MOST_AXES - 1];                                              \
        const int32_t step1 = shape->steps1[MOST_AXES - 1], step2 = shape->steps2[MOST_AXES - 1];      \
        Value1 *output = buffers[OUTPUT];                                                              \
        struct walk walk = {{0}, 0, 0};                                                                \
        do {                                                                                           \
            const Value1 *a = (const Value1 *)buffers[INPUT1] + walk.first;                            \
            const Value2 *b = (const Value2 *)buffers[INPUT2] + walk.second;                           \
            for (int32_t i = 0; i < last; i++, a += step1, b += step2)                                 \
                *output++ = (Value1)join(&op->layer, *a, *b);                                          \
        } while (walk_on(&walk, shape->sizes, shape->steps1, shape->steps2));                          \
    }

struct sized_add_s8 {
    int32_t size;
    struct add_s8 layer;
};

void op_add_s8(void *const *buffers, const int32_t *params)
{
    const struct sized_add_s8 *op = (const void *)params;
    add_s8(&op->layer, buffers[INPUT1], buffers[INPUT2], op->size, buffers[OUTPUT]);
}

struct sized_mul_s8 {
    int32_t size;
    struct mul_s8 layer;
};

void op_mul_s8(void *const *buffers, const int32_t *params)
{
    const struct sized_mul_s8 *op = (const void *)params;
    mul_s8(&op->layer, buffers[INPUT1], buffers[INPUT2], op->size, buffers[OUTPUT]);
}

/* A sum, or a difference where sign is -1. The input's widening, left_shift, is 20 bits for int8 and 15
 * for int16. */
struct sum {
    struct add_s8 scales;
    int32_t left_shift, sign;
};

static inline int32_t join_sum(const struct sum *op, int32_t a, int32_t b)
{
    const struct add_s8 *scales = &op->scales;
    const int32_t one = 1 << op->left_shift;
    int32_t scaled1 = requantize((a + scales->input1_offset) * one, scales->input1_multiplier, scales->input1_shift);
    int32_t scaled2 = requantize((b + scales->input2_offset) * one, scales->input2_multiplier, scales->input2_shift);
    int32_t total = op->sign < 0 ? scaled1 - scaled2 : scaled1 + scaled2;
    int32_t value = requantize(total, scales->output_multiplier, scales->output_shift) + scales->output_offset;
    return clamp(value, scales->activation_min, scales->activation_max);
}

static inline int32_t join_product(const struct mul_s8 *op, int32_t a, int32_t b)
{
    int32_t product = (a + op->input1_offset) * (b + op->input2_offset);
    int32_t value = requantize(product, op->output_multiplier, op->output_shift) + op->output_offset;
    return clamp(value, op->activation_min, op->activation_max);
}

BROADCAST(op_sum_s8, struct sum, int8_t, int8_t, join_sum)
BROADCAST(op_sum_s16, struct sum, int16_t, int16_t, join_sum)
BROADCAST(op_product_s8, struct mul_s8, int8_t, int8_t, join_product)
BROADCAST(op_product_s16, struct mul_s8, int16_t, int16_t, join_product)

/* int32, which wraps around; limits are int32, or the bits of floats. */
struct limits {
    int32_t low, high;
};

static inline int32_t join_add_s32(const struct limits *op, int32_t a, int32_t b)
{
    return clamp((int32_t)((uint32_t)a + (uint32_t)b), op->low, op->high);
}

static inline int32_t join_sub_s32(const struct limits *op, int32_t a, int32_t b)
{
    return clamp((int32_t)((uint32_t)a - (uint32_t)b), op->low, op->high);
}

static inline int32_t join_mul_s32(const struct limits *op, int32_t a, int32_t b)
{
    return clamp((int32_t)((uint32_t)a * (uint32_t)b), op->low, op->high);
}

static inline float join_add_f32(const struct limits *op, float a, float b)
{
    return clamp_f32(a + b, float_of(op->low), float_of(op->high));
}

static inline float join_sub_f32(const struct limits *op, float a, float b)
{
    return clamp_f32(a - b, float_of(op->low), float_of(op->high));
}

static inline float join_mul_f32(const struct limits *op, float a, float b)
{
    return clamp_f32(a * b, float_of(op->low), float_of(op->high));
}

BROADCAST(op_add_s32, struct limits, int32_t, int32_t, join_add_s32)
BROADCAST(op_sub_s32, struct limits, int32_t, int32_t, join_sub_s32)
BROADCAST(op_mul_s32, struct limits, int32_t, int32_t, join_mul_s32)
BROADCAST(op_add_f32, struct limits, float, float, join_add_f32)
BROADCAST(op_sub_f32, struct limits, float, float, join_sub_f32)
BROADCAST(op_mul_f32, struct limits, float, float, join_mul_f32)

struct choice {
    int32_t is_max;
};

static inline int32_t join_choice(const struct choice *op, int32_t a, int32_t b)
{
    return (op->is_max ? a > b : a < b) ? a : b;
}

static inline float join_choice_f32(const struct choice *op, float a, float b)
{
    return (op->is_max ? a > b : a < b) ? a : b;
}

BROADCAST(op_choice_s8, struct choice, int8_t, int8_t, join_choice)
BROADCAST(op_choice_s16, struct choice, int16_t, int16_t, join_choice)
BROADCAST(op_choice_s32, struct choice, int32_t, int32_t, join_choice)
BROADCAST(op_choice_f32, struct choice, float, float, join_choice_f32)

/* Values below 0 times a slope, the second input; others times 1, each in the output's scale. */
struct prelu {
    int32_t input_offset, slope_offset, output_offset;
    int32_t identity_multiplier, identity_shift;
    int32_t slope_multiplier, slope_shift;
    int32_t low, high;
};

static inline int32_t join_prelu(const struct prelu *op, int32_t value, int32_t slope)
{
    value += op->input_offset;
    if (value >= 0)
        value = requantize(value, op->identity_multiplier, op->identity_shift);
    else
        value = requantize(value * (slope + op->slope_offset), op->slope_multiplier, op->slope_shift);
    return clamp(value + op->output_offset, op->low, op->high);
}

static inline float join_prelu_f32(const struct limits *op, float value, float slope)
{
    (void)op;
    return value >= 0.0f ? value : value * slope;
}

BROADCAST(op_prelu_s8, struct prelu, int8_t, int8_t, join_prelu)
BROADCAST(op_prelu_s16, struct prelu, int16_t, int8_t, join_prelu)
BROADCAST(op_prelu_f32, struct limits, float, float, join_prelu_f32)
