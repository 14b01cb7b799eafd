/* counters.h: counters of described timers, as rules.c and timers.c ask for them. */
#ifndef MCUSIM_CAPTURE_COUNTERS_H
#define MCUSIM_CAPTURE_COUNTERS_H

#include <stdint.h>

struct capture;
struct peripheral;

#define NEVER_AGAIN (UINT64_MAX / 4)             /* cycles */

/* Brings a counter and its flags up to now. NULL is no counter. */
void counters_settle(struct capture *c, struct peripheral *counter);

/* Writes a register of its timer, which is settled; the counter goes on from where it is. */
void counters_change(struct capture *c, struct peripheral *counter, struct peripheral *p, uint32_t value);

/* EGR.UG: it begins anew. */
void counters_update(struct capture *c, struct peripheral *counter);

/* Whether the flag of an interrupt that `enable` lets through is set; when it is set next, UINT64_MAX: never, and how
 * long from then to the time after. */
int counters_flagged(const struct capture *c, const struct peripheral *counter, uint32_t enable);
uint64_t counters_next(const struct capture *c, const struct peripheral *counter, uint32_t enable, uint64_t now,
                       uint64_t *every);

#endif
