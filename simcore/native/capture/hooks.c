/* hooks.c: what Unicorn calls while a program runs. The engine facts it leans on have a test each in
 * tests/unit/machine/test_engine_facts.py. */
#include "capture/state.h"
#include "registers.h"

enum { MERGE_BYTES = 32 };       /* ranges of code hooks closer than this become one */

/* --- code hooks for what time depends on operands or predicates ------------------------------------- */

static void on_code(uc_engine *engine, uint64_t address, uint32_t size, void *user)
{
    struct capture *c = user;
    (void)engine;
    (void)size;
    if (c->silent)
        return;
    uint32_t offset = (uint32_t)address - c->block_address;
    while (c->watch < c->watch_end && c->watch->offset < offset)
        c->watch++;
    if (c->watch == c->watch_end || c->watch->offset != offset || c->notes == NOTES_MAX)
        return;
    const struct watch *w = c->watch;
    uint32_t class = 0;
    if (w->kind == WATCH_UDIV || w->kind == WATCH_SDIV) {
        uint32_t n = 0, m = 0;
        c->reg_read(c->engine, UC_ARM_REG_R0 + w->n, &n);
        c->reg_read(c->engine, UC_ARM_REG_R0 + w->m, &m);
        class = thumb_divide_class(n, m, w->kind == WATCH_SDIV);
        if (m == 0 && c->trap_divide) {
            c->fault = (struct fault_info){FAULT_DIVIDE_BY_ZERO, (uint32_t)address, (uint32_t)address, 0};
            c->fault_at_access = 1;
            record_end(c, RECORD_PARTIAL, offset);
            capture_stop_with(c, STOP_FAULT);
            return;
        }
    } else if (w->kind == WATCH_EXCLUSIVE) {
        if (!rewind_exclusive(c, offset))
            return;
        class = (uint32_t)(c->out - c->header - 2);
    } else if (w->kind == WATCH_STACK) {
        class = register_of(c, UC_ARM_REG_SP) / 4 & 0xffff;
    } else if (w->kind != WATCH_PREDICATED) {
        uint64_t n = 0, m = 0;
        c->reg_read(c->engine, UC_ARM_REG_D0 + w->m, &m);
        n = m;
        if (w->kind == WATCH_F64)
            c->reg_read(c->engine, UC_ARM_REG_D0 + w->n, &n);
        class = thumb_double_class(n, m);
    }
    c->note[c->notes++] = offset / 2 << 16 | class;
}

/* --- where counting begins and where the run ends ------------------------------------------------------- */

static int holds(const struct places *p, uint32_t address)
{
    for (uint32_t i = 0; i < p->addresses; i++)
        if (p->address[i] == address)
            return 1;
    return 0;
}

static void on_place(uc_engine *engine, uint64_t address, uint32_t size, void *user)
{
    struct capture *c = user;
    (void)engine;
    (void)size;
    uint32_t offset = (uint32_t)address - c->block_address;
    if (!c->header)
        return;
    if (c->from_left) {
        if (!holds(&c->config.from, (uint32_t)address) || --c->from_left)
            return;
        uint64_t now = record_from(c, offset);
        if (c->config.max_cycles) {
            c->deadline = now + c->config.max_cycles;
            due_plan(c, now);
        }
    } else if (c->until_left && holds(&c->config.until, (uint32_t)address) && --c->until_left == 0) {
        record_until(c, offset);
        capture_stop_with(c, STOP_UNTIL);
    }
}

static int hook_places(struct capture *c, const struct places *p)
{
    uc_hook hook;
    for (uint32_t i = 0; i < p->addresses; i++)
        if (c->hook_add(c->engine, &hook, UC_HOOK_CODE, (void *)on_place, c, (uint64_t)p->address[i],
                        (uint64_t)p->address[i]) != UC_ERR_OK)
            return CORE_ERR_ENGINE;
    return CORE_OK;
}

static int is_hooked(const struct capture *c, uint32_t first, uint32_t last)
{
    for (uint32_t i = 0; i < c->ranges; i++)
        if (first >= c->range[i].first && last <= c->range[i].last)
            return 1;
    return 0;
}

static uint32_t gap_behind(const struct code_range *r) { return r[1].first > r->last ? r[1].first - r->last : 0; }

/* Puts two neighbours into one. */
static uc_err merge(struct capture *c, uint32_t i)
{
    struct code_range *r = c->range + i;
    uc_err error = r[1].hook ? c->hook_del(c->engine, r[1].hook) : UC_ERR_OK;
    if (error == UC_ERR_OK && r->hook)
        error = c->hook_del(c->engine, r->hook);
    r->hook = 0;
    r->last = r[1].last > r->last ? r[1].last : r->last;
    c->ranges--;
    memmove(r + 1, r + 2, (c->ranges - i - 1) * sizeof *r);
    return error;
}

/* Widens the hooked ranges by one block, and has Unicorn translate it again. Where there are too many, the two that
 * are nearest to each other become one: each instruction between them that is translated from now on is told of. */
int hooks_widen(struct capture *c, uint32_t id)
{
    const struct captured *d = &c->captured[id];
    struct code_range added = {.first = d->address, .last = code_last_hooked(d)};
    uint32_t at = 0;
    while (at < c->ranges && c->range[at].first <= added.first)
        at++;
    memmove(c->range + at + 1, c->range + at, (c->ranges - at) * sizeof added);
    c->range[at] = added;
    c->ranges++;
    for (;;) {
        uint32_t nearest = 0;
        for (uint32_t i = 0; i + 1 < c->ranges; i++)
            if (gap_behind(c->range + i) < gap_behind(c->range + nearest))
                nearest = i;
        if (c->ranges == 1 || (c->ranges <= CODE_RANGES && gap_behind(c->range + nearest) > MERGE_BYTES))
            break;
        if (merge(c, nearest) != UC_ERR_OK)
            return CORE_ERR_ENGINE;
    }
    for (struct code_range *r = c->range; r < c->range + c->ranges; r++)
        if (!r->hook &&
            c->hook_add(c->engine, &r->hook, UC_HOOK_CODE, (void *)on_code, c, r->first, r->last) != UC_ERR_OK)
            return CORE_ERR_ENGINE;
    uc_err error =
        c->ctl(c->engine, UC_CTL_WRITE(UC_CTL_TB_REMOVE_CACHE, 2), (uint64_t)added.first, (uint64_t)added.last + 1);
    return error == UC_ERR_OK ? CORE_OK : CORE_ERR_ENGINE;
}

/* --- hooks ------------------------------------------------------------------------------------------ */

static void on_block(uc_engine *engine, uint64_t address, uint32_t size, void *user)
{
    struct capture *c = user;
    (void)engine;
    if (c->silent)
        return;
    if (c->planned.is_translating) {
        c->emu_stop(c->engine);
        return;
    }
    if (c->plan && c->planned.is_checked)
        planned_compare(c);
    c->plan = NULL;
    if (c->stop != STOP_NONE) {          /* asked for in an IT block, at whose end the engine went on */
        c->emu_stop(c->engine);
        return;
    }
    capture_close_record(c);
    if (c->rewind.armed && rewind_settle(c)) {
        c->emu_stop(c->engine);          /* capture_run() takes it back */
        return;
    }
    if (c->tasks.wokens)
        tasks_tell_woken(c);
    if (c->stack_set)
        record_stack(c);
    if (c->masks_set) {
        held_masks(c, c->masks_set);
        c->masks_set = 0;
    }
    if (c->operators.caller)
        operators_called(c, (uint32_t)address);
    else if (c->operators.back == (uint32_t)address)
        operators_returned(c);
    if (atomic_load_explicit(&c->stop_requested, memory_order_relaxed)) {
        capture_stop_with(c, STOP_REQUESTED);
        return;
    }
    if (marker_is_near(&c->config, (uint32_t)address) && marker_run(c, (uint32_t)address, size))
        return;
    uint32_t id = code_id(c, (uint32_t)address, size);
    if (id == NO_ID)
        return;
    struct captured *d = &c->captured[id];
    if (c->hook_from == id) {
        c->hook_from = NO_ID;
        if (!is_hooked(c, d->address, code_last_hooked(d))) {
            c->hook_from = id;           /* capture_run() hooks it and comes back here */
            c->emu_stop(c->engine);
            return;
        }
    }
    if (d->plan.state != PLAN_NONE && !planned_ready(c, id))
        return;
    if (d->seen != c->epoch)
        due_fresh(c, d);
    uint64_t before = instructions_of(c);
    int stop = before + d->instructions > c->look_at ? exceptions_look(c, d->instructions) : STOP_NONE;
    if (stop != STOP_NONE || c->take) {
        if (stop != STOP_NONE)
            capture_stop_with(c, stop);
        else
            c->emu_stop(c->engine);      /* capture_run() enters the handler */
        return;
    }
    if (d->endless && c->waits_in != id) {
        c->waits_in = id;
        if (!exceptions_can_come(c)) {
            capture_stop_with(c, STOP_LOOP);
            return;
        }
    }
    if ((c->fpu_off || c->protects) && !code_may_run(c, id))
        return;
    if (before + d->instructions > c->limit) {
        capture_stop_with(c, STOP_MAX_INSTRUCTIONS);
        return;
    }
    atomic_store_explicit(&c->instructions, before + d->instructions, memory_order_relaxed);
    c->event |= d->sets_event;
    c->stack_set = d->sets_stack;
    c->operators.caller = d->calls ? id + 1 : 0;
    c->masks_set = d->sets_masks ? d->address + d->size - d->sets_masks : 0;
    c->block_id = id;
    c->block_address = d->address;
    record_open(c, id);
    c->watch = c->watches + d->watch_first;
    c->watch_end = c->watch + d->watches;
    if (c->asked != UINT64_MAX || (c->closely & CLOSELY_CHECKED) || c->trap_divide)
        rewind_arm(c, d);
    c->asked = UINT64_MAX;
    if (d->plan.state == PLAN_MADE)
        planned_put(c, d);
}

static void on_access(uc_engine *engine, uc_mem_type type, uint64_t address, int size, int64_t value, void *user)
{
    struct capture *c = user;
    (void)engine;
    if (c->plan) {
        if (c->planned.is_checked)
            planned_check(c, type == UC_MEM_WRITE, (uint32_t)address, (uint32_t)size);
        else
            c->plan->heard += type == UC_MEM_READ;
        return;
    }
    *c->out++ = (uint32_t)address;
    if (c->closely || (uint32_t)address - c->code_first < c->code_span) {
        if (c->closely & CLOSELY_PROGRAMMED)
            flash_settle(c);
        code_access(c, type == UC_MEM_WRITE, (uint32_t)address, (uint32_t)size);
        if (type == UC_MEM_WRITE && (c->closely & CLOSELY_POLLING))
            polling_store(c, (uint32_t)address, register_of(c, UC_ARM_REG_SP));
        if (type == UC_MEM_WRITE && (c->closely & CLOSELY_TASKS))
            tasks_store(c, (uint32_t)address, (uint32_t)value);
    }
}

static bool on_invalid(uc_engine *engine, uc_mem_type type, uint64_t address, int size, int64_t value, void *user)
{
    struct capture *c = user;
    enum fault_kind kind;
    (void)engine;
    if (c->stop == STOP_AGAIN)
        return false;
    if (type == UC_MEM_WRITE_PROT && flash_program(c, (uint32_t)address, (uint32_t)size, (uint64_t)value)) {
        rewind_disarm(c);                        /* it cannot be programmed twice */
        return true;
    }
    switch (type) {
    case UC_MEM_READ_UNMAPPED: kind = FAULT_READ_UNMAPPED; break;
    case UC_MEM_WRITE_UNMAPPED: kind = FAULT_WRITE_UNMAPPED; break;
    case UC_MEM_FETCH_UNMAPPED: kind = FAULT_FETCH_UNMAPPED; break;
    case UC_MEM_READ_PROT: kind = FAULT_READ_PROTECTED; break;
    case UC_MEM_WRITE_PROT: kind = FAULT_WRITE_PROTECTED; break;
    default: kind = FAULT_FETCH_PROTECTED;
    }
    if (kind == FAULT_FETCH_UNMAPPED || kind == FAULT_FETCH_PROTECTED) {
        if (c->fault.kind == FAULT_NONE)
            c->fault = (struct fault_info){(uint8_t)kind, (uint32_t)address, (uint32_t)address, (uint32_t)size};
        if (c->stop == STOP_NONE)
            c->stop = STOP_FAULT;
    } else {
        record_fault(c, kind, (uint32_t)address, (uint32_t)size);
    }
    return false;
}

/* --- set-up -------------------------------------------------------------------------------------------- */

int hooks_accesses(struct capture *c)
{
    uc_err error = c->hook_add(c->engine, &c->access_hook, UC_HOOK_MEM_READ | UC_HOOK_MEM_WRITE, (void *)on_access, c,
                               (uint64_t)1, (uint64_t)0);
    return error == UC_ERR_OK ? CORE_OK : CORE_ERR_ENGINE;
}

int hooks_attach(struct capture *c)
{
    uc_hook hook;
    uint64_t first = 1, last = 0;                /* everywhere */
    if (c->hook_add(c->engine, &hook, UC_HOOK_BLOCK, (void *)on_block, c, first, last) != UC_ERR_OK ||
        hooks_accesses(c) != CORE_OK ||
        c->hook_add(c->engine, &hook, UC_HOOK_MEM_INVALID, (void *)on_invalid, c, first, last) != UC_ERR_OK)
        return CORE_ERR_ENGINE;
    int status = hook_places(c, &c->config.from);
    return status == CORE_OK ? hook_places(c, &c->config.until) : status;
}
