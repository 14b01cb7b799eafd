/* allocator.h: the allocator of the test build of the C core: it counts, and fails where it is told to.
 *
 * tests/native.py includes it before everything else. */
#ifndef MCUSIM_ALLOCATOR_H
#define MCUSIM_ALLOCATOR_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

void *allocator_malloc(size_t size);
void *allocator_calloc(size_t count, size_t size);
void *allocator_realloc(void *old, size_t size);
void *allocator_aligned(size_t alignment, size_t size);
void allocator_free(void *old);

/* From now on: the nth allocation, from 1, returns NULL; 0: none does. */
void allocator_fail(uint64_t nth);
uint64_t allocator_calls(void);          /* since then */
int64_t allocator_alive(void);           /* allocations that were not freed yet, since the process began */

#ifndef MCUSIM_ALLOCATOR_ITSELF
#define malloc(size) allocator_malloc(size)
#define calloc(count, size) allocator_calloc(count, size)
#define realloc(old, size) allocator_realloc(old, size)
#define aligned_alloc(alignment, size) allocator_aligned(alignment, size)
#define free(old) allocator_free(old)
#endif

#endif
