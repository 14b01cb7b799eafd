/* addresses.c: see addresses.h. Encodings after the Armv7-M Architecture Reference Manual (DDI0403), chapters A5 to A7.
 *
 * An instruction that is not known here changes each register that an encoding of its kind could name as a result, and
 * one that may be an access of another kind ends the search. */
#include "stream/addresses.h"

#include "stream/thumb.h"

enum { SP = 13, LR = 14, PC = 15, UNKNOWN = 0xff /* as a base: no such sum */ };

struct walk {
    struct affine value[16]; /* what each register holds; that of PC is not used */
    struct affine *out;
    uint32_t count, room;
    uint32_t pc; /* of the instruction, as it reads: its address + 4 */
    uint8_t conditional; /* it may be skipped */
    uint8_t failed;
};

static const struct affine unknown = {.base = UNKNOWN, .index = NO_REGISTER};

static struct affine constant(uint32_t value)
{
    return (struct affine){.constant = value, .base = NO_REGISTER, .index = NO_REGISTER};
}

/* What a register reads: PC as the base of an address is rounded down to a word. */
static struct affine value_of(const struct walk *w, uint32_t number)
{
    return number == PC ? constant(w->pc & ~3u) : w->value[number];
}

static struct affine plus(struct affine a, uint32_t n)
{
    a.constant += n;
    return a;
}

/* a + (b << shift), when that is a sum of two registers at most of which one is shifted. */
static struct affine sum(struct affine a, struct affine b, uint32_t shift)
{
    if (a.base == UNKNOWN || b.base == UNKNOWN || shift > 31)
        return unknown;
    if (b.base != NO_REGISTER && b.index != NO_REGISTER)
        return unknown;
    if (a.index != NO_REGISTER && (a.base != NO_REGISTER || shift) && b.base != NO_REGISTER)
        return unknown;
    struct affine s = a;
    s.constant += b.constant << shift;
    if (b.index != NO_REGISTER) { /* a register that was shifted before */
        if (a.index != NO_REGISTER || b.shift + shift > 31)
            return unknown;
        s.index = b.index;
        s.shift = (uint8_t)(b.shift + shift);
    } else if (b.base != NO_REGISTER && a.index != NO_REGISTER) {
        s.base = b.base;
    } else if (b.base != NO_REGISTER && a.base == NO_REGISTER && !shift) {
        s.base = b.base;
    } else if (b.base != NO_REGISTER) {
        s.index = b.base;
        s.shift = (uint8_t)shift;
    }
    return s;
}

static void set(struct walk *w, uint32_t number, struct affine value)
{
    if (number != PC)
        w->value[number] = w->conditional ? unknown : value;
}

static void forget(struct walk *w, uint32_t number) { set(w, number, unknown); }

static void access(struct walk *w, struct affine at, uint32_t bytes, int is_write)
{
    struct affine sp = w->value[SP];
    int32_t moved = (int32_t)sp.constant;
    if (at.base == UNKNOWN || w->conditional || w->count == w->room || sp.base != SP || sp.index != NO_REGISTER ||
        moved % 4 || moved / 4 != (int16_t)(moved / 4)) {
        w->failed = 1;
        return;
    }
    at.past = (uint8_t)(bytes - 1);
    at.kind = is_write ? AFFINE_WRITE : AFFINE_READ;
    at.stack = (int16_t)(moved / 4);
    w->out[w->count++] = at;
}

static void transfer(struct walk *w, uint32_t rt, struct affine at, uint32_t bytes, int is_load)
{
    access(w, at, bytes, !is_load);
    if (is_load)
        forget(w, rt);
}

/* LDM, STM, PUSH, POP: a word for each register, by ascending address. */
static void multiple(struct walk *w, uint32_t base, uint32_t list, int is_down, int writes_back, int is_load)
{
    struct affine start = w->value[base], at;
    uint32_t bytes = 0;
    for (uint32_t n = 0; n < 16; n++)
        bytes += 4 * (list >> n & 1);
    if (base == PC || !bytes || (writes_back && is_load && list >> base & 1)) {
        w->failed = 1;
        return;
    }
    at = is_down ? plus(start, 0u - bytes) : start;
    for (uint32_t n = 0; n < 16; n++)
        if (list >> n & 1) {
            access(w, at, 4, !is_load);
            at.constant += 4;
        }
    if (writes_back)
        set(w, base, plus(start, is_down ? 0u - bytes : bytes));
    for (uint32_t n = 0; n < 16 && is_load; n++)
        if (list >> n & 1)
            forget(w, n);
}

/* --- 16-bit instructions (A5.2) ------------------------------------------------------------------------- */

static void narrow_alu(struct walk *w, uint32_t i)
{
    uint32_t d = i & 7, n = i >> 3 & 7, m = i >> 6 & 7, wide = i >> 8 & 7, imm8 = i & 0xff;
    switch (i >> 11) {
    case 0: set(w, d, sum(constant(0), w->value[n], i >> 6 & 31)); break; /* LSL; MOV with no shift */
    case 3:
        if (i >> 10 & 1) /* ADD, SUB with 3 bits */
            set(w, d, plus(w->value[n], i >> 9 & 1 ? 0u - m : m));
        else
            set(w, d, i >> 9 & 1 ? unknown : sum(w->value[n], w->value[m], 0));
        break;
    case 4: set(w, wide, constant(imm8)); break;
    case 5: break; /* CMP */
    case 6: set(w, wide, plus(w->value[wide], imm8)); break;
    case 7: set(w, wide, plus(w->value[wide], 0u - imm8)); break;
    default: forget(w, d); /* LSR, ASR */
    }
}

static void narrow_high(struct walk *w, uint32_t i)
{
    uint32_t d = (i >> 4 & 8) | (i & 7), m = i >> 3 & 15, operation = i >> 8 & 3;
    if ((i & 0xfc00) == 0x4000) { /* all but TST, CMP and CMN have a result */
        uint32_t kind = i >> 6 & 15;
        if (kind != 8 && kind != 10 && kind != 11)
            forget(w, i & 7);
    } else if (operation == 0) {
        set(w, d, m == PC || d == PC ? unknown : sum(w->value[d], w->value[m], 0));
    } else if (operation == 2) {
        set(w, d, m == PC ? constant(w->pc) : w->value[m]);
    } else if (operation == 3) {
        forget(w, LR); /* BLX */
    }
}

static void narrow_offset(struct walk *w, uint32_t i)
{
    static const uint8_t bytes[8] = {4, 2, 1, 1, 4, 2, 1, 2};
    uint32_t operation = i >> 9 & 7, t = i & 7, n = i >> 3 & 7, m = i >> 6 & 7, imm5 = i >> 6 & 31;
    if (i >> 12 == 5) {
        transfer(w, t, sum(w->value[n], w->value[m], 0), bytes[operation], operation >= 3);
    } else if (i >> 12 == 9) {
        transfer(w, i >> 8 & 7, plus(w->value[SP], (i & 0xff) * 4), 4, i >> 11 & 1);
    } else {
        uint32_t size = i >> 12 == 6 ? 4 : i >> 12 == 7 ? 1 : 2;
        transfer(w, t, plus(w->value[n], imm5 * size), size, i >> 11 & 1);
    }
}

static void narrow_misc(struct walk *w, uint32_t i)
{
    uint32_t list = i & 0xff;
    switch (i >> 8 & 15) {
    case 0: set(w, SP, plus(w->value[SP], i & 0x80 ? 0u - (i & 0x7f) * 4 : (i & 0x7f) * 4)); break;
    case 4:
    case 5: multiple(w, SP, list | (i >> 8 & 1) << LR, 1, 1, 0); break;
    case 12:
    case 13: multiple(w, SP, list | (i >> 8 & 1) << PC, 0, 1, 1); break;
    case 2:
    case 10: forget(w, i & 7); break; /* extensions and reversals */
    default: break; /* CBZ, CPS, BKPT, IT and hints */
    }
}

static void narrow(struct walk *w, uint32_t i)
{
    uint32_t top = i >> 12, wide = i >> 8 & 7;
    int is_load = i >> 11 & 1;
    if (top < 4)
        narrow_alu(w, i);
    else if (top == 4 && is_load)
        transfer(w, wide, constant((w->pc & ~3u) + (i & 0xff) * 4), 4, 1);
    else if (top == 4)
        narrow_high(w, i);
    else if (top < 10)
        narrow_offset(w, i);
    else if (top == 10) /* ADR, and ADD with SP */
        set(w, wide, plus(is_load ? w->value[SP] : constant(w->pc & ~3u), (i & 0xff) * 4));
    else if (top == 11)
        narrow_misc(w, i);
    else if (top == 12)
        multiple(w, wide, i & 0xff, 0, !is_load || !(i >> wide & 1), is_load);
}

/* --- 32-bit instructions (A5.3) ------------------------------------------------------------------------- */

/* An offset in bytes with its direction. */
static uint32_t offset_of(uint32_t bytes, int is_up) { return is_up ? bytes : 0u - bytes; }

static void wide_single(struct walk *w, uint32_t first, uint32_t second)
{
    uint32_t n = first & 15, t = second >> 12, bytes = 1u << (first >> 5 & 3);
    int is_load = first >> 4 & 1;
    struct affine base = value_of(w, n);
    if (is_load && t == PC && bytes < 4) { /* PLD, PLI and hints, none of which writes back */
        w->failed |= !(first >> 7 & 1) && n != PC && (second & 0xfc0) && (second & 0xf00) != 0xc00;
        return;
    }
    if (bytes > 4 || (!is_load && (n == PC || t == PC)) || ((first >> 8 & 1) && (bytes == 4 || !is_load))) {
        w->failed = 1;
    } else if (n == PC) {
        transfer(w, t, plus(base, offset_of(second & 0xfff, first >> 7 & 1)), bytes, is_load);
    } else if (first >> 7 & 1) {
        transfer(w, t, plus(base, second & 0xfff), bytes, is_load);
    } else if (second & 0x800) {
        int before = second >> 10 & 1, is_up = second >> 9 & 1, writes_back = second >> 8 & 1;
        struct affine moved = plus(base, offset_of(second & 0xff, is_up));
        if ((!writes_back && (!before || is_up)) || (writes_back && n == t)) {
            w->failed = 1; /* unprivileged, or undefined */
            return;
        }
        access(w, before ? moved : base, bytes, !is_load);
        if (writes_back)
            set(w, n, moved);
        if (is_load)
            forget(w, t);
    } else if (!(second & 0xfc0)) {
        uint32_t m = second & 15;
        transfer(w, t, m == PC ? unknown : sum(base, w->value[m], second >> 4 & 3), bytes, is_load);
    } else {
        w->failed = 1;
    }
}

/* LDRD, STRD, TBB, TBH; exclusive accesses are told by a monitor. */
static void wide_dual(struct walk *w, uint32_t first, uint32_t second)
{
    uint32_t n = first & 15, m = second & 15;
    int before = first >> 8 & 1, is_up = first >> 7 & 1, writes_back = first >> 5 & 1, is_load = first >> 4 & 1;
    if (before || writes_back) {
        struct affine base = value_of(w, n), moved = plus(base, offset_of((second & 0xff) * 4, is_up));
        struct affine at = before ? moved : base;
        uint32_t t = second >> 12, u = second >> 8 & 15;
        if ((n == PC && (writes_back || !is_load)) || t >= SP || u >= SP || (writes_back && (n == t || n == u))) {
            w->failed = 1;
            return;
        }
        access(w, at, 4, !is_load);
        access(w, plus(at, 4), 4, !is_load);
        if (writes_back)
            set(w, n, moved);
        if (is_load) {
            forget(w, t);
            forget(w, u);
        }
    } else if ((first & 0xfff0) == 0xe8d0 && (second & 0xffe0) == 0xf000 && m != PC) {
        struct affine base = n == PC ? constant(w->pc) : w->value[n];
        uint32_t shift = second >> 4 & 1;
        access(w, sum(base, w->value[m], shift), 1u << shift, 0);
    } else {
        w->failed = 1;
    }
}

/* Loads and stores of the FPU, and its moves of two registers. */
static void floating_memory(struct walk *w, uint32_t first, uint32_t second)
{
    uint32_t n = first & 15, words = second & 0xff, bytes = second & 0x100 ? 8 : 4, d = second >> 12;
    uint32_t high = first >> 6 & 1, last = bytes == 8 ? (high << 4 | d) + words / 2 : (d << 1 | high) + words;
    int before = first >> 8 & 1, is_up = first >> 7 & 1, writes_back = first >> 5 & 1, is_load = first >> 4 & 1;
    struct affine base = value_of(w, n), moved = plus(base, offset_of(words * 4, is_up));
    if ((first & 0xffe0) == 0xec40 && (second & 0x0e00) == 0x0a00) {
        forget(w, n);
        forget(w, second >> 12);
    } else if ((second & 0x0e00) != 0x0a00) {
        w->failed = 1; /* another coprocessor */
    } else if (before && !writes_back) {
        access(w, moved, bytes, !is_load);
        w->failed |= (bytes == 8 && high) || (n == PC && !is_load);
    } else if (before == is_up || n == PC || !words || words * 4 % bytes || last > (bytes == 8 ? 16 : 32)) {
        w->failed = 1;
    } else {
        struct affine at = before ? moved : base;
        for (uint32_t done = 0; done < words * 4; done += bytes, at.constant += bytes)
            access(w, at, bytes, !is_load);
        if (writes_back)
            set(w, n, moved);
    }
}

/* ThumbExpandImm (A5.3.2), of ADD, SUB and MOV. */
static uint32_t expand(uint32_t first, uint32_t second)
{
    uint32_t code = (first >> 10 & 1) << 11 | (second >> 12 & 7) << 8 | (second & 0xff), byte = code & 0xff;
    switch (code >> 8) {
    case 0: return byte;
    case 1: return byte << 16 | byte;
    case 2: return byte << 24 | byte << 8;
    case 3: return byte * 0x01010101u;
    default: break;
    }
    uint32_t turn = code >> 7, value = 0x80 | (code & 0x7f);
    return value >> turn | value << (32 - turn);
}

/* Data processing with a constant: ADD, SUB, MOV, MOVW, MOVT; of others the result alone. */
static void wide_constant(struct walk *w, uint32_t first, uint32_t second)
{
    uint32_t n = first & 15, d = second >> 8 & 15;
    uint32_t imm12 = (first >> 10 & 1) << 11 | (second >> 12 & 7) << 8 | (second & 0xff), imm16 = n << 12 | imm12;
    switch (first >> 4 & 0x3e) { /* without S */
    case 0x10: set(w, d, n == PC ? unknown : plus(w->value[n], expand(first, second))); break;
    case 0x1a: set(w, d, n == PC ? unknown : plus(w->value[n], 0u - expand(first, second))); break;
    case 0x20: set(w, d, plus(value_of(w, n), imm12)); break;
    case 0x2a: set(w, d, plus(value_of(w, n), 0u - imm12)); break;
    case 0x04: set(w, d, n == PC ? constant(expand(first, second)) : unknown); break;
    case 0x24: set(w, d, constant(imm16)); break;
    case 0x2c:
        if (d != PC && w->value[d].base == NO_REGISTER && w->value[d].index == NO_REGISTER)
            set(w, d, constant((w->value[d].constant & 0xffff) | imm16 << 16));
        else
            forget(w, d);
        break;
    default: forget(w, d);
    }
}

/* Data processing with a register that is shifted by a constant: ADD, LSL and MOV; of others the result alone. */
static void wide_shifted(struct walk *w, uint32_t first, uint32_t second)
{
    uint32_t n = first & 15, d = second >> 8 & 15, m = second & 15;
    uint32_t shift = (second >> 12 & 7) << 2 | (second >> 6 & 3);
    int is_left = (second & 0x30) == 0 && m != PC, operation = first >> 5 & 15;
    if (operation == 8 && is_left && n != PC)
        set(w, d, sum(w->value[n], w->value[m], shift));
    else if (operation == 2 && is_left && n == PC)
        set(w, d, sum(constant(0), w->value[m], shift));
    else
        forget(w, d);
}

static void wide(struct walk *w, uint32_t first, uint32_t second)
{
    switch (first >> 8) {
    case 0xe8:
    case 0xe9:
        if (first & 0x40) {
            wide_dual(w, first, second);
        } else {
            int is_down = first >> 8 & 1, is_ia = first >> 7 & 1; /* RFE and SRS have both or none */
            if (is_down == is_ia || !(second & (second - 1)) || (second & 1u << SP) ||
                (!(first & 0x10) && (second & 1u << PC)) || ((first & 0x20) && second >> (first & 15) & 1))
                w->failed = 1; /* or what no assembler makes */
            else
                multiple(w, first & 15, second, is_down, first >> 5 & 1, first >> 4 & 1);
        }
        break;
    case 0xea:
    case 0xeb: wide_shifted(w, first, second); break;
    case 0xec:
    case 0xed: floating_memory(w, first, second); break;
    case 0xee:
        if (second & 0x10)
            forget(w, second >> 12); /* VMOV and VMRS; the rest has results in the FPU */
        break;
    case 0xf8:
    case 0xf9: wide_single(w, first, second); break;
    case 0xfa:
    case 0xfb:
        forget(w, second >> 8 & 15);
        if ((first & 0xff80) == 0xfb80)
            forget(w, second >> 12); /* long multiplications */
        break;
    default:
        if (first >> 11 == 0x1e && !(second & 0x8000)) {
            wide_constant(w, first, second);
        } else if (first >> 11 == 0x1e) { /* branches, MRS, MSR, barriers */
            forget(w, second >> 8 & 15);
            forget(w, SP);
            forget(w, LR);
        } else {
            w->failed = 1;
        }
    }
}

int addresses_of(const uint8_t *code, uint32_t size, uint32_t address, struct affine *out, uint32_t room)
{
    struct walk w = {.out = out, .room = room};
    uint8_t it_state = 0;
    for (uint8_t n = 0; n < 16; n++)
        w.value[n] = (struct affine){.base = n, .index = NO_REGISTER};
    w.value[PC] = unknown;
    for (uint32_t at = 0; at + 2 <= size && !w.failed;) {
        uint32_t first = (uint32_t)(code[at] | code[at + 1] << 8), length = thumb_length((uint16_t)first);
        int is_it = (first & 0xff00) == 0xbf00 && (first & 15);
        w.pc = address + at + 4;
        w.conditional = it_state != 0;
        if (at + length > size)
            return -1;
        if (length == 2)
            narrow(&w, first);
        else
            wide(&w, first, (uint32_t)(code[at + 2] | code[at + 3] << 8));
        it_state = is_it ? (uint8_t)first : thumb_it_advance(it_state);
        at += length;
    }
    return w.failed ? -1 : (int)w.count;
}
