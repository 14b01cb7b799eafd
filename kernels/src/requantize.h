/* requantize.h: from a 32-bit accumulator back to int8, rounding as the TFLite reference does.
 *
 * The scale input * weight / output is a fixed-point multiplier in [2^30, 2^31) and a power of two.
 * Two roundings, each to nearest: the doubling high multiply rounds ties up, the shift that follows
 * rounds ties away from zero.
 */
#ifndef REQUANTIZE_H
#define REQUANTIZE_H

#include <stdint.h>

#include "dsp.h"

/* round(value * multiplier / 2^31). Saturation is never needed: only INT32_MIN * INT32_MIN would
 * overflow, and a multiplier is positive. */
static inline int32_t rounding_doubling_high_multiply(int32_t value, int32_t multiplier)
{
    return (int32_t)(((int64_t)value * multiplier + (INT64_C(1) << 30)) >> 31);
}

/* round(value / 2^exponent), ties away from zero; exponent 0 to 31. */
static inline int32_t rounding_divide_by_power_of_two(int32_t value, int32_t exponent)
{
    int32_t mask = (int32_t)((UINT32_C(1) << exponent) - 1);
    int32_t remainder = value & mask;
    int32_t threshold = (mask >> 1) + (value < 0);
    return (value >> exponent) + (remainder > threshold);
}

/* round(round(value * multiplier / 2^31) / 2^(halvings + 1)), halvings 0 to 30: the halves of the
 * second rounding go up in its last step; one less makes those of negative values go down and changes
 * no other. No sum overflows, as a product with a multiplier below 2^31 stays below value. */
static inline int32_t requantize_down(int32_t value, int32_t multiplier, int32_t halvings)
{
    int32_t high = rounding_doubling_high_multiply(value, multiplier);
    return (((high + (high >> 31)) >> halvings) + 1) >> 1;
}

/* The same for |value| below 2^30, which saves half of the instructions; in two parts, as several
 * first parts are best computed before their second parts, which wait for them. */
static inline int32_t requantize_small_first(int32_t value, int32_t multiplier)
{
    return high_multiply_rounded(value * 2, multiplier);
}

static inline int32_t requantize_small_second(int32_t high, int32_t halvings)
{
    return (((high + (high >> 31)) >> halvings) + 1) >> 1;
}

/* Whether sums of so many products of an int8 with a zero point and a weight, begun with bias, take
 * the way of small values: each product is at most 255 * 128. */
enum { SMALL_SUM_TERMS = 16384, SMALL_BIAS = 1 << 29 };
static inline int requantize_is_small(int32_t terms, int32_t bias, int32_t shift)
{
    return shift < 0 && terms <= SMALL_SUM_TERMS && bias < SMALL_BIAS && bias > -SMALL_BIAS;
}

/* shift > 0 scales up before the multiplication, shift < 0 divides after it; -31 to 30. */
static inline int32_t requantize(int32_t accumulator, int32_t multiplier, int32_t shift)
{
    if (__builtin_expect(shift < 0, 1)) /* nearly every scale; its code must not be jumped to */
        return requantize_down(accumulator, multiplier, -1 - shift);
    int32_t scaled = (int32_t)((uint32_t)accumulator << shift);
    return rounding_doubling_high_multiply(scaled, multiplier);
}

/* As requantize() for the 64-bit accumulators of 16-bit activations: TFLite keeps 15 bits of the
 * multiplier and rounds once, halves up. |accumulator| below 2^48; shift -31 to 14. */
static inline int32_t requantize_s64(int64_t accumulator, int32_t multiplier, int32_t shift)
{
    int32_t reduced = multiplier < 0x7FFF0000 ? (multiplier + (1 << 15)) >> 16 : 0x7FFF;
    int32_t right = 15 - shift;
    return (int32_t)((accumulator * reduced + (INT64_C(1) << (right - 1))) >> right);
}

/* As LiteRT's fully connected layer with 64-bit accumulators does it instead: the whole multiplier, one
 * rounding, halves up. The product has up to 78 bits, so it is formed in two parts whose lower 16 bits
 * are dropped early; right is at least 16. |accumulator| below 2^47; shift -31 to 15. */
static inline int32_t requantize_s64_whole(int64_t accumulator, int32_t multiplier, int32_t shift)
{
    int32_t right = 31 - shift;
    int64_t high = (accumulator >> 16) * multiplier;
    int64_t low = (accumulator & 0xFFFF) * multiplier + (INT64_C(1) << (right - 1));
    return (int32_t)((high + (low >> 16)) >> (right - 16));
}

static inline int32_t clamp(int32_t value, int32_t low, int32_t high)
{
    value = value < low ? low : value;
    return value > high ? high : value;
}

#endif
