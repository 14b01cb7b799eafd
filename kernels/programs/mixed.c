/* Runs the mixed integer workload and checks its checksums. Argument: repeat=N, iterations. */
#include "mixed.h"

#include "layer_data.h"
#include "mcusim.h"
#include "semihost.h"

static const struct mcusim_op operation = MCUSIM_OP(LAYER_NAME, "mixed", 0, 0, 0);

int main(void)
{
    const uint32_t repeat = semihost_argument("repeat", 3);
    for (uint32_t i = 0; i < repeat; i++) {
        mcusim_op_begin(&operation);
        uint32_t checksum = mixed_run(i % SEEDS);
        mcusim_op_end();
        if (checksum != expected_checksums[i % SEEDS]) {
            semihost_write("checksum differs from the reference in iteration ");
            semihost_write_number(i);
            semihost_write("\n");
            return 1;
        }
    }
    return 0;
}
