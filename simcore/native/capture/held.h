/* held.h: what keeps exceptions waiting that are pending, told to timing as it changes. */
#ifndef MCUSIM_HELD_H
#define MCUSIM_HELD_H

#include <stdint.h>

#include "capture/nvic.h"

enum { MASK_KINDS = 3 };         /* PRIMASK, FAULTMASK, BASEPRI: in the order of enum mask */

struct held {
    uint32_t ready[EXCEPTION_WORDS];     /* pending and enabled, as timing was told */
    uint8_t kind[EXCEPTIONS_MAX];        /* enum hold of each of these, and who it is */
    uint32_t who[EXCEPTIONS_MAX];
    struct masks masks;          /* as they were told */
    uint32_t mask_at[MASK_KINDS];        /* the instruction that set each */
    uint64_t position;           /* modelled time of the end of the stream while time is looked at */
    uint8_t changed;             /* priorities may be others */
};

struct capture;

/* It became pending at a modelled time, so many times since it was looked at last; `again`: it was pending already.
 * held.position is set. */
void held_due(struct capture *c, uint32_t number, uint64_t due, uint64_t times, int again);

/* What became pending here, by the program, or is no more. */
void held_notice(struct capture *c);

/* Behind an instruction that may have set masks, by its address. */
void held_masks(struct capture *c, uint32_t address);

/* In front of RECORD_EXCEPTION of an entry: its handler, SP there, and bytes of its frame. Behind that of a return. */
void held_entered(struct capture *c, uint32_t number, uint32_t handler, uint32_t sp, uint32_t frame_bytes);
void held_left(struct capture *c, uint32_t pc);

#endif
