/* Runs the operations of a program of the corpus: once to fill caches and branch predictor, or as
 * often as repeat=N says, and once marked; then prints the name and the bytes of the result.
 * tests/kernels/corpus_reference.py knows what they have to be. */
#include "corpus.h"

#include "semihost.h"

enum { BYTES_PER_CALL = 64 };

uint32_t corpus_random(uint32_t seed, uint32_t i)
{
    uint32_t word = seed * 0x9E3779B9u + i;
    word = (word ^ word >> 16) * 0x85EBCA6Bu;
    word = (word ^ word >> 13) * 0xC2B2AE35u;
    return word ^ word >> 16;
}

void corpus_fill(void *words, uint32_t bytes, uint32_t seed)
{
    uint32_t *word = words;
    for (uint32_t i = 0; i < bytes / 4; i++)
        word[i] = corpus_random(seed, i);
}

static void print_bytes(const uint8_t *bytes, uint32_t count)
{
    char text[2 * BYTES_PER_CALL + 1];
    while (count > 0) {
        uint32_t length = 0;
        for (; count > 0 && length < 2 * BYTES_PER_CALL; count--, bytes++) {
            text[length++] = "0123456789abcdef"[*bytes >> 4];
            text[length++] = "0123456789abcdef"[*bytes & 15];
        }
        text[length] = '\0';
        semihost_write(text);
    }
}

int main(void)
{
    const uint32_t repeat = semihost_argument("repeat", 1);
    corpus_prepare();
    for (uint32_t i = 0; i < corpus_operation_count; i++) {
        const struct corpus_operation *operation = &corpus_operations[i];
        for (uint32_t calls = repeat; calls > 0; calls--)
            operation->work();
        mcusim_op_begin(&operation->op);
        operation->work();
        mcusim_op_end();
        semihost_write(operation->op.name);
        semihost_write(" ");
        print_bytes(operation->result, operation->result_bytes);
        semihost_write("\n");
    }
    return 0;
}
