/* Runs every function of ldm_stm.S on a fresh buffer; the exit code is the number of the first wrong
 * row, 0 when all are right. Expected values: word(n), the little-endian word at byte n of 0 1 2 ... */
#include <stdint.h>

#include "semihost.h"

uint32_t multiple_words(uint8_t *), doubles(uint8_t *), narrow(uint8_t *), floats(uint8_t *),
    exclusive(uint8_t *), unaligned(uint8_t *), literals(uint8_t *), tables_and_hints(uint8_t *),
    registers_indexed(uint8_t *);

static uint8_t buffer[128] __attribute__((aligned(32)));

#define HALF(n) ((uint32_t)(n) | (uint32_t)((n) + 1) << 8)
#define WORD(n) (HALF(n) | HALF((n) + 2) << 16)

static const struct {
    uint32_t (*run)(uint8_t *);
    uint32_t expected;
} rows[] = {
    /* after STMDB of (word(0)^word(0)=0, 4, 0, 4, 8) at +24 and STMIA of (4, 0): 4, 0, 0, 4 */
    {multiple_words, WORD(4) + WORD(0) + WORD(0) + WORD(4)},
    /* +8: words 0, 4; +16: words 8, 12; read from +4 and from +16 */
    {doubles, WORD(4) + WORD(0) + WORD(8)},
    /* byte 1 + byte 3 + half 4 + half 6; half 4 stored at +8, bytes 10 and 11 as they were */
    {narrow, 1 + 3 + HALF(4) + HALF(6) + (HALF(4) | HALF(10) << 16)},
    /* s14 = word(32); at +8 singles 8, 12, 16; at +20 the upper half of d6 = word(44) */
    {floats, WORD(32) + WORD(8) + WORD(16) + WORD(44)},
    {exclusive, WORD(0) + 1 + WORD(4) + 0x110},
    /* word at 32: byte 32, then the low three bytes of word(1) */
    {unaligned, (32 | WORD(1) << 8) + WORD(1) + WORD(30) + HALF(7)},
    {literals, 3u * 0x01020304u + 3u * 0x10203040u},
    {tables_and_hints, 3},
    {registers_indexed, WORD(4) + WORD(16) + 4},
};

int main(void)
{
    for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (uint32_t byte = 0; byte < sizeof buffer; byte++)
            buffer[byte] = (uint8_t)byte;
        if (rows[i].run(buffer) != rows[i].expected)
            return (int)i + 1;
    }
    return 0;
}
