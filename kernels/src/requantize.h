/* requantize.h: from a 32-bit accumulator back to int8, rounding as the TFLite reference does.
 *
 * The scale input * weight / output is a fixed-point multiplier in [2^30, 2^31) and a power of two.
 * Two roundings, each to nearest: the doubling high multiply rounds ties up, the shift that follows
 * rounds ties away from zero.
 */
#ifndef REQUANTIZE_H
#define REQUANTIZE_H

#include <stdint.h>

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

/* shift > 0 scales up before the multiplication, shift < 0 divides after it. */
static inline int32_t requantize(int32_t accumulator, int32_t multiplier, int32_t shift)
{
    int32_t left = shift > 0 ? shift : 0;
    int32_t right = shift > 0 ? 0 : -shift;
    int32_t scaled = (int32_t)((uint32_t)accumulator << left);
    return rounding_divide_by_power_of_two(rounding_doubling_high_multiply(scaled, multiplier), right);
}

static inline int32_t clamp(int32_t value, int32_t low, int32_t high)
{
    value = value < low ? low : value;
    return value > high ? high : value;
}

#endif
