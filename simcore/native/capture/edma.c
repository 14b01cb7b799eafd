/* edma.c: channels of the eDMA of i.MX RT10xx and their transfer control descriptors (IMXRT1060RM chapters eDMA and
 * DMAMUX). */
#include "capture/dma.h"
#include "capture/state.h"

/* Offsets from the controller's base, and from a channel's descriptor, which is the first of its registers. */
enum { CR = 0x0, ES = 0x4, ERQ = 0xc, EEI = 0x14, ENABLES = 0x18, COMMANDS = 0x1c, INT = 0x24, ERR = 0x2c };
enum { SADDR = 0x0, ATTR = 0x4, NBYTES = 0x8, SLAST = 0xc, DADDR = 0x10, CITER = 0x14, DLAST = 0x18, CSR = 0x1c };
enum {
    DESCRIPTOR_BYTES = 0x20,
    CR_EMLM = 1 << 7,
    CSR_START = 1,
    CSR_INTMAJOR = 1 << 1,
    CSR_INTHALF = 1 << 2,
    CSR_DREQ = 1 << 3,
    CSR_ESG = 1 << 4,
    CSR_MAJORELINK = 1 << 5,
    CSR_ACTIVE = 1 << 6,
    CSR_DONE = 1 << 7,
    COMMAND_NONE = 0x80,
    COMMAND_ALL = 0x40,
    ERROR_INTERRUPT = 16,        /* of all channels */
};
#define ES_VALID 0x80000000u
enum es { ES_DBE = 1 << 0, ES_SBE = 1 << 1, ES_SGE = 1 << 2, ES_NCE = 1 << 3, ES_DAE = 1 << 5, ES_SAE = 1 << 7 };
#define MUX_ENABLED 0x80000000u
#define MUX_ALWAYS 0x20000000u

static uint32_t base_of(const struct dma_channel *ch) { return ch->info.flags - INT; }
static uint32_t number_of(const struct dma_channel *ch) { return ch->info.flags_shift; }

static int bit(const struct capture *c, const struct dma_channel *ch, uint32_t offset)
{
    return (int)(peripheral_word(c, base_of(ch) + offset) >> number_of(ch) & 1);
}

static void set_bit(struct capture *c, const struct dma_channel *ch, uint32_t offset, int value)
{
    uint32_t address = base_of(ch) + offset, mask = 1u << number_of(ch);
    dma_set(c, address, value ? peripheral_word(c, address) | mask : peripheral_word(c, address) & ~mask);
}

/* Minor loops that are left: with a link behind each, fewer bits. */
static uint32_t count_of(uint32_t citer) { return citer & 0x8000 ? citer & 0x1ff : citer & 0x7fff; }

static uint32_t loops(const struct capture *c, const struct dma_channel *ch)
{
    return count_of(dma_own(c, ch, CITER) >> 16);
}

static void set_loops(struct capture *c, const struct dma_channel *ch, uint32_t count)
{
    uint32_t value = dma_own(c, ch, CITER);
    uint32_t kept = value >> 16 & 0x8000 ? 0xfe00 : 0x8000;
    dma_set_own(c, ch, CITER, (value & 0xffff) | (((value >> 16 & kept) | count) << 16));
}

/* --- a transfer ------------------------------------------------------------------------------------------------ */

static void fail(struct capture *c, struct dma_channel *ch, uint32_t why)
{
    dma_end(ch);
    dma_set(c, base_of(ch) + ES, ES_VALID | number_of(ch) << 8 | why);
    set_bit(c, ch, ERR, 1);
    dma_set_own(c, ch, CSR, dma_own(c, ch, CSR) & ~(uint32_t)(CSR_START | CSR_ACTIVE));
    if (bit(c, ch, EEI))
        due_pend(c, EXCEPTION_IRQ0 + ERROR_INTERRUPT);
}

static struct dma_side side(const struct dma_channel *ch, uint32_t address, uint32_t attributes, uint32_t offset)
{
    static const uint8_t size[8] = {1, 2, 4, 8, 0, 32, 0, 0};
    uint32_t modulo = attributes >> 3 & 0x1f;
    return (struct dma_side){.address = address,
                             .size = size[attributes & 7],
                             .step = (uint32_t)(int16_t)offset,
                             .modulo = (1u << modulo) - 1,
                             .kinds = ch->info.memory_kinds};
}

/* Bytes of a minor loop; what is added behind it to the sides' addresses. */
static uint32_t set_sides(const struct capture *c, struct dma_channel *ch)
{
    uint32_t attributes = dma_own(c, ch, ATTR) >> 16, bytes = dma_own(c, ch, NBYTES);
    ch->from = side(ch, dma_own(c, ch, SADDR), attributes >> 8, dma_own(c, ch, ATTR));
    ch->to = side(ch, dma_own(c, ch, DADDR), attributes, dma_own(c, ch, CITER));
    ch->unit = ch->from.size > ch->to.size ? ch->from.size : ch->to.size;
    if (!(peripheral_word(c, base_of(ch) + CR) & CR_EMLM) || !(bytes >> 30))
        return bytes & 0x3fffffff;
    uint32_t skip = (uint32_t)((int32_t)(bytes << 2) >> 12);
    ch->from.skip = bytes >> 31 ? skip : 0;
    ch->to.skip = bytes >> 30 & 1 ? skip : 0;
    ch->from.group = ch->to.group = bytes & 0x3ff;
    return bytes & 0x3ff;
}

static void start(struct capture *c, struct dma_channel *ch, uint32_t minor_loops)
{
    uint32_t bytes = set_sides(c, ch), size = ch->from.size * ch->to.size;
    if (!size || !bytes || bytes % ch->unit || !minor_loops) {
        fail(c, ch, ES_NCE);
        return;
    }
    if (ch->from.address % ch->from.size || ch->to.address % ch->to.size) {
        fail(c, ch, ch->from.address % ch->from.size ? ES_SAE : ES_DAE);
        return;
    }
    ch->on = 1;
    ch->group = bytes;
    ch->loops = loops(c, ch);
    ch->total = (uint64_t)bytes * minor_loops;
    ch->done = 0;
    ch->is_split = minor_loops > 1 && (dma_own(c, ch, CSR) & CSR_INTHALF);
    ch->again = minor_loops > 1 && !(dma_own(c, ch, CSR) & CSR_DREQ);
    ch->cycles = ch->info.cycles;
    dma_set_own(c, ch, CSR, (dma_own(c, ch, CSR) & ~(uint32_t)(CSR_START | CSR_DONE)) | CSR_ACTIVE);
    dma_begin(c, ch);
}

/* Whether a peripheral asks, or the multiplexer always does. */
static int is_asked(const struct capture *c, const struct dma_channel *ch)
{
    uint32_t mux = peripheral_word(c, ch->info.select);
    if (!bit(c, ch, ERQ) || !(mux & MUX_ENABLED))
        return 0;
    return (mux & MUX_ALWAYS) || dma_is_asked(c, ch, dma_own(c, ch, DADDR)) ||
           dma_is_asked(c, ch, dma_own(c, ch, SADDR));
}

static void follow_requests(struct capture *c, struct dma_channel *ch)
{
    int is_linked = dma_own(c, ch, CITER) >> 31 != 0;
    if (!ch->on && is_asked(c, ch))
        start(c, ch, is_linked ? 1 : loops(c, ch));
}

/* --- its end ----------------------------------------------------------------------------------------------------- */

static void link_to(struct capture *c, const struct dma_channel *ch, uint32_t number)
{
    struct dma *d = &c->dma;
    for (struct dma_channel *other = d->channel; other < d->channel + d->channels; other++)
        if (other->info.flags == ch->info.flags && number_of(other) == number && !other->on)
            start(c, other, 1);
}

/* The next descriptor is read from memory. */
static void scatter(struct capture *c, struct dma_channel *ch)
{
    uint32_t next[DESCRIPTOR_BYTES / 4], from = dma_own(c, ch, DLAST);
    if (from % DESCRIPTOR_BYTES || !moves_is_memory(c, ch->info.memory_kinds, from, sizeof next) ||
        c->mem_read(c->engine, from, next, sizeof next) != UC_ERR_OK) {
        fail(c, ch, ES_SGE);
        return;
    }
    for (uint32_t i = 0; i < DESCRIPTOR_BYTES / 4; i++)
        dma_set_own(c, ch, 4 * i, next[i]);
    if (next[CSR / 4] & CSR_START)
        start(c, ch, 1);
}

static void interrupt(struct capture *c, const struct dma_channel *ch)
{
    set_bit(c, ch, INT, 1);
    due_pend(c, EXCEPTION_IRQ0 + ch->info.interrupt);
}

static void major_end(struct capture *c, struct dma_channel *ch)
{
    uint32_t csr = dma_own(c, ch, CSR);
    set_loops(c, ch, count_of(csr >> 16));       /* BITER */
    dma_set_own(c, ch, SADDR, dma_own(c, ch, SADDR) + dma_own(c, ch, SLAST));
    dma_set_own(c, ch, CSR, csr | CSR_DONE);
    if (csr & CSR_DREQ)
        set_bit(c, ch, ERQ, 0);
    if (csr & CSR_INTMAJOR)
        interrupt(c, ch);
    if (csr & CSR_ESG)
        scatter(c, ch);
    else
        dma_set_own(c, ch, DADDR, dma_own(c, ch, DADDR) + dma_own(c, ch, DLAST));
    if (csr & CSR_MAJORELINK)
        link_to(c, ch, csr >> 8 & 0x1f);
}

static int interrupts(const struct capture *c, const struct dma_channel *ch, enum dma_event event)
{
    uint32_t csr = dma_own(c, ch, CSR);
    if (event == DMA_HALF)
        return (csr & CSR_INTHALF) != 0;
    return event == DMA_DONE && (csr & CSR_INTMAJOR) && loops(c, ch) <= ch->total / ch->group;
}

/* The registers say what is left in front of the loop that is under way. */
static void show(struct capture *c, struct dma_channel *ch)
{
    if (!ch->on)
        return;
    uint64_t whole = ch->done - ch->done % ch->group;
    set_loops(c, ch, ch->loops - (uint32_t)(whole / ch->group));
    dma_set_own(c, ch, SADDR, moves_address(&ch->from, whole));
    dma_set_own(c, ch, DADDR, moves_address(&ch->to, whole));
}

static void happened(struct capture *c, struct dma_channel *ch, enum dma_event event)
{
    if (event == DMA_HALF) {
        interrupt(c, ch);
        return;
    }
    if (event == DMA_FAILED) {
        ch->done = ch->good;
        show(c, ch);
        fail(c, ch, moves_cannot_read(c, ch) ? ES_SBE : ES_DBE);
        return;
    }
    uint32_t csr = dma_own(c, ch, CSR) & ~(uint32_t)CSR_ACTIVE, citer = dma_own(c, ch, CITER) >> 16;
    show(c, ch);
    dma_end(ch);
    dma_set_own(c, ch, CSR, csr);
    if (loops(c, ch) == 0)
        major_end(c, ch);
    else if (citer & 0x8000)
        link_to(c, ch, citer >> 9 & 0x1f);
    if ((csr & CSR_INTHALF) && !ch->is_split && loops(c, ch) == count_of(csr >> 16) / 2)
        interrupt(c, ch);
    follow_requests(c, ch);
}

/* --- registers ------------------------------------------------------------------------------------------------------ */

/* One byte of the words of commands: a channel, or all. */
static void command(struct capture *c, struct dma_channel *ch, uint32_t offset, uint32_t lane, uint32_t value)
{
    static const uint8_t bit_of[2][4] = {{EEI, EEI, ERQ, ERQ}, {CSR, CSR, ERR, INT}};
    if (value & COMMAND_NONE || !(value & COMMAND_ALL || (value & 0x1f) == number_of(ch)))
        return;
    if (offset == COMMANDS && lane == 0)
        dma_set_own(c, ch, CSR, dma_own(c, ch, CSR) & ~(uint32_t)CSR_DONE);
    else if (offset == COMMANDS && lane == 1 && !ch->on)
        start(c, ch, 1);
    else if (offset == ENABLES || lane > 1)
        set_bit(c, ch, bit_of[offset == COMMANDS][lane], offset == ENABLES && (lane & 1));
}

/* Words that are one for all channels. Commands that are carried out are none any more. */
static void written_for_all(struct capture *c, struct dma_channel *ch, struct peripheral *p, uint32_t before)
{
    uint32_t offset = p->address - base_of(ch), value = p->written;
    if (offset == INT || offset == ERR) {
        p->written = before & ~value;
    } else if (offset == ENABLES || offset == COMMANDS) {
        struct dma *d = &c->dma;
        for (struct dma_channel *each = d->channel; each < d->channel + d->channels; each++)
            for (uint32_t lane = 0; lane < 4; lane++)
                command(c, each, offset, lane, value >> 8 * lane & 0xff);
        p->written = 0x80808080u;
    }
}

static void written(struct capture *c, struct dma_channel *ch, struct peripheral *p, uint32_t before)
{
    if (number_of(ch) == 0)
        written_for_all(c, ch, p, before);
    if (p->address == ch->info.registers + CSR && p->written & CSR_START && !ch->on)
        start(c, ch, 1);
    if (ch->moves && dma_own(c, ch, CITER) >> 31 == 0 && ch->total > ch->group && !is_asked(c, ch)) {
        show(c, ch);                             /* what asked for its loops does so no more */
        dma_end(ch);
    }
    follow_requests(c, ch);
}

const struct dma_kind dma_descriptor = {interrupts, happened, written, show};
