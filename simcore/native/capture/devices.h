/* devices.h: what the files that play described devices offer each other and the rest of this folder. */
#ifndef MCUSIM_CAPTURE_DEVICES_H
#define MCUSIM_CAPTURE_DEVICES_H

#include <stdint.h>

#include "peripherals.h"
#include "types.h"

struct capture;
struct timer;

struct peripheral {              /* a word of a peripheral */
    uint32_t address, written;
    uint32_t fixed, fixed_mask;  /* bits that read so whatever is written */
    uint64_t reads, writes;
    uint32_t rule, rules;        /* the first in capture.rule, and how many */
    uint64_t since;              /* of a counter: when it was 0; of its flags: until when they are known */
    uint8_t used, described;
    uint8_t dma;                 /* DMA hangs on it: capture/dma.h */
    uint8_t serial;              /* of a port that is fed, counted from 1; 0: of none */
};

struct lent {                    /* flash and the memory of the host behind it */
    uint32_t address, size;
    uint8_t *memory;
};

/* peripherals.c: a register is about to be used: devices are described by now, else the run ends. */
void devices_used(struct capture *c);

/* The word that holds an address, made when it is new; past WORDS_MAX one that nothing is kept of. NULL and *status
 * on failure. */
struct peripheral *peripheral_at(struct capture *c, uint32_t address, int *status);

/* The same, NULL while nobody used or described it. */
struct peripheral *peripheral_known(const struct capture *c, uint32_t address);

/* What was written to a word, 0 when it is not there. */
uint32_t peripheral_word(const struct capture *c, uint32_t address);

static inline uint32_t field(uint32_t word, int low, int bits) { return word >> low & ((1u << bits) - 1); }

/* rules.c: what a word would read; what it reads, with all that a read does; a write of those bits of it. */
uint32_t rules_peek(const struct capture *c, const struct peripheral *p);
uint32_t rules_read(struct capture *c, struct peripheral *p, uint32_t size);
void rules_write(struct capture *c, struct peripheral *p, uint32_t value, uint32_t mask);

/* Brings flags up to date that time sets. */
void rules_refresh(struct capture *c, const struct peripheral *p);

static inline int peripheral_is_known(const struct peripheral *p) { return p->fixed_mask || p->described; }

/* timers.c: one more; an interrupt of a counter is let through: it comes when its flag is set, at once if that is set;
 * a flag of a counter was set by the program; whether a word is one of its timer; when each comes next. */
int timers_add(struct capture *c, const struct timer *timer);
int timers_enable(struct capture *c, uint32_t enable, const struct device_rule *r);
uint64_t timers_told(const struct capture *c, uint32_t counter); /* cycles of a period that the run gives it, 0: none */
void timers_raise(struct capture *c, uint32_t counter);
int timers_have(const struct capture *c, uint32_t address);
void timers_plan(struct capture *c, uint64_t now);

/* crc.c: the remainder begins anew; data of so many bytes goes into it; what it reads. */
void crc_reset(struct capture *c, struct peripheral *data);
void crc_feed(struct capture *c, struct peripheral *data, uint32_t before, uint32_t value, uint32_t bytes);
uint32_t crc_value(const struct capture *c, const struct peripheral *data);

/* spi.c: a register of an SPI was written, or is read. */
void spi_write(struct capture *c, const struct device_rule *r, uint32_t address, uint32_t before, uint32_t size);
void spi_read(struct capture *c, const struct device_rule *r, uint32_t address, uint32_t size);

/* flash.c: what a control register says is erased; a store programs flash: 0 when it may not; in front of the next
 * access. */
void flash_erase(struct capture *c, const struct device_rule *r, uint32_t control);
int flash_program(struct capture *c, uint32_t address, uint32_t size, uint64_t value);
void flash_settle(struct capture *c);

/* lines.c: keeps a line of a device; pends the interrupts that lines of this exception, 0: of any, ask for and that
 * do not run. */
int lines_add(struct capture *c, uint32_t enable, const struct device_rule *r);
void lines_look(struct capture *c, uint32_t number);

/* devices.c: maps the peripheral and system regions of the part. */
int devices_map(struct capture *c);

#endif
