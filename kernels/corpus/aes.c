/* aes.c: AES-128 encryption of single blocks (FIPS 197) in three manners.
 *
 * aes_table looks up whole columns, aes_packed substitutes bytes and mixes four of them at once with
 * UADD8 and SEL, aes_sliced holds bit b of 32 bytes in word b and looks up nothing.
 */
#include "corpus.h"

#include <arm_acle.h>

enum { ROUNDS = 10, BLOCK_BYTES = 16, BLOCKS = 8 };
enum { SLICED_BYTES = 32 }; /* two blocks */

static uint32_t key[4];
static uint32_t input[BLOCKS][4]; /* a word is a column, its row 0 in the lowest byte */
static uint32_t round_keys[ROUNDS + 1][4];
static uint32_t sliced_keys[ROUNDS + 1][8];
static uint8_t substitution[256];
static uint32_t columns[256]; /* a substituted byte times the column 2, 1, 1, 3 */
static uint32_t table_output[BLOCKS][4], packed_output[BLOCKS][4], sliced_output[BLOCKS][4];

static inline uint32_t rotate_left(uint32_t word, uint32_t bits)
{
    return word << bits | word >> (32 - bits);
}

static inline uint32_t rotate_right(uint32_t word, uint32_t bits)
{
    return word >> bits | word << (32 - bits);
}

static inline uint32_t byte_of(uint32_t word, uint32_t number)
{
    return word >> (8 * number) & 0xFF;
}

/* Byte times x in GF(2^8) with the polynomial 0x11B. */
static inline uint32_t doubled(uint32_t byte)
{
    return (byte << 1 ^ (byte >> 7) * 0x11B) & 0xFF;
}

/* --- tables and keys -------------------------------------------------------------------------- */

/* Walks over the powers of the generator 3 and, from the other end, over their inverses. */
static void make_substitution(void)
{
    uint8_t powers[255];
    uint32_t power = 1;
    for (int i = 0; i < 255; i++) {
        powers[i] = (uint8_t)power;
        power ^= doubled(power);
    }
    for (int i = 0; i < 255; i++) {
        uint32_t inverse = powers[(255 - i) % 255], ring = inverse * 0x101;
        substitution[powers[i]] =
            (uint8_t)(ring ^ ring >> 4 ^ ring >> 5 ^ ring >> 6 ^ ring >> 7 ^ 0x63);
    }
    substitution[0] = 0x63;
    for (int i = 0; i < 256; i++) {
        uint32_t byte = substitution[i], twice = doubled(byte);
        columns[i] = twice | byte << 8 | byte << 16 | (twice ^ byte) << 24;
    }
}

static inline uint32_t substituted(uint32_t row0, uint32_t row1, uint32_t row2, uint32_t row3)
{
    return substitution[byte_of(row0, 0)] | (uint32_t)substitution[byte_of(row1, 1)] << 8 |
           (uint32_t)substitution[byte_of(row2, 2)] << 16 |
           (uint32_t)substitution[byte_of(row3, 3)] << 24;
}

static void expand_key(void)
{
    uint32_t *words = round_keys[0], constant = 1;
    for (int i = 0; i < 4 * (ROUNDS + 1); i++) {
        if (i < 4) {
            words[i] = key[i];
            continue;
        }
        uint32_t word = words[i - 1];
        if (i % 4 == 0) {
            word = rotate_right(word, 8);
            word = substituted(word, word, word, word) ^ constant;
            constant = doubled(constant);
        }
        words[i] = words[i - 4] ^ word;
    }
}

/* --- table lookups ---------------------------------------------------------------------------- */

/* A byte as assembly programs take it; the compiler would use UBFX. */
#define EXTENDED(word, turn)                                                            \
    __extension__({                                                                     \
        uint32_t byte;                                                                  \
        __asm__("uxtb %0, %1, ror #" #turn : "=r"(byte) : "r"(word));                   \
        byte;                                                                           \
    })

static inline uint32_t looked_up(uint32_t row0, uint32_t row1, uint32_t row2, uint32_t row3)
{
    return columns[byte_of(row0, 0)] ^ rotate_left(columns[EXTENDED(row1, 8)], 8) ^
           rotate_left(columns[EXTENDED(row2, 16)], 16) ^
           rotate_left(columns[EXTENDED(row3, 24)], 24);
}

static void encrypt_by_table(const uint32_t *from, uint32_t *to)
{
    const uint32_t *k = round_keys[0];
    uint32_t a = from[0] ^ k[0], b = from[1] ^ k[1], c = from[2] ^ k[2], d = from[3] ^ k[3];
    for (int round = 1; round < ROUNDS; round++) {
        k += 4;
        uint32_t next_a = looked_up(a, b, c, d) ^ k[0], next_b = looked_up(b, c, d, a) ^ k[1];
        uint32_t next_c = looked_up(c, d, a, b) ^ k[2], next_d = looked_up(d, a, b, c) ^ k[3];
        a = next_a, b = next_b, c = next_c, d = next_d;
    }
    k += 4;
    to[0] = substituted(a, b, c, d) ^ k[0];
    to[1] = substituted(b, c, d, a) ^ k[1];
    to[2] = substituted(c, d, a, b) ^ k[2];
    to[3] = substituted(d, a, b, c) ^ k[3];
}

static void aes_table(void)
{
    for (int i = 0; i < BLOCKS; i++)
        encrypt_by_table(input[i], table_output[i]);
}

/* --- four bytes at once ----------------------------------------------------------------------- */

/* Each byte times x: UADD8 notes the carries that SEL asks for. */
static inline uint32_t doubled_bytes(uint32_t word)
{
    uint32_t twice = (uint32_t)__uadd8((uint8x4_t)word, (uint8x4_t)word);
    return twice ^ (uint32_t)__sel((uint8x4_t)0x1B1B1B1Bu, (uint8x4_t)0u);
}

static inline uint32_t mixed(uint32_t column)
{
    uint32_t next = rotate_right(column, 8);
    return doubled_bytes(column ^ next) ^ next ^ rotate_right(column, 16) ^
           rotate_right(column, 24);
}

static void encrypt_packed(const uint32_t *from, uint32_t *to)
{
    const uint32_t *k = round_keys[0];
    uint32_t a = from[0] ^ k[0], b = from[1] ^ k[1], c = from[2] ^ k[2], d = from[3] ^ k[3];
    for (int round = 1;; round++) {
        k += 4;
        uint32_t next_a = substituted(a, b, c, d), next_b = substituted(b, c, d, a);
        uint32_t next_c = substituted(c, d, a, b), next_d = substituted(d, a, b, c);
        if (round == ROUNDS) {
            to[0] = next_a ^ k[0], to[1] = next_b ^ k[1];
            to[2] = next_c ^ k[2], to[3] = next_d ^ k[3];
            return;
        }
        a = mixed(next_a) ^ k[0], b = mixed(next_b) ^ k[1];
        c = mixed(next_c) ^ k[2], d = mixed(next_d) ^ k[3];
    }
}

static void aes_packed(void)
{
    for (int i = 0; i < BLOCKS; i++)
        encrypt_packed(input[i], packed_output[i]);
}

/* --- bit-sliced: bit i of word b is bit b of byte i, 16 bytes of either block ------------------- */

static void slice(const uint32_t *first, const uint32_t *second, uint32_t *bits)
{
    for (int b = 0; b < 8; b++)
        bits[b] = 0;
    for (uint32_t i = 0; i < SLICED_BYTES; i++) {
        uint32_t byte = byte_of((i < 16 ? first : second)[i / 4 % 4], i % 4);
#pragma GCC unroll 8
        for (int b = 0; b < 8; b++)
            bits[b] |= (byte >> b & 1) << i;
    }
}

static void unslice(const uint32_t *bits, uint32_t *first, uint32_t *second)
{
    for (int column = 0; column < 4; column++)
        first[column] = second[column] = 0;
    for (uint32_t i = 0; i < SLICED_BYTES; i++) {
        uint32_t byte = 0;
#pragma GCC unroll 8
        for (int b = 0; b < 8; b++)
            byte |= (bits[b] >> i & 1) << b;
        (i < 16 ? first : second)[i / 4 % 4] |= byte << (8 * (i % 4));
    }
}

/* A product of 15 bits modulo x^8 + x^4 + x^3 + x + 1. */
static inline void reduce(uint32_t *product, uint32_t *out)
{
#pragma GCC unroll 8
    for (int i = 14; i >= 8; i--) {
        product[i - 4] ^= product[i];
        product[i - 5] ^= product[i];
        product[i - 7] ^= product[i];
        product[i - 8] ^= product[i];
    }
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++)
        out[i] = product[i];
}

__attribute__((noinline)) static void multiply(const uint32_t *a, const uint32_t *b, uint32_t *out)
{
    uint32_t product[15] = {0};
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++)
#pragma GCC unroll 8
        for (int j = 0; j < 8; j++)
            product[i + j] ^= a[i] & b[j];
    reduce(product, out);
}

__attribute__((noinline)) static void square(const uint32_t *a, uint32_t *out)
{
    uint32_t product[15] = {0};
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++)
        product[2 * i] = a[i];
    reduce(product, out);
}

static void square_times(const uint32_t *a, int times, uint32_t *out)
{
    square(a, out);
    while (--times > 0)
        square(out, out);
}

/* The inverse, a^254 in GF(2^8), then the affine map. */
static void substitute_sliced(uint32_t *a)
{
    uint32_t power2[8], power3[8], power12[8], power[8];
    square(a, power2);
    multiply(power2, a, power3);
    square_times(power3, 2, power12);
    multiply(power12, power3, power); /* 15 */
    square_times(power, 4, power);    /* 240 */
    multiply(power, power12, power);
    multiply(power, power2, power);
#pragma GCC unroll 8
    for (int b = 0; b < 8; b++) {
        a[b] = power[b] ^ power[(b + 4) % 8] ^ power[(b + 5) % 8] ^ power[(b + 6) % 8] ^
               power[(b + 7) % 8];
        if (0x63 >> b & 1)
            a[b] = ~a[b];
    }
}

/* Row r is every fourth bit of a half word from bit r on; it turns by r columns. */
static inline uint32_t shift_rows(uint32_t bits)
{
    uint32_t by_one = (bits >> 4 & 0x0FFF0FFFu) | (bits << 12 & 0xF000F000u);
    uint32_t by_two = (bits >> 8 & 0x00FF00FFu) | (bits << 8 & 0xFF00FF00u);
    uint32_t by_three = (bits >> 12 & 0x000F000Fu) | (bits << 4 & 0xFFF0FFF0u);
    return (bits & 0x11111111u) | (by_one & 0x22222222u) | (by_two & 0x44444444u) |
           (by_three & 0x88888888u);
}

/* Each bit comes from `rows` rows further down in its column. */
static inline uint32_t from_below(uint32_t bits, uint32_t rows)
{
    uint32_t low = 0x11111111u * (0xFu >> rows);
    return (bits >> rows & low) | (bits << (4 - rows) & ~low);
}

static inline void mix_columns_sliced(uint32_t *a)
{
    uint32_t sum[8], rest[8];
#pragma GCC unroll 8
    for (int b = 0; b < 8; b++) {
        uint32_t next = from_below(a[b], 1);
        sum[b] = a[b] ^ next;
        rest[b] = next ^ from_below(sum[b], 2);
    }
#pragma GCC unroll 8
    for (int b = 0; b < 8; b++) {
        a[b] = rest[b] ^ sum[(b + 7) % 8];
        if (b == 1 || b == 3 || b == 4)
            a[b] ^= sum[7];
    }
}

static void encrypt_sliced(const uint32_t *first, uint32_t *to)
{
    uint32_t a[8];
    slice(first, first + 4, a);
    for (int b = 0; b < 8; b++)
        a[b] ^= sliced_keys[0][b];
    for (int round = 1; round <= ROUNDS; round++) {
        substitute_sliced(a);
        for (int b = 0; b < 8; b++)
            a[b] = shift_rows(a[b]);
        if (round < ROUNDS)
            mix_columns_sliced(a);
        for (int b = 0; b < 8; b++)
            a[b] ^= sliced_keys[round][b];
    }
    unslice(a, to, to + 4);
}

static void aes_sliced(void)
{
    for (int i = 0; i < BLOCKS; i += 2)
        encrypt_sliced(input[i], sliced_output[i]);
}

void corpus_prepare(void)
{
    corpus_fill(key, sizeof key, 1);
    corpus_fill(input, sizeof input, 2);
    make_substitution();
    expand_key();
    for (int round = 0; round <= ROUNDS; round++)
        slice(round_keys[round], round_keys[round], sliced_keys[round]);
}

const struct corpus_operation corpus_operations[] = {
    CORPUS_OPERATION(aes_table, table_output),
    CORPUS_OPERATION(aes_packed, packed_output),
    CORPUS_OPERATION(aes_sliced, sliced_output),
};
const uint32_t corpus_operation_count = sizeof corpus_operations / sizeof corpus_operations[0];
