/* nvic.c: see nvic.h. */
#include "capture/nvic.h"

#include <string.h>

#include "registers.h"

static uint32_t bit(uint32_t number) { return 1u << (number & 31); }
static int holds(const uint32_t *set, uint32_t number) { return (set[number / 32] & bit(number)) != 0; }

static void put(uint32_t *set, uint32_t number, int value)
{
    set[number / 32] = value ? set[number / 32] | bit(number) : set[number / 32] & ~bit(number);
}

void nvic_init(struct nvic *n, uint32_t interrupts, uint32_t priority_bits)
{
    memset(n, 0, sizeof *n);
    uint32_t most = EXCEPTIONS_MAX - EXCEPTION_IRQ0;
    n->exceptions = EXCEPTION_IRQ0 + (interrupts < most ? interrupts : most);
    n->priority_mask = (uint8_t)(0xff00u >> (priority_bits > 8 ? 8 : priority_bits));
    n->enabled[0] = bit(EXCEPTION_NMI) | bit(EXCEPTION_HARD_FAULT) | bit(EXCEPTION_SVCALL) | bit(EXCEPTION_PENDSV) |
                    bit(EXCEPTION_SYSTICK);
}

void nvic_pend(struct nvic *n, uint32_t number)
{
    if (number < n->exceptions)
        put(n->pending, number, 1);
}

void nvic_unpend(struct nvic *n, uint32_t number) { put(n->pending, number, 0); }

void nvic_activate(struct nvic *n, uint32_t number)
{
    put(n->pending, number, 0);
    put(n->active, number, 1);
    put(n->taken, number, 1);
    n->running = number;
}

void nvic_deactivate(struct nvic *n, uint32_t number) { put(n->active, number, 0); }
int nvic_is_pending(const struct nvic *n, uint32_t number) { return holds(n->pending, number); }
int nvic_is_active(const struct nvic *n, uint32_t number) { return holds(n->active, number); }
int nvic_is_enabled(const struct nvic *n, uint32_t number) { return holds(n->enabled, number); }
int nvic_was_taken(const struct nvic *n, uint32_t number) { return holds(n->taken, number); }

uint32_t nvic_active_count(const struct nvic *n)
{
    uint32_t count = 0;
    for (uint32_t number = 1; number < n->exceptions; number++)
        count += (uint32_t)holds(n->active, number);
    return count;
}

int nvic_fault_is_active(const struct nvic *n)
{
    return (n->active[0] & (bit(EXCEPTION_HARD_FAULT) | bit(EXCEPTION_MEM_MANAGE) | bit(EXCEPTION_BUS_FAULT) |
                            bit(EXCEPTION_USAGE_FAULT))) != 0;
}

/* --- urgency -------------------------------------------------------------------------------------------- */

int nvic_priority(const struct nvic *n, uint32_t number)
{
    return number == 1 ? -3 : number == EXCEPTION_NMI ? -2 : number == EXCEPTION_HARD_FAULT ? -1 : n->priority[number];
}

int nvic_group_priority(const struct nvic *n, int priority)
{
    return priority < 0 ? priority : priority & ~((2 << n->group) - 1);
}

int nvic_execution_priority(const struct nvic *n, const struct masks *masks)
{
    int priority = PRIORITY_LOWEST;
    for (uint32_t word = 0; word < EXCEPTION_WORDS; word++)
        for (uint32_t left = n->active[word], at = word * 32; left; left >>= 1, at++)
            if (left & 1) {
                int group = nvic_group_priority(n, nvic_priority(n, at));
                priority = group < priority ? group : priority;
            }
    uint32_t base = masks->basepri & n->priority_mask;
    if (base && nvic_group_priority(n, (int)base) < priority)
        priority = nvic_group_priority(n, (int)base);
    if ((masks->primask & 1) && priority > 0)
        priority = 0;
    if ((masks->faultmask & 1) && priority > -1)
        priority = -1;
    return priority;
}

uint32_t nvic_most_urgent(const struct nvic *n)
{
    uint32_t best = 0;
    for (uint32_t word = 0; word < EXCEPTION_WORDS; word++)
        for (uint32_t left = n->pending[word] & n->enabled[word], at = word * 32; left; left >>= 1, at++)
            if ((left & 1) && (!best || nvic_priority(n, at) < nvic_priority(n, best)))
                best = at;
    return best;
}

int nvic_preempts(const struct nvic *n, uint32_t number, const struct masks *masks)
{
    return nvic_group_priority(n, nvic_priority(n, number)) < nvic_execution_priority(n, masks);
}

/* --- registers ------------------------------------------------------------------------------------------- */

/* Exceptions whose state SHCSR shows, by bit. */
static const struct shown {
    uint8_t bit, number;
} shown_active[] = {{0, EXCEPTION_MEM_MANAGE}, {1, EXCEPTION_BUS_FAULT},     {3, EXCEPTION_USAGE_FAULT},
                    {7, EXCEPTION_SVCALL},     {8, EXCEPTION_DEBUG_MONITOR}, {10, EXCEPTION_PENDSV},
                    {11, EXCEPTION_SYSTICK}},
  shown_pending[] = {{12, EXCEPTION_USAGE_FAULT},
                     {13, EXCEPTION_MEM_MANAGE},
                     {14, EXCEPTION_BUS_FAULT},
                     {15, EXCEPTION_SVCALL}},
  shown_enabled[] = {{16, EXCEPTION_MEM_MANAGE}, {17, EXCEPTION_BUS_FAULT}, {18, EXCEPTION_USAGE_FAULT}};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static uint32_t show(const uint32_t *set, const struct shown *of, size_t count)
{
    uint32_t value = 0;
    for (size_t i = 0; i < count; i++)
        value |= (uint32_t)holds(set, of[i].number) << of[i].bit;
    return value;
}

static void set_shown(uint32_t *set, const struct shown *of, size_t count, uint32_t value)
{
    for (size_t i = 0; i < count; i++)
        put(set, of[i].number, value >> of[i].bit & 1);
}

/* Which set a word of ISER, ICER, ISPR, ICPR or IABR is of, and the number of its first exception. */
static int is_bank(uint32_t address, uint32_t first, uint32_t *number)
{
    *number = EXCEPTION_IRQ0 + (address - first) * 8;
    return address - first < 4 * EXCEPTION_WORDS;
}

static uint32_t bank(const struct nvic *n, const uint32_t *set, uint32_t number)
{
    uint32_t value = 0;
    for (uint32_t i = 0; i < 32 && number + i < n->exceptions; i++)
        value |= (uint32_t)holds(set, number + i) << i;
    return value;
}

static void change(const struct nvic *n, uint32_t *set, uint32_t number, uint32_t bits, int to)
{
    for (uint32_t i = 0; i < 32 && number + i < n->exceptions; i++)
        if (bits >> i & 1)
            put(set, number + i, to);
}

/* The exception of the lowest byte of a priority register, 0: it is none. */
static uint32_t first_of_priorities(const struct nvic *n, uint32_t address)
{
    if (address >= REG_SHPR1 && address <= REG_SHPR3)
        return 4 + (address - REG_SHPR1);
    uint32_t number = EXCEPTION_IRQ0 + (address - REG_NVIC_IPR);
    return address >= REG_NVIC_IPR && address <= REG_NVIC_IPR_LAST && number < n->exceptions ? number : 0;
}

int nvic_has(uint32_t address)
{
    return (address >= REG_NVIC_ISER && address <= REG_NVIC_IPR_LAST) || address == REG_ICSR || address == REG_SHCSR ||
           address == REG_STIR || (address >= REG_SHPR1 && address <= REG_SHPR3);
}

int nvic_sets_by_one(uint32_t address)
{
    return (address >= REG_NVIC_ISER && address < REG_NVIC_IABR) || address == REG_ICSR || address == REG_STIR;
}

static uint32_t icsr(const struct nvic *n)
{
    uint32_t value = n->running | nvic_most_urgent(n) << 12;
    value |= nvic_active_count(n) <= (n->running != 0) ? ICSR_RETTOBASE : 0;
    for (uint32_t number = EXCEPTION_IRQ0; number < n->exceptions; number++)
        value |= holds(n->pending, number) ? ICSR_ISRPENDING : 0;
    value |= holds(n->pending, EXCEPTION_SYSTICK) ? ICSR_PENDSTSET : 0;
    value |= holds(n->pending, EXCEPTION_PENDSV) ? ICSR_PENDSVSET : 0;
    return value | (holds(n->pending, EXCEPTION_NMI) ? ICSR_NMIPENDSET : 0);
}

uint32_t nvic_read(const struct nvic *n, uint32_t address)
{
    uint32_t number, value = 0;
    if (is_bank(address, REG_NVIC_ISER, &number) || is_bank(address, REG_NVIC_ICER, &number))
        return bank(n, n->enabled, number);
    if (is_bank(address, REG_NVIC_ISPR, &number) || is_bank(address, REG_NVIC_ICPR, &number))
        return bank(n, n->pending, number);
    if (is_bank(address, REG_NVIC_IABR, &number))
        return bank(n, n->active, number);
    if (address == REG_ICSR)
        return icsr(n);
    if (address == REG_SHCSR)
        return show(n->active, shown_active, COUNT(shown_active)) |
               show(n->pending, shown_pending, COUNT(shown_pending)) |
               show(n->enabled, shown_enabled, COUNT(shown_enabled));
    number = first_of_priorities(n, address);
    for (uint32_t i = 0; number && i < 4; i++)
        value |= (uint32_t)n->priority[number + i] << 8 * i;
    return value;
}

void nvic_write(struct nvic *n, uint32_t address, uint32_t value)
{
    uint32_t number;
    if (is_bank(address, REG_NVIC_ISER, &number)) {
        change(n, n->enabled, number, value, 1);
    } else if (is_bank(address, REG_NVIC_ICER, &number)) {
        change(n, n->enabled, number, value, 0);
    } else if (is_bank(address, REG_NVIC_ISPR, &number)) {
        change(n, n->pending, number, value, 1);
    } else if (is_bank(address, REG_NVIC_ICPR, &number)) {
        change(n, n->pending, number, value, 0);
    } else if (address == REG_STIR) {
        nvic_pend(n, EXCEPTION_IRQ0 + (value & 0x1ff));
    } else if (address == REG_ICSR) {
        if (value & ICSR_NMIPENDSET)
            nvic_pend(n, EXCEPTION_NMI);
        if (value & (ICSR_PENDSVSET | ICSR_PENDSVCLR))
            put(n->pending, EXCEPTION_PENDSV, !(value & ICSR_PENDSVCLR));
        if (value & (ICSR_PENDSTSET | ICSR_PENDSTCLR))
            put(n->pending, EXCEPTION_SYSTICK, !(value & ICSR_PENDSTCLR));
    } else if (address == REG_SHCSR) {
        set_shown(n->active, shown_active, COUNT(shown_active), value);
        set_shown(n->pending, shown_pending, COUNT(shown_pending), value);
        set_shown(n->enabled, shown_enabled, COUNT(shown_enabled), value);
    } else if ((number = first_of_priorities(n, address)) != 0) {
        for (uint32_t i = 0; i < 4 && number + i < n->exceptions; i++)
            n->priority[number + i] = (uint8_t)(value >> 8 * i) & n->priority_mask;
    }
}
