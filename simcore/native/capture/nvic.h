/* nvic.h: exceptions by number: what is pending, active and enabled, how urgent it is, and the registers that say
 * so (Armv7-M ARM B1.5.4, B3.2, B3.4). Plain state; who runs what is in exceptions.c. */
#ifndef MCUSIM_NVIC_H
#define MCUSIM_NVIC_H

#include <stdint.h>

enum {
    EXCEPTION_NMI = 2,
    EXCEPTION_HARD_FAULT = 3,
    EXCEPTION_MEM_MANAGE = 4,
    EXCEPTION_BUS_FAULT = 5,
    EXCEPTION_USAGE_FAULT = 6,
    EXCEPTION_SVCALL = 11,
    EXCEPTION_DEBUG_MONITOR = 12,
    EXCEPTION_PENDSV = 14,
    EXCEPTION_SYSTICK = 15,
    EXCEPTION_IRQ0 = 16,
    EXCEPTIONS_MAX = 256,
    EXCEPTION_WORDS = EXCEPTIONS_MAX / 32,
    PRIORITY_LOWEST = 256,       /* of code that no exception runs */
};

struct nvic {
    uint32_t pending[EXCEPTION_WORDS], active[EXCEPTION_WORDS], enabled[EXCEPTION_WORDS];   /* a bit per number */
    uint32_t taken[EXCEPTION_WORDS];     /* whose handlers ran */
    uint8_t priority[EXCEPTIONS_MAX];
    uint32_t exceptions;         /* numbers below it are there */
    uint32_t running;            /* IPSR: the exception whose handler runs, 0: thread mode */
    uint8_t priority_mask;       /* bits of a priority that are there, the highest */
    uint8_t group;               /* AIRCR.PRIGROUP */
};

/* The special registers that hold exceptions back. */
struct masks {
    uint32_t primask, faultmask, basepri;
};

void nvic_init(struct nvic *n, uint32_t interrupts, uint32_t priority_bits);

void nvic_pend(struct nvic *n, uint32_t number);
void nvic_unpend(struct nvic *n, uint32_t number);
void nvic_activate(struct nvic *n, uint32_t number);     /* it is pending no more, and runs */
void nvic_deactivate(struct nvic *n, uint32_t number);
int nvic_is_pending(const struct nvic *n, uint32_t number);
int nvic_is_active(const struct nvic *n, uint32_t number);
int nvic_is_enabled(const struct nvic *n, uint32_t number);
int nvic_was_taken(const struct nvic *n, uint32_t number);
uint32_t nvic_active_count(const struct nvic *n);

/* Whether HardFault, MemManage, BusFault or UsageFault is active. */
int nvic_fault_is_active(const struct nvic *n);

/* From -3 (reset) over -1 (HardFault) to 255; a lower one is more urgent. */
int nvic_priority(const struct nvic *n, uint32_t number);

/* The part of a priority that decides on preemption (PRIGROUP). */
int nvic_group_priority(const struct nvic *n, int priority);

/* How urgent what runs is: ExecutionPriority() of B1.5.4. */
int nvic_execution_priority(const struct nvic *n, const struct masks *masks);

/* The most urgent that is pending and enabled, 0: none. */
uint32_t nvic_most_urgent(const struct nvic *n);

/* Whether this exception, pending, would interrupt what runs. */
int nvic_preempts(const struct nvic *n, uint32_t number, const struct masks *masks);

/* Registers of NVIC, ICSR, SHPRn, SHCSR and STIR: whether it is one of them, what it reads, what a write does. */
int nvic_has(uint32_t address);
uint32_t nvic_read(const struct nvic *n, uint32_t address);
void nvic_write(struct nvic *n, uint32_t address, uint32_t value);

/* Whether writing 0 to a bit of this register leaves it: bytes are written over zeros, not over what is there. */
int nvic_sets_by_one(uint32_t address);

#endif
