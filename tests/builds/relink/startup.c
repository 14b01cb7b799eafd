/* startup.c: from reset to main() in a project that has the loop of 'mcusim advise' once and for all,
 * and what newlib asks of a system. FILL_IN_ASSEMBLY: the same loop in assembly, from the test. */
#include <stdint.h>

extern uint32_t _estack[], _sidata[], _sdata[], _edata[], _sbss[], _ebss[];
extern void (*__init_array_start[])(void), (*__init_array_end[])(void);
extern char end[];
int main(void);
void Reset_Handler(void);

#define REGISTER(address) (*(volatile uint32_t *)(address))

static int semihosting(int operation, const void *argument)
{
    register int result __asm__("r0") = operation;
    register const void *block __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(result) : "r"(block) : "memory");
    return result;
}

static inline void barrier(void)
{
    __asm__ volatile("dsb\n\tisb" ::: "memory");
}

static void enable_caches(void)
{
    REGISTER(0xE000EF50) = 0; /* ICIALLU */
    REGISTER(0xE000ED84) = 0; /* CSSELR: the data cache */
    for (uint32_t set = 0; set < 32; set++)
        for (uint32_t way = 0; way < 4; way++)
            REGISTER(0xE000EF60) = way << 30 | set << 5; /* DCISW of 4 KB in 4 ways */
    barrier();
    REGISTER(0xE000ED14) |= 3u << 16; /* CCR: both caches */
    barrier();
}

void Reset_Handler(void)
{
    REGISTER(0xE000ED88) |= 0xFu << 20; /* CPACR: the FPU */
    barrier();
    REGISTER(0x40023C00) = 7u | 3u << 8; /* FLASH_ACR: 7 wait states, prefetch, ART */
    enable_caches();
    const uint32_t *load = _sidata;
    for (volatile uint32_t *to = _sdata; to < _edata; to++)
        *to = *load++;
    for (volatile uint32_t *to = _sbss; to < _ebss; to++)
        *to = 0;
#ifdef FILL_IN_ASSEMBLY
    void fill(void);
    fill();
#else
    /* What simcore/linking/startup.py prints. */
    extern const uint32_t __mcusim_table_start[] __attribute__((weak));
    extern const uint32_t __mcusim_table_end[] __attribute__((weak));
    for (const uint32_t *row = __mcusim_table_start; row < __mcusim_table_end; row += 3) {
        const uint32_t *from = (const uint32_t *)row[0];
        for (volatile uint32_t *to = (uint32_t *)row[1]; to < (uint32_t *)row[2]; to++)
            *to = from ? *from++ : 0;
    }
    __asm volatile("dsb\n\tisb" ::: "memory");
#endif
    for (void (**start)(void) = __init_array_start; start < __init_array_end; start++)
        (*start)();
    const uint32_t code[2] = {0x20026, (uint32_t)main()}; /* ADP_Stopped_ApplicationExit */
    semihosting(0x20, code);
    for (;;)
        ;
}

__attribute__((section(".isr_vector"), used)) void *const vectors[16] = {
    _estack, (void *)Reset_Handler,
};

/* What newlib asks of the system; its stdout is the host's. */
int _write(int file, const char *text, int size)
{
    const struct {
        int handle;
        const char *text;
        int size;
    } block = {file, text, size};
    static int handle;
    if (!handle) {
        const struct {
            const char *name;
            int mode, length;
        } console = {":tt", 4, 3};
        handle = semihosting(1, &console);
    }
    const int arguments[3] = {handle, (int)block.text, block.size};
    return size - semihosting(5, arguments);
}

void *_sbrk(int bytes)
{
    static char *top;
    char *before = top ? top : end;
    top = before + bytes;
    return before;
}

int _close(int file) { return -(file != 0); }
int _fstat(int file, void *status) { (void)file; ((int *)status)[1] = 0x2000; return 0; }
int _isatty(int file) { return file < 3; }
int _lseek(int file, int offset, int from) { (void)file; (void)from; return offset & 0; }
int _read(int file, char *into, int size) { (void)file; (void)into; return size & 0; }
int _getpid(void) { return 1; }
int _kill(int process, int signal) { (void)process; return -(signal != 0); }
void _exit(int code) { (void)code; for (;;) ; }
