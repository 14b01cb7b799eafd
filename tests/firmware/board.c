/* Firmware as it is made for a board: clocks from a crystal and a PLL, each waited for with a time-out on a tick, text on
 * a serial port, transfers (transfers.c), work in an endless loop. BOARD_F7, BOARD_H7 or BOARD_RT says for which part. */
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))
#define SYST_CSR REG(0xE000E010)
#define SYST_RVR REG(0xE000E014)
#define SYST_CVR REG(0xE000E018)

volatile uint32_t ticks;
uint32_t SystemCoreClock;
float samples[256], filtered[256];

void transfers(void);

void Error_Handler(void)
{
    for (;;) {
    }
}

void SysTick_Handler(void) { ticks++; }

uint32_t tick_now(void) { return ticks; }

static void tick_every_ms(uint32_t clock_hz)
{
    SystemCoreClock = clock_hz;
    SYST_RVR = clock_hz / 1000 - 1;
    SYST_CVR = 0;
    SYST_CSR = 7;
}

/* Waits up to 100 ticks for these bits of a register to read so. */
static void wait_for(volatile uint32_t *reg, uint32_t mask, uint32_t value)
{
    uint32_t began = tick_now();
    while ((*reg & mask) != value)
        if (tick_now() - began > 100)
            Error_Handler();
}

#if defined(BOARD_F7)
#define RCC 0x40023800
#define PWR 0x40007000
#define PORT 0x40020000
#define UART 0x40011000

void clock_set_up(void)
{
    REG(RCC + 0x40) |= 1u << 28;                             /* power interface */
    REG(PWR) |= 3u << 14;
    REG(RCC) |= 1u << 16;                                    /* crystal of 25 MHz */
    wait_for(&REG(RCC), 1u << 17, 1u << 17);
    REG(RCC) &= ~(1u << 24);
    wait_for(&REG(RCC), 1u << 25, 0);
    REG(RCC + 4) = 25 | 432 << 6 | 0 << 16 | 1u << 22 | 9u << 24;    /* 25 / 25 * 432 / 2 */
    REG(RCC) |= 1u << 24;
    wait_for(&REG(RCC), 1u << 25, 1u << 25);
    REG(PWR) |= 1u << 16;                                    /* over-drive */
    wait_for(&REG(PWR + 4), 1u << 16, 1u << 16);
    REG(PWR) |= 1u << 17;
    wait_for(&REG(PWR + 4), 1u << 17, 1u << 17);
    REG(0x40023C00) = 7 | 3u << 8;                           /* seven wait states, ART and prefetch */
    REG(RCC + 8) = (REG(RCC + 8) & ~3u) | 2 | 5u << 10 | 4u << 13;
    wait_for(&REG(RCC + 8), 3u << 2, 2u << 2);
    tick_every_ms(216000000);
}

static void uart_set_up(void)
{
    REG(RCC + 0x44) |= 1u << 4;
    REG(UART) = 0xD;                                         /* UE, TE, RE */
    wait_for(&REG(UART + 0x1C), 3u << 21, 3u << 21);
}

static void uart_put(char c)
{
    wait_for(&REG(UART + 0x1C), 1u << 7, 1u << 7);
    REG(UART + 0x28) = (uint8_t)c;
}
enum { HERTZ_OUT_OF_RESET = 16000000 };
#elif defined(BOARD_H7)
#define RCC 0x58024400
#define PWR 0x58024800
#define PORT 0x58020000
#define UART 0x40004800

void clock_set_up(void)
{
    REG(PWR + 0xC) &= ~4u;                                   /* supply by the LDO */
    wait_for(&REG(PWR + 4), 1u << 13, 1u << 13);
    REG(PWR + 0x18) = 3u << 14;
    wait_for(&REG(PWR + 0x18), 1u << 13, 1u << 13);
    REG(0x5800042C) |= 1;                                    /* over-drive: scale 0 */
    REG(RCC) |= 1u << 16;                                    /* crystal of 8 MHz */
    wait_for(&REG(RCC), 1u << 17, 1u << 17);
    REG(RCC + 0x28) = 2 | 1u << 4;
    REG(RCC + 0x30) = 119 | 1u << 9 | 3u << 16 | 1u << 24;   /* 8 * 120 / 2 */
    REG(RCC) |= 1u << 24;
    wait_for(&REG(RCC), 1u << 25, 1u << 25);
    REG(RCC + 0x18) = 8 | 4u << 4;
    REG(0x52002000) = 4 | 2u << 4;
    REG(RCC + 0x10) = (REG(RCC + 0x10) & ~7u) | 3;
    wait_for(&REG(RCC + 0x10), 7u << 3, 3u << 3);
    tick_every_ms(480000000);
}

static void uart_set_up(void)
{
    REG(RCC + 0xE8) |= 1u << 18;
    REG(UART) = 0xD;
    wait_for(&REG(UART + 0x1C), 3u << 21, 3u << 21);
}

static void uart_put(char c)
{
    wait_for(&REG(UART + 0x1C), 1u << 7, 1u << 7);
    REG(UART + 0x28) = (uint8_t)c;
}
enum { HERTZ_OUT_OF_RESET = 64000000 };
#else
#define CCM 0x400FC000
#define ANALOG 0x400D8000
#define UART 0x40184000

void clock_set_up(void)
{
    REG(CCM + 0x18) = (REG(CCM + 0x18) & ~(3u << 12)) | 1u << 12;    /* periph_clk2: the crystal */
    wait_for(&REG(CCM + 0x48), 1u << 5 | 1u << 3, 0);
    REG(CCM + 0x14) |= 1u << 25;
    wait_for(&REG(CCM + 0x48), 1u << 5, 0);
    REG(ANALOG) = 1u << 16 | 1u << 13 | 100;                 /* PLL 1: 24 MHz * 100 / 2, bypassed until it is locked */
    wait_for(&REG(ANALOG), 1u << 31, 1u << 31);
    REG(ANALOG + 8) = 1u << 16;
    REG(CCM + 0x10) = 1;                                     /* / 2 */
    wait_for(&REG(CCM + 0x48), 1u << 16, 0);
    REG(CCM + 0x18) |= 3u << 18;
    REG(CCM + 0x14) &= ~(1u << 25 | 7u << 10);
    wait_for(&REG(CCM + 0x48), 1u << 5, 0);
    tick_every_ms(600000000);
    SYST_CSR = 7;
}

static void uart_set_up(void) { REG(UART + 0x18) = 3u << 18; }

static void uart_put(char c)
{
    wait_for(&REG(UART + 0x14), 1u << 23, 1u << 23);
    REG(UART + 0x1C) = (uint8_t)c;
}
enum { HERTZ_OUT_OF_RESET = 396000000 };                     /* as the boot ROM leaves it */
#endif

static void say(const char *text)
{
    while (*text)
        uart_put(*text++);
}

static void say_number(uint32_t n)
{
    char digits[11], *at = digits + sizeof digits;
    *--at = 0;
    do
        *--at = (char)('0' + n % 10);
    while (n /= 10);
    say(at);
}

__attribute__((noinline)) void work(void)
{
    float state = 0.0f;
    for (uint32_t i = 0; i < sizeof samples / sizeof *samples; i++)
        filtered[i] = state += 0.125f * (samples[i] - state);
}

int main(void)
{
    tick_every_ms(HERTZ_OUT_OF_RESET);
    clock_set_up();
    uart_set_up();
    say("core clock ");
    say_number(SystemCoreClock);
    say("\n");
    transfers();
#ifdef PORT
    REG(PORT + 0x18) = 1u << 5;
    if (REG(PORT + 0x14) != 1u << 5 || REG(PORT + 0x10) != 1u << 5)
        Error_Handler();
    REG(PORT + 0x18) = 1u << 21;
    if (REG(PORT + 0x14))
        Error_Handler();
#endif
    for (;;)
        work();
}
