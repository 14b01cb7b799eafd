/* system.h: the private peripheral bus as firmware sees it: system control block, SysTick, NVIC, MPU,
 * cache maintenance, DWT, ITM (Armv7-M ARM B3, C1; Cortex-M7 TRM 3). Plain storage but for the
 * registers named in system.c; time comes in as an argument. */
#ifndef MCUSIM_SYSTEM_H
#define MCUSIM_SYSTEM_H

#include <stdint.h>

#include "types.h"
#include "capture/nvic.h"
#include "capture/protection.h"

enum { SYSTEM_BASE = 0xe0000000u, SYSTEM_BYTES = 0x100000, SYSTEM_WORDS = 0x10000 / 4 };

struct system {
    uint32_t word[SYSTEM_WORDS];     /* 0xE0000000 .. 0xE000FFFF */
    uint32_t divider;                /* core cycles per external SysTick tick */
    uint32_t icache_bytes, dcache_bytes, icache_ways, dcache_ways;
    uint64_t cycle_count_base;       /* time at which CYCCNT was 0 */
    uint64_t systick_start;          /* time of the last reload of SysTick */
    uint64_t systick_read;           /* time up to which COUNTFLAG was reported */
    uint8_t reset_requested;
    struct nvic nvic;
    struct protection protection;
};

void system_init(struct system *s, const struct capture_config *config);

/* Whether reading this register needs the modelled time. */
int system_reads_clock(const struct system *s, uint32_t address);

/* Whether a read of this register now would tell a counter that runs. */
int system_clock_runs(const struct system *s, uint32_t address);

/* Whether this register tells the sizes of the caches. */
int system_is_geometry(uint32_t address);

/* What a read would give, and a read by the program: that of SYST_CSR clears COUNTFLAG. */
uint32_t system_peek(const struct system *s, uint32_t address, uint64_t now);
uint32_t system_read(struct system *s, uint32_t address, uint64_t now);

/* Returns 1 when timing has to hear of it (caches, maintenance, MPU). */
int system_write(struct system *s, uint32_t address, uint32_t value, uint64_t now);

/* Whether writing this register needs the modelled time. */
int system_writes_clock(uint32_t address);

/* Whether SysTick counts and interrupts. */
int system_tick_interrupts(const struct system *s);

/* A word as it is stored, without what time or a read does to it; bits set in it. */
uint32_t system_word(const struct system *s, uint32_t address);
void system_set(struct system *s, uint32_t address, uint32_t bits);

/* What the bytes are that a narrower write leaves alone. */
uint32_t system_beside(const struct system *s, uint32_t address, uint64_t now);

/* Cycles from now until SysTick counts to zero, UINT64_MAX when it does not count. */
uint64_t system_cycles_to_tick(const struct system *s, uint64_t now);

#endif
