/* ntt.c: the number-theoretic transforms of FIPS 204 and FIPS 203, with Montgomery multiplication.
 *
 * ntt_words transforms 256 words modulo 8380417, ntt_packed 256 half words modulo 3329, two at a
 * time with the multiplications and additions of the DSP extension. Results are not reduced.
 */
#include "corpus.h"

#include <arm_acle.h>

enum { LENGTH = 256, WORD_LAYERS = 8, PACKED_LAYERS = 7 };
enum { WORD_Q = 8380417, WORD_ROOT = 1753, PACKED_Q = 3329, PACKED_ROOT = 17 };
#define WORD_Q_INVERSE 58728449u /* modulo 2^32 */
enum { PACKED_Q_NEGATED_INVERSE = 3327 }; /* modulo 2^16 */
_Static_assert((uint32_t)WORD_Q * WORD_Q_INVERSE == 1, "inverse");
_Static_assert((uint16_t)(PACKED_Q * PACKED_Q_NEGATED_INVERSE) == 0xFFFF, "negated inverse");

static int32_t word_input[LENGTH], word_output[LENGTH];
static uint32_t packed_input[LENGTH / 2], packed_output[LENGTH / 2];
static int32_t word_roots[LENGTH];       /* times 2^32, in the order of use */
static int16_t packed_roots[LENGTH / 2]; /* times 2^16 */

/* --- words ------------------------------------------------------------------------------------ */

/* a b / 2^32 modulo q, between -q and q. */
static inline int32_t multiply_words(int32_t a, int32_t b)
{
    int64_t product = (int64_t)a * b;
    int32_t multiple = (int32_t)((uint32_t)product * WORD_Q_INVERSE);
    return (int32_t)((product - (int64_t)multiple * WORD_Q) >> 32);
}

static void ntt_words(void)
{
    int32_t *a = word_output;
    const int32_t *root = word_roots;
    for (int i = 0; i < LENGTH; i++)
        a[i] = word_input[i];
    for (int span = LENGTH / 2; span > 0; span /= 2) {
        for (int start = 0; start < LENGTH; start += 2 * span) {
            root++;
            for (int i = start; i < start + span; i++) {
                int32_t turned = multiply_words(*root, a[i + span]);
                a[i + span] = a[i] - turned;
                a[i] += turned;
            }
        }
    }
}

/* --- pairs of half words ---------------------------------------------------------------------- */

/* The high halves of two words as a pair. */
static inline uint32_t high_halves(int32_t low, int32_t high)
{
    uint32_t pair;
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(pair) : "r"(high), "r"(low));
    return pair;
}

/* The low halves of a and b multiplied; as C the compiler would shift and add by the constants. */
static inline int32_t multiply_low(int32_t a, int32_t b)
{
    int32_t product;
    __asm__("smulbb %0, %1, %2" : "=r"(product) : "r"(a), "r"(b));
    return product;
}

/* product / 2^16 modulo q in the upper half. */
static inline int32_t reduced(int32_t product)
{
    return __smlabb(multiply_low(product, PACKED_Q_NEGATED_INVERSE), PACKED_Q, product);
}

/* Both halves times b / 2^16 modulo q, between -q and q. */
static inline uint32_t multiply_pair(uint32_t pair, int16_t b)
{
    int32_t high;
    __asm__("smultb %0, %1, %2" : "=r"(high) : "r"(pair), "r"(b));
    return high_halves(reduced(multiply_low((int32_t)pair, b)), reduced(high));
}

static void ntt_packed(void)
{
    uint32_t *a = packed_output;
    const int16_t *root = packed_roots;
    for (int i = 0; i < LENGTH / 2; i++)
        a[i] = packed_input[i];
    for (int span = LENGTH / 4; span > 0; span /= 2) {
        for (int start = 0; start < LENGTH / 2; start += 2 * span) {
            root++;
            for (int i = start; i < start + span; i++) {
                int16x2_t turned = (int16x2_t)multiply_pair(a[i + span], *root);
                a[i + span] = (uint32_t)__ssub16((int16x2_t)a[i], turned);
                a[i] = (uint32_t)__sadd16((int16x2_t)a[i], turned);
            }
        }
    }
}

/* --- tables ----------------------------------------------------------------------------------- */

static uint32_t reversed(uint32_t number, int bits)
{
    uint32_t result = 0;
    while (bits-- > 0) {
        result = result << 1 | (number & 1);
        number >>= 1;
    }
    return result;
}

/* The next power of a root modulo q. */
static uint32_t next_power(uint32_t power, uint32_t root, uint32_t q)
{
    return (uint32_t)((uint64_t)power * root % q);
}

/* Of two numbers that are the same modulo q the one between -q/2 and q/2. */
static int32_t centred(uint32_t number, uint32_t q)
{
    return (int32_t)number - (number > q / 2 ? (int32_t)q : 0);
}

void corpus_prepare(void)
{
    uint32_t power = (uint32_t)((1ull << 32) % WORD_Q);
    for (uint32_t i = 0; i < LENGTH; i++) {
        word_roots[reversed(i, WORD_LAYERS)] = centred(power, WORD_Q);
        power = next_power(power, WORD_ROOT, WORD_Q);
    }
    power = (1u << 16) % PACKED_Q;
    for (uint32_t i = 0; i < LENGTH / 2; i++) {
        packed_roots[reversed(i, PACKED_LAYERS)] = (int16_t)centred(power, PACKED_Q);
        power = next_power(power, PACKED_ROOT, PACKED_Q);
    }
    for (uint32_t i = 0; i < LENGTH; i++)
        word_input[i] = (int32_t)(corpus_random(4, i) % WORD_Q);
    for (uint32_t i = 0; i < LENGTH / 2; i++)
        packed_input[i] = corpus_random(5, 2 * i) % PACKED_Q |
                          corpus_random(5, 2 * i + 1) % PACKED_Q << 16;
}

const struct corpus_operation corpus_operations[] = {
    CORPUS_OPERATION(ntt_words, word_output),
    CORPUS_OPERATION(ntt_packed, packed_output),
};
const uint32_t corpus_operation_count = sizeof corpus_operations / sizeof corpus_operations[0];
