/* Firmware that lives on interrupts: SysTick counts ticks, every other tick pends PendSV, and the main
 * program waits for both by polling, as a HAL's delay does. Exits 0 when all counts are as expected. */
#include <stdint.h>

#include "semihost.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define SYST_CSR REGISTER(0xE000E010u)
#define SYST_RVR REGISTER(0xE000E014u)
#define SYST_CVR REGISTER(0xE000E018u)
#define ICSR REGISTER(0xE000ED04u)
#define DEMCR REGISTER(0xE000EDFCu)
#define DWT_CTRL REGISTER(0xE0001000u)
#define DWT_CYCCNT REGISTER(0xE0001004u)

enum { PERIOD = 10000, TICKS = 20, PENDSVSET = 1 << 28 };   /* cycles, interrupts */

static volatile uint32_t ticks, switches, first_tick, last_tick;

void SysTick_Handler(void)
{
    last_tick = DWT_CYCCNT;
    if (ticks++ == 0)
        first_tick = last_tick;
    if (ticks % 2 == 0)
        ICSR = PENDSVSET;
}

void PendSV_Handler(void) { switches++; }

int main(void)
{
    DEMCR |= 1u << 24;
    DWT_CYCCNT = 0;
    DWT_CTRL |= 1;
    SYST_RVR = PERIOD - 1;
    SYST_CVR = 0;
    SYST_CSR = 7;                       /* enabled, interrupt, core clock */
    while (ticks < TICKS)
        ;
    __asm volatile("cpsid i" ::: "memory");
    uint32_t masked = ticks;
    for (volatile uint32_t i = 0; i < 2 * PERIOD; i++)
        ;
    if (ticks != masked)
        return 1;                       /* an interrupt came while masked */
    __asm volatile("cpsie i" ::: "memory");
    while (ticks == masked)
        ;
    SYST_CSR = 0;
    uint32_t period = (last_tick - first_tick) / (ticks - 1);
    if (ticks != TICKS + 1 || switches != TICKS / 2)
        return 2;
    return period < PERIOD || period > PERIOD + 8 * PERIOD;   /* the masked stretch is in the last one */
}
