/* nn_memory.c: arenas between the linker's symbols, slices of the flash arrays, the generator. */
#include "nn_memory.h"

#include "layer_data.h"
#include "nn_arguments.h"

/* What the program itself leaves free: SRAM behind .bss, DTCM between its sections and the stack. */
extern uint8_t __bss_end[], __arena_end[], __dtcm_end[], __stack_top[], __stack_size[];

static uint32_t taken[2];
static uint32_t weights_at, weights_f32_at, channels_at;

static uint32_t arena_start(enum place place)
{
    return ((uint32_t)(place == SRAM ? __bss_end : __dtcm_end) + MEMORY_LINE - 1) & ~(MEMORY_LINE - 1u);
}

static uint32_t arena_bytes(enum place place)
{
    uint32_t end = place == SRAM ? (uint32_t)__arena_end : (uint32_t)__stack_top - (uint32_t)__stack_size;
    return end - arena_start(place);
}

void memory_reset(void)
{
    taken[SRAM] = taken[DTCM] = 0;
}

uint32_t memory_taken(enum place place)
{
    return taken[place];
}

int memory_has(enum place place, uint32_t bytes)
{
    return bytes <= arena_bytes(place) - taken[place];
}

void *memory_at(enum place place, uint32_t offset, uint32_t bytes, const char *what)
{
    uint32_t size = arena_bytes(place);
    if (offset > size || bytes > size - offset)
        fail(arguments_operation(), ": the ", what, " does not fit into ", place == SRAM ? "SRAM" : "DTCM",
             (char *)0);
    uint32_t end = (offset + bytes + MEMORY_LINE - 1) & ~(MEMORY_LINE - 1u);
    if (end > size)
        end = size;
    if (end > taken[place])
        taken[place] = end;
    return (void *)(arena_start(place) + offset);
}

void *memory_take(enum place place, uint32_t bytes, const char *what)
{
    return memory_at(place, taken[place], bytes, what);
}

/* Where the next bytes of a flash array of size begin; *at walks on in cache lines. */
static uint32_t slice(uint32_t *at, uint32_t size, uint32_t bytes)
{
    if (bytes > size)
        fail(arguments_operation(), ": more weights than the program has", (char *)0);
    uint32_t start = bytes > size - *at ? 0 : *at;
    *at = (start + bytes + MEMORY_LINE - 1) & ~(MEMORY_LINE - 1u);
    return start;
}

static const void *place_words(enum place place, const void *flash, uint32_t bytes)
{
    if (place == FLASH)
        return flash;
    const uint32_t *from = flash;
    uint32_t *to = memory_take(place, bytes, "weights array");
    for (uint32_t i = 0; i < (bytes + 3) / 4; i++)
        to[i] = from[i];
    return to;
}

const int8_t *memory_weights(enum place place, uint32_t count)
{
    return place_words(place, (const int8_t *)flash_weights + slice(&weights_at, sizeof flash_weights, count), count);
}

const float *memory_weights_f32(enum place place, uint32_t count)
{
    uint32_t bytes = count * (uint32_t)sizeof(float);
    uint32_t start = slice(&weights_f32_at, sizeof flash_weights_f32, bytes);
    return place_words(place, (const int8_t *)flash_weights_f32 + start, bytes);
}

uint32_t memory_channels(uint32_t count)
{
    return slice(&channels_at, MOST_CHANNELS, count);
}

const int32_t *memory_bias(void)
{
    return flash_bias;
}

const int64_t *memory_bias_s64(void)
{
    return flash_bias_s64;
}

const float *memory_bias_f32(void)
{
    return flash_weights_f32;
}

const int32_t *memory_multipliers(void)
{
    return flash_multipliers;
}

const int32_t *memory_shifts(int32_t base)
{
    return flash_shifts[LARGEST_SHIFT - base];
}

/* A counter through the finalizer of MurmurHash3: every word by itself, so a host can compute any. */
uint32_t random_word(uint32_t seed, uint32_t i)
{
    uint32_t word = seed * 0x9E3779B9u + i;
    word ^= word >> 16;
    word *= 0x85EBCA6Bu;
    word ^= word >> 13;
    word *= 0xC2B2AE35u;
    return word ^ word >> 16;
}

void random_fill(void *to, uint32_t bytes, uint32_t seed)
{
    uint32_t *words = to;
    for (uint32_t i = 0; i < bytes / 4; i++)
        words[i] = random_word(seed, i);
    for (uint32_t i = bytes & ~3u; i < bytes; i++)
        ((uint8_t *)to)[i] = (uint8_t)(random_word(seed, i / 4) >> 8 * (i & 3));
}

void random_fill_f32(float *to, uint32_t count, uint32_t seed)
{
    for (uint32_t i = 0; i < count; i++)
        to[i] = (float)((int32_t)random_word(seed, i) >> 8) * 0x1p-23f;
}
