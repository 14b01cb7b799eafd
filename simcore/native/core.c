/* core.c: the face of the C core: wires capture to timing and hands out copies. See core.h. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

#include "capture/capture.h"
#include "stream/codec.h"
#include "timing/cuts.h"
#include "timing/interrupts.h"
#include "timing/one_call.h"
#include "timing/results.h"
#include "timing/timings.h"

struct core {
    struct stream stream;
    struct timings timings;
    struct capture *capture;
    struct codec codec;          /* of a recording, or of what is replayed */
    core_write_fn *write;        /* NULL: nothing is recorded */
    void *writer;
    int status;
};

/* --- names ------------------------------------------------------------------------------------------ */

const char *core_status_text(int status)
{
    switch (status) {
    case CORE_OK: return "no error";
    case CORE_ERR_MEMORY: return "the host has no memory left";
    case CORE_ERR_CALLBACK: return "the pipeline model failed";
    case CORE_ERR_STREAM: return "the event stream does not fit the decoded blocks";
    case CORE_ERR_ENGINE: return "Unicorn refused a call";
    case CORE_ERR_CONFIG: return "a configuration value is outside what the core can hold";
    case CORE_ERR_LIMIT: return "a table of the core is full";
    case CORE_ERR_CAPTURE: return "what is replayed was not recorded";
    case CORE_ERR_ADDRESSES: return "data addresses worked out are not those of the engine";
    default: return "unknown error";
    }
}

/* --- life --------------------------------------------------------------------------------------------- */

uint32_t core_extra_classes(void) { return EXTRA_CLASSES; }

/* The sink of the stream: timing, and the recording behind it. */
static int consume(void *self, const uint32_t *words, size_t count)
{
    core *c = self;
    int stop = timings_consume(&c->timings, words, count);
    if (stop < 0 || !c->write)
        return stop;
    int status = codec_encode(&c->codec, &c->stream, words, count);
    if (status == CORE_OK && codec_used(&c->codec) >= CODEC_PIECE_BYTES)
        status = codec_piece(&c->codec, c->writer, c->write);
    return status == CORE_OK ? stop : status;
}

static uint64_t now_of(void *self) { return timings_now(&((core *)self)->timings); }

static int cuts_of(void *self, const uint32_t *record, uint64_t cycles, struct cut *out, uint32_t room)
{
    return timing_cuts(((core *)self)->timings.timing[0], record, cycles, out, room);
}

static uint32_t fault_pc_of(void *self) { return ((core *)self)->timings.timing[0]->fault.pc; }

core *core_new(int *status)
{
    core *c = calloc(1, sizeof *c);
    *status = CORE_ERR_MEMORY;
    if (!c)
        return NULL;
    timings_init(&c->timings);
    codec_init(&c->codec);
    stream_init(&c->stream, (struct sink){consume, now_of, cuts_of, fault_pc_of, c});
    c->capture = capture_new(&c->stream, status);
    if (*status != CORE_OK) {
        core_free(c);
        return NULL;
    }
    return c;
}

void core_free(core *c)
{
    if (!c)
        return;
    ahead_end(&c->stream);
    capture_free(c->capture);
    timings_free(&c->timings);
    codec_free(&c->codec);
    stream_free(&c->stream);
    free(c);
}

void core_by_all_rules(core *c)
{
    c->timings.by_all_rules = 1;
    c->stream.is_alone = 1;
}

int core_add_timing(core *c, const struct timing_setup *setup) { return timings_add(&c->timings, setup, &c->stream); }

/* The configuration that the program runs under. */
static struct timing *first_of(const core *c) { return c->timings.timing[0]; }

int core_attach(core *c, void *engine, const struct engine_functions *functions, const struct capture_config *config)
{
    return capture_attach(c->capture, engine, functions, config, first_of(c)->region, first_of(c)->memory.regions);
}

int core_watch_stack(core *c, uint32_t top, uint32_t floor)
{
    int status = CORE_OK;
    for (uint32_t i = 0; i < c->timings.count && status == CORE_OK; i++)
        status = stacks_begin(c->timings.timing[i], top, floor);
    return status;
}

int core_count_only(core *c, const uint32_t *context, uint32_t count)
{
    int status = CORE_OK;
    for (uint32_t i = 0; i < c->timings.count && status == CORE_OK; i++)
        status = contexts_count_only(c->timings.timing[i], context, count);
    return status;
}

int core_objects(core *c, uint32_t table, const struct object_range *range, uint32_t ranges)
{
    int status = CORE_OK;
    for (uint32_t i = 0; i < c->timings.count && status == CORE_OK; i++)
        status = objects_init(&c->timings.timing[i]->objects, table, range, ranges);
    return status;
}

int core_trace(core *c, uint32_t timing, uint32_t spans, uint32_t samples)
{
    return timing_trace(c->timings.timing[timing], spans, samples);
}

int core_node_blocks(core *c, uint32_t timing) { return timing_node_blocks(c->timings.timing[timing]); }

void core_apart(core *c, uint32_t timing, uint32_t operations) { c->timings.timing[timing]->apart = operations; }

int core_operations(core *c, uint32_t timing, const struct op_calls *calls, uint32_t count)
{
    return operations_ask(&c->timings.timing[timing]->calls.ops, calls, count);
}

int core_one_call(core *c, uint32_t timing, const uint32_t *function, uint32_t functions, void *self,
                  core_one_call_fn *took)
{
    return one_call_ask(c->timings.timing[timing], function, functions, self, took);
}

/* --- running ------------------------------------------------------------------------------------------ */

static int flush(core *c)
{
    capture_close_record(c->capture);
    int status = stream_flush(&c->stream);
    if (status < 0)
        c->status = status;
    return status;
}

int core_run(core *c, uint32_t pc)
{
    int stop = capture_run(c->capture, pc), status = stream_wait(&c->stream);
    if (stop == STOP_FAULT)
        flush(c);                /* timing finds the instruction that faulted and its call stack */
    if (status == CORE_OK || stop == STOP_ERROR)
        return stop;
    if (status < 0)
        c->status = status;
    return status < 0 ? STOP_ERROR : status;
}

int core_run_status(const core *c) { return c->status != CORE_OK ? c->status : capture_status(c->capture); }
int core_engine_error(const core *c) { return capture_engine_error(c->capture); }
void core_stop_request(core *c) { capture_stop_request(c->capture); }
uint64_t core_instructions(const core *c) { return capture_instructions(c->capture); }

void core_fault(const core *c, struct fault_info *out)
{
    *out = *capture_fault(c->capture);
    if (out->kind == FAULT_NONE)
        *out = first_of(c)->fault;
    else if (!out->pc)
        out->pc = first_of(c)->fault.pc;
}

uint64_t core_modelled(const core *c) { return first_of(c)->now; }

uint64_t core_now(core *c)
{
    flush(c);
    capture_tell_clock(c->capture);
    return first_of(c)->now;
}

int core_sleep(core *c, uint64_t cycles)
{
    uint32_t payload[2] = {(uint32_t)cycles, (uint32_t)(cycles >> 32)};
    capture_close_record(c->capture);
    storms_slept(c->capture);
    stream_put(&c->stream, RECORD_SLEEP, payload, 2);
    return flush(c);
}

int core_wakes(core *c)
{
    flush(c);
    return capture_wakes(c->capture);
}

uint64_t core_cycles_to_wake(core *c)
{
    flush(c);
    uint64_t cycles = capture_cycles_to_wake(c->capture, first_of(c)->now);
    if (cycles != UINT64_MAX)
        capture_tell_clock(c->capture);
    return cycles;
}

int core_take_event(core *c) { return capture_take_event(c->capture); }

uint64_t core_cycles_left(core *c)
{
    flush(c);
    return capture_cycles_left(c->capture, first_of(c)->now);
}

int core_take_fault(core *c) { return capture_take_fault(c->capture); }
void core_retry(core *c) { capture_retry(c->capture); }

void core_raise(core *c, const struct fault_info *fault)
{
    capture_raise(c->capture, fault);
    flush(c);                    /* the call stack is that of the fault */
}

int core_fault_active(const core *c) { return nvic_fault_is_active(&capture_system(c->capture)->nvic); }
int core_fault_repeats(const core *c) { return capture_fault_repeats(c->capture); }
void core_storm(const core *c, struct storm_info *out) { capture_storm(c->capture, out); }

uint32_t core_handlers(const core *c, struct handler_info *out, uint32_t room)
{
    return capture_handlers(c->capture, out, room);
}

int core_would_take(core *c, uint32_t number, int asleep) { return capture_would_take(c->capture, number, asleep); }

uint32_t core_system_register(const core *c, uint32_t address)
{
    return system_peek(capture_system(c->capture), address, first_of(c)->now);
}

int core_waits_for(const core *c, uint32_t number)
{
    const struct nvic *n = &capture_system(c->capture)->nvic;
    return nvic_is_enabled(n, number) && !nvic_was_taken(n, number);
}

int core_reset_requested(const core *c) { return capture_system(c->capture)->reset_requested; }

void core_record(core *c, void *self, core_write_fn *write)
{
    c->writer = self;
    c->write = write;
}

int core_replay(core *c, const uint8_t *bytes, size_t size) { return codec_decode(&c->codec, &c->stream, bytes, size); }

int core_finish(core *c)
{
    int status = flush(c);
    if (c->write && status >= 0) {
        int written = codec_piece(&c->codec, c->writer, c->write);
        status = written == CORE_OK ? status : written;
    }
    for (uint32_t i = 0; i < c->timings.count; i++) {
        timing_settle(c->timings.timing[i]);
        timing_settle_objects(c->timings.timing[i]);
        timing_settle_trace(c->timings.timing[i]);
        interrupts_settle(c->timings.timing[i]);
        if (status >= 0 && timing_status(c->timings.timing[i]) != CORE_OK)
            status = timing_status(c->timings.timing[i]);
    }
    return status;
}

/* --- what came of it ------------------------------------------------------------------------------------ */

static const struct timing *of(const core *c, uint32_t timing) { return c->timings.timing[timing]; }

void core_timing_info(const core *c, uint32_t timing, struct timing_info *out) { *out = timing_info(of(c, timing)); }

void core_nodes(const core *c, uint32_t timing, struct node_info *info, uint64_t *counters)
{
    timing_nodes(of(c, timing), info, counters);
}

void core_blocks(const core *c, uint32_t timing, struct block_info *info, struct site_info *sites, uint64_t *skipped)
{
    timing_blocks(of(c, timing), info, sites, skipped);
}

void core_schedules(const core *c, uint32_t timing, struct schedule_info *out) { timing_schedules(of(c, timing), out); }
void core_uses(const core *c, uint32_t timing, struct use_info *out) { timing_uses(of(c, timing), out); }

void core_op_rows(const core *c, uint32_t timing, struct op_row_info *out) { timing_op_rows(of(c, timing), out); }
void core_op_states(const core *c, uint32_t timing, struct op_state_info *out) { timing_op_states(of(c, timing), out); }
void core_op_uses(const core *c, uint32_t timing, struct op_use_info *out) { timing_op_uses(of(c, timing), out); }
void core_one_call_info(const core *c, uint32_t timing, struct one_call_info *out)
{
    *out = one_call_info(&of(c, timing)->calls.ops);
}
void core_contexts(const core *c, uint32_t timing, struct context_info *out) { timing_contexts(of(c, timing), out); }

void core_stacks(const core *c, uint32_t timing, struct stack_info *out, struct link_info *link)
{
    timing_stacks(of(c, timing), out, link);
}

void core_transfers(const core *c, uint32_t timing, struct transfer_info *out) { timing_transfers(of(c, timing), out); }
uint32_t core_moved(const core *c, uint32_t timing, struct moved_info *out) { return timing_moved(of(c, timing), out); }

void core_stale(const core *c, uint32_t timing, struct stale_info *out) { timing_stale(of(c, timing), out); }

uint32_t core_interrupt_count(const core *c, uint32_t timing) { return interrupts_count(of(c, timing)); }
void core_interrupts(const core *c, uint32_t timing, struct interrupt_info *out)
{
    interrupts_info(of(c, timing), out);
}

void core_critical(const core *c, uint32_t timing, struct critical_info *out)
{
    interrupts_critical(of(c, timing), out);
}

uint32_t core_activation_count(const core *c, uint32_t timing) { return interrupts_activations(of(c, timing)); }
void core_activations(const core *c, uint32_t timing, struct activation_info *out)
{
    interrupts_spans(of(c, timing), out);
}

void core_trace_info(const core *c, uint32_t timing, struct trace_info *out)
{
    *out = timing_trace_info(of(c, timing));
}
void core_trace_spans(const core *c, uint32_t timing, struct span_info *out) { timing_trace_spans(of(c, timing), out); }
void core_trace_samples(const core *c, uint32_t timing, uint64_t *rows) { timing_trace_samples(of(c, timing), rows); }

uint32_t core_node_block_count(const core *c, uint32_t timing)
{
    const struct timing *t = of(c, timing);
    return t->node_blocks ? t->node_blocks->rows : 0;
}
void core_node_block_rows(const core *c, uint32_t timing, struct node_block_info *out)
{
    const struct timing *t = of(c, timing);
    if (t->node_blocks)
        node_blocks_copy(t->node_blocks, out);
}

uint32_t core_frame_count(const core *c) { return first_of(c)->calls.frames; }
void core_frames(const core *c, struct frame_info *out) { timing_frames(first_of(c), out); }
uint64_t core_counted_from(const core *c) { return first_of(c)->counted_from; }
int core_counts(const core *c) { return capture_counts(c->capture); }
uint32_t core_polled(const core *c) { return capture_polled(c->capture); }
void core_describe_when_used(core *c, void *self, core_describe_fn *describe)
{
    capture_describe_when_used(c->capture, self, describe);
}

int core_tell_register(core *c, uint32_t address, uint32_t value, uint32_t mask)
{
    return capture_tell_register(c->capture, address, value, mask);
}

int core_register_written(const core *c, uint32_t address) { return capture_register_written(c->capture, address); }
uint32_t core_polling_turns(const core *c) { return capture_polling_turns(c->capture); }
int core_describe(core *c, uint32_t address, uint32_t reset, const struct device_rule *rule, uint32_t rules)
{
    return capture_describe(c->capture, address, reset, rule, rules);
}

int core_describe_dma(core *c, const struct dma_info *info) { return capture_describe_dma(c->capture, info); }
int core_lend_flash(core *c, uint32_t address, uint32_t size, void *memory)
{
    return capture_lend_flash(c->capture, address, size, memory);
}

void core_print(core *c, void *self, core_write_fn *write) { capture_print(c->capture, self, write); }
int core_serial_port(core *c, const struct serial_port *port, void *self, core_pace_fn *pace)
{
    return capture_serial_port(c->capture, port, self, pace);
}

int core_feed(core *c, uint32_t port, const uint8_t *bytes, size_t size)
{
    return capture_feed(c->capture, port, bytes, size);
}

void core_serial(const core *c, uint32_t port, struct serial_info *out) { capture_serial(c->capture, port, out); }
int core_print_rest(core *c) { return capture_print_rest(c->capture); }
uint32_t core_clock_note_count(const core *c) { return capture_clock_note_count(c->capture); }
void core_clock_notes(const core *c, struct clock_note *out) { capture_clock_notes(c->capture, out); }
void core_left_out(const core *c, struct left_out_info *out) { *out = capture_left_out(c->capture); }

int core_reset_register(core *c, uint32_t address, uint32_t value)
{
    return capture_reset_register(c->capture, address, value);
}

uint32_t core_register(core *c, uint32_t address) { return capture_register(c->capture, address); }
uint32_t core_peripheral_count(const core *c) { return capture_peripheral_count(c->capture); }
void core_peripherals(const core *c, struct peripheral_info *out) { capture_peripherals(c->capture, out); }
uint32_t core_task_count(const core *c) { return capture_task_count(c->capture); }
void core_tasks(const core *c, struct task_info *out) { capture_tasks(c->capture, out); }
void core_watch_operators(core *c, void *self, core_operator_fn *ask) { operators_watch(c->capture, self, ask); }
uint32_t core_op_count(const core *c) { return capture_op_count(c->capture); }
void core_ops(const core *c, struct op_info *out) { capture_ops(c->capture, out); }
uint64_t core_self_modified(const core *c) { return capture_self_modified(c->capture); }
int core_clock_read(const core *c) { return capture_clock_read(c->capture); }
int core_geometry_read(const core *c) { return capture_geometry_read(c->capture); }
