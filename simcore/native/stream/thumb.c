/* thumb.c: see thumb.h. Encodings after the Armv7-M Architecture Reference Manual, chapters A5 and A6. */
#include "stream/thumb.h"

static uint16_t halfword_at(const uint8_t *code, uint32_t offset)
{
    return (uint16_t)(code[offset] | code[offset + 1] << 8);
}

static int is_it(uint16_t halfword) { return (halfword & 0xff00) == 0xbf00 && (halfword & 0x000f); }

/* Fills w when a 32-bit instruction is one whose time or accesses depend on run-time values. */
static int is_data_dependent(uint16_t first, uint16_t second, struct watch *w)
{
    if (((first & 0xfff0) == 0xfb90 || (first & 0xfff0) == 0xfbb0) && (second & 0x00f0) == 0x00f0) {
        w->kind = (first & 0x0020) ? WATCH_UDIV : WATCH_SDIV;
        w->n = first & 0xf;
        w->m = second & 0xf;
        return 1;
    }
    int is_strex = (first & 0xfff0) == 0xe840 ||
                   ((first & 0xfff0) == 0xe8c0 && ((second & 0x00f0) == 0x0040 || (second & 0x00f0) == 0x0050));
    if (is_strex) {
        w->kind = WATCH_EXCLUSIVE;
        return 1;
    }
    /* VFP data processing on doubles: 1110 1110 .... .... .... 1011 ...0 .... */
    if ((first & 0xff00) == 0xee00 && (second & 0x0f10) == 0x0b00) {
        w->n = (uint8_t)((first & 0xf) | (second & 0x0080) >> 3);
        w->m = (uint8_t)((second & 0xf) | (second & 0x0020) >> 1);
        if ((first & 0x00b0) == 0x00b0) {       /* one-operand group: only VSQRT is data dependent */
            w->kind = WATCH_F64_UNARY;
            return (first & 0x000f) == 0x0001 && (second & 0x00c0) == 0x00c0;
        }
        w->kind = WATCH_F64;
        return 1;
    }
    return 0;
}

/* Numbers of MSR (B5.1.1). */
enum { MSP = 8, PSP = 9, PRIMASK = 16, FAULTMASK = 19, CONTROL = 20 };

/* What MSR writes to, -1: it is no MSR. */
static int special_register(uint16_t first, uint16_t second)
{
    return (first & 0xfff0) == 0xf380 && (second & 0xff00) == 0x8800 ? second & 0xff : -1;
}

/* SP becomes what another register or memory has: ADD and SUB with SP and a register, MOV, LDR, MSR to MSP, PSP or
 * CONTROL. */
static int sets_stack(uint16_t first, uint16_t second)
{
    enum { SP = 13 };
    if ((first & 0xff87) == 0x4685 || (first & 0xff87) == 0x4485)
        return 1;
    if (thumb_length(first) == 2)
        return 0;
    int special = special_register(first, second);
    int operation = (first & 0xfe00) == 0xea00 || (first & 0xfa00) == 0xf000;    /* data processing, result in Rd */
    int adds_constant = (first & 0xfa0f) == 0xf00d;
    return special == MSP || special == PSP || special == CONTROL ||
           ((first & 0xfe50) == 0xf850 && second >> 12 == SP) ||
           (operation && !adds_constant && (second >> 8 & 0xf) == SP && !(second & 0x8000));
}

/* An access from which SP can be told: LDR and STR with SP and a constant, PUSH, POP, their FP twins. */
static int tells_stack(uint16_t first, uint16_t second)
{
    uint16_t top = first & 0xf000;
    if (thumb_length(first) == 2)
        return top == 0x9000 || (first & 0xfe00) == 0xb400 || (first & 0xfe00) == 0xbc00;
    int single = (first & 0xfe0f) == 0xf80d && ((first & 0x0080) || (second & 0x0800));
    int many = (first & 0xfe0f) == 0xe80d && ((first & 0x0060) == 0x0040 || !(first & 0x0040));
    return single || (many && (first & 0xff60) != 0xe840) || (first & 0xfe0f) == 0xec0d;
}

uint32_t thumb_sets_masks(const uint8_t *code, uint32_t size)
{
    uint32_t found = 0;
    for (uint32_t at = 0; at + 2 <= size; at += thumb_length(halfword_at(code, at))) {
        uint16_t first = halfword_at(code, at), second = at + 4 <= size ? halfword_at(code, at + 2) : 0;
        int special = special_register(first, second);
        if ((first & 0xffe8) == 0xb660 || (special >= PRIMASK && special <= FAULTMASK))
            found = size - at;
    }
    return found;
}

enum sets_stack thumb_sets_stack(const uint8_t *code, uint32_t size)
{
    enum sets_stack set = STACK_NOT_SET;
    int ends_frame = 0;
    for (uint32_t at = 0; at + 2 <= size; at += thumb_length(halfword_at(code, at))) {
        uint16_t first = halfword_at(code, at), second = at + 4 <= size ? halfword_at(code, at + 2) : 0;
        if (sets_stack(first, second)) {
            set = STACK_SET_UNTOLD;
            ends_frame = first == 0x46bd || first == 0x46dd;         /* MOV SP, R7 or R11: a frame pointer */
        } else if (set && tells_stack(first, second)) {
            set = ends_frame ? STACK_NOT_SET : STACK_SET_AND_TOLD;
        }
    }
    return set;
}

uint32_t thumb_scan(const uint8_t *code, uint32_t size, uint8_t it_state, struct watch *watch, uint32_t room,
                    uint32_t *instructions)
{
    uint32_t found = 0, count = 0, last_set = 0;
    int behind_set = 0;
    for (uint32_t at = 0; at + 2 <= size; at += thumb_length(halfword_at(code, at)))
        if (sets_stack(halfword_at(code, at), at + 4 <= size ? halfword_at(code, at + 2) : 0))
            last_set = at;
    for (uint32_t offset = 0; offset + 2 <= size;) {
        uint16_t first = halfword_at(code, offset);
        uint32_t length = thumb_length(first);
        struct watch w = {(uint16_t)offset, WATCH_PREDICATED, 0, 0};
        int wanted = it_state != 0;
        if (length == 4 && offset + 4 <= size && is_data_dependent(first, halfword_at(code, offset + 2), &w))
            wanted = 1;
        else
            w.kind = WATCH_PREDICATED;
        if (!wanted && behind_set && offset <= last_set) {
            w.kind = WATCH_STACK;
            wanted = 1;
        }
        behind_set = last_set && sets_stack(first, offset + 4 <= size ? halfword_at(code, offset + 2) : 0);
        if (wanted && found < room)
            watch[found++] = w;
        it_state = is_it(first) ? (uint8_t)first : thumb_it_advance(it_state);
        offset += length;
        count++;
    }
    *instructions = count;
    return found;
}

uint32_t thumb_to_branch(const uint8_t *code, uint32_t size)
{
    uint32_t at = 0;
    while (at + 2 <= size) {
        uint16_t first = halfword_at(code, at);
        at += thumb_length(first);
        /* B, B<c>, CBZ and CBNZ, BX and BLX, POP with PC */
        if ((first & 0xf800) == 0xe000 || (first & 0xf000) == 0xd000 || (first & 0xf500) == 0xb100 ||
            (first & 0xff00) == 0x4700 || (first & 0xff00) == 0xbd00)
            break;
    }
    return at < size ? at : size;
}

uint8_t thumb_it_state_at(const uint8_t *code, uint32_t offset, uint8_t it_state)
{
    for (uint32_t at = 0; at < offset;) {
        uint16_t first = halfword_at(code, at);
        it_state = is_it(first) ? (uint8_t)first : thumb_it_advance(it_state);
        at += thumb_length(first);
    }
    return it_state;
}

uint32_t thumb_longest(const uint8_t *code)
{
    enum { PLAIN = 2, INTEGER_DIVIDE = 5, DOUBLE = 10, DIVIDE = 20 };
    uint16_t first = halfword_at(code, 0);
    if (thumb_length(first) == 2)
        return PLAIN;
    uint16_t second = halfword_at(code, 2);
    if ((first & 0xffd0) == 0xfb90 && (second & 0x00f0) == 0x00f0)
        return INTEGER_DIVIDE;
    if ((first & 0xffb0) == 0xee80 || ((first & 0xffbf) == 0xeeb1 && (second & 0x0ed0) == 0x0ac0))
        return DIVIDE;
    return (first & 0xef00) == 0xee00 && (second & 0x0f00) == 0x0b00 ? DOUBLE : PLAIN;
}

uint32_t thumb_floating(const uint8_t *code, uint32_t size, uint32_t address)
{
    for (uint32_t at = 0; at + 4 <= size; at += thumb_length(halfword_at(code, at)))
        if ((halfword_at(code, at) & 0xec00) == 0xec00 && (halfword_at(code, at + 2) & 0x0e00) == 0x0a00)
            return address + at;
    return 0;
}

static int clz32(uint32_t value)
{
    int count = 32;
    for (; value; value >>= 1)
        count--;
    return count;
}

uint32_t thumb_divide_class(uint32_t dividend, uint32_t divisor, int is_signed)
{
    if (is_signed && (dividend & 0x80000000u))
        dividend = 0u - dividend;
    if (is_signed && (divisor & 0x80000000u))
        divisor = 0u - divisor;
    if (divisor == 0)
        return 33;
    int difference = clz32(divisor) - clz32(dividend);
    return (uint32_t)((difference < -1 ? -1 : difference) + 1);
}

uint32_t thumb_double_class(uint64_t a, uint64_t b)
{
    uint64_t magnitude = ~(UINT64_C(1) << 63);
    if (!(a & magnitude) || !(b & magnitude))
        return 3;
    uint32_t exponent_a = (uint32_t)(a >> 52) & 0x7ff, exponent_b = (uint32_t)(b >> 52) & 0x7ff;
    if (!exponent_a || !exponent_b)
        return 2;
    return exponent_a != exponent_b;
}
