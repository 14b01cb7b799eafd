/* branch.h: branch prediction: BTAC, static prediction without one, return stack.
 *
 * The TRM (1.2.3) gives a BTAC with single-cycle turnaround, a static predictor (backward taken, forward not) for
 * the core without one, and direct branches that resolve in decode. So with the BTAC on, a conditional branch that
 * it does not know is expected to fall through, and an unconditional direct one is seen at decode. Sizes and policy
 * are parameters, marked assumed in cpu_models/cortex-m7.toml. */
#ifndef MCUSIM_BRANCH_H
#define MCUSIM_BRANCH_H

#include <stdint.h>

#include "types.h"

enum { RETURN_STACK_MAX = 32 };

struct btac_entry {
    uint32_t branch;             /* address | 1, 0: free */
    uint32_t target;
    uint8_t counter;             /* 0..3, taken from 2 on */
    uint32_t stamp;
};

struct predictor {
    struct btac_entry *entry;
    uint32_t sets, ways;
    uint32_t clock;
    uint32_t *changes;           /* per set: times that what it knows of which branch changed */
    uint32_t stack[RETURN_STACK_MAX];   /* return addresses, a ring */
    uint32_t stack_entries, stack_top, stack_used;
    uint8_t always_disabled;     /* by the model, whatever ACTLR says */
    uint8_t read_disabled, allocate_disabled;
    uint8_t ran_on;              /* fetch went on behind the last branch until that was known to be wrong */
};

enum prediction {
    PREDICTED = 0,               /* right, from BTAC or return stack, or not taken as expected */
    PREDICTED_STATIC = 1,        /* right, but seen only at decode: bubbles */
    MISPREDICTED = 2,
};

int predictor_init(struct predictor *p, const struct timing_config *config);
void predictor_free(struct predictor *p);

/* Knows no branch, as behind a reset; return addresses stay. */
void predictor_forget(struct predictor *p);

/* What ACTLR says of the BTAC: DISBTACREAD (bit 13), DISBTACALLOC (bit 14). */
void predictor_control(struct predictor *p, uint32_t actlr);

/* Predicts the branch that ended a block, learns what it did, says how it went.
 * kind: enum branch_kind; target: of a direct branch; next: address of the block that ran after it. */
enum prediction predictor_branch(struct predictor *p, uint32_t kind, int conditional, uint32_t branch, uint32_t target,
                                 uint32_t fall_through, uint32_t next);

/* Changes when what is known of a branch may have. */
static inline const uint32_t *predictor_changes(const struct predictor *p, uint32_t branch)
{
    return &p->changes[p->sets ? (branch >> 1) & (p->sets - 1) : 0];
}

/* The way that knows a branch, UINT32_MAX: none does. */
uint32_t predictor_way(const struct predictor *p, uint32_t branch);

#endif
