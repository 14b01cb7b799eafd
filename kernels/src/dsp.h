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

/* One int16 in both halves. */
static inline int16x2_t broadcast_s16(int32_t value)
{
    return (int16x2_t)(((uint32_t)value & 0xFFFFu) | ((uint32_t)value << 16));
}

#endif
