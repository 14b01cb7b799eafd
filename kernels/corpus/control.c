/* control.c: the parts of kernels/src/mixed.c, each as an operation of its own, and its CRC alone. */
#include "corpus.h"

#include "../src/mixed.c"

enum { SEED = 1, CRC_START = 0xFFFF, CRC_WORDS = 128 };

static uint32_t crc_input[CRC_WORDS];
static uint32_t list_result, matrix_result, state_result, crc_result;

static void control_list(void)
{
    list_result = list_work(SEED, CRC_START);
}

static void control_matrix(void)
{
    matrix_result = matrix_work(SEED, CRC_START);
}

static void control_state(void)
{
    state_result = text_work(SEED, CRC_START);
}

static void control_crc(void)
{
    uint32_t crc = CRC_START;
    for (int i = 0; i < CRC_WORDS; i++)
        crc = crc_word(crc, crc_input[i]);
    crc_result = crc;
}

void corpus_prepare(void)
{
    corpus_fill(crc_input, sizeof crc_input, 14);
}

const struct corpus_operation corpus_operations[] = {
    CORPUS_OPERATION(control_list, list_result),
    CORPUS_OPERATION(control_matrix, matrix_result),
    CORPUS_OPERATION(control_state, state_result),
    CORPUS_OPERATION(control_crc, crc_result),
};
const uint32_t corpus_operation_count = sizeof corpus_operations / sizeof corpus_operations[0];
