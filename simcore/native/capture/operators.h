/* operators.h: operators of networks that an interpreter calls, for the files of this folder. */
#ifndef MCUSIM_CAPTURE_OPERATORS_H
#define MCUSIM_CAPTURE_OPERATORS_H

#include <stddef.h>
#include <stdint.h>

#include "operator_calls.h"

#define NO_RETURN 1u             /* odd: no block begins there */
enum { OPERATORS_OPEN = 16 };

struct capture;

struct operators {
    core_operator_fn *ask;       /* NULL: nobody wants to know */
    void *asker;
    struct operator_known {      /* a call that was seen */
        struct operator_call call;
        uint32_t objects[2];
        uint8_t is_operator;
    } *known;
    uint32_t count, room, last;
    struct operator_open {       /* one that runs: where it returns to, SP there, the task; objects now and then */
        uint32_t back, sp, task, objects[2];
    } open[OPERATORS_OPEN];
    uint32_t depth;
    uint32_t back;               /* where the innermost returns to, NO_RETURN: none runs */
    uint32_t caller;             /* id + 1 of the block that just ended with a call by register; 0: none */
    uint32_t table;              /* of data objects, that timing was told last */
};

/* Whether a block ends with a call that may be one of an operator. */
int operators_is_call(const struct capture *c, const uint8_t *code, uint32_t size);

/* In front of the first block of what operators.caller called; in front of the block at operators.back. */
void operators_called(struct capture *c, uint32_t target);
void operators_returned(struct capture *c);

#endif
