/* capture.h: the producer of the event stream: a Unicorn engine with hooks.
 *
 * Only this folder knows Unicorn. It sees blocks, addresses and a few operand values, and
 * nothing of what they cost. */
#ifndef MCUSIM_CAPTURE_H
#define MCUSIM_CAPTURE_H

#include <stdint.h>

#include "operator_calls.h"
#include "peripherals.h"
#include "types.h"
#include "stream/stream.h"
#include "capture/system.h"

struct capture;

struct capture *capture_new(struct stream *stream, int *status);
void capture_free(struct capture *c);

int capture_attach(struct capture *c, void *engine, const struct engine_functions *functions,
                   const struct capture_config *config, const struct region_config *region, uint32_t regions);

/* Returns a core_stop. */
int capture_run(struct capture *c, uint32_t pc);
int capture_status(const struct capture *c);
int capture_engine_error(const struct capture *c);
void capture_stop_request(struct capture *c);
const struct fault_info *capture_fault(const struct capture *c);
uint64_t capture_instructions(const struct capture *c);
uint64_t capture_self_modified(const struct capture *c);
const struct system *capture_system(const struct capture *c);

/* Whether what the program does may hang on modelled time: it read a counter that runs, or was interrupted by
 * one, or was told by the host (capture_tell_clock). Whether it read the sizes of the caches. */
int capture_clock_read(const struct capture *c);
int capture_geometry_read(const struct capture *c);
void capture_tell_clock(struct capture *c);

/* Cycles until the run's deadline, UINT64_MAX: it has none. */
uint64_t capture_cycles_left(const struct capture *c, uint64_t now);

/* Sleep: whether something is pending that ends it, and cycles until something will be, UINT64_MAX: nothing. All
 * records are flushed. Whether an exception, if pending, would be taken or end the sleep. Takes the event register,
 * which lets WFE pass. */
int capture_wakes(struct capture *c);
uint64_t capture_cycles_to_wake(struct capture *c, uint64_t now);
int capture_would_take(struct capture *c, uint32_t number, int asleep);
int capture_take_event(struct capture *c);

/* The program's own handler of the fault runs next; 0 when there is none that could. A fault that the engine told
 * of, or that the program asked for. */
int capture_take_fault(struct capture *c);
void capture_retry(struct capture *c);
void capture_raise(struct capture *c, const struct fault_info *fault);

/* storms.c: see core.h; the core slept. */
int capture_fault_repeats(const struct capture *c);
void capture_storm(const struct capture *c, struct storm_info *out);
uint32_t capture_handlers(const struct capture *c, struct handler_info *out, uint32_t room);
void storms_slept(struct capture *c);

/* Ends the record of the block that is running, which ran to its end. */
void capture_close_record(struct capture *c);

/* Whether counting began: always, unless config.from was not reached. */
int capture_counts(const struct capture *c);

/* The peripheral register that the last instructions read, UINT32_MAX: none. */
uint32_t capture_polled(const struct capture *c);

/* Turns of a loop that only waits for a peripheral register, 0: of none. */
uint32_t capture_polling_turns(const struct capture *c);

/* From now on these bits of a peripheral's word read so. */
int capture_tell_register(struct capture *c, uint32_t address, uint32_t value, uint32_t mask);

/* rules.c: see core.h. */
void capture_describe_when_used(struct capture *c, void *self, core_describe_fn *describe);
int capture_describe(struct capture *c, uint32_t address, uint32_t reset, const struct device_rule *rule,
                     uint32_t rules);
int capture_describe_dma(struct capture *c, const struct dma_info *info);
int capture_lend_flash(struct capture *c, uint32_t address, uint32_t size, void *memory);
int capture_serial_port(struct capture *c, const struct serial_port *port, void *self, core_pace_fn *pace);
int capture_feed(struct capture *c, uint32_t port, const uint8_t *bytes, size_t size);
void capture_serial(const struct capture *c, uint32_t port, struct serial_info *out);
void capture_print(struct capture *c, void *self, core_write_fn *write);
int capture_print_rest(struct capture *c);
uint32_t capture_clock_note_count(const struct capture *c);
void capture_clock_notes(const struct capture *c, struct clock_note *out);
struct left_out_info capture_left_out(const struct capture *c);

/* What a peripheral's word reads until it is written. */
int capture_reset_register(struct capture *c, uint32_t address, uint32_t value);

/* What a peripheral's word reads now, and whether the program wrote to it. */
uint32_t capture_register(struct capture *c, uint32_t address);
int capture_register_written(const struct capture *c, uint32_t address);

/* The words that the program used and nobody told of, in no order. */
uint32_t capture_peripheral_count(const struct capture *c);
void capture_peripherals(const struct capture *c, struct peripheral_info *out);
uint32_t capture_task_count(const struct capture *c);
void capture_tasks(const struct capture *c, struct task_info *out);
/* See core_watch_operators(). */
void operators_watch(struct capture *c, void *self, core_operator_fn *ask);

uint32_t capture_op_count(const struct capture *c);
void capture_ops(const struct capture *c, struct op_info *out);

#endif
