/* objects.h: which data objects each access site touches.
 *
 * A site (one access of one block) remembers the object it touched last and that object's range. Its own
 * counts go over to the object when another is touched, and at the end, so a site that stays inside one
 * object costs one comparison an access. Objects stand where the program has them; what lies in none
 * counts for the region in which it is timed. While operations are open, sites hand their counts over when others are:
 * what each did to an object is summed over its sites. */
#ifndef MCUSIM_OBJECTS_H
#define MCUSIM_OBJECTS_H

#include <stdint.h>

#include "types.h"
#include "memory/window.h"
#include "timing/interned.h"
#include "timing/placement.h"

struct object_use {
    struct use_info info;
    uint32_t next;               /* index + 1 of the same site's, 0: none */
    uint8_t bytes, is_write;     /* of the access */
};

struct site_object {             /* all zero: nothing touched yet */
    uint32_t low, span;          /* addresses of the object it touched last */
    uint32_t current, first;     /* index + 1 of its object_use, of the site's list; 0: none */
    struct site_info counted;    /* of the site's counts, those that uses already hold */
};

struct site {                    /* one access of a block */
    struct window window;        /* in the object and the placement below */
    uint8_t size, is_write, alignment_mask;      /* as struct access_static has them */
    struct site_info counts;
    struct site_object object;
    struct placed placed;        /* where it was timed last */
};

struct object_table {
    struct object_range *range;  /* sorted, not overlapping */
    uint32_t ranges;
};

struct objects {
    struct object_table *table;  /* number 0 first, which holds at the start */
    uint32_t tables, tables_room, current;
    struct object_use *use;
    uint32_t uses, room;
    uint32_t state;              /* operations that are open: what is settled is theirs, too; 0: none */
    uint8_t by_state;            /* there were some */
    int status;                  /* 0, or the first core_status of one that was settled; sticky */
    struct interned states;      /* keys: state, object */
    struct op_use_info *op_use;  /* by number */
    uint32_t op_uses_room;
    uint32_t most;               /* uses, and pairs of operations and objects; 0: any number */
    uint64_t merged;             /* times that there were more */
};

/* Copies the ranges of a table, one that is there or the next one. Returns 0, CORE_ERR_CONFIG (not sorted, or
 * overlapping, or of no such table) or CORE_ERR_MEMORY. */
int objects_init(struct objects *o, uint32_t table, const struct object_range *range, uint32_t ranges);
void objects_free(struct objects *o);

/* The object at an address, NULL: it lies in none. */
const struct object_range *objects_at(const struct objects *o, uint32_t address);

/* The site is about to touch an address outside of its range. counts: the site's, so far. */
int objects_switch(struct objects *o, const struct memory *m, const struct placement *p, struct site *site,
                   uint32_t block, uint32_t access, uint32_t address, const struct access_static *kind);

/* From now on a table holds: sites have settled and left the object that they were in. CORE_ERR_STREAM: there is no
 * such table. */
int objects_use(struct objects *o, uint32_t table);

/* Hands the counts that are still the site's to the object it touches. Returns 0 or CORE_ERR_MEMORY. */
int objects_settle(struct objects *o, struct site *site);

static inline void objects_leave(struct site *site)
{
    site->object.span = site->object.current = 0;
    site->window.span = 0;
}

static inline int objects_is_current(const struct site_object *s, uint32_t address)
{
    return address - s->low < s->span;
}

#endif
