/* runner.h: a network as the runner finds it: calls of kernels in order, with all that each is given.
 *
 * simcore/network/compose.py writes these structures behind the program; addresses are absolute.
 */
#ifndef RUNNER_H
#define RUNNER_H

#include <stdint.h>

struct mcusim_op;

/* A kernel: pointers to its tensors, constants and scratch, and the fields of its own struct of
 * parameters, 32 bits each. simcore/network/prepare says what a kernel is given. */
typedef void runner_kernel(void *const *buffers, const int32_t *params);

struct runner_call {
    runner_kernel *kernel;
    const struct mcusim_op *op;
    void *const *buffers;
    const int32_t *params;
};

struct runner_calls {
    const struct runner_call *call;
    uint32_t count;
};

/* Bytes that are in place before an inference begins, in whole words. */
struct runner_copy {
    uint32_t *to;
    const uint32_t *from;
    uint32_t words;
};

/* The network. The first inference has calls of its own, as it costs more than those behind it: it
 * sets variables up and finds the caches cold. Its input is in memory when the program starts; what
 * the others find there is copied from `copies`, `copies_each` for each inference, again from the
 * first when all `copies_count` are used. */
struct runner_network {
    uint32_t magic; /* RUNNER_MAGIC once a network has been put in */
    uint32_t inferences;
    struct runner_calls first;
    struct runner_calls next;
    const struct runner_copy *copies;
    uint32_t copies_count;
    uint32_t copies_each;
};

enum { RUNNER_MAGIC = 0x4e52434d }; /* "MCRN" */

#endif
