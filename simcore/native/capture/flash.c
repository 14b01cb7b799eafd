/* flash.c: flash that a program erases and programs itself: RM0385 3.3, RM0410 3.3, RM0433 4.3, RM0455 4.3.
 *
 * Both take no time. A store while PG is set clears bits, whatever its width. The engine stores all of it behind the
 * hook, so what was programmed is put there in front of the next access. Code that has run is not translated again. */
#include "capture/state.h"

enum { SMALL_FLASH = 512 << 10 };/* bytes */

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

int capture_lend_flash(struct capture *c, uint32_t address, uint32_t size, void *memory)
{
    if (c->flashes == MAX_REGIONS)
        return CORE_ERR_LIMIT;
    c->flash[c->flashes++] = (struct lent){address, size, memory};
    return CORE_OK;
}

static const struct lent *flash_at(const struct capture *c, uint32_t address)
{
    for (const struct lent *f = c->flash; f < c->flash + c->flashes; f++)
        if (address - f->address < f->size)
            return f;
    return NULL;
}

static void fill(const struct lent *f, uint32_t address, uint32_t size)
{
    uint32_t room = f->address + f->size - address;
    if (address - f->address < f->size)
        memset(f->memory + (address - f->address), 0xff, size < room ? size : room);
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
    const struct lent *f = flash_at(c, r->other);
    if (f && control & g->all)
        fill(f, r->other, g->bank);
    else if (f && control & g->sector)
        fill(f, r->other + begin_of(g, f->size, sector),
             begin_of(g, f->size, sector + 1) - begin_of(g, f->size, sector));
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
    const struct lent *f = flash_at(c, address);
    if (!f || size > sizeof c->programmed_bytes || size > f->size - (address - f->address) || !is_open(c))
        return 0;
    c->programmed = f->memory + (address - f->address);
    c->programmed_size = size;
    for (uint32_t i = 0; i < size; i++)
        c->programmed_bytes[i] = (uint8_t)(c->programmed[i] & value >> 8 * i);
    c->closely |= CLOSELY_PROGRAMMED;
    return 1;
}

void flash_settle(struct capture *c)
{
    memcpy(c->programmed, c->programmed_bytes, c->programmed_size);
    c->closely &= ~(uint32_t)CLOSELY_PROGRAMMED;
}
