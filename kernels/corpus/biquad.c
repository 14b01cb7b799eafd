/* biquad.c: a cascade of four biquad filters over a signal, in q15, q31 and float.
 *
 * A stage is y = b0 x + b1 x1 + b2 x2 + a1 y1 + a2 y2 with the two samples before each. q15 keeps
 * them in pairs for SMLAD, q31 sums in 64 bits, float is the transposed form with two sums.
 */
#include "corpus.h"

#include <arm_acle.h>

enum { STAGES = 4, SAMPLES = 128, FRACTION_BITS = 14 };

/* b0, b1, b2, a1, a2 in q14: two zeros at the unit circle, poles inside of it. */
static const int16_t coefficients[STAGES][5] = {
    {2048, 4096, 2048, 18022, -6554},
    {3277, 1638, 3277, 13107, -9830},
    {4915, -2458, 4915, 6554, -11469},
    {8192, 0, 8192, -3277, -12288},
};

struct stage_q15 {
    int32_t b0;
    int16x2_t b, a; /* the lower half goes with the sample before, the upper with the one before it */
};
struct stage_q31 {
    int32_t b0, b1, b2, a1, a2; /* q30 */
};
struct stage_f32 {
    float b0, b1, b2, a1, a2;
};

static struct stage_q15 q15_stages[STAGES];
static struct stage_q31 q31_stages[STAGES];
static struct stage_f32 f32_stages[STAGES];
static int16_t q15_input[SAMPLES], q15_output[SAMPLES];
static int32_t q31_input[SAMPLES], q31_output[SAMPLES];
static float f32_input[SAMPLES], f32_output[SAMPLES];

/* The history with a newer sample below the older one. */
static inline int16x2_t pushed(int16x2_t history, int32_t sample)
{
    int16x2_t result;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(result) : "r"(sample), "r"(history));
    return result;
}

static void biquad_q15(void)
{
    const int16_t *from = q15_input;
    for (int stage = 0; stage < STAGES; stage++) {
        const struct stage_q15 s = q15_stages[stage];
        int16x2_t inputs = 0, outputs = 0;
        for (int i = 0; i < SAMPLES; i++) {
            int32_t x = from[i];
            int32_t sum = __smlad(s.a, outputs, __smlad(s.b, inputs, s.b0 * x));
            int32_t y = __ssat(sum >> FRACTION_BITS, 16);
            inputs = pushed(inputs, x);
            outputs = pushed(outputs, y);
            q15_output[i] = (int16_t)y;
        }
        from = q15_output;
    }
}

static void biquad_q31(void)
{
    const int32_t *from = q31_input;
    for (int stage = 0; stage < STAGES; stage++) {
        const struct stage_q31 s = q31_stages[stage];
        int32_t x1 = 0, x2 = 0, y1 = 0, y2 = 0;
        for (int i = 0; i < SAMPLES; i++) {
            int32_t x = from[i];
            int64_t sum = (int64_t)s.b0 * x + (int64_t)s.b1 * x1 + (int64_t)s.b2 * x2 +
                          (int64_t)s.a1 * y1 + (int64_t)s.a2 * y2;
            x2 = x1, x1 = x;
            y2 = y1, y1 = (int32_t)(sum >> (FRACTION_BITS + 16));
            q31_output[i] = y1;
        }
        from = q31_output;
    }
}

static void biquad_f32(void)
{
    const float *from = f32_input;
    for (int stage = 0; stage < STAGES; stage++) {
        const struct stage_f32 s = f32_stages[stage];
        float first = 0, second = 0;
        for (int i = 0; i < SAMPLES; i++) {
            float x = from[i], y = __builtin_fmaf(s.b0, x, first);
            first = __builtin_fmaf(s.a1, y, __builtin_fmaf(s.b1, x, second));
            second = __builtin_fmaf(s.a2, y, s.b2 * x);
            f32_output[i] = y;
        }
        from = f32_output;
    }
}

void corpus_prepare(void)
{
    for (int i = 0; i < STAGES; i++) {
        const int16_t *c = coefficients[i];
        q15_stages[i] = (struct stage_q15){c[0], pushed(c[2], c[1]), pushed(c[4], c[3])};
        q31_stages[i] =
            (struct stage_q31){c[0] * 65536, c[1] * 65536, c[2] * 65536, c[3] * 65536, c[4] * 65536};
        const float scale = 1.0f / (1 << FRACTION_BITS);
        f32_stages[i] = (struct stage_f32){(float)c[0] * scale, (float)c[1] * scale,
                                           (float)c[2] * scale, (float)c[3] * scale,
                                           (float)c[4] * scale};
    }
    for (uint32_t i = 0; i < SAMPLES; i++) {
        q31_input[i] = (int32_t)corpus_random(13, i) >> 3;
        q15_input[i] = (int16_t)(q31_input[i] >> 16);
        f32_input[i] = (float)q31_input[i] * 0x1p-31f;
    }
}

const struct corpus_operation corpus_operations[] = {
    CORPUS_OPERATION(biquad_q15, q15_output),
    CORPUS_OPERATION(biquad_q31, q31_output),
    CORPUS_OPERATION(biquad_f32, f32_output),
};
const uint32_t corpus_operation_count = sizeof corpus_operations / sizeof corpus_operations[0];
