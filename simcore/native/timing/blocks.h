/* blocks.h: the tables of timing: blocks, what they are, where they stand, and what they cost from each
 * pipeline state. Python is asked once for each block and for each schedule of its stretches; an entry puts the
 * schedules of a block together. */
#ifndef MCUSIM_BLOCKS_H
#define MCUSIM_BLOCKS_H

#include "types.h"
#include "memory/memory.h"
#include "timing/objects.h"
#include "timing/placement.h"
#include "stream/stream.h"

enum {
    NO_DEFINITION = -1,
    ENTRIES_MAX = 16,            /* of a block of several stretches */
    TERMS_MAX = COUNTER_STATIC + 1 + CAUSE_COUNT + 1,
};

struct exits {                   /* how a block is left */
    uint32_t after_next, after_taken, after_mispredict, mispredict_cycles;
};

struct cost {
    uint32_t causes[CAUSE_COUNT], dual_issues;
    uint64_t executions;
};

struct schedule {                /* one (stretch, state, variant), as Python says */
    uint64_t variant;
    uint32_t state, block, stretch;
    int32_t next;                /* of the same stretch */
    int16_t *access_cycles;
    struct exits exits;
    struct cost cost;
};

struct sequel {                  /* what followed an entry last: see sequel.h */
    uint32_t id, accesses;       /* the words that its record begins with */
    uint32_t block, entry;
    uint32_t next;               /* where the branch goes behind which it comes */
    uint32_t branch;             /* its address */
    uint32_t known;              /* way of the BTAC that knows it, UINT32_MAX: none did */
    uint32_t changes;            /* of the predictor until then */
    uint8_t is_branch, is_taken; /* what it comes behind is predicted; goes elsewhere */
};

struct entry {                   /* one (block, state, variant): what each execution looks at, a cache line */
    uint64_t variant;
    uint32_t state, block;
    uint32_t cycles;
    uint32_t pending;            /* executions not yet added to the running node */
    uint16_t *access_cycles;
    struct exits exits;
    int32_t next;                /* of the same block */
    int32_t followed[2];         /* by entry, when it last was by an even and by an odd block; -1: never */
    struct sequel sequel[2];     /* when it last was by an even and by an odd definition */
};

struct term {
    uint32_t counter, amount;
};

struct entry_cost {              /* and what only sums look at */
    struct cost cost;            /* executions: not counted for its schedules yet */
    uint32_t *schedule;          /* one per stretch; begins the allocation with term and access_cycles */
    struct term *term;           /* what an execution adds to the running node */
    uint32_t terms;
};

struct probe_mask {              /* a probe as bits that are all clear, or not, in the addresses of a and b */
    uint32_t a, b;
    uint32_t other;              /* bits of b's that are compared; 0: none */
    uint32_t mask;
    uint32_t is_set;             /* 1: it asks whether one is set */
};

struct block {
    struct block_static facts;   /* its arrays stand behind `site` */
    struct block_info info;      /* with the program's address */
    uint32_t place;              /* where its first byte is timed */
    uint32_t branch, target;     /* facts.branch_address and facts.branch_target, as they are timed */
    int32_t entries;             /* first of its list, most recent at the front */
    uint32_t entries_used;
    uint32_t region, groups;     /* region and 64-bit fetch groups of its place */
    uint32_t definition, first, end;   /* piece [first, end) of a definition */
    int32_t next_piece;
    uint32_t free_in;            /* I-cache generation in which no line has to come for it, 0: none */
    uint8_t fetch_cached, predicated;
    uint8_t is_aside;            /* of contexts that do not count */
    uint8_t has_ran;             /* since other operations were open; only when there are some */
    uint8_t is_plain;            /* of one function, no predicate, no STREX: all that a record holds lies on it */
    uint8_t sp_matters, sp_depends;      /* it moves or tells SP; what it does to it shows when it runs */
    int32_t sp_low, sp_change;   /* else: the lowest SP in it, and that behind it, from its entry */
    struct site *site;           /* one per access; begins the block's one allocation */
    struct probe_mask *probe;    /* one per probe */
    uint64_t *skipped;           /* per instruction */
    int32_t *schedules;          /* per stretch: first of its list, most recent at the front */
};

struct blocks {
    struct timing_callbacks callbacks;
    const struct stream *stream;
    const struct placement *placement;
    struct block *block;
    uint32_t blocks, blocks_room;
    struct entry *entry;
    struct entry_cost *cost;     /* one per entry */
    uint32_t entries, entries_room, costs_room;
    struct schedule *schedule;
    uint32_t schedules, schedules_room;
    uint32_t found[DEFINITION_BYTES_MAX / 2];   /* schedules of the block for which an entry is made */
    int32_t *whole, *piece;      /* per definition: block of the whole of it, list of its pieces */
    int32_t *other[2];           /* the same of what does not count, or does, when these are of the other */
    uint32_t other_definitions;
    uint8_t is_aside;            /* what runs does not count */
    uint32_t definitions;
    uint32_t most, any_state;    /* entries and schedules; the state and variant 0 that stand for others past that */
    uint64_t merged;             /* times that they did */
};

void blocks_free(struct blocks *t);

/* What runs from now on does not count, or does: each has blocks of its own. Nothing may be
 * pending. */
void blocks_aside(struct blocks *t, int is_aside);

/* All counts begin anew. */
void blocks_forget(struct blocks *t);

/* The block for the piece [first, end) of a definition; defines it on first sight. Negative: core_status.
 * Moves the block table when it does. */
int blocks_for(struct blocks *t, const struct memory *m, uint32_t definition, uint32_t first, uint32_t end);

/* The entry of a block in a state, or NO_DEFINITION. */
int blocks_find(struct blocks *t, uint32_t block, uint32_t state, uint64_t variant);

/* Makes the entry that blocks_find() does not find; asks for the schedules that are not there yet. Moves the entry
 * table. A block of several stretches that has ENTRIES_MAX gives up one of them: none may be pending. Past `most` it
 * is that of `any_state`, whatever the state is. Negative: core_status. */
int blocks_enter(struct blocks *t, uint32_t block, uint32_t state, uint64_t variant);

/* The whole of a definition that was seen before, or NO_DEFINITION. */
static inline int32_t blocks_whole(const struct blocks *t, uint32_t definition)
{
    return definition < t->definitions ? t->whole[definition] : NO_DEFINITION;
}

/* The entry of a block that runs in a state behind entry `before` (-1: none), or NO_DEFINITION. */
static inline int blocks_entry(struct blocks *t, int32_t before, uint32_t block, uint32_t state, uint64_t variant)
{
    if (before >= 0) {
        int32_t likely = t->entry[before].followed[block & 1];
        if (likely >= 0) {
            const struct entry *e = &t->entry[likely];
            if (e->block == block && e->state == state && e->variant == variant)
                return likely;
        }
    }
    int found = blocks_find(t, block, state, variant);
    if (found >= 0 && before >= 0)
        t->entry[before].followed[block & 1] = found;
    return found;
}

#endif
