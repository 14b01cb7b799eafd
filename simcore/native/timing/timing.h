/* timing.h: the consumer of the event stream: adds up what blocks cost under one configuration.
 *
 * Python says once what a block is (define) and what it costs from a pipeline state (schedule); the rest
 * is look-ups. Costs that depend on run-time addresses come from memory.c and branch.c and freeze the
 * pipeline: its state is taken up again as it was. */
#ifndef MCUSIM_TIMING_H
#define MCUSIM_TIMING_H

#include "timing/blocks.h"
#include "timing/branch.h"
#include "timing/calltree.h"
#include "timing/contexts.h"
#include "timing/moved.h"
#include "timing/node_blocks.h"
#include "types.h"
#include "memory/memory.h"
#include "timing/objects.h"
#include "timing/placement.h"
#include "timing/stacks.h"
#include "stream/stream.h"
#include "timing/trace.h"

enum { EXTRA_CLASSES = 40, ACCESSES_MAX = STREAM_RECORD_MAX, INSTRUCTIONS_MAX = DEFINITION_BYTES_MAX / 2 };

enum arrival {                   /* how control comes to the next block, when none ran last */
               ARRIVES_BY_CALL = 0,         /* the program starts, or hardware calls */
               ARRIVES_INSIDE = 1,          /* it is of the function that is entered */
               ARRIVES_BY_RETURN = 2,       /* from a handler or another task, to where it did not leave */
};

struct timing {
    struct timing_config config;
    struct region_config region[MAX_REGIONS];
    const struct stream *stream;
    struct placement placement;
    uint32_t placed[ACCESSES_MAX];      /* where the accesses of the running block are timed */
    struct memory memory;
    struct predictor predictor;
    struct calltree calls;
    struct objects objects;
    struct blocks blocks;
    int32_t node;                /* of the call tree, that runs */
    uint32_t *touched;           /* entries with pending executions */
    uint32_t touched_used, touched_room;
    uint32_t *ran;               /* blocks that ran since other operations were open */
    uint32_t ran_used, ran_room;
    uint32_t (*extra)[EXTRA_CLASSES];   /* extra cycles by table and operand class */
    uint32_t extra_tables;
    uint64_t now;
    uint64_t counted_from;       /* time of a RECORD_FROM: what came before it does not count */
    uint64_t instructions;
    uint32_t state;
    int32_t last_block, last_entry;     /* whose branch is not resolved yet; NO_DEFINITION: none */
    struct exits left;           /* how it was left: the entry may have been given up since */
    uint32_t continue_at;        /* byte of its definition at which a partial block goes on */
    uint64_t unmatched;          /* records whose accesses did not fit the decoded block */
    struct fault_info fault;     /* what timing saw: a stack overflow, a misaligned LDM; or just the PC of a fault */
    uint32_t reset_state;
    struct contexts contexts;
    struct stacks stacks;
    uint8_t arrives;             /* enum arrival */
    uint8_t by_marker;           /* the branch that ended the last block went to a marker, which came back */
    struct trace *trace;         /* NULL: not asked for */
    struct node_blocks *node_blocks;    /* NULL: not asked for */
    uint64_t sample_at;          /* its next_sample; never without one */
    struct transfer_info transfer[MAX_REGIONS];
    struct moved moved;
    uint32_t waits;              /* cycles that the block which ran last waited for memory */
    uint32_t unwinds_to;         /* SP to which the calls end when the running block has, 0: none end */
    uint64_t ended_pended;       /* when the exception was pended whose handler came back last */
    uint32_t handler_low;        /* lowest SP of the handler that runs, 0: none does */
    struct interrupts *interrupts;       /* NULL: there were none */
    uint32_t apart, apart_begun;    /* operations that go together, 0: not asked for; those begun so far */
    uint32_t hardware_return;    /* return address of the exception that is being entered */
};

/* Copies the setup. Returns 0 or a core_status; timing_free() in both cases. */
int timing_init(struct timing *t, const struct timing_setup *setup, const struct stream *stream);
void timing_free(struct timing *t);

/* Keeps spans and samples from now on. Returns 0, CORE_ERR_CONFIG or CORE_ERR_MEMORY. */
int timing_trace(struct timing *t, uint32_t spans, uint32_t samples);

/* Counts blocks by node of the call tree from now on. Returns 0 or CORE_ERR_MEMORY. */
int timing_node_blocks(struct timing *t);

/* Consumes whole records. Returns 0, a negative core_status, or STOP_FAULT for a stack overflow. */
int timing_consume(void *timing, const uint32_t *words, size_t count);

/* Adds what is pending to the call tree. Call before reading counters. */
void timing_settle(struct timing *t);

/* The same of one entry alone, of which nothing is pending then. */
void timing_give_up(struct timing *t, uint32_t entry);

/* What an entry has pending is of another node, or nothing is: from now on it is of the running one. Returns 0 or
 * CORE_ERR_MEMORY. */
int timing_pend(struct timing *t, uint32_t entry);

/* A block ran while operations are told apart. */
void timing_ran(struct timing *t, uint32_t block);

/* Takes the last sample of a trace, if there is one. */
void timing_settle_trace(struct timing *t);

/* What was counted until now does not count, how deep stacks were does. All counts are settled. */
void timing_forget(struct timing *t);

/* 0, or a core_status: there was no memory for what operations cost. */
int timing_status(const struct timing *t);

/* As timing_settle(), for the uses of data objects. */
void timing_settle_objects(struct timing *t);

#endif
