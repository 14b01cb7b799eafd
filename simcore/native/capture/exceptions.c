/* exceptions.c: which exception runs when: what the engine's interrupts mean, entry, return and tail-chaining, faults
 * and their escalation (Armv7-M Architecture Reference Manual B1.5). */
#include "capture/state.h"
#include "registers.h"

/* Numbers of the engine's interrupt hook. A return from a handler that executed MSR or CPS comes as
 * EXCEPTION_EXIT, any other as a prefetch abort at the EXC_RETURN value. */
enum {
    ENGINE_SVC = 2,
    ENGINE_PREFETCH_ABORT = 3,
    ENGINE_BKPT = 7,
    ENGINE_EXCEPTION_EXIT = 8,
    ENGINE_NO_COPROCESSOR = 17,
    ENGINE_INVALID_STATE = 18,
    ENGINE_UNALIGNED = 22,
};

static struct nvic *nvic_of(struct capture *c) { return &c->system.nvic; }
static const struct masks nothing_masked;

static void tell(struct capture *c, uint32_t event, uint32_t address, uint32_t frame)
{
    uint32_t payload[4] = {event, address, frame, register_of(c, UC_ARM_REG_SP)};
    stream_put(c->stream, RECORD_EXCEPTION, payload, 4);
}

int exceptions_fail(struct capture *c, enum fault_kind kind, uint32_t address, uint32_t pc)
{
    capture_raise(c, &(struct fault_info){(uint8_t)kind, address, pc, 0});
    capture_stop_with(c, STOP_FAULT);
    return 0;
}

void exceptions_pend(struct capture *c, uint32_t number)
{
    nvic_pend(nvic_of(c), number);
    c->event |= (system_word(&c->system, REG_SCR) & SCR_SEVONPEND) != 0;
}

/* Where a handler begins, 0 and a fault when it cannot be told. */
static uint32_t vector(struct capture *c, uint32_t number, uint32_t pc)
{
    uint32_t handler = frame_vector(c, number);
    if (handler >> 28 == 0xf)                    /* an EXC_RETURN value returns by a branch alone */
        handler = 0;
    if (!handler)
        exceptions_fail(c, FAULT_VECTOR, system_word(&c->system, REG_VTOR) + 4 * number, pc);
    return handler;
}

/* The most urgent exception, 0 unless it preempts what runs. */
static uint32_t coming(struct capture *c, const struct masks *masks)
{
    uint32_t number = nvic_most_urgent(nvic_of(c));
    return number && nvic_preempts(nvic_of(c), number, masks) ? number : 0;
}

/* --- entry ------------------------------------------------------------------------------------------------ */

static void entered(struct capture *c, uint32_t number, uint32_t pc, int is_chained, int is_fault)
{
    storms_entered(c, number, pc, is_chained, is_fault);
    nvic_activate(nvic_of(c), number);
    c->event = 1;
    c->waits_in = NO_ID;
    c->look_at = 0;
}

/* A frame that cannot be stored is a fault of its own, but for one that is taken because of it. `fault`: the kind of
 * the fault that is taken, FAULT_NONE: it is none. */
static int enter(struct capture *c, uint32_t number, uint32_t pc, uint8_t fault)
{
    struct frame f;
    if (!frame_push(c, pc, &f) && fault != FAULT_STACKING)
        return exceptions_fail(c, FAULT_STACKING, f.sp, pc);
    uint32_t handler = vector(c, number, pc);
    if (!handler)
        return 0;
    frame_enter(c, number, handler, &f);
    entered(c, number, pc, 0, fault != FAULT_NONE);
    int fp_at_once = f.has_fp && !(system_word(&c->system, REG_FPCCR) & FPCCR_LSPEN);
    held_entered(c, number, handler, f.process ? register_of(c, UC_ARM_REG_SP) : f.sp, f.bytes);
    tell(c, EXCEPTION_ENTERED | (fp_at_once ? EXCEPTION_FP : 0) | (f.process ? EXCEPTION_PROCESS : 0), pc, f.sp);
    return 1;
}

/* Straight into the next handler: the frame stays where it is. */
static int chain(struct capture *c, uint32_t number, uint32_t exc_return, uint32_t pc, uint8_t fault)
{
    uint32_t handler = vector(c, number, pc);
    if (!handler)
        return 0;
    struct frame f = {.xpsr = register_of(c, UC_ARM_REG_XPSR),
                      .control = register_of(c, UC_ARM_REG_CONTROL),
                      .sp = register_of(c, UC_ARM_REG_SP),
                      .exc_return = exc_return};
    frame_enter(c, number, handler, &f);
    entered(c, number, pc, 1, fault != FAULT_NONE);
    held_entered(c, number, handler, f.sp, 0);
    tell(c, EXCEPTION_CHAINED, register_of(c, UC_ARM_REG_PC), f.sp);
    return 1;
}

int exceptions_take(struct capture *c, uint32_t number, uint32_t pc)
{
    due_within(c, c->config.exception_entry_cycles);     /* what is more urgent may arrive late, and goes first */
    uint32_t late = nvic_most_urgent(nvic_of(c));
    if (late && nvic_priority(nvic_of(c), late) < nvic_priority(nvic_of(c), number))
        number = late;
    return enter(c, number, pc, FAULT_NONE);
}

/* --- return ----------------------------------------------------------------------------------------------- */

/* The manual's checks of an EXC_RETURN value before anything is restored. */
static int is_allowed(const struct capture *c, uint32_t exc_return)
{
    uint32_t active = nvic_active_count(&c->system.nvic);
    if ((exc_return & 0xffffffe1u) != 0xffffffe1u || !nvic_is_active(&c->system.nvic, c->system.nvic.running))
        return 0;
    switch (exc_return & 0xf) {
    case 0x1: return 1;
    case 0x9:
    case 0xd: return active == 1 || (system_word(&c->system, REG_CCR) & CCR_NONBASETHRDENA);
    default: return 0;
    }
}

/* What the next boundary would interrupt at once is chained to: it sees the masks as they are behind the return. */
static uint32_t chained(struct capture *c)
{
    struct masks masks = frame_masks(c);
    return coming(c, &masks);
}

static void invalid_return(struct capture *c, uint32_t exc_return)
{
    exceptions_fail(c, FAULT_INVALID_RETURN, exc_return, exc_return & ~1u);
}

static void leave(struct capture *c, uint32_t exc_return)
{
    struct nvic *n = nvic_of(c);
    uint32_t running = n->running;
    if (!is_allowed(c, exc_return)) {
        nvic_deactivate(n, running);
        register_set(c, UC_ARM_REG_LR, exc_return | 0xf0000000u);
        invalid_return(c, exc_return);
        return;
    }
    int last = nvic_active_count(n) == 1;
    due_within(c, 0);                            /* while its handler held it back */
    nvic_deactivate(n, running);
    if (running != EXCEPTION_NMI)
        register_set(c, UC_ARM_REG_FAULTMASK, 0);
    lines_look(c, running);
    held_notice(c);
    uint32_t next = chained(c);
    if (next) {
        chain(c, next, exc_return, exc_return & ~1u, FAULT_NONE);
        return;
    }
    struct frame f;
    if (!frame_pop(c, exc_return, &f)) {
        exceptions_fail(c, FAULT_UNSTACKING, f.sp, exc_return & ~1u);
        return;
    }
    n->running = f.xpsr & XPSR_IPSR;
    storms_resumed(c, f.pc & ~1u);
    int to_thread = (exc_return & 8) != 0;
    uint32_t fp = f.has_fp && f.used_fp ? EXCEPTION_FP : 0;
    tell(c, EXCEPTION_LEFT | fp | (f.process ? EXCEPTION_PROCESS : 0), f.pc & ~1u, f.sp);
    tasks_look(c);
    held_left(c, f.pc & ~1u);
    c->event = 1;
    c->look_at = 0;
    if (to_thread != !n->running) {
        invalid_return(c, exc_return);
        c->fault.pc = f.pc & ~1u;
    } else if (to_thread && last && (system_word(&c->system, REG_SCR) & SCR_SLEEPONEXIT)) {
        capture_stop_with(c, STOP_SLEEP);
    }
    if (c->stop != STOP_FAULT && !(f.xpsr & XPSR_T))
        exceptions_fail(c, FAULT_INVALID_STATE, f.pc & ~1u, f.pc & ~1u);
}

/* --- when --------------------------------------------------------------------------------------------------- */

/* Now and then, when no interrupt can come. */
static int may_stand(struct capture *c, uint32_t ahead)
{
    if (instructions_of(c) + ahead <= c->stand_at)
        return 0;
    c->stand_at *= 2;
    return !c->dma.moving && !exceptions_can_come(c);
}

int exceptions_look(struct capture *c, uint32_t ahead)
{
    c->asked = UINT64_MAX;
    int stop = instructions_of(c) + ahead > c->ask_at ? due_ask(c) : STOP_NONE;
    c->look_at = c->ask_at < c->stand_at ? c->ask_at : c->stand_at;
    held_notice(c);
    /* Against what is active only a return or a register write helps, and both have another look taken. */
    uint32_t number = coming(c, &nothing_masked);
    if (number) {
        c->look_at = 0;                          /* a mask may fall in any block */
        struct masks masks = frame_masks(c);
        if (stop == STOP_NONE && nvic_preempts(nvic_of(c), number, &masks))
            c->take = number;
    }
    if (stop != STOP_NONE || c->take)
        return stop;
    return polling_is_due(c) ? STOP_POLLING : may_stand(c, ahead) ? STOP_STANDING : STOP_NONE;
}

int exceptions_can_come(struct capture *c)
{
    struct masks masks = frame_masks(c);
    return coming(c, &masks) || due_to_wake(c, &masks, 0) != UINT64_MAX;
}

/* WFI and WFE: PRIMASK does not hold back what wakes, BASEPRI and FAULTMASK do (B1.5.19). */
static struct masks waking_masks(struct capture *c)
{
    struct masks masks = frame_masks(c);
    masks.primask = 0;
    return masks;
}

int capture_would_take(struct capture *c, uint32_t number, int asleep)
{
    struct masks masks = asleep ? waking_masks(c) : frame_masks(c);
    return nvic_is_enabled(nvic_of(c), number) && nvic_preempts(nvic_of(c), number, &masks);
}

int capture_wakes(struct capture *c)
{
    struct masks masks = waking_masks(c);
    due_within(c, 0);
    c->look_at = 0;
    return coming(c, &masks) != 0;
}

uint64_t capture_cycles_to_wake(struct capture *c, uint64_t now)
{
    struct masks masks = waking_masks(c);
    c->ask_at = c->look_at = 0;                  /* time will have gone by */
    return due_to_wake(c, &masks, now);
}

int capture_take_event(struct capture *c)
{
    int event = c->event;
    c->event = 0;
    return event;
}

/* --- faults --------------------------------------------------------------------------------------------------- */

/* The exception of a fault, and what the fault status register says. No exception: one that hardware has not. */
static uint32_t exception_of(enum fault_kind kind, uint32_t address, uint32_t *status)
{
    /* Peripherals, and what lies above external devices: never executed, whatever is there. */
    int never_executed = (address >= 0x40000000u && address < 0x60000000u) || address >= 0xa0000000u;
    switch (kind) {
    case FAULT_READ_UNMAPPED:
    case FAULT_WRITE_UNMAPPED:
    case FAULT_READ_PROTECTED:
    case FAULT_WRITE_PROTECTED: *status = CFSR_PRECISERR | CFSR_BFARVALID; return EXCEPTION_BUS_FAULT;
    case FAULT_FETCH_UNMAPPED:
        *status = never_executed ? CFSR_IACCVIOL : CFSR_IBUSERR;
        return never_executed ? EXCEPTION_MEM_MANAGE : EXCEPTION_BUS_FAULT;
    case FAULT_FETCH_PROTECTED:
    case FAULT_MPU_FETCH: *status = CFSR_IACCVIOL; return EXCEPTION_MEM_MANAGE;
    case FAULT_MPU_DATA: *status = CFSR_DACCVIOL | CFSR_MMARVALID; return EXCEPTION_MEM_MANAGE;
    case FAULT_DIVIDE_BY_ZERO: *status = CFSR_DIVBYZERO; return EXCEPTION_USAGE_FAULT;
    case FAULT_UNALIGNED: *status = CFSR_UNALIGNED; return EXCEPTION_USAGE_FAULT;
    case FAULT_UNDEFINED: *status = CFSR_UNDEFINSTR; return EXCEPTION_USAGE_FAULT;
    case FAULT_INVALID_STATE: *status = CFSR_INVSTATE; return EXCEPTION_USAGE_FAULT;
    case FAULT_INVALID_RETURN: *status = CFSR_INVPC; return EXCEPTION_USAGE_FAULT;
    case FAULT_NO_COPROCESSOR: *status = CFSR_NOCP; return EXCEPTION_USAGE_FAULT;
    case FAULT_STACKING: *status = CFSR_STKERR; return EXCEPTION_BUS_FAULT;
    case FAULT_UNSTACKING: *status = CFSR_UNSTKERR; return EXCEPTION_BUS_FAULT;
    case FAULT_SVC:
    case FAULT_VECTOR: *status = 0; return EXCEPTION_HARD_FAULT;
    default: return 0;
    }
}

static void set_bits(struct capture *c, uint32_t address, uint32_t bits)
{
    system_set(&c->system, address, system_word(&c->system, address) | bits);
}

/* Where an access faulted the engine's PC is the block's, and its ITSTATE that of the block before. */
static void stand_at(struct capture *c, uint32_t pc)
{
    const struct definition *d = &c->stream->definition[c->block_id];
    if (pc - d->address >= d->size)
        return;
    uint8_t it = thumb_it_state_at(c->stream->code + d->code, pc - d->address, d->it_state);
    uint32_t xpsr = register_of(c, UC_ARM_REG_XPSR) & ~XPSR_IT;
    register_set(c, UC_ARM_REG_XPSR, xpsr | (uint32_t)(it & 0xfc) << 8 | (uint32_t)(it & 3) << 25);
    register_set(c, UC_ARM_REG_PC, pc | 1);
}

void capture_retry(struct capture *c)
{
    if (c->fault_at_access)
        stand_at(c, c->fault.pc);
    c->fault = (struct fault_info){0, 0, 0, 0};
    c->fault_at_access = 0;
}

int capture_take_fault(struct capture *c)
{
    struct fault_info f = c->fault;
    struct masks masks = frame_masks(c);
    uint32_t status = 0, number = exception_of(f.kind, f.address, &status);
    if (!number || !f.pc)
        return 0;
    set_bits(c, REG_CFSR, status);
    if (status & CFSR_BFARVALID)
        system_set(&c->system, REG_BFAR, f.address);
    if (status & CFSR_MMARVALID)
        system_set(&c->system, REG_MMFAR, f.address);
    int configurable = number != EXCEPTION_HARD_FAULT;
    if (!configurable)
        set_bits(c, REG_HFSR, f.kind == FAULT_VECTOR ? HFSR_VECTTBL : HFSR_FORCED);
    if (configurable && !(nvic_is_enabled(nvic_of(c), number) && nvic_preempts(nvic_of(c), number, &masks))) {
        number = EXCEPTION_HARD_FAULT;
        set_bits(c, REG_HFSR, HFSR_FORCED);
    }
    if (!nvic_preempts(nvic_of(c), number, &masks) || !frame_vector(c, number))
        return 0;                                /* lockup, or no handler */
    capture_retry(c);
    int is_return = (f.kind == FAULT_INVALID_RETURN || f.kind == FAULT_UNSTACKING) && f.pc >> 28 == 0xf;
    if (is_return)                               /* of a handler that is left already: its frame stays */
        return chain(c, number, register_of(c, UC_ARM_REG_LR), f.pc, f.kind);
    return enter(c, number, f.pc, f.kind);
}

void capture_raise(struct capture *c, const struct fault_info *fault)
{
    c->fault = *fault;
    c->fault_at_access = 0;
}

/* --- what the engine leaves to us -------------------------------------------------------------------------------- */

static void on_interrupt(uc_engine *engine, uint32_t number, void *user)
{
    struct capture *c = user;
    uint32_t pc = register_of(c, UC_ARM_REG_PC), offset = pc - c->block_address;
    (void)engine;
    if (c->stop != STOP_NONE) {                  /* asked for in an IT block, behind which the engine went on */
        c->emu_stop(c->engine);
        return;
    }
    if (c->header && number >= ENGINE_NO_COPROCESSOR && offset < c->captured[c->block_id].size)
        record_end(c, RECORD_PARTIAL, offset);
    capture_close_record(c);
    if (c->rewind.armed && rewind_settle(c)) {
        c->emu_stop(c->engine);
        return;
    }
    if (c->stack_set)
        record_stack(c);
    switch (number) {
    case ENGINE_BKPT: capture_stop_with(c, STOP_BREAKPOINT); break;
    case ENGINE_SVC: {
        struct masks masks = frame_masks(c);
        if (nvic_preempts(nvic_of(c), EXCEPTION_SVCALL, &masks))
            enter(c, EXCEPTION_SVCALL, pc, FAULT_NONE);
        else
            exceptions_fail(c, FAULT_SVC, pc, pc);
        break;
    }
    case ENGINE_PREFETCH_ABORT:
    case ENGINE_EXCEPTION_EXIT:
        if (pc >> 28 == 0xf && nvic_of(c)->running)
            leave(c, pc | 1);
        else
            exceptions_fail(c, FAULT_FETCH_PROTECTED, pc, pc);
        break;
    case ENGINE_NO_COPROCESSOR: exceptions_fail(c, FAULT_NO_COPROCESSOR, pc, pc); break;
    case ENGINE_INVALID_STATE: exceptions_fail(c, FAULT_INVALID_STATE, pc, pc); break;
    case ENGINE_UNALIGNED: exceptions_fail(c, FAULT_UNALIGNED, pc, pc); break;
    default: capture_fail(c, CORE_ERR_ENGINE);
    }
}

int exceptions_attach(struct capture *c)
{
    uc_hook hook;
    uint64_t first = 1, last = 0;                /* everywhere */
    uc_err error = c->hook_add(c->engine, &hook, UC_HOOK_INTR, (void *)on_interrupt, c, first, last);
    return error == UC_ERR_OK ? CORE_OK : CORE_ERR_ENGINE;
}
