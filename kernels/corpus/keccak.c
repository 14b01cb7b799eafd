/* keccak.c: SHA3-256 (FIPS 202) of a message of three blocks, over two kinds of lanes.
 *
 * keccak_lanes keeps a lane in a 64-bit integer. keccak_interleaved keeps its even bits in one word
 * and its odd bits in another, so that a rotation is two rotations of words.
 */
#include "corpus.h"

enum { KECCAK_ROUNDS = 24, RATE_BYTES = 136, MESSAGE_BYTES = 300, BLOCKS = 3, DIGEST_LANES = 4 };
_Static_assert(MESSAGE_BYTES < BLOCKS * RATE_BYTES, "room for the padding");

struct interleaved {
    uint32_t even, odd;
};

static uint8_t padded[BLOCKS * RATE_BYTES] __attribute__((aligned(8)));
static uint64_t lane_constants[KECCAK_ROUNDS];
static struct interleaved interleaved_constants[KECCAK_ROUNDS];
static uint64_t lanes_digest[DIGEST_LANES], interleaved_digest[DIGEST_LANES];

/* --- 64-bit lanes ----------------------------------------------------------------------------- */

static inline uint64_t xor64(uint64_t a, uint64_t b)
{
    return a ^ b;
}

static inline uint64_t and_not64(uint64_t a, uint64_t b)
{
    return a & ~b;
}

static inline uint64_t rotate64(uint64_t a, int bits)
{
    return a << bits | a >> (64 - bits);
}

#define LANE uint64_t
#define lane_xor xor64
#define lane_and_not and_not64
#define lane_rotate rotate64
#define PERMUTE permute64
#define ROUND_CONSTANTS lane_constants
#include "keccak_permutation.h"
#undef LANE
#undef lane_xor
#undef lane_and_not
#undef lane_rotate
#undef PERMUTE
#undef ROUND_CONSTANTS

static void keccak_lanes(void)
{
    uint64_t a[25] = {0};
    const uint64_t *from = (const uint64_t *)padded;
    for (int block = 0; block < BLOCKS; block++) {
        for (int i = 0; i < RATE_BYTES / 8; i++)
            a[i] ^= *from++;
        permute64(a);
    }
    for (int i = 0; i < DIGEST_LANES; i++)
        lanes_digest[i] = a[i];
}

/* --- interleaved lanes ------------------------------------------------------------------------ */

static inline struct interleaved xor32(struct interleaved a, struct interleaved b)
{
    return (struct interleaved){a.even ^ b.even, a.odd ^ b.odd};
}

static inline struct interleaved and_not32(struct interleaved a, struct interleaved b)
{
    return (struct interleaved){a.even & ~b.even, a.odd & ~b.odd};
}

static inline uint32_t rotate_word(uint32_t a, int bits)
{
    return bits % 32 ? a << bits | a >> (32 - bits) : a;
}

static inline struct interleaved rotate32(struct interleaved a, int bits)
{
    if (bits % 2 == 0)
        return (struct interleaved){rotate_word(a.even, bits / 2), rotate_word(a.odd, bits / 2)};
    return (struct interleaved){rotate_word(a.odd, (bits + 1) / 2), rotate_word(a.even, bits / 2)};
}

#define LANE struct interleaved
#define lane_xor xor32
#define lane_and_not and_not32
#define lane_rotate rotate32
#define PERMUTE permute32
#define ROUND_CONSTANTS interleaved_constants
#include "keccak_permutation.h"

/* Bits 0, 2, 4 ... of a lane as a word. */
static inline uint32_t even_bits(uint64_t lane)
{
    lane &= 0x5555555555555555u;
    lane = (lane | lane >> 1) & 0x3333333333333333u;
    lane = (lane | lane >> 2) & 0x0F0F0F0F0F0F0F0Fu;
    lane = (lane | lane >> 4) & 0x00FF00FF00FF00FFu;
    lane = (lane | lane >> 8) & 0x0000FFFF0000FFFFu;
    return (uint32_t)(lane | lane >> 16);
}

/* A word's bits at places 0, 2, 4 ... of a lane. */
static inline uint64_t spread(uint32_t word)
{
    uint64_t lane = word;
    lane = (lane | lane << 16) & 0x0000FFFF0000FFFFu;
    lane = (lane | lane << 8) & 0x00FF00FF00FF00FFu;
    lane = (lane | lane << 4) & 0x0F0F0F0F0F0F0F0Fu;
    lane = (lane | lane << 2) & 0x3333333333333333u;
    return (lane | lane << 1) & 0x5555555555555555u;
}

static inline struct interleaved interleave(uint64_t lane)
{
    return (struct interleaved){even_bits(lane), even_bits(lane >> 1)};
}

static void keccak_interleaved(void)
{
    struct interleaved a[25] = {{0, 0}};
    const uint64_t *from = (const uint64_t *)padded;
    for (int block = 0; block < BLOCKS; block++) {
        for (int i = 0; i < RATE_BYTES / 8; i++)
            a[i] = xor32(a[i], interleave(*from++));
        permute32(a);
    }
    for (int i = 0; i < DIGEST_LANES; i++)
        interleaved_digest[i] = spread(a[i].even) | spread(a[i].odd) << 1;
}

/* The constants' bits 2^j - 1 are those of a shift register with x^8 + x^6 + x^5 + x^4 + 1. */
static void make_constants(void)
{
    uint32_t shifted = 1;
    for (int round = 0; round < KECCAK_ROUNDS; round++) {
        lane_constants[round] = 0;
        for (int j = 0; j < 7; j++) {
            lane_constants[round] |= (uint64_t)(shifted & 1) << ((1 << j) - 1);
            shifted = (shifted << 1 ^ (shifted >> 7) * 0x171) & 0xFF;
        }
        interleaved_constants[round] = interleave(lane_constants[round]);
    }
}

void corpus_prepare(void)
{
    corpus_fill(padded, MESSAGE_BYTES, 3);
    padded[MESSAGE_BYTES] = 0x06;
    padded[sizeof padded - 1] |= 0x80;
    make_constants();
}

const struct corpus_operation corpus_operations[] = {
    CORPUS_OPERATION(keccak_lanes, lanes_digest),
    CORPUS_OPERATION(keccak_interleaved, interleaved_digest),
};
const uint32_t corpus_operation_count = sizeof corpus_operations / sizeof corpus_operations[0];
