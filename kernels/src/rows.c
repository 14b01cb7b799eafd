/* rows.c: one load of values serves four rows of weights: 16 MACs for six loads, eight SXTB16 and eight
 * SMLAD. */
#include "rows.h"

/* Two pointers reach four rows, one stride apart each; with four pointers the loop would run out of
 * registers, which it would too inside another function. */
__attribute__((noinline)) void multiply_four_rows(const int8_t *row0, int32_t stride,
                                                  const int16x2_t *values, int32_t groups,
                                                  int32_t *sums)
{
    const int16x2_t *end = values + groups * WORDS_PER_FOUR;
    const int8_t *row2 = row0 + 2 * stride;
    int32_t sum0 = sums[0], sum1 = sums[1], sum2 = sums[2], sum3 = sums[3];
    while (values != end) {
        int16x2_t even = *values++, odd = *values++;
        uint32_t four1 = load_s8x4(row0 + stride), four0 = load_s8x4(row0);
        sum0 = multiply_four(four0, even, odd, sum0);
        sum1 = multiply_four(four1, even, odd, sum1);
        uint32_t four3 = load_s8x4(row2 + stride), four2 = load_s8x4(row2);
        sum2 = multiply_four(four2, even, odd, sum2);
        sum3 = multiply_four(four3, even, odd, sum3);
        row0 += 4;
        row2 += 4;
    }
    sums[0] = sum0;
    sums[1] = sum1;
    sums[2] = sum2;
    sums[3] = sum3;
}

void multiply_one_row(const int8_t *row, const int16x2_t *values, int32_t groups, int32_t *sum)
{
    for (int32_t i = 0; i < groups; i++, values += WORDS_PER_FOUR)
        *sum = multiply_four(load_s8x4(row + 4 * i), values[0], values[1], *sum);
}
