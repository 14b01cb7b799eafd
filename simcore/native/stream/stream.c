/* stream.c: the bounded buffers between capture and timing. */
#include "stream/stream.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "types.h"

void stream_init(struct stream *s, struct sink sink)
{
    memset(s, 0, sizeof *s);
    s->sink = sink;
    s->words = s->buffer[0];
}

void stream_free(struct stream *s)
{
    ahead_end(s);
    free(s->definition);
    free(s->code);
    s->definition = NULL;
    s->code = NULL;
}

uint32_t stream_define(struct stream *s, uint32_t address, const uint8_t *code, uint32_t size, uint8_t it_state)
{
    if (s->definitions == s->definitions_room || s->code_room - s->code_used < size)
        stream_wait(s);                          /* the sink looks at what moves now */
    if (s->definitions == RECORD_ID ||
        array_reserve(&s->definition, &s->definitions_room, s->definitions + 1u, 1024, sizeof *s->definition) !=
            CORE_OK ||
        array_reserve(&s->code, &s->code_room, (uint64_t)s->code_used + size, 1u << 16, 1) != CORE_OK)
        return UINT32_MAX;
    memcpy(s->code + s->code_used, code, size);
    s->definition[s->definitions] = (struct definition){address, size, s->code_used, it_state};
    s->code_used += size;
    return s->definitions++;
}

static void tell(struct stream *s) { s->told = (struct told){s->definition, s->code, s->definitions}; }

int stream_flush(struct stream *s)
{
    stream_wait(s);
    tell(s);
    if (s->used && s->status == CORE_OK)
        s->status = s->sink.consume(s->sink.self, s->words, s->used);
    s->used = 0;
    return s->status;
}

int stream_hand_on(struct stream *s)
{
    if (stream_wait(s) == CORE_OK && s->used) {
        tell(s);
        if (ahead_take(s, s->words, s->used))
            s->words = s->words == s->buffer[0] ? s->buffer[1] : s->buffer[0];
        else
            s->late = s->sink.consume(s->sink.self, s->words, s->used);
    }
    s->used = 0;
    return s->status;
}

void stream_put(struct stream *s, enum record_kind kind, const uint32_t *payload, uint32_t count)
{
    if (STREAM_WORDS - s->used < count + 1)
        stream_hand_on(s);
    s->words[s->used++] = RECORD_OTHER | (uint32_t)kind << 16 | count;
    for (uint32_t i = 0; i < count; i++)
        s->words[s->used++] = payload[i];
}
