/* exceptions.c: see exceptions.h.
 *
 * A return to another frame than that of what was interrupted is a switch to another thread: the calls of the one
 * wait under the address of its frame, and those of the other go on. */
#include "timing/exceptions.h"

#include <stdlib.h>
#include <string.h>

#include "timing/run.h"

enum { FAR = 4096 };             /* bytes below all that a stack held, to which no function moves SP in one step */

/* The block that was interrupted ends in its branch when the handler has come back. */
static void enter(struct timing *t, uint32_t return_address, uint32_t frame)
{
    if (t->interruptions == INTERRUPTED_MAX) {
        memmove(t->interrupted, t->interrupted + 1, (INTERRUPTED_MAX - 1) * sizeof *t->interrupted);
        t->interruptions--;
    }
    t->interrupted[t->interruptions++] = (struct interrupted){
        t->last_block, t->last_entry, t->left, t->calls.frames, return_address, frame, t->other_stack, t->is_inside};
    t->last_block = t->last_entry = NO_DEFINITION;
    t->is_inside = 0;
    t->state = t->reset_state;
    t->hardware_return = return_address;
}

static void go_on(struct timing *t, const struct interrupted *i)
{
    t->last_block = i->last_block;
    t->last_entry = i->last_entry;
    t->left = i->left;
    t->is_inside = i->is_inside;
}

static void forget(struct timing *t, uint32_t number)
{
    free(t->thread[number].frame);
    t->threads--;
    memmove(t->thread + number, t->thread + number + 1, (t->threads - number) * sizeof *t->thread);
}

/* The thread that was interrupted waits. All but the root of its calls are kept. */
static int suspend(struct timing *t, const struct interrupted *i)
{
    uint32_t count = t->calls.frames - 1;
    struct frame *kept = malloc((count ? count : 1) * sizeof *kept);
    if (!kept)
        return CORE_ERR_MEMORY;
    memcpy(kept, t->calls.frame + 1, count * sizeof *kept);
    if (t->threads == THREADS_MAX)
        forget(t, 0);
    struct thread *thread = &t->thread[t->threads++];
    *thread = (struct thread){*i, kept};
    thread->at.frames = t->calls.frames;
    t->calls.frames = 1;
    return CORE_OK;
}

/* One that waits under this frame goes on; one that was never seen begins. */
static int resume(struct timing *t, uint32_t frame)
{
    for (uint32_t n = t->threads; n-- > 0;)
        if (t->thread[n].at.stack == frame) {
            struct thread *thread = &t->thread[n];
            int status = calltree_restore(&t->calls, thread->frame, thread->at.frames - 1);
            go_on(t, &thread->at);
            forget(t, n);
            return status;
        }
    t->last_block = t->last_entry = NO_DEFINITION;
    t->hardware_return = 0;
    return CORE_OK;
}

static int leave(struct timing *t, uint32_t frame)
{
    if (!t->interruptions)
        return CORE_OK;
    struct interrupted i = t->interrupted[--t->interruptions];
    calltree_unwind(&t->calls, i.frames);
    if (i.stack == frame || t->interruptions) {
        go_on(t, &i);
        return CORE_OK;
    }
    int status = suspend(t, &i);
    return status == CORE_OK ? resume(t, frame) : status;
}

int exceptions_run(struct timing *t, uint32_t event, uint32_t address, uint32_t frame)
{
    const struct timing_config *k = &t->config;
    uint32_t fp = (event & EXCEPTION_FP) ? k->exception_fp_cycles : 0;
    int status = CORE_OK;
    switch (event & 0xff) {
    case EXCEPTION_ENTERED:
        timing_charge(t, CAUSE_BRANCH, k->exception_entry_cycles + fp);
        enter(t, address, frame);
        if (event & EXCEPTION_PROCESS)
            t->other_stack = 0;          /* handlers run on the main stack */
        break;
    case EXCEPTION_CHAINED: {
        timing_charge(t, CAUSE_BRANCH, k->exception_chain_cycles);
        if (!t->interruptions) {
            enter(t, address, frame);
            break;
        }
        struct interrupted i = t->interrupted[--t->interruptions];
        calltree_unwind(&t->calls, i.frames);
        t->interruptions++;
        t->last_block = t->last_entry = NO_DEFINITION;
        t->state = t->reset_state;
        t->hardware_return = i.returns_to;
        break;
    }
    default:
        timing_charge(t, CAUSE_BRANCH, k->exception_return_cycles + fp);
        status = leave(t, frame);
        if (event & EXCEPTION_PROCESS)
            t->other_stack = 1;
    }
    return status;
}

void exceptions_stack(struct timing *t, uint32_t sp, int is_process)
{
    uint32_t lowest = t->stack_lowest < t->stack_top ? t->stack_lowest : t->stack_top;
    t->other_stack = is_process || sp > t->stack_top || sp < t->stack_floor || sp + FAR < lowest;
}

void exceptions_free(struct timing *t)
{
    while (t->threads)
        forget(t, t->threads - 1);
}
