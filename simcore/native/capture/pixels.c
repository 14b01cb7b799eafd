/* pixels.c: DMA2D of STM32F7 and STM32H7 (RM0385 and RM0433, chapter DMA2D): rectangles that are copied or filled.
 * Those that convert or blend pixels end at once and move nothing. */
#include "capture/dma.h"
#include "capture/state.h"

/* Offsets from CR, which is the first of its registers. */
enum { ISR = 0x4, IFCR = 0x8, FGMAR = 0xc, FGOR = 0x10, FGPFCCR = 0x1c, OPFCCR = 0x34, OCOLR = 0x38 };
enum { OMAR = 0x3c, OOR = 0x40, NLR = 0x44 };
enum { CR_START = 1, CR_ABORT = 1 << 2, CR_ENABLES_SHIFT = 8, FLAG_TEIF = 1, FLAG_TCIF = 2 };
enum mode { COPY = 0, FILL = 3, MODES = 7 };

static uint32_t flag_of(enum dma_event event) { return event == DMA_DONE ? FLAG_TCIF : FLAG_TEIF; }

static int interrupts(const struct capture *c, const struct dma_channel *ch, enum dma_event event)
{
    return (dma_own(c, ch, 0) >> CR_ENABLES_SHIFT & flag_of(event)) != 0;
}

static void happened(struct capture *c, struct dma_channel *ch, enum dma_event event)
{
    dma_end(ch);
    dma_set_own(c, ch, 0, dma_own(c, ch, 0) & ~(uint32_t)CR_START);
    dma_set(c, ch->info.flags, dma_own(c, ch, ISR) | flag_of(event));
    if (interrupts(c, ch, event))
        due_pend(c, EXCEPTION_IRQ0 + ch->info.interrupt);
}

/* Lines of a rectangle: pixels one behind the other, and some that are left out behind each line. */
static struct dma_side lines(const struct dma_channel *ch, uint32_t address, uint32_t bytes, uint32_t pixels,
                             uint32_t left_out)
{
    return (struct dma_side){.address = address,
                             .size = bytes,
                             .step = bytes,
                             .group = pixels * bytes,
                             .skip = (left_out & 0x3fff) * bytes,
                             .kinds = ch->info.memory_kinds};
}

static void start(struct capture *c, struct dma_channel *ch)
{
    static const uint8_t bytes_of[16] = {4, 3, 2, 2, 2, 1, 1, 2, 0, 1};
    uint32_t mode = dma_own(c, ch, 0) >> 16 & MODES, nlr = dma_own(c, ch, NLR), pixels = nlr >> 16 & 0x3fff;
    uint32_t bytes = bytes_of[mode == FILL ? dma_own(c, ch, OPFCCR) & 7 : dma_own(c, ch, FGPFCCR) & 0xf];
    uint64_t total = (uint64_t)(nlr & 0xffff) * pixels * bytes;
    if ((mode != COPY && mode != FILL) || !total) {
        happened(c, ch, DMA_DONE);
        return;
    }
    ch->to = lines(ch, dma_own(c, ch, OMAR), bytes, pixels, dma_own(c, ch, OOR));
    ch->from = lines(ch, dma_own(c, ch, FGMAR), bytes, pixels, dma_own(c, ch, FGOR));
    if (mode == FILL)                            /* its register of a colour, again and again */
        ch->from =
            (struct dma_side){.address = ch->info.registers + OCOLR, .size = bytes, .kinds = 1u << REGION_PERIPHERAL};
    ch->on = 1;
    ch->unit = bytes;
    ch->cycles = ch->info.cycles;
    ch->total = total;
    ch->done = 0;
    dma_begin(c, ch);
}

static void written(struct capture *c, struct dma_channel *ch, struct peripheral *p, uint32_t before)
{
    if (p->address == ch->info.flags) {
        p->written = before;
    } else if (p->address == ch->info.registers + IFCR) {
        dma_set(c, ch->info.flags, dma_own(c, ch, ISR) & ~p->written);
        p->written = 0;
    } else if (p->address == ch->info.registers && ch->on) {
        if (p->written & CR_ABORT)
            dma_end(ch);
        p->written = (p->written & ~(uint32_t)(CR_START | CR_ABORT)) | (ch->on ? CR_START : 0);
    } else if (p->address == ch->info.registers) {
        p->written &= ~(uint32_t)CR_ABORT;
        if (p->written & CR_START)
            start(c, ch);
    }
}

const struct dma_kind dma_pixels = {interrupts, happened, written, NULL};
