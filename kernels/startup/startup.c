/* startup.c: from reset to main(), for programs without a C library's start files.
 *
 * The reset handler does what CMSIS start-up does, in its order: FPU, flash wait states, caches, then
 * memory. The clock tree is left alone: the simulator takes the clock as an option, and a board would
 * run the same code from its reset clock. FLASH_ACR is that of the STM32F7; -DFLASH_ACR_ADDRESS=0
 * leaves the flash as it is, for parts whose wait states go with a clock that this code does not know.
 */
#include <stdint.h>

#include "semihost.h"

extern uint32_t __stack_top[];
/* Pairs of what the linker script defines: where a section is loaded, where it runs. */
extern uint32_t __data_load[], __data_start[], __data_end[];
extern uint32_t __itcm_load[], __itcm_start[], __itcm_end[];
extern uint32_t __bss_start[], __bss_end[];
extern uint32_t __dtcm_start[], __dtcm_end[];

#ifdef LIBC_START
_Noreturn void _start(void); /* newlib's crt0: heap, arguments, constructors, main, exit */
#else
int main(void);
#endif
_Noreturn void Reset_Handler(void);
_Noreturn void Default_Handler(void);

/* Register addresses: Armv7-M Architecture Reference Manual (SCB), RM0385 (FLASH_ACR). */
#define REGISTER(address) (*(volatile uint32_t *)(address))
#define SCB_CCR REGISTER(0xE000ED14u)
#define SCB_CCSIDR REGISTER(0xE000ED80u)
#define SCB_CSSELR REGISTER(0xE000ED84u)
#define SCB_CPACR REGISTER(0xE000ED88u)
#define SCB_ICIALLU REGISTER(0xE000EF50u)
#define SCB_DCISW REGISTER(0xE000EF60u)
#ifndef FLASH_ACR_ADDRESS
#define FLASH_ACR_ADDRESS 0x40023C00u
#endif

enum { CCR_DC = 1u << 16, CCR_IC = 1u << 17 };
enum { CPACR_CP10_CP11_FULL = 0xFu << 20 };
enum { ACR_LATENCY_7WS = 7, ACR_PRFTEN = 1u << 8, ACR_ARTEN = 1u << 9 }; /* 216 MHz at 2.7 to 3.6 V */

static inline void barrier(void)
{
    __asm__ volatile("dsb\n\tisb" : : : "memory");
}

static inline void enable_fpu(void)
{
    SCB_CPACR |= CPACR_CP10_CP11_FULL;
    barrier();
}

static inline void enable_instruction_cache(void)
{
    barrier();
    SCB_ICIALLU = 0;
    barrier();
    SCB_CCR |= CCR_IC;
    barrier();
}

/* Invalidates every line by set and way, as contents are unknown after reset, then switches on. */
static inline void enable_data_cache(void)
{
    SCB_CSSELR = 0; /* level 1, data */
    barrier();
    const uint32_t size = SCB_CCSIDR;
    const uint32_t ways = (size >> 3) & 0x3FFu, sets = (size >> 13) & 0x7FFFu; /* both minus 1 */
    const uint32_t set_shift = (size & 7u) + 4u;
    const uint32_t way_shift = ways ? (uint32_t)__builtin_clz(ways) : 0u;
    for (uint32_t set = 0; set <= sets; set++)
        for (uint32_t way = 0; way <= ways; way++)
            SCB_DCISW = way << way_shift | set << set_shift;
    barrier();
    SCB_CCR |= CCR_DC;
    barrier();
}

/* Word loops of their own: memory is not ready for library calls yet. The barrier in the loop keeps
 * the compiler from turning them into such calls. */
static inline void copy(const uint32_t *from, uint32_t *to, const uint32_t *end)
{
    while (to < end) {
        *to++ = *from++;
        __asm__ volatile("");
    }
}

static inline void zero(uint32_t *to, const uint32_t *end)
{
    while (to < end) {
        *to++ = 0;
        __asm__ volatile("");
    }
}

void Reset_Handler(void)
{
    enable_fpu();
#if FLASH_ACR_ADDRESS
    REGISTER(FLASH_ACR_ADDRESS) = ACR_LATENCY_7WS | ACR_PRFTEN | ACR_ARTEN;
#endif
    enable_instruction_cache();
    enable_data_cache();
    copy(__data_load, __data_start, __data_end);
    copy(__itcm_load, __itcm_start, __itcm_end);
    zero(__bss_start, __bss_end);
    zero(__dtcm_start, __dtcm_end);
    barrier(); /* before code copied to ITCM runs */
#ifdef LIBC_START
    _start();
#else
    semihost_exit((uint32_t)main());
#endif
}

/* An exception that nobody expected; 255 tells it apart from a failed self-check. */
void Default_Handler(void)
{
    semihost_write("unexpected exception\n");
    semihost_exit(255);
}

void NMI_Handler(void) __attribute__((weak, alias("Default_Handler")));
void HardFault_Handler(void) __attribute__((weak, alias("Default_Handler")));
void MemManage_Handler(void) __attribute__((weak, alias("Default_Handler")));
void BusFault_Handler(void) __attribute__((weak, alias("Default_Handler")));
void UsageFault_Handler(void) __attribute__((weak, alias("Default_Handler")));
void SVC_Handler(void) __attribute__((weak, alias("Default_Handler")));
void DebugMon_Handler(void) __attribute__((weak, alias("Default_Handler")));
void PendSV_Handler(void) __attribute__((weak, alias("Default_Handler")));
void SysTick_Handler(void) __attribute__((weak, alias("Default_Handler")));

/* The 16 system entries; no program here enables an interrupt of a peripheral. */
__attribute__((section(".isr_vector"), used)) void *const __isr_vector[16] = {
    __stack_top,        (void *)Reset_Handler,      (void *)NMI_Handler,
    (void *)HardFault_Handler, (void *)MemManage_Handler, (void *)BusFault_Handler,
    (void *)UsageFault_Handler, 0, 0, 0, 0,
    (void *)SVC_Handler, (void *)DebugMon_Handler, 0,
    (void *)PendSV_Handler, (void *)SysTick_Handler,
};
