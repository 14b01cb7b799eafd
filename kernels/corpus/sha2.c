/* sha2.c: SHA-256 and SHA-512 (FIPS 180-4) of a message; sha2_tables.py makes their constants. */
#include "corpus.h"

#include "layer_data.h" /* cube_roots, square_roots: the first 64 bits of their fractions */

enum { MESSAGE_BYTES = 440, PADDED_BYTES = 512 }; /* whole blocks of both */

static uint32_t words_message[PADDED_BYTES / 4], words_constants[64], words_digest[8];
static uint64_t pairs_message[PADDED_BYTES / 8], pairs_digest[8];

/* --- SHA-256 ---------------------------------------------------------------------------------- */

static inline uint32_t rotate32(uint32_t word, int bits)
{
    return word >> bits | word << (32 - bits);
}

#define WORD uint32_t
#define ROUNDS 64
#define CONSTANTS words_constants
#define COMPRESS compress_words
#define BIG0(x) (rotate32(x, 2) ^ rotate32(x, 13) ^ rotate32(x, 22))
#define BIG1(x) (rotate32(x, 6) ^ rotate32(x, 11) ^ rotate32(x, 25))
#define SMALL0(x) (rotate32(x, 7) ^ rotate32(x, 18) ^ (x) >> 3)
#define SMALL1(x) (rotate32(x, 17) ^ rotate32(x, 19) ^ (x) >> 10)
#include "sha2_rounds.h"
#undef WORD
#undef ROUNDS
#undef CONSTANTS
#undef COMPRESS
#undef BIG0
#undef BIG1
#undef SMALL0
#undef SMALL1

static void sha256(void)
{
    for (int i = 0; i < 8; i++)
        words_digest[i] = (uint32_t)(square_roots[i] >> 32);
    for (int i = 0; i < PADDED_BYTES / 4; i += 16)
        compress_words(words_digest, words_message + i);
}

/* --- SHA-512 ---------------------------------------------------------------------------------- */

static inline uint64_t rotate64(uint64_t word, int bits)
{
    return word >> bits | word << (64 - bits);
}

#define WORD uint64_t
#define ROUNDS 80
#define CONSTANTS cube_roots
#define COMPRESS compress_pairs
#define BIG0(x) (rotate64(x, 28) ^ rotate64(x, 34) ^ rotate64(x, 39))
#define BIG1(x) (rotate64(x, 14) ^ rotate64(x, 18) ^ rotate64(x, 41))
#define SMALL0(x) (rotate64(x, 1) ^ rotate64(x, 8) ^ (x) >> 7)
#define SMALL1(x) (rotate64(x, 19) ^ rotate64(x, 61) ^ (x) >> 6)
#include "sha2_rounds.h"

static void sha512(void)
{
    for (int i = 0; i < 8; i++)
        pairs_digest[i] = square_roots[i];
    for (int i = 0; i < PADDED_BYTES / 8; i += 16)
        compress_pairs(pairs_digest, pairs_message + i);
}

/* The message is big-endian: the bytes of random words, a one bit, zeros and the count of bits. */
void corpus_prepare(void)
{
    for (uint32_t i = 0; i < MESSAGE_BYTES / 4; i++)
        words_message[i] = __builtin_bswap32(corpus_random(7, i));
    words_message[MESSAGE_BYTES / 4] = 0x80000000u;
    words_message[PADDED_BYTES / 4 - 1] = 8 * MESSAGE_BYTES;
    for (uint32_t i = 0; i < PADDED_BYTES / 8; i++)
        pairs_message[i] = (uint64_t)words_message[2 * i] << 32 | words_message[2 * i + 1];
    for (uint32_t i = 0; i < 64; i++)
        words_constants[i] = (uint32_t)(cube_roots[i] >> 32);
}

const struct corpus_operation corpus_operations[] = {
    CORPUS_OPERATION(sha256, words_digest),
    CORPUS_OPERATION(sha512, pairs_digest),
};
const uint32_t corpus_operation_count = sizeof corpus_operations / sizeof corpus_operations[0];
