/* record.c: the record of the block that runs: ended, split where time is asked for, cut short by a fault. */
#include "capture/state.h"

void capture_stop_with(struct capture *c, int stop)
{
    if (c->stop == STOP_NONE)
        c->stop = stop;
    c->emu_stop(c->engine);
}

void capture_fail(struct capture *c, int status)
{
    if (c->status == CORE_OK)
        c->status = status;
    capture_stop_with(c, STOP_ERROR);
}

/* The sink may end the run. */
static void heed(struct capture *c, int status)
{
    if (status < 0)
        capture_fail(c, status);
    else if (status > 0)
        capture_stop_with(c, status);
}

void capture_flush(struct capture *c) { heed(c, stream_flush(c->stream)); }
void capture_hand_on(struct capture *c) { heed(c, stream_hand_on(c->stream)); }

void capture_close_record(struct capture *c)
{
    if (c->header)
        record_end(c, 0, 0);
    else
        c->out = c->discard;
}

/* A fault of the access that was just recorded: it did not happen, and nothing behind it counts. (Unicorn
 * reports a read of unmapped memory before the read itself.) The engine does not know the PC here; timing
 * finds the instruction by its access. */
void record_fault(struct capture *c, enum fault_kind kind, uint32_t address, uint32_t size)
{
    int first = c->fault.kind == FAULT_NONE;
    if (first)
        c->fault = (struct fault_info){(uint8_t)kind, address, 0, size};
    if (c->header) {
        if (kind != FAULT_READ_UNMAPPED && c->out > c->header + 2)
            c->out--;
        record_end(c, RECORD_PARTIAL, PARTIAL_BEFORE_ACCESS);
        int status = stream_flush(c->stream);
        heed(c, status);
        if (first && status == CORE_OK) {
            c->fault.pc = c->stream->sink.fault_pc(c->stream->sink.self);
            c->fault_at_access = 1;
        } else if (first) {
            c->fault = (struct fault_info){0, 0, 0, 0}; /* timing found one before this */
        }
    }
    capture_stop_with(c, STOP_FAULT);
}

void record_undo(struct capture *c, uint32_t address, uint32_t size)
{
    if (c->fault.kind != FAULT_NONE || size > sizeof c->undo)
        return;
    c->undo_address = address;
    c->undo_size = c->mem_read(c->engine, address, c->undo, size) == UC_ERR_OK ? size : 0;
}

/* A record split behind the instruction of the access that was just recorded, so that timing can be asked
 * for the time there, or told of something that happens there. */
struct split {
    uint32_t word;
    const struct watch *watch, *watch_end;
};

static struct split record_split(struct capture *c)
{
    struct split split = {0, c->watch, c->watch_end};
    if (c->header && (c->header[0] & RECORD_CONTINUED) && c->out == c->header + 2 && !c->notes) {
        split.word = c->header[0];               /* split here before: nothing has run since */
        c->header = NULL;
        c->out = c->discard;
    } else if (c->header) {
        split.word = (c->header[0] & RECORD_ID) | RECORD_CONTINUED;
        record_end(c, RECORD_PARTIAL, PARTIAL_AFTER_ACCESS);
    }
    return split;
}

static void record_resume(struct capture *c, struct split split)
{
    if (split.word) {
        record_open(c, split.word);
        c->watch = split.watch;
        c->watch_end = split.watch_end;
        rewind_opened(c);
    }
}

void record_stack(struct capture *c)
{
    uint32_t sp = register_of(c, UC_ARM_REG_SP);
    int told = c->stack_set == STACK_SET_AND_TOLD;
    c->stack_set = 0;
    if (!told)
        stream_put(c->stream, RECORD_STACK, &sp, 1);
    tasks_look(c);
}

void record_until(struct capture *c, uint32_t offset)
{
    if (offset)
        record_end(c, RECORD_PARTIAL, offset);
    c->header = NULL;                /* how control came to a block belongs to that block */
    c->out = c->discard;
}

uint64_t record_from(struct capture *c, uint32_t offset)
{
    struct split split = {c->header[0], c->watch, c->watch_end};
    if (offset) {
        split.word = (split.word & RECORD_ID) | RECORD_CONTINUED;
        record_end(c, RECORD_PARTIAL, offset);
    }
    c->header = NULL;
    stream_put(c->stream, RECORD_FROM, NULL, 0);
    capture_flush(c);
    uint64_t now = c->stream->sink.now(c->stream->sink.self);
    record_resume(c, split);
    return now;
}

void record_between(struct capture *c, void (*what)(struct capture *c, uint64_t now))
{
    struct split split = record_split(c);
    capture_flush(c);
    what(c, c->stream->sink.now(c->stream->sink.self));
    record_resume(c, split);
}

/* The modelled time up to and with the instruction of the access that was just recorded. */
uint64_t record_time(struct capture *c)
{
    struct split split = record_split(c);
    capture_flush(c);
    uint64_t now = c->stream->sink.now(c->stream->sink.self);
    record_resume(c, split);
    return now;
}

/* Tells timing of a register write; what follows runs under the new setting. */
void record_system_write(struct capture *c, uint32_t address, uint32_t value)
{
    struct split split = record_split(c);
    uint32_t payload[2] = {address, value};
    stream_put(c->stream, RECORD_SYSTEM_WRITE, payload, 2);
    record_resume(c, split);
}
