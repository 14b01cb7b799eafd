/* dsp.h: the few DSP idioms that all int8 kernels share.
 *
 * Four int8 in a word become two words of two int16, bytes 0 and 2 in the first and 1 and 3 in the
 * second. Weights and activations are unpacked the same way, so the order inside a dot product does
 * not matter and no repacking is needed.
 */
#ifndef DSP_H
#define DSP_H

#include <arm_acle.h>
#include <stdint.h>

struct packed_word {
    uint32_t value;
} __attribute__((packed, may_alias));

/* Four int8 from any address; an LDR, dearer when the address is no multiple of 4. */
static inline uint32_t load_s8x4(const int8_t *from)
{
    return ((const struct packed_word *)from)->value;
}

static inline void store_s8x4(int8_t *to, uint32_t word)
{
    ((struct packed_word *)to)->value = word;
}

/* The last 1 to 3 values of a row as a word filled up with zeros, without reading behind the row. */
static inline uint32_t load_s8_tail(const int8_t *from, int32_t count)
{
    uint32_t word = 0;
    for (int32_t i = 0; i < count; i++)
        word |= (uint32_t)(uint8_t)from[i] << (8 * i);
    return word;
}

/* Bytes 0 and 2 as two int16. */
static inline int16x2_t unpack_even(uint32_t word)
{
    return __sxtb16((int8x4_t)word);
}

/* Bytes 1 and 3 as two int16. SXTB16 rotates for free, which the compiler does not find by itself. */
static inline int16x2_t unpack_odd(uint32_t word)
{
    int16x2_t result;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(result) : "r"(word));
    return result;
}

/* Bytes 0 and 2 as two int16, each added to one of base. */
static inline int16x2_t add_even(int16x2_t base, uint32_t word)
{
    return __sxtab16(base, (int8x4_t)word);
}

/* Bytes 1 and 3 as two int16, each added to one of base. */
static inline int16x2_t add_odd(int16x2_t base, uint32_t word)
{
    int16x2_t result;
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(result) : "r"(base), "r"(word));
    return result;
}

/* Two int16 from any address. */
static inline uint32_t load_s16x2(const int16_t *from)
{
    return ((const struct packed_word *)from)->value;
}

/* The low halves of two words, those of the first below. */
static inline uint32_t pack_low(uint32_t first, uint32_t second)
{
    return (first & 0xFFFFu) | second << 16;
}

/* The high halves of two words, those of the first below. */
static inline uint32_t pack_high(uint32_t first, uint32_t second)
{
    return first >> 16 | (second & 0xFFFF0000u);
}

/* The larger of each pair of int8. */
static inline uint32_t larger_s8x4(uint32_t a, uint32_t b)
{
    __ssub8((int8x4_t)a, (int8x4_t)b); /* sets GE where a >= b */
    return (uint32_t)__sel((uint8x4_t)a, (uint8x4_t)b);
}

/* The smaller of each pair of int8. */
static inline uint32_t smaller_s8x4(uint32_t a, uint32_t b)
{
    __ssub8((int8x4_t)a, (int8x4_t)b);
    return (uint32_t)__sel((uint8x4_t)b, (uint8x4_t)a);
}

/* (a * b + 2^31) / 2^32, rounded down. The compiler knows no intrinsic for SMMULR. */
static inline int32_t high_multiply_rounded(int32_t a, int32_t b)
{
    int32_t result;
    __asm__("smmulr %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));
    return result;
}

/* One int8 in all four bytes. */
static inline uint32_t broadcast_s8(int32_t value)
{
    return ((uint32_t)value & 0xFFu) * 0x01010101u;
}

/* One int16 in both halves. */
static inline int16x2_t broadcast_s16(int32_t value)
{
    return (int16x2_t)(((uint32_t)value & 0xFFFFu) | ((uint32_t)value << 16));
}

#endif
