/* mixed.c: list walk, small matrices, a state machine over text and a bitwise checksum.
 *
 * The mix is set so that instructions, data accesses and basic blocks stand to each other as in
 * CoreMark (0.27 accesses an instruction, 4.4 instructions a block): short blocks, pointer chasing,
 * indirect calls, switch tables and narrow data, where the convolution has none of them.
 * kernels/mixed_reference.py says the same in Python.
 */
#include "mixed.h"

#include <stddef.h>

enum { NODES = 40, FINDS = 160 };
enum { SIZE = 10, MATRIX_ROUNDS = 5 };
enum { TEXT_BYTES = 640, SCANS = 12 };

/* --- checksum: CRC-16, polynomial 0xA001, bit by bit ------------------------------------------- */

static uint32_t crc_byte(uint32_t crc, uint32_t byte)
{
    for (int bit = 0; bit < 8; bit++) {
        uint32_t mix = (crc ^ byte) & 1;
        crc >>= 1;
        byte >>= 1;
        if (mix)
            crc ^= 0xA001;
    }
    return crc;
}

static uint32_t crc_word(uint32_t crc, uint32_t word)
{
    for (int i = 0; i < 4; i++)
        crc = crc_byte(crc, word >> (8 * i) & 0xFF);
    return crc;
}

/* --- list: search, reverse, merge sort by two orders ------------------------------------------- */

struct node {
    struct node *next;
    int16_t key, rank;
};

static struct node nodes[NODES];

static struct node *list_fill(uint32_t seed)
{
    for (uint32_t i = 0; i < NODES; i++) {
        nodes[i].key = (int16_t)((seed * 31 + i * 73) & 0x7F);
        nodes[i].rank = (int16_t)i;
        nodes[i].next = i + 1 < NODES ? &nodes[i + 1] : NULL;
    }
    return nodes;
}

static const struct node *list_find(const struct node *list, int16_t key)
{
    while (list && list->key != key)
        list = list->next;
    return list;
}

static struct node *list_reverse(struct node *list)
{
    struct node *reversed = NULL;
    while (list) {
        struct node *next = list->next;
        list->next = reversed;
        reversed = list;
        list = next;
    }
    return reversed;
}

typedef int32_t (*compare_function)(const struct node *, const struct node *);

static int32_t by_key(const struct node *a, const struct node *b)
{
    return a->key != b->key ? a->key - b->key : a->rank - b->rank;
}

static int32_t by_rank(const struct node *a, const struct node *b)
{
    return a->rank - b->rank;
}

static struct node *list_merge(struct node *a, struct node *b, compare_function compare)
{
    struct node head, *last = &head;
    while (a && b) {
        struct node **smaller = compare(a, b) <= 0 ? &a : &b;
        last->next = *smaller;
        last = *smaller;
        *smaller = last->next;
    }
    last->next = a ? a : b;
    return head.next;
}

static struct node *list_sort(struct node *list, uint32_t count, compare_function compare)
{
    if (count < 2)
        return list;
    struct node *last = list;
    for (uint32_t i = 1; i < count / 2; i++)
        last = last->next;
    struct node *second = last->next;
    last->next = NULL;
    return list_merge(list_sort(list, count / 2, compare),
                      list_sort(second, count - count / 2, compare), compare);
}

static uint32_t list_work(uint32_t seed, uint32_t crc)
{
    struct node *list = list_fill(seed);
    uint32_t found = 0, missed = 0;
    for (uint32_t i = 0; i < FINDS; i++) {
        const struct node *node = list_find(list, (int16_t)((seed + i * 5) & 0x7F));
        if (node)
            found += (uint32_t)node->rank;
        else
            missed++;
        list = list_reverse(list);
    }
    list = list_sort(list, NODES, by_key);
    for (const struct node *node = list; node; node = node->next)
        crc = crc_byte(crc, (uint32_t)node->key);
    list = list_sort(list, NODES, by_rank);
    crc = crc_byte(crc, (uint32_t)list->key);
    return crc_word(crc, found << 8 | missed);
}

/* --- matrix: product, product with picked bits, threshold sum ---------------------------------- */

static int16_t left[SIZE][SIZE], right[SIZE][SIZE];
static int32_t product[SIZE][SIZE];

static void matrix_fill(uint32_t seed)
{
    for (uint32_t i = 0; i < SIZE; i++) {
        for (uint32_t j = 0; j < SIZE; j++) {
            seed = (seed * 75 + 74) & 0xFFFF;
            left[i][j] = (int16_t)((seed & 0xFF) - 100);
            right[i][j] = (int16_t)((seed >> 8 & 0x3F) + (uint32_t)(i ^ j));
        }
    }
}

static void matrix_multiply(void)
{
    for (int i = 0; i < SIZE; i++) {
        for (int j = 0; j < SIZE; j++) {
            int32_t sum = 0;
            for (int k = 0; k < SIZE; k++)
                sum += left[i][k] * right[k][j];
            product[i][j] = sum;
        }
    }
}

static void matrix_multiply_bits(void)
{
    for (int i = 0; i < SIZE; i++) {
        for (int j = 0; j < SIZE; j++) {
            int32_t sum = 0;
            for (int k = 0; k < SIZE; k++) {
                int32_t term = left[i][k] * right[k][j];
                sum += (term >> 2 & 0xF) * (term >> 5 & 0x7F);
            }
            product[i][j] = sum;
        }
    }
}

static uint32_t matrix_sum(int32_t limit)
{
    int32_t running = 0, previous = 0;
    uint32_t result = 0;
    for (int i = 0; i < SIZE; i++) {
        for (int j = 0; j < SIZE; j++) {
            int32_t value = product[i][j];
            running += value;
            if (running > limit) {
                result += 10;
                running = 0;
            } else if (value > previous) {
                result += 1;
            }
            previous = value;
        }
    }
    return result;
}

static uint32_t matrix_work(uint32_t seed, uint32_t crc)
{
    matrix_fill(seed);
    for (uint32_t round = 0; round < MATRIX_ROUNDS; round++) {
        for (int i = 0; i < SIZE; i++)
            left[i][round % SIZE] = (int16_t)(left[i][round % SIZE] + (int16_t)round);
        matrix_multiply();
        crc = crc_word(crc, matrix_sum(4000));
        matrix_multiply_bits();
        crc = crc_word(crc, matrix_sum(9000));
    }
    return crc;
}

/* --- state machine: which kind of number is each word of a text -------------------------------- */

enum state { START, SIGN, INTEGER, POINT, FRACTION, EXPONENT, HEX, INVALID, STATES };

static const char *const words[8] = {
    "1205", "-77", "3.1416", "+6.02e23", "0x5A", "12b4", ".5", "x-9e",
};
static uint8_t text[TEXT_BYTES];
static uint32_t finals[STATES], transitions[STATES];

static void text_fill(uint32_t seed)
{
    uint32_t length = 0;
    for (uint32_t i = seed; length < TEXT_BYTES; i += 3) {
        for (const char *from = words[i & 7]; *from != '\0' && length < TEXT_BYTES; from++)
            text[length++] = (uint8_t)*from;
        if (length < TEXT_BYTES)
            text[length++] = ',';
    }
}

static int is_digit(uint32_t byte)
{
    return byte >= '0' && byte <= '9';
}

static enum state step(enum state state, uint32_t byte)
{
    switch (state) {
    case START:
        if (byte == '+' || byte == '-')
            return SIGN;
        /* fall through */
    case SIGN:
        if (is_digit(byte))
            return INTEGER;
        return byte == '.' ? POINT : INVALID;
    case INTEGER:
        if (byte == '.')
            return FRACTION;
        if (byte == 'x')
            return HEX;
        return is_digit(byte) ? INTEGER : INVALID;
    case POINT:
        return is_digit(byte) ? FRACTION : INVALID;
    case FRACTION:
        if (byte == 'e' || byte == 'E')
            return EXPONENT;
        return is_digit(byte) ? FRACTION : INVALID;
    case EXPONENT:
        return is_digit(byte) ? EXPONENT : INVALID;
    case HEX:
        return is_digit(byte) || (byte >= 'A' && byte <= 'F') ? HEX : INVALID;
    default:
        return INVALID;
    }
}

static void text_scan(void)
{
    enum state state = START;
    for (uint32_t i = 0; i < TEXT_BYTES; i++) {
        uint32_t byte = text[i];
        enum state next = START;
        if (byte == ',')
            finals[state]++;
        else
            next = step(state, byte);
        if (next != state)
            transitions[next]++;
        state = next;
    }
}

/* Flips bits of every count-th byte that is no comma, before and after. */
static void text_disturb(uint32_t every, uint32_t bits)
{
    for (uint32_t i = 0; i < TEXT_BYTES; i += every)
        if (text[i] != ',' && (text[i] ^ bits) != ',')
            text[i] = (uint8_t)(text[i] ^ bits);
}

static uint32_t text_work(uint32_t seed, uint32_t crc)
{
    text_fill(seed);
    for (int i = 0; i < STATES; i++)
        finals[i] = transitions[i] = 0;
    for (uint32_t scan = 0; scan < SCANS; scan++) {
        text_scan();
        text_disturb(7 + scan, 1 << (scan & 3));
    }
    for (int i = 0; i < STATES; i++)
        crc = crc_word(crc, finals[i] << 16 | transitions[i]);
    return crc;
}

uint32_t mixed_run(uint32_t seed)
{
    uint32_t crc = 0xFFFF;
    crc = list_work(seed, crc);
    crc = matrix_work(seed, crc);
    return text_work(seed, crc);
}
