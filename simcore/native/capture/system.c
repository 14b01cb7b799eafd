/* system.c: see system.h. */
#include "capture/system.h"

#include <string.h>

#include "registers.h"

static uint32_t *word_at(struct system *s, uint32_t address) { return &s->word[(address & 0xffff) / 4]; }
static uint32_t word_of(const struct system *s, uint32_t address) { return s->word[(address & 0xffff) / 4]; }

void system_init(struct system *s, const struct capture_config *config)
{
    memset(s, 0, sizeof *s);
    s->divider = config->systick_divider ? config->systick_divider : 1;
    s->icache_bytes = config->icache_bytes;
    s->dcache_bytes = config->dcache_bytes;
    s->icache_ways = config->icache_ways;
    s->dcache_ways = config->dcache_ways;
    nvic_init(&s->nvic, config->interrupts, config->priority_bits);
    *word_at(s, REG_CPUID) = config->cpuid;
    *word_at(s, REG_AIRCR) = 0xfa050000u;
    *word_at(s, REG_CCR) = 0x00040200u;              /* STKALIGN, branch prediction: both read as one */
    *word_at(s, REG_ICTR) = config->interrupts ? (config->interrupts - 1) / 32 : 0;
    *word_at(s, REG_CPACR) = config->fpu_on ? CPACR_FPU : 0;
    *word_at(s, REG_FPCCR) = FPCCR_ASPEN | FPCCR_LSPEN;
    *word_at(s, REG_SYST_CALIB) = 0xc0000000u;       /* no reference, skewed */
    *word_at(s, REG_DWT_CTRL) = 0x40000000u;         /* four comparators */
    *word_at(s, REG_CLIDR) = 0x09000003u;            /* separate L1 caches */
    *word_at(s, REG_CTR) = 0x8303c003u;              /* 32-byte lines */
    *word_at(s, REG_MPU_TYPE) = 16u << 8;
    *word_at(s, REG_MVFR0) = 0x10110221u;            /* FPv5 with doubles (TRM table 8-1) */
    *word_at(s, REG_MVFR1) = 0x12000011u;
    *word_at(s, REG_MVFR2) = 0x00000040u;
}

static uint64_t tick_cycles(const struct system *s)
{
    return (word_of(s, REG_SYST_CSR) & CSR_CLKSOURCE) ? 1 : s->divider;
}

static uint64_t systick_period(const struct system *s)
{
    return ((word_of(s, REG_SYST_RVR) & 0xffffffu) + UINT64_C(1)) * tick_cycles(s);
}

static int systick_counts(const struct system *s)
{
    return (word_of(s, REG_SYST_CSR) & CSR_ENABLE) && (word_of(s, REG_SYST_RVR) & 0xffffffu);
}

/* Whether it counted to zero since that was reported. */
static int systick_wrapped(const struct system *s, uint64_t now)
{
    if (!systick_counts(s))
        return 0;
    uint64_t period = systick_period(s), start = s->systick_start;
    return (now - start) / period != (s->systick_read - start) / period;
}

int system_tick_interrupts(const struct system *s)
{
    return systick_counts(s) && (word_of(s, REG_SYST_CSR) & CSR_TICKINT);
}

uint32_t system_word(const struct system *s, uint32_t address) { return word_of(s, address); }
void system_set(struct system *s, uint32_t address, uint32_t bits) { *word_at(s, address) |= bits; }

uint32_t system_beside(const struct system *s, uint32_t address, uint64_t now)
{
    int by_one = nvic_sets_by_one(address) || address == REG_CFSR || address == REG_HFSR || address == REG_DFSR;
    return by_one ? 0 : system_peek(s, address, now);
}

uint64_t system_cycles_to_tick(const struct system *s, uint64_t now)
{
    if (!systick_counts(s))
        return UINT64_MAX;
    uint64_t period = systick_period(s);
    return period - (now - s->systick_start) % period;
}

static uint32_t ccsidr(uint32_t bytes, uint32_t ways)
{
    if (!bytes || !ways)
        return 0;
    uint32_t sets = bytes / (ways * 32);
    return 0xf0000000u | (sets - 1) << 13 | (ways - 1) << 3 | 1;    /* 8-word lines */
}

int system_reads_clock(const struct system *s, uint32_t address)
{
    (void)s;
    return address == REG_DWT_CYCCNT || address == REG_SYST_CVR || address == REG_SYST_CSR;
}

int system_clock_runs(const struct system *s, uint32_t address)
{
    if (address == REG_DWT_CYCCNT)
        return word_of(s, REG_DWT_CTRL) & CTRL_CYCCNTENA;
    return (address == REG_SYST_CVR || address == REG_SYST_CSR) && systick_counts(s);
}

int system_is_geometry(uint32_t address) { return address == REG_CCSIDR; }

int system_writes_clock(uint32_t address)
{
    return address == REG_DWT_CYCCNT || address == REG_DWT_CTRL || address == REG_SYST_CVR || address == REG_SYST_CSR ||
           address == REG_SYST_RVR;
}

uint32_t system_peek(const struct system *s, uint32_t address, uint64_t now)
{
    if (address >= REG_ITM_STIM0 && address <= REG_ITM_STIM_LAST)
        return 1;                                    /* the stimulus FIFO always has room */
    if (address >= SYSTEM_BASE + sizeof s->word)
        return 0;
    if (nvic_has(address))
        return nvic_read(&s->nvic, address);
    if (protection_has(address))
        return protection_read(&s->protection, address);
    uint32_t value = word_of(s, address);
    switch (address) {
    case REG_DWT_CYCCNT:
        return (word_of(s, REG_DWT_CTRL) & CTRL_CYCCNTENA) ? (uint32_t)(now - s->cycle_count_base) : value;
    case REG_SYST_CVR:
        return systick_counts(s) ? (uint32_t)((system_cycles_to_tick(s, now) - 1) / tick_cycles(s)) : value;
    case REG_SYST_CSR: return value | (systick_wrapped(s, now) ? CSR_COUNTFLAG : 0);
    case REG_CCSIDR:
        return (word_of(s, REG_CSSELR) & 1) ? ccsidr(s->icache_bytes, s->icache_ways)
                                            : ccsidr(s->dcache_bytes, s->dcache_ways);
    default: return value;
    }
}

uint32_t system_read(struct system *s, uint32_t address, uint64_t now)
{
    uint32_t value = system_peek(s, address, now);
    if (address == REG_SYST_CSR && systick_counts(s))
        s->systick_read = now;
    return value;
}

int system_write(struct system *s, uint32_t address, uint32_t value, uint64_t now)
{
    if ((address >= REG_ITM_STIM0 && address <= REG_ITM_STIM_LAST) || address >= SYSTEM_BASE + sizeof s->word)
        return 0;
    if (nvic_has(address)) {
        nvic_write(&s->nvic, address, value);
        return 0;
    }
    if (protection_has(address)) {
        protection_write(&s->protection, address, value);
        return 1;
    }
    uint32_t *word = word_at(s, address), old = *word;
    switch (address) {
    case REG_CPUID:
    case REG_ICTR:
    case REG_CLIDR:
    case REG_CTR:
    case REG_CCSIDR:
    case REG_MPU_TYPE:
    case REG_MVFR0:
    case REG_MVFR1:
    case REG_MVFR2:
    case REG_SYST_CALIB:
    case REG_DWT_LSR: return 0;                                    /* read-only */
    case REG_AIRCR:
        if (value >> 16 == 0x05fa) {
            s->reset_requested = value >> 2 & 1;
            *word = 0xfa050000u | (value & 0x700);
            s->nvic.group = value >> 8 & 7;
        }
        return 0;
    case REG_VTOR: *word = value & ~0x7fu; return 0;
    case REG_CFSR:                                   /* written bits are cleared */
    case REG_HFSR:
    case REG_DFSR: *word &= ~value; return 0;
    case REG_CPACR: *word = value & CPACR_FPU; return 0;       /* CP10 and CP11 are what there is */
    case REG_DWT_CTRL:
        if ((value & CTRL_CYCCNTENA) && !(old & CTRL_CYCCNTENA))
            s->cycle_count_base = now - *word_at(s, REG_DWT_CYCCNT);
        else if (!(value & CTRL_CYCCNTENA) && (old & CTRL_CYCCNTENA))
            *word_at(s, REG_DWT_CYCCNT) = (uint32_t)(now - s->cycle_count_base);
        *word = (value & 0x0fffffffu) | (old & 0xf0000000u);
        return 0;
    case REG_DWT_CYCCNT:
        s->cycle_count_base = now - value;
        *word = value;
        return 0;
    case REG_SYST_CVR:                               /* any write clears it; it reloads on the next tick */
        s->systick_start = s->systick_read = now;
        *word = 0;
        return 0;
    case REG_SYST_CSR:
        if ((value & CSR_ENABLE) && !(old & CSR_ENABLE))
            s->systick_start = s->systick_read = now;
        *word = value & 7;
        return 0;
    default:
        *word = value;
        return address == REG_ACTLR || address == REG_CCR || (address >= REG_ICIALLU && address <= REG_BPIALL);
    }
}
