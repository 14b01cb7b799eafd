/* The second file of markers.c that includes mcusim.h. */
#include "mcusim.h"

void other_operation(volatile uint32_t *value);

static const struct mcusim_op other = MCUSIM_OP_COUNTED("other", "add", 0, 10, 0, 4);

void other_operation(volatile uint32_t *value)
{
    mcusim_op_begin(&other);
    for (uint32_t i = 0; i < 10; i++)
        *value += 1;
    mcusim_op_end();
}
