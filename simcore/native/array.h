/* array.h: arrays that grow by doubling. */
#ifndef MCUSIM_ARRAY_H
#define MCUSIM_ARRAY_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "types.h"

/* Makes room for so many items in the array that *array points to, at least `least`; new items are not set.
 * Returns 0, or CORE_ERR_MEMORY and leaves the array as it was. */
static inline int array_reserve(void *array, uint32_t *room, uint64_t items, uint32_t least, size_t item_bytes)
{
    if (items <= *room)
        return CORE_OK;
    uint64_t wanted = *room ? *room : least;
    while (wanted < items)
        wanted *= 2;
    if (wanted > INT32_MAX)
        return CORE_ERR_MEMORY;
    void *grown;
    memcpy(&grown, array, sizeof grown);
    grown = realloc(grown, (size_t)wanted * item_bytes);
    if (!grown)
        return CORE_ERR_MEMORY;
    memcpy(array, &grown, sizeof grown);
    *room = (uint32_t)wanted;
    return CORE_OK;
}

#endif
