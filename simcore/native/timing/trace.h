/* trace.h: when functions and operations ran, and how the counters grew over time, in bounded memory.
 *
 * A span is one activation of a node of the call tree. When there is no room for more, spans shorter than
 * the resolution go and it doubles, until half of the room is free; what was too short is counted. What ran
 * inside a short span is shorter still, so spans nest at every resolution. Calls deeper than TRACE_DEPTH_MAX
 * have no spans. Operations nest among themselves, and not with functions: they last from begin to end. Samples of the counters, summed over all nodes, come a period apart; when there is no room
 * for more, every second one goes and the period doubles.
 *
 * tests/reference_trace.py is the slow twin of these rules. */
#ifndef MCUSIM_TRACE_H
#define MCUSIM_TRACE_H

#include <stdint.h>

#include "timing/calltree.h"
#include "types.h"

enum { TRACE_DEPTH_MAX = 512, TRACE_OPS_MAX = 64, TRACE_FIRST_PERIOD = 256 };

struct trace {
    struct span_info *span;      /* by their ends */
    uint32_t spans, spans_room;
    struct span_info open[TRACE_DEPTH_MAX];   /* outermost first */
    uint32_t depth, deepest;     /* frames that are open, and most there ever were */
    struct span_info op[TRACE_OPS_MAX];  /* operations that are open, outermost first */
    uint32_t serial[TRACE_OPS_MAX];      /* of struct open_op */
    uint32_t ops;
    uint64_t begun, dropped;     /* spans */
    uint64_t resolution;         /* cycles */
    uint64_t *sample;            /* rows of a time and width counters */
    uint32_t samples, samples_room, width;
    uint64_t period, next_sample;   /* cycles */
    uint64_t *total;             /* of all nodes, up to when `running` was looked at last */
    const uint64_t *running;     /* counters of the running node */
    uint64_t *seen;              /* of which these are in total */
};

/* Rooms are at least 2. Returns 0 or CORE_ERR_MEMORY; trace_free() in both cases. */
int trace_init(struct trace *t, uint32_t spans, uint32_t samples, uint32_t width, const uint64_t *running);
void trace_free(struct trace *t);

/* Begins anew at time 0, with the spans that are open; the counters are zero again. */
void trace_forget(struct trace *t);

/* The call stack has changed at a time, by a call, returns, or another function in place of the running one.
 * All counts are settled. */
void trace_follow(struct trace *t, const struct calltree *calls, uint64_t now);

/* What runs gives the processor to calls of another stack: spans end, and begin anew when it has it back. */
void trace_suspend(struct trace *t, uint64_t now);

/* Takes a sample, due when now has reached next_sample; the last one is due anyway. All counts are settled. */
void trace_sample(struct trace *t, uint64_t now, int is_last);

/* Spans that have ended, then those still open, which end now. */
static inline uint32_t trace_spans(const struct trace *t) { return t->spans + t->depth + t->ops; }
struct span_info trace_span(const struct trace *t, uint32_t index, uint64_t now);

#endif
