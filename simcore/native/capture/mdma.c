/* mdma.c: channels of the MDMA of STM32H7, which software asks for (RM0433, chapter MDMA). What changes the width of
 * items without packing them, or the order of bytes, is a transfer error here. */
#include "capture/dma.h"
#include "capture/state.h"

/* Offsets from CISR, which is the first of a channel's registers. */
enum { CISR = 0, CIFCR = 0x4, CCR = 0xc, CTCR = 0x10, CBNDTR = 0x14, CSAR = 0x18, CDAR = 0x1c, CBRUR = 0x20 };
enum { CLAR = 0x24, CTBR = 0x28, CMDR = 0x34, LINK_WORDS = 6 };
enum {
    FLAG_TEIF = 1,
    FLAG_CTCIF = 1 << 1,
    FLAG_BRTIF = 1 << 2,
    FLAG_BTIF = 1 << 3,
    FLAG_TCIF = 1 << 4,
    FLAGS = 0x1f,
    CCR_EN = 1,
    CCR_EXCHANGES = 7 << 12,
    CCR_SWRQ = 1 << 16,
    CTCR_PKE = 1 << 25,
    CBNDTR_BNDT = 0x1ffff,
    CTBR_SBUS = 1 << 16,
    CTBR_DBUS = 1 << 17,
};
#define CTCR_SWRM 0x40000000u
enum trigger { BUFFER, BLOCK, BLOCKS, LIST };

static enum trigger trigger_of(const struct capture *c, const struct dma_channel *ch)
{
    return (enum trigger)(dma_own(c, ch, CTCR) >> 28 & 3);
}

static void raise_flags(struct capture *c, const struct dma_channel *ch, uint32_t flags)
{
    dma_set_own(c, ch, CISR, dma_own(c, ch, CISR) | flags);
    if (dma_own(c, ch, CCR) >> 1 & flags)           /* their enables */
        due_pend(c, EXCEPTION_IRQ0 + ch->info.interrupt);
}

/* By how much a block's addresses are put on behind it. */
static uint32_t update(const struct capture *c, const struct dma_channel *ch, uint32_t shift, uint32_t downwards)
{
    uint32_t by = dma_own(c, ch, CBRUR) >> shift & 0xffff;
    return dma_own(c, ch, CBNDTR) & downwards ? 0u - by : by;
}

/* Of a side's fields of CTCR. TCMs have a bus of their own. */
static struct dma_side side(const struct dma_channel *ch, uint32_t address, uint32_t mode, uint32_t log2_size,
                            uint32_t log2_step, int on_tcm_bus)
{
    uint32_t tcm = 1u << REGION_ITCM | 1u << REGION_DTCM, step = 1u << (log2_step & 3);
    uint32_t kinds = ch->info.memory_kinds & (on_tcm_bus ? tcm : ~tcm);
    return (struct dma_side){.address = address,
                             .size = 1u << (log2_size & 3),
                             .step = (mode & 3) == 2   ? step
                                     : (mode & 3) == 3 ? 0u - step
                                                       : 0,
                             .kinds = kinds};
}

static void set_sides(const struct capture *c, struct dma_channel *ch)
{
    uint32_t ctcr = dma_own(c, ch, CTCR), bus = dma_own(c, ch, CTBR);
    ch->from = side(ch, dma_own(c, ch, CSAR), ctcr, ctcr >> 4, ctcr >> 8, (bus & CTBR_SBUS) != 0);
    ch->to = side(ch, dma_own(c, ch, CDAR), ctcr >> 2, ctcr >> 6, ctcr >> 10, (bus & CTBR_DBUS) != 0);
    ch->unit = ch->from.size > ch->to.size ? ch->from.size : ch->to.size;
    ch->group = dma_own(c, ch, CBNDTR) & CBNDTR_BNDT;
    ch->from.group = ch->to.group = ch->group;
    ch->from.skip = update(c, ch, 0, 1 << 18);
    ch->to.skip = update(c, ch, 16, 1 << 19);
}

static void happened(struct capture *c, struct dma_channel *ch, enum dma_event event);

/* A request of software: a buffer, a block, or all of them. */
static void start(struct capture *c, struct dma_channel *ch)
{
    uint32_t ctcr = dma_own(c, ch, CTCR), buffer = (ctcr >> 18 & 0x7f) + 1;
    set_sides(c, ch);
    enum trigger by = trigger_of(c, ch);
    uint32_t blocks = by < BLOCKS ? 1 : (dma_own(c, ch, CBNDTR) >> 20) + 1;
    ch->total = by == BUFFER && buffer < ch->group ? buffer : (uint64_t)ch->group * blocks;
    ch->done = 0;
    ch->cycles = ch->info.cycles;
    ch->on = 1;
    int is_plain = ch->from.size == ch->to.size || ctcr & CTCR_PKE;
    if (!ch->total || ch->total % ch->unit || !is_plain || dma_own(c, ch, CCR) & CCR_EXCHANGES)
        happened(c, ch, DMA_FAILED);
    else
        dma_begin(c, ch);
}

/* The registers of the next link; 0: there is none, -1: it cannot be read. */
static int next_link(struct capture *c, struct dma_channel *ch)
{
    uint32_t link[LINK_WORDS + 4], at = dma_own(c, ch, CLAR);
    if (!at)
        return 0;
    if (at % 8 || !moves_is_memory(c, ch->info.memory_kinds, at, sizeof link) ||
        c->mem_read(c->engine, at, link, sizeof link) != UC_ERR_OK)
        return -1;
    for (uint32_t i = 0; i < LINK_WORDS; i++)
        dma_set_own(c, ch, CTCR + 4 * i, link[i]);
    dma_set_own(c, ch, CTBR, link[6]);
    dma_set_own(c, ch, CTBR + 8, link[8]);
    dma_set_own(c, ch, CMDR, link[9]);
    return 1;
}

/* Bytes and blocks that are left; the flags of what has ended with that. */
static uint32_t count_down(struct capture *c, struct dma_channel *ch)
{
    uint32_t bndtr = dma_own(c, ch, CBNDTR), blocks = (uint32_t)(ch->done / ch->group);
    uint32_t left = ch->group - (uint32_t)(ch->done % ch->group), repeats = bndtr >> 20;
    int is_last = blocks > repeats;
    dma_set_own(c, ch, CSAR, moves_address(&ch->from, ch->done));
    dma_set_own(c, ch, CDAR, moves_address(&ch->to, ch->done));
    dma_set_own(c, ch, CBNDTR, (bndtr & 0xc0000) | (is_last ? 0 : left | (repeats - blocks) << 20));
    return FLAG_TCIF | (blocks ? FLAG_BTIF : 0) | (is_last ? FLAG_BRTIF : 0);
}

static void happened(struct capture *c, struct dma_channel *ch, enum dma_event event)
{
    dma_end(ch);
    uint32_t flags = event == DMA_FAILED ? FLAG_TEIF : count_down(c, ch);
    int link = flags & FLAG_BRTIF ? next_link(c, ch) : 1;
    if (link < 0)
        flags |= FLAG_TEIF;
    if (!link)
        flags |= FLAG_CTCIF;
    if (flags & (FLAG_TEIF | FLAG_CTCIF))
        dma_set_own(c, ch, CCR, dma_own(c, ch, CCR) & ~(uint32_t)CCR_EN);
    raise_flags(c, ch, flags);
    if (flags & FLAG_BRTIF && link > 0 && trigger_of(c, ch) == LIST)
        start(c, ch);
}

static int interrupts(const struct capture *c, const struct dma_channel *ch, enum dma_event event)
{
    uint32_t enabled = dma_own(c, ch, CCR) >> 1 & FLAGS;
    uint32_t blocks = ch->group ? (uint32_t)(ch->total / ch->group) : 0;
    int is_last = blocks > dma_own(c, ch, CBNDTR) >> 20;
    uint32_t flags = FLAG_TCIF | (blocks ? FLAG_BTIF : 0) | (is_last ? FLAG_BRTIF : 0) |
                     (is_last && !dma_own(c, ch, CLAR) ? FLAG_CTCIF : 0);
    return (enabled & (event == DMA_FAILED ? FLAG_TEIF : flags)) != 0;
}

static void written(struct capture *c, struct dma_channel *ch, struct peripheral *p, uint32_t before)
{
    uint32_t offset = p->address - ch->info.registers;
    if (offset == CISR) {
        p->written = before;
    } else if (offset == CIFCR) {
        dma_set_own(c, ch, CISR, dma_own(c, ch, CISR) & ~p->written);
        p->written = 0;
    } else if (offset == CCR) {
        int is_asked = (p->written & CCR_SWRQ) != 0;
        p->written &= ~(uint32_t)CCR_SWRQ;
        if (ch->on && !(p->written & CCR_EN)) {
            dma_end(ch);
            raise_flags(c, ch, FLAG_CTCIF);
        } else if (!ch->on && is_asked && p->written & CCR_EN && dma_own(c, ch, CTCR) & CTCR_SWRM) {
            start(c, ch);
        }
    } else if (offset <= CMDR && ch->on) {
        p->written = before;
    }
}

const struct dma_kind dma_master = {interrupts, happened, written, NULL};
