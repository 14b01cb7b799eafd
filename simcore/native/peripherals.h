/* peripherals.h: what goes over the border to Python of the registers of peripherals, and of DMA. */
#ifndef MCUSIM_PERIPHERALS_H
#define MCUSIM_PERIPHERALS_H

#include <stdint.h>

/* cffi: begin */

/* What a register of a described device does beside keeping what is written. Bits move left by `shift`, right by a
 * negative one; `other` is the address of another word. */
enum device_rule_kind {
    DEVICE_MIRROR,               /* bits of `mask` read as those of `other`, moved */
    DEVICE_SET,                  /* ones that are written in `mask` set bits of `other`, moved; */
    DEVICE_CLEAR,                /* ... clear them; */
    DEVICE_TOGGLE,               /* ... turn them over */
    DEVICE_IDLE,                 /* bits of `mask` read 0 again: what they start has ended */
    DEVICE_TEXT,                 /* a write sends its low byte, while all bits of `mask` in `other` are set */
    DEVICE_CLOCK,                /* a write may change the core clock: it is noted with its time */
    DEVICE_SEQUENCE,             /* each read gives the next number of a fixed sequence */
    DEVICE_COUNT,                /* the counter of a timer, which is a timer_kind `shift` */
    DEVICE_TIMED,                /* sets how the counter `other` counts */
    DEVICE_OVERFLOW,             /* bits of `mask` are set when the counter `other` begins anew */
    DEVICE_INTERRUPT,            /* while bits of `mask` are set, interrupt `shift` comes with the flag of `other` */
    DEVICE_COMPARE,              /* bits of `mask` are set when `other` comes to the word `shift` bytes behind it */
    DEVICE_UPDATE,               /* a one in bit 0 lets the counter `other` begin anew */
    DEVICE_CLOCKED,              /* a counter's clock is timer_clock `shift`, of the registers at `other` */
    DEVICE_ZERO_CLEARS,          /* of `mask` a write clears what it has zeros for and sets nothing */
    DEVICE_ONE_CLEARS,           /* ... what it has ones for */
    DEVICE_FORCE,                /* ones that are written in `mask` set bits of `other`, past its rules; */
    DEVICE_DROP,                 /* ... clear them */
    DEVICE_KEEP,                 /* no write changes bits of `mask` */
    DEVICE_LOCK,                 /* nothing is written while bits of `mask` are set, which no write clears */
    DEVICE_UNLOCK,               /* the keys `mask` and then `shift` clear what locks `other` */
    DEVICE_PROGRAM,              /* while bits of `mask` are set, stores program flash; `other` is itself */
    DEVICE_ERASE,                /* ones in `mask` erase what it says of the flash at `other`, a flash_kind `shift` */
    DEVICE_CRC,                  /* what is written goes into a remainder */
    DEVICE_CRC_RESET,            /* ones in `mask`, or any write if it is 0, begin the remainder `other` anew */
    DEVICE_SPI,                  /* of an SPI at `other`, which is an spi_kind `shift` with FIFOs of `mask` bytes */
    DEVICE_POWER,                /* a write may change the voltage: it is noted behind the last change of the clock */
    DEVICE_DMA,                  /* DMA hangs on what it holds: see capture/dma.h */
    DEVICE_REQUEST,              /* it asks for transfers of DMA, by request `shift`, while all bits of `mask` in
                                    `other` are set, */
    DEVICE_UNLESS,               /* ... unless one of `mask` in `other` is, */
    DEVICE_PACE,                 /* ... every `mask` core cycles, moved; times what `other` holds, if it is another */
    DEVICE_LINE,                 /* interrupt `shift` is asked for while a bit of `mask` is set here and in `other` */
    DEVICE_SENT                  /* a write sets bits of `mask` of `other`, a flag of interrupt `shift` */
};

enum timer_kind { TIMER_TIM, TIMER_LPTIM, TIMER_GPT, TIMER_PIT };
/* Of timers on an APB, of an APB itself; of i.MX RT. */
enum timer_clock {
    CLOCKED_F7_APB1,
    CLOCKED_F7_APB2,
    CLOCKED_F7_BUS1,
    CLOCKED_H7_APB1,
    CLOCKED_H7_APB2,
    CLOCKED_H7_BUS1,
    CLOCKED_PERCLK,
    CLOCKED_GPT
};
enum flash_kind { ERASE_F7, ERASE_H7, ERASE_H7A3 };
enum spi_kind { SPI_F7, SPI_H7, SPI_RT };

struct device_rule {
    uint32_t kind, mask, other;
    int32_t shift;
};

enum dma_layout { DMA_STREAM, DMA_DESCRIPTOR, DMA_PIXELS, DMA_MASTER };

struct dma_info {                /* a channel of a DMA controller */
    uint32_t kind;               /* enum dma_layout: what its registers are */
    uint32_t registers;          /* address of the first of them */
    uint32_t flags, flags_shift; /* address of the word with its flags, and the first bit of them */
    uint32_t interrupt;
    uint32_t select, select_shift, select_mask;  /* the field that selects what asks for its transfers; */
    uint32_t request;                            /* added to it: the number of a DEVICE_REQUEST */
    uint32_t memory_kinds, peripheral_kinds;     /* a bit for each enum region_kind that its two ports reach */
    uint32_t cycles;             /* core cycles of an item, read and written */
};

struct transfer_info {       /* what DMA moved from and to one region */
    uint64_t read_bytes, write_bytes;
};

enum { MOVED_RANGES = 64 };

struct moved_info {          /* bytes that DMA moved from or to, as addresses of the program */
    uint32_t first, last;
};

/* Lines of the D-cache that were not what memory held: dirty while DMA read it; read by the core after DMA wrote it. */
enum stale { STALE_SENT = 0, STALE_KEPT = 1, STALE_KINDS };

struct stale_info {
    uint64_t lines;
    uint32_t address, code;      /* of the first; the code that started its transfer, 0: not known */
    uint32_t last;               /* line, which is counted once while it is moved item by item */
};

struct left_out_info {           /* what no room was kept for */
    uint64_t registers;          /* accesses of registers past WORDS_MAX */
    uint64_t clock_notes;        /* past CLOCK_NOTES_MAX */
    uint64_t code;               /* 1: past DEFINITIONS_MAX, and the run ended */
};

struct clock_note {              /* a register that clocks hang on was written */
    uint64_t cycles;             /* modelled time */
    uint32_t address, value;
};

/* A serial port: registers, and the bits of them that say what. */
struct serial_port {
    uint32_t base, bytes;        /* of its registers */
    uint32_t number;             /* of its interrupt's exception */
    uint32_t control, receives;  /* it receives while all these bits of `control` are set */
    uint32_t enable_full, enable_idle, enable_sent;      /* bits of `control` that let flags interrupt */
    uint32_t data, send;         /* a read of `data` takes the byte that it holds; where text goes */
    uint32_t status, full, idle; /* flags: bytes are there; the line is idle */
    uint32_t clear, clear_idle;  /* ones that are written here clear the flag of an idle line */
    uint32_t drop, drops;        /* ones that are written here drop what is there */
    uint32_t fifo, fifo_on, depth;               /* it holds so many bytes while these bits are set, else one */
    uint32_t level, water_at, count_at; /* fields: bytes that set no flag yet; bytes that are there; 0: none */
    uint32_t empty, empty_bits, data_empty; /* bits, those of `data` too, that are set while nothing is there */
    uint32_t paces; /* bits of `control` on which the time of a byte hangs; see core_feed() */
};

struct serial_info { /* bytes: how many there are, the program took, and came while there was no room */
    uint32_t size, taken, late;
};

struct peripheral_info {
    uint32_t address, value; /* of a word, and what it reads now */
    uint64_t reads, writes;
};

/* cffi: end */
#endif
