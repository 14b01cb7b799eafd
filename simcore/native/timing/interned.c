/* interned.c: see interned.h. */
#include "timing/interned.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"

enum { FIRST_SLOTS = 64 };

static uint32_t *slot_of(uint32_t *slot, uint32_t slots, const struct interned_key *keys, struct interned_key key)
{
    uint64_t hash = 0;
    for (int i = 0; i < 4; i++)
        hash = (hash ^ key.word[i]) * 0x9e3779b97f4a7c15u;
    uint32_t at = (uint32_t)(hash >> 32) & (slots - 1);
    while (slot[at] && memcmp(&keys[slot[at] - 1], &key, sizeof key) != 0)
        at = (at + 1) & (slots - 1);
    return &slot[at];
}

static int grow(struct interned *t)
{
    uint32_t slots = t->slots ? 2 * t->slots : FIRST_SLOTS;
    uint32_t *slot = calloc(slots, sizeof *slot);
    if (!slot)
        return CORE_ERR_MEMORY;
    for (uint32_t i = 0; i < t->keys; i++)
        *slot_of(slot, slots, t->key, t->key[i]) = i + 1;
    free(t->slot);
    t->slot = slot;
    t->slots = slots;
    return CORE_OK;
}

int interned_find(const struct interned *t, struct interned_key key)
{
    return t->slots ? (int)*slot_of(t->slot, t->slots, t->key, key) - 1 : NOT_INTERNED;
}

int interned_number(struct interned *t, struct interned_key key)
{
    int found = interned_find(t, key);
    if (found != NOT_INTERNED)
        return found;
    if ((t->keys >= t->slots / 2 && grow(t) != CORE_OK) ||
        array_reserve(&t->key, &t->room, t->keys + 1u, 16, sizeof *t->key) != CORE_OK)
        return CORE_ERR_MEMORY;
    t->key[t->keys++] = key;
    *slot_of(t->slot, t->slots, t->key, key) = t->keys;
    return (int)t->keys - 1;
}

void interned_free(struct interned *t)
{
    free(t->key);
    free(t->slot);
    memset(t, 0, sizeof *t);
}
