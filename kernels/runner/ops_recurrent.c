/* ops_recurrent.c: layers with a state that one inference leaves to the next. */
#include <math.h>

#include "ops.h"
#include "requantize.h"

/* buffers of SVDF; SUMS is scratch for an int32, or a float, of each filter. */
enum { INPUT, FEATURE_WEIGHTS, TIME_WEIGHTS, BIAS, STATE, OUTPUT, SUMS };

struct svdf {
    int32_t batches, inputs, filters, rank, memory; /* memory: steps of time that a filter remembers */
    int32_t input_offset, state_zero_point, output_offset;
    int32_t state_multiplier, state_shift;   /* of a feature's sum */
    int32_t output_multiplier, output_shift; /* of a filter's sum */
    int32_t low, high;                       /* of the output: int32, or the bits of a float */
};

/* Each filter's memory moves one step; its last place is for now. */
#define REMEMBER(Value)                                                                                \
    Value *state = buffers[STATE];                                                                     \
    for (int32_t i = 0; i + 1 < op->batches * op->filters * op->memory; i++)                           \
        state[i] = state[i + 1];

#define SVDF(name, State, Weight, low_state, high_state)                                               \
    void name(void *const *buffers, const int32_t *params)                                             \
    {                                                                                                  \
        const struct svdf *op = (const void *)params;                                                  \
        const int8_t *input = buffers[INPUT];                                                          \
        const int32_t *bias = buffers[BIAS];                                                           \
        int32_t *sums = buffers[SUMS];                                                                 \
        int8_t *output = buffers[OUTPUT];                                                              \
        REMEMBER(State)                                                                                \
        for (int32_t batch = 0; batch < op->batches; batch++, input += op->inputs) {                   \
            const int8_t *features = buffers[FEATURE_WEIGHTS];                                         \
            const Weight *times = buffers[TIME_WEIGHTS];                                               \
            for (int32_t filter = 0; filter < op->filters; filter++, state += op->memory) {            \
                int32_t sum = 0, total = 0;                                                            \
                for (int32_t i = 0; i < op->inputs; i++)                                               \
                    sum += *features++ * (input[i] + op->input_offset);                                \
                sum = requantize(sum, op->state_multiplier, op->state_shift);                          \
                sum = clamp(sum, low_state, high_state);                                               \
                state[op->memory - 1] = (State)(op->state_zero_point + sum);                           \
                for (int32_t i = 0; i < op->memory; i++)                                               \
                    total += *times++ * (state[i] - op->state_zero_point);                             \
                sums[filter] = total;                                                                  \
            }                                                                                          \
            for (int32_t unit = 0; unit < op->filters / op->rank; unit++) {                            \
                int32_t sum = bias ? bias[unit] : 0;                                                   \
                for (int32_t i = 0; i < op->rank; i++)                                                 \
                    sum += sums[unit * op->rank + i];                                                  \
                int32_t value = requantize(sum, op->output_multiplier, op->output_shift);              \
                *output++ = (int8_t)clamp(value + op->output_offset, op->low, op->high);               \
            }                                                                                          \
        }                                                                                              \
    }

SVDF(op_svdf_s8, int8_t, int8_t, INT8_MIN, INT8_MAX)
SVDF(op_svdf_s16, int16_t, int16_t, INT16_MIN, INT16_MAX)

void op_svdf_f32(void *const *buffers, const int32_t *params)
{
    const struct svdf *op = (const void *)params;
    const float *input = buffers[INPUT], *bias = buffers[BIAS];
    float *sums = buffers[SUMS], *output = buffers[OUTPUT];
    REMEMBER(float)
    for (int32_t batch = 0; batch < op->batches; batch++, input += op->inputs) {
        const float *features = buffers[FEATURE_WEIGHTS], *times = buffers[TIME_WEIGHTS];
        for (int32_t filter = 0; filter < op->filters; filter++, state += op->memory) {
            float sum = 0.0f, total = 0.0f;
            for (int32_t i = 0; i < op->inputs; i++)
                sum += *features++ * input[i];
            state[op->memory - 1] = sum;
            for (int32_t i = 0; i < op->memory; i++)
                total += *times++ * state[i];
            sums[filter] = total;
        }
        for (int32_t unit = 0; unit < op->filters / op->rank; unit++) {
            float sum = bias ? bias[unit] : 0.0f;
            for (int32_t i = 0; i < op->rank; i++)
                sum += sums[unit * op->rank + i];
            *output++ = clamp_f32(sum, float_of(op->low), float_of(op->high));
        }
    }
}

enum gate { INPUT_GATE, FORGET_GATE, CELL_GATE, OUTPUT_GATE, GATES };

/* buffers of an LSTM, the weights and biases in the order of enum gate. TABLE is logistic_s16()'s, GATED
 * scratch for a value of each unit and gate. */
enum {
    LSTM_INPUT, LSTM_WEIGHTS, LSTM_RECURRENT = LSTM_WEIGHTS + GATES, LSTM_BIAS = LSTM_RECURRENT + GATES,
    LSTM_HIDDEN = LSTM_BIAS + GATES, LSTM_CELL, LSTM_OUTPUT, LSTM_TABLE, LSTM_GATED,
};

struct scale {
    int32_t multiplier, shift;
};

/* A gate's inputs are in units of 1/4096, what comes out of it in 1/32768. */
struct lstm {
    int32_t batches, steps, inputs, units, is_time_major;
    int32_t input_offset, hidden_offset; /* minus the zero points */
    struct scale input[GATES], recurrent[GATES];
    struct scale forget_cell, input_cell;     /* products that make the new cell state */
    struct scale output_hidden;               /* the product that makes the new output */
    int32_t cell_multiplier, cell_shift;      /* of a cell state, to tanh_s16()'s units */
    int32_t cell_clip;                        /* 0: none; int32, or the bits of a float */
    int32_t hidden_zero_point, low, high;
};

/* Goes through all batches and steps of time. */
#define LSTM(name, Value, Cell, step)                                                                  \
    void name(void *const *buffers, const int32_t *params)                                             \
    {                                                                                                  \
        const struct lstm *op = (const void *)params;                                                  \
        for (int32_t batch = 0; batch < op->batches; batch++) {                                        \
            Value *hidden = (Value *)buffers[LSTM_HIDDEN] + batch * op->units;                         \
            Cell *cell = (Cell *)buffers[LSTM_CELL] + batch * op->units;                               \
            for (int32_t time = 0; time < op->steps; time++) {                                         \
                const int32_t at = op->is_time_major ? time * op->batches + batch                      \
                                                     : batch * op->steps + time;                       \
                step(op, buffers, (const Value *)buffers[LSTM_INPUT] + at * op->inputs, hidden, cell); \
                Value *output = (Value *)buffers[LSTM_OUTPUT] + at * op->units;                        \
                for (int32_t i = 0; i < op->units; i++)                                                \
                    output[i] = hidden[i];                                                             \
            }                                                                                          \
        }                                                                                              \
    }

static inline int32_t clamp_s16(int32_t value)
{
    return clamp(value, INT16_MIN, INT16_MAX);
}

static inline int32_t product(int32_t a, int32_t b, const struct scale *scale)
{
    return requantize(a * b, scale->multiplier, scale->shift);
}

/* The sums of one gate, each of two that are scaled and limited by themselves. */
#define GATE(name, Value, Sum, scale_sum)                                                              \
    static void name(const struct lstm *op, void *const *buffers, int32_t gate, const Value *input,    \
                     const Value *hidden, int16_t *sums)                                               \
    {                                                                                                  \
        const int8_t *weights = buffers[LSTM_WEIGHTS + gate];                                          \
        const int8_t *recurrent = buffers[LSTM_RECURRENT + gate];                                      \
        const Sum *bias = buffers[LSTM_BIAS + gate];                                                   \
        const struct scale *in = &op->input[gate], *back = &op->recurrent[gate];                       \
        for (int32_t unit = 0; unit < op->units; unit++) {                                             \
            Sum first = bias[unit], second = 0;                                                        \
            for (int32_t i = 0; i < op->inputs; i++)                                                   \
                first += *weights++ * (input[i] + op->input_offset);                                   \
            for (int32_t i = 0; i < op->units; i++)                                                    \
                second += *recurrent++ * (hidden[i] + op->hidden_offset);                              \
            sums[unit] = (int16_t)clamp_s16(clamp_s16(scale_sum(first, in->multiplier, in->shift)) +   \
                                            clamp_s16(scale_sum(second, back->multiplier, back->shift))); \
        }                                                                                              \
    }

GATE(gate_s8, int8_t, int32_t, requantize)
GATE(gate_s16, int16_t, int64_t, requantize_s64)

/* What follows the gates' sums; returns the new output of a unit. 3 * sum: from 1/4096 to 1/12288 units. */
static int32_t finish_unit(const struct lstm *op, const uint16_t *table, const int16_t *sums, int16_t *cell)
{
    const int32_t input = logistic_s16(3 * sums[INPUT_GATE * op->units], table);
    const int32_t forget = logistic_s16(3 * sums[FORGET_GATE * op->units], table);
    const int32_t change = tanh_s16(3 * sums[CELL_GATE * op->units], table);
    const int32_t output = logistic_s16(3 * sums[OUTPUT_GATE * op->units], table);
    const int32_t half = op->cell_shift > 0 ? 1 << (op->cell_shift - 1) : 0;
    int32_t state = clamp_s16(product(forget, *cell, &op->forget_cell));
    state = clamp_s16(state + clamp_s16(product(input, change, &op->input_cell)));
    if (op->cell_clip > 0)
        state = clamp(state, -op->cell_clip, op->cell_clip);
    *cell = (int16_t)state;
    const int32_t shown = (int16_t)tanh_s16((state * op->cell_multiplier + half) >> op->cell_shift, table);
    return clamp(product(shown, output, &op->output_hidden) + op->hidden_zero_point, op->low, op->high);
}

#define STEP(name, Value, gate_sums)                                                                   \
    static void name(const struct lstm *op, void *const *buffers, const Value *input, Value *hidden,   \
                     int16_t *cell)                                                                    \
    {                                                                                                  \
        int16_t *sums = buffers[LSTM_GATED];                                                           \
        for (int32_t gate = 0; gate < GATES; gate++)                                                   \
            gate_sums(op, buffers, gate, input, hidden, sums + gate * op->units);                      \
        for (int32_t unit = 0; unit < op->units; unit++)                                               \
            hidden[unit] = (Value)finish_unit(op, buffers[LSTM_TABLE], sums + unit, cell + unit);      \
    }

STEP(step_s8, int8_t, gate_s8)
STEP(step_s16, int16_t, gate_s16)
LSTM(op_lstm_s8, int8_t, int16_t, step_s8)
LSTM(op_lstm_s16, int16_t, int16_t, step_s16)

static void step_f32(const struct lstm *op, void *const *buffers, const float *input, float *hidden, float *cell)
{
    const int32_t units = op->units;
    const float clip = float_of(op->cell_clip);
    float *sums = buffers[LSTM_GATED];
    for (int32_t gate = 0; gate < GATES; gate++) {
        const float *weights = buffers[LSTM_WEIGHTS + gate], *recurrent = buffers[LSTM_RECURRENT + gate];
        const float *bias = buffers[LSTM_BIAS + gate];
        for (int32_t unit = 0; unit < units; unit++) {
            float first = 0.0f, second = 0.0f;
            for (int32_t i = 0; i < op->inputs; i++)
                first += *weights++ * input[i];
            for (int32_t i = 0; i < units; i++)
                second += *recurrent++ * hidden[i];
            sums[gate * units + unit] = first + bias[unit] + second;
        }
    }
    for (int32_t unit = 0; unit < units; unit++) {
        float state = logistic_f32(sums[FORGET_GATE * units + unit]) * cell[unit];
        state += logistic_f32(sums[INPUT_GATE * units + unit]) * tanhf(sums[CELL_GATE * units + unit]);
        if (clip > 0.0f)
            state = clamp_f32(state, -clip, clip);
        cell[unit] = state;
        hidden[unit] = tanhf(state) * logistic_f32(sums[OUTPUT_GATE * units + unit]);
    }
}

LSTM(op_lstm_f32, float, float, step_f32)
