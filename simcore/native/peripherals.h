/* peripherals.h: what goes over the border to Python of the registers of peripherals. */
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
    DEVICE_COUNT,                /* the counter of a timer, its clock the core's by 2 to the `shift`: see rules.c */
    DEVICE_START,                /* bit 0 lets the counter `other` count */
    DEVICE_OVERFLOW,             /* bits of `mask` are set when the counter `other` begins anew; of the whole word a
                                    write clears what it has zeros for and sets nothing */
    DEVICE_INTERRUPT,            /* while bits of `mask` are set, interrupt `shift` pends when `other` begins anew */
    DEVICE_LINE,                 /* interrupt `shift` is asked for while a bit of `mask` is set here and in `other` */
    DEVICE_SENT                  /* a write sets bits of `mask` of `other`, a flag of interrupt `shift` */
};

struct device_rule {
    uint32_t kind, mask, other;
    int32_t shift;
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
