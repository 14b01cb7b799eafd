/* state.h: what the files of this folder share and nobody else needs: the capture and its parts. */
#ifndef MCUSIM_CAPTURE_STATE_H
#define MCUSIM_CAPTURE_STATE_H

#include <stdatomic.h>
#include <string.h>
#include <unicorn/unicorn.h>

#include "capture/capture.h"
#include "capture/devices.h"
#include "capture/dma.h"
#include "capture/held.h"
#include "capture/operations.h"
#include "capture/operators.h"
#include "capture/planned.h"
#include "capture/serial.h"
#include "capture/tasks.h"
#include "stream/thumb.h"

enum {
    CODE_RANGES = 16,            /* code hooks; Unicorn walks a list from two on */
    NOTES_MAX = 1024,
    WATCH_MAX = 512,
    WINDOWS_MAX = MAX_REGIONS + 1,
    POLLED_WITHIN = 64,          /* instructions of a loop that polls a register */
    POLLING_TURNS = 32,          /* after which it is looked at */
    DEVICE_TIMERS_MAX = 64,
    DEVICE_LINES_MAX = 128,
    SERIALS_MAX = 16,
    STANDS_AFTER = 1 << 22,      /* instructions; then after twice as many, and so on */
    TEXT_BYTES = 256,            /* sent by devices and not handed out yet */
    SLOWEST = 32,                /* cycles an instruction, on average, that no program needs for long */
    GRANULE_SHIFT = 6,           /* code is tracked in 64-byte granules to find self-modifying stores */
};
#define NO_ID UINT32_MAX

/* Why each access is looked at: it may fault; a loop waits; one before it programmed flash; it may wake a task. */
enum { CLOSELY_CHECKED = 1, CLOSELY_POLLING = 2, CLOSELY_PROGRAMMED = 4, CLOSELY_TASKS = 8 };

struct window {
    struct capture *capture;
    uint32_t base;
};

struct captured {                /* one definition, as capture needs it */
    uint32_t address, size, instructions;
    uint32_t watch_first, watches;
    uint8_t stale;               /* its bytes were overwritten */
    uint32_t before;             /* the one that was there before, NO_ID: none */
    uint32_t next[2];            /* the ones that came behind it last, by bit 2 of their addresses; 0: none did */
    uint32_t listed;             /* where in capture.writable, NO_ID: it lies in flash, or another one is there now */
    uint32_t beyond;             /* bytes behind its end that are hooked with it, see code.c */
    uint8_t endless;             /* does nothing but branch to itself */
    uint8_t sets_event;          /* holds a SEV */
    uint8_t conditional; /* has an IT block, or is in one */
    uint8_t sets_stack;  /* enum sets_stack */
    uint8_t sets_masks;  /* bytes from its end of the last CPS or MSR of a mask, 0: none */
    uint32_t seen;       /* the epoch in which it ran last */
    uint32_t floating;           /* address of the first instruction of the FPU, 0: none */
    uint8_t calls;               /* ends with a call by register that may be one of an operator: operators.c */
    uint8_t calls_operators, strange;    /* ... and is one; times that it was none */
    struct plan plan;            /* of its addresses: planned.h */
};

struct polling {                 /* the read that each turn of a loop comes to */
    uint32_t address, block, exception;
    uint32_t turns, strays, next;
    uint8_t due;                 /* the loop is to be looked at */
};

struct slot {
    uint64_t key;
    uint32_t id;
};

struct code_range {
    uint32_t first, last;
    uc_hook hook;
};

enum {
    REWIND_REGISTERS = 22,
    REWIND_STORES = 8192,        /* of the longest block: a page of stores of 16 doubles each */
    REWIND_ANSWERS = 1024,
    ARMED_DUE = 1,
    ARMED_FAULT = 2,
};
enum { STOP_AGAIN = -1 };        /* a core_stop: the block is taken back; until the engine stops nothing is heard */

struct rewind_store {
    uint32_t address, size;
    uint8_t old[8];
};

struct rewind {                  /* rewind.c */
    int armed; /* what for, 0: not */
    uint64_t due;                /* when an interrupt comes that would be taken */
    size_t record;               /* where the block's record begins in the stream */
    uint32_t from, to;           /* the block runs again up to there, 0: not */
    uint32_t core[REWIND_REGISTERS], stores;
    uint64_t d[16];
    int doubles;                 /* how many of them are kept */
    struct rewind_store store[REWIND_STORES];
    uint32_t answer[REWIND_ANSWERS], answers, again;   /* what devices said, and how much of it was said again */
    uint64_t until_left;
};

struct timer {                   /* pends an interrupt every so many cycles */
    uint32_t number;             /* of the exception */
    uint64_t period, next;       /* modelled time, UINT64_MAX: never as things are */
    uint32_t enable, mask;       /* address and bits of the word that lets a device's interrupt */
    uint32_t counter;            /* its address, 0: of no device */
    uint32_t serial;             /* a port, counted from 1; 0: none */
};

struct line {                    /* by which a device asks for an interrupt, as long as it has a reason */
    uint32_t number;             /* of the exception */
    uint32_t enable, flags, mask;        /* words of which the same bits are set then */
};

struct level {                   /* what an exception interrupts, by how many are active: storms.c */
    uint32_t number, same;       /* of the exception that came last, and how often it did with nothing in between */
    uint32_t interrupted, resumed_at;    /* the instruction that it came in front of, and the one gone on with */
    uint64_t taken;              /* exceptions with nothing in between */
    uint64_t entered, resumed;   /* instructions up to then */
};

struct capture {
    struct stream *stream;
    uint32_t *out;               /* where the next data address goes */
    uint32_t *header;            /* word 0 of the open record, NULL: none is open */
    const struct watch *watch, *watch_end;   /* of the running block, not passed yet */
    uint32_t block_id, block_address;        /* of the running block */
    uint32_t note[NOTES_MAX];
    uint32_t notes;
    uint32_t code_first, code_span;          /* executed code in writable memory */
    uint32_t closely;                        /* why each access is looked at */
    struct plan *plan;                       /* of the running block, whose addresses are written already */
    uint8_t trap_divide;                     /* CCR.DIV_0_TRP */
    uint8_t trap_unaligned, protects;        /* CCR.UNALIGN_TRP; the MPU may refuse an access */
    uint8_t privileged, urgent;              /* what runs, while the MPU may refuse: see protection_permits() */
    uint8_t fpu_off;                         /* CPACR */
    uint32_t step_to; /* the next run of the engine ends in front of this instruction, 0: it does not */
    uint32_t discard[STREAM_RECORD_MAX];     /* data addresses of marker functions go here */

    struct slot *slot;
    uint32_t slots, slots_used;
    struct captured *captured;
    uint32_t captured_room;
    struct watch *watches;
    uint32_t watches_used, watches_room;
    uint32_t *writable;          /* definitions of code that stores may change, as it was read last */
    uint32_t writables, writables_room;
    uint8_t *granule; /* a bit per 64 bytes of address space that held executed code */

    uc_engine *engine;
    uc_err (*hook_add)(uc_engine *, uc_hook *, int, void *, void *, uint64_t, uint64_t, ...);
    uc_err (*hook_del)(uc_engine *, uc_hook);
    uc_err (*emu_start)(uc_engine *, uint64_t, uint64_t, uint64_t, size_t);
    uc_err (*emu_stop)(uc_engine *);
    uc_err (*reg_read)(uc_engine *, int, void *);
    uc_err (*reg_write)(uc_engine *, int, const void *);
    uc_err (*reg_read_batch)(uc_engine *, int *, void **, int);
    uc_err (*reg_write_batch)(uc_engine *, int *, void *const *, int);
    uc_err (*mem_read)(uc_engine *, uint64_t, void *, uint64_t);
    uc_err (*mem_write)(uc_engine *, uint64_t, const void *, uint64_t);
    uc_err (*mmio_map)(uc_engine *, uint64_t, uint64_t, uc_cb_mmio_read_t, void *, uc_cb_mmio_write_t, void *);
    uc_err (*ctl)(uc_engine *, uc_control_type, ...);

    struct capture_config config;
    struct region_config region[MAX_REGIONS];
    uint32_t regions;
    struct window window[WINDOWS_MAX];
    uint32_t windows;
    struct code_range range[CODE_RANGES];
    uint32_t ranges;
    uint32_t hook_from; /* id of a block that has to be translated anew, with hooks */
    uc_hook access_hook;
    struct planned planned;
    struct system system;
    uint32_t storage[MAX_STORAGE];
    _Atomic uint64_t instructions; /* another thread reads it */
    uint64_t limit;
    uint64_t marker_instructions; /* at most; they are in no count */
    uint64_t look_at; /* instruction count at which to look for pending exceptions */
    uint64_t ask_at; /* ... and at which to ask for the modelled time */
    uint64_t stand_at; /* ... and at which to look whether the program stands */
    uint32_t take; /* the exception that is entered when the engine has stopped, 0: none */
    int event; /* the event register of WFE */
    uint64_t next_tick; /* modelled time of SysTick's next interrupt */
    struct timer timer[MAX_TIMERS + DEVICE_TIMERS_MAX];
    uint32_t timers;
    struct dma dma;
    struct line line[DEVICE_LINES_MAX];
    uint32_t lines;
    struct serial serial[SERIALS_MAX];
    uint32_t serials;
    struct level level[EXCEPTIONS_MAX];
    int fault_repeats;
    uint32_t epoch;              /* interrupts that time brought */
    int is_fresh;                /* a block ran for the first time in this epoch since it was asked last */
    uint64_t paced_at, paced_from;   /* instructions and modelled time then */
    uint64_t asked;              /* modelled time in front of the running block, UINT64_MAX: it was not asked */
    struct rewind rewind;
    int stack_set;               /* enum sets_stack, of the block that ended */
    uint32_t masks_set;          /* address of the CPS or MSR of the block that ended, 0: none */
    struct held held;
    int silent;                  /* what runs was recorded before */
    uint64_t deadline; /* modelled time at which the run ends */
    uint64_t from_left, until_left; /* times that config.from and config.until are still passed */
    uint32_t waits_in; /* id of the endless block that was looked at last */
    uint64_t self_modified;
    int clock_read, geometry_read;
    atomic_int stop_requested; /* by another thread */
    int stop, status, engine_error;
    struct fault_info fault;
    uint8_t undo[8]; /* what lay where a store went that then turned out to fault */
    uint32_t undo_address, undo_size;
    int fault_at_access; /* the engine does not know where: PC and ITSTATE are set from fault.pc */
    uint32_t polled; /* the peripheral register that was read last, ... */
    uint64_t polled_at; /* ... and the instruction count then */
    struct polling polling;
    struct peripheral *peripheral; /* a hash table of words */
    uint32_t peripherals, peripheral_room;
    core_describe_fn *describe;  /* NULL: devices are described */
    void *describer;
    struct device_rule *rule;
    uint32_t rules, rules_room;
    struct lent flash[MAX_REGIONS];
    uint32_t flashes;
    uint8_t *programmed, programmed_bytes[8];    /* what the store that came last is to leave there */
    uint32_t programmed_size;
    struct clock_note *clock_note;
    uint32_t clock_notes, clock_notes_room;
    struct left_out_info left_out;
    struct peripheral peripheral_rest;       /* the word past WORDS_MAX that is used now */
    core_write_fn *print; /* NULL: text that devices send is dropped */
    void *printer;
    uint8_t text[TEXT_BYTES];
    uint32_t text_used;
    struct tasks tasks;
    struct op_info *op;
    uint32_t *op_slot, ops, ops_room;    /* a hash table: number + 1 of each, by what it says */
    struct operators operators;
};

static inline uint64_t instructions_of(const struct capture *c)
{
    return atomic_load_explicit(&c->instructions, memory_order_relaxed);
}

/* After a change of what it asks: whether accesses are looked at one by one because one may fault. */
static inline void closely_checked(struct capture *c)
{
    uint32_t checked = c->trap_unaligned || c->protects || c->rewind.armed ? CLOSELY_CHECKED : 0;
    c->closely = (c->closely & ~(uint32_t)CLOSELY_CHECKED) | checked;
}

/* record.c: how a run ends: the first reason counts. The sink may end it as well: a full table, a failed callback,
 * a stack overflow seen by timing. */
void capture_stop_with(struct capture *c, int stop);
void capture_fail(struct capture *c, int status);
void capture_flush(struct capture *c);
void capture_hand_on(struct capture *c);        /* the buffer is full */

/* The access that was just recorded faults: see record.c. */
void record_fault(struct capture *c, enum fault_kind kind, uint32_t address, uint32_t size);

/* The store of which the engine is about to tell will have faulted: it is taken back when the engine has stopped. */
void record_undo(struct capture *c, uint32_t address, uint32_t size);

/* What was counted until the instruction at this offset of the running block does not count. Returns the modelled
 * time there. */
uint64_t record_from(struct capture *c, uint32_t offset);

/* Tells timing of SP, which the block that ended has set, and of the task. */
void record_stack(struct capture *c);

/* The running block ends in front of the instruction at this offset. */
void record_until(struct capture *c, uint32_t offset);

/* The modelled time up to and with the instruction of the access that was just recorded. */
uint64_t record_time(struct capture *c);

/* Splits the record as record_time() does, for other records in between: those of what happens at that time. */
void record_between(struct capture *c, void (*what)(struct capture *c, uint64_t now));

/* Tells timing of a register write; what follows runs under the new setting. */
void record_system_write(struct capture *c, uint32_t address, uint32_t value);

static inline void record_open(struct capture *c, uint32_t word)
{
    struct stream *s = c->stream;
    if (STREAM_WORDS - s->used < STREAM_RECORD_MAX)
        capture_hand_on(c);
    c->header = s->words + s->used;
    c->header[0] = word;
    c->out = c->header + 2;
    c->notes = 0;
}

static inline void record_end(struct capture *c, uint32_t flag, uint32_t ran)
{
    uint32_t *first = c->header + 2;
    uint32_t accesses = (uint32_t)(c->out - first);
    if (flag) {
        c->header[0] |= flag;
        memmove(first + 1, first, accesses * sizeof *first);
        *first = ran;
        c->out++;
    }
    c->header[1] = accesses | c->notes << 16;
    memcpy(c->out, c->note, c->notes * sizeof *c->note);
    c->stream->used = (size_t)(c->out + c->notes - c->stream->words);
    c->header = NULL;
    c->out = c->discard;
    c->notes = 0;
    c->watch = c->watch_end = NULL;
}

/* code.c: the id of a block's definition, NO_ID when the run failed; an access that may be a store into code that
 * has run, or one that is trapped for not being aligned. */
uint32_t code_id(struct capture *c, uint32_t address, uint32_t size);
void code_settings(struct capture *c); /* what is checked may have changed: CCR, CPACR, MPU */
int code_may_run(struct capture *c, uint32_t id); /* 0: the block faults, or it is run up to where it does */
void code_access(struct capture *c, int is_write, uint32_t address, uint32_t size);
void code_overwritten(struct capture *c, uint32_t address, uint32_t size);   /* not by the program */
int code_grow(struct capture *c);

/* The last byte whose instruction needs a hook: an IT block that a page cuts goes on in the next block, which
 * cannot be stopped for, so it is hooked with this one. */
static inline uint32_t code_last_hooked(const struct captured *d) { return d->address + d->size - 1 + d->beyond; }

/* hooks.c: hooks the engine; widens the hooked ranges by one block, and has Unicorn translate it again. */
int hooks_attach(struct capture *c);
int hooks_accesses(struct capture *c);           /* hooks its accesses again */
int hooks_widen(struct capture *c, uint32_t id);

/* due.c: what time brings. Asks for the modelled time and pends what has come; STOP_CYCLES when the run's time is
 * over, else STOP_NONE. When to ask again, after a write to a timer, to DMA, to SysTick or a jump in time. What comes
 * within so many cycles is pended now. Pends one. */
int due_ask(struct capture *c);
void due_timer_written(struct capture *c);
void due_plan(struct capture *c, uint64_t now);
void due_fresh(struct capture *c, struct captured *d); /* a block is about to run for the first time in this epoch */
void due_within(struct capture *c, uint32_t cycles);
void due_pend(struct capture *c, uint32_t number);
uint64_t due_next(const struct capture *c);      /* when the next one comes, UINT64_MAX: none */
uint64_t due_to_come(const struct capture *c, const struct masks *masks);   /* of those that would be taken */
uint64_t due_to_wake(const struct capture *c, const struct masks *masks, uint64_t now);

/* rewind.c: prepares for taking the running block back; an access of it; its end: 1 when it is to be taken back, to
 * where an interrupt is due; which happens when the engine has stopped, and *pc is where it stands then. */
void rewind_arm(struct capture *c, const struct captured *d);
void rewind_disarm(struct capture *c);
void rewind_access(struct capture *c, int is_write, uint32_t address, uint32_t size);
int rewind_settle(struct capture *c);

/* In front of a STREX at this offset: 0 when it is not to run. */
int rewind_exclusive(struct capture *c, uint32_t offset);

/* What a device says: the same when a block runs again, in which it is not asked. */
uint32_t rewind_said(struct capture *c, uint32_t value);

static inline void rewind_opened(struct capture *c) { c->rewind.record = (size_t)(c->header - c->stream->words); }
void rewind_run(struct capture *c, uint32_t *pc);

/* Inside an IT block the engine does not stop at once: it is taken back to the instruction that faulted. */
void rewind_fault(struct capture *c);

/* capture.c: runs up to c->step_to; 0 or a core_status. */
int capture_step(struct capture *c, uint32_t *pc);

/* exceptions.c: in front of a block of so many instructions: c->take is set when an exception is to be taken there;
 * returns a stop, or STOP_NONE. Enters an exception that interrupts pc: 0 when it faults, see c->fault. Whether an
 * interrupt can still come, masks being as they are. A fault of the instruction at pc, which the engine stands at;
 * returns 0. */
int exceptions_look(struct capture *c, uint32_t ahead);
int exceptions_take(struct capture *c, uint32_t number, uint32_t pc);
int exceptions_can_come(struct capture *c);
int exceptions_fail(struct capture *c, enum fault_kind kind, uint32_t address, uint32_t pc);
int exceptions_attach(struct capture *c);
void exceptions_pend(struct capture *c, uint32_t number);      /* SEVONPEND: an event, too */

/* frame.c: exception frames on the engine's registers and memory. */
struct frame {
    uint32_t sp, xpsr, control, exc_return, pc, bytes;   /* bytes: from SP before */
    int has_fp, used_fp, process; /* the frame holds FP registers; the handler used some itself; its stack */
};

uint32_t register_of(struct capture *c, int id);
void register_set(struct capture *c, int id, uint32_t value);
void control_set(struct capture *c, uint32_t xpsr, uint32_t value); /* with this XPSR, which may be a handler's */
struct masks frame_masks(struct capture *c);
uint32_t frame_vector(struct capture *c, uint32_t number); /* 0: it cannot be read, or is not Thumb code */
int frame_push(struct capture *c, uint32_t pc, struct frame *f); /* 0: not all of it is memory */
void frame_enter(struct capture *c, uint32_t number, uint32_t handler, const struct frame *f);
int frame_pop(struct capture *c, uint32_t exc_return, struct frame *f); /* 0: not all of it is memory */

/* polling.c: a peripheral register was read; memory was written while polling is watched closely; whether a loop is
 * to be looked at in front of this block. */
void polling_read(struct capture *c, uint32_t address);
void polling_store(struct capture *c, uint32_t address, uint32_t sp);
int polling_is_due(struct capture *c);

/* storms.c: an exception is entered, also straight from another one, or by a fault of the instruction at pc; what was
 * interrupted goes on at pc. */
void storms_entered(struct capture *c, uint32_t number, uint32_t pc, int is_chained, int is_fault);
void storms_resumed(struct capture *c, uint32_t pc);

#endif
