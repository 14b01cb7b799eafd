/* timing.h: the consumer of the event stream: adds up what blocks cost under one configuration.
 *
 * Python says once what a block is (define) and what it costs from a pipeline state (schedule); the rest
 * is look-ups. Costs that depend on run-time addresses come from memory.c and branch.c and freeze the
 * pipeline: its state is taken up again as it was. */
#ifndef MCUSIM_TIMING_H
#define MCUSIM_TIMING_H

#include "branch.h"
#include "calltree.h"
#include "core.h"
#include "memory.h"
#include "objects.h"
#include "stream.h"

enum { EXTRA_CLASSES = 40, NO_DEFINITION = -1, INTERRUPTED_MAX = 64 };

/* Both return 0, or a negative core_status. What they point out's fields to is copied before the next call. */
struct timing_callbacks {
    void *self;
    int (*define)(void *self, uint32_t block, uint32_t address, const uint8_t *code, uint32_t size,
                  uint32_t it_state, struct block_static *out);
    int (*schedule)(void *self, uint32_t block, uint32_t state, uint64_t variant, struct block_schedule *out);
};

struct entry {                   /* one (block, state, variant) */
    uint64_t variant;
    uint32_t state;
    int32_t next;                /* of the same block */
    uint32_t block;
    uint32_t cycles, causes[CAUSE_COUNT], dual_issues;
    uint32_t after_next, after_taken, after_mispredict, mispredict_cycles;
    const uint16_t *access_cycles;
    uint64_t executions;
    uint32_t pending;            /* executions not yet added to the running node */
};

struct block {
    struct block_static facts;   /* arrays owned here */
    struct block_info info;
    int32_t entries;             /* first of its list, most recent at the front */
    uint32_t region, groups;     /* region and 64-bit fetch groups */
    uint32_t definition, first, end;   /* piece [first, end) of a definition */
    int32_t next_piece;
    uint32_t fetch_generation;   /* I-cache generation in which all its lines were there */
    uint8_t fetch_cached, fetch_free, predicated;
    uint8_t exclusive;           /* holds a STREX */
    struct site_info *site;
    struct site_object *object;  /* one per access */
    uint64_t *skipped;           /* per instruction */
};

struct interrupted {             /* what goes on when a handler comes back */
    int32_t last_block, last_entry;
    uint32_t frames;
};

struct timing {
    struct timing_config config;
    struct region_config region[MAX_REGIONS];
    struct timing_callbacks callbacks;
    const struct stream *stream;
    struct memory memory;
    struct predictor predictor;
    struct calltree calls;
    struct objects objects;
    struct block *block;
    uint32_t blocks, blocks_room;
    struct entry *entry;
    uint32_t entries, entries_room;
    int32_t *whole, *piece;      /* per definition: block of the whole of it, list of its pieces */
    uint32_t definitions;
    uint32_t *touched;           /* entries with pending executions */
    uint32_t touched_used, touched_room;
    uint32_t (*extra)[EXTRA_CLASSES];   /* extra cycles by table and operand class */
    uint32_t extra_tables;
    uint64_t now;
    uint64_t instructions;
    uint32_t state;
    int32_t last_block, last_entry;     /* whose branch is not resolved yet; NO_DEFINITION: none */
    uint32_t continue_at;        /* byte of its definition at which a partial block goes on */
    uint32_t stack_top, stack_floor, stack_lowest;
    uint64_t unmatched;          /* records whose accesses did not fit the decoded block */
    struct fault_info fault;     /* what timing saw: a stack overflow, a misaligned LDM; or just the PC of a fault */
    uint32_t reset_state;
    struct interrupted interrupted[INTERRUPTED_MAX];   /* by exceptions, innermost last */
    uint32_t interruptions;
    uint32_t hardware_return;    /* return address of the exception that is being entered */
};

int timing_init(struct timing *t, const struct timing_config *config, const struct region_config *region,
                uint32_t regions, const uint32_t *extra, uint32_t extra_tables, uint32_t reset_state,
                struct timing_callbacks callbacks, const struct stream *stream);
void timing_free(struct timing *t);

/* Consumes whole records. Returns 0, a negative core_status, or STOP_FAULT for a stack overflow. */
int timing_consume(void *timing, const uint32_t *words, size_t count);

/* Adds what is pending to the call tree. Call before reading counters. */
void timing_settle(struct timing *t);

/* The same for the uses of data objects. */
void timing_settle_objects(struct timing *t);

#endif
