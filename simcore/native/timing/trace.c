/* trace.c: see trace.h. */
#include "timing/trace.h"

#include <stdlib.h>
#include <string.h>

int trace_init(struct trace *t, uint32_t spans, uint32_t samples, uint32_t width, const uint64_t *running)
{
    memset(t, 0, sizeof *t);
    t->spans_room = spans;
    t->samples_room = samples;
    t->width = width;
    t->period = t->next_sample = TRACE_FIRST_PERIOD;
    t->running = running;
    t->span = malloc(spans * sizeof *t->span);
    t->sample = malloc((size_t)samples * (1 + width) * sizeof *t->sample);
    t->total = calloc(width, sizeof *t->total);
    t->seen = calloc(width, sizeof *t->seen);
    return t->span && t->sample && t->total && t->seen ? CORE_OK : CORE_ERR_MEMORY;
}

void trace_free(struct trace *t)
{
    free(t->span);
    free(t->sample);
    free(t->total);
    free(t->seen);
    memset(t, 0, sizeof *t);
}

void trace_forget(struct trace *t)
{
    t->spans = t->samples = 0;
    t->dropped = t->resolution = 0;
    t->begun = t->depth + t->ops;
    for (uint32_t i = 0; i < t->ops; i++)
        t->op[i] = (struct span_info){0, 0, t->depth + i, t->op[i].node};
    for (uint32_t i = 0; i < t->depth; i++)
        t->open[i] = (struct span_info){0, 0, i, t->open[i].node};
    t->period = t->next_sample = TRACE_FIRST_PERIOD;
    memset(t->total, 0, t->width * sizeof *t->total);
    memset(t->seen, 0, t->width * sizeof *t->seen);
}

/* --- spans -------------------------------------------------------------------------------------------- */

static uint64_t cycles_of(const struct span_info *s) { return s->end - s->start; }

static void coarsen(struct trace *t)
{
    while (t->spans > t->spans_room / 2) {
        uint32_t kept = 0;
        t->resolution = t->resolution ? t->resolution * 2 : 1;
        for (uint32_t i = 0; i < t->spans; i++)
            if (cycles_of(&t->span[i]) >= t->resolution)
                t->span[kept++] = t->span[i];
        t->dropped += t->spans - kept;
        t->spans = kept;
    }
}

static void begin_span(struct trace *t, int32_t node, uint64_t now)
{
    t->open[t->depth++] = (struct span_info){now, now, t->begun++, node};
}

static void end_span(struct trace *t, struct span_info s, uint64_t now)
{
    s.end = now;
    if (cycles_of(&s) < t->resolution) {
        t->dropped++;
        return;
    }
    if (t->spans == t->spans_room)
        coarsen(t);
    if (cycles_of(&s) < t->resolution)
        t->dropped++;
    else
        t->span[t->spans++] = s;
}

struct span_info trace_span(const struct trace *t, uint32_t index, uint64_t now)
{
    if (index < t->spans)
        return t->span[index];
    index -= t->spans;
    struct span_info s = index < t->depth ? t->open[index] : t->op[index - t->depth];
    s.end = now;
    return s;
}

/* --- counters ------------------------------------------------------------------------------------------- */

static void add_running(struct trace *t)
{
    for (uint32_t i = 0; i < t->width; i++)
        t->total[i] += t->running[i] - t->seen[i];
    memcpy(t->seen, t->running, t->width * sizeof *t->seen);
}

static uint64_t next_after(const struct trace *t, uint64_t time) { return (time / t->period + 1) * t->period; }

void trace_sample(struct trace *t, uint64_t now, int is_last)
{
    size_t row = 1 + t->width;
    add_running(t);
    if (t->samples && t->sample[(t->samples - 1) * row] == now)
        t->samples--;
    if (t->samples == t->samples_room) {
        t->samples /= 2;
        for (uint32_t i = 0; i < t->samples; i++)
            memcpy(t->sample + i * row, t->sample + (2 * i + 1) * row, row * sizeof *t->sample);
        t->period *= 2;
        t->next_sample = next_after(t, t->sample[(t->samples - 1) * row]);
        if (now < t->next_sample && !is_last)
            return;
    }
    uint64_t *s = t->sample + t->samples++ * row;
    s[0] = now;
    memcpy(s + 1, t->total, t->width * sizeof *s);
    t->next_sample = next_after(t, now);
}

static void end_ops(struct trace *t, uint32_t left, uint64_t now)
{
    while (t->ops > left)
        end_span(t, t->op[--t->ops], now);
}

/* What opened inside of one that is over has a span of its own from there. */
static void follow_ops(struct trace *t, const struct operations *o, uint64_t now)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < o->opens && at < TRACE_OPS_MAX; i++) {
        if (o->open[i].again)
            continue;
        if (at == t->ops || t->serial[at] != o->open[i].serial) {
            end_ops(t, at, now);
            t->serial[t->ops] = o->open[i].serial;
            t->op[t->ops++] = (struct span_info){now, now, t->begun++, o->open[i].node};
        }
        at++;
    }
    end_ops(t, at, now);
}

void trace_suspend(struct trace *t, uint64_t now)
{
    end_ops(t, 0, now);
    while (t->depth)
        end_span(t, t->open[--t->depth], now);
}

void trace_follow(struct trace *t, const struct calltree *calls, uint64_t now)
{
    if (calls->ops.opens || t->ops)
        follow_ops(t, &calls->ops, now);
    uint32_t frames = calls->frames - 1;         /* without the root's */
    uint32_t depth = frames < TRACE_DEPTH_MAX ? frames : TRACE_DEPTH_MAX;
    if (frames > t->deepest)
        t->deepest = frames;
    while (t->depth > depth)
        end_span(t, t->open[--t->depth], now);
    if (t->depth && t->depth == frames && t->open[t->depth - 1].node != calls->frame[frames].span)
        end_span(t, t->open[--t->depth], now);                        /* a tail call */
    while (t->depth < depth)
        begin_span(t, calls->frame[t->depth + 1].span, now);
    const uint64_t *running = calls->node[calls->frame[frames].node].counters;
    if (running != t->running) {
        add_running(t);
        t->running = running;
        memcpy(t->seen, running, t->width * sizeof *t->seen);
    }
}
