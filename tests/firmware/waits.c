/* Loops that wait for a register, in the shapes that drivers have them. Each function returns 0 when it went on as a
 * ready register lets it, else an error; main returns the number of the first that failed. Compiled at every level of
 * optimisation by tests/integration/test_registers.py; addresses are reserved ones of an STM32F746. */
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define OUT_OF_LINE __attribute__((noinline))
#define FOREVER 0xFFFFFFFFu

struct port {
    volatile uint32_t status, data, rate, control;
};
struct handle {
    struct port *port;
    volatile uint32_t state;
};

static volatile uint32_t tick;
static volatile uint32_t from_handler, last_error;

void SysTick_Handler(void) { tick++; }

OUT_OF_LINE static uint32_t get_tick(void) { return tick; }

/* A ready flag, with a timeout by the tick. */
OUT_OF_LINE static int bit_set(void)
{
    REGISTER(0x40023800) |= 1u << 16;
    uint32_t start = get_tick();
    while ((REGISTER(0x40023800) & 1u << 17) == 0)
        if (get_tick() - start > 100)
            return 1;
    return (REGISTER(0x40023800) & 3u << 16) == 3u << 16 ? 0 : 2;
}

/* A field that follows another. */
OUT_OF_LINE static int field_equal(void)
{
    REGISTER(0x40023808) = (REGISTER(0x40023808) & ~7u) | 3;
    uint32_t start = get_tick();
    while ((REGISTER(0x40023808) & 0x38) != 3u << 3)
        if (get_tick() - start > 5000)
            return 1;
    return REGISTER(0x40023808) == 0x1B ? 0 : 2;
}

/* A field at the top, brought down. */
OUT_OF_LINE static int field_shifted(void)
{
    while ((REGISTER(0x40023900) >> 20 & 0x1FF) != 0x155)
        ;
    return REGISTER(0x40023900) == 0x15500000 ? 0 : 2;
}

OUT_OF_LINE static int bit_clear(void)
{
    for (int i = 0; i < 3; i++) {
        REGISTER(0x40023A00) |= 1u << 31;
        while (REGISTER(0x40023A00) & 1u << 31)
            ;
    }
    return 0;
}

OUT_OF_LINE static int two_bits_clear(void)
{
    REGISTER(0x40023A04) = 0x30;
    while (REGISTER(0x40023A04) & 0x30)
        ;
    return 0;
}

OUT_OF_LINE static int two_reads(void)
{
    while (!(REGISTER(0x40023A08) & 1) || !(REGISTER(0x40023A08) & 2))
        ;
    return 0;
}

/* The error that is looked for in between is not what it waits for. */
OUT_OF_LINE static int error_beside(void)
{
    while (!(REGISTER(0x40005418) & 1u << 5))
        if (REGISTER(0x40005418) & 1u << 4)
            return 1;
    return 0;
}

OUT_OF_LINE static void note_error(uint32_t error)
{
    REGISTER(0x40005620) = error;
    last_error = error;
}

/* The same, where more is done about an error than about the end. */
OUT_OF_LINE static int error_that_is_handled(uint32_t flag, uint32_t start, uint32_t timeout)
{
    while (!(REGISTER(0x40005618) & flag)) {
        if (get_tick() - start > timeout || timeout == 0)
            return 3;
        if (REGISTER(0x40005618) & 1u << 3) {
            note_error(8);
            return 1;
        }
        if (REGISTER(0x40005618) & 1u << 11) {
            note_error(32);
            return 3;
        }
    }
    return 0;
}

OUT_OF_LINE static int error_handled(void) { return error_that_is_handled(1u << 21, get_tick(), 1000); }

OUT_OF_LINE static int counted_down(void)
{
    uint32_t left = 0x500;
    while (!(REGISTER(0x40005800) & 4) && --left)
        ;
    return left ? 0 : 1;
}

OUT_OF_LINE static int counter_reached(void)
{
    REGISTER(0x40000024) = 0;
    while (REGISTER(0x40000024) < 1000)
        ;
    return 0;
}

OUT_OF_LINE static int counter_went_on(void)
{
    for (int i = 0; i < 3; i++) {
        uint32_t start = REGISTER(0x40000424);
        while (REGISTER(0x40000424) - start < 1000)
            ;
    }
    return 0;
}

OUT_OF_LINE static int a_byte(void)
{
    while (*(volatile uint8_t *)0x40021302 != 0x5A)
        ;
    return REGISTER(0x40021300) == 0x5A0000 ? 0 : 2;
}

OUT_OF_LINE static int with_delays(void)
{
    while (!(REGISTER(0x40021400) & 0x100))
        for (volatile int i = 0; i < 50; i++)
            ;
    return 0;
}

OUT_OF_LINE static int is_ready(uint32_t bit) { return (REGISTER(0x40021500) & bit) != 0; }

OUT_OF_LINE static int asked_of_a_function(void)
{
    while (!is_ready(1u << 3))
        ;
    return 0;
}

/* As a HAL waits for any flag of any port, and looks at what it wrote to another register. */
OUT_OF_LINE static int any_flag(struct handle *h, uint32_t flag, uint32_t status, uint32_t start, uint32_t timeout)
{
    while (((h->port->status & flag) == flag ? 1u : 0u) == status) {
        if (timeout != FOREVER && (timeout == 0 || get_tick() - start > timeout))
            return 3;
        if ((h->port->control & 4) && flag != 0x80 && flag != 0x40)
            if (h->port->status & 8)
                return 4;
    }
    return 0;
}

OUT_OF_LINE static int flags_of_a_handle(void)
{
    static struct handle h = {(struct port *)0x40014000, 0};
    if (any_flag(&h, 0x80, 0, get_tick(), 100))
        return 1;
    h.port->control = 4;
    if (any_flag(&h, 0x40, 0, get_tick(), FOREVER))
        return 2;
    return any_flag(&h, 0x40, 1, get_tick(), 100);
}

/* Nothing waits here: what is read decides nothing, or is only counted. */
OUT_OF_LINE static int no_wait(void)
{
    uint32_t sum = 0;
    for (int i = 0; i < 200; i++)
        sum += REGISTER(0x40021600);
    for (int i = 0; i < 200; i++)
        sum += REGISTER(0x40021604) & 1;
    return sum ? 1 : 0;
}

/* A flag that a handler sets ends this one before long; the register is not guessed. */
OUT_OF_LINE static int flag_of_a_handler(void)
{
    from_handler = 0;
    while (!from_handler && !(REGISTER(0x40021700) & 0x100))
        if (tick > 2)
            return 0;
    return 1;
}

static int (*const waits[])(void) = {
    bit_set,      field_equal,     field_shifted,   bit_clear, two_bits_clear, two_reads,           error_beside,
    counted_down, counter_reached, counter_went_on, a_byte,    with_delays,    asked_of_a_function, flags_of_a_handle,
    no_wait,      flag_of_a_handler, error_handled,
};

int main(void)
{
    REGISTER(0xE000E014) = 215999;
    REGISTER(0xE000E018) = 0;
    REGISTER(0xE000E010) = 7;
    for (unsigned i = 0; i < sizeof waits / sizeof *waits; i++)
        if (waits[i]())
            return (int)i + 1;
    return 0;
}
