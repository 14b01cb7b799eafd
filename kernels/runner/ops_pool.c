/* ops_pool.c: maxima and averages of windows, and of whole axes. */
#include "ops.h"
#include "pool_s8.h"
#include "requantize.h"

enum { INPUT, OUTPUT, SUMS };

/* int16 and float32 have the same fields; activation_*: int32, or the bits of a float. */
struct batches_pool {
    int32_t batches;
    struct pool_s8 layer;
};

static void pool_batches(void *const *buffers, const int32_t *params,
                         void (*pool)(const struct pool_s8 *, const int8_t *, int8_t *))
{
    const struct batches_pool *op = (const void *)params;
    const struct pool_s8 *layer = &op->layer;
    const int8_t *input = buffers[INPUT];
    int8_t *output = buffers[OUTPUT];
    for (int32_t batch = 0; batch < op->batches; batch++) {
        pool(layer, input, output);
        input += layer->input_height * layer->input_width * layer->channels;
        output += layer->output_height * layer->output_width * layer->channels;
    }
}

void op_max_pool_s8(void *const *buffers, const int32_t *params)
{
    pool_batches(buffers, params, max_pool_s8);
}

void op_average_pool_s8(void *const *buffers, const int32_t *params)
{
    pool_batches(buffers, params, average_pool_s8);
}

static inline int32_t larger_s32(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static inline float larger_f32(float a, float b)
{
    return a > b ? a : b;
}

static inline int32_t sum_s32(int32_t a, int32_t b)
{
    return a + b;
}

static inline float sum_f32(float a, float b)
{
    return a + b;
}

static inline int32_t finish_max_s16(const struct pool_s8 *layer, int32_t most, int32_t count)
{
    (void)count;
    return clamp(most, layer->activation_min, layer->activation_max);
}

static inline float finish_max_f32(const struct pool_s8 *layer, float most, int32_t count)
{
    (void)count;
    return clamp_f32(most, float_of(layer->activation_min), float_of(layer->activation_max));
}

static inline int32_t finish_average_s16(const struct pool_s8 *layer, int32_t sum, int32_t count)
{
    int32_t value = (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
    return clamp(value, layer->activation_min, layer->activation_max);
}

static inline float finish_average_f32(const struct pool_s8 *layer, float sum, int32_t count)
{
    return clamp_f32(sum / (float)count, float_of(layer->activation_min), float_of(layer->activation_max));
}

#define POOL(name, Value, Gathered, start, join, finish)                                               \
    void name(void *const *buffers, const int32_t *params)                                             \
    {                                                                                                  \
        const struct batches_pool *op = (const void *)params;                                          \
        const struct pool_s8 *layer = &op->layer;                                                      \
        const int32_t channels = layer->channels;                                                      \
        const Value *input = buffers[INPUT];                                                           \
        Value *output = buffers[OUTPUT];                                                               \
        for (int32_t batch = 0; batch < op->batches; batch++) {                                        \
            for (int32_t oy = 0; oy < layer->output_height; oy++)                                      \
                for (int32_t ox = 0; ox < layer->output_width; ox++)                                   \
                    for (int32_t c = 0; c < channels; c++) {                                           \
                        const int32_t top = oy * layer->stride_height - layer->padding_top;            \
                        const int32_t left = ox * layer->stride_width - layer->padding_left;           \
                        Gathered gathered = start;                                                     \
                        int32_t count = 0;                                                             \
                        for (int32_t y = top; y < top + layer->window_height; y++)                     \
                            for (int32_t x = left; x < left + layer->window_width; x++) {              \
                                if (y < 0 || y >= layer->input_height || x < 0 ||                      \
                                    x >= layer->input_width)                                           \
                                    continue;                                                          \
                                const Value *at = input + (y * layer->input_width + x) * channels;     \
                                gathered = join(gathered, at[c]);                                      \
                                count++;                                                               \
                            }                                                                          \
                        *output++ = (Value)finish(layer, gathered, count);                             \
                    }                                                                                  \
            input += layer->input_height * layer->input_width * channels;                              \
        }                                                                                              \
    }

POOL(op_max_pool_s16, int16_t, int32_t, INT16_MIN, larger_s32, finish_max_s16)
POOL(op_max_pool_f32, float, float, LOWEST_F32, larger_f32, finish_max_f32)
POOL(op_average_pool_s16, int16_t, int32_t, 0, sum_s32, finish_average_s16)
POOL(op_average_pool_f32, float, float, 0.0f, sum_f32, finish_average_f32)

/* Sums over any axes: inputs in their order, each added to sums[the sum of index times step]. A step is
 * 0 along an axis that is summed. */
struct reduce {
    int32_t sizes[MOST_AXES], steps[MOST_AXES];
    int32_t outputs, terms;  /* sums, values in each */
    int32_t input_offset;    /* of a whole sum: minus terms times the zero point */
    int32_t output_offset, multiplier, shift;
    int32_t low, high;
    int32_t is_mean;         /* of floats; integers have it in the multiplier */
};

#define ADD_UP(Value)                                                                                  \
    const int32_t last = op->sizes[MOST_AXES - 1], step = op->steps[MOST_AXES - 1];                    \
    const Value *input = buffers[INPUT];                                                               \
    struct walk walk = {{0}, 0, 0};                                                                    \
    for (int32_t i = 0; i < op->outputs; i++)                                                          \
        sums[i] = 0;                                                                                   \
    do                                                                                                 \
        for (int32_t i = 0, at = walk.first; i < last; i++, at += step)                                \
            sums[at] += *input++;                                                                      \
    while (walk_on(&walk, op->sizes, op->steps, op->steps));

#define REDUCE(name, Value)                                                                            \
    void name(void *const *buffers, const int32_t *params)                                             \
    {                                                                                                  \
        const struct reduce *op = (const void *)params;                                                \
        Value *output = buffers[OUTPUT];                                                               \
        int32_t *sums = buffers[SUMS];                                                                 \
        ADD_UP(Value)                                                                                  \
        for (int32_t i = 0; i < op->outputs; i++) {                                                    \
            int32_t value = requantize(sums[i] + op->input_offset, op->multiplier, op->shift);         \
            output[i] = (Value)clamp(value + op->output_offset, op->low, op->high);                    \
        }                                                                                              \
    }

REDUCE(op_reduce_s8, int8_t)
REDUCE(op_reduce_s16, int16_t)

void op_reduce_f32(void *const *buffers, const int32_t *params)
{
    const struct reduce *op = (const void *)params;
    float *sums = buffers[OUTPUT];
    ADD_UP(float)
    for (int32_t i = 0; i < op->outputs && op->is_mean; i++)
        sums[i] /= (float)op->terms;
}

struct argument {
    int32_t outer, axis, inner;
    int32_t is_max;
};

#define ARGUMENT(name, Value)                                                                          \
    void name(void *const *buffers, const int32_t *params)                                             \
    {                                                                                                  \
        const struct argument *op = (const void *)params;                                              \
        const Value *input = buffers[INPUT];                                                           \
        int32_t *output = buffers[OUTPUT];                                                             \
        for (int32_t outer = 0; outer < op->outer; outer++, input += op->axis * op->inner)             \
            for (int32_t inner = 0; inner < op->inner; inner++) {                                      \
                int32_t best = 0;                                                                      \
                for (int32_t i = 1; i < op->axis; i++) {                                               \
                    const Value value = input[i * op->inner + inner], held = input[best * op->inner + inner]; \
                    if (op->is_max ? value > held : value < held)                                      \
                        best = i;                                                                      \
                }                                                                                      \
                *output++ = best;                                                                      \
            }                                                                                          \
    }

ARGUMENT(op_argument_s8, int8_t)
ARGUMENT(op_argument_f32, float)
