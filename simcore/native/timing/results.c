/* results.c: see results.h. */
#include "timing/results.h"

#include <string.h>

struct timing_info timing_info(const struct timing *t)
{
    struct timing_info info = {
        .nodes = t->calls.nodes,
        .width = t->calls.width,
        .blocks = t->blocks.blocks,
        .schedules = t->blocks.schedules,
        .uses = t->objects.uses,
        .stack_lowest = t->stacks.stack[0].info.lowest,
        .contexts = t->contexts.contexts,
        .stacks = t->stacks.stacks,
        .lost_contexts = t->contexts.lost,
        .op_rows = t->calls.ops.rows.keys,
        .op_states = t->calls.ops.states.keys,
        .op_uses = t->objects.states.keys,
        .lost_ends = t->calls.ops.lost,
        .lost_frames = t->calls.lost_frames,
        .unmatched_records = t->unmatched,
        .merged_states = t->blocks.merged,
        .merged_uses = t->objects.merged,
        .flash_wait_states = t->memory.flash_wait_states,
    };
    for (uint32_t i = 0; i < t->stacks.stacks; i++)
        info.links += t->stacks.stack[i].info.links;
    for (uint32_t i = 0; i < t->blocks.blocks; i++) {
        info.sites += t->blocks.block[i].facts.accesses;
        info.instructions += t->blocks.block[i].facts.instructions;
    }
    return info;
}

void timing_nodes(const struct timing *t, struct node_info *info, uint64_t *counters)
{
    for (uint32_t i = 0; i < t->calls.nodes; i++, counters += t->calls.width) {
        info[i] = t->calls.node[i].info;
        memcpy(counters, t->calls.node[i].counters, t->calls.width * sizeof *counters);
        if (t->contexts.context[info[i].context].is_aside && i) {
            info[i].calls = 0;
            memset(counters, 0, t->calls.width * sizeof *counters);
        }
    }
}

void timing_blocks(const struct timing *t, struct block_info *info, struct site_info *sites, uint64_t *skipped)
{
    for (uint32_t i = 0; i < t->blocks.blocks; i++) {
        const struct block *b = &t->blocks.block[i];
        info[i] = b->info;
        memcpy(skipped, b->skipped, b->facts.instructions * sizeof *skipped);
        if (b->is_aside) {
            info[i] = (struct block_info){.address = b->info.address, .size = b->info.size};
            memset(skipped, 0, b->facts.instructions * sizeof *skipped);
        }
        for (uint32_t a = 0; a < b->facts.accesses; a++)
            *sites++ = b->is_aside ? (struct site_info){0, 0, 0} : b->site[a].counts;
        skipped += b->facts.instructions;
    }
}

/* A block of contexts that do not count. */
static int is_aside(const struct timing *t, uint32_t block) { return t->blocks.block[block].is_aside; }

void timing_schedules(const struct timing *t, struct schedule_info *out)
{
    const struct blocks *b = &t->blocks;
    for (uint32_t i = 0; i < b->schedules; i++) {
        const struct schedule *s = &b->schedule[i];
        uint64_t executions = is_aside(t, s->block) ? 0 : s->cost.executions;
        out[i] = (struct schedule_info){s->block, s->stretch, s->state, s->variant, executions};
    }
    for (uint32_t i = 0; i < b->entries; i++)
        for (uint32_t s = 0; !is_aside(t, b->entry[i].block) && s < b->block[b->entry[i].block].facts.stretches; s++)
            out[b->cost[i].schedule[s]].executions += b->cost[i].cost.executions;
}

void timing_uses(const struct timing *t, struct use_info *out)
{
    for (uint32_t i = 0; i < t->objects.uses; i++) {
        out[i] = t->objects.use[i].info;
        if (is_aside(t, out[i].block))
            out[i].counts = (struct site_info){0, 0, 0};
    }
}

void timing_op_rows(const struct timing *t, struct op_row_info *out)
{
    if (t->calls.ops.rows.keys)
        memcpy(out, t->calls.ops.row, t->calls.ops.rows.keys * sizeof *out);
    contexts_add_open(t, out);
}

void timing_op_states(const struct timing *t, struct op_state_info *out)
{
    for (uint32_t state = 1; state <= t->calls.ops.states.keys; state++)
        *out++ =
            (struct op_state_info){operations_around(&t->calls.ops, state), operations_innermost(&t->calls.ops, state)};
}

void timing_op_uses(const struct timing *t, struct op_use_info *out)
{
    if (t->objects.states.keys)
        memcpy(out, t->objects.op_use, t->objects.states.keys * sizeof *out);
}

void timing_contexts(const struct timing *t, struct context_info *out)
{
    for (uint32_t i = 0; i < t->contexts.contexts; i++)
        out[i] = t->contexts.context[i].info;
}

void timing_stacks(const struct timing *t, struct stack_info *out, struct link_info *link)
{
    for (uint32_t i = 0; i < t->stacks.stacks; i++) {
        const struct stack *s = &t->stacks.stack[i];
        out[i] = s->info;
        if (s->info.links)
            memcpy(link, s->link, s->info.links * sizeof *link);
        link += s->info.links;
    }
}

void timing_transfers(const struct timing *t, struct transfer_info *out)
{
    memcpy(out, t->transfer, t->memory.regions * sizeof *out);
}

uint32_t timing_moved(const struct timing *t, struct moved_info *out)
{
    memcpy(out, t->moved.range, t->moved.ranges * sizeof *out);
    return t->moved.ranges;
}

void timing_stale(const struct timing *t, struct stale_info *out)
{
    memcpy(out, t->memory.stale, sizeof t->memory.stale);
}

void timing_frames(const struct timing *t, struct frame_info *out)
{
    for (uint32_t i = 0; i < t->calls.frames; i++) {
        const struct frame *f = &t->calls.frame[i];
        out[i] = (struct frame_info){t->calls.node[f->node].info.function, f->call_site};
    }
}

struct trace_info timing_trace_info(const struct timing *timing)
{
    const struct trace *t = timing->trace;
    if (!t)
        return (struct trace_info){0};
    return (struct trace_info){t->resolution, t->dropped, trace_spans(t), t->samples, t->deepest, TRACE_DEPTH_MAX};
}

void timing_trace_spans(const struct timing *t, struct span_info *out)
{
    for (uint32_t i = 0; i < trace_spans(t->trace); i++)
        out[i] = trace_span(t->trace, i, t->now - t->counted_from);
}

void timing_trace_samples(const struct timing *t, uint64_t *rows)
{
    memcpy(rows, t->trace->sample, (size_t)t->trace->samples * (1 + t->trace->width) * sizeof *rows);
}
