/* tasks.c: which task a kernel is about to run, by the structures that kernels keep in memory. */
#include "array.h"
#include "capture/state.h"
#include "registers.h"

enum { TASKS_MAX = 1 << 12, CONTROL_SPSEL = 2 };

static uint32_t word_at(struct capture *c, uint32_t address)
{
    uint32_t value = 0;
    return c->mem_read(c->engine, address, &value, sizeof value) == UC_ERR_OK ? value : 0;
}

/* Text ends in a zero or with its bytes; what cannot be read or printed is no name. */
static void read_name(struct capture *c, uint32_t address, uint32_t bytes, char *name)
{
    for (uint32_t i = 0; i < bytes && i + 1 < TASK_NAME_MAX; i++) {
        uint8_t letter = 0;
        if (c->mem_read(c->engine, address + i, &letter, 1) != UC_ERR_OK || (letter && letter < ' ')) {
            name[0] = 0;
            return;
        }
        name[i] = (char)letter;
        if (!letter)
            return;
    }
}

static struct task_info describe(struct capture *c, uint32_t task)
{
    const struct kernel_config *k = &c->config.kernel;
    struct task_info info = {.address = task};
    uint32_t sp = register_of(c, UC_ARM_REG_SP);
    if (k->name != UINT32_MAX)
        read_name(c, k->name_bytes ? task + k->name : word_at(c, task + k->name),
                  k->name_bytes ? k->name_bytes : TASK_NAME_MAX, info.name);
    if (k->stack != UINT32_MAX)
        info.stack = word_at(c, task + k->stack);
    if (k->stack_size != UINT32_MAX)
        info.stack_bytes = word_at(c, task + k->stack_size);
    /* SP lies above its lowest address, in the same memory, and no further than its size. */
    uint32_t depth = sp - info.stack;
    info.valid = info.stack && sp > info.stack && depth < 1u << 24 &&
                 (!info.stack_bytes || depth <= info.stack_bytes) && word_at(c, task);
    return info;
}

static int is_same(const struct task_info *a, const struct task_info *b)
{
    return a->address == b->address && a->stack == b->stack && a->stack_bytes == b->stack_bytes &&
           a->valid == b->valid && memcmp(a->name, b->name, sizeof a->name) == 0;
}

void tasks_look(struct capture *c)
{
    const struct kernel_config *k = &c->config.kernel;
    if (!k->current || c->system.nvic.running || !(register_of(c, UC_ARM_REG_CONTROL) & CONTROL_SPSEL))
        return;
    uint32_t task = word_at(c, k->current), at = 0;
    if (!task || (c->running_task && task == c->running_task))
        return;
    struct task_info info = describe(c, task);
    while (at < c->tasks && !is_same(&c->task[at], &info))
        at++;
    if (at == TASKS_MAX)
        return;
    if (at == c->tasks) {
        if (array_reserve(&c->task, &c->tasks_room, c->tasks + 1u, 16, sizeof *c->task) != CORE_OK) {
            capture_fail(c, CORE_ERR_MEMORY);
            return;
        }
        c->task[c->tasks++] = info;
    }
    c->running_task = task;
    uint32_t payload[3] = {at, info.valid ? info.stack : 0, info.valid ? task : 0};
    stream_put(c->stream, RECORD_TASK, payload, 3);
}

uint32_t capture_task_count(const struct capture *c) { return c->tasks; }

void capture_tasks(const struct capture *c, struct task_info *out)
{
    if (c->tasks)
        memcpy(out, c->task, c->tasks * sizeof *out);
}
