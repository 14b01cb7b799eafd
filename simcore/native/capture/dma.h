/* dma.h: channels of DMA controllers: what they move, and when in modelled time.
 *
 * A channel moves its bytes unit by unit, each of which takes a fixed number of cycles, so that what it has moved is a
 * function of the time alone. It is worked out when something asks: a read or a write of one of its registers, and
 * the times at which it comes to its half, its end, or an address that it does not reach (due.c). */
#ifndef MCUSIM_CAPTURE_DMA_H
#define MCUSIM_CAPTURE_DMA_H

#include <stdint.h>

#include "capture/devices.h"
#include "peripherals.h"

enum { DMA_CHANNELS_MAX = 64 };

struct capture;
struct masks;
struct peripheral;

enum dma_event { DMA_HALF = 1, DMA_DONE = 2, DMA_FAILED = 4 };

struct dma_side {                /* where items come from or go to */
    uint32_t address, size;      /* of the first; bytes of each */
    uint32_t step;               /* from one to the next, 2^32 - n: n bytes back */
    uint32_t group, skip;        /* behind so many bytes of items it skips so many, 0: never */
    uint32_t modulo;             /* address bits in which it goes round, 0: none */
    uint32_t kinds;              /* a bit for each enum region_kind that the port reaches */
};

struct dma_channel {
    struct dma_info info;
    uint8_t on;                  /* it is enabled, ... */
    uint8_t moves;               /* ... and something asks for its units */
    uint8_t again;               /* it begins anew behind its end */
    uint8_t is_split;            /* its half is an event */
    struct dma_side from, to;
    uint32_t unit, cycles;       /* bytes that are moved at once, and core cycles that it takes */
    uint64_t total, done, good;  /* bytes: all, moved, and those in front of the first that it does not reach */
    uint64_t at;                 /* modelled time at which the unit behind `done` began */
    uint64_t next;               /* that of its next event, UINT64_MAX: none as things are */
    uint32_t group, loops;       /* of a descriptor: bytes of a minor loop, and how many are left at the start */
    uint32_t code;               /* address of the block that started it */
};

struct dma {
    struct dma_channel *channel;
    uint32_t channels, room, moving;     /* moving: how many do */
    uint64_t next, interrupt;    /* the first of their events, and the first that interrupts */
    uint64_t now;                /* when its registers were looked at last */
    uint8_t wrote;               /* to a register, which may be a timer's */
    uint8_t writes;              /* ... at this moment */
};

/* What a kind of controller does with its registers. */
struct dma_kind {
    int (*interrupts)(const struct capture *c, const struct dma_channel *ch, enum dma_event event);
    void (*happened)(struct capture *c, struct dma_channel *ch, enum dma_event event);
    void (*written)(struct capture *c, struct dma_channel *ch, struct peripheral *p, uint32_t before);
    void (*show)(struct capture *c, struct dma_channel *ch);     /* how far it is; NULL: nothing tells */
};

extern const struct dma_kind dma_stream;     /* streams.c */
extern const struct dma_kind dma_descriptor; /* edma.c */
extern const struct dma_kind dma_pixels;     /* pixels.c */
extern const struct dma_kind dma_master;     /* mdma.c */

/* A read or a write of a word that DMA has to do with comes: brings its registers up to date. */
void dma_look(struct capture *c);

/* A word was written that held another value before: a register of a channel, or what lets a peripheral ask. */
void dma_written(struct capture *c, struct peripheral *p, uint32_t before);

/* Moves what is moved until a time; makes what happens by then happen. */
void dma_until(struct capture *c, uint64_t now);

/* When the first interrupt comes that would be taken, UINT64_MAX: none. */
uint64_t dma_to_wake(const struct capture *c, const struct masks *masks);

/* For the kinds: begins to move from now on, sides and unit being set; ends it. */
void dma_begin(struct capture *c, struct dma_channel *ch);
void dma_end(struct dma_channel *ch);

/* Whether the peripheral whose data register this is asks for the channel's units, and how often: core cycles. */
int dma_is_asked(const struct capture *c, const struct dma_channel *ch, uint32_t address);
uint32_t dma_pace(const struct capture *c, const struct dma_channel *ch, uint32_t address);

/* Keeps a word, if it is there. */
void dma_set(struct capture *c, uint32_t address, uint32_t value);

/* A word so many bytes behind the first of a channel's registers, 0 when it is not there; and keeps it. */
static inline uint32_t dma_own(const struct capture *c, const struct dma_channel *ch, uint32_t offset)
{
    return peripheral_word(c, ch->info.registers + offset);
}

static inline void dma_set_own(struct capture *c, const struct dma_channel *ch, uint32_t offset, uint32_t value)
{
    dma_set(c, ch->info.registers + offset, value);
}

/* moves.c: the address of the item that begins so many bytes behind the first; bytes that both sides reach; moves so
 * many bytes from `done` on. */
uint32_t moves_address(const struct dma_side *s, uint64_t bytes);
uint64_t moves_reach(const struct capture *c, const struct dma_channel *ch);
int moves_cannot_read(const struct capture *c, const struct dma_channel *ch);    /* it is the source that fails */
int moves_is_memory(const struct capture *c, uint32_t kinds, uint32_t address, uint32_t size);
void moves_run(struct capture *c, const struct dma_channel *ch, uint64_t bytes);

#endif
