/* floats.c: what a program does with newlib: sinf, double arithmetic, printf. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { SAMPLES = 512 };
static float wave[SAMPLES];
static double mean[8];
static char line[96];
/* Larger than the DTCM. */
static uint8_t history[96 * 1024];

static const float window[SAMPLES / 2] = {
    0.5f, 0.25f, 0.125f, 1.0f, 0.75f, 0.875f, 0.0625f, 0.375f,
};

__attribute__((noinline)) static void sample(float step)
{
    for (int at = 0; at < SAMPLES; at++)
        wave[at] = sinf((float)at * step) * (window[at / 2] + 0.5f);
}

__attribute__((noinline)) static double smooth(int round)
{
    double sum = 0;
    for (int at = 0; at < SAMPLES; at++) {
        mean[at & 7] = mean[at & 7] * 0.875 + (double)wave[at] * 0.125;
        sum += mean[at & 7];
    }
    history[(unsigned)round * 977 % sizeof history] = (uint8_t)(int)sum;
    return sum / SAMPLES;
}

int main(void)
{
    unsigned length = 0;
    for (int round = 0; round < 12; round++) {
        sample(0.01f * (float)(round + 1));
        const double value = smooth(round);
        for (int each = 0; each < 4; each++) {
            snprintf(line, sizeof line, "round %d: %10.6f of %08x\n", round, value * each, (unsigned)each * 77u);
            length += (unsigned)strlen(line);
        }
    }
    printf("%u characters, %.6f, %u\n", length, mean[3], history[977]);
    return 0;
}
