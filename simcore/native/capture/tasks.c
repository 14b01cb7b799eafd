/* tasks.c: which task a kernel is about to run, by the structures that kernels keep in memory. */
#include <stdlib.h>

#include "array.h"
#include "capture/state.h"
#include "registers.h"

enum { CONTROL_SPSEL = 2 };
_Static_assert(READY_WORDS == 1 << 14, "ready_word_at() takes 14 bits of the hash");

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

/* --- waiting and woken ------------------------------------------------------------------------------ */

static struct ready_word *ready_word_at(const struct capture *c, uint32_t address)
{
    uint32_t at = address / 4 * 2654435761u >> 18;
    while (c->tasks.ready[at].task && c->tasks.ready[at].address != address)
        at = (at + 1) % READY_WORDS;
    return &c->tasks.ready[at];
}

static void watch_ready(struct capture *c, uint32_t task)
{
    const uint32_t offset[] = {c->config.kernel.ready, c->config.kernel.wakes};
    if (offset[0] == UINT32_MAX)
        return;
    if (!c->tasks.ready && !(c->tasks.ready = calloc(READY_WORDS, sizeof *c->tasks.ready))) {
        capture_fail(c, CORE_ERR_MEMORY);
        return;
    }
    for (uint32_t i = 0; i < 2 && offset[i] != UINT32_MAX; i++) {
        struct ready_word *word = ready_word_at(c, task + offset[i]);
        if (!word->task && c->tasks.ready_words < READY_WORDS / 2) {
            *word = (struct ready_word){task + offset[i], task, 0};
            c->tasks.ready_words++;
            planned_keep_off(c, word->address, word->address + 3);
        }
    }
    c->closely |= CLOSELY_TASKS;
}

void tasks_store(struct capture *c, uint32_t address, uint32_t value)
{
    const struct kernel_config *k = &c->config.kernel;
    struct ready_word *word = ready_word_at(c, address);
    if (!word->task)
        return;
    int is_wakes = address - word->task == k->wakes;
    struct ready_word *ready = is_wakes ? ready_word_at(c, word->task + k->ready) : word;
    if (is_wakes ? value == k->wakes_value : value - k->ready_first < k->ready_values) {
        if (ready->waits && c->tasks.wokens < WOKEN_MAX)
            c->tasks.woken[c->tasks.wokens++] = word->task;
        ready->waits = 0;
    } else if (!is_wakes && value) {
        ready->waits = 1;
    }
}

void tasks_tell_woken(struct capture *c)
{
    for (uint32_t i = 0; i < c->tasks.wokens; i++)
        stream_put(c->stream, RECORD_WOKEN, &c->tasks.woken[i], 1);
    c->tasks.wokens = 0;
}

void tasks_look(struct capture *c)
{
    const struct kernel_config *k = &c->config.kernel;
    if (!k->current || c->system.nvic.running || !(register_of(c, UC_ARM_REG_CONTROL) & CONTROL_SPSEL))
        return;
    uint32_t task = word_at(c, k->current), at = 0;
    if (!task || (c->tasks.running && task == c->tasks.running))
        return;
    struct task_info info = describe(c, task);
    while (at < c->tasks.count && !is_same(&c->tasks.found[at], &info))
        at++;
    if (at == TASKS_MAX)
        return;
    if (at == c->tasks.count) {
        if (array_reserve(&c->tasks.found, &c->tasks.room, c->tasks.count + 1u, 16, sizeof *c->tasks.found) !=
            CORE_OK) {
            capture_fail(c, CORE_ERR_MEMORY);
            return;
        }
        c->tasks.found[c->tasks.count++] = info;
    }
    c->tasks.running = task;
    if (info.valid)
        watch_ready(c, task);
    uint32_t payload[3] = {at, info.valid ? info.stack : 0, info.valid ? task : 0};
    stream_put(c->stream, RECORD_TASK, payload, 3);
}

uint32_t capture_task_count(const struct capture *c) { return c->tasks.count; }

void capture_tasks(const struct capture *c, struct task_info *out)
{
    if (c->tasks.count)
        memcpy(out, c->tasks.found, c->tasks.count * sizeof *out);
}
