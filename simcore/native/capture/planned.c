/* planned.c: see planned.h. What the engine does with its hooks is in tests/unit/machine/test_engine_facts.py. */
#include <stdlib.h>

#include "array.h"
#include "capture/state.h"

enum {
    PAGE_SHIFT = 10,             /* of the engine; regions begin and end between pages */
    RUNS_BEFORE = 256,           /* of a block until it is looked at, ... */
    ACCESSES_BEFORE = 4096,      /* ... and its accesses until it is translated, which takes as long as so many */
    HEARD_MAX = 4096,            /* the engine forgot a translation: its buffer was full, or code beside it changed */
    GIVEN_UP_MAX = 8,
};

static void allow(struct planned *p, uint32_t first, uint32_t size, uint8_t kinds)
{
    memset(p->page + (first >> PAGE_SHIFT), kinds, size >> PAGE_SHIFT);
}

int planned_attach(struct capture *c)
{
    struct planned *p = &c->planned;
    const struct capture_config *config = &c->config;
    p->translate = p->drop = NO_ID;
    p->is_checked = config->addresses == ADDRESSES_CHECKED;
    p->is_eager = p->is_checked || config->addresses == ADDRESSES_EAGER;
    if (config->addresses == ADDRESSES_HOOKED || !config->registers)
        return CORE_OK;
    p->page = calloc(1u << (32 - PAGE_SHIFT), 1);
    if (!p->page)
        return CORE_ERR_MEMORY;
    for (uint32_t i = 0; i < config->memories; i++)
        allow(p, config->memory[i].base, config->memory[i].size,
              config->memory[i].is_writable ? AFFINE_READ | AFFINE_WRITE : AFFINE_READ);
    p->registers = (const uint32_t *)(uintptr_t)config->registers;
    return CORE_OK;
}

void planned_free(struct planned *p)
{
    free(p->page);
    free(p->access);
}

void planned_keep_off(struct capture *c, uint32_t first, uint32_t last)
{
    struct planned *p = &c->planned;
    for (uint32_t page = first >> PAGE_SHIFT; p->page && page <= last >> PAGE_SHIFT; page++)
        p->page[page] &= (uint8_t)~AFFINE_WRITE;
}

void planned_define(const struct capture *c, struct captured *d)
{
    d->plan = (struct plan){.accesses = UINT32_MAX, .left = c->planned.is_eager ? 1 : RUNS_BEFORE};
    if (c->planned.registers)
        d->plan.state = PLAN_WAITS;
}

static int has_place(const struct places *p, const struct captured *d)
{
    for (uint32_t i = 0; p->count && i < p->addresses; i++)
        if (p->address[i] - d->address < d->size)
            return 1;
    return 0;
}

/* Works out where a block's addresses come from. */
static void look(struct capture *c, struct captured *d, const struct definition *code)
{
    struct planned *p = &c->planned;
    d->plan.state = PLAN_NONE;
    if (code->it_state || has_place(&c->config.from, d) || has_place(&c->config.until, d))
        return;
    if (array_reserve(&p->access, &p->room, (uint64_t)p->accesses + PLANNED_ACCESSES_MAX, PLANNED_ACCESSES_MAX,
                      sizeof *p->access) != CORE_OK)
        return;
    int found =
        addresses_of(c->stream->code + code->code, d->size, d->address, p->access + p->accesses, PLANNED_ACCESSES_MAX);
    if (found <= 0)
        return;
    d->plan.state = PLAN_WAITS;
    d->plan.first = p->accesses;
    d->plan.accesses = (uint32_t)found;
    d->plan.left = 1 + (p->is_eager ? 0 : ACCESSES_BEFORE / (uint32_t)found);
    p->accesses += (uint32_t)found;
}

static int is_plain(const struct planned *p, uint32_t address, const struct affine *a)
{
    return p->page[address >> PAGE_SHIFT] & p->page[(address + a->past) >> PAGE_SHIFT] & a->kind;
}

/* Works out the addresses of a block that is about to run. Returns 0 when one is not of plain memory. */
static int work_out(struct planned *p, const struct plan *plan)
{
    const struct affine *a = p->access + plan->first;
    uint32_t value[16], apart = 0, count = plan->accesses;
    memcpy(value, p->registers, 15 * sizeof *value);
    value[NO_REGISTER] = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t address = value[a[i].base] + (value[a[i].index] << a[i].shift) + a[i].constant;
        p->address[i] = address;
        apart |= ((address + a[i].past) ^ address) >> PAGE_SHIFT;
        apart |= (uint32_t)(~p->page[address >> PAGE_SHIFT] & a[i].kind);
    }
    if (!apart)
        return 1;
    for (uint32_t i = 0; i < count; i++)
        if (!is_plain(p, p->address[i], &a[i]))
            return 0;
    return 1;
}

/* The block is run with the hook for a while, from now on. */
static int give_up(struct capture *c, uint32_t id)
{
    struct plan *plan = &c->captured[id].plan;
    plan->state = ++plan->given_up < GIVEN_UP_MAX ? PLAN_WAITS : PLAN_NONE;
    plan->left = c->planned.is_eager ? 2 : RUNS_BEFORE << plan->given_up;
    c->planned.drop = id;
    c->emu_stop(c->engine);
    return 0;
}

int planned_ready(struct capture *c, uint32_t id)
{
    struct planned *p = &c->planned;
    struct captured *d = &c->captured[id];
    if (d->plan.state == PLAN_MADE && (p->is_off || !work_out(p, &d->plan)))
        return give_up(c, id);
    if (d->plan.state == PLAN_MADE ? d->plan.heard < HEARD_MAX : p->is_off || --d->plan.left)
        return 1;
    if (d->plan.accesses == UINT32_MAX) {
        look(c, d, &c->stream->definition[id]);
        return p->is_eager && d->plan.state == PLAN_WAITS ? planned_ready(c, id) : 1;
    }
    if (p->is_checked) {
        d->plan.state = PLAN_MADE;
        return planned_ready(c, id);
    }
    d->plan.heard = 0;
    p->translate = id;
    c->hook_del(c->engine, c->access_hook);      /* it is gone when the engine has stopped */
    c->emu_stop(c->engine);
    return 0;
}

void planned_put(struct capture *c, struct captured *d)
{
    const struct planned *p = &c->planned;
    const struct affine *a = p->access + d->plan.first;
    c->plan = &d->plan;
    c->planned.compared = 0;
    memcpy(c->out, p->address, d->plan.accesses * sizeof *c->out);
    c->out += d->plan.accesses;
    if (!c->closely)
        return;
    if (c->closely & CLOSELY_PROGRAMMED)
        flash_settle(c);
    for (uint32_t i = 0; i < d->plan.accesses; i++) {
        if (c->rewind.armed)
            rewind_access(c, a[i].kind == AFFINE_WRITE, p->address[i], a[i].past + 1u);
        if (a[i].kind == AFFINE_WRITE && (c->closely & CLOSELY_POLLING))
            polling_store(c, p->address[i], p->registers[13] + 4u * (uint32_t)a[i].stack);
    }
}

void planned_check(struct capture *c, int is_write, uint32_t address, uint32_t size)
{
    struct planned *p = &c->planned;
    const struct affine *a = p->access + c->plan->first + p->compared;
    if (p->compared == c->plan->accesses || p->address[p->compared] != address || a->past + 1u != size ||
        (a->kind == AFFINE_WRITE) != is_write)
        capture_fail(c, CORE_ERR_ADDRESSES);
    else
        p->compared++;
}

void planned_compare(struct capture *c)
{
    if (c->planned.compared != c->plan->accesses && c->stop == STOP_NONE)
        capture_fail(c, CORE_ERR_ADDRESSES);
}

static uc_err forget(struct capture *c, uint32_t id)
{
    uint64_t first = c->captured[id].address;
    return c->ctl(c->engine, (int)UC_CTL_WRITE(UC_CTL_TB_REMOVE_CACHE, 2), first, first + 2);
}

/* The engine stands in front of the block and its hook is gone: it translates the block and stops in front of it. */
static uc_err translate(struct capture *c, uint32_t id)
{
    struct planned *p = &c->planned;
    uc_err error = forget(c, id);
    if (error != UC_ERR_OK)
        return error;
    p->is_translating = 1;
    c->engine_error = c->emu_start(c->engine, c->captured[id].address | 1, 0xffffffffu, 0, 0);
    p->is_translating = 0;
    c->captured[id].plan.state = PLAN_MADE;
    return hooks_accesses(c) == CORE_OK ? UC_ERR_OK : UC_ERR_HOOK;
}

int planned_stopped(struct capture *c, uint32_t *pc)
{
    struct planned *p = &c->planned;
    uc_err error = UC_ERR_OK;
    if (p->translate == NO_ID && p->drop == NO_ID)
        return 0;
    if (p->translate != NO_ID)
        error = translate(c, p->translate);
    else
        error = forget(c, p->drop);
    p->translate = p->drop = NO_ID;
    if (error != UC_ERR_OK)
        capture_fail(c, CORE_ERR_ENGINE);
    *pc = register_of(c, UC_ARM_REG_PC);
    return 1;
}
