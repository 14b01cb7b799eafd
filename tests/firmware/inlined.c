/* Inlined functions whose instructions are counted by hand: a loop of three, from two callers and in two depths. The
 * exit code is 0. */
#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))
#define OUT_OF_LINE __attribute__((noinline, noclone))

void note(uint32_t);

INLINE uint32_t step(uint32_t sum)
{
    __asm__ volatile("nop\n\tnop\n\tnop" : "+r"(sum));
    return sum;
}

INLINE uint32_t walk(uint32_t rounds)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < rounds; i++)
        sum = step(sum);
    note(sum);
    return sum;
}

OUT_OF_LINE void note(uint32_t value)
{
    __asm__ volatile("nop" : : "r"(value));
}

OUT_OF_LINE uint32_t both(uint32_t rounds)
{
    return walk(rounds) + step(rounds);
}

OUT_OF_LINE uint32_t few(void)
{
    return both(10) + 1;
}

OUT_OF_LINE uint32_t many(void)
{
    return both(1000) + 1;
}

int main(void)
{
    few();
    many();
    return 0;
}
