/* program.c: a program of two files for scripts/validate builds. It prints what it computed and how
 * many bytes of stack it used, found by painting the stack. */
#include "parts.h"
#include "semihost.h"

enum { PAINTED_WORDS = 512 };
static const uint32_t PAINT = 0xA5A5A5A5u;
extern uint32_t __stack_top[];
static volatile uint32_t noise = 3;

/* Never called: --gc-sections discards it, and its debug information stays behind at address 0. It
 * has the code of hot(), so that neither its size nor its end tells the two apart. */
KEPT uint32_t gone(uint32_t value)
{
    for (uint32_t turn = 0; turn < 4; turn++) {
        value = turned(value, 5) +
                turn;
        if (value & 1)
            value ^= 0x55u;
    }
    return value;
}

/* Paints below the stack pointer; not inlined, so that no frame of it is in use afterwards. */
KEPT static void paint(void)
{
    register uint32_t *low = __stack_top - PAINTED_WORDS;
    uint32_t *end = (uint32_t *)__builtin_frame_address(0) - 16;
    while (low < end)
        *(volatile uint32_t *)low++ = PAINT;
}

KEPT static uint32_t used_bytes(void)
{
    const volatile uint32_t *low = __stack_top - PAINTED_WORDS;
    while (*low == PAINT)
        low++;
    return (uint32_t)((const volatile char *)__stack_top - (const volatile char *)low);
}

int main(void)
{
    uint32_t values[8], sum = 0;
    paint();
    for (uint32_t index = 0; index < 8; index++)
        values[index] = index * noise;
    for (uint32_t round = 0; round < 5; round++)
        sum += mixed(values, 8 - round);
    sum += deep(5);
    const uint32_t used = used_bytes();
    semihost_write("sum ");
    semihost_write_number(sum);
    semihost_write(" stack ");
    semihost_write_number(used);
    semihost_write("\n");
    return 0;
}
