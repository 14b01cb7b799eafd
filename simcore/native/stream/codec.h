/* codec.h: the event stream as bytes, and back: what a capture file holds.
 *
 * Both sides keep the same guesses, so what they guess right costs nothing to tell: which block follows
 * which, how many accesses and which notes a block has, and where each of its accesses goes next (its last
 * address and the stride that it was seen to keep). A record is one control byte, 0 when every guess is
 * right, and in a stream of its own what was guessed wrong; both then go through a general compressor.
 *
 *   piece     bytes of control (32 bits, little-endian), control bytes, data bytes
 *   control   bits 0-1: block by CODEC_FOLLOWER..., or CODEC_OTHER with the kind above; bits 2-5: CODEC_* flags
 *   data      block id; record flags and, if partial, the bytes that ran; accesses; number of wrong addresses,
 *             then (right ones before it, difference) of each; number of notes, then each
 *   other     kind 0, a definition: address, size, ITSTATE, code; else the payload of enum record_kind
 *
 * Numbers are LEB128, differences zigzag. The decoder trusts nothing: see codec_decode(). */
#ifndef MCUSIM_CODEC_H
#define MCUSIM_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "stream/stream.h"

enum {
    CODEC_BLOCK = 2,             /* the id follows, no guess */
    CODEC_OTHER = 3,
    CODEC_FLAGS = 4,
    CODEC_COUNT = 8,
    CODEC_ADDRESSES = 16,
    CODEC_NOTES = 32,
    CODEC_PIECE_BYTES = 1 << 20,     /* the encoder hands out a piece when it has as much */
    CODEC_ACCESSES_A_BYTE = 8,   /* at most: a 32-bit VLDM of 32 registers */
};

struct codec_site {
    uint32_t last, stride, candidate;
};

struct codec_block {             /* guesses for one definition */
    uint32_t follower[2];        /* ids, the last one first */
    uint32_t accesses, notes;    /* of its last execution */
    uint32_t sites, note_room;
    struct codec_site *site;
    uint32_t *note;
};

struct codec_bytes {
    uint8_t *byte;
    size_t used, room;
};

struct codec {
    struct codec_block *block;
    uint32_t blocks, room;       /* definitions told so far */
    uint32_t last;               /* id of the last block, UINT32_MAX: none */
    struct codec_bytes control, data;   /* of the encoder */
};

void codec_init(struct codec *c);
void codec_free(struct codec *c);

/* Appends whole records, and the definitions that they use, to the piece. Returns 0 or a core_status. */
int codec_encode(struct codec *c, const struct stream *s, const uint32_t *words, size_t count);

/* Bytes of the piece so far; writes it out, and begins the next one. */
static inline size_t codec_used(const struct codec *c) { return c->control.used + c->data.used; }

int codec_piece(struct codec *c, void *self, int (*write)(void *self, const uint8_t *bytes, size_t size));

/* Puts the records of a piece into the stream. Returns 0, what the stream's sink returned, CORE_ERR_CAPTURE for
 * bytes that no encoder writes, or CORE_ERR_MEMORY. Memory is bounded by the bytes that were decoded. */
int codec_decode(struct codec *c, struct stream *s, const uint8_t *bytes, size_t size);

#endif
