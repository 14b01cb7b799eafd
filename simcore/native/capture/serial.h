/* serial.h: serial ports, for the files of this folder. */
#ifndef MCUSIM_SERIAL_H
#define MCUSIM_SERIAL_H

#include <stdint.h>

#include "peripherals.h"
#include "types.h"

struct capture;
struct peripheral;

struct serial {                  /* a port: serial.c */
    struct serial_port port;
    uint8_t *bytes;
    uint32_t size, came, taken, late;    /* bytes of all, up to the last that is there, and that the program took */
    uint64_t free;               /* modelled time from which on the next byte can begin */
    uint64_t sent;               /* ... and at which the last one has gone out that was sent by interrupt */
    uint64_t pace;               /* cycles of a byte, UINT64_MAX: to be asked */
    uint8_t receives, idle_seen; /* the flag of an idle line was cleared */
    uint8_t is_timed;            /* it has a timer */
    void *self;
    core_pace_fn *ask;
};

/* serial.c: in front of a read of a register of a port that is fed, and behind it; around a write. Whether more bytes
 * will come by themselves. Its flags at a time; when it will interrupt, UINT64_MAX: not as things are. Of any port by
 * the exception of its interrupt: a byte is sent; bits of its control register that ask for nothing yet. */
void serial_sent(struct capture *c, uint32_t number);
uint32_t serial_sending(struct capture *c, uint32_t number);
void serial_read(struct capture *c, const struct peripheral *p);
void serial_took(struct capture *c, const struct peripheral *p);
void serial_write(struct capture *c, struct peripheral *p, uint32_t value, uint32_t mask);
int serial_expects(const struct capture *c, const struct peripheral *p);
void serial_until(struct capture *c, struct serial *s, uint64_t now);
uint64_t serial_due(const struct capture *c, const struct serial *s);
void serials_free(struct capture *c);

#endif
