/* parts.h: what both files of the program call; a function that each has a copy of or inlines. */
#ifndef PARTS_H
#define PARTS_H

#include <stdint.h>

#define KEPT __attribute__((noinline))

/* Functions that run, with how often: main's loops say so. */
KEPT uint32_t hot(uint32_t value);                      /* 30 */
KEPT uint32_t mixed(const uint32_t *values, uint32_t count); /* 5 */
KEPT uint32_t deep(uint32_t levels);                    /* 6, each calls the next */

static inline uint32_t turned(uint32_t value, unsigned by)
{
    return value << by |
           value >> (32 - by);
}

#endif
