/* threads.c: a kernel of a few lines: two threads, SysTick pends PendSV, PendSV
 * swaps their stacks. With -DPROCESS_STACK they run on the process stack, else
 * all is on the main stack. It ends with the turns that the first thread
 * counted. With -DMARKED each turn is an operation of its thread, and the second
 * thread ends one that it did not begin. */
#include <stdint.h>

#ifdef MARKED
#include "mcusim.h"
static const struct mcusim_op turn_a = MCUSIM_OP_COUNTED("turn_a", "turn", 0, 0, 0, 0);
static const struct mcusim_op turn_b = MCUSIM_OP_COUNTED("turn_b", "turn", 0, 0, 0, 0);
#define BEGIN(op) mcusim_op_begin(&op)
#define END() mcusim_op_end()
#else
#define BEGIN(op)
#define END()
#endif

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define SYST_CSR REGISTER(0xE000E010u)
#define SYST_RVR REGISTER(0xE000E014u)
#define ICSR REGISTER(0xE000ED04u)
#define SHPR3 REGISTER(0xE000ED20u)

enum { TURNS = 100, FRAME_WORDS = 8, SAVED_WORDS = 8, STACK_WORDS = 256 };

static uint32_t stack[2][STACK_WORDS];
static uint32_t *waits_at[2];
static volatile uint32_t current, turns_a, turns_b;

void systick(void) { ICSR = 1u << 28; }

uint32_t *swap(uint32_t *sp)
{
    waits_at[current] = sp;
    current ^= 1;
    return waits_at[current];
}

__attribute__((naked)) void pendsv(void)
{
#ifdef PROCESS_STACK
    __asm__("mrs r0, psp\n stmdb r0!, {r4-r11}\n push {r4, lr}\n bl swap\n pop "
            "{r4, lr}\n"
            "ldmia r0!, {r4-r11}\n msr psp, r0\n bx lr");
#else
    __asm__("push {r4-r11}\n mov r0, sp\n mov r4, lr\n bl swap\n mov lr, r4\n "
            "mov sp, r0\n pop {r4-r11}\n bx lr");
#endif
}

static __attribute__((noinline)) void step_a(void)
{
    BEGIN(turn_a);
    for (volatile int i = 0; i < 50; i++)
        ;
    turns_a++;
    END();
}

static __attribute__((noinline)) void step_b(void)
{
    BEGIN(turn_b);
    for (volatile int i = 0; i < 50; i++)
        ;
    turns_b++;
    END();
}

static __attribute__((noinline)) void thread_b(void)
{
    END();
    for (;;)
        step_b();
}

static __attribute__((noinline)) void thread_a(void)
{
    while (turns_a < TURNS)
        step_a();
}

int main(void)
{
    uint32_t *frame = &stack[1][STACK_WORDS - FRAME_WORDS];
    frame[6] = (uint32_t)thread_b;
    frame[7] = 1u << 24;
    waits_at[1] = frame - SAVED_WORDS;
    SHPR3 = 0xFFFF0000u;
    SYST_RVR = 3000;
    SYST_CSR = 7;
#ifdef PROCESS_STACK
    __asm__ volatile("msr psp, %0\n mov r0, #2\n msr control, r0\n isb"
                     :
                     : "r"(&stack[0][STACK_WORDS])
                     : "r0", "memory");
#endif
    thread_a();
    SYST_CSR = 0;
#ifdef PROCESS_STACK
    __asm__ volatile("mov r0, #0\n msr control, r0\n isb" : : : "r0", "memory");
#endif
    return (int)turns_a;
}
