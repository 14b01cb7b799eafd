/* Firmware as a generator of start-up code for STM32F7 or STM32H7 (-DH7) makes it: power scale, oscillator, PLL, clock
 * switch, a UART that says hello, each wait with a timeout by the tick. Registers: RM0385, RM0433. */
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define SYST_CSR REGISTER(0xE000E010u)
#define SYST_RVR REGISTER(0xE000E014u)
#define SYST_CVR REGISTER(0xE000E018u)

enum { TURNS = 100 };   /* of the main loop, which ends so that tests can run every program to its end */
enum status { OK, ERROR, BUSY, TIMEOUT };
enum { HSE_TIMEOUT = 100, PLL_TIMEOUT = 2, SWITCH_TIMEOUT = 5000, POWER_TIMEOUT = 1000 };   /* ticks */
enum { CR_HSEON = 1 << 16, CR_HSERDY = 1 << 17, CR_PLLON = 1 << 24, CR_PLLRDY = 1 << 25 };

#ifdef H7
#define FLASH_ACR REGISTER(0x52002000u)
#define RCC_CR REGISTER(0x58024400u)
#define RCC_CFGR REGISTER(0x58024410u)
#define PWR_CR3 REGISTER(0x5802480Cu)
#define PWR_CSR1 REGISTER(0x58024804u)
#define PWR_D3CR REGISTER(0x58024818u)
enum { CFGR_SW_PLL = 3, CFGR_SWS = 7 << 3, CFGR_SWS_PLL = 3 << 3, CLOCK_HZ = 64000000 };
enum { CSR1_ACTVOSRDY = 1 << 13, D3CR_VOSRDY = 1 << 13, D3CR_VOS = 3 << 14 };
#else
#define FLASH_ACR REGISTER(0x40023C00u)
#define RCC_CR REGISTER(0x40023800u)
#define RCC_CFGR REGISTER(0x40023808u)
#define RCC_APB1ENR REGISTER(0x40023840u)
#define PWR_CR1 REGISTER(0x40007000u)
#define PWR_CSR1 REGISTER(0x40007004u)
enum { CFGR_SW_PLL = 2, CFGR_SWS = 3 << 2, CFGR_SWS_PLL = 2 << 2, CLOCK_HZ = 16000000 };
enum { CR1_VOS = 3 << 14, CR1_ODEN = 1 << 16, CR1_ODSWEN = 1 << 17 };
enum { CSR1_VOSRDY = 1 << 14, CSR1_ODRDY = 1 << 16, CSR1_ODSWRDY = 1 << 17 };
#endif

struct usart {
    volatile uint32_t cr1, cr2, cr3, brr, gtpr, rtor, rqr, isr, icr, rdr, tdr;
};
#define USART1 ((struct usart *)0x40011000u)
enum { CR1_UE = 1, CR1_TE = 1 << 3, ISR_TC = 1 << 6, ISR_TXE = 1 << 7, ISR_TEACK = 1 << 21 };

static volatile uint32_t tick;
volatile uint32_t application_runs;

void SysTick_Handler(void) { tick++; }

__attribute__((noinline)) uint32_t get_tick(void) { return tick; }

static enum status wait_for(volatile uint32_t *reg, uint32_t mask, uint32_t wanted, uint32_t timeout)
{
    uint32_t start = get_tick();
    while ((*reg & mask) != wanted)
        if (get_tick() - start > timeout)
            return TIMEOUT;
    return OK;
}

#ifdef H7
static enum status set_power(void)
{
    PWR_CR3 = (PWR_CR3 & ~7u) | 2;   /* LDO */
    uint32_t start = get_tick();
    while (!(PWR_CSR1 & CSR1_ACTVOSRDY))
        if (get_tick() - start > POWER_TIMEOUT)
            return ERROR;
    PWR_D3CR |= D3CR_VOS;
    while (!(PWR_D3CR & D3CR_VOSRDY))
        ;
    return OK;
}
#else
static enum status set_power(void)
{
    RCC_APB1ENR |= 1u << 28;
    (void)RCC_APB1ENR;
    PWR_CR1 |= CR1_VOS;
    return OK;
}

static enum status set_over_drive(void)
{
    PWR_CR1 |= CR1_ODEN;
    if (wait_for(&PWR_CSR1, CSR1_ODRDY, CSR1_ODRDY, POWER_TIMEOUT))
        return TIMEOUT;
    PWR_CR1 |= CR1_ODSWEN;
    if (wait_for(&PWR_CSR1, CSR1_ODSWRDY, CSR1_ODSWRDY, POWER_TIMEOUT))
        return TIMEOUT;
    return wait_for(&PWR_CSR1, CSR1_VOSRDY, CSR1_VOSRDY, POWER_TIMEOUT);
}
#endif

static enum status set_oscillators(void)
{
    RCC_CR |= CR_HSEON;
    uint32_t start = get_tick();
    while ((RCC_CR & CR_HSERDY) == 0)
        if (get_tick() - start > HSE_TIMEOUT)
            return TIMEOUT;
    RCC_CR &= ~(uint32_t)CR_PLLON;
    if (wait_for(&RCC_CR, CR_PLLRDY, 0, PLL_TIMEOUT))
        return TIMEOUT;
    RCC_CR |= CR_PLLON;
    return wait_for(&RCC_CR, CR_PLLRDY, CR_PLLRDY, PLL_TIMEOUT);
}

static enum status set_clock(void)
{
    FLASH_ACR = (FLASH_ACR & ~15u) | 7;
    if ((FLASH_ACR & 15) != 7)
        return ERROR;
    if (!(RCC_CR & CR_PLLRDY))
        return ERROR;
    RCC_CFGR = (RCC_CFGR & ~3u) | CFGR_SW_PLL;
    uint32_t start = get_tick();
    while ((RCC_CFGR & CFGR_SWS) != CFGR_SWS_PLL)
        if (get_tick() - start > SWITCH_TIMEOUT)
            return TIMEOUT;
    return OK;
}

static enum status say(const char *text)
{
    USART1->cr1 = CR1_TE;
    USART1->cr1 |= CR1_UE;
    if (wait_for(&USART1->isr, ISR_TEACK, ISR_TEACK, 1000))
        return TIMEOUT;
    for (; *text; text++) {
        if (wait_for(&USART1->isr, ISR_TXE, ISR_TXE, 1000))
            return TIMEOUT;
        USART1->tdr = (uint8_t)*text;
    }
    return wait_for(&USART1->isr, ISR_TC, ISR_TC, 1000);
}

_Noreturn void Error_Handler(void)
{
    for (;;)
        ;
}

__attribute__((noinline)) void application(void) { application_runs++; }

int main(void)
{
    SYST_RVR = CLOCK_HZ / 1000 - 1;
    SYST_CVR = 0;
    SYST_CSR = 7;
    if (set_power() || set_oscillators())
        Error_Handler();
#ifndef H7
    if (set_over_drive())
        Error_Handler();
#endif
    if (set_clock() || say("hello\r\n"))
        Error_Handler();
    while (application_runs < TURNS)
        application();
    return 0;
}
