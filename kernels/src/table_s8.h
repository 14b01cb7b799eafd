/* table_s8.h: functions of one int8 value by a table of 256, and the tables of sigmoid and tanh. */
#ifndef TABLE_S8_H
#define TABLE_S8_H

#include <stdint.h>

/* Where value stands in a table: tables begin with the value -128. */
static inline uint32_t table_s8_index(int32_t value)
{
    return (uint32_t)(value + 128);
}

/* Builds a table, once per layer: it takes doubles and some 100,000 cycles. scale and zero_point are
 * the input's. The output's are fixed by the TFLite specification: sigmoid 1/256 and -128, tanh 1/128
 * and 0. Results are rounded to nearest, halves away from zero. */
void sigmoid_s8_table(float scale, int32_t zero_point, int8_t table[256]);
void tanh_s8_table(float scale, int32_t zero_point, int8_t table[256]);

/* output[i] = table[input[i]] for size values; in and output may be one buffer. */
void table_s8(const int8_t *input, int32_t size, const int8_t table[256], int8_t *output);
void table_s8_plain(const int8_t *input, int32_t size, const int8_t table[256], int8_t *output);

#endif
