/* interned.h: keys of four words and their numbers, in the order in which they came: a hash table. */
#ifndef MCUSIM_INTERNED_H
#define MCUSIM_INTERNED_H

#include <stdint.h>

enum { NOT_INTERNED = -1 };

struct interned_key {
    uint32_t word[4];
};

struct interned {
    struct interned_key *key;    /* by number */
    uint32_t keys, room;
    uint32_t *slot;              /* number + 1, 0: free */
    uint32_t slots;              /* a power of 2, or 0 before the first */
};

/* The number of a key, or NOT_INTERNED. */
int interned_find(const struct interned *t, struct interned_key key);

/* The number of a key, a new one when it was not there. Returns a number or CORE_ERR_MEMORY, which is below
 * NOT_INTERNED or equal to it. */
int interned_number(struct interned *t, struct interned_key key);

void interned_free(struct interned *t);

#endif
