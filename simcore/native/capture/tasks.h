/* tasks.h: the tasks of a kernel, as its structures in memory tell them. */
#ifndef MCUSIM_CAPTURE_TASKS_H
#define MCUSIM_CAPTURE_TASKS_H

#include <stdint.h>

#include "types.h"

enum {
    TASKS_MAX = 1 << 12,
    READY_WORDS = 4 * TASKS_MAX, /* of a table that is half empty when each task has two */
    WOKEN_MAX = 16,
};

struct capture;

struct ready_word {              /* of a task's structure, by which its kernel says whether it can run */
    uint32_t address, task;      /* its own, and the structure's; 0: free */
    uint8_t waits;               /* it did when this was last stored to */
};

struct tasks {
    struct task_info *found;
    uint32_t count, room;
    uint32_t running;            /* address of the structure of the one that was told last */
    struct ready_word *ready;    /* a hash table of READY_WORDS, NULL: the kernel does not tell */
    uint32_t ready_words;
    uint32_t woken[WOKEN_MAX], wokens;   /* addresses of tasks that the running block wakes */
};

/* Thread mode goes on, perhaps with another task: timing is told. */
void tasks_look(struct capture *c);

/* A store that may wake a task. */
void tasks_store(struct capture *c, uint32_t address, uint32_t value);

/* Timing is told of those that the block woke, which has ended. */
void tasks_tell_woken(struct capture *c);

#endif
