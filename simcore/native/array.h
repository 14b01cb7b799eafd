/* array.h: arrays that grow by doubling. */
#ifndef MCUSIM_ARRAY_H
#define MCUSIM_ARRAY_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "types.h"

/* Room for so many items, at least `least`: what there is, or that doubled until they fit. */
static inline uint64_t array_room(uint32_t room, uint64_t items, uint32_t least)
{
    uint64_t wanted = room ? room : least;
    while (wanted < items)
        wanted *= 2;
    return wanted;
}

/* Makes room for so many items in the array that *array points to, at least `least`; new items are not set.
 * Returns 0, or CORE_ERR_MEMORY and leaves the array as it was. */
static inline int array_reserve(void *array, uint32_t *room, uint64_t items, uint32_t least, size_t item_bytes)
{
    if (items <= *room)
        return CORE_OK;
    uint64_t wanted = array_room(*room, items, least);
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

enum { CACHE_LINE = 64 };

/* So many bytes that begin a cache line of the host, zeros. NULL: there is no memory. free() takes them back. */
static inline void *array_lines(size_t bytes)
{
    size_t whole = (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    void *lines = aligned_alloc(CACHE_LINE, whole ? whole : CACHE_LINE);
    if (lines)
        memset(lines, 0, whole);
    return lines;
}

/* array_reserve() for an array that begins a cache line. */
static inline int array_reserve_lines(void *array, uint32_t *room, uint64_t items, uint32_t least, size_t item_bytes)
{
    if (items <= *room)
        return CORE_OK;
    uint64_t wanted = array_room(*room, items, least);
    void *old, *grown = wanted > INT32_MAX ? NULL : array_lines((size_t)wanted * item_bytes);
    if (!grown)
        return CORE_ERR_MEMORY;
    memcpy(&old, array, sizeof old);
    if (*room)
        memcpy(grown, old, *room * item_bytes);
    free(old);
    memcpy(array, &grown, sizeof grown);
    *room = (uint32_t)wanted;
    return CORE_OK;
}

#endif
