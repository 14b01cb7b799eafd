/* stream.h: the event stream, the one thing that capture and timing share.
 *
 * Capture writes records of 32-bit words into a bounded buffer; a full buffer goes to the sink and is
 * used again, so memory stays flat however long the run. Block definitions (address, bytes) stand in a
 * table beside the buffer, each once.
 *
 * There are two buffers: while a thread of its own (ahead.c) hands one to the sink, the other one is filled. Who needs
 * to know what came of what was written, or what time it is there, flushes, and waits. So what a run comes to hangs on
 * no thread: what the sink says of a full buffer is always heard of when the next one is full, or at a flush.
 *
 *   block record   word 0: definition id | RECORD_PARTIAL | RECORD_CONTINUED
 *                  word 1: accesses | notes << 16
 *                  [RECORD_PARTIAL: bytes of the block that ran, or PARTIAL_*_ACCESS]
 *                  accesses: data addresses in program order
 *                  notes: offset in halfwords << 16 | operand class
 *   other records  word 0: RECORD_OTHER | enum record_kind << 16 | payload words, then the payload
 */
#ifndef MCUSIM_STREAM_H
#define MCUSIM_STREAM_H

#include <stddef.h>
#include <stdint.h>

enum {
    STREAM_WORDS = 1 << 15,          /* words a full buffer holds */
    STREAM_RECORD_MAX = 18 * 1024,   /* words of the longest record: 512 VLDM of 32 registers, and its notes */
    DEFINITION_BYTES_MAX = 2048,
};

#define RECORD_OTHER 0x80000000u
#define RECORD_PARTIAL 0x40000000u      /* the block was left in its middle */
#define RECORD_CONTINUED 0x20000000u    /* the rest of a block that a partial record began */
#define RECORD_ID 0x0fffffffu
#define PARTIAL_AFTER_ACCESS 0xffffffffu  /* left behind the instruction of the last access */
#define PARTIAL_BEFORE_ACCESS 0xfffffffeu /* left in front of the instruction whose access comes next: a fault */

enum record_kind {
    RECORD_SYSTEM_WRITE = 1,    /* address, value: a store to a system or memory-control register */
    RECORD_OP_BEGIN = 2,        /* operation index, address of the call */
    RECORD_OP_END = 3,
    RECORD_SLEEP = 4,           /* cycles, low word then high word */
    RECORD_EXCEPTION = 5,       /* enum exception_event, address, frame, SP behind it */
    RECORD_FROM = 6,            /* what was counted until here does not count */
    RECORD_STACK = 7,           /* SP, which the block in front set */
    RECORD_TASK = 9, /* what runs now is this task to the kernel: index, end of its stack or 0, its address or 0 */
    RECORD_OBJECTS = 14, /* the table of data objects that holds from here on */
    RECORD_WOKEN = 10, /* address of a task's structure, which waited and now can run */
    RECORD_DMA = 8, /* 1 for a write, address, bytes, address of the code that started it */
    RECORD_INTERRUPT = 16, /* in front of an entry: exception, its handler, SP there, bytes of its frame */
    RECORD_PEND = 17, /* exception, cycles since it became pending (signed), enum pend | how many times */
    RECORD_HELD = 18, /* exception | enum hold << 16 of what keeps it waiting from here on, who that is */
    RECORD_MASKS = 19, /* a bit for each enum mask that is set now, address of the instruction */
};

/* What hardware does before the next block. The address is where the handler returns to, or where it came back
 * to; the frame is the stack's address that tells one thread from another. */
enum exception_event {
    EXCEPTION_ENTERED = 1,
    EXCEPTION_LEFT = 2,
    EXCEPTION_CHAINED = 3, /* from one handler straight into the next */
    EXCEPTION_FP = 0x100, /* with the FP registers: stored, or loaded again */
    EXCEPTION_PROCESS = 0x200, /* the frame lies on the process stack */
};

/* How an exception became pending. Times: 1, but where it came again before anybody looked. */
enum pend {
    PEND_TIMES = 0xffffff,
    PEND_AGAIN = 1 << 24, /* it was pending already: this one is lost */
    PEND_ACTIVE = 1 << 25, /* its handler had not come back */
    PEND_BY_PROGRAM = 1 << 26, /* by a store, not by time */
};

struct definition {
    uint32_t address, size; /* bytes */
    uint32_t code; /* index of its first byte in stream.code */
    uint8_t it_state; /* ITSTATE[7:0] at its first instruction */
};

struct cut { /* a boundary between two instructions of a block that ran */
    uint32_t offset; /* bytes from its start */
    uint32_t accesses; /* of its record that lie in front of it */
    uint32_t cycles, waits; /* that it does not take longer up to there: by itself, and waiting for memory */
    uint32_t earliest, latest; /* cycles by itself up to there, as it was scheduled last: between these */
    uint8_t is_inside; /* an IT block */
};

struct sink {
    /* Returns 0, a negative core_status, or a core_stop that ends the run. */
    int (*consume)(void *self, const uint32_t *words, size_t count);
    uint64_t (*now)(void *self); /* modelled time of all that was consumed, cycles */
    /* See timing_cuts(). */
    int (*cuts)(void *self, const uint32_t *record, uint64_t cycles, struct cut *out, uint32_t room);
    uint32_t (*fault_pc)(void *self); /* the instruction of the last access that was cut off as a fault */
    void *self;
};

struct told {                    /* what the sink may look at; it stands while the sink works */
    const struct definition *definition;
    const uint8_t *code;
    uint32_t definitions;
};

struct stream {
    uint32_t *words;             /* the buffer that is filled, one of the two below */
    size_t used;
    struct sink sink;
    int status; /* first failure of the sink; sticky */
    int late;                    /* what the sink said of a full buffer that nobody has heard of yet */
    struct told told;
    struct ahead *ahead;         /* NULL: no buffer was full yet, or there is no thread to be had */
    uint8_t is_alone;            /* there is none to be had */
    struct definition *definition;
    uint32_t definitions, definitions_room;
    uint8_t *code;
    uint32_t code_used, code_room;
    uint32_t buffer[2][STREAM_WORDS];
};

void stream_init(struct stream *s, struct sink sink);
void stream_free(struct stream *s);

/* Adds a definition and returns its id, or UINT32_MAX when there is no memory. */
uint32_t stream_define(struct stream *s, uint32_t address, const uint8_t *code, uint32_t size, uint8_t it_state);

/* Hands everything written so far to the sink, which has taken it when this returns. Returns s->status. */
int stream_flush(struct stream *s);

/* The buffer is full: the sink gets it while the next one is filled. Returns s->status, as of the buffer before. */
int stream_hand_on(struct stream *s);

/* ahead.c: waits until no buffer is on its way. Returns s->status. */
int stream_wait(struct stream *s);

/* Has the sink take a full buffer on another thread. Returns 0 where there is none. */
int ahead_take(struct stream *s, const uint32_t *words, size_t count);
void ahead_end(struct stream *s);

/* Appends a record other than a block. */
void stream_put(struct stream *s, enum record_kind kind, const uint32_t *payload, uint32_t count);

#endif
