/* fft.c: complex radix-4 transforms of 256 points, decimation in frequency, in q15, q31 and float.
 *
 * Results stand in digit-reversed order. The fixed-point ones are divided by four in each stage.
 */
#include "corpus.h"

#include <arm_acle.h>

enum { POINTS = 256 };

struct complex_q31 {
    int32_t re, im;
};
struct complex_f32 {
    float re, im;
};

/* A q15 value is a word: the real part below the imaginary one. */
static uint32_t q15_input[POINTS], q15_output[POINTS];
static struct complex_q31 q31_input[POINTS], q31_output[POINTS];
static struct complex_f32 f32_input[POINTS], f32_output[POINTS];

/* cos(2 pi k / 256) and sin(2 pi k / 256). */
static uint32_t q15_turns[3 * POINTS / 4];
static struct complex_q31 q31_turns[3 * POINTS / 4];
static struct complex_f32 f32_turns[3 * POINTS / 4];

/* --- q15 -------------------------------------------------------------------------------------- */

/* The value turned clockwise. */
static inline uint32_t turn_q15(int16x2_t value, uint32_t turn)
{
    int32_t re = __smuad(value, (int16x2_t)turn), im = __smusdx((int16x2_t)turn, value);
    uint32_t result;
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(result) : "r"(im << 1), "r"(re << 1));
    return result;
}

static void fft_q15(void)
{
    uint32_t *a = q15_output;
    for (int i = 0; i < POINTS; i++)
        a[i] = q15_input[i];
    for (int span = POINTS / 4, step = 1; span > 0; span /= 4, step *= 4) {
        for (int j = 0; j < span; j++) {
            uint32_t turn1 = q15_turns[j * step], turn2 = q15_turns[2 * j * step];
            uint32_t turn3 = q15_turns[3 * j * step];
            for (int i = j; i < POINTS; i += 4 * span) {
                int16x2_t p = (int16x2_t)a[i], q = (int16x2_t)a[i + span];
                int16x2_t r = (int16x2_t)a[i + 2 * span], s = (int16x2_t)a[i + 3 * span];
                int16x2_t sum = __shadd16(p, r), difference = __shsub16(p, r);
                int16x2_t other_sum = __shadd16(q, s), other_difference = __shsub16(q, s);
                a[i] = (uint32_t)__shadd16(sum, other_sum);
                a[i + span] = turn_q15(__shsax(difference, other_difference), turn1);
                a[i + 2 * span] = turn_q15(__shsub16(sum, other_sum), turn2);
                a[i + 3 * span] = turn_q15(__shasx(difference, other_difference), turn3);
            }
        }
    }
}

/* --- q31 -------------------------------------------------------------------------------------- */

static inline struct complex_q31 turn_q31(int32_t re, int32_t im, struct complex_q31 turn)
{
    int64_t turned_re = (int64_t)re * turn.re + (int64_t)im * turn.im;
    int64_t turned_im = (int64_t)im * turn.re - (int64_t)re * turn.im;
    return (struct complex_q31){(int32_t)(turned_re >> 31), (int32_t)(turned_im >> 31)};
}

static void fft_q31(void)
{
    struct complex_q31 *a = q31_output;
    for (int i = 0; i < POINTS; i++)
        a[i] = q31_input[i];
    for (int span = POINTS / 4, step = 1; span > 0; span /= 4, step *= 4) {
        for (int j = 0; j < span; j++) {
            struct complex_q31 turn1 = q31_turns[j * step], turn2 = q31_turns[2 * j * step];
            struct complex_q31 turn3 = q31_turns[3 * j * step];
            for (int i = j; i < POINTS; i += 4 * span) {
                struct complex_q31 p = a[i], q = a[i + span];
                struct complex_q31 r = a[i + 2 * span], s = a[i + 3 * span];
                int32_t sum_re = (p.re >> 2) + (r.re >> 2), sum_im = (p.im >> 2) + (r.im >> 2);
                int32_t difference_re = (p.re >> 2) - (r.re >> 2);
                int32_t difference_im = (p.im >> 2) - (r.im >> 2);
                int32_t other_re = (q.re >> 2) + (s.re >> 2), other_im = (q.im >> 2) + (s.im >> 2);
                int32_t across_re = (q.im >> 2) - (s.im >> 2);
                int32_t across_im = (s.re >> 2) - (q.re >> 2);
                a[i] = (struct complex_q31){sum_re + other_re, sum_im + other_im};
                a[i + span] = turn_q31(difference_re + across_re, difference_im + across_im, turn1);
                a[i + 2 * span] = turn_q31(sum_re - other_re, sum_im - other_im, turn2);
                a[i + 3 * span] =
                    turn_q31(difference_re - across_re, difference_im - across_im, turn3);
            }
        }
    }
}

/* --- float ------------------------------------------------------------------------------------ */

static inline struct complex_f32 turn_f32(float re, float im, struct complex_f32 turn)
{
    return (struct complex_f32){__builtin_fmaf(im, turn.im, re * turn.re),
                                __builtin_fmaf(-re, turn.im, im * turn.re)};
}

static void fft_f32(void)
{
    struct complex_f32 *a = f32_output;
    for (int i = 0; i < POINTS; i++)
        a[i] = f32_input[i];
    for (int span = POINTS / 4, step = 1; span > 0; span /= 4, step *= 4) {
        for (int j = 0; j < span; j++) {
            struct complex_f32 turn1 = f32_turns[j * step], turn2 = f32_turns[2 * j * step];
            struct complex_f32 turn3 = f32_turns[3 * j * step];
            for (int i = j; i < POINTS; i += 4 * span) {
                struct complex_f32 p = a[i], q = a[i + span];
                struct complex_f32 r = a[i + 2 * span], s = a[i + 3 * span];
                float sum_re = p.re + r.re, sum_im = p.im + r.im;
                float difference_re = p.re - r.re, difference_im = p.im - r.im;
                float other_re = q.re + s.re, other_im = q.im + s.im;
                float across_re = q.im - s.im, across_im = s.re - q.re;
                a[i] = (struct complex_f32){sum_re + other_re, sum_im + other_im};
                a[i + span] = turn_f32(difference_re + across_re, difference_im + across_im, turn1);
                a[i + 2 * span] = turn_f32(sum_re - other_re, sum_im - other_im, turn2);
                a[i + 3 * span] =
                    turn_f32(difference_re - across_re, difference_im - across_im, turn3);
            }
        }
    }
}

/* --- inputs and tables ------------------------------------------------------------------------ */

/* The largest q31 value stands for 1. */
static int32_t to_q31(double value)
{
    return value >= 1.0 ? INT32_MAX : (int32_t)(value * 0x1p31);
}

static uint32_t to_q15(struct complex_q31 value)
{
    return (uint32_t)value.re >> 16 | ((uint32_t)value.im & 0xFFFF0000u);
}

static void make_turns(void)
{
    const double step_re = 0x1.ffd886084cd0dp-1, step_im = 0x1.92155f7a3667ep-6;
    double re = 1.0, im = 0.0;
    for (int i = 0; i < 3 * POINTS / 4; i++) {
        f32_turns[i] = (struct complex_f32){(float)re, (float)im};
        q31_turns[i] = (struct complex_q31){to_q31(re), to_q31(im)};
        q15_turns[i] = to_q15(q31_turns[i]);
        double next = re * step_re - im * step_im;
        im = re * step_im + im * step_re;
        re = next;
    }
}

void corpus_prepare(void)
{
    make_turns();
    corpus_fill(q31_input, sizeof q31_input, 6);
    for (int i = 0; i < POINTS; i++) {
        q31_input[i].re >>= 1;
        q31_input[i].im >>= 1;
        q15_input[i] = to_q15(q31_input[i]);
        f32_input[i].re = (float)q31_input[i].re * 0x1p-31f;
        f32_input[i].im = (float)q31_input[i].im * 0x1p-31f;
    }
}

const struct corpus_operation corpus_operations[] = {
    CORPUS_OPERATION(fft_q15, q15_output),
    CORPUS_OPERATION(fft_q31, q31_output),
    CORPUS_OPERATION(fft_f32, f32_output),
};
const uint32_t corpus_operation_count = sizeof corpus_operations / sizeof corpus_operations[0];
