/* Integer divisions with operands of many lengths and double-precision arithmetic of each operand
 * class, checked. The exit code is the number of the first wrong row. */
#include <stdint.h>

#include "semihost.h"

#define OUT_OF_LINE __attribute__((noinline, noclone))

OUT_OF_LINE uint32_t unsigned_divide(uint32_t a, uint32_t b)
{
    return a / b;
}

OUT_OF_LINE int32_t signed_divide(int32_t a, int32_t b)
{
    return a / b;
}

OUT_OF_LINE double double_add(double a, double b)
{
    return a + b;
}

OUT_OF_LINE double double_multiply(double a, double b)
{
    return a * b;
}

OUT_OF_LINE double double_divide(double a, double b)
{
    return a / b;
}

OUT_OF_LINE double double_fused(double a, double b, double c)
{
    return __builtin_fma(a, b, c);
}

OUT_OF_LINE float float_divide(float a, float b)
{
    return a / b;
}

OUT_OF_LINE float float_root(float a)
{
    float root;
    __asm__("vsqrt.f32 %0, %1" : "=t"(root) : "t"(a));
    return root;
}

static const struct {
    uint32_t a, b, quotient;
} unsigned_rows[] = {
    {0, 1, 0},         {1, 1, 1},          {7, 0, 0},
    {5, 9, 0},         {100, 7, 14},       {0xFFFFFFFF, 1, 0xFFFFFFFF},
    {0xFFFFFFFF, 3, 0x55555555},           {0x80000000, 0x10, 0x08000000},
    {123456789, 12345, 10000},
};

static const struct {
    int32_t a, b, quotient;
} signed_rows[] = {
    {-7, 2, -3},   {7, -2, -3},          {-7, -2, 3},
    {7, 0, 0},     {INT32_MIN, -1, INT32_MIN}, {INT32_MIN, 1, INT32_MIN},
    {-1000000, 1000, -1000},
};

static const struct {
    double a, b, sum, product, quotient;
} double_rows[] = {
    {1.5, 1.25, 2.75, 1.875, 1.2},           /* same exponent */
    {1024.0, 0.5, 1024.5, 512.0, 2048.0},    /* different exponents */
    {0.0, 4.0, 4.0, 0.0, 0.0},               /* zero */
    {0x1p-1070, 0x1p-1072, 0x5p-1072, 0.0, 4.0}, /* denormal */
};

int main(void)
{
    int row = 1;
    for (uint32_t i = 0; i < sizeof unsigned_rows / sizeof *unsigned_rows; i++, row++)
        if (unsigned_divide(unsigned_rows[i].a, unsigned_rows[i].b) != unsigned_rows[i].quotient)
            return row;
    for (uint32_t i = 0; i < sizeof signed_rows / sizeof *signed_rows; i++, row++)
        if (signed_divide(signed_rows[i].a, signed_rows[i].b) != signed_rows[i].quotient)
            return row;
    for (uint32_t i = 0; i < sizeof double_rows / sizeof *double_rows; i++, row++) {
        double a = double_rows[i].a, b = double_rows[i].b;
        if (double_add(a, b) != double_rows[i].sum || double_multiply(a, b) != double_rows[i].product ||
            double_divide(a, b) != double_rows[i].quotient ||
            double_fused(a, b, 0.0) != double_rows[i].product)
            return row;
    }
    return float_divide(9.0f, 2.0f) == 4.5f && float_root(2.25f) == 1.5f ? 0 : row;
}
