/* capture.c: see capture.h. */
#include <stdlib.h>

#include "capture/state.h"

/* --- life ---------------------------------------------------------------------------------------------- */

struct capture *capture_new(struct stream *stream, int *status)
{
    struct capture *c = calloc(1, sizeof *c);
    *status = CORE_ERR_MEMORY;
    if (!c)
        return NULL;
    c->stream = stream;
    c->out = c->discard;
    c->hook_from = NO_ID;
    c->waits_in = NO_ID;
    c->operators.back = NO_RETURN;
    c->epoch = 1;                                /* no block was seen in it */
    c->ask_at = c->next_tick = c->deadline = UINT64_MAX;
    c->dma.next = c->dma.interrupt = UINT64_MAX;
    c->look_at = c->stand_at = STANDS_AFTER;
    c->granule = calloc(1u << (32 - GRANULE_SHIFT - 3), 1);
    if (!c->granule || code_grow(c) != CORE_OK) {
        capture_free(c);
        return NULL;
    }
    *status = CORE_OK;
    return c;
}

void capture_free(struct capture *c)
{
    if (!c)
        return;
    free(c->slot);
    free(c->captured);
    free(c->watches);
    free(c->granule);
    free(c->op);
    free(c->tasks.found);
    free(c->tasks.ready);
    free(c->operators.known);
    free(c->op_slot);
    free(c->peripheral);
    free(c->rule);
    free(c->clock_note);
    free(c->writable);
    free(c->dma.channel);
    serials_free(c);
    planned_free(&c->planned);
    free(c);
}

int capture_attach(struct capture *c, void *engine, const struct engine_functions *f,
                   const struct capture_config *config, const struct region_config *region, uint32_t regions)
{
    c->engine = engine;
    memcpy(&c->hook_add, &f->hook_add, sizeof f->hook_add);   /* object to function pointer, as dlsym does */
    memcpy(&c->hook_del, &f->hook_del, sizeof f->hook_del);
    memcpy(&c->emu_start, &f->emu_start, sizeof f->emu_start);
    memcpy(&c->emu_stop, &f->emu_stop, sizeof f->emu_stop);
    memcpy(&c->reg_read, &f->reg_read, sizeof f->reg_read);
    memcpy(&c->reg_write, &f->reg_write, sizeof f->reg_write);
    memcpy(&c->reg_read_batch, &f->reg_read_batch, sizeof f->reg_read_batch);
    memcpy(&c->reg_write_batch, &f->reg_write_batch, sizeof f->reg_write_batch);
    memcpy(&c->mem_read, &f->mem_read, sizeof f->mem_read);
    memcpy(&c->mem_write, &f->mem_write, sizeof f->mem_write);
    memcpy(&c->mmio_map, &f->mmio_map, sizeof f->mmio_map);
    memcpy(&c->ctl, &f->ctl, sizeof f->ctl);
    c->config = *config;
    c->limit = config->max_instructions ? config->max_instructions : UINT64_MAX;
    c->from_left = config->from.count;
    c->until_left = config->until.count;
    if (config->max_cycles && !config->from.count) {
        c->deadline = config->max_cycles;
        c->look_at = c->ask_at = 0;
    }
    if (regions)
        memcpy(c->region, region, regions * sizeof *region);
    c->regions = regions;
    for (c->timers = 0; c->timers < config->timers; c->timers++) {
        const struct timer_config *t = &config->timer[c->timers];
        c->timer[c->timers] = (struct timer){.number = t->number, .period = t->period, .next = t->first};
        c->look_at = c->ask_at = 0;
    }
    system_init(&c->system, config);
    code_settings(c);
    int status = planned_attach(c);
    if (status == CORE_OK)
        status = devices_map(c);
    if (status == CORE_OK)
        status = hooks_attach(c);
    return status == CORE_OK ? exceptions_attach(c) : status;
}

/* --- running ------------------------------------------------------------------------------------------- */

/* The record that is open when the engine has returned: how much of its block ran. */
static void end_last_record(struct capture *c)
{
    if (!c->header || c->engine_error == UC_ERR_OK || c->fault.kind != FAULT_NONE) {
        capture_close_record(c);
        return;
    }
    /* An instruction that the engine refused; behind a WFE, which it refuses too, PC is one further. */
    const struct captured *d = &c->captured[c->header[0] & RECORD_ID];
    uint32_t ran = register_of(c, UC_ARM_REG_PC) - d->address;
    record_end(c, RECORD_PARTIAL, ran < d->size ? ran : d->size);
}

/* The engine came back by itself, as behind a WFI: an interrupt may have fallen due in the block that it leaves. */
static void settle_last(struct capture *c)
{
    const struct captured *d = &c->captured[c->block_id];
    if (c->engine_error == UC_ERR_INSN_INVALID && register_of(c, UC_ARM_REG_PC) - d->address == d->size)
        capture_close_record(c);                 /* a WFE */
    else
        end_last_record(c);
    rewind_settle(c);
}

/* Runs from the block at the engine's PC, which stopped in front of it, up to step_to inside it. The engine knows
 * that end only in code that it translates anew, and would stop there for ever in code that it keeps: what it has
 * translated with the block's first instruction it forgets before and after. */
int capture_step(struct capture *c, uint32_t *pc)
{
    uint64_t from = register_of(c, UC_ARM_REG_PC), to = c->step_to, end = from + 2;
    int forget = (int)UC_CTL_WRITE(UC_CTL_TB_REMOVE_CACHE, 2);
    c->step_to = 0;
    uc_err error = c->ctl(c->engine, forget, from, end);
    if (error == UC_ERR_OK) {
        c->engine_error = c->emu_start(c->engine, from | 1, to, 0, 0);
        error = c->ctl(c->engine, forget, from, end);
    }
    if (error != UC_ERR_OK) {
        capture_fail(c, CORE_ERR_ENGINE);
        return CORE_ERR_ENGINE;
    }
    if (c->engine_error != UC_ERR_OK || c->stop != STOP_NONE)
        return CORE_ERR_ENGINE;                  /* it ended before: capture_run() tells how */
    *pc = register_of(c, UC_ARM_REG_PC);
    return CORE_OK;
}

/* The engine came back behind a WFI that does not sleep, as an interrupt is pending that would end it: a masked one
 * does so again and again. */
static int passes_wfi(struct capture *c, uint32_t *pc)
{
    static const uint8_t narrow[] = {0x30, 0xbf}, wide[] = {0xaf, 0xf3, 0x03, 0x80};
    uint8_t code[sizeof wide];
    *pc = register_of(c, UC_ARM_REG_PC);
    if (c->engine_error != UC_ERR_OK || c->mem_read(c->engine, *pc - sizeof code, code, sizeof code) != UC_ERR_OK ||
        (memcmp(code, wide, sizeof wide) && memcmp(code + 2, narrow, sizeof narrow)))
        return 0;
    rewind_disarm(c);
    end_last_record(c);
    capture_flush(c);
    return c->stop == STOP_NONE && c->status == CORE_OK && capture_wakes(c);
}

int capture_run(struct capture *c, uint32_t pc)
{
    c->stop = STOP_NONE;
    c->rewind.to = 0;
    for (;;) {
        c->engine_error = c->emu_start(c->engine, pc | 1, 0xffffffffu, 0, 0);
        if (c->stop == STOP_AGAIN)
            c->stop = STOP_NONE;
        if (c->stop == STOP_FAULT && c->fault_at_access)
            rewind_fault(c);
        if (c->rewind.armed == ARMED_DUE && c->header && c->stop == STOP_NONE)
            settle_last(c);
        if (c->stop != STOP_NONE || c->status != CORE_OK)
            break;
        if (c->rewind.to) {
            rewind_run(c, &pc);
            if (c->status != CORE_OK || c->stop != STOP_NONE)
                break;
            c->stop = exceptions_look(c, 1);
            if (c->stop != STOP_NONE)
                break;
            if (!c->take)
                continue;
        }
        if (c->take) {
            uint32_t number = c->take;
            c->take = 0;
            if (!exceptions_take(c, number, register_of(c, UC_ARM_REG_PC)))
                break;
            pc = register_of(c, UC_ARM_REG_PC);
            continue;
        }
        if (c->step_to) {
            if (capture_step(c, &pc) != CORE_OK)
                break;
            if (c->hook_from == NO_ID)
                continue;
        } else if (planned_stopped(c, &pc) || (c->hook_from == NO_ID && passes_wfi(c, &pc))) {
            continue;
        }
        if (c->hook_from == NO_ID)
            break;
        int status = hooks_widen(c, c->hook_from);
        c->hook_from = NO_ID;                    /* hooked, the engine may cut the code otherwise */
        if (status != CORE_OK) {
            capture_fail(c, status);
            break;
        }
        pc = register_of(c, UC_ARM_REG_PC);
    }
    if (c->undo_size)
        c->mem_write(c->engine, c->undo_address, c->undo, c->undo_size);
    c->undo_size = 0;
    rewind_disarm(c);
    end_last_record(c);
    if (c->stop == STOP_NONE)
        c->stop = STOP_ENGINE;
    return c->status == CORE_OK ? c->stop : STOP_ERROR;
}

int capture_status(const struct capture *c) { return c->status; }
int capture_engine_error(const struct capture *c) { return c->engine_error; }
void capture_stop_request(struct capture *c) { atomic_store_explicit(&c->stop_requested, 1, memory_order_relaxed); }
const struct fault_info *capture_fault(const struct capture *c) { return &c->fault; }
uint64_t capture_instructions(const struct capture *c) { return instructions_of(c); }
uint64_t capture_self_modified(const struct capture *c) { return c->self_modified; }
const struct system *capture_system(const struct capture *c) { return &c->system; }
int capture_clock_read(const struct capture *c) { return c->clock_read; }
int capture_geometry_read(const struct capture *c) { return c->geometry_read; }
void capture_tell_clock(struct capture *c) { c->clock_read = 1; }
int capture_counts(const struct capture *c) { return c->from_left == 0; }

uint32_t capture_polled(const struct capture *c)
{
    return c->polled_at && instructions_of(c) - c->polled_at < POLLED_WITHIN ? c->polled : UINT32_MAX;
}

uint32_t capture_op_count(const struct capture *c) { return c->ops; }

void capture_ops(const struct capture *c, struct op_info *out)
{
    if (c->ops)
        memcpy(out, c->op, c->ops * sizeof *out);
}
