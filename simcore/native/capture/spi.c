/* spi.c: SPI masters to whom nobody answers: what is sent is gone at once, and a frame comes in for each, of zeros.
 *
 * Registers as RM0385 32.9 has them, RM0433 50.11, and IMXRT1060RM chapter LPSPI. The register that data is read from
 * keeps how much was received (bytes; words of an LPSPI), and TXDR what waits for CSTART: neither reads so. */
#include "capture/state.h"

enum { F7_CR1 = 0, F7_CR2 = 4, F7_SR = 8, F7_DR = 0xc };
enum {
    F7_MASTER = 1 << 2 | 1 << 6,
    F7_SR_OVR = 1 << 6,
    F7_RXONLY = 1 << 10,
    F7_OUT_OF_ONE = 3 << 14,
    F7_IN_OF_ONE = 2 << 14
};                                 /* MSTR and SPE; BIDIMODE with and without BIDIOE */
enum { H7_CR1 = 0, H7_CR2 = 4, H7_CFG1 = 8, H7_CFG2 = 0xc, H7_SR = 0x14, H7_TXDR = 0x20, H7_RXDR = 0x30 };
enum { H7_ON = 1, H7_START = 1 << 9, H7_OUTWARD = 1 << 11, H7_MASTER = 1 << 22 };
enum { H7_EOT_TXTF = 3 << 3, H7_OVR = 1 << 6, H7_COUNT = 16 };   /* SR: and where CTSIZE begins */
enum {
    RT_CR = 0x10,
    RT_SR = 0x14,
    RT_CFGR1 = 0x24,
    RT_FCR = 0x58,
    RT_FSR = 0x5c,
    RT_TCR = 0x60,
    RT_TDR = 0x64,
    RT_RSR = 0x70,
    RT_RDR = 0x74
};
enum { RT_SENT = 7 << 8, RT_RDF = 1 << 1, RT_RXMSK = 1 << 19, RT_TXMSK = 1 << 18, RT_WORDS = 16 };

struct spi {
    struct capture *c;
    uint32_t base, fifo;         /* bytes */
};

static uint32_t *word(const struct spi *s, uint32_t offset)
{
    static _Thread_local uint32_t nowhere;
    struct peripheral *p = peripheral_known(s->c, s->base + offset);
    return p ? &p->written : &nowhere;
}

static void put(uint32_t *value, uint32_t mask, uint32_t bits) { *value = (*value & ~mask) | (bits & mask); }
static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* --- STM32F7 ---------------------------------------------------------------------------------------------- */

static void f7_settle(const struct spi *s)
{
    uint32_t control = *word(s, F7_CR1), *level = word(s, F7_DR);
    if ((control & F7_MASTER) == F7_MASTER && (control & F7_RXONLY || (control & F7_OUT_OF_ONE) == F7_IN_OF_ONE))
        *level = s->fifo;                                        /* its clock runs while it is on */
    uint32_t threshold = field(*word(s, F7_CR2), 12, 1) ? 1 : 2;             /* FRXTH */
    put(word(s, F7_SR), 1 | 3 << 9, (*level >= threshold) | least(*level, 3) << 9);
}

static void f7_write(const struct spi *s, uint32_t offset, uint32_t before, uint32_t size)
{
    uint32_t control = *word(s, F7_CR1), *level = word(s, F7_DR);
    if (offset == F7_DR) {
        int hears = (control & F7_MASTER) == F7_MASTER && (control & F7_OUT_OF_ONE) != F7_OUT_OF_ONE;
        uint32_t bytes = field(*word(s, F7_CR2), 8, 4) > 7 || size > 1 ? 2 : 1;     /* DS; two frames are packed */
        *level = before + (hears ? bytes : 0);
        if (*level > s->fifo) {
            *level = s->fifo;
            *word(s, F7_SR) |= F7_SR_OVR;
        }
    }
    f7_settle(s);
}

static void f7_read(const struct spi *s, uint32_t size)
{
    *word(s, F7_DR) -= least(*word(s, F7_DR), size > 1 ? 2 : 1);
    *word(s, F7_SR) &= ~(uint32_t)F7_SR_OVR;
    f7_settle(s);
}

/* --- STM32H7 ---------------------------------------------------------------------------------------------- */

static uint32_t h7_frame(const struct spi *s)
{
    uint32_t bits = field(*word(s, H7_CFG1), 0, 5) + 1;
    return bits <= 8 ? 1 : bits <= 16 ? 2 : 4;
}

static void h7_settle(const struct spi *s)
{
    uint32_t level = *word(s, H7_RXDR), frame = h7_frame(s), threshold = field(*word(s, H7_CFG1), 5, 4) + 1;
    put(word(s, H7_SR), 1 | 7 << 13,
        (level >= threshold * frame) | (level % 4 / frame) << 13 | (uint32_t)(level >= 4) << 15);
}

/* What waits to be sent goes out, and as much comes in. */
static void h7_transfer(const struct spi *s)
{
    uint32_t *control = word(s, H7_CR1), *status = word(s, H7_SR), *level = word(s, H7_RXDR);
    uint32_t mode = field(*word(s, H7_CFG2), 17, 2), frame = h7_frame(s), length = field(*word(s, H7_CR2), 0, 16);
    int inward = mode == 2 || (mode == 3 && !(*control & H7_OUTWARD));       /* COMM, HDDIR */
    uint32_t frames = inward ? *status >> H7_COUNT : *word(s, H7_TXDR) / frame;
    if ((*control & (H7_ON | H7_START)) != (H7_ON | H7_START) || !(*word(s, H7_CFG2) & H7_MASTER))
        return;
    *word(s, H7_TXDR) -= inward ? 0 : frames * frame;
    if (mode == 0 && *level + frames * frame > s->fifo)
        *status |= H7_OVR;
    *level = inward      ? (length ? frames * frame : s->fifo)
             : mode == 0 ? least(*level + frames * frame, s->fifo)
                         : *level;
    if (!length)
        return;
    uint32_t left = *status >> H7_COUNT;
    left -= least(left, frames);
    *status = (*status & 0xffff) | left << H7_COUNT;
    if (!left) {
        *status |= H7_EOT_TXTF;
        *control &= ~(uint32_t)H7_START;
    }
}

static void h7_write(const struct spi *s, uint32_t offset, uint32_t before, uint32_t size)
{
    uint32_t control = *word(s, H7_CR1);
    if (offset == H7_TXDR)
        *word(s, H7_TXDR) = control & H7_ON ? before + size : before;
    if (offset == H7_RXDR)
        *word(s, H7_RXDR) = before;
    if (offset == H7_CR1 && !(control & H7_ON))
        *word(s, H7_TXDR) = *word(s, H7_RXDR) = 0;
    if (offset == H7_CR1 && control & ~before & H7_START)
        put(word(s, H7_SR), 0xffffu << H7_COUNT, *word(s, H7_CR2) << H7_COUNT);
    h7_transfer(s);
    h7_settle(s);
}

static void h7_read(const struct spi *s, uint32_t size)
{
    *word(s, H7_RXDR) -= least(*word(s, H7_RXDR), size);
    h7_transfer(s);                                              /* what comes in without end goes on */
    h7_settle(s);
}

/* --- i.MX RT ---------------------------------------------------------------------------------------------- */

static void rt_settle(const struct spi *s)
{
    uint32_t level = *word(s, RT_RDR);
    put(word(s, RT_SR), RT_RDF, level > field(*word(s, RT_FCR), 16, 4) ? RT_RDF : 0);
    put(word(s, RT_FSR), 31u << 16, least(level, RT_WORDS) << 16);
    put(word(s, RT_RSR), 2, level ? 0 : 2);
}

static void rt_write(const struct spi *s, uint32_t offset, uint32_t before)
{
    uint32_t command = *word(s, RT_TCR), *level = word(s, RT_RDR);
    int on = *word(s, RT_CR) & 1 && *word(s, RT_CFGR1) & 1;      /* MEN, MASTER */
    if (offset == RT_RDR)
        *level = before;
    if (offset == RT_CR && *word(s, RT_CR) & (1 << 9 | 1 << 1))  /* RRF, RST */
        *level = 0;
    if (on && (offset == RT_TDR || (offset == RT_TCR && command & RT_TXMSK))) {
        uint32_t words = offset == RT_TDR ? 1 : (field(command, 0, 12) + 32) / 32;   /* FRAMESZ */
        *level += command & RT_RXMSK ? 0 : words;
        *word(s, RT_SR) |= RT_SENT;                              /* WCF, FCF, TCF */
    }
    rt_settle(s);
}

static void rt_read(const struct spi *s)
{
    *word(s, RT_RDR) -= least(*word(s, RT_RDR), 1);
    rt_settle(s);
}

/* --- what rules.c asks ------------------------------------------------------------------------------------- */

void spi_write(struct capture *c, const struct device_rule *r, uint32_t address, uint32_t before, uint32_t size)
{
    struct spi s = {c, r->other, r->mask};
    switch (r->shift) {
    case SPI_F7: f7_write(&s, address - s.base, before, size); break;
    case SPI_H7: h7_write(&s, address - s.base, before, size); break;
    default: rt_write(&s, address - s.base, before);
    }
}

void spi_read(struct capture *c, const struct device_rule *r, uint32_t address, uint32_t size)
{
    struct spi s = {c, r->other, r->mask};
    uint32_t offset = address - s.base;
    if (r->shift == SPI_F7 && offset == F7_DR)
        f7_read(&s, size);
    else if (r->shift == SPI_H7 && offset == H7_RXDR)
        h7_read(&s, size);
    else if (r->shift == SPI_RT && offset == RT_RDR)
        rt_read(&s);
}
