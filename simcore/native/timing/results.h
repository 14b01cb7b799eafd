/* results.h: copies of what a configuration found, once it is settled. Arrays have room for what timing_info()
 * says. */
#ifndef MCUSIM_RESULTS_H
#define MCUSIM_RESULTS_H

#include "timing/timing.h"

struct timing_info timing_info(const struct timing *t);
void timing_nodes(const struct timing *t, struct node_info *info, uint64_t *counters);

/* sites, skipped: those of all blocks, one block behind the other. */
void timing_blocks(const struct timing *t, struct block_info *info, struct site_info *sites, uint64_t *skipped);
void timing_schedules(const struct timing *t, struct schedule_info *out);
void timing_uses(const struct timing *t, struct use_info *out);
void timing_op_rows(const struct timing *t, struct op_row_info *out);
void timing_op_states(const struct timing *t, struct op_state_info *out);
void timing_op_uses(const struct timing *t, struct op_use_info *out);
void timing_contexts(const struct timing *t, struct context_info *out);
void timing_stacks(const struct timing *t, struct stack_info *out, struct link_info *link);
void timing_transfers(const struct timing *t, struct transfer_info *out);
uint32_t timing_moved(const struct timing *t, struct moved_info *out);
void timing_stale(const struct timing *t, struct stale_info *out);
void timing_frames(const struct timing *t, struct frame_info *out);

struct trace_info timing_trace_info(const struct timing *t);
void timing_trace_spans(const struct timing *t, struct span_info *out);
void timing_trace_samples(const struct timing *t, uint64_t *rows);

#endif
