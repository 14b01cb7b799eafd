/* crc.c: the CRC unit of STM32 parts: RM0385 chapter CRC, RM0433 chapter CRC.
 *
 * Its data register keeps the remainder as it is; what it reads may be turned round. */
#include "capture/state.h"

enum { CR = 8, INIT = 0x10, POL = 0x14 };                        /* from DR */

static uint32_t near(const struct capture *c, const struct peripheral *data, uint32_t offset)
{
    return peripheral_word(c, data->address + offset);
}

/* The lowest `bits` of a word in reverse. */
static uint32_t reversed(uint32_t word, uint32_t bits)
{
    uint32_t other = 0;
    for (uint32_t i = 0; i < bits; i++)
        other |= (word >> i & 1) << (bits - 1 - i);
    return other;
}

static uint32_t size_of(const struct capture *c, const struct peripheral *data)
{
    static const uint8_t bits[] = {32, 16, 8, 7};                /* POLYSIZE */
    return bits[field(near(c, data, CR), 3, 2)];
}

static uint32_t mask_of(uint32_t bits) { return UINT32_MAX >> (32 - bits); }

void crc_reset(struct capture *c, struct peripheral *data) { data->written = near(c, data, INIT); }

/* REV_IN: bits are reversed in each byte, halfword or word of what is written. */
static uint32_t turned(uint32_t value, uint32_t bits, uint32_t by)
{
    uint32_t unit = by == 1 ? 8 : by == 2 ? 16 : 32, out = 0;
    if (!by)
        return value;
    unit = unit < bits ? unit : bits;
    for (uint32_t at = 0; at < bits; at += unit)
        out |= reversed(value >> at & mask_of(unit), unit) << at;
    return out;
}

void crc_feed(struct capture *c, struct peripheral *data, uint32_t before, uint32_t value, uint32_t bytes)
{
    uint32_t bits = 8 * bytes, size = size_of(c, data), polynomial = near(c, data, POL), crc = before;
    value = turned(value, bits, field(near(c, data, CR), 5, 2));
    for (uint32_t i = bits; i-- > 0;) {
        uint32_t out = (crc >> (size - 1) ^ value >> i) & 1;
        crc = crc << 1 ^ (out ? polynomial : 0);
    }
    data->written = crc & mask_of(size);
}

uint32_t crc_value(const struct capture *c, const struct peripheral *data)
{
    uint32_t size = size_of(c, data), crc = data->written & mask_of(size);
    return near(c, data, CR) & 1 << 7 ? reversed(crc, size) : crc;           /* REV_OUT */
}
