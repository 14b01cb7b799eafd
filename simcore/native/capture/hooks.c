/* hooks.c: see capture.h. The engine facts it leans on have a test each in tests/unit/test_engine_facts.py. */
#include <stdlib.h>
#include <string.h>
#include <unicorn/unicorn.h>

#include "array.h"
#include "capture/capture.h"
#include "stream/thumb.h"

enum {
    CODE_RANGES = 3,             /* code hooks; Unicorn walks a list from two on */
    MERGE_BYTES = 256,           /* ranges closer than this become one */
    NOTES_MAX = 1024, WATCH_MAX = 512, PERIPHERALS_MAX = 256, OPS_MAX = 1 << 16, WINDOWS_MAX = MAX_REGIONS + 1,
    GRANULE_SHIFT = 6,           /* code is tracked in 64-byte granules to find self-modifying stores */
    IT_BYTES_MAX = 16,           /* four instructions */
    OP_MAGIC = 0x4d43504f, OP_BYTES = 40,
};
#define REG_CCR 0xe000ed14u
#define NO_ID UINT32_MAX

struct window { struct capture *capture; uint32_t base; };

struct captured {                /* one definition, as capture needs it */
    uint32_t address, size, instructions;
    uint32_t watch_first, watches;
    uint8_t stale;               /* its bytes were overwritten */
    uint8_t it_beyond;           /* an IT block goes on behind its end */
};

struct slot { uint64_t key; uint32_t id; };

struct code_range { uint32_t first, last; uc_hook hook; };

struct capture {
    struct stream *stream;
    uint32_t *out;               /* where the next data address goes */
    uint32_t *header;            /* word 0 of the open record, NULL: none is open */
    const struct watch *watch, *watch_end;   /* of the running block, not passed yet */
    uint32_t block_address;
    uint32_t note[NOTES_MAX];
    uint32_t notes;
    uint32_t code_first, code_span;          /* executed code in writable memory */
    int trap_unaligned;                      /* CCR.UNALIGN_TRP */
    uint32_t discard[STREAM_RECORD_MAX];     /* data addresses of marker functions go here */

    struct slot *slot;
    uint32_t slots, slots_used;
    struct captured *captured;
    uint32_t captured_room;
    struct watch *watches;
    uint32_t watches_used, watches_room;
    uint8_t *granule;                        /* a bit per 64 bytes of address space that held executed code */

    uc_engine *engine;
    uc_err (*hook_add)(uc_engine *, uc_hook *, int, void *, void *, uint64_t, uint64_t, ...);
    uc_err (*hook_del)(uc_engine *, uc_hook);
    uc_err (*emu_start)(uc_engine *, uint64_t, uint64_t, uint64_t, size_t);
    uc_err (*emu_stop)(uc_engine *);
    uc_err (*reg_read)(uc_engine *, int, void *);
    uc_err (*mem_read)(uc_engine *, uint64_t, void *, uint64_t);
    uc_err (*mmio_map)(uc_engine *, uint64_t, uint64_t, uc_cb_mmio_read_t, void *, uc_cb_mmio_write_t, void *);
    uc_err (*ctl)(uc_engine *, uc_control_type, ...);

    struct capture_config config;
    struct region_config region[MAX_REGIONS];
    uint32_t regions;
    struct window window[WINDOWS_MAX];
    uint32_t windows;
    struct code_range range[CODE_RANGES];
    uint32_t ranges;
    uint32_t hook_from;                      /* id of a block that has to be translated anew, with hooks */
    struct system system;
    uint32_t storage[MAX_STORAGE];
    uint64_t instructions, limit;
    uint64_t look_at;            /* instruction count at which to look for pending exceptions */
    uint64_t next_tick;          /* modelled time of SysTick's next interrupt */
    uint64_t self_modified;
    int clock_read, geometry_read;
    volatile int stop_requested;
    int stop, status, engine_error;
    struct fault_info fault;
    struct peripheral_info peripheral[PERIPHERALS_MAX];
    uint32_t peripherals;
    struct op_info *op;
    uint32_t ops, ops_room;
};

static void stop_with(struct capture *c, int stop)
{
    if (c->stop == STOP_NONE)
        c->stop = stop;
    c->emu_stop(c->engine);
}

static void fail(struct capture *c, int status)
{
    if (c->status == CORE_OK)
        c->status = status;
    stop_with(c, STOP_ERROR);
}


/* The sink may end the run: a full table, a failed callback, a stack overflow seen by timing. */
static void flush(struct capture *c)
{
    int status = stream_flush(c->stream);
    if (status < 0)
        fail(c, status);
    else if (status > 0)
        stop_with(c, status);
}

/* --- records ------------------------------------------------------------------------------------- */

static void open_record(struct capture *c, uint32_t word)
{
    struct stream *s = c->stream;
    if (STREAM_WORDS - s->used < STREAM_RECORD_MAX)
        flush(c);
    c->header = s->words + s->used;
    c->header[0] = word;
    c->out = c->header + 2;
    c->notes = 0;
}

static void end_record(struct capture *c, uint32_t flag, uint32_t ran)
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

void capture_close_record(struct capture *c)
{
    if (c->header)
        end_record(c, 0, 0);
    else
        c->out = c->discard;
}

/* A fault of the access that was just recorded: it did not happen, and nothing behind it counts. (Unicorn
 * reports a read of unmapped memory before the read itself.) The engine does not know the PC here; timing
 * finds the instruction by its access. */
static void fault_at_access(struct capture *c, enum fault_kind kind, uint32_t address, uint32_t size)
{
    if (c->fault.kind == FAULT_NONE)
        c->fault = (struct fault_info){(uint8_t)kind, address, 0, size};
    if (c->header) {
        if (kind != FAULT_READ_UNMAPPED && c->out > c->header + 2)
            c->out--;
        end_record(c, RECORD_PARTIAL, PARTIAL_BEFORE_ACCESS);
    }
    stop_with(c, STOP_FAULT);
}

/* A record split behind the instruction of the access that was just recorded, so that timing can be asked
 * for the time there, or told of something that happens there. */
struct split { uint32_t word; const struct watch *watch, *watch_end; };

static struct split split_record(struct capture *c)
{
    struct split split = {0, c->watch, c->watch_end};
    if (c->header) {
        split.word = (c->header[0] & RECORD_ID) | RECORD_CONTINUED;
        end_record(c, RECORD_PARTIAL, PARTIAL_AFTER_ACCESS);
    }
    return split;
}

static void resume_record(struct capture *c, struct split split)
{
    if (split.word) {
        open_record(c, split.word);
        c->watch = split.watch;
        c->watch_end = split.watch_end;
    }
}

/* The modelled time up to and with the instruction of the access that was just recorded. */
static uint64_t time_in_block(struct capture *c)
{
    struct split split = split_record(c);
    flush(c);
    uint64_t now = c->stream->sink.now(c->stream->sink.self);
    resume_record(c, split);
    return now;
}

/* Tells timing of a register write; what follows runs under the new setting. */
static void put_system_write(struct capture *c, uint32_t address, uint32_t value)
{
    struct split split = split_record(c);
    uint32_t payload[2] = {address, value};
    stream_put(c->stream, RECORD_SYSTEM_WRITE, payload, 2);
    resume_record(c, split);
}

/* --- definitions --------------------------------------------------------------------------------- */

static uint64_t key_of(uint32_t address, uint32_t size) { return (uint64_t)size << 32 | address; }

static struct slot *slot_for(struct capture *c, uint64_t key)
{
    uint32_t at = (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 40) & (c->slots - 1);
    while (c->slot[at].key && c->slot[at].key != key)
        at = (at + 1) & (c->slots - 1);
    return &c->slot[at];
}

static int grow_slots(struct capture *c)
{
    struct slot *old = c->slot;
    uint32_t count = c->slots;
    c->slots = count ? count * 2 : 1u << 14;
    c->slot = calloc(c->slots, sizeof *c->slot);
    if (!c->slot) {
        c->slot = old;
        c->slots = count;
        return CORE_ERR_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++)
        if (old[i].key)
            *slot_for(c, old[i].key) = old[i];
    free(old);
    return CORE_OK;
}

static int is_writable(const struct capture *c, uint32_t address)
{
    for (uint32_t r = 0; r < c->regions; r++)
        if (address - c->region[r].base < c->region[r].size)
            return c->region[r].kind != REGION_FLASH;
    return 0;
}

static void track_code(struct capture *c, uint32_t address, uint32_t size)
{
    if (!is_writable(c, address))
        return;
    uint32_t last = address + size - 1;
    for (uint32_t g = address >> GRANULE_SHIFT; g <= last >> GRANULE_SHIFT; g++)
        c->granule[g >> 3] |= (uint8_t)(1u << (g & 7));
    if (!c->code_span) {
        c->code_first = address;
        c->code_span = size;
    } else {
        uint32_t end = c->code_first + c->code_span;
        if (address < c->code_first)
            c->code_first = address;
        if (last + 1 > end)
            end = last + 1;
        c->code_span = end - c->code_first;
    }
}

/* A store into executed code: what it overlaps has to be read again when it next runs. */
static void modify_code(struct capture *c, uint32_t address, uint32_t size)
{
    uint32_t granule = address >> GRANULE_SHIFT;
    if (!(c->granule[granule >> 3] >> (granule & 7) & 1))
        return;
    int hit = 0;
    for (uint32_t i = 0; i < c->stream->definitions; i++) {
        struct captured *d = &c->captured[i];
        if (address < d->address + d->size && d->address < address + size)
            d->stale = 1, hit = 1;
    }
    c->self_modified += (uint64_t)hit;
}

static uint32_t define(struct capture *c, uint32_t address, uint32_t size, struct slot *slot)
{
    uint8_t code[DEFINITION_BYTES_MAX];
    struct watch watch[WATCH_MAX];
    uint32_t xpsr = 0;
    if (size > sizeof code || c->mem_read(c->engine, address, code, size) != UC_ERR_OK) {
        fail(c, CORE_ERR_STREAM);
        return NO_ID;
    }
    c->reg_read(c->engine, UC_ARM_REG_CPSR, &xpsr);
    uint8_t it_state = (uint8_t)((xpsr >> 25 & 3) | (xpsr >> 8 & 0xfc));
    uint32_t id = stream_define(c->stream, address, code, size, it_state);
    if (id == NO_ID) {
        fail(c, CORE_ERR_MEMORY);
        return NO_ID;
    }
    if (array_reserve(&c->captured, &c->captured_room, id + 1u, 1024, sizeof *c->captured) != CORE_OK) {
        fail(c, CORE_ERR_MEMORY);
        return NO_ID;
    }
    struct captured *d = &c->captured[id];
    *d = (struct captured){address, size, 0, c->watches_used, 0, 0, 0};
    d->watches = thumb_scan(code, size, it_state, watch, WATCH_MAX, &d->instructions);
    d->it_beyond = thumb_it_state_at(code, size, it_state) != 0;
    if (array_reserve(&c->watches, &c->watches_room, (uint64_t)c->watches_used + d->watches, WATCH_MAX,
                      sizeof *c->watches) != CORE_OK) {
        fail(c, CORE_ERR_MEMORY);
        return NO_ID;
    }
    memcpy(c->watches + c->watches_used, watch, d->watches * sizeof *watch);
    c->watches_used += d->watches;
    track_code(c, address, size);
    if (!slot->key)
        c->slots_used++;
    *slot = (struct slot){key_of(address, size), id};
    if (c->slots_used * 2 > c->slots && grow_slots(c) != CORE_OK)
        fail(c, CORE_ERR_MEMORY);
    /* In the middle of an IT block the engine cannot be stopped and taken up again. */
    if ((d->watches || d->it_beyond) && !it_state)
        c->hook_from = id;
    return id;
}

static uint32_t id_of(struct capture *c, uint32_t address, uint32_t size)
{
    struct slot *slot = slot_for(c, key_of(address, size));
    if (slot->key && !c->captured[slot->id].stale)
        return slot->id;
    return define(c, address, size, slot);
}

/* --- code hooks for what time depends on operands or predicates ------------------------------------- */

static void on_code(uc_engine *engine, uint64_t address, uint32_t size, void *user)
{
    struct capture *c = user;
    (void)engine;
    (void)size;
    uint32_t offset = (uint32_t)address - c->block_address;
    while (c->watch < c->watch_end && c->watch->offset < offset)
        c->watch++;
    if (c->watch == c->watch_end || c->watch->offset != offset || c->notes == NOTES_MAX)
        return;
    const struct watch *w = c->watch;
    uint32_t class = 0;
    if (w->kind == WATCH_UDIV || w->kind == WATCH_SDIV) {
        uint32_t n = 0, m = 0;
        c->reg_read(c->engine, UC_ARM_REG_R0 + w->n, &n);
        c->reg_read(c->engine, UC_ARM_REG_R0 + w->m, &m);
        class = thumb_divide_class(n, m, w->kind == WATCH_SDIV);
        if (m == 0 && (system_read(&c->system, REG_CCR, 0) >> 4 & 1)) {
            c->fault = (struct fault_info){FAULT_DIVIDE_BY_ZERO, (uint32_t)address, (uint32_t)address, 0};
            end_record(c, RECORD_PARTIAL, offset);
            stop_with(c, STOP_FAULT);
            return;
        }
    } else if (w->kind == WATCH_EXCLUSIVE) {
        class = (uint32_t)(c->out - c->header - 2);
    } else if (w->kind != WATCH_PREDICATED) {
        uint64_t n = 0, m = 0;
        c->reg_read(c->engine, UC_ARM_REG_D0 + w->m, &m);
        n = m;
        if (w->kind == WATCH_F64)
            c->reg_read(c->engine, UC_ARM_REG_D0 + w->n, &n);
        class = thumb_double_class(n, m);
    }
    c->note[c->notes++] = offset / 2 << 16 | class;
}

/* The last byte whose instruction needs a hook: an IT block that a page cuts goes on in the next block, which
 * cannot be stopped for, so it is hooked with this one. */
static uint32_t last_hooked(const struct captured *d)
{
    return d->address + d->size - 1 + (d->it_beyond ? IT_BYTES_MAX : 0);
}

static int is_hooked(const struct capture *c, uint32_t first, uint32_t last)
{
    for (uint32_t i = 0; i < c->ranges; i++)
        if (first >= c->range[i].first && last <= c->range[i].last)
            return 1;
    return 0;
}

/* Widens the hooked ranges by one block, and has Unicorn translate it again. */
static int hook_block(struct capture *c, uint32_t id)
{
    const struct captured *d = &c->captured[id];
    uint32_t first = d->address, last = last_hooked(d);
    struct code_range *nearest = NULL;
    uint32_t nearest_gap = UINT32_MAX;
    for (uint32_t i = 0; i < c->ranges; i++) {
        struct code_range *r = &c->range[i];
        uint32_t gap = first > r->last ? first - r->last : last < r->first ? r->first - last : 0;
        if (gap < nearest_gap)
            nearest = r, nearest_gap = gap;
    }
    if (!nearest || (nearest_gap > MERGE_BYTES && c->ranges < CODE_RANGES)) {
        nearest = &c->range[c->ranges++];
        nearest->first = first;
        nearest->last = last;
    } else {
        if (c->hook_del(c->engine, nearest->hook) != UC_ERR_OK)
            return CORE_ERR_ENGINE;
        nearest->first = first < nearest->first ? first : nearest->first;
        nearest->last = last > nearest->last ? last : nearest->last;
    }
    if (c->hook_add(c->engine, &nearest->hook, UC_HOOK_CODE, (void *)on_code, c, nearest->first,
                    nearest->last) != UC_ERR_OK)
        return CORE_ERR_ENGINE;
    uc_err error = c->ctl(c->engine, UC_CTL_WRITE(UC_CTL_TB_REMOVE_CACHE, 2), (uint64_t)first, (uint64_t)last + 1);
    return error == UC_ERR_OK ? CORE_OK : CORE_ERR_ENGINE;
}

/* --- operations ------------------------------------------------------------------------------------ */

static void read_text(struct capture *c, uint32_t address, char *text)
{
    for (uint32_t i = 0; i + 1 < OP_NAME_MAX; i++)
        if (c->mem_read(c->engine, address + i, text + i, 1) != UC_ERR_OK || !text[i]) {
            text[i] = 0;
            return;
        }
    text[OP_NAME_MAX - 1] = 0;
}

static uint32_t word_of(const uint8_t *bytes)
{
    return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* The descriptor's layout is that of struct mcusim_op in kernels/include/mcusim.h. */
static uint32_t op_of(struct capture *c, uint32_t descriptor)
{
    for (uint32_t i = 0; i < c->ops; i++)
        if (c->op[i].descriptor == descriptor)
            return i;
    if (c->ops == OPS_MAX || array_reserve(&c->op, &c->ops_room, c->ops + 1u, 16, sizeof *c->op) != CORE_OK) {
        fail(c, c->ops == OPS_MAX ? CORE_ERR_LIMIT : CORE_ERR_MEMORY);
        return 0;
    }
    struct op_info *op = &c->op[c->ops];
    uint8_t raw[OP_BYTES];
    memset(op, 0, sizeof *op);
    op->descriptor = descriptor;
    if (c->mem_read(c->engine, descriptor, raw, sizeof raw) == UC_ERR_OK && word_of(raw) == OP_MAGIC) {
        op->valid = 1;
        read_text(c, word_of(raw + 4), op->name);
        read_text(c, word_of(raw + 8), op->kind);
        op->macs = word_of(raw + 16) | (uint64_t)word_of(raw + 20) << 32;
        op->ops = word_of(raw + 24) | (uint64_t)word_of(raw + 28) << 32;
        op->param_bytes = word_of(raw + 32);
        op->activation_bytes = word_of(raw + 36);
    }
    return c->ops++;
}

/* Marker functions of mcusim.h: their own blocks stay out of the stream. */
static int is_marker(struct capture *c, uint32_t address)
{
    const struct capture_config *k = &c->config;
    if (address == k->op_begin && k->op_begin) {
        uint32_t descriptor = 0, call_site = 0;
        c->reg_read(c->engine, UC_ARM_REG_R0, &descriptor);
        c->reg_read(c->engine, UC_ARM_REG_LR, &call_site);
        uint32_t payload[2] = {op_of(c, descriptor), call_site & ~1u};
        stream_put(c->stream, RECORD_OP_BEGIN, payload, 2);
    } else if (address == k->op_end && k->op_end) {
        stream_put(c->stream, RECORD_OP_END, NULL, 0);
    }
    return address - k->op_begin < k->op_begin_size || address - k->op_end < k->op_end_size;
}

/* --- pending exceptions ------------------------------------------------------------------------------ */

enum { LOOK_MIN = 16, LOOK_MAX = 4096, LOOK_DEFERRED = 64 };   /* instructions */

/* Time runs on the other side of the stream, so the tick is looked for ever closer until it is due: it comes
 * some tens of instructions late at most, and always in the same place. */
static void plan_look(struct capture *c, uint64_t now)
{
    c->look_at = UINT64_MAX;
    if (system_pending(&c->system)) {
        c->look_at = c->instructions;
    } else if (system_tick_interrupts(&c->system)) {
        uint64_t ahead = now < c->next_tick ? (c->next_tick - now) / 4 : 0;
        c->look_at = c->instructions + (ahead < LOOK_MIN ? LOOK_MIN : ahead > LOOK_MAX ? LOOK_MAX : ahead);
    }
}

static void plan_tick(struct capture *c, uint64_t now)
{
    c->next_tick = system_tick_interrupts(&c->system) ? now + system_cycles_to_tick(&c->system, now) : UINT64_MAX;
    plan_look(c, now);
}

/* In front of a block: is an exception due? */
static int is_exception_due(struct capture *c)
{
    flush(c);
    uint64_t now = c->stream->sink.now(c->stream->sink.self);
    if (now >= c->next_tick) {
        c->system.systick_pending = 1;
        c->clock_read = 1;
        c->next_tick = now + system_cycles_to_tick(&c->system, now);
    }
    plan_look(c, now);
    return system_pending(&c->system) != 0;
}

uint32_t capture_exception_pending(struct capture *c) { return is_exception_due(c) ? system_pending(&c->system) : 0; }

void capture_exception_taken(struct capture *c, uint32_t number)
{
    if (number == 14)
        c->system.pendsv_pending = 0;
    else
        c->system.systick_pending = 0;
    plan_tick(c, c->stream->sink.now(c->stream->sink.self));
}

void capture_exception_deferred(struct capture *c) { c->look_at = c->instructions + LOOK_DEFERRED; }

/* --- hooks ------------------------------------------------------------------------------------------ */

static void on_block(uc_engine *engine, uint64_t address, uint32_t size, void *user)
{
    struct capture *c = user;
    (void)engine;
    capture_close_record(c);
    if (c->stop_requested) {
        stop_with(c, STOP_REQUESTED);
        return;
    }
    if (is_marker(c, (uint32_t)address))
        return;
    if (c->instructions >= c->look_at && is_exception_due(c)) {
        stop_with(c, STOP_EXCEPTION);
        return;
    }
    uint32_t id = id_of(c, (uint32_t)address, size);
    if (id == NO_ID)
        return;
    const struct captured *d = &c->captured[id];
    if (c->hook_from == id) {
        c->hook_from = NO_ID;
        if (!is_hooked(c, d->address, last_hooked(d))) {
            c->hook_from = id;           /* capture_run() hooks it and comes back here */
            c->emu_stop(c->engine);
            return;
        }
    }
    if (c->instructions + d->instructions > c->limit) {
        stop_with(c, STOP_MAX_INSTRUCTIONS);
        return;
    }
    c->instructions += d->instructions;
    c->block_address = d->address;
    open_record(c, id);
    c->watch = c->watches + d->watch_first;
    c->watch_end = c->watch + d->watches;
}

static void on_access(uc_engine *engine, uc_mem_type type, uint64_t address, int size, int64_t value, void *user)
{
    struct capture *c = user;
    (void)engine;
    (void)value;
    *c->out++ = (uint32_t)address;
    if (type == UC_MEM_WRITE && (uint32_t)address - c->code_first < c->code_span)
        modify_code(c, (uint32_t)address, (uint32_t)size);
    if (c->trap_unaligned && (address & (uint64_t)(size - 1)) && c->header)
        fault_at_access(c, FAULT_UNALIGNED, (uint32_t)address, (uint32_t)size);
}

static bool on_invalid(uc_engine *engine, uc_mem_type type, uint64_t address, int size, int64_t value, void *user)
{
    struct capture *c = user;
    enum fault_kind kind;
    (void)engine;
    (void)value;
    switch (type) {
    case UC_MEM_READ_UNMAPPED: kind = FAULT_READ_UNMAPPED; break;
    case UC_MEM_WRITE_UNMAPPED: kind = FAULT_WRITE_UNMAPPED; break;
    case UC_MEM_FETCH_UNMAPPED: kind = FAULT_FETCH_UNMAPPED; break;
    case UC_MEM_READ_PROT: kind = FAULT_READ_PROTECTED; break;
    case UC_MEM_WRITE_PROT: kind = FAULT_WRITE_PROTECTED; break;
    default: kind = FAULT_FETCH_PROTECTED;
    }
    if (kind == FAULT_FETCH_UNMAPPED || kind == FAULT_FETCH_PROTECTED) {
        if (c->fault.kind == FAULT_NONE)
            c->fault = (struct fault_info){(uint8_t)kind, (uint32_t)address, (uint32_t)address, (uint32_t)size};
        if (c->stop == STOP_NONE)
            c->stop = STOP_FAULT;
    } else {
        fault_at_access(c, kind, (uint32_t)address, (uint32_t)size);
    }
    return false;
}

/* --- peripherals and system registers ------------------------------------------------------------------ */

static struct peripheral_info *peripheral_of(struct capture *c, uint32_t address)
{
    for (uint32_t i = 0; i < c->peripherals; i++)
        if (c->peripheral[i].address == address)
            return &c->peripheral[i];
    if (c->peripherals == PERIPHERALS_MAX)
        return &c->peripheral[PERIPHERALS_MAX - 1];
    c->peripheral[c->peripherals] = (struct peripheral_info){address, 0, 0};
    return &c->peripheral[c->peripherals++];
}

static int storage_of(const struct capture *c, uint32_t address)
{
    for (uint32_t i = 0; i < c->config.storages; i++)
        if (c->config.storage[i] == (address & ~3u))
            return (int)i;
    return -1;
}

static uint64_t on_peripheral_read(uc_engine *engine, uint64_t offset, unsigned size, void *user)
{
    const struct window *w = user;
    struct capture *c = w->capture;
    uint32_t address = w->base + (uint32_t)offset;
    (void)engine;
    int storage = storage_of(c, address);
    if (storage >= 0)
        return c->storage[storage] >> (address & 3) * 8;
    peripheral_of(c, address)->reads++;
    if (c->config.strict)
        fault_at_access(c, FAULT_PERIPHERAL, address, size);
    return 0;
}

static void on_peripheral_write(uc_engine *engine, uint64_t offset, unsigned size, uint64_t value, void *user)
{
    const struct window *w = user;
    struct capture *c = w->capture;
    uint32_t address = w->base + (uint32_t)offset;
    (void)engine;
    int storage = storage_of(c, address);
    if (storage >= 0 && size == 4) {
        c->storage[storage] = (uint32_t)value;
        put_system_write(c, address, (uint32_t)value);
        return;
    }
    if (storage >= 0)
        return;
    peripheral_of(c, address)->writes++;
    if (c->config.strict)
        fault_at_access(c, FAULT_PERIPHERAL, address, size);
}

static uint64_t on_system_read(uc_engine *engine, uint64_t offset, unsigned size, void *user)
{
    struct capture *c = user;
    uint32_t address = SYSTEM_BASE + (uint32_t)offset;
    (void)engine;
    (void)size;
    uint64_t now = system_reads_clock(&c->system, address & ~3u) ? time_in_block(c) : 0;
    c->clock_read |= system_clock_runs(&c->system, address & ~3u);
    c->geometry_read |= system_is_geometry(address & ~3u);
    return system_read(&c->system, address & ~3u, now) >> (address & 3) * 8;
}

static void on_system_write(uc_engine *engine, uint64_t offset, unsigned size, uint64_t value, void *user)
{
    struct capture *c = user;
    uint32_t address = SYSTEM_BASE + (uint32_t)offset, aligned = address & ~3u, word = (uint32_t)value;
    (void)engine;
    if (size < 4) {                              /* bytes and halfwords: only plain registers take them */
        uint32_t shift = (address & 3) * 8, mask = (size == 1 ? 0xffu : 0xffffu) << shift;
        word = (system_read(&c->system, aligned, 0) & ~mask) | (word << shift & mask);
    }
    uint64_t now = system_writes_clock(aligned) ? time_in_block(c) : 0;
    if (system_write(&c->system, aligned, word, now))
        put_system_write(c, aligned, word);
    if (system_writes_clock(aligned))
        plan_tick(c, now);
    else if (system_pending(&c->system))
        c->look_at = c->instructions;
    c->trap_unaligned = system_read(&c->system, REG_CCR, 0) >> 3 & 1;
    if (c->system.reset_requested)
        stop_with(c, STOP_ENGINE);
}

/* --- life ---------------------------------------------------------------------------------------------- */

struct capture *capture_new(struct stream *stream, int *status)
{
    struct capture *c = calloc(1, sizeof *c);
    *status = CORE_ERR_MEMORY;
    if (!c)
        return NULL;
    c->stream = stream;
    c->out = c->discard;
    c->hook_from = NO_ID;
    c->look_at = c->next_tick = UINT64_MAX;
    c->granule = calloc(1u << (32 - GRANULE_SHIFT - 3), 1);
    if (!c->granule || grow_slots(c) != CORE_OK) {
        capture_free(c);
        return NULL;
    }
    *status = CORE_OK;
    return c;
}

void capture_free(struct capture *c)
{
    if (!c)
        return;
    free(c->slot);
    free(c->captured);
    free(c->watches);
    free(c->granule);
    free(c->op);
    free(c);
}

static int map_windows(struct capture *c)
{
    for (uint32_t r = 0; r < c->regions; r++) {
        const struct region_config *region = &c->region[r];
        if (region->kind != REGION_PERIPHERAL)
            continue;
        struct window *w = &c->window[c->windows++];
        *w = (struct window){c, region->base};
        if (c->mmio_map(c->engine, region->base, region->size, on_peripheral_read, w, on_peripheral_write, w) !=
            UC_ERR_OK)
            return CORE_ERR_ENGINE;
    }
    return c->mmio_map(c->engine, SYSTEM_BASE, SYSTEM_BYTES, on_system_read, c, on_system_write, c) == UC_ERR_OK
               ? CORE_OK
               : CORE_ERR_ENGINE;
}

int capture_attach(struct capture *c, void *engine, const struct engine_functions *f,
                   const struct capture_config *config, const struct region_config *region, uint32_t regions)
{
    c->engine = engine;
    memcpy(&c->hook_add, &f->hook_add, sizeof f->hook_add);   /* object to function pointer, as dlsym does */
    memcpy(&c->hook_del, &f->hook_del, sizeof f->hook_del);
    memcpy(&c->emu_start, &f->emu_start, sizeof f->emu_start);
    memcpy(&c->emu_stop, &f->emu_stop, sizeof f->emu_stop);
    memcpy(&c->reg_read, &f->reg_read, sizeof f->reg_read);
    memcpy(&c->mem_read, &f->mem_read, sizeof f->mem_read);
    memcpy(&c->mmio_map, &f->mmio_map, sizeof f->mmio_map);
    memcpy(&c->ctl, &f->ctl, sizeof f->ctl);
    c->config = *config;
    c->limit = config->max_instructions ? config->max_instructions : UINT64_MAX;
    memcpy(c->region, region, regions * sizeof *region);
    c->regions = regions;
    system_init(&c->system, config);
    int status = map_windows(c);
    uc_hook hook;
    uint64_t first = 1, last = 0;                /* everywhere */
    if (status == CORE_OK &&
        (c->hook_add(engine, &hook, UC_HOOK_BLOCK, (void *)on_block, c, first, last) != UC_ERR_OK ||
         c->hook_add(engine, &hook, UC_HOOK_MEM_READ | UC_HOOK_MEM_WRITE, (void *)on_access, c, first, last) !=
             UC_ERR_OK ||
         c->hook_add(engine, &hook, UC_HOOK_MEM_INVALID, (void *)on_invalid, c, first, last) != UC_ERR_OK))
        status = CORE_ERR_ENGINE;
    return status;
}

/* --- running ------------------------------------------------------------------------------------------- */

static uint32_t program_counter(struct capture *c)
{
    uint32_t pc = 0;
    c->reg_read(c->engine, UC_ARM_REG_PC, &pc);
    return pc;
}

/* The record that is open when the engine has returned: how much of its block ran. */
static void end_last_record(struct capture *c)
{
    if (!c->header || c->engine_error == UC_ERR_OK || c->fault.kind != FAULT_NONE) {
        capture_close_record(c);
        return;
    }
    /* An instruction that the engine refused; behind a WFE, which it refuses too, PC is one further. */
    const struct captured *d = &c->captured[c->header[0] & RECORD_ID];
    uint32_t ran = program_counter(c) - d->address;
    end_record(c, RECORD_PARTIAL, ran < d->size ? ran : d->size);
}

int capture_run(struct capture *c, uint32_t pc)
{
    c->stop = STOP_NONE;
    for (;;) {
        c->engine_error = c->emu_start(c->engine, pc | 1, 0xffffffffu, 0, 0);
        if (c->hook_from == NO_ID || c->stop != STOP_NONE || c->status != CORE_OK)
            break;
        int status = hook_block(c, c->hook_from);
        if (status != CORE_OK) {
            fail(c, status);
            break;
        }
        pc = program_counter(c);
    }
    end_last_record(c);
    if (c->stop == STOP_NONE)
        c->stop = STOP_ENGINE;
    return c->status == CORE_OK ? c->stop : STOP_ERROR;
}

int capture_status(const struct capture *c) { return c->status; }
int capture_engine_error(const struct capture *c) { return c->engine_error; }
void capture_stop_request(struct capture *c) { c->stop_requested = 1; }
const struct fault_info *capture_fault(const struct capture *c) { return &c->fault; }
uint64_t capture_instructions(const struct capture *c) { return c->instructions; }
uint64_t capture_self_modified(const struct capture *c) { return c->self_modified; }
struct system *capture_system(struct capture *c) { return &c->system; }
int capture_clock_read(const struct capture *c) { return c->clock_read; }
int capture_geometry_read(const struct capture *c) { return c->geometry_read; }
void capture_tell_clock(struct capture *c) { c->clock_read = 1; }
uint32_t capture_peripheral_count(const struct capture *c) { return c->peripherals; }
const struct peripheral_info *capture_peripheral(const struct capture *c, uint32_t i) { return &c->peripheral[i]; }
uint32_t capture_op_count(const struct capture *c) { return c->ops; }
const struct op_info *capture_op(const struct capture *c, uint32_t index) { return &c->op[index]; }
