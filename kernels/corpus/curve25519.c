/* curve25519.c: arithmetic modulo 2^255 - 19 with UMAAL, and the ladder of RFC 7748 on it.
 *
 * An element is eight words, any number below 2^256 of its class; 2^256 is 38.
 */
#include "corpus.h"

#include <string.h>

enum { WORDS = 8, FOLD = 38, SCALAR_BITS = 16 };

typedef uint32_t element[WORDS];

static element base = {9}, field_input, field_output, ladder_output;
static uint32_t scalar;

/* high:low = a b + high + low, which cannot overflow. */
static inline void multiply_accumulate(uint32_t *low, uint32_t *high, uint32_t a, uint32_t b)
{
    __asm__("umaal %0, %1, %2, %3" : "+r"(*low), "+r"(*high) : "r"(a), "r"(b));
}

/* Adds 38 carry, which may be negative. What that carries is 38 once more, then nothing. */
static inline void fold(uint32_t *r, int64_t carry)
{
    for (int pass = 0; pass < 2; pass++) {
        carry *= FOLD;
#pragma GCC unroll 8
        for (int i = 0; i < WORDS; i++) {
            carry += r[i];
            r[i] = (uint32_t)carry;
            carry >>= 32;
        }
    }
}

static void add(uint32_t *r, const uint32_t *a, const uint32_t *b)
{
    int64_t sum = 0;
#pragma GCC unroll 8
    for (int i = 0; i < WORDS; i++) {
        sum += (int64_t)a[i] + b[i];
        r[i] = (uint32_t)sum;
        sum >>= 32;
    }
    fold(r, sum);
}

static void subtract(uint32_t *r, const uint32_t *a, const uint32_t *b)
{
    int64_t difference = 0;
#pragma GCC unroll 8
    for (int i = 0; i < WORDS; i++) {
        difference += (int64_t)a[i] - b[i];
        r[i] = (uint32_t)difference;
        difference >>= 32;
    }
    fold(r, difference);
}

static void multiply(uint32_t *r, const uint32_t *a, const uint32_t *b)
{
    uint32_t product[2 * WORDS] = {0}, carry;
#pragma GCC unroll 8
    for (int i = 0; i < WORDS; i++) {
        carry = 0;
#pragma GCC unroll 8
        for (int j = 0; j < WORDS; j++)
            multiply_accumulate(&product[i + j], &carry, a[i], b[j]);
        product[i + WORDS] = carry;
    }
    carry = 0;
#pragma GCC unroll 8
    for (int i = 0; i < WORDS; i++) {
        multiply_accumulate(&product[i], &carry, FOLD, product[i + WORDS]);
        r[i] = product[i];
    }
    fold(r, carry);
}

static void square_times(uint32_t *r, const uint32_t *a, int times)
{
    multiply(r, a, a);
    while (--times > 0)
        multiply(r, r, r);
}

/* The inverse, a^(2^255 - 21); `ones_n` is a to the power 2^n - 1. */
static void invert(uint32_t *r, const uint32_t *a)
{
    element square, eleventh, ones_5, ones_10, ones_20, ones_50, ones_100, power;
    square_times(square, a, 1);
    square_times(power, square, 2);
    multiply(power, power, a); /* 9 */
    multiply(eleventh, power, square);
    square_times(ones_5, eleventh, 1);
    multiply(ones_5, ones_5, power);
    square_times(ones_10, ones_5, 5);
    multiply(ones_10, ones_10, ones_5);
    square_times(ones_20, ones_10, 10);
    multiply(ones_20, ones_20, ones_10);
    square_times(power, ones_20, 20);
    multiply(power, power, ones_20); /* 40 */
    square_times(ones_50, power, 10);
    multiply(ones_50, ones_50, ones_10);
    square_times(ones_100, ones_50, 50);
    multiply(ones_100, ones_100, ones_50);
    square_times(power, ones_100, 100);
    multiply(power, power, ones_100); /* 200 */
    square_times(power, power, 50);
    multiply(power, power, ones_50); /* 250 */
    square_times(power, power, 5);
    multiply(r, power, eleventh);
}

static void swap_if(uint32_t swap, uint32_t *a, uint32_t *b)
{
    for (int i = 0; i < WORDS; i++) {
        uint32_t both = (a[i] ^ b[i]) & -swap;
        a[i] ^= both;
        b[i] ^= both;
    }
}

static void curve25519_invert(void)
{
    invert(field_output, field_input);
}

/* The coordinate x of the base point times a short scalar. */
static void curve25519_ladder(void)
{
    static const element a24 = {121665};
    element x2 = {1}, z2 = {0}, x3, z3 = {1}, a, b, c, d, e;
    memcpy(x3, base, sizeof x3);
    for (int bit = SCALAR_BITS - 1; bit >= 0; bit--) {
        uint32_t set = scalar >> bit & 1;
        swap_if(set, x2, x3);
        swap_if(set, z2, z3);
        add(a, x2, z2);
        subtract(b, x2, z2);
        add(c, x3, z3);
        subtract(d, x3, z3);
        multiply(d, d, a);
        multiply(c, c, b);
        add(x3, d, c);
        multiply(x3, x3, x3);
        subtract(z3, d, c);
        multiply(z3, z3, z3);
        multiply(z3, z3, base);
        multiply(a, a, a);
        multiply(b, b, b);
        multiply(x2, a, b);
        subtract(e, a, b);
        multiply(z2, e, a24);
        add(z2, z2, a);
        multiply(z2, z2, e);
        swap_if(set, x2, x3);
        swap_if(set, z2, z3);
    }
    invert(z2, z2);
    multiply(ladder_output, x2, z2);
}

void corpus_prepare(void)
{
    corpus_fill(field_input, sizeof field_input, 10);
    scalar = corpus_random(11, 0) >> (32 - SCALAR_BITS);
}

const struct corpus_operation corpus_operations[] = {
    CORPUS_OPERATION(curve25519_invert, field_output),
    CORPUS_OPERATION(curve25519_ladder, ladder_output),
};
const uint32_t corpus_operation_count = sizeof corpus_operations / sizeof corpus_operations[0];
