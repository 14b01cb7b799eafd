/* floats.c: what a program does with newlib: sinf, double arithmetic, printf. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { SAMPLES = 512 };
static float wave[SAMPLES];
static double mean[8];
static char line[96];
/* Of a delay line with taps: larger than the caches, smaller than the DTCM. */
enum { DELAY = 10240, TAPS = 6 };
static float delay[DELAY];
static const uint16_t taps[TAPS] = {1213, 2741, 4409, 6007, 7993, 9851};

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
    return sum / (SAMPLES + round);
}

__attribute__((noinline)) static float echo(unsigned *at)
{
    float last = 0;
    for (int each = 0; each < SAMPLES; each++) {
        float sum = wave[each];
        for (int tap = 0; tap < TAPS; tap++)
            sum += delay[(*at + taps[tap]) % DELAY] * 0.15f;
        *at = (*at + 23) % DELAY;
        delay[*at] = last = sum;
    }
    return last;
}

int main(void)
{
    unsigned length = 0, at = 0;
    for (int round = 0; round < 12; round++) {
        sample(0.01f * (float)(round + 1));
        const double value = smooth(round) + (double)echo(&at);
        for (int each = 0; each < 4; each++) {
            snprintf(line, sizeof line, "round %d: %10.6f of %08x\n", round, value * each, (unsigned)each * 77u);
            length += (unsigned)strlen(line);
        }
    }
    printf("%u characters, %.6f, %.4f\n", length, mean[3], (double)delay[977]);
    return 0;
}
