/* operations.h: the marker functions of mcusim.h, and the operations that descriptors are, for the files of this
 * folder. */
#ifndef MCUSIM_CAPTURE_OPERATIONS_H
#define MCUSIM_CAPTURE_OPERATIONS_H

#include <stdint.h>

#include "types.h"

struct capture;

/* Whether a block of `size` bytes is one of the marker functions, whose own blocks stay out of the stream; at their
 * entry an operation begins or ends. Ends the run when markers alone pass its limits. */
int marker_run(struct capture *c, uint32_t address, uint32_t size);

/* The number of a new operation, whose descriptor is no struct mcusim_op. */
uint32_t operation_new(struct capture *c, uint32_t descriptor);

static inline int marker_is_near(const struct capture_config *k, uint32_t address)
{
    return address - k->op_begin <= k->op_begin_size || address - k->op_end <= k->op_end_size;
}

#endif
