/* planned.h: blocks whose addresses are worked out when they are entered, instead of told access by access.
 *
 * While a hook for accesses is there when the engine translates a block, all of its accesses take a slow way, which
 * costs more than all else that capture does. A block that runs often and whose addresses are sums of registers at its
 * entry (stream/addresses.h) is translated once more while that hook is away: it then runs at full speed, and what the
 * hook still tells of it is not heard. A block that is about to come to anything but plain memory, or to where stores
 * are looked at, is translated with the hook again, before it runs. */
#ifndef MCUSIM_CAPTURE_PLANNED_H
#define MCUSIM_CAPTURE_PLANNED_H

#include <stdint.h>
#include <unicorn/unicorn.h>

#include "stream/addresses.h"

struct capture;
struct captured;

enum { PLANNED_ACCESSES_MAX = 1024 };            /* of a block */

enum plan_state {
    PLAN_NONE = 0,               /* its addresses cannot be worked out */
    PLAN_WAITS,                  /* it runs with the hook; it may not run often */
    PLAN_MADE,                   /* its addresses are worked out */
};

struct plan {                    /* of a block */
    uint32_t first, accesses;    /* in planned.access; UINT32_MAX: not looked for yet */
    uint32_t left;               /* times that it still runs with the hook */
    uint32_t heard;              /* its reads of which the hook told: the engine may have translated it again */
    uint8_t state, given_up;     /* enum plan_state; times that it came elsewhere than to plain memory */
};

struct planned {
    const uint32_t *registers;   /* of the engine, NULL: no block is planned */
    int is_checked, is_eager;    /* the hook hears all, and each address is compared; a block is planned at once */
    int is_off;                  /* an access may fault for what it is: UNALIGN_TRP, DIV_0_TRP, MPU */
    struct affine *access;
    uint32_t accesses, room;
    uint8_t *page;               /* of each 1 << PAGE_SHIFT bytes of address space: AFFINE_* that are plain there */
    uint32_t address[PLANNED_ACCESSES_MAX];      /* of the block that is about to run */
    uint32_t translate, drop;    /* ids of blocks to translate without the hook, and with it, NO_ID: none */
    int is_translating;          /* the engine runs without the hook, up to the next block */
    uint32_t compared;           /* accesses of the running block that the hook told of, when they are checked */
};

int planned_attach(struct capture *c);
void planned_free(struct planned *p);
void planned_define(const struct capture *c, struct captured *d);

/* In front of a block that may be planned: 0 when the engine is stopped, to translate it. */
int planned_ready(struct capture *c, uint32_t id);

/* Its record is open: writes its addresses. */
void planned_put(struct capture *c, struct captured *d);

/* Addresses are checked: the hook told of an access of a planned block; the block has ended. */
void planned_check(struct capture *c, int is_write, uint32_t address, uint32_t size);
void planned_compare(struct capture *c);

/* Whether the engine stopped to translate a block: which is done, and *pc is where it goes on. */
int planned_stopped(struct capture *c, uint32_t *pc);

/* Stores there are to be looked at one by one. */
void planned_keep_off(struct capture *c, uint32_t first, uint32_t last);

#endif
