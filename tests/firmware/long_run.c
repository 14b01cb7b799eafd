/* Runs about as many million instructions as millions=N says (default 10), with memory traffic and
 * calls, in constant space. */
#include <stdint.h>

#include "semihost.h"

static uint32_t words[256];

/* 100 000 rounds of ten instructions. */
__attribute__((noinline, noclone)) uint32_t million(uint32_t seed)
{
    uint32_t rounds = 100000, address, value;
    __asm__ volatile(
        "1:\n\t"
        "and.w %[address], %[seed], #0x3FC\n\t"
        "add.w %[address], %[address], %[words]\n\t"
        "ldr.w %[value], [%[address]]\n\t"
        "eor.w %[seed], %[seed], %[seed], lsl #13\n\t"
        "eor.w %[seed], %[seed], %[seed], lsr #17\n\t"
        "eor.w %[seed], %[seed], %[seed], lsl #5\n\t"
        "add.w %[value], %[value], %[seed]\n\t"
        "str.w %[value], [%[address]]\n\t"
        "subs.w %[rounds], %[rounds], #1\n\t"
        "bne.w 1b"
        : [seed] "+r"(seed), [rounds] "+r"(rounds), [address] "=&r"(address), [value] "=&r"(value)
        : [words] "r"(words)
        : "cc", "memory");
    return seed;
}

int main(void)
{
    uint32_t seed = 2463534242u;
    for (uint32_t millions = semihost_argument("millions", 10); millions > 0; millions--)
        seed = million(seed);
    return seed != 0 ? 0 : 1;
}
