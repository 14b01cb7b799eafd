/* flash.c: flash that a program erases and programs itself: RM0385 3.3, RM0410 3.3, RM0433 4.3, RM0455 4.3.
 *
 * Both take no time. A store while PG is set clears bits, whatever its width. */
#include "capture/state.h"
#include "registers.h"

enum { PIECE = 256, SMALL_FLASH = 512 << 10 };   /* bytes; so many are written at a time */

struct geometry {                /* CR: sector erase, erase of all, and the sector's number; bytes of sectors
                                  * and of what is erased as one */
    uint32_t sector, all, first_bit, bits, small, unit, bank;
};

/* Of an STM32F7 the first four sectors are small ones, the fifth four times and all others eight times as large; of
 * one with 512 KB or less half of that. */
static const struct geometry geometries[] = {
    [ERASE_F7] = {1 << 1, 1 << 2, 3, 5, 1, 32 << 10, UINT32_MAX},
    [ERASE_H7] = {1 << 2, 1 << 3, 8, 3, 0, 128 << 10, 1 << 20},
    [ERASE_H7A3] = {1 << 2, 1 << 3, 6, 7, 0, 8 << 10, 1 << 20},
};

static const struct region_config *flash_at(const struct capture *c, uint32_t address)
{
    for (uint32_t r = 0; r < c->regions; r++)
        if (c->region[r].kind == REGION_FLASH && address - c->region[r].base < c->region[r].size)
            return &c->region[r];
    return NULL;
}

static void fill(struct capture *c, uint32_t address, uint32_t size)
{
    uint8_t erased[PIECE];
    const struct region_config *region = flash_at(c, address);
    memset(erased, 0xff, sizeof erased);
    if (!region)
        return;
    uint32_t room = region->base + region->size - address;
    for (size = size < room ? size : room; size; size -= PIECE, address += PIECE)
        if (c->mem_write(c->engine, address, erased, PIECE) != UC_ERR_OK)
            return;
}

static uint32_t begin_of(const struct geometry *g, uint32_t flash_bytes, uint32_t sector)
{
    uint32_t unit = g->small && flash_bytes <= SMALL_FLASH ? g->unit / 2 : g->unit;
    return !g->small || sector < 5 ? sector * unit : 8 * unit * (sector - 4);
}

void flash_erase(struct capture *c, const struct device_rule *r, uint32_t control)
{
    const struct geometry *g = &geometries[r->shift];
    uint32_t sector = control >> g->first_bit & ((1u << g->bits) - 1);
    const struct region_config *region = flash_at(c, r->other);
    uint32_t bytes = region ? region->size : 0, from = begin_of(g, bytes, sector);
    if (control & g->all)
        fill(c, r->other, g->bank);
    else if (control & g->sector)
        fill(c, r->other + from, begin_of(g, bytes, sector + 1) - from);
}

/* Whether a register lets flash be programmed. */
static int is_open(const struct capture *c)
{
    for (uint32_t i = 0; i < c->rules; i++) {
        const struct peripheral *p = c->rule[i].kind == DEVICE_PROGRAM ? peripheral_known(c, c->rule[i].other) : NULL;
        if (p && p->written & c->rule[i].mask)
            return 1;
    }
    return 0;
}

int flash_program(struct capture *c, uint32_t address, uint32_t size, uint64_t value)
{
    uint8_t old[8];
    if (size > sizeof old || !flash_at(c, address) || !is_open(c) ||
        c->mem_read(c->engine, address, old, size) != UC_ERR_OK)
        return 0;
    for (uint32_t i = 0; i < size; i++)
        old[i] &= (uint8_t)(value >> 8 * i);
    return c->mem_write(c->engine, address, old, size) == UC_ERR_OK;
}
