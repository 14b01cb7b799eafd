/* devices.c: reads and writes of peripherals and system registers. */
#include "capture/state.h"
#include "registers.h"

static int storage_of(const struct capture *c, uint32_t address)
{
    for (uint32_t i = 0; i < c->config.storages; i++)
        if (c->config.storage[i] == (address & ~3u))
            return (int)i;
    return -1;
}

/* What runs again, or behind a fault, no device hears of. */
static int is_heard(const struct capture *c) { return !c->silent && c->stop == STOP_NONE; }

static uint32_t peripheral_says(struct capture *c, uint32_t address, unsigned size)
{
    int storage = storage_of(c, address);
    if (storage >= 0)
        return c->storage[storage];
    if (!is_heard(c))
        return 0;
    devices_used(c);
    int status;
    struct peripheral *p = peripheral_at(c, address, &status);
    if (!p) {
        capture_fail(c, status);
        return 0;
    }
    if (p->dma && c->dma.moving)
        dma_look(c);
    p->reads++;
    c->polled = p->address;
    c->polled_at = instructions_of(c);
    if (!serial_expects(c, p))
        polling_read(c, p->address);
    if (c->config.peripherals == PERIPHERALS_STRICT && !peripheral_is_known(p))
        record_fault(c, FAULT_PERIPHERAL, address, size);
    if (p->serial)
        serial_read(c, p);
    uint32_t value = rules_read(c, p, size);
    if (p->serial)
        serial_took(c, p);
    return value;
}

static uint64_t on_peripheral_read(uc_engine *engine, uint64_t offset, unsigned size, void *user)
{
    const struct window *w = user;
    struct capture *c = w->capture;
    uint32_t address = w->base + (uint32_t)offset;
    (void)engine;
    return rewind_said(c, peripheral_says(c, address, size)) >> (address & 3) * 8;
}

/* The bits of a word that an access of 1, 2 or 4 bytes covers. */
static uint32_t mask_of(uint32_t address, uint32_t size)
{
    return (size >= 4 ? UINT32_MAX : (1u << size * 8) - 1) << (address & 3) * 8;
}

static void on_peripheral_write(uc_engine *engine, uint64_t offset, unsigned size, uint64_t value, void *user)
{
    const struct window *w = user;
    struct capture *c = w->capture;
    uint32_t address = w->base + (uint32_t)offset;
    (void)engine;
    if (!is_heard(c))
        return;
    int storage = storage_of(c, address);
    if (storage >= 0 && size == 4) {
        c->storage[storage] = (uint32_t)value;
        record_system_write(c, address, (uint32_t)value);
        return;
    }
    if (storage >= 0)
        return;
    devices_used(c);
    int status;
    struct peripheral *p = peripheral_at(c, address, &status);
    if (!p) {
        capture_fail(c, status);
        return;
    }
    int is_timed = p->dma || timers_have(c, address);
    if (p->dma)
        dma_look(c);
    p->writes++;
    if (c->polled == p->address)
        c->polled_at = 0;                        /* who writes what it reads does not wait for it */
    if (c->config.peripherals == PERIPHERALS_STRICT && !peripheral_is_known(p))
        record_fault(c, FAULT_PERIPHERAL, address, size);
    uint32_t moved = (uint32_t)value << (address & 3) * 8, mask = mask_of(address, size);
    if (p->serial)
        serial_write(c, p, moved, mask);
    else
        rules_write(c, p, moved, mask);
    if (is_timed || timers_have(c, address))
        due_timer_written(c);
}

static uint32_t system_says(struct capture *c, uint32_t address)
{
    uint64_t now = system_reads_clock(&c->system, address) ? record_time(c) : 0;
    c->clock_read |= system_clock_runs(&c->system, address);
    c->geometry_read |= system_is_geometry(address);
    return system_read(&c->system, address, now);
}

static uint64_t on_system_read(uc_engine *engine, uint64_t offset, unsigned size, void *user)
{
    struct capture *c = user;
    uint32_t address = SYSTEM_BASE + (uint32_t)offset;
    (void)engine;
    (void)size;
    return rewind_said(c, is_heard(c) ? system_says(c, address & ~3u) : 0) >> (address & 3) * 8;
}

static void on_system_write(uc_engine *engine, uint64_t offset, unsigned size, uint64_t value, void *user)
{
    struct capture *c = user;
    uint32_t address = SYSTEM_BASE + (uint32_t)offset, aligned = address & ~3u, word = (uint32_t)value;
    (void)engine;
    if (!is_heard(c))
        return;
    uint64_t now = system_writes_clock(aligned) ? record_time(c) : 0;
    if (size < 4) {                              /* bytes and halfwords: the rest of the word stays */
        uint32_t mask = mask_of(address, size);
        word = (system_beside(&c->system, aligned, now) & ~mask) | (word << (address & 3) * 8 & mask);
    }
    if (system_write(&c->system, aligned, word, now))
        record_system_write(c, aligned, word);
    if (system_writes_clock(aligned))
        due_plan(c, now);
    if (aligned >= REG_NVIC_ICPR && aligned < REG_NVIC_IABR)
        lines_look(c, 0);                        /* a line that is high pends again */
    c->look_at = 0;                              /* something may be pending now */
    c->held.changed = 1;
    code_settings(c);
    if (c->system.reset_requested)
        capture_stop_with(c, STOP_ENGINE);
}

int devices_map(struct capture *c)
{
    for (uint32_t r = 0; r < c->regions; r++) {
        const struct region_config *region = &c->region[r];
        if (region->kind != REGION_PERIPHERAL)
            continue;
        struct window *w = &c->window[c->windows++];
        *w = (struct window){c, region->base};
        if (c->mmio_map(c->engine, region->base, region->size, on_peripheral_read, w, on_peripheral_write, w) !=
            UC_ERR_OK)
            return CORE_ERR_ENGINE;
    }
    return c->mmio_map(c->engine, SYSTEM_BASE, SYSTEM_BYTES, on_system_read, c, on_system_write, c) == UC_ERR_OK
               ? CORE_OK
               : CORE_ERR_ENGINE;
}
