/* chacha20.c: ChaCha20 (RFC 8439) over a message of eight blocks. */
#include "corpus.h"

enum { BLOCK_WORDS = 16, BLOCKS = 8, DOUBLE_ROUNDS = 10 };

static uint32_t initial[BLOCK_WORDS]; /* constant, key, counter, nonce */
static uint32_t message[BLOCKS][BLOCK_WORDS], output[BLOCKS][BLOCK_WORDS];

static inline uint32_t rotate(uint32_t word, int bits)
{
    return word << bits | word >> (32 - bits);
}

static inline void quarter(uint32_t *x, int a, int b, int c, int d)
{
    x[a] += x[b], x[d] = rotate(x[d] ^ x[a], 16);
    x[c] += x[d], x[b] = rotate(x[b] ^ x[c], 12);
    x[a] += x[b], x[d] = rotate(x[d] ^ x[a], 8);
    x[c] += x[d], x[b] = rotate(x[b] ^ x[c], 7);
}

static void chacha20(void)
{
    for (uint32_t block = 0; block < BLOCKS; block++) {
        uint32_t x[BLOCK_WORDS];
        for (int i = 0; i < BLOCK_WORDS; i++)
            x[i] = initial[i];
        x[12] += block;
        for (int i = 0; i < DOUBLE_ROUNDS; i++) {
            quarter(x, 0, 4, 8, 12);
            quarter(x, 1, 5, 9, 13);
            quarter(x, 2, 6, 10, 14);
            quarter(x, 3, 7, 11, 15);
            quarter(x, 0, 5, 10, 15);
            quarter(x, 1, 6, 11, 12);
            quarter(x, 2, 7, 8, 13);
            quarter(x, 3, 4, 9, 14);
        }
        for (int i = 0; i < BLOCK_WORDS; i++)
            output[block][i] = message[block][i] ^ (x[i] + initial[i]);
        output[block][12] = message[block][12] ^ (x[12] + initial[12] + block);
    }
}

void corpus_prepare(void)
{
    corpus_fill(initial, sizeof initial, 8);
    initial[0] = 0x61707865, initial[1] = 0x3320646E; /* "expand 32-byte k" */
    initial[2] = 0x79622D32, initial[3] = 0x6B206574;
    initial[12] = 1;
    corpus_fill(message, sizeof message, 9);
}

const struct corpus_operation corpus_operations[] = {CORPUS_OPERATION(chacha20, output)};
const uint32_t corpus_operation_count = sizeof corpus_operations / sizeof corpus_operations[0];
