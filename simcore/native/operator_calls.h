/* operator_calls.h: over the border, calls of an interpreter of networks (TensorFlow Lite Micro) to its operators.
 *
 * simcore/native/build.py gives the text between the two cffi marks to cffi as it stands.
 */
#ifndef MCUSIM_OPERATOR_CALLS_H
#define MCUSIM_OPERATOR_CALLS_H

#include <stdint.h>

/* cffi: begin */

/* A call of registration->invoke(context, node), as the interpreter has it in registers and memory. */
struct operator_call {
    uint32_t site;               /* address of the BLX */
    uint32_t context, node;      /* its arguments */
    uint32_t inputs, outputs;    /* of the node: addresses of its lists of tensors */
    uint32_t target;             /* the function called */
    uint32_t node_bytes;         /* from one node to the next */
    int32_t op;                  /* the number that its operation will have */
};

/* Asked once for each operator: returns 1 if it is one, 0 if it is not, or a negative core_status. objects: the table
 * of data objects that holds from here on, and the one behind it; both come in as 0, the table of core_objects(). */
typedef int core_operator_fn(void *self, const struct operator_call *call, uint32_t objects[2]);

/* cffi: end */
#endif
