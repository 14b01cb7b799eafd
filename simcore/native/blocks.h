/* blocks.h: the tables of timing: blocks, what they are, where they stand, and what they cost from each
 * pipeline state. Python is asked once for each. */
#ifndef MCUSIM_BLOCKS_H
#define MCUSIM_BLOCKS_H

#include "core.h"
#include "memory.h"
#include "objects.h"
#include "placement.h"
#include "stream.h"

enum { NO_DEFINITION = -1 };

/* Both return 0, or a negative core_status. What they point out's fields to is copied before the next call. */
struct timing_callbacks {
    void *self;
    core_define_fn *define;
    core_schedule_fn *schedule;
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
    struct block_info info;      /* with the program's address */
    uint32_t place;              /* where its first byte is timed */
    uint32_t branch, target;     /* facts.branch_address and facts.branch_target, as they are timed */
    int32_t entries;             /* first of its list, most recent at the front */
    uint32_t region, groups;     /* region and 64-bit fetch groups of its place */
    uint32_t definition, first, end;   /* piece [first, end) of a definition */
    int32_t next_piece;
    uint32_t fetch_generation;   /* I-cache generation in which all its lines were there */
    uint8_t fetch_cached, fetch_free, predicated;
    uint8_t exclusive;           /* holds a STREX */
    struct site_info *site;
    struct site_object *object;  /* one per access */
    struct placed *placed;       /* one per access */
    uint64_t *skipped;           /* per instruction */
};

struct blocks {
    struct timing_callbacks callbacks;
    const struct stream *stream;
    const struct placement *placement;
    struct block *block;
    uint32_t blocks, blocks_room;
    struct entry *entry;
    uint32_t entries, entries_room;
    int32_t *whole, *piece;      /* per definition: block of the whole of it, list of its pieces */
    uint32_t definitions;
};

void blocks_free(struct blocks *t);

/* The block for the piece [first, end) of a definition; defines it on first sight. Negative: core_status.
 * Moves the block table when it does. */
int blocks_for(struct blocks *t, const struct memory *m, uint32_t definition, uint32_t first, uint32_t end);

/* Asks for a schedule that the block has not had yet. Moves the entry table. Negative: core_status. */
int blocks_schedule(struct blocks *t, uint32_t block, uint32_t state, uint64_t variant);

static inline int blocks_entry(struct blocks *t, uint32_t block, uint32_t state, uint64_t variant)
{
    int32_t *link = &t->block[block].entries;
    for (int32_t at = *link; at >= 0; at = *link) {
        struct entry *e = &t->entry[at];
        if (e->state == state && e->variant == variant) {
            *link = e->next;                       /* to the front: the next look-up finds it first */
            e->next = t->block[block].entries;
            t->block[block].entries = at;
            return at;
        }
        link = &e->next;
    }
    return blocks_schedule(t, block, state, variant);
}

#endif
