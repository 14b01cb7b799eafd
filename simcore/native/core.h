/* core.h: the one border between Python and the C core; types.h holds what goes over it.
 *
 * Ownership: C owns the core and every array it points to. Python receives copies and keeps no
 * pointer past the call that gave it. Structures passed in are read during the call only.
 * Every function that can fail returns 0 or a negative core_status; core_status_text() names it.
 * All times are core clock cycles, all sizes bytes, unless a name says otherwise.
 *
 * simcore/native/build.py gives types.h and the text between the two cffi marks to cffi as they stand.
 */
#ifndef MCUSIM_CORE_H
#define MCUSIM_CORE_H

#include "operator_calls.h"
#include "packed.h"
#include "peripherals.h"
#include "sandbox.h"
#include "types.h"

/* cffi: begin */

/* One engine, one event stream, any number of configurations. */
typedef struct core core;

const char *core_status_text(int status);

core *core_new(int *status);                              /* NULL, and *status set, on failure */
void core_free(core *c);                                  /* free the engine first */
uint32_t core_extra_classes(void);

/* Short cuts of timing are not taken, and it has no thread of its own: for tests. Before configurations are added. */
void core_by_all_rules(core *c);

/* Adds a configuration and returns its number or a core_status. All are added before the core is attached;
 * the time that firmware reads is that of number 0. */
int core_add_timing(core *c, const struct timing_setup *setup);

/* Hooks a Unicorn engine that has not run yet, and maps the peripheral and system regions of number 0's part. */
int core_attach(core *c, void *engine, const struct engine_functions *functions, const struct capture_config *config);

/* `describe` is called once, when a program first uses a register of a peripheral, or one is told or asked for: who
 * uses none need not wait for their description. */
void core_describe_when_used(core *c, void *self, core_describe_fn *describe);

/* From now on these bits of a peripheral's word read so, whatever is written; the others as they were written. */
int core_tell_register(core *c, uint32_t address, uint32_t value, uint32_t mask);

int core_reset_register(core *c, uint32_t address, uint32_t value);   /* what it reads until it is written */

/* A register of a device that is described: how it comes out of reset, and its rules, which are copied. */
int core_describe(core *c, uint32_t address, uint32_t reset, const struct device_rule *rule, uint32_t rules);

int core_describe_dma(core *c, const struct dma_info *info);  /* a channel; behind the registers that it has */
/* Memory of the host behind flash at an address, which stays the caller's and outlives the core: programs erase and
 * program it. The engine's own functions cannot write it while the engine runs. */
int core_lend_flash(core *c, uint32_t address, uint32_t size, void *memory);

/* Where text goes that devices send, a line or less at a time. */
void core_print(core *c, void *self, core_write_fn *write);
int core_print_rest(core *c);                             /* what is not printed yet */

/* A serial port of a described device, of which bytes take time on the line: `pace` is asked for the cycles of one
 * whenever they may have changed. Its number, from 0, or a core_status. It receives these bytes, which are copied: one
 * is there as soon as it can have come and the port has room. */
int core_serial_port(core *c, const struct serial_port *port, void *self, core_pace_fn *pace);
int core_feed(core *c, uint32_t port, const uint8_t *bytes, size_t size);
void core_serial(const core *c, uint32_t port, struct serial_info *out);

uint32_t core_clock_note_count(const core *c);
void core_clock_notes(const core *c, struct clock_note *out);
void core_left_out(const core *c, struct left_out_info *out);     /* past the limits of types.h */

uint32_t core_register(core *c, uint32_t address);        /* what a peripheral's word reads now */
int core_register_written(const core *c, uint32_t address);   /* the program wrote to it */

/* The stack that the program starts with: its top and the lowest address of its region. */
int core_watch_stack(core *c, uint32_t top, uint32_t floor);

/* Only these contexts of configurations count: numbers from a run before, of the same program. Before the first run. */
int core_count_only(core *c, const uint32_t *context, uint32_t count);

/* The data objects that uses are counted for: sorted by base, not overlapping. Table 0 holds from the start, before the
 * first run; others when an answer of core_operator_fn says so, or a recording. Numbered in the order in which they
 * come. */
int core_objects(core *c, uint32_t table, const struct object_range *range, uint32_t ranges);

/* `ask` is called for each operator of a network that an interpreter runs; before the first run. */
void core_watch_operators(core *c, void *self, core_operator_fn *ask);

/* Keeps at most so many spans and samples of the counters over time for one configuration, at least 2 of each;
 * nothing is kept unless asked for. Before the first run. */
int core_trace(core *c, uint32_t timing, uint32_t spans, uint32_t samples);

/* Counts blocks by node of the call tree, too, for one configuration; nothing is kept unless asked for. Before the
 * first run. Returns 0 or CORE_ERR_MEMORY. */
int core_node_blocks(core *c, uint32_t timing);

/* Before each group of so many operations of one configuration caches and predictors are as behind a reset, so that a
 * group costs what it would alone. Before the first run. */
void core_apart(core *c, uint32_t timing, uint32_t operations);

/* Calls that are operations of one configuration. Before the first run, once. Returns 0 or a core_status. */
int core_operations(core *c, uint32_t timing, const struct op_calls *calls, uint32_t count);

/* One call of these functions is counted alone by one configuration: the counters begin at its entry, and `took` is
 * called at its return, which may read what follows core_finish() then; at most twice, see timing/one_call.h. Before the
 * first run, once. Returns 0 or a core_status. */
int core_one_call(core *c, uint32_t timing, const uint32_t *function, uint32_t functions, void *self,
                  core_one_call_fn *took);

/* Runs until something stops it. Call again with a new pc to go on. Returns a core_stop. */
int core_run(core *c, uint32_t pc);
int core_run_status(const core *c);                       /* core_status behind STOP_ERROR */
int core_engine_error(const core *c);                     /* uc_err of the last return of the engine */
void core_stop_request(core *c);                          /* from any thread */
void core_fault(const core *c, struct fault_info *out);

uint64_t core_instructions(const core *c);                /* captured so far; from any thread */
uint64_t core_modelled(const core *c);                    /* cycles timed so far; from any thread */
uint64_t core_now(core *c);                               /* cycles up to and with the last instruction */
int core_sleep(core *c, uint64_t cycles);                 /* the core slept; behind WFI or WFE */
int core_wakes(core *c);                                  /* an exception is pending that ends a sleep */
uint64_t core_cycles_to_wake(core *c);                    /* until one will be, UINT64_MAX: never */
int core_take_event(core *c);                             /* the event register, which this clears */
uint64_t core_cycles_left(core *c);                       /* until max_cycles; UINT64_MAX: no limit */
int core_take_fault(core *c);                             /* enters the program's handler of core_fault(); 0: none */
void core_retry(core *c);                                /* the access of core_fault() runs again */
void core_raise(core *c, const struct fault_info *fault); /* a fault that was seen outside; core_fault() tells it */
int core_fault_active(const core *c);                     /* a handler of a fault has not come back */
int core_fault_repeats(const core *c);                    /* it comes back to the same fault again and again */
void core_storm(const core *c, struct storm_info *out);   /* what stopped the run, or would soon */
uint32_t core_handlers(const core *c, struct handler_info *out, uint32_t room);  /* how many are active */
int core_would_take(core *c, uint32_t number, int asleep);    /* an exception, or let it end the sleep, if pending */
uint32_t core_system_register(const core *c, uint32_t address);   /* what firmware would read, without its effect */

/* Records the event stream from now on: `write` gets it in pieces, the last one from core_finish(). */
void core_record(core *c, void *self, core_write_fn *write);

/* In place of an engine: times a piece that was recorded; all of them in their order. Returns 0, STOP_FAULT when
 * timing stopped the program there, or a core_status. */
int core_replay(core *c, const uint8_t *bytes, size_t size);

/* Hands the rest of the stream over and settles all counters. Call before what follows. */
int core_finish(core *c);

/* What one configuration found, everything of a kind at once: arrays have room for what core_timing_info() says. */
void core_timing_info(const core *c, uint32_t timing, struct timing_info *out);
void core_nodes(const core *c, uint32_t timing, struct node_info *info, uint64_t *counters);
void core_blocks(const core *c, uint32_t timing, struct block_info *info, struct site_info *sites, uint64_t *skipped);
void core_schedules(const core *c, uint32_t timing, struct schedule_info *out);
void core_uses(const core *c, uint32_t timing, struct use_info *out);
void core_op_rows(const core *c, uint32_t timing, struct op_row_info *out);
void core_op_states(const core *c, uint32_t timing, struct op_state_info *out);
void core_op_uses(const core *c, uint32_t timing, struct op_use_info *out);
void core_one_call_info(const core *c, uint32_t timing, struct one_call_info *out);
void core_contexts(const core *c, uint32_t timing, struct context_info *out);
void core_stacks(const core *c, uint32_t timing, struct stack_info *out, struct link_info *link);
void core_transfers(const core *c, uint32_t timing, struct transfer_info *out);    /* one per region */
/* Memory that DMA moved from or to in all of the run: sorted, at most MOVED_RANGES. Returns how many. */
uint32_t core_moved(const core *c, uint32_t timing, struct moved_info *out);
void core_stale(const core *c, uint32_t timing, struct stale_info *out);           /* STALE_KINDS */

/* Exceptions that were taken or came while they could not be, by number; stretches with interrupts masked; handlers
 * that ran, of a trace, by their ends. */
uint32_t core_interrupt_count(const core *c, uint32_t timing);
void core_interrupts(const core *c, uint32_t timing, struct interrupt_info *out);
void core_critical(const core *c, uint32_t timing, struct critical_info *out);
uint32_t core_activation_count(const core *c, uint32_t timing);
void core_activations(const core *c, uint32_t timing, struct activation_info *out);

/* A trace: zeros when none was asked for. A row is the cycles from the start, then the counters of the whole run
 * until then. */
void core_trace_info(const core *c, uint32_t timing, struct trace_info *out);
void core_trace_spans(const core *c, uint32_t timing, struct span_info *out);
void core_trace_samples(const core *c, uint32_t timing, uint64_t *rows);

/* Rows of blocks by node, 0 when they were not asked for or there was no memory; then the rows, in no order. */
uint32_t core_node_block_count(const core *c, uint32_t timing);
void core_node_block_rows(const core *c, uint32_t timing, struct node_block_info *out);

/* What is the same for all of them. */
uint32_t core_frame_count(const core *c);
void core_frames(const core *c, struct frame_info *out);
uint64_t core_counted_from(const core *c);                /* modelled cycles at which counting began */
int core_counts(const core *c);                           /* 0: capture_config.from was not reached */
uint32_t core_polled(const core *c);                      /* peripheral register read just now, UINT32_MAX: none */
uint32_t core_polling_turns(const core *c);               /* of a loop that only waits for one; 0: none */
uint32_t core_peripheral_count(const core *c);            /* words that were used and nobody told of */
void core_peripherals(const core *c, struct peripheral_info *out);
uint32_t core_task_count(const core *c);
void core_tasks(const core *c, struct task_info *out);
uint32_t core_op_count(const core *c);
void core_ops(const core *c, struct op_info *out);
uint64_t core_self_modified(const core *c);               /* stores into code that had run */
int core_clock_read(const core *c);                       /* the program was told of modelled time, or ticked by it */
int core_geometry_read(const core *c);                    /* it read the caches' sizes (CCSIDR) */
int core_waits_for(const core *c, uint32_t number);      /* an exception is enabled, and never came */
int core_reset_requested(const core *c);                  /* AIRCR.SYSRESETREQ was written */

/* cffi: end */
#endif
