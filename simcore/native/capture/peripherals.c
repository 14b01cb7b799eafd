/* peripherals.c: the words of peripherals that a program used: what was written, and what was told of them. */
#include <stdlib.h>

#include "capture/state.h"

enum { ROOM_FIRST = 256 };       /* words; a power of two */

static uint32_t slot_of(const struct peripheral *words, uint32_t room, uint32_t address)
{
    uint32_t at = (address >> 2) * 2654435769u & (room - 1);
    while (words[at].used && words[at].address != address)
        at = (at + 1) & (room - 1);
    return at;
}

static int peripherals_grow(struct capture *c)
{
    uint32_t room = c->peripheral_room ? 2 * c->peripheral_room : ROOM_FIRST;
    struct peripheral *words = calloc(room, sizeof *words);
    if (!words)
        return CORE_ERR_MEMORY;
    for (uint32_t i = 0; i < c->peripheral_room; i++)
        if (c->peripheral[i].used)
            words[slot_of(words, room, c->peripheral[i].address)] = c->peripheral[i];
    free(c->peripheral);
    c->peripheral = words;
    c->peripheral_room = room;
    return CORE_OK;
}

struct peripheral *peripheral_at(struct capture *c, uint32_t address, int *status)
{
    *status = CORE_OK;
    if (c->peripherals >= WORDS_MAX && !peripheral_known(c, address)) {
        c->left_out.registers++;
        c->peripheral_rest = (struct peripheral){.used = 1, .address = address & ~3u};
        return &c->peripheral_rest;
    }
    *status = 2 * c->peripherals >= c->peripheral_room ? peripherals_grow(c) : CORE_OK;
    if (*status != CORE_OK)
        return NULL;
    struct peripheral *p = &c->peripheral[slot_of(c->peripheral, c->peripheral_room, address & ~3u)];
    if (!p->used) {
        *p = (struct peripheral){.used = 1, .address = address & ~3u};
        c->peripherals++;
    }
    return p;
}

struct peripheral *peripheral_known(const struct capture *c, uint32_t address)
{
    if (!c->peripheral_room)
        return NULL;
    struct peripheral *p = &c->peripheral[slot_of(c->peripheral, c->peripheral_room, address & ~3u)];
    return p->used ? p : NULL;
}

uint32_t peripheral_word(const struct capture *c, uint32_t address)
{
    const struct peripheral *p = peripheral_known(c, address);
    return p ? p->written : 0;
}

void capture_describe_when_used(struct capture *c, void *self, core_describe_fn *describe)
{
    c->describer = self;
    c->describe = describe;
}

void devices_used(struct capture *c)
{
    core_describe_fn *describe = c->describe;
    c->describe = NULL;
    int status = describe ? describe(c->describer) : CORE_OK;
    if (status != CORE_OK)
        capture_fail(c, status);
}

int capture_tell_register(struct capture *c, uint32_t address, uint32_t value, uint32_t mask)
{
    devices_used(c);
    int status;
    struct peripheral *p = peripheral_at(c, address, &status);
    if (!p)
        return status;
    p->fixed_mask |= mask;
    p->fixed = (p->fixed & ~mask) | (value & mask);
    return CORE_OK;
}

int capture_reset_register(struct capture *c, uint32_t address, uint32_t value)
{
    devices_used(c);
    int status;
    struct peripheral *p = peripheral_at(c, address, &status);
    if (p)
        p->written = value;
    return status;
}

uint32_t capture_register(struct capture *c, uint32_t address)
{
    devices_used(c);
    const struct peripheral *p = peripheral_known(c, address);
    return p ? rules_peek(c, p) : 0;
}

int capture_register_written(const struct capture *c, uint32_t address)
{
    const struct peripheral *p = peripheral_known(c, address);
    return p && p->writes;
}

/* Those that nobody described. */
static int is_told(const struct peripheral *p) { return p->used && !peripheral_is_known(p) && (p->reads || p->writes); }

uint32_t capture_peripheral_count(const struct capture *c)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < c->peripheral_room; i++)
        count += (uint32_t)is_told(&c->peripheral[i]);
    return count;
}

void capture_peripherals(const struct capture *c, struct peripheral_info *out)
{
    for (uint32_t i = 0; i < c->peripheral_room; i++) {
        const struct peripheral *p = &c->peripheral[i];
        if (is_told(p))
            *out++ = (struct peripheral_info){p->address, rules_peek(c, p), p->reads, p->writes};
    }
}
