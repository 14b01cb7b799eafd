/* histogram.h: how often each of many cycle counts came, in bounded memory, for exact quantiles.
 *
 * Distinct values are kept in order. Where there are more than HISTOGRAM_VALUES of them, values that agree but for the
 * lowest bits become the largest of them: a quantile is then at most that much too high. Least and most stay exact. */
#ifndef MCUSIM_HISTOGRAM_H
#define MCUSIM_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_VALUES = 4096 };

struct histogram {
    uint64_t *value, *count;     /* by value */
    uint32_t used, room, shift;  /* shift: lowest bits that are not kept */
    uint64_t total, least, most;
};

/* Returns 0 or CORE_ERR_MEMORY. */
int histogram_add(struct histogram *h, uint64_t value);

/* The least value that so many percent of all do not pass (nearest rank), 0 of none. */
uint64_t histogram_quantile(const struct histogram *h, uint32_t percent);

void histogram_forget(struct histogram *h);
void histogram_free(struct histogram *h);

#endif
