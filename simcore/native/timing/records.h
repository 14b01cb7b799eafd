/* records.h: lays what a block record holds on the block that it was decoded to: which predicated
 * instructions ran, which access has which address. Pure functions. */
#ifndef MCUSIM_RECORDS_H
#define MCUSIM_RECORDS_H

#include <stdint.h>

#include "types.h"

/* One execution of a block, or of a piece that starts `first` bytes into its definition. */
struct execution {
    const struct block_static *facts;
    uint32_t first;
    const uint32_t *recorded;    /* data addresses */
    uint32_t count;
    const uint32_t *note;        /* offset in halfwords of the definition << 16 | operand class */
    uint32_t notes;
    int is_split;                /* it ends with an access behind which the block goes on in another record */
    uint32_t before;             /* addresses of accesses in front of it */
};

/* Which instructions ran, by the notes. */
void records_ran(const struct execution *x, uint8_t *ran);

/* Lays the recorded addresses on the block's accesses: those of failed predicates are not there, nor are
 * those of a STREX that did not store, and the read that a STREX is reported with is none of the program's.
 * Returns the index of the last instruction that accessed memory, or -1; adds to *unmatched when addresses
 * are left over. */
int records_match(const struct execution *x, const uint8_t *ran, uint32_t *address, uint8_t *present,
                  uint64_t *unmatched);

/* How many of the recorded addresses are laid on a block by that. */
uint32_t records_laid(const struct execution *x, const uint8_t *present);

/* The instruction of the access behind those that were recorded, -1: there is none. */
int records_next_access(const struct execution *x, const uint8_t *ran);

#endif
