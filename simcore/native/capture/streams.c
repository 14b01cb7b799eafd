/* streams.c: streams of the DMA controllers of STM32F7 and STM32H7 (RM0385 and RM0433, chapter DMA). */
#include "capture/dma.h"
#include "capture/state.h"

/* Offsets from a stream's CR, which is the first of its registers. */
enum { NDTR = 0x4, PAR = 0x8, M0AR = 0xc, M1AR = 0x10, FCR = 0x14 };
enum { IFCR = 8 };               /* offset of the word that clears flags from theirs */
enum {
    CR_EN = 1,
    CR_WHILE_ON = 0x1f,          /* what can be written while the stream is on: EN and the enables of interrupts */
    CR_CIRC = 1 << 8,
    CR_PINC = 1 << 9,
    CR_MINC = 1 << 10,
    CR_PINCOS = 1 << 15,
    CR_DBM = 1 << 18,
    CR_CT = 1 << 19,
    FCR_DMDIS = 1 << 2,
    FLAG_TEIF = 1 << 3,
    FLAG_HTIF = 1 << 4,
    FLAG_TCIF = 1 << 5,
};
enum direction { FROM_PERIPHERAL, TO_PERIPHERAL, MEMORY_TO_MEMORY };

static enum direction direction_of(uint32_t cr) { return (enum direction)(cr >> 6 & 3); }

static struct dma_side side(uint32_t address, uint32_t log2_size, uint32_t step, uint32_t kinds)
{
    uint32_t size = 1u << (log2_size < 2 ? log2_size : 2);
    return (struct dma_side){.address = address & ~(size - 1), .size = size, .step = step, .kinds = kinds};
}

/* Both sides from the registers; in direct mode memory has items of the peripheral's size. */
static void set_sides(const struct capture *c, struct dma_channel *ch, uint32_t cr)
{
    const struct dma_info *i = &ch->info;
    int is_direct = !(dma_own(c, ch, FCR) & FCR_DMDIS) && direction_of(cr) != MEMORY_TO_MEMORY;
    uint32_t peripheral_size = cr >> 11 & 3, memory_size = is_direct ? peripheral_size : cr >> 13 & 3;
    uint32_t target = (cr & CR_DBM) && (cr & CR_CT) ? M1AR : M0AR;
    struct dma_side peripheral = side(dma_own(c, ch, PAR), peripheral_size, 0, i->peripheral_kinds);
    struct dma_side memory = side(dma_own(c, ch, target), memory_size, 0, i->memory_kinds);
    peripheral.step = !(cr & CR_PINC) ? 0 : cr & CR_PINCOS ? 4 : peripheral.size;
    memory.step = cr & CR_MINC ? memory.size : 0;
    ch->from = direction_of(cr) == TO_PERIPHERAL ? memory : peripheral;
    ch->to = direction_of(cr) == TO_PERIPHERAL ? peripheral : memory;
    ch->unit = peripheral.size;
}

/* Goes on or waits, as its requests come or not. */
static void follow_requests(struct capture *c, struct dma_channel *ch)
{
    uint32_t par = dma_own(c, ch, PAR);
    int is_free = direction_of(dma_own(c, ch, 0)) == MEMORY_TO_MEMORY;
    int moves = ch->done < ch->total && (is_free || dma_is_asked(c, ch, par));
    if (moves && !ch->moves) {
        ch->cycles = is_free ? ch->info.cycles : dma_pace(c, ch, par);
        dma_begin(c, ch);
    }
    ch->moves = (uint8_t)moves;
}

static void start(struct capture *c, struct dma_channel *ch)
{
    uint32_t cr = dma_own(c, ch, 0);
    set_sides(c, ch, cr);
    ch->on = 1;
    ch->is_split = 1;
    ch->again = (cr & (CR_CIRC | CR_DBM)) && direction_of(cr) != MEMORY_TO_MEMORY;
    ch->total = (uint64_t)(dma_own(c, ch, NDTR) & 0xffff) * ch->unit;
    ch->done = 0;
    follow_requests(c, ch);
}

static void raise_flag(struct capture *c, const struct dma_channel *ch, uint32_t flag)
{
    dma_set(c, ch->info.flags, peripheral_word(c, ch->info.flags) | flag << ch->info.flags_shift);
    if (dma_own(c, ch, 0) & flag >> 1)              /* the flag's enable */
        due_pend(c, EXCEPTION_IRQ0 + ch->info.interrupt);
}

static uint32_t flag_of(enum dma_event event)
{
    return event == DMA_HALF ? FLAG_HTIF : event == DMA_DONE ? FLAG_TCIF : FLAG_TEIF;
}

static int interrupts(const struct capture *c, const struct dma_channel *ch, enum dma_event event)
{
    return (dma_own(c, ch, 0) & flag_of(event) >> 1) != 0;
}

static void happened(struct capture *c, struct dma_channel *ch, enum dma_event event)
{
    uint32_t cr = dma_own(c, ch, 0);
    if (event == DMA_DONE && ch->again) {
        cr ^= cr & CR_DBM ? CR_CT : 0;
        dma_set_own(c, ch, 0, cr);
        set_sides(c, ch, cr);
        ch->done = 0;
        ch->good = moves_reach(c, ch);
    } else if (event != DMA_HALF) {
        dma_set_own(c, ch, 0, cr & ~(uint32_t)CR_EN);
        dma_end(ch);
    }
    raise_flag(c, ch, flag_of(event));
}

/* NDTR counts down what is left. */
static void show(struct capture *c, struct dma_channel *ch)
{
    uint64_t done = ch->done < ch->good ? ch->done : ch->good;
    dma_set_own(c, ch, NDTR, (uint32_t)((ch->total - done) / ch->unit));
}

/* While it is on, its other registers keep what they hold; of two targets the one that is not in use does not. */
static uint32_t kept(const struct capture *c, const struct dma_channel *ch, uint32_t offset, uint32_t before,
                     uint32_t after)
{
    uint32_t cr = dma_own(c, ch, 0), spare = cr & CR_CT ? M0AR : M1AR;
    if (offset == 0)
        return (before & ~(uint32_t)CR_WHILE_ON) | (after & CR_WHILE_ON);
    return offset == FCR || ((cr & CR_DBM) && offset == spare) ? after : before;
}

static void written(struct capture *c, struct dma_channel *ch, struct peripheral *p, uint32_t before)
{
    uint32_t offset = p->address - ch->info.registers;
    if (p->address == ch->info.flags) {
        p->written = before;
    } else if (p->address == ch->info.flags + IFCR) {
        uint32_t own = 0x3fu << ch->info.flags_shift;
        dma_set(c, ch->info.flags, peripheral_word(c, ch->info.flags) & ~(p->written & own));
        p->written &= ~own;
    } else if (offset > FCR) {
        if (ch->on)
            follow_requests(c, ch);
    } else if (ch->on) {
        p->written = kept(c, ch, offset, before, p->written);
        if (offset || p->written & CR_EN)
            return;
        dma_end(ch);
        raise_flag(c, ch, FLAG_TCIF);            /* what was under way has ended */
    } else if (offset == 0 && p->written & CR_EN) {
        start(c, ch);
    }
}

const struct dma_kind dma_stream = {interrupts, happened, written, show};
