/* One fault or oddity per run, chosen by a word on the command line; without one the list is printed
 * and the exit code is 2. Those that are no faults end with 0. */
#include <stdint.h>

#include "semihost.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define SCB_CCR REGISTER(0xE000ED14u)
#define SCB_ICIALLU REGISTER(0xE000EF50u)
#define SCB_DCCMVAU REGISTER(0xE000EF64u)
#define OUT_OF_LINE __attribute__((noinline, noclone))

enum { CCR_UNALIGN_TRP = 1 << 3, CCR_DIV_0_TRP = 1 << 4 };

static volatile uint32_t sink, zero;

/* By hand, as the compiler may assume that nobody divides by zero. */
static uint32_t divide(uint32_t a, uint32_t b)
{
    uint32_t quotient;
    __asm__ volatile("udiv %0, %1, %2" : "=r"(quotient) : "r"(a), "r"(b));
    return quotient;
}

static uint32_t words[4];

OUT_OF_LINE int fault_read(void)
{
    sink = REGISTER(0x60000010u);
    return 1;
}

OUT_OF_LINE int fault_write(void)
{
    REGISTER(0x60000010u) = 1;
    return 1;
}

static void jump(uint32_t address)
{
    ((void (*)(void))address)();
}

OUT_OF_LINE int fault_fetch(void)
{
    jump(0x60000011u);
    return 1;
}

/* Erased flash: fetches 0xFFFF words behind the program's end. */
OUT_OF_LINE int fault_nowhere(void)
{
    jump(0x080F0001u);
    return 1;
}

/* Bit 0 clear asks for Arm state, which the core does not have. */
OUT_OF_LINE int fault_arm_state(void)
{
    jump((uint32_t)fault_read & ~1u);
    return 1;
}

/* Code in a peripheral's address range. */
OUT_OF_LINE int fault_execute_never(void)
{
    jump(0x40000001u);
    return 1;
}

OUT_OF_LINE int fault_undefined(void)
{
    __asm__ volatile("udf #0");
    return 1;
}

OUT_OF_LINE int fault_divide(void)
{
    SCB_CCR |= CCR_DIV_0_TRP;
    sink = divide(100, zero);
    return 1;
}

OUT_OF_LINE int fault_unaligned(void)
{
    SCB_CCR |= CCR_UNALIGN_TRP;
    sink = *(volatile uint32_t *)((uint32_t)words + 1 + zero);
    return 1;
}

/* LDRD never takes an address that is no multiple of 4, trap or not. */
OUT_OF_LINE int fault_unaligned_double(void)
{
    uint32_t low, high, address = (uint32_t)words + 2 + zero;
    __asm__ volatile("ldrd %0, %1, [%2]" : "=r"(low), "=r"(high) : "r"(address) : "memory");
    sink = low + high;
    return 1;
}

OUT_OF_LINE int fault_flash_write(void)
{
    REGISTER(0x08000000u + zero) = 1;
    return 1;
}

OUT_OF_LINE uint32_t descend(uint32_t depth)
{
    volatile uint32_t frame[64];
    frame[0] = depth;
    return descend(depth + 1) + frame[0];
}

OUT_OF_LINE int fault_stack(void)
{
    return (int)descend(0);
}

OUT_OF_LINE int fault_endless(void)
{
    for (;;)
        sink++;
}

OUT_OF_LINE int fault_breakpoint(void)
{
    __asm__ volatile("bkpt 0x01");
    return 1;
}

OUT_OF_LINE int fault_supervisor_call(void)
{
    __asm__ volatile("svc #3");
    return 1;
}

/* Nothing will ever wake it. */
OUT_OF_LINE int fault_sleep(void)
{
    __asm__ volatile("wfi");
    return 0;
}

/* WFE with the event set before falls through. */
OUT_OF_LINE int odd_event(void)
{
    __asm__ volatile("sev\n\twfe");
    return 0;
}

OUT_OF_LINE int odd_divide(void)
{
    return divide(100, zero) == 0 ? 0 : 1; /* without the trap a division by zero gives 0 */
}

OUT_OF_LINE int odd_peripherals(void)
{
    REGISTER(0x40020018u) = 1u << 5;                   /* GPIOA_BSRR */
    return REGISTER(0x40011000u) == 0 && REGISTER(0x40011004u) == 0 ? 0 : 1; /* USART1 */
}

/* movs r0, #n; bx lr, written into RAM, run, changed, run again. */
OUT_OF_LINE int odd_self_modifying(void)
{
    static uint32_t code[8] __attribute__((aligned(32)));
    for (uint32_t n = 1; n <= 3; n++) {
        code[0] = 0x47702000u | n;
        SCB_DCCMVAU = (uint32_t)code;
        __asm__ volatile("dsb" : : : "memory");
        SCB_ICIALLU = 0;
        __asm__ volatile("dsb\n\tisb" : : : "memory");
        if (((uint32_t(*)(void))((uint32_t)code | 1))() != n)
            return 1;
    }
    return 0;
}

OUT_OF_LINE __attribute__((section(".itcm"), long_call)) uint32_t function_in_itcm(uint32_t n)
{
    return n * 3 + 1;
}

OUT_OF_LINE __attribute__((section(".data.code"), long_call)) uint32_t function_in_sram(uint32_t n)
{
    return n * 5 + 2;
}

OUT_OF_LINE int odd_ram_functions(void)
{
    return function_in_itcm(4) == 13 && function_in_sram(4) == 22 ? 0 : 1;
}

static const struct {
    const char *word;
    int (*run)(void);
} choices[] = {
    {"read", fault_read},
    {"write", fault_write},
    {"fetch", fault_fetch},
    {"nowhere", fault_nowhere},
    {"arm-state", fault_arm_state},
    {"execute-never", fault_execute_never},
    {"undefined", fault_undefined},
    {"divide", fault_divide},
    {"unaligned", fault_unaligned},
    {"unaligned-double", fault_unaligned_double},
    {"flash-write", fault_flash_write},
    {"stack", fault_stack},
    {"endless", fault_endless},
    {"breakpoint", fault_breakpoint},
    {"supervisor-call", fault_supervisor_call},
    {"sleep", fault_sleep},
    {"odd-event", odd_event},
    {"odd-divide", odd_divide},
    {"odd-peripherals", odd_peripherals},
    {"odd-self-modifying", odd_self_modifying},
    {"odd-ram-functions", odd_ram_functions},
};

int main(void)
{
    for (uint32_t i = 0; i < sizeof choices / sizeof *choices; i++)
        if (semihost_flag(choices[i].word))
            return choices[i].run();
    for (uint32_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        semihost_write(choices[i].word);
        semihost_write("\n");
    }
    return 2;
}
