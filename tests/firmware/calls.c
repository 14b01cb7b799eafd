/* Ways to call and to come back, for the call tree: recursion, tail calls, function pointers,
 * longjmp, returns by every instruction. The exit code is the number of the first wrong row. */
#include <setjmp.h>
#include <stdint.h>

#include "semihost.h"

uint32_t asm_untyped(uint32_t), asm_return_mov(uint32_t), asm_return_ldr(uint32_t),
    asm_return_ldm(uint32_t), asm_tail(uint32_t), asm_falls_through(uint32_t),
    asm_second_entry(uint32_t), asm_table_branch(uint32_t);

#define OUT_OF_LINE __attribute__((noinline, noclone))

static jmp_buf escape;

OUT_OF_LINE uint32_t fibonacci(uint32_t n)
{
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

OUT_OF_LINE uint32_t is_odd(uint32_t n);

/* Mutual recursion by tail calls: the stack does not grow. */
OUT_OF_LINE uint32_t is_even(uint32_t n)
{
    return n == 0 ? 1 : is_odd(n - 1);
}

OUT_OF_LINE uint32_t is_odd(uint32_t n)
{
    return n == 0 ? 0 : is_even(n - 1);
}

/* Leaves depth frames at once. */
OUT_OF_LINE uint32_t dive(uint32_t depth)
{
    if (depth == 0)
        longjmp(escape, 77);
    return dive(depth - 1) + 1;
}

OUT_OF_LINE uint32_t jump_out(uint32_t depth)
{
    int value = setjmp(escape);
    return value != 0 ? (uint32_t)value : dive(depth);
}

OUT_OF_LINE uint32_t leaf_a(uint32_t n)
{
    return n * 3;
}

OUT_OF_LINE uint32_t leaf_b(uint32_t n)
{
    return n + 7;
}

OUT_OF_LINE uint32_t through_pointers(uint32_t rounds)
{
    uint32_t (*const functions[])(uint32_t) = {leaf_a, leaf_b};
    uint32_t value = 1;
    for (uint32_t i = 0; i < rounds; i++)
        value = functions[i & 1](value) & 0xFFFF;
    return value;
}

/* Called from two places with different cost. */
OUT_OF_LINE uint32_t shared(uint32_t rounds)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < rounds; i++)
        sum += leaf_b(i);
    return sum;
}

OUT_OF_LINE uint32_t cheap_caller(uint32_t n)
{
    return shared(n) + 1;
}

OUT_OF_LINE uint32_t dear_caller(uint32_t n)
{
    return shared(10 * n) + 1;
}

/* asm_untyped has no function type, so the linker leaves bit 0 of its address clear. */
OUT_OF_LINE uint32_t call_untyped(uint32_t n)
{
    uint32_t address = (uint32_t)asm_untyped | 1;
    return ((uint32_t(*)(uint32_t))address)(n);
}

static const struct {
    uint32_t (*run)(uint32_t);
    uint32_t argument, expected;
} rows[] = {
    {fibonacci, 12, 144},       {is_even, 1001, 0},        {jump_out, 20, 77},
    {through_pointers, 4, 37},  {cheap_caller, 10, 116},   {dear_caller, 10, 5651},
    {call_untyped, 1, 2},       {asm_return_mov, 1, 3},    {asm_return_ldr, 1, 5},
    {asm_return_ldm, 1, 9},     {asm_tail, 1, 25},         {asm_falls_through, 1, 97},
    {asm_second_entry, 1, 65},  {asm_table_branch, 0, 10}, {asm_table_branch, 1, 20},
    {asm_table_branch, 2, 30},
};

int main(void)
{
    for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].run(rows[i].argument) != rows[i].expected)
            return (int)i + 1;
    return 0;
}
