/* A duty cycle: a little work, then WFI until SysTick, ten times over; WFE once. Then the interrupt is
 * masked: WFI still wakes, the handler runs when the mask falls. Exits 0 when all counts are right.
 * With "forever" on the command line it switches SysTick off at the end and sleeps for good. */
#include <stdint.h>

#include "semihost.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define SYST_CSR REGISTER(0xE000E010u)
#define SYST_RVR REGISTER(0xE000E014u)
#define SYST_CVR REGISTER(0xE000E018u)

enum { PERIOD = 100000, ROUNDS = 10 }; /* cycles, ticks */

static volatile uint32_t ticks, sum;

void SysTick_Handler(void)
{
    ticks++;
}

static void work(void)
{
    for (uint32_t i = 0; i < 100; i++)
        sum += i;
}

int main(void)
{
    SYST_RVR = PERIOD - 1;
    SYST_CVR = 0;
    SYST_CSR = 7; /* enabled, interrupt, core clock */
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        work();
        __asm__ volatile("wfi" ::: "memory");
        if (ticks != round)
            return 1;
    }
    __asm__ volatile("wfe" ::: "memory");
    __asm__ volatile("cpsid i" ::: "memory");
    const uint32_t before = ticks;
    __asm__ volatile("wfi" ::: "memory");
    if (ticks != before)
        return 2;
    __asm__ volatile("cpsie i\n\tisb" ::: "memory");
    while (ticks == before)
        ;
    SYST_CSR = 0;
    if (semihost_flag("forever"))
        __asm__ volatile("wfi");
    return 0;
}
