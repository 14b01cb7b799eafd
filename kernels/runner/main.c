/* main.c: runs the network that compose.py put behind the program, once or several times. */
#include "mcusim.h"
#include "runner.h"

/* Written over in the ELF, so the compiler must not know what is in it. */
extern const struct runner_network runner_network;
__attribute__((section(".rodata.runner_network"), used)) const struct runner_network runner_network;

/* Counting begins here: one inference is one call. */
__attribute__((noipa)) void runner_inference(const struct runner_call *call, uint32_t count)
{
    for (const struct runner_call *end = call + count; call < end; call++) {
        mcusim_op_begin(call->op);
        call->kernel(call->buffers, call->params);
        mcusim_op_end();
    }
}

static void copy(const struct runner_copy *one)
{
    uint32_t *to = one->to;
    for (const uint32_t *from = one->from, *end = from + one->words; from < end; from++)
        *to++ = *from;
}

int main(void)
{
    const volatile struct runner_network *network = &runner_network;
    if (network->magic != RUNNER_MAGIC)
        return 2;
    runner_inference(network->first.call, network->first.count);
    for (uint32_t i = 1, next = 0; i < network->inferences; i++) {
        for (uint32_t k = 0; k < network->copies_each; k++, next++) {
            next = next < network->copies_count ? next : 0;
            copy(network->copies + next);
        }
        runner_inference(network->next.call, network->next.count);
    }
    return 0;
}
