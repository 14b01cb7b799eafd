/* layout_plain.c: one value a step, as the definitions read, to compare the others with. */
#include "layout_s8.h"

void copy_s8_plain(const int8_t *input, int32_t size, int8_t *output)
{
    for (int32_t i = 0; i < size; i++) {
        output[i] = input[i];
        __asm__ volatile(""); /* a loop, not a call of memcpy() */
    }
}

void pad_s8_plain(const struct pad_s8 *layer, const int8_t *input, int8_t *output)
{
    for (int32_t y = -layer->top; y < layer->height + layer->bottom; y++)
        for (int32_t x = -layer->left; x < layer->width + layer->right; x++)
            for (int32_t c = 0; c < layer->channels; c++) {
                int32_t inside = y >= 0 && y < layer->height && x >= 0 && x < layer->width;
                *output++ = (int8_t)(inside ? input[(y * layer->width + x) * layer->channels + c] : layer->value);
            }
}

void concatenate_s8_plain(const int8_t *const *inputs, const int32_t *inner, int32_t count,
                          int32_t outer, int8_t *output)
{
    for (int32_t i = 0; i < outer; i++)
        for (int32_t n = 0; n < count; n++)
            for (int32_t k = 0; k < inner[n]; k++) {
                *output++ = inputs[n][i * inner[n] + k];
                __asm__ volatile(""); /* as in copy_s8_plain() */
            }
}

void transpose_s8_plain(const struct transpose_s8 *layer, const int8_t *input, int8_t *output)
{
    const int32_t *size = layer->size, *order = layer->order;
    int32_t at[4];
    for (at[order[0]] = 0; at[order[0]] < size[order[0]]; at[order[0]]++)
        for (at[order[1]] = 0; at[order[1]] < size[order[1]]; at[order[1]]++)
            for (at[order[2]] = 0; at[order[2]] < size[order[2]]; at[order[2]]++)
                for (at[order[3]] = 0; at[order[3]] < size[order[3]]; at[order[3]]++)
                    *output++ = input[((at[0] * size[1] + at[1]) * size[2] + at[2]) * size[3] + at[3]];
}
