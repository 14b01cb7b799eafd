/* softmax_s8.c: exponentials and a reciprocal in fixed point, as gemmlowp defines them.
 *
 * Qn.f below is a signed number with n integer and f = 31 - n fraction bits in an int32. Differences
 * to the row's maximum are Q5.26, exponentials Q0.31, their sum Q12.19.
 */
#include "softmax_s8.h"

#include "requantize.h"

enum { DIFFERENCE_BITS = 5, SUM_BITS = 12, OUTPUT_BITS = 8 };

static inline int32_t multiply(int32_t a, int32_t b)
{
    return rounding_doubling_high_multiply(a, b); /* never both INT32_MIN here */
}

static inline int32_t saturate(int64_t value)
{
    return value > INT32_MAX ? INT32_MAX : value < INT32_MIN ? INT32_MIN : (int32_t)value;
}

/* e^a for a in [-1/4, 0), Q0.31: e^(-1/8) times the Taylor series around -1/8 up to its fourth power. */
static inline int32_t exp_of_small(int32_t a)
{
    const int32_t exp_minus_eighth = 1895147668, third = 715827883; /* Q0.31 */
    int32_t x = a + (1 << 28);
    int32_t x2 = multiply(x, x), x3 = multiply(x2, x), x4 = multiply(x2, x2);
    int32_t quarter = rounding_divide_by_power_of_two(x4, 2);
    int32_t tail = rounding_divide_by_power_of_two(multiply(quarter + x3, third) + x2, 1);
    return saturate((int64_t)exp_minus_eighth + multiply(exp_minus_eighth, x + tail));
}

/* e^a for a <= 0, Q5.26 to Q0.31: a is a multiple of a quarter and a rest; each bit of the multiple is
 * a factor e^(-2^k), k from -2 to 4. */
static int32_t exp_of_negative(int32_t a)
{
    static const int32_t factors[] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
    const int32_t quarter = 1 << 24;
    if (a == 0)
        return INT32_MAX;
    int32_t rest = (a & (quarter - 1)) - quarter;
    int32_t result = exp_of_small(rest * (1 << DIFFERENCE_BITS));
    int32_t multiple = rest - a;
    for (uint32_t k = 0; k < sizeof factors / sizeof *factors; k++)
        if (multiple & (quarter << k))
            result = multiply(result, factors[k]);
    return result;
}

/* 1 / (1 + a) for a in [0, 1], Q0.31: three Newton steps towards the reciprocal of the half of it,
 * in Q2.29. */
static int32_t reciprocal_of_one_plus(int32_t a)
{
    const int32_t c48_17 = 1515870810, minus_c32_17 = -1010580540, one = 1 << 29;
    int32_t half = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2);
    int32_t x = c48_17 + multiply(half, minus_c32_17);
    for (int i = 0; i < 3; i++) {
        int32_t error = one - multiply(half, x);
        x += saturate((int64_t)multiply(x, error) * 4);
    }
    return saturate((int64_t)x * 2);
}

static inline int32_t exp_of_difference(const struct softmax_s8 *layer, int32_t difference)
{
    int32_t scaled = (int32_t)((uint32_t)difference << layer->shift);
    return exp_of_negative(multiply(scaled, layer->multiplier));
}

static int32_t largest(const int8_t *row, int32_t columns)
{
    int32_t most = INT8_MIN;
    for (int32_t i = 0; i < columns; i++)
        most = row[i] > most ? row[i] : most;
    return most;
}

/* What a row's exponentials are multiplied with and shifted by. */
struct quotient {
    int32_t reciprocal, shift;
};

static struct quotient quotient_of(int32_t sum)
{
    int32_t headroom = sum == 0 ? 32 : __builtin_clz((uint32_t)sum);
    int32_t above_one = (int32_t)(((uint32_t)sum << headroom) - (UINT32_C(1) << 31));
    return (struct quotient){reciprocal_of_one_plus(above_one),
                             SUM_BITS - headroom + 31 - OUTPUT_BITS};
}

static inline int8_t divide(int32_t exponential, const struct quotient *by)
{
    int32_t value = rounding_divide_by_power_of_two(multiply(by->reciprocal, exponential), by->shift);
    return (int8_t)clamp(value + INT8_MIN, INT8_MIN, INT8_MAX);
}

int32_t softmax_s8_smallest_difference(int32_t shift)
{
    int64_t limit = ((INT64_C(1) << DIFFERENCE_BITS) - 1) * (INT64_C(1) << (31 - DIFFERENCE_BITS));
    return -(int32_t)(limit >> shift);
}

int32_t softmax_s8_scratch_bytes(const struct softmax_s8 *layer)
{
    return layer->columns * (int32_t)sizeof(int32_t);
}

void softmax_s8(const struct softmax_s8 *layer, const int8_t *input, int8_t *output, void *scratch)
{
    const int32_t columns = layer->columns;
    int32_t *exponentials = scratch;
    for (int32_t row = 0; row < layer->rows; row++, input += columns, output += columns) {
        const int32_t most = largest(input, columns);
        int32_t sum = 0;
        for (int32_t i = 0; i < columns; i++) {
            int32_t difference = input[i] - most;
            exponentials[i] = -1; /* no exponential is negative */
            if (difference >= layer->smallest_difference) {
                exponentials[i] = exp_of_difference(layer, difference);
                sum += rounding_divide_by_power_of_two(exponentials[i], SUM_BITS);
            }
        }
        const struct quotient by = quotient_of(sum);
        for (int32_t i = 0; i < columns; i++)
            output[i] = exponentials[i] < 0 ? INT8_MIN : divide(exponentials[i], &by);
    }
}

void softmax_s8_plain(const struct softmax_s8 *layer, const int8_t *input, int8_t *output)
{
    const int32_t columns = layer->columns;
    for (int32_t row = 0; row < layer->rows; row++, input += columns, output += columns) {
        const int32_t most = largest(input, columns);
        int32_t sum = 0;
        for (int32_t i = 0; i < columns; i++)
            if (input[i] - most >= layer->smallest_difference)
                sum += rounding_divide_by_power_of_two(exp_of_difference(layer, input[i] - most), SUM_BITS);
        const struct quotient by = quotient_of(sum);
        for (int32_t i = 0; i < columns; i++)
            output[i] = input[i] - most >= layer->smallest_difference
                            ? divide(exp_of_difference(layer, input[i] - most), &by)
                            : INT8_MIN;
    }
}
