/* blocks.h: the tables of timing: blocks, what they are, where they stand, and what they cost from each
 * pipeline state. Python is asked once for each block and for each schedule of its stretches; an entry puts the
 * schedules of a block together. */
#ifndef MCUSIM_BLOCKS_H
#define MCUSIM_BLOCKS_H

#include "array.h"
#include "types.h"
#include "memory/memory.h"
#include "timing/objects.h"
#include "timing/placement.h"
#include "stream/stream.h"

enum {
    NO_DEFINITION = -1,
    ENTRIES_MAX = 16,            /* of a block of several stretches */
    FETCH_LINES = 2,             /* of the I-cache, in which most blocks lie */
    NEAR_CYCLES = 12,            /* that there is room for in the line of an entry */
    NO_WAY = 0xffff,
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

struct sequel {                  /* what followed an entry last, half a cache line: see sequel.h */
    uint32_t id;                 /* of its definition, UINT32_MAX: nothing did */
    uint32_t block;
    uint32_t entry[2];           /* behind a branch that was predicted, and behind one that was not */
    uint32_t state;              /* behind one that was predicted */
    uint32_t changes;            /* of the predictor until it was asked last, where nothing is known of the branch */
    uint16_t known;              /* way of the BTAC that knows it, NO_WAY: none does */
    uint16_t accesses;
    uint8_t is_branch, is_taken; /* what it comes behind is predicted; goes elsewhere */
    uint8_t enters, how;         /* another function, or this one again, by this enum branch_kind */
};

struct entry {                   /* one (block, state, variant): what each execution looks at, a cache line */
    uint64_t variant;
    struct sequel *sequel;       /* what followed it, each where bits of its definition's number say */
    uint32_t state, block;
    uint32_t cycles;
    uint32_t pending;            /* executions not yet added to the node below */
    int32_t node;                /* of the call tree, -1: none, as nothing is pending */
    uint8_t sequel_shift, sequel_mask;
    uint8_t is_far;              /* where its cycles are */
    union {                      /* until each access and each barrier */
        uint16_t near[NEAR_CYCLES];
        uint16_t *far;
    } cycles_of;
};

struct term {
    uint32_t counter, amount;
};

struct entry_cost {              /* and what sums, searches and mispredicted branches look at */
    struct cost cost;            /* executions: not counted for its schedules yet */
    struct exits exits;
    int32_t next;                /* entry of the same block */
    uint32_t *schedule;          /* one per stretch; begins the allocation with term and cycles_of.far */
    struct term *term;           /* what an execution adds to the running node */
    uint32_t terms;
};

struct probe_mask {              /* a probe as bits that are all clear, or not, in the addresses of a and b */
    uint32_t a, b;
    uint32_t other;              /* bits of b's that are compared; 0: none */
    uint32_t mask;
    uint32_t is_set;             /* 1: it asks whether one is set */
};

struct block {                   /* what each execution looks at comes first */
    struct site *site;           /* one per access; begins the block's one allocation */
    struct probe_mask *probe;    /* one per probe */
    uint32_t place;              /* where its first byte is timed */
    uint32_t branch;             /* facts.branch_address, as it is timed */
    uint32_t free_in;            /* I-cache generation in which no line has to come for it, 0: none */
    int32_t sp_low, sp_change;   /* the lowest SP in it, and that behind it, from its entry, but where it depends */
    uint8_t sp_matters, sp_depends;      /* it moves or tells SP; what it does to it shows when it runs */
    uint8_t is_plain;            /* of one function, no predicate, no STREX: all that a record holds lies on it */
    uint8_t fetch_cached;
    struct block_static facts;   /* its arrays stand behind `site` */
    struct block_info info;      /* with the program's address */
    uint32_t target;             /* facts.branch_target, as it is timed */
    int32_t entries;             /* first of its list, most recent at the front */
    uint32_t entries_used;
    uint32_t region, groups;     /* region and 64-bit fetch groups of its place */
    uint32_t fetch_lines;        /* of the I-cache that it lay in when it was free last, 0: none, or too many */
    uint32_t fetch_slot[FETCH_LINES];    /* which */
    uint32_t fetch_epoch;        /* of the memory then */
    uint32_t definition, first, end;   /* piece [first, end) of a definition */
    int32_t next_piece;
    uint8_t predicated;
    uint8_t is_aside;            /* of contexts that do not count */
    uint8_t has_ran;             /* since other operations were open; only when there are some */
    uint64_t *skipped;           /* per instruction */
    int32_t *schedules;          /* per stretch: first of its list, most recent at the front */
    uint64_t line[2];            /* up to a whole cache line */
};

/* Cycles of an entry until each of its accesses, then until each of its barriers. */
static inline const uint16_t *blocks_cycles(const struct entry *e)
{
    return e->is_far ? e->cycles_of.far : e->cycles_of.near;
}

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
 * table. Past `most` it is that of `any_state`, whatever the state is. Negative: core_status. */
int blocks_enter(struct blocks *t, uint32_t block, uint32_t state, uint64_t variant);

/* The entry whose place that takes, NO_DEFINITION: none: nothing of it may be pending. */
int32_t blocks_given_up(const struct blocks *t, uint32_t block);

/* The whole of a definition that was seen before, or NO_DEFINITION. */
static inline int32_t blocks_whole(const struct blocks *t, uint32_t definition)
{
    return definition < t->definitions ? t->whole[definition] : NO_DEFINITION;
}

#endif
