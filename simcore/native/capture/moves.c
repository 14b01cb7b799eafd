/* moves.c: the bytes that a DMA channel moves, from memory or a register to memory or a register, as if item by item.
 * What its ports do not reach is a transfer error: see moves_reach(). */
#include "capture/dma.h"
#include "capture/state.h"

enum {
    PIECE_BYTES = 4096,          /* that are moved at once where nobody can tell */
    LINES_MAX = 1024,            /* of a rectangle of which some are no memory */
    REGISTERS_MAX = 1 << 16,     /* one behind the other */
};

/* --- what a port reaches ------------------------------------------------------------------------------------ */

static const struct region_config *region_at(const struct capture *c, uint32_t address)
{
    for (uint32_t r = 0; r < c->regions; r++)
        if (address - c->region[r].base < c->region[r].size)
            return &c->region[r];
    return NULL;
}

static int is_register(const struct capture *c, uint32_t address)
{
    const struct region_config *r = region_at(c, address);
    return r && r->kind == REGION_PERIPHERAL;
}

/* Not those of DMA itself, nor those that timing hears of. */
static int reaches_register(const struct capture *c, uint32_t address)
{
    const struct peripheral *p = peripheral_known(c, address);
    for (uint32_t i = 0; i < c->config.storages; i++)
        if (c->config.storage[i] == (address & ~3u))
            return 0;
    return p && !p->dma && (c->config.peripherals != PERIPHERALS_STRICT || peripheral_is_known(p));
}

/* External memory is there when the program has some of it. */
static int is_there(const struct capture *c, const struct region_config *r)
{
    uint8_t byte;
    return r->kind != REGION_EXTERNAL || c->mem_read(c->engine, r->base, &byte, 1) == UC_ERR_OK;
}

/* Flash that is never cached is flash on the ITCM bus. */
static int reaches(const struct capture *c, const struct dma_side *s, uint32_t address, int is_write)
{
    const struct region_config *r = region_at(c, address);
    if (!r || !(s->kinds >> r->kind & 1) || !is_there(c, r))
        return 0;
    if (r->kind == REGION_PERIPHERAL)
        return s->size <= 4 && reaches_register(c, address);
    return r->kind != REGION_FLASH || (!is_write && (!r->never_cached || s->kinds >> REGION_ITCM & 1));
}

uint32_t moves_address(const struct dma_side *s, uint64_t bytes)
{
    uint32_t skipped = s->skip ? (uint32_t)(bytes / s->group) * s->skip : 0;
    uint32_t address = s->address + (uint32_t)(bytes / s->size) * s->step + skipped;
    return s->modulo ? (s->address & ~s->modulo) | (address & s->modulo) : address;
}

static int is_straight(const struct capture *c, const struct dma_side *s)
{
    return s->step == s->size && !s->skip && !s->modulo && !is_register(c, s->address);
}

/* Bytes of memory from the lowest to the highest, 0: more than this can tell. */
static uint64_t span_of(const struct dma_side *s, uint64_t bytes)
{
    if (s->step > INT32_MAX || s->skip > INT32_MAX || s->modulo)
        return 0;
    return (bytes - 1) / s->size * s->step + (s->skip ? (bytes - 1) / s->group * s->skip : 0) + s->size;
}

/* Where the memory ends, or begins, that a side reaches around an address: regions one behind the other. */
static uint64_t end_of(const struct capture *c, const struct dma_side *s, uint64_t at, int is_write)
{
    while (at <= UINT32_MAX && !is_register(c, (uint32_t)at) && reaches(c, s, (uint32_t)at, is_write)) {
        const struct region_config *r = region_at(c, (uint32_t)at);
        at = (uint64_t)r->base + r->size;
    }
    return at;
}

static uint64_t begin_of(const struct capture *c, const struct dma_side *s, uint64_t at, int is_write)
{
    while (at && !is_register(c, (uint32_t)at - 1) && reaches(c, s, (uint32_t)at - 1, is_write))
        at = region_at(c, (uint32_t)at - 1)->base;
    return at;
}

/* Of so many items, a step apart, those in front of the first that is not all memory. */
static uint64_t run(const struct capture *c, const struct dma_side *s, uint32_t address, uint64_t items, int is_write)
{
    uint64_t end = end_of(c, s, address, is_write), good = items;
    if ((uint64_t)address + s->size > end)
        return 0;
    if (s->step > INT32_MAX)
        good = (address - begin_of(c, s, address, is_write)) / (0u - s->step) + 1;
    else if (s->step)
        good = (end - s->size - address) / s->step + 1;
    return good < items ? good : items;
}

/* Lines that are not all in one piece of memory are looked at one by one, as far as a transfer error needs. */
static uint64_t reach_lines(const struct capture *c, const struct dma_side *s, uint64_t total, int is_write)
{
    uint64_t span = span_of(s, total), good = 0;
    if (span && (uint64_t)s->address + span <= end_of(c, s, s->address, is_write))
        return total;
    for (int line = 0; good < total && line < LINES_MAX; line++) {
        uint64_t left = total - good < s->group ? total - good : s->group;
        uint64_t found = run(c, s, moves_address(s, good), left / s->size, is_write) * s->size;
        good += found;
        if (found < left)
            break;
    }
    return good;
}

/* Bytes of a side's items in front of the first that it does not reach. */
static uint64_t reach(const struct capture *c, const struct dma_side *s, uint64_t total, int is_write)
{
    uint64_t good = 0;
    if (s->modulo) {
        uint32_t first = s->address & ~s->modulo;
        return end_of(c, s, first, is_write) >= (uint64_t)first + s->modulo + s->size ? total : 0;
    }
    if (!is_register(c, s->address))
        return s->skip ? reach_lines(c, s, total, is_write)
                       : run(c, s, s->address, (total + s->size - 1) / s->size, is_write) * s->size;
    for (int n = 0; n < REGISTERS_MAX && good < total && reaches(c, s, moves_address(s, good), is_write); n++)
        good += s->step ? s->size : s->skip ? s->group : total;
    return good;
}

int moves_is_memory(const struct capture *c, uint32_t kinds, uint32_t address, uint32_t size)
{
    struct dma_side s = {.address = address, .size = 1, .step = 1, .kinds = kinds};
    return !is_register(c, address) && reach(c, &s, size, 0) == size;
}

int moves_cannot_read(const struct capture *c, const struct dma_channel *ch)
{
    return reach(c, &ch->from, ch->total, 0) < ch->good + ch->unit;
}

uint64_t moves_reach(const struct capture *c, const struct dma_channel *ch)
{
    uint64_t from = reach(c, &ch->from, ch->total, 0), to = reach(c, &ch->to, ch->total, 1);
    uint64_t good = from < to ? from : to;
    good = good < ch->total ? good : ch->total;
    return good - good % ch->unit;
}

/* --- one side ------------------------------------------------------------------------------------------------ */

typedef void access_fn(struct capture *c, uint32_t address, uint32_t size, uint8_t *bytes);

static void load(struct capture *c, uint32_t address, uint32_t size, uint8_t *bytes)
{
    struct peripheral *p = is_register(c, address) ? peripheral_known(c, address) : NULL;
    if (p) {
        p->reads++;
        uint32_t value = rules_read(c, p, size) >> (address & 3) * 8;
        for (uint32_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)(value >> 8 * i);
    } else if (c->mem_read(c->engine, address, bytes, size) != UC_ERR_OK) {
        capture_fail(c, CORE_ERR_ENGINE);
    }
}

static void store(struct capture *c, uint32_t address, uint32_t size, uint8_t *bytes)
{
    struct peripheral *p = is_register(c, address) ? peripheral_known(c, address) : NULL;
    if (p) {
        uint32_t value = 0, mask = size >= 4 ? UINT32_MAX : (1u << size * 8) - 1, shift = (address & 3) * 8;
        for (uint32_t i = 0; i < size; i++)
            value |= (uint32_t)bytes[i] << 8 * i;
        p->writes++;
        c->dma.wrote = c->dma.writes = 1;
        rules_write(c, p, value << shift, mask << shift);
        c->dma.writes = 0;
    } else if (c->mem_write(c->engine, address, bytes, size) != UC_ERR_OK) {
        capture_fail(c, CORE_ERR_ENGINE);
    } else {
        code_overwritten(c, address, size);
    }
}

/* Bytes [first, first + count) of a side: in one access where its items lie one behind the other. */
static void each(struct capture *c, const struct dma_side *s, uint64_t first, uint32_t count, uint8_t *bytes,
                 access_fn *access)
{
    if (is_straight(c, s)) {
        access(c, s->address + (uint32_t)first, count, bytes);
        return;
    }
    while (count && c->status == CORE_OK) {
        uint32_t into = (uint32_t)(first % s->size), part = s->size - into < count ? s->size - into : count;
        access(c, moves_address(s, first - into) + into, part, bytes);
        first += part;
        bytes += part;
        count -= part;
    }
}

/* --- both ------------------------------------------------------------------------------------------------------ */

/* Bytes that can be read before the first of them is written. */
static uint32_t piece(const struct capture *c, const struct dma_channel *ch)
{
    const struct dma_side *from = &ch->from, *to = &ch->to;
    uint64_t from_span = span_of(from, ch->total), to_span = span_of(to, ch->total);
    if (from_span && to_span && (from->address + from_span <= to->address || to->address + to_span <= from->address))
        return PIECE_BYTES;
    uint32_t apart = to->address - from->address;
    if (!is_straight(c, from) || !is_straight(c, to) || apart < ch->unit)
        return ch->unit;
    return apart < PIECE_BYTES ? apart - apart % ch->unit : PIECE_BYTES;
}

/* Tells timing of the memory that is read or written. */
static void tell(struct capture *c, const struct dma_channel *ch, const struct dma_side *s, uint64_t bytes,
                 int is_write)
{
    uint32_t payload[] = {(uint32_t)is_write, 0, 0, ch->code};
    if (is_straight(c, s)) {
        payload[1] = s->address + (uint32_t)ch->done;
        payload[2] = (uint32_t)bytes;
        stream_put(c->stream, RECORD_DMA, payload, 4);
        return;
    }
    for (uint64_t at = 0; at < bytes; at += s->size) {
        payload[1] = moves_address(s, ch->done + at);
        payload[2] = bytes - at < s->size ? (uint32_t)(bytes - at) : s->size;
        stream_put(c->stream, RECORD_DMA, payload, 4);
    }
}

void moves_run(struct capture *c, const struct dma_channel *ch, uint64_t bytes)
{
    uint8_t buffer[PIECE_BYTES];
    uint32_t most = piece(c, ch);
    tell(c, ch, &ch->from, bytes, 0);
    tell(c, ch, &ch->to, bytes, 1);
    for (uint64_t at = 0; at < bytes && c->status == CORE_OK; at += most) {
        uint32_t count = bytes - at < most ? (uint32_t)(bytes - at) : most;
        each(c, &ch->from, ch->done + at, count, buffer, load);
        each(c, &ch->to, ch->done + at, count, buffer, store);
    }
}
