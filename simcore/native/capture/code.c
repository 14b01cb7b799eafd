/* code.c: the code that has run: its definitions, and stores into it. */
#include <stdlib.h>

#include "array.h"
#include "capture/state.h"
#include "registers.h"

enum { AGAIN_MAX = 512 };        /* definitions of one place that are compared with what is there now */

static uint64_t key_of(uint32_t address, uint32_t size) { return (uint64_t)size << 32 | address; }

static struct slot *slot_for(struct capture *c, uint64_t key)
{
    uint32_t at = (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 40) & (c->slots - 1);
    while (c->slot[at].key && c->slot[at].key != key)
        at = (at + 1) & (c->slots - 1);
    return &c->slot[at];
}

int code_grow(struct capture *c)
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

/* What runs at an address from now on, in place of `before` (NO_ID: of nothing), is found by stores. */
static int track_code(struct capture *c, uint32_t id, uint32_t before)
{
    struct captured *d = &c->captured[id];
    uint32_t address = d->address, size = d->size, last = address + size - 1;
    d->listed = before == NO_ID ? NO_ID : c->captured[before].listed;
    if (!is_writable(c, address))
        return CORE_OK;
    planned_keep_off(c, address, last);
    if (d->listed == NO_ID) {
        if (array_reserve(&c->writable, &c->writables_room, c->writables + 1u, 64, sizeof *c->writable) != CORE_OK)
            return CORE_ERR_MEMORY;
        d->listed = c->writables++;
    }
    c->writable[d->listed] = id;
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
    return CORE_OK;
}

/* A store into executed code: what it overlaps has to be read again when it next runs. */
static int modify(struct capture *c, uint32_t address, uint32_t size)
{
    uint32_t granule = address >> GRANULE_SHIFT;
    if (!(c->granule[granule >> 3] >> (granule & 7) & 1))
        return 0;
    int hit = 0;
    for (uint32_t i = 0; i < c->writables; i++) {
        struct captured *d = &c->captured[c->writable[i]];
        if (address < d->address + d->size && d->address < address + size)
            d->stale = 1, hit = 1;
    }
    c->self_modified += (uint64_t)hit;
    return hit;
}

void code_overwritten(struct capture *c, uint32_t address, uint32_t size)
{
    for (uint32_t end = address + size, next; address != end; address = next) {
        next = (address & ~((1u << GRANULE_SHIFT) - 1)) + (1u << GRANULE_SHIFT);
        next = next - address < end - address ? next : end;
        int is_near = address - c->code_first < c->code_span || next - 1 - c->code_first < c->code_span;
        if (is_near && modify(c, address, next - address))
            c->ctl(c->engine, UC_CTL_WRITE(UC_CTL_TB_REMOVE_CACHE, 2), (uint64_t)address, (uint64_t)next);
    }
}

void code_access(struct capture *c, int is_write, uint32_t address, uint32_t size)
{
    if (c->rewind.armed)
        rewind_access(c, is_write, address, size);
    if (is_write && c->stop != STOP_AGAIN && address - c->code_first < c->code_span)
        modify(c, address, size);
    enum fault_kind kind = FAULT_NONE;
    if (c->trap_unaligned && (address & (size - 1)))
        kind = FAULT_UNALIGNED;
    else if (c->protects && !protection_permits(&c->system.protection, address, size,
                                                is_write ? ACCESS_WRITE : ACCESS_READ, c->privileged, c->urgent))
        kind = FAULT_MPU_DATA;
    if (kind == FAULT_NONE || !c->header)
        return;
    if (is_write)
        record_undo(c, address, size);
    record_fault(c, kind, address, size);
}

/* The mode changes at the ends of blocks alone. */
static void look_at_mode(struct capture *c)
{
    uint32_t running = c->system.nvic.running;
    c->privileged = running || !(register_of(c, UC_ARM_REG_CONTROL) & 1);
    c->urgent =
        running == EXCEPTION_NMI || running == EXCEPTION_HARD_FAULT || (register_of(c, UC_ARM_REG_FAULTMASK) & 1);
}

void code_settings(struct capture *c)
{
    c->trap_unaligned = (system_word(&c->system, REG_CCR) & CCR_UNALIGN_TRP) != 0;
    c->trap_divide = (system_word(&c->system, REG_CCR) & CCR_DIV_0_TRP) != 0;
    c->protects = protection_restricts(&c->system.protection) != 0;
    if (c->protects)
        look_at_mode(c);                         /* the rest of the running block is checked already */
    c->planned.is_off = c->trap_unaligned || c->trap_divide || c->protects;
    closely_checked(c);
    c->fpu_off = !(system_word(&c->system, REG_CPACR) & CPACR_FPU);
}

int code_may_run(struct capture *c, uint32_t id)
{
    const struct captured *d = &c->captured[id];
    if (c->protects) {
        look_at_mode(c);
        if (!protection_permits(&c->system.protection, d->address, 2, ACCESS_FETCH, c->privileged, c->urgent))
            return exceptions_fail(c, FAULT_MPU_FETCH, d->address, d->address);
    }
    if (!c->fpu_off || !d->floating)
        return 1;
    if (d->floating == d->address)
        return exceptions_fail(c, FAULT_NO_COPROCESSOR, d->address, d->address);
    c->step_to = d->floating;                    /* a shorter block, which holds none */
    c->emu_stop(c->engine);
    return 0;
}

/* `b .`, alone or behind NOPs to which it goes back. */
static int is_endless(const uint8_t *code, uint32_t size)
{
    uint32_t at = 0;
    while (at + 2 <= size && code[at] == 0x00 && code[at + 1] == 0xbf)
        at += 2;
    if (at + 2 == size)
        return code[at + 1] == 0xe7 && code[at] == (uint8_t)(0xfe - at / 2);
    return at == 0 && size == 4 && code[0] == 0xff && code[1] == 0xf7 && code[2] == 0xfe && code[3] == 0xbf;
}

/* Whether SEV is among it: the engine takes it for a NOP. */
static int has_sev(const uint8_t *code, uint32_t size)
{
    for (uint32_t at = 0; at + 2 <= size; at += thumb_length((uint16_t)(code[at] | code[at + 1] << 8))) {
        if (code[at] == 0x40 && code[at + 1] == 0xbf)
            return 1;
        if (at + 4 <= size && code[at] == 0xaf && code[at + 1] == 0xf3 && code[at + 2] == 4 && code[at + 3] == 0x80)
            return 1;
    }
    return 0;
}

static int has_it(const uint8_t *code, uint32_t size)
{
    for (uint32_t at = 0; at + 2 <= size; at += thumb_length((uint16_t)(code[at] | code[at + 1] << 8)))
        if (code[at + 1] == 0xbf && (code[at] & 0xf))
            return 1;
    return 0;
}

/* A block that ends with its page in the middle of an IT block: the one behind cannot be hooked when it is first met,
 * as the engine cannot be stopped in front of it. How many bytes from there on ask for hooks, at most what a block can
 * have: up to a branch, which ends that one. */
static uint32_t watched_beyond(struct capture *c, uint32_t address, uint8_t it_state)
{
    uint8_t code[DEFINITION_BYTES_MAX];
    struct watch watch[WATCH_MAX];
    uint32_t instructions, size = sizeof code;
    if (!it_state)
        return 0;
    while (size >= 4 && c->mem_read(c->engine, address, code, size) != UC_ERR_OK)
        size /= 2;                               /* memory ends before */
    if (size < 4)
        return 0;
    uint32_t watches = thumb_scan(code, thumb_to_branch(code, size), it_state, watch, WATCH_MAX, &instructions);
    return watches ? watch[watches - 1].offset + 4u : 0;
}

/* A definition of before with these bytes, of code that is written there once more; it is the first of its list now. */
static uint32_t written_again(struct capture *c, struct slot *slot, const uint8_t *code, uint32_t size,
                              uint8_t it_state)
{
    uint32_t *link = &slot->id;
    for (uint32_t turns = 0; *link != NO_ID && turns < AGAIN_MAX; turns++, link = &c->captured[*link].before) {
        uint32_t id = *link;
        const struct definition *d = &c->stream->definition[id];
        if (d->it_state != it_state || memcmp(c->stream->code + d->code, code, size) != 0)
            continue;
        *link = c->captured[id].before;
        c->captured[id].before = slot->id;
        slot->id = id;
        c->captured[id].stale = 0;
        return id;
    }
    return NO_ID;
}

/* What is new of code at an address. */
static int describe(struct capture *c, uint32_t id, const uint8_t *code, uint32_t size, uint8_t it_state)
{
    struct watch watch[WATCH_MAX];
    struct captured *d = &c->captured[id];
    uint32_t address = c->stream->definition[id].address;
    *d = (struct captured){.address = address, .size = size, .watch_first = c->watches_used, .before = NO_ID};
    d->endless = (uint8_t)is_endless(code, size);
    d->sets_event = (uint8_t)has_sev(code, size);
    d->floating = thumb_floating(code, size, address);
    d->conditional = (uint8_t)(it_state || has_it(code, size));
    d->sets_stack = (uint8_t)thumb_sets_stack(code, size);
    d->calls = (uint8_t)operators_is_call(c, code, size);
    d->sets_masks = (uint8_t)thumb_sets_masks(code, size);
    planned_define(c, d);
    d->watches = thumb_scan(code, size, it_state, watch, WATCH_MAX, &d->instructions);
    if (array_reserve(&c->watches, &c->watches_room, (uint64_t)c->watches_used + d->watches, WATCH_MAX,
                      sizeof *c->watches) != CORE_OK)
        return CORE_ERR_MEMORY;
    if (d->watches)
        memcpy(c->watches + c->watches_used, watch, d->watches * sizeof *watch);
    c->watches_used += d->watches;
    return CORE_OK;
}

static uint32_t define_new(struct capture *c, uint32_t address, const uint8_t *code, uint32_t size, uint8_t it_state)
{
    if (c->stream->definitions >= DEFINITIONS_MAX) {
        c->left_out.code = 1;
        capture_stop_with(c, STOP_CODE);
        return NO_ID;
    }
    uint32_t id = stream_define(c->stream, address, code, size, it_state);
    if (id == NO_ID || array_reserve(&c->captured, &c->captured_room, id + 1u, 1024, sizeof *c->captured) != CORE_OK ||
        describe(c, id, code, size, it_state) != CORE_OK) {
        capture_fail(c, CORE_ERR_MEMORY);
        return NO_ID;
    }
    return id;
}

static uint32_t define(struct capture *c, uint32_t address, uint32_t size, struct slot *slot)
{
    uint8_t code[DEFINITION_BYTES_MAX];
    uint32_t xpsr = 0;
    if (size > sizeof code || c->mem_read(c->engine, address, code, size) != UC_ERR_OK) {
        capture_fail(c, CORE_ERR_STREAM);
        return NO_ID;
    }
    c->reg_read(c->engine, UC_ARM_REG_CPSR, &xpsr);
    uint8_t it_state = (uint8_t)((xpsr >> 25 & 3) | (xpsr >> 8 & 0xfc));
    uint32_t before = slot->key ? slot->id : NO_ID;
    uint32_t id = slot->key ? written_again(c, slot, code, size, it_state) : NO_ID;
    if (id == NO_ID) {
        id = define_new(c, address, code, size, it_state);
        if (id == NO_ID)
            return NO_ID;
        c->slots_used += !slot->key;
        c->captured[id].before = before;
        *slot = (struct slot){key_of(address, size), id};
    }
    struct captured *d = &c->captured[id];
    d->beyond = watched_beyond(c, address + size, thumb_it_state_at(code, size, it_state));
    if (track_code(c, id, before) != CORE_OK || (c->slots_used * 2 > c->slots && code_grow(c) != CORE_OK))
        capture_fail(c, CORE_ERR_MEMORY);
    /* In the middle of an IT block the engine cannot be stopped and taken up again. */
    if ((d->watches || d->beyond) && !it_state)
        c->hook_from = id;
    return id;
}

uint32_t code_id(struct capture *c, uint32_t address, uint32_t size)
{
    uint32_t *next = c->block_id < c->stream->definitions ? &c->captured[c->block_id].next[address >> 2 & 1] : NULL;
    if (next) {                                  /* of those at an address one at most is not stale */
        const struct captured *likely = &c->captured[*next];
        if (likely->address == address && likely->size == size && !likely->stale)
            return *next;
    }
    struct slot *slot = slot_for(c, key_of(address, size));
    if (!slot->key || c->captured[slot->id].stale)
        return define(c, address, size, slot);
    if (next)
        *next = slot->id;
    return slot->id;
}
