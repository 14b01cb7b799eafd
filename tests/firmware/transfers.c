/* What board.c does by DMA and by interrupts: a copy in memory whose end interrupts, a text for the serial port, and a
 * timer that interrupts. Caches are kept right as on silicon: cleaned in front of a transfer, invalidated behind. */
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))
#define VTOR REG(0xE000ED08)
#define DCIMVAC REG(0xE000EF5C)
#define DCCMVAC REG(0xE000EF68)
enum { WORDS = 256, LINE = 32, VECTORS = 16 + 96 };

void Error_Handler(void);
uint32_t tick_now(void);

static uint32_t source[WORDS] __attribute__((aligned(LINE))), copy[WORDS] __attribute__((aligned(LINE)));
static char text[LINE] __attribute__((aligned(LINE)));
static const char message[] = "1024 bytes by DMA\n";
static uint32_t vectors[VECTORS] __attribute__((aligned(512)));
static volatile uint32_t copied, sent, updates;

static void for_each_line(volatile uint32_t *operation, const void *first, uint32_t bytes)
{
    __asm__ volatile("dsb" : : : "memory");
    for (uint32_t line = (uint32_t)first; line < (uint32_t)first + bytes; line += LINE)
        *operation = line;
    __asm__ volatile("dsb\n\tisb" : : : "memory");
}

static void clean(const void *first, uint32_t bytes) { for_each_line(&DCCMVAC, first, bytes); }
static void invalidate(const void *first, uint32_t bytes) { for_each_line(&DCIMVAC, first, bytes); }

static void enable(uint32_t interrupt, void (*handler)(void))
{
    vectors[16 + interrupt] = (uint32_t)handler;
    REG(0xE000E100 + interrupt / 32 * 4) = 1u << interrupt % 32;
}

/* Up to 100 ticks. */
static void wait_for_count(const volatile uint32_t *count, uint32_t least)
{
    uint32_t began = tick_now();
    while (*count < least)
        if (tick_now() - began > 100)
            Error_Handler();
}

#if defined(BOARD_RT)
#define EDMA 0x400E8000
#define MUX 0x400EC000
#define UART 0x40184000

static void on_transfer(void)
{
    copied += REG(EDMA + 0x24) & 1;
    sent += REG(EDMA + 0x24) >> 1 & 1;
    REG(EDMA + 0x24) = 3;
}

/* Of so many loops of some bytes; one that is asked for is not asked for behind its end. */
static void describe(uint32_t channel, const void *from, uint32_t to, uint32_t sizes, uint32_t bytes, uint32_t loops)
{
    uint32_t step = sizes ? 4 : 1, tcd = EDMA + 0x1000 + 0x20 * channel;
    REG(tcd) = (uint32_t)from;
    REG(tcd + 0x04) = step | sizes << 16;
    REG(tcd + 0x08) = bytes;
    REG(tcd + 0x0C) = 0;
    REG(tcd + 0x10) = to;
    REG(tcd + 0x14) = (sizes ? step : 0) | loops << 16;
    REG(tcd + 0x18) = 0;
    REG(tcd + 0x1C) = 1u << 1 | 1u << 3 | loops << 16;       /* INTMAJOR, DREQ */
}

static void set_up(void)
{
    enable(0, on_transfer);
    enable(1, on_transfer);
}

static void start_copy(void)
{
    describe(0, source, (uint32_t)copy, 0x0202, sizeof copy, 1);
    *(volatile uint8_t *)(EDMA + 0x1D) = 0;                  /* SSRT */
}

static void start_text(uint32_t bytes)
{
    REG(UART + 0x10) |= 1u << 23;                            /* TDMAE */
    REG(MUX + 4) = 1u << 31 | 2;                             /* LPUART1 transmit */
    describe(1, text, UART + 0x1C, 0, 1, bytes);
    *(volatile uint8_t *)(EDMA + 0x1B) = 1;                  /* SERQ */
}

static void wait_for_timer(void) {}
#else
enum { EN = 1, TCIE = 1 << 4, MINC = 1 << 10, PINC = 1 << 9, TO_PERIPHERAL = 1 << 6, IN_MEMORY = 2 << 6 };
enum { WORDS_BOTH = 2 << 11 | 2 << 13, TCIF_FIRST = 1 << 5 };
#if defined(BOARD_F7)
#define DMA 0x40026400
#define UART 0x40011000
#define BAUD 938                                             /* 115200 of 108 MHz */
enum { COPY_INTERRUPT = 56, TEXT_STREAM = 7, TEXT_INTERRUPT = 70, TEXT_CHANNEL = 4u << 25, TCIF_TEXT = 1 << 27 };
#define TEXT_FLAGS 0x04
#else
#define DMA 0x40020000
#define UART 0x40004800
#define BAUD 1042                                            /* 115200 of 120 MHz */
enum { COPY_INTERRUPT = 11, TEXT_STREAM = 1, TEXT_INTERRUPT = 12, TEXT_CHANNEL = 0, TCIF_TEXT = 1 << 11 };
#define TEXT_FLAGS 0x00
#endif
#define STREAM(n) (DMA + 0x10 + 0x18 * (n))
#define TIM6 0x40001000

static void on_copy(void)
{
    copied += (REG(DMA) & TCIF_FIRST) != 0;
    REG(DMA + 8) = 0x3D;
}

static void on_text(void)
{
    sent += (REG(DMA + TEXT_FLAGS) & TCIF_TEXT) != 0;
    REG(DMA + 8 + TEXT_FLAGS) = TCIF_TEXT | TCIF_TEXT >> 1;
}

static void on_timer(void)
{
    REG(TIM6 + 0x10) = 0;
    if (++updates == 3)
        REG(TIM6) = 0;
}

static void set_up(void)
{
    enable(COPY_INTERRUPT, on_copy);
    enable(TEXT_INTERRUPT, on_text);
    enable(54, on_timer);
}

static void start_copy(void)
{
    REG(STREAM(0) + 4) = WORDS;
    REG(STREAM(0) + 8) = (uint32_t)source;
    REG(STREAM(0) + 0xC) = (uint32_t)copy;
    REG(STREAM(0) + 0x14) = 0x27;
    REG(STREAM(0)) = IN_MEMORY | PINC | MINC | WORDS_BOTH | TCIE;
    REG(STREAM(0)) |= EN;
}

static void start_text(uint32_t bytes)
{
#if defined(BOARD_H7)
    REG(0x40020800 + 4 * TEXT_STREAM) = 46;                  /* DMAMUX: USART3 transmit */
#endif
    REG(UART) &= ~1u;
    REG(UART + 0xC) = BAUD;
    REG(UART) |= 1;
    REG(STREAM(TEXT_STREAM) + 4) = bytes;
    REG(STREAM(TEXT_STREAM) + 8) = UART + 0x28;
    REG(STREAM(TEXT_STREAM) + 0xC) = (uint32_t)text;
    REG(STREAM(TEXT_STREAM)) = TEXT_CHANNEL | TO_PERIPHERAL | MINC | TCIE;
    REG(STREAM(TEXT_STREAM)) |= EN;
    REG(UART + 8) |= 1u << 7;                                /* DMAT */
}

static void wait_for_timer(void)
{
    REG(TIM6 + 0x2C) = 9999;
    REG(TIM6 + 0xC) = 1;
    REG(TIM6) = 1;
    wait_for_count(&updates, 3);
}
#endif

void transfers(void)
{
    for (uint32_t i = 0; i < 16; i++)
        vectors[i] = ((const uint32_t *)VTOR)[i];
    set_up();
    VTOR = (uint32_t)vectors;
    for (uint32_t i = 0; i < WORDS; i++)
        source[i] = i * 0x01010101u;
    clean(source, sizeof source);
    invalidate(copy, sizeof copy);
    start_copy();
    wait_for_count(&copied, 1);
    invalidate(copy, sizeof copy);
    for (uint32_t i = 0; i < WORDS; i++)
        if (copy[i] != i * 0x01010101u)
            Error_Handler();
    for (uint32_t i = 0; i < sizeof message - 1; i++)
        text[i] = message[i];
    clean(text, sizeof text);
    start_text(sizeof message - 1);
    wait_for_count(&sent, 1);
    wait_for_timer();
}
