/* allocator.c: see allocator.h. */
#define MCUSIM_ALLOCATOR_ITSELF
#include "allocator.h"

#include <stdatomic.h>

#undef malloc
#undef calloc
#undef realloc
#undef aligned_alloc
#undef free

static _Atomic uint64_t calls, failing;
static _Atomic int64_t alive;

void allocator_fail(uint64_t nth)
{
    calls = 0;
    failing = nth;
}

uint64_t allocator_calls(void) { return calls; }
int64_t allocator_alive(void) { return alive; }

static int fails(void) { return ++calls == failing; }

static void *count(void *made)
{
    alive += made != NULL;
    return made;
}

void *allocator_malloc(size_t size) { return fails() ? NULL : count(malloc(size)); }
void *allocator_calloc(size_t items, size_t size) { return fails() ? NULL : count(calloc(items, size)); }

void *allocator_realloc(void *old, size_t size)
{
    if (fails())
        return NULL;
    void *made = realloc(old, size);
    return old ? made : count(made);
}

void *allocator_aligned(size_t alignment, size_t size)
{
    return fails() ? NULL : count(aligned_alloc(alignment, size));
}

void allocator_free(void *old)
{
    alive -= old != NULL;
    free(old);
}
