/* interrupts.h: what each exception costs and how late it comes, and how long masks stay set.
 *
 * Capture says what becomes pending, what keeps it waiting and when that changes (enum record_kind from
 * RECORD_INTERRUPT on); here that becomes cycles of one configuration. A time at which something became pending is
 * told as cycles in front of a place in the stream: exact in the configuration that the program runs under, and in
 * others counted back from their own time at that place. */
#ifndef MCUSIM_INTERRUPTS_H
#define MCUSIM_INTERRUPTS_H

#include "timing/timing.h"

/* A record of one of these kinds. Returns 0 or a core_status. */
int interrupts_record(struct timing *t, uint32_t kind, const uint32_t *payload);

/* Behind contexts_exception(), which began at `before`. Returns 0 or a core_status. */
int interrupts_exception(struct timing *t, uint32_t event, uint64_t before);

/* What was counted until now does not count. */
void interrupts_forget(struct timing *t);

/* What is still open ends now. */
void interrupts_settle(struct timing *t);

void interrupts_free(struct timing *t);

/* Copies: how many exceptions were taken, then each, by number; sections; activations of a trace, by their ends. */
uint32_t interrupts_count(const struct timing *t);
void interrupts_info(const struct timing *t, struct interrupt_info *out);
void interrupts_critical(const struct timing *t, struct critical_info *out);
uint32_t interrupts_activations(const struct timing *t);
void interrupts_spans(const struct timing *t, struct activation_info *out);

#endif
