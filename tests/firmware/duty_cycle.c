/* Firmware for a board that works and sleeps in turn: SysTick wakes it a thousand times a second of which it does 40; each
 * time it mixes a wave from a table, filters it, bends it by a table, checks it by a table and counts its bits by one, all
 * tables in flash. Set-up is done once, at length. */
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))
#define SYST_CSR REG(0xE000E010)
#define SYST_RVR REG(0xE000E014)
#define SYST_CVR REG(0xE000E018)

enum { ROUNDS = 40, BLOCK = 128, TAPS = 64, WAVE = 4096, BEND = 2048 };

/* Tables of whatever numbers: N, 4 N or 16 N of them from one on. */
#define ONE(i) (uint16_t)((i) * 2654435761u >> 13),
#define FOUR(of, i) of(i) of((i) + 1) of((i) + 2) of((i) + 3)
#define F1(i) FOUR(ONE, i)
#define F2(i) F1(i) F1((i) + 4) F1((i) + 8) F1((i) + 12)
#define F3(i) F2(i) F2((i) + 16) F2((i) + 32) F2((i) + 48)
#define F4(i) F3(i) F3((i) + 64) F3((i) + 128) F3((i) + 192)
#define F5(i) F4(i) F4((i) + 256) F4((i) + 512) F4((i) + 768)

static const uint16_t wave[WAVE] = {F5(0) F5(1024) F5(2048) F5(3072)};
static const uint16_t bend[BEND] = {F5(77) F5(5000)};
static const uint16_t taps[TAPS] = {F3(9)};
static const uint32_t crc[256] = {F4(3)};
static const uint8_t bits[256] = {[1] = 1, [3] = 2, [7] = 3, [15] = 4, [31] = 5, [63] = 6, [127] = 7, [255] = 8};

static int16_t block[BLOCK + TAPS];
static uint16_t out[BLOCK];
static uint32_t history[1024];
static volatile uint32_t ticks;

void SysTick_Handler(void) { ticks++; }

__attribute__((noinline)) static void mix(uint32_t *phase)
{
    for (int i = 0; i < BLOCK; i++) {
        *phase += 2654435u;
        block[TAPS + i] = (int16_t)(wave[*phase >> 8 & (WAVE - 1)] + (wave[*phase >> 5 & (WAVE - 1)] >> 1));
    }
}

__attribute__((noinline)) static void filter(void)
{
    for (int i = 0; i < BLOCK; i++) {
        int32_t sum = 0;
        for (int t = 0; t < TAPS; t++)
            sum += block[i + t] * taps[t];
        out[i] = (uint16_t)(sum >> 15);
    }
    for (int i = 0; i < TAPS; i++)
        block[i] = block[BLOCK + i];
}

__attribute__((noinline)) static uint32_t bend_and_check(uint32_t sum)
{
    for (int i = 0; i < BLOCK; i++) {
        uint16_t bent = bend[(out[i] * 37u + (uint32_t)i * 101u) & (BEND - 1)];
        sum = sum >> 8 ^ crc[(sum ^ bent) & 255];
        sum += bits[bent >> 8] + bits[bent & 255];
    }
    return sum;
}

__attribute__((noinline)) static uint32_t set_up(void)
{
    uint32_t seed = 1, sum = 0;
    for (int pass = 0; pass < 20; pass++)
        for (int i = 0; i < 1024; i++) {
            seed = seed * 1664525u + 1013904223u;
            history[i] += seed >> 7;
            sum += history[i];
        }
    return sum;
}

int main(void)
{
    uint32_t sum = set_up(), phase = 0;
    SYST_RVR = 216000 - 1;
    SYST_CVR = 0;
    SYST_CSR = 7;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        mix(&phase);
        filter();
        sum = bend_and_check(sum);
        history[round] = sum;
        while (ticks <= round)
            __asm__ volatile("wfi" ::: "memory");
    }
    SYST_CSR = 0;
    return sum == 0;
}
