/* tasks.h: what tasks and stacks are over the border: of a kernel in memory, and what was found.
 *
 * Times are core clock cycles, sizes bytes. simcore/native/build.py gives the text between the two cffi marks to cffi as
 * it stands.
 */
#ifndef MCUSIM_TASKS_H
#define MCUSIM_TASKS_H

#include <stdint.h>

/* cffi: begin */

enum { TASK_NAME_MAX = 48 };

/* Where an RTOS keeps what runs: offsets into the structure of a task. */
struct kernel_config {
    uint32_t current;        /* address of the pointer to it, 0: no kernel is known */
    uint32_t name;           /* offset of its name, UINT32_MAX: it has none */
    uint32_t name_bytes;     /* that stand there, 0: a pointer to it does */
    uint32_t stack;          /* offset of the lowest address of its stack, UINT32_MAX: not known */
    uint32_t stack_size;     /* offset of the stack's bytes, UINT32_MAX: not known */
    /* It can run while the word at this offset, UINT32_MAX: none, is one of so many values from the first on; it waits
     * for something from when another is stored there, but for 0. It is woken by a store of the value that wakes to the
     * word at the other offset, UINT32_MAX: none, too. */
    uint32_t ready, ready_first, ready_values, wakes, wakes_value;
};

struct task_info { /* as the kernel had it when it first ran */
    uint32_t address; /* of its structure */
    uint32_t stack, stack_bytes; /* lowest address and size of its stack, 0: not known */
    uint8_t valid; /* 0: the structure is not one of that kernel */
    char name[TASK_NAME_MAX];
};

/* What runs on a stack of calls of its own: the program as it starts, all handlers together, and each task. */
enum { CONTEXTS_MAX = 1024 };
enum { CONTEXT_MAIN = 0, CONTEXT_HANDLERS = 1, CONTEXT_FIRST_TASK = 2 };

struct context_info {
    uint32_t task; /* index of the task that it is to the kernel, UINT32_MAX: not known */
    uint32_t function; /* in which it began, UINT32_MAX: it never ran */
    uint32_t stack; /* index of the one that it is on */
    uint64_t switches; /* times that it got the processor from another */
    uint64_t longest_wait; /* cycles without it, from when it had it first */
    uint64_t longest_response; /* cycles from when the exception that gave it was pended */
    uint64_t longest_woken; /* cycles from when it could go on, having waited, until it did */
};

struct stack_info {
    uint32_t top, lowest; /* SP with nothing on it, and the lowest address that belonged to it */
    uint32_t floor; /* the lowest that it may use, 0: not known */
    uint32_t links; /* of the calls that were open when it was deepest */
};

struct link_info { /* a call on a stack, outermost first */
    uint32_t function, bytes;
};

/* cffi: end */
#endif
