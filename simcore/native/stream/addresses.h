/* addresses.h: the data addresses of a block as sums of what registers hold when it is entered. */
#ifndef MCUSIM_ADDRESSES_H
#define MCUSIM_ADDRESSES_H

#include <stdint.h>

enum { NO_REGISTER = 15 };       /* holds 0 in a sum: PC is a constant */
enum { AFFINE_READ = 1, AFFINE_WRITE = 2 };

/* The address is register[base] + (register[index] << shift) + constant, modulo 2^32. */
struct affine {
    uint32_t constant;
    uint8_t base, index, shift;
    uint8_t past;                /* bytes of the access - 1 */
    uint8_t kind;                /* AFFINE_READ or AFFINE_WRITE */
    int16_t stack;               /* words from SP at the entry to SP in front of it */
};

/* Fills in the accesses of code at an address that is entered with ITSTATE 0, in the order in which Unicorn tells of
 * them. Returns how many, -1: not all of them hang on the registers at its entry alone and happen for sure, or there
 * is no room. */
int addresses_of(const uint8_t *code, uint32_t size, uint32_t address, struct affine *out, uint32_t room);

#endif
