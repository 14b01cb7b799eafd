/* Firmware that talks over a serial port at 115,200 baud with the clocks out of reset: it sends the first line back by
 * polling, then sleeps and is woken by each byte; lines come back with their length. "quit" ends it with the bytes
 * in all and the cycles of a byte. BOARD_F7, BOARD_H7 or BOARD_RT says for which part. */
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))
#define DEMCR REG(0xE000EDFC)
#define DWT_CTRL REG(0xE0001000)
#define DWT_CYCCNT REG(0xE0001004)
#define VTOR REG(0xE000ED08)

enum { LINE_MAX = 80, BAUD = 115200 };

void *vectors[64] __attribute__((aligned(256)));
volatile char line[LINE_MAX];
volatile uint32_t length, lines, bytes, first_at, last_at;

static void received(char c)
{
    bytes++;
    last_at = DWT_CYCCNT;
    if (!first_at)
        first_at = last_at;
    if (length < LINE_MAX)
        line[length++] = c;
    lines += c == '\n';
}

#if defined(BOARD_RT)
#define UART 0x40184000
enum { STAT = 0x14, CTRL = 0x18, DATA = 0x1C, FIFO = 0x28, WATER = 0x2C, NUMBER = 20 };
enum { RE = 1 << 18, TE = 1 << 19, ILIE = 1 << 20, RIE = 1 << 21, RDRF = 1 << 21, IDLE = 1 << 20, TDRE = 1 << 23 };

static uint32_t waiting(void) { return REG(UART + WATER) >> 24 & 7; }

static void set_up(void)
{
    REG(UART + 0x10) = 15u << 24 | 80000000 / 16 / BAUD;     /* BAUD: 16 samples a bit of a clock of 80 MHz */
    REG(UART + FIFO) |= 1 << 3;
    REG(UART + WATER) = 1 << 16;                             /* RDRF from two bytes on; the last one comes with IDLE */
    REG(UART + CTRL) = RE | TE;
}

static void interrupt_on(void) { REG(UART + CTRL) |= RIE | ILIE; }
static void interrupt_off(void) { REG(UART + CTRL) &= ~(uint32_t)(RIE | ILIE); }

static char get(void)
{
    while (!waiting())
        ;
    return (char)REG(UART + DATA);
}

static void put(char c)
{
    while (!(REG(UART + STAT) & TDRE))
        ;
    REG(UART + DATA) = (uint8_t)c;
}

void UART_IRQHandler(void)
{
    while (waiting())
        received((char)REG(UART + DATA));
    REG(UART + STAT) = IDLE;
}
#else
#if defined(BOARD_F7)
#define UART 0x40011000
enum { NUMBER = 37, CLOCK = 16000000 };
#else
#define UART 0x40004800
enum { NUMBER = 39, CLOCK = 64000000 };
#endif
enum { CR1 = 0, BRR = 0xC, ISR = 0x1C, RDR = 0x24, TDR = 0x28, UE = 1, RE = 1 << 2, TE = 1 << 3, RXNE = 1 << 5, TXE = 1 << 7 };

static void set_up(void)
{
    REG(UART + BRR) = CLOCK / BAUD;
    REG(UART + CR1) = UE | RE | TE;
}

static void interrupt_on(void) { REG(UART + CR1) |= RXNE; }
static void interrupt_off(void) { REG(UART + CR1) &= ~(uint32_t)RXNE; }

static char get(void)
{
    while (!(REG(UART + ISR) & RXNE))
        ;
    return (char)REG(UART + RDR);
}

static void put(char c)
{
    while (!(REG(UART + ISR) & TXE))
        ;
    REG(UART + TDR) = (uint8_t)c;
}

void UART_IRQHandler(void)
{
    if (REG(UART + ISR) & RXNE)
        received((char)REG(UART + RDR));
}
#endif

static void say(const char *text)
{
    while (*text)
        put(*text++);
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

static void answer(void)
{
    say_number(length);
    put(' ');
    for (uint32_t i = 0; i < length; i++)
        put(line[i]);
}

int main(void)
{
    DEMCR |= 1u << 24;
    DWT_CTRL |= 1;
    set_up();
    say("> ");
    char c;
    do {
        c = get();
        put(c);
    } while (c != '\n');
    for (uint32_t i = 0; i < 16; i++)
        vectors[i] = ((void **)VTOR)[i];
    vectors[16 + NUMBER] = (void *)UART_IRQHandler;
    VTOR = (uint32_t)vectors;
    interrupt_on();
    REG(0xE000E100 + NUMBER / 32 * 4) = 1u << NUMBER % 32;
    for (;;) {
        __asm volatile("cpsid i");
        while (!lines) {
            __asm volatile("wfi");
            __asm volatile("cpsie i\n isb\n cpsid i");
        }
        lines = 0;
        answer();
        if (length == 5 && line[0] == 'q')
            break;
        length = 0;
        __asm volatile("cpsie i");
    }
    interrupt_off();
    say_number(bytes);
    say(" bytes, ");
    say_number((last_at - first_at) / (bytes - 1));
    say(" cycles each\n");
    for (;;) {
    }
}
