/* table_s8.c: tables of sigmoid and tanh, and the look-up, four values a step. */
#include "table_s8.h"

#include <math.h>

#include "dsp.h"

/* A function's value, in units of 1/one, as an int8 with the zero point added. */
static int8_t quantize(float value, float one, int32_t zero_point)
{
    float units = value * one;
    int32_t rounded = (int32_t)(units < 0 ? units - 0.5f : units + 0.5f) + zero_point;
    return (int8_t)(rounded > INT8_MAX ? INT8_MAX : rounded < INT8_MIN ? INT8_MIN : rounded);
}

void sigmoid_s8_table(float scale, int32_t zero_point, int8_t table[256])
{
    for (int32_t value = INT8_MIN; value <= INT8_MAX; value++) {
        float x = scale * (float)(value - zero_point);
        float e = (float)exp(-(double)x); /* then singles, which round as TFLite's */
        table[table_s8_index(value)] = quantize(1.0f / (1.0f + e), 256.0f, -128);
    }
}

void tanh_s8_table(float scale, int32_t zero_point, int8_t table[256])
{
    for (int32_t value = INT8_MIN; value <= INT8_MAX; value++) {
        float x = scale * (float)(value - zero_point);
        double e = exp(-2.0 * fabs((double)x)); /* at most 1: no overflow */
        double magnitude = (1.0 - e) / (1.0 + e);
        table[table_s8_index(value)] = quantize((float)(x < 0 ? -magnitude : magnitude), 128.0f, 0);
    }
}

void table_s8(const int8_t *input, int32_t size, const int8_t table[256], int8_t *output)
{
    const uint8_t *bytes = (const uint8_t *)table;
    int32_t i = 0;
    for (; i + 4 <= size; i += 4) {
        uint32_t four = load_s8x4(input + i) ^ 0x80808080u; /* each byte plus 128 */
        uint32_t result = bytes[four & 0xFF];
        result |= (uint32_t)bytes[four >> 8 & 0xFF] << 8;
        result |= (uint32_t)bytes[four >> 16 & 0xFF] << 16;
        result |= (uint32_t)bytes[four >> 24] << 24;
        store_s8x4(output + i, result);
    }
    for (; i < size; i++)
        output[i] = table[table_s8_index(input[i])];
}

void table_s8_plain(const int8_t *input, int32_t size, const int8_t table[256], int8_t *output)
{
    for (int32_t i = 0; i < size; i++)
        output[i] = table[table_s8_index(input[i])];
}
