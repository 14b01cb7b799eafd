/* rtos.c: a kernel with tasks on stacks of their own, which count their calls and paint their stacks.
 *
 * SysTick and the tasks themselves pend PendSV, which goes round the tasks that have not ended; FPU registers are
 * saved with those that use them. With -DKERNEL=1 it keeps its tasks as FreeRTOS does (TCB_t, pxCurrentTCB), with
 * -DKERNEL=2 as ThreadX does (TX_THREAD, _tx_thread_current_ptr), else in structures that nobody knows. It ends with
 * lines of a name, what follows "calls" that the task counted and the bytes of its stack that were ever written, and
 * the cycles that "once" needed at most to run after a tick that it waited for. */
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define SYST_CSR REGISTER(0xE000E010u)
#define SYST_RVR REGISTER(0xE000E014u)
#define ICSR REGISTER(0xE000ED04u)
#define SHPR3 REGISTER(0xE000ED20u)
#define CPACR REGISTER(0xE000ED88u)
#define DEMCR REGISTER(0xE000EDFCu)
#define DWT_CTRL REGISTER(0xE0001000u)
#define DWT_CYCCNT REGISTER(0xE0001004u)
#define PEND_PENDSV (1u << 28)

enum { TASKS = 4, STACK_WORDS = 192, SAVED_WORDS = 9, FRAME_WORDS = 8, PAINT = 0xA5A5A5A5 };

struct task {
#if KERNEL == 1
    uint32_t *sp;
    uint32_t state_item[5], event_item[5], priority, *stack;
    char name[16];
#elif KERNEL == 2
    uint32_t id, run_count, *sp, *stack, *stack_end, stack_bytes, slice, new_slice;
    struct task *next, *previous;
    const char *name;
    uint32_t priority, state;
#else
    uint32_t *sp, *stack;
    const char *name;
#endif
    uint32_t has_ended, waits;
};

static uint32_t stack[TASKS][STACK_WORDS] __attribute__((aligned(8)));
static struct task task[TASKS];
static volatile uint32_t calls[TASKS];
#if KERNEL == 1
#define CURRENT pxCurrentTCB
#elif KERNEL == 2
#define CURRENT _tx_thread_current_ptr
#else
#define CURRENT running
#endif
struct task *volatile CURRENT;

/* --- the kernel --- */

#if KERNEL == 1
uint32_t pxReadyTasksLists[2][5], xDelayedTaskList1[5], xPendingReadyList[5];
#endif

/* As each kernel tells it: the list that holds the item of the state, or TX_READY and TX_SLEEP. */
static void set_waits(struct task *t, uint32_t waits)
{
#if KERNEL == 1
    t->state_item[4] = 0;
    t->state_item[4] = (uint32_t)(waits ? xDelayedTaskList1 : pxReadyTasksLists[1]);
#elif KERNEL == 2
    t->state = waits ? 4 : 0;
#endif
    t->waits = waits;
}

uint32_t *next_task(uint32_t *sp)
{
    CURRENT->sp = sp;
    do
        CURRENT = CURRENT == &task[TASKS - 1] ? task : CURRENT + 1;
    while (CURRENT->has_ended || CURRENT->waits);
    return CURRENT->sp;
}

static volatile uint32_t woken_at, longest_woken;

void systick(void)
{
    if (task[2].waits) {
        set_waits(&task[2], 0);
        woken_at = DWT_CYCCNT;
    }
    ICSR = PEND_PENDSV;
}

__attribute__((naked)) void pendsv(void)
{
    __asm__("mrs r0, psp\n tst lr, #0x10\n it eq\n vstmdbeq r0!, {s16-s31}\n"
            "stmdb r0!, {r4-r11, lr}\n bl next_task\n ldmia r0!, {r4-r11, lr}\n"
            "tst lr, #0x10\n it eq\n vldmiaeq r0!, {s16-s31}\n msr psp, r0\n bx lr");
}

/* Starts the first task. */
__attribute__((naked)) void svc(void)
{
    __asm__("ldr r0, =" "first_sp" "\n ldr r0, [r0]\n ldmia r0!, {r4-r11, lr}\n msr psp, r0\n bx lr\n .ltorg");
}

uint32_t *first_sp;

static __attribute__((noinline)) void yield(void)
{
    ICSR = PEND_PENDSV;
    __asm__ volatile("dsb\n isb" ::: "memory");
}

static void make_task(int number, const char *name, void (*body)(void))
{
    struct task *t = &task[number];
    uint32_t *end = &stack[number][STACK_WORDS];
    for (int i = 0; i < STACK_WORDS; i++)
        stack[number][i] = PAINT;
#if KERNEL == 1
    end = (uint32_t *)((uint32_t)(end - 1) & ~7u);
    for (int i = 0; i < 16; i++) {
        t->name[i] = *name;
        name += *name != 0;
    }
#else
    t->name = name;
#endif
#if KERNEL == 2
    t->id = 0x54485244;
    t->stack_bytes = sizeof stack[number];
    t->stack_end = end - 1;
#endif
    t->stack = stack[number];
    t->sp = end - FRAME_WORDS - SAVED_WORDS;
    t->sp[SAVED_WORDS - 1] = 0xFFFFFFFDu;
    end[-2] = (uint32_t)body;
    end[-1] = 1u << 24;
}

/* --- what the tasks do --- */

static __attribute__((noinline)) void step(int me)
{
    for (volatile int i = 0; i < 20; i++)
        ;
    calls[me]++;
}

static __attribute__((noinline)) uint32_t sum(uint32_t count)
{
    uint8_t values[count];
    uint32_t total = 0;
    for (uint32_t i = 0; i < count; i++)
        ((volatile uint8_t *)values)[i] = (uint8_t)i;
    for (uint32_t i = 0; i < count; i++)
        total += values[i];
    return total;
}

static __attribute__((noinline)) uint32_t recursion(int me, uint32_t depth)
{
    step(me);
    return depth ? recursion(me, depth - 1) + depth : sum(64);
}

static volatile float level;
static volatile int is_done;

static void filter(void)
{
    for (;;) {
        float input = level * 0.5f + 1.0f;
        step(0);
        level = input + level * 0.25f;
    }
}

static void deep(void)
{
    for (int i = 0; i < 20; i++)
        recursion(1, 5);
    is_done = 1;
    for (;;)
        yield();
}

static void once(void)
{
    for (int i = 0; i < 10; i++) {
        step(2);
        set_waits(&task[2], 1);
        yield();
        uint32_t cycles = DWT_CYCCNT - woken_at;
        longest_woken = cycles > longest_woken ? cycles : longest_woken;
    }
    task[2].has_ended = 1;
    for (;;)
        yield();
}

/* --- the end: what each task counted --- */

static void print(const char *text)
{
    register uint32_t number __asm__("r0") = 4;  /* SYS_WRITE0 */
    register const char *at __asm__("r1") = text;
    __asm__ volatile("bkpt 0xab" : "+r"(number) : "r"(at) : "memory");
}

static void print_number(uint32_t value)
{
    char text[12], *at = &text[11];
    *at = 0;
    do
        *--at = (char)('0' + value % 10);
    while (value /= 10);
    print(at);
}

static void report(void)
{
    while (!is_done || !task[2].has_ended)
        yield();
    SYST_CSR = 0;
    for (int i = 0; i < TASKS - 1; i++) {
        int unused = 0;
        while (stack[i][unused] == (uint32_t)PAINT)
            unused++;
        print(task[i].name);
        print(" ");
        print_number(calls[i]);
        print(" ");
        print_number(4u * (uint32_t)(STACK_WORDS - unused));
        print("\n");
    }
    print("woken ");
    print_number(longest_woken);
    print(" 0\n");
    uint32_t block[2] = {0x20026, 0};            /* SYS_EXIT_EXTENDED: ADP_Stopped_ApplicationExit, 0 */
    register uint32_t number __asm__("r0") = 0x20;
    register uint32_t *at __asm__("r1") = block;
    __asm__ volatile("bkpt 0xab" : "+r"(number) : "r"(at) : "memory");
    for (;;)
        ;
}

int main(void)
{
    CPACR |= 0xfu << 20;
    __asm__ volatile("dsb\n isb");
    make_task(0, "filter", filter);
    make_task(1, "deep", deep);
    make_task(2, "once", once);
    make_task(3, "report", report);
    CURRENT = &task[0];
    first_sp = task[0].sp;
    DEMCR |= 1u << 24;
    DWT_CTRL |= 1;
    SHPR3 = 0xFFFF0000u;
    SYST_RVR = 4000;
    SYST_CSR = 7;
    __asm__ volatile("svc 0");
    return 1;
}
