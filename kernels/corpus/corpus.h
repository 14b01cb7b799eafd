/* corpus.h: what each program of the corpus is made of: operations that are run, marked and told.
 *
 * corpus.c has main(). A program's file has its operations, their inputs and their tables.
 */
#ifndef CORPUS_H
#define CORPUS_H

#include <stdint.h>

#include "mcusim.h"

/* An operation. work() makes the same result from the same inputs however often it is called. */
struct corpus_operation {
    struct mcusim_op op;
    void (*work)(void);
    const void *result;
    uint32_t result_bytes;
};

/* The operation of a function and the object that holds its result. */
#define CORPUS_OPERATION(function, object) \
    {MCUSIM_OP_COUNTED(#function, "corpus", 0, 0, 0, 0), function, &(object), sizeof(object)}

extern const struct corpus_operation corpus_operations[];
extern const uint32_t corpus_operation_count;

/* Makes the inputs and tables of all operations; not measured. */
void corpus_prepare(void);

/* Word number i of a random sequence; kernels/generator.py has the same. */
uint32_t corpus_random(uint32_t seed, uint32_t i);

/* Fills whole words with a random sequence. */
void corpus_fill(void *words, uint32_t bytes, uint32_t seed);

#endif
