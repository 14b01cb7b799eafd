/* An audio interrupt at 48 kHz beside a main loop with critical sections: TIM2's, pended by --irq. Each section is
 * straight code of a known length. It ends by itself after a number of blocks of samples. */
#include <stdint.h>

#include "semihost.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define NVIC_ISER0 REGISTER(0xE000E100u)

enum { TIM2 = 28, SAMPLES = 200, TAPS = 32 };

#define IN_ITCM(name) __attribute__((section(".itcm." #name), noinline))

static volatile uint32_t samples;
static int32_t history[TAPS], taps[TAPS];
volatile int32_t heard;

/* A filter of 32 taps for each sample. */
IN_ITCM(TIM2_IRQHandler) void TIM2_IRQHandler(void)
{
    int32_t sum = 0;
    for (int tap = TAPS - 1; tap > 0; tap--) {
        history[tap] = history[tap - 1];
        sum += history[tap] * taps[tap];
    }
    history[0] = (int32_t)samples;
    heard = sum;
    samples++;
}

/* Masked by PRIMASK for 1,000 dependent additions. */
static IN_ITCM(update_settings) uint32_t update_settings(uint32_t value)
{
    __asm volatile("cpsid i\n\t"
                   ".rept 1000\n\tadd %0, %0, #1\n\t.endr\n\t"
                   "cpsie i"
                   : "+r"(value));
    return value;
}

/* Masked by BASEPRI for 300. */
static IN_ITCM(update_meter) uint32_t update_meter(uint32_t value)
{
    __asm volatile("msr basepri, %1\n\t"
                   ".rept 300\n\tadd %0, %0, #1\n\t.endr\n\t"
                   "msr basepri, %2"
                   : "+r"(value)
                   : "r"(0x80), "r"(0));
    return value;
}

/* Behind those of the core, which startup.c has. */
__attribute__((section(".isr_vector.interrupts"), used)) void *const interrupts[TIM2 + 1] = {
    [TIM2] = (void *)TIM2_IRQHandler,
};

IN_ITCM(work) static int work(void)
{
    uint32_t value = 0;
    for (int tap = 0; tap < TAPS; tap++)
        taps[tap] = tap;
    REGISTER(0xE000E400u + TIM2 / 4 * 4) = 0x80808080u;
    NVIC_ISER0 = 1u << TIM2;
    while (samples < SAMPLES) {
        for (volatile int idle = 0; idle < 100; idle++)
            ;
        value = update_settings(value);
        value = update_meter(value);
    }
    return value == 0;
}

int main(void) { return work(); }
