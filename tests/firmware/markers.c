/* mcusim.h as users include it: in two files, with operations inside one another, link-time
 * optimised. markers_other.c is the second file. */
#include <stdint.h>

#include "mcusim.h"
#include "semihost.h"

void other_operation(volatile uint32_t *value);

static const struct mcusim_op outer = MCUSIM_OP("outer", "block", 0, 0, 0);
static const struct mcusim_op inner = MCUSIM_OP_COUNTED("inner", "add", 0, 100, 0, 4);
/* More MACs than 32 bits hold. */
static const struct mcusim_op large = MCUSIM_OP("large", "conv2d", UINT64_C(5000000000), 7, 9);

static volatile uint32_t value;

int main(void)
{
    mcusim_op_begin(&outer);
    for (uint32_t i = 0; i < 3; i++) {
        mcusim_op_begin(&inner);
        for (uint32_t j = 0; j < 100; j++)
            value += j;
        mcusim_op_end();
    }
    other_operation(&value);
    mcusim_op_end();
    mcusim_op_begin(&large);
    value++;
    mcusim_op_end();
    return value == 3 * 4950 + 10 + 1 ? 0 : 1;
}
