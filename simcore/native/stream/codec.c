/* codec.c: see codec.h. */
#include "stream/codec.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "types.h"

enum { NOTES_LIMIT = 1024, DEFINITIONS_LIMIT = 1 << 26, PAYLOAD_LIMIT = 8 };
#define NO_BLOCK UINT32_MAX

/* --- guesses, the same on both sides ---------------------------------------------------------------- */

void codec_init(struct codec *c)
{
    memset(c, 0, sizeof *c);
    c->last = NO_BLOCK;
}

void codec_free(struct codec *c)
{
    for (uint32_t i = 0; i < c->blocks; i++) {
        free(c->block[i].site);
        free(c->block[i].note);
    }
    free(c->block);
    free(c->control.byte);
    free(c->data.byte);
    codec_init(c);
}

static int add_block(struct codec *c)
{
    if (c->blocks == DEFINITIONS_LIMIT ||
        array_reserve(&c->block, &c->room, c->blocks + 1u, 1024, sizeof *c->block) != CORE_OK)
        return CORE_ERR_MEMORY;
    c->block[c->blocks++] = (struct codec_block){{NO_BLOCK, NO_BLOCK}, 0, 0, 0, 0, NULL, NULL};
    return CORE_OK;
}

static int room_for_sites(struct codec_block *b, uint32_t sites)
{
    if (sites <= b->sites)
        return CORE_OK;
    struct codec_site *grown = realloc(b->site, sites * sizeof *grown);
    if (!grown)
        return CORE_ERR_MEMORY;
    memset(grown + b->sites, 0, (sites - b->sites) * sizeof *grown);
    b->site = grown;
    b->sites = sites;
    return CORE_OK;
}

static int room_for_notes(struct codec_block *b, uint32_t notes)
{
    if (notes <= b->note_room)
        return CORE_OK;
    uint32_t *grown = realloc(b->note, notes * sizeof *grown);
    if (!grown)
        return CORE_ERR_MEMORY;
    b->note = grown;
    b->note_room = notes;
    return CORE_OK;
}

static inline uint32_t guess(const struct codec_site *s) { return s->last + s->stride; }

/* A stride counts when it was seen twice running: one jump does not spoil it. */
static inline void learn_address(struct codec_site *s, uint32_t address)
{
    uint32_t difference = address - s->last;
    if (difference == s->candidate)
        s->stride = difference;
    s->candidate = difference;
    s->last = address;
}

static inline void learn_block(struct codec *c, uint32_t id)
{
    if (c->last != NO_BLOCK) {
        uint32_t *follower = c->block[c->last].follower;
        if (follower[0] != id) {
            follower[1] = follower[0];
            follower[0] = id;
        }
    }
    c->last = id;
}

/* --- bytes out ---------------------------------------------------------------------------------------- */

static int reserve(struct codec_bytes *b, size_t more)
{
    if (b->room - b->used >= more)
        return CORE_OK;
    size_t room = (b->room ? b->room : 1u << 16) * 2 + more;
    uint8_t *grown = realloc(b->byte, room);
    if (!grown)
        return CORE_ERR_MEMORY;
    b->byte = grown;
    b->room = room;
    return CORE_OK;
}

/* Room is reserved: a number takes 5 bytes at most. */
static inline void put(struct codec_bytes *b, uint32_t value)
{
    for (; value >= 0x80; value >>= 7)
        b->byte[b->used++] = (uint8_t)(value | 0x80);
    b->byte[b->used++] = (uint8_t)value;
}

static inline uint32_t zigzag(uint32_t difference) { return difference << 1 ^ (0u - (difference >> 31)); }
static inline uint32_t unzigzag(uint32_t code) { return code >> 1 ^ (0u - (code & 1)); }

static int encode_definitions(struct codec *c, const struct stream *s, uint32_t last)
{
    while (c->blocks <= last) {
        const struct definition *d = &s->told.definition[c->blocks];
        if (reserve(&c->control, 1) != CORE_OK || reserve(&c->data, d->size + 16) != CORE_OK || add_block(c) != CORE_OK)
            return CORE_ERR_MEMORY;
        c->control.byte[c->control.used++] = CODEC_OTHER;
        put(&c->data, d->address);
        put(&c->data, d->size);
        put(&c->data, d->it_state);
        memcpy(c->data.byte + c->data.used, s->told.code + d->code, d->size);
        c->data.used += d->size;
    }
    return CORE_OK;
}

static int encode_block(struct codec *c, const struct stream *s, const uint32_t *words, size_t left, size_t *length)
{
    uint32_t id = words[0] & RECORD_ID, flags = words[0] >> 28;
    if (left < 2 || id >= s->told.definitions)
        return CORE_ERR_STREAM;
    uint32_t partial = (words[0] & RECORD_PARTIAL) != 0, accesses = words[1] & 0xffff, notes = words[1] >> 16;
    *length = 2 + (size_t)partial + accesses + notes;
    if (*length > left)
        return CORE_ERR_STREAM;
    const uint32_t *address = words + 2 + partial, *note = address + accesses;
    if (encode_definitions(c, s, id) != CORE_OK)
        return CORE_ERR_MEMORY;
    struct codec_block *b = &c->block[id];
    if (reserve(&c->control, 1) != CORE_OK ||
        reserve(&c->data, 32 + 10 * (size_t)accesses + 5 * (size_t)notes) != CORE_OK ||
        room_for_sites(b, accesses) != CORE_OK || room_for_notes(b, notes) != CORE_OK)
        return CORE_ERR_MEMORY;
    struct codec_bytes *data = &c->data;
    uint32_t control = CODEC_BLOCK, wrong = 0;
    if (c->last != NO_BLOCK)
        for (uint32_t i = 0; i < 2 && control == CODEC_BLOCK; i++)
            if (c->block[c->last].follower[i] == id)
                control = i;
    if (control == CODEC_BLOCK)
        put(data, id);
    if (flags) {
        control |= CODEC_FLAGS;
        put(data, flags);
        if (partial)
            put(data, words[2]);
    }
    if (accesses != b->accesses) {
        control |= CODEC_COUNT;
        put(data, accesses);
    }
    for (uint32_t i = 0; i < accesses; i++)
        wrong += address[i] != guess(&b->site[i]);
    if (wrong) {
        control |= CODEC_ADDRESSES;
        put(data, wrong);
    }
    for (uint32_t i = 0, right = 0; i < accesses; i++) {
        struct codec_site *site = &b->site[i];
        right++;
        if (address[i] != guess(site)) {
            put(data, right - 1);
            put(data, zigzag(address[i] - guess(site)));
            right = 0;
        }
        learn_address(site, address[i]);
    }
    int same = notes == b->notes;
    for (uint32_t i = 0; i < notes && same; i++)
        same = note[i] == b->note[i];
    if (!same) {
        control |= CODEC_NOTES;
        put(data, notes);
        for (uint32_t i = 0; i < notes; i++)
            put(data, b->note[i] = note[i]);
    }
    b->accesses = accesses;
    b->notes = notes;
    c->control.byte[c->control.used++] = (uint8_t)control;
    learn_block(c, id);
    return CORE_OK;
}

int codec_encode(struct codec *c, const struct stream *s, const uint32_t *words, size_t count)
{
    for (size_t at = 0; at < count;) {
        size_t length;
        if (words[at] & RECORD_OTHER) {
            uint32_t payload = words[at] & 0xffff;
            length = 1 + (size_t)payload;
            if (length > count - at || payload > PAYLOAD_LIMIT)
                return CORE_ERR_STREAM;
            if (reserve(&c->control, 1) != CORE_OK || reserve(&c->data, 5 + 5 * (size_t)payload) != CORE_OK)
                return CORE_ERR_MEMORY;
            c->control.byte[c->control.used++] = (uint8_t)(CODEC_OTHER | (words[at] >> 16 & 0x3f) << 2);
            put(&c->data, payload);
            for (uint32_t i = 1; i <= payload; i++)
                put(&c->data, words[at + i]);
        } else {
            int status = encode_block(c, s, words + at, count - at, &length);
            if (status != CORE_OK)
                return status;
        }
        at += length;
    }
    return CORE_OK;
}

int codec_piece(struct codec *c, void *self, int (*write)(void *self, const uint8_t *bytes, size_t size))
{
    if (!c->control.used)
        return CORE_OK;
    size_t control = c->control.used, size = 4 + control + c->data.used;
    uint8_t *piece = malloc(size);
    if (!piece)
        return CORE_ERR_MEMORY;
    for (int i = 0; i < 4; i++)
        piece[i] = (uint8_t)(control >> 8 * i);
    memcpy(piece + 4, c->control.byte, control);
    if (c->data.used)
        memcpy(piece + 4 + control, c->data.byte, c->data.used);
    int status = write(self, piece, size);
    free(piece);
    c->control.used = c->data.used = 0;
    return status;
}

/* --- bytes in -------------------------------------------------------------------------------------------- */

struct input {
    const uint8_t *at, *end;
    int failed;
};

static inline uint32_t take(struct input *in)
{
    uint32_t value = 0;
    for (uint32_t shift = 0; shift < 35; shift += 7) {
        if (in->at == in->end)
            break;
        uint8_t byte = *in->at++;
        if (shift == 28 && byte > 0xf)
            break;
        value |= (uint32_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    in->failed = 1;
    return 0;
}

static int decode_definition(struct codec *c, struct stream *s, struct input *in)
{
    uint32_t address = take(in), size = take(in), it_state = take(in);
    if (in->failed || size < 2 || size > DEFINITION_BYTES_MAX || size & 1 || address & 1 || it_state > 0xff ||
        size > UINT64_C(0x100000000) - address || size > (size_t)(in->end - in->at) || s->definitions != c->blocks ||
        c->blocks == DEFINITIONS_LIMIT)
        return CORE_ERR_CAPTURE;
    if (add_block(c) != CORE_OK || stream_define(s, address, in->at, size, (uint8_t)it_state) == UINT32_MAX)
        return CORE_ERR_MEMORY;
    in->at += size;
    return CORE_OK;
}

static int decode_other(struct codec *c, struct stream *s, struct input *in, uint32_t kind)
{
    uint32_t payload[PAYLOAD_LIMIT];
    if (kind == 0)
        return decode_definition(c, s, in);
    uint32_t count = take(in);
    if (in->failed || count > PAYLOAD_LIMIT)
        return CORE_ERR_CAPTURE;
    for (uint32_t i = 0; i < count; i++)
        payload[i] = take(in);
    if (in->failed)
        return CORE_ERR_CAPTURE;
    stream_put(s, (enum record_kind)kind, payload, count);
    return s->status;
}

static int decode_addresses(struct codec_block *b, uint32_t accesses, struct input *in, int explicit, uint32_t *out)
{
    uint32_t wrong = explicit ? take(in) : 0, next = UINT32_MAX;
    if (wrong > accesses)
        return CORE_ERR_CAPTURE;
    if (wrong)
        next = take(in);
    for (uint32_t i = 0; i < accesses; i++) {
        struct codec_site *site = &b->site[i];
        uint32_t address = guess(site);
        if (next-- == 0) {
            address += unzigzag(take(in));
            next = --wrong ? take(in) : UINT32_MAX;
        }
        learn_address(site, address);
        out[i] = address;
    }
    return in->failed || wrong ? CORE_ERR_CAPTURE : CORE_OK;
}

static int decode_block(struct codec *c, struct stream *s, struct input *in, uint32_t control)
{
    uint32_t id, flags = 0, which = control & 3;
    if (which == CODEC_BLOCK)
        id = take(in);
    else
        id = c->last == NO_BLOCK ? NO_BLOCK : c->block[c->last].follower[which];
    if (id >= c->blocks || control >> 6)
        return CORE_ERR_CAPTURE;
    if (STREAM_WORDS - s->used < STREAM_RECORD_MAX && stream_hand_on(s) != CORE_OK)
        return s->status;
    struct codec_block *b = &c->block[id];
    uint32_t *words = s->words + s->used, *out = words + 2;
    if (control & CODEC_FLAGS) {
        flags = take(in);
        if (flags << 28 & ~(RECORD_PARTIAL | RECORD_CONTINUED) || flags > 0xf)
            return CORE_ERR_CAPTURE;
        if (flags << 28 & RECORD_PARTIAL) {
            uint32_t ran = *out++ = take(in);
            if (ran < PARTIAL_BEFORE_ACCESS && (ran > s->definition[id].size || ran & 1))
                return CORE_ERR_CAPTURE;
        }
    }
    uint32_t accesses = control & CODEC_COUNT ? take(in) : b->accesses;
    if (in->failed || accesses > CODEC_ACCESSES_A_BYTE * s->definition[id].size)
        return CORE_ERR_CAPTURE;
    if (room_for_sites(b, accesses) != CORE_OK)
        return CORE_ERR_MEMORY;
    b->accesses = accesses;
    int status = decode_addresses(b, accesses, in, (control & CODEC_ADDRESSES) != 0, out);
    if (status != CORE_OK)
        return status;
    out += accesses;
    if (control & CODEC_NOTES) {
        uint32_t notes = take(in);
        if (in->failed || notes > NOTES_LIMIT || notes > s->definition[id].size)
            return CORE_ERR_CAPTURE;
        if (room_for_notes(b, notes) != CORE_OK)
            return CORE_ERR_MEMORY;
        b->notes = notes;
        for (uint32_t i = 0; i < notes; i++)
            b->note[i] = take(in);
    }
    if (in->failed)
        return CORE_ERR_CAPTURE;
    if (b->notes)
        memcpy(out, b->note, b->notes * sizeof *out);
    out += b->notes;
    words[0] = id | flags << 28;
    words[1] = accesses | b->notes << 16;
    s->used = (size_t)(out - s->words);
    learn_block(c, id);
    return CORE_OK;
}

int codec_decode(struct codec *c, struct stream *s, const uint8_t *bytes, size_t size)
{
    if (size < 4)
        return CORE_ERR_CAPTURE;
    size_t control = bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 24;
    if (control > size - 4)
        return CORE_ERR_CAPTURE;
    struct input in = {bytes + 4 + control, bytes + size, 0};
    for (size_t i = 0; i < control; i++) {
        uint32_t code = bytes[4 + i];
        int status = (code & 3) == CODEC_OTHER ? decode_other(c, s, &in, code >> 2) : decode_block(c, s, &in, code);
        if (status != CORE_OK)
            return status;
    }
    return in.at == in.end ? CORE_OK : CORE_ERR_CAPTURE;
}
