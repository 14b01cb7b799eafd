/* lu.c: LU decomposition of a random matrix in single and in double precision. */
#include "corpus.h"

enum { SIZE = 20 };

static float f32_input[SIZE][SIZE];
static double f64_input[SIZE][SIZE];
static struct {
    float matrix[SIZE][SIZE];
    uint32_t rows[SIZE];
} f32_output;
static struct {
    double matrix[SIZE][SIZE];
    uint32_t rows[SIZE];
} f64_output;

#define REAL float
#define FACTOR factor_f32
#define ABSOLUTE __builtin_fabsf
#define MULTIPLY_ADD __builtin_fmaf
#include "lu_steps.h"
#undef REAL
#undef FACTOR
#undef ABSOLUTE
#undef MULTIPLY_ADD

#define REAL double
#define FACTOR factor_f64
#define ABSOLUTE __builtin_fabs
#define MULTIPLY_ADD __builtin_fma
#include "lu_steps.h"

static void lu_f32(void)
{
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++)
            f32_output.matrix[i][j] = f32_input[i][j];
    factor_f32(f32_output.matrix, f32_output.rows);
}

static void lu_f64(void)
{
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++)
            f64_output.matrix[i][j] = f64_input[i][j];
    factor_f64(f64_output.matrix, f64_output.rows);
}

/* Values between -1 and 1 that both kinds hold exactly. */
void corpus_prepare(void)
{
    for (uint32_t i = 0; i < SIZE; i++)
        for (uint32_t j = 0; j < SIZE; j++) {
            int32_t word = (int32_t)corpus_random(12, i * SIZE + j) >> 8;
            f32_input[i][j] = (float)word * 0x1p-23f;
            f64_input[i][j] = (double)f32_input[i][j];
        }
}

const struct corpus_operation corpus_operations[] = {
    CORPUS_OPERATION(lu_f32, f32_output),
    CORPUS_OPERATION(lu_f64, f64_output),
};
const uint32_t corpus_operation_count = sizeof corpus_operations / sizeof corpus_operations[0];
