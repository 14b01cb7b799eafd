/* Firmware that times itself: DWT.CYCCNT and SysTick around two functions, printed in cycles. */
#include <stdint.h>

#include "semihost.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define SYST_CSR REGISTER(0xE000E010u)
#define SYST_RVR REGISTER(0xE000E014u)
#define SYST_CVR REGISTER(0xE000E018u)
#define DEMCR REGISTER(0xE000EDFCu)
#define DWT_CTRL REGISTER(0xE0001000u)
#define DWT_CYCCNT REGISTER(0xE0001004u)
#define DWT_LAR REGISTER(0xE0001FB0u)

enum { DEMCR_TRCENA = 1 << 24, CYCCNTENA = 1, LAR_KEY = 0xC5ACCE55u };
enum { SYST_ENABLE = 1, SYST_CLKSOURCE = 4, SYST_RELOAD = 0xFFFFFF };

/* noipa: the compiler must not see that a call has no effect and drop or move it. */
#define OUT_OF_LINE __attribute__((noipa))

static uint32_t words[2048];
static volatile uint32_t sink;

/* Arithmetic only. */
OUT_OF_LINE uint32_t timed_arithmetic(uint32_t rounds)
{
    uint32_t value = 1;
    for (uint32_t i = 0; i < rounds; i++) {
        value = value * 1664525u + 1013904223u;
        value ^= value >> 13;
    }
    return value;
}

/* Memory: more than the data cache holds. */
OUT_OF_LINE uint32_t timed_memory(uint32_t stride)
{
    uint32_t sum = 0;
    for (uint32_t start = 0; start < stride; start++)
        for (uint32_t i = start; i < sizeof words / sizeof *words; i += stride)
            sum += words[i]++;
    return sum;
}

static uint32_t report(const char *name, uint32_t cycles, uint32_t ticks)
{
    semihost_write(name);
    semihost_write(": ");
    semihost_write_number(cycles);
    semihost_write(" cycles, SysTick ");
    semihost_write_number(ticks);
    semihost_write("\n");
    return cycles > 1000 && ticks > 1000;
}

int main(void)
{
    DEMCR |= DEMCR_TRCENA;
    DWT_LAR = LAR_KEY;
    DWT_CYCCNT = 0;
    DWT_CTRL |= CYCCNTENA;
    SYST_RVR = SYST_RELOAD;
    SYST_CVR = 0;
    SYST_CSR = SYST_ENABLE | SYST_CLKSOURCE;

    uint32_t good = 1;
    uint32_t tick = SYST_CVR, start = DWT_CYCCNT;
    sink = timed_arithmetic(10000);
    uint32_t cycles = DWT_CYCCNT - start, ticks = (tick - SYST_CVR) & SYST_RELOAD;
    good &= report("timed_arithmetic", cycles, ticks);

    tick = SYST_CVR;
    start = DWT_CYCCNT;
    sink = timed_memory(16);
    cycles = DWT_CYCCNT - start;
    ticks = (tick - SYST_CVR) & SYST_RELOAD;
    good &= report("timed_memory", cycles, ticks);
    return good ? 0 : 1;
}
