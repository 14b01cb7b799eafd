/* histogram.c: see histogram.h. */
#include "timing/histogram.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "types.h"

/* The place of the first value that is not below. */
static uint32_t place_of(const struct histogram *h, uint64_t value)
{
    uint32_t from = 0, to = h->used;
    while (from < to) {
        uint32_t middle = (from + to) / 2;
        if (h->value[middle] < value)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static uint64_t coarse(const struct histogram *h, uint64_t value) { return value | ((UINT64_C(1) << h->shift) - 1); }

static void coarsen(struct histogram *h)
{
    uint32_t kept = 0;
    h->shift++;
    for (uint32_t i = 0; i < h->used; i++) {
        uint64_t value = coarse(h, h->value[i]), count = h->count[i];
        if (kept && h->value[kept - 1] == value) {
            h->count[kept - 1] += count;
            continue;
        }
        h->value[kept] = value;
        h->count[kept++] = count;
    }
    h->used = kept;
}

static int reserve(struct histogram *h)
{
    uint32_t room = h->room;
    int status = array_reserve(&h->value, &room, h->used + 1u, 16, sizeof *h->value);
    if (status == CORE_OK)
        status = array_reserve(&h->count, &h->room, h->used + 1u, 16, sizeof *h->count);
    return status;
}

int histogram_add(struct histogram *h, uint64_t value)
{
    h->least = !h->total || value < h->least ? value : h->least;
    h->most = value > h->most ? value : h->most;
    h->total++;
    uint64_t kept = coarse(h, value);
    uint32_t at = place_of(h, kept);
    if (at < h->used && h->value[at] == kept) {
        h->count[at]++;
        return CORE_OK;
    }
    while (h->used >= HISTOGRAM_VALUES)
        coarsen(h);
    kept = coarse(h, value);
    at = place_of(h, kept);
    if (at < h->used && h->value[at] == kept) {
        h->count[at]++;
        return CORE_OK;
    }
    if (reserve(h) != CORE_OK)
        return CORE_ERR_MEMORY;
    memmove(h->value + at + 1, h->value + at, (h->used - at) * sizeof *h->value);
    memmove(h->count + at + 1, h->count + at, (h->used - at) * sizeof *h->count);
    h->value[at] = kept;
    h->count[at] = 1;
    h->used++;
    return CORE_OK;
}

uint64_t histogram_quantile(const struct histogram *h, uint32_t percent)
{
    uint64_t rank = (h->total / 100) * percent + ((h->total % 100) * percent + 99) / 100, before = 0;
    for (uint32_t i = 0; i < h->used; i++) {
        before += h->count[i];
        if (before >= rank)
            return h->value[i] < h->most ? h->value[i] : h->most;
    }
    return h->most;
}

void histogram_forget(struct histogram *h)
{
    h->used = h->shift = 0;
    h->total = h->least = h->most = 0;
}

void histogram_free(struct histogram *h)
{
    free(h->value);
    free(h->count);
    memset(h, 0, sizeof *h);
}
