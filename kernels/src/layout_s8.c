/* layout_s8.c: runs of neighbouring values move as words. */
#include "layout_s8.h"

#include "dsp.h"

enum { BLOCK = 32 };  /* bytes a round of the copy loop */

void copy_s8(const int8_t *input, int32_t size, int8_t *output)
{
    for (; size >= BLOCK; size -= BLOCK, input += BLOCK, output += BLOCK) {
        uint32_t word0 = load_s8x4(input), word1 = load_s8x4(input + 4);
        uint32_t word2 = load_s8x4(input + 8), word3 = load_s8x4(input + 12);
        store_s8x4(output, word0);
        store_s8x4(output + 4, word1);
        store_s8x4(output + 8, word2);
        store_s8x4(output + 12, word3);
        word0 = load_s8x4(input + 16), word1 = load_s8x4(input + 20);
        word2 = load_s8x4(input + 24), word3 = load_s8x4(input + 28);
        store_s8x4(output + 16, word0);
        store_s8x4(output + 20, word1);
        store_s8x4(output + 24, word2);
        store_s8x4(output + 28, word3);
    }
    for (; size >= 4; size -= 4, input += 4, output += 4)
        store_s8x4(output, load_s8x4(input));
    for (; size > 0; size--)
        *output++ = *input++;
}

static int8_t *fill(int8_t *output, int32_t size, uint32_t four)
{
    for (; size >= 4; size -= 4, output += 4)
        store_s8x4(output, four);
    for (; size > 0; size--)
        *output++ = (int8_t)four;
    return output;
}

void pad_s8(const struct pad_s8 *layer, const int8_t *input, int8_t *output)
{
    const uint32_t four = broadcast_s8(layer->value);
    const int32_t channels = layer->channels, inside = layer->width * channels;
    const int32_t left = layer->left * channels, right = layer->right * channels;
    const int32_t whole = left + inside + right;

    output = fill(output, layer->top * whole + left, four);
    for (int32_t y = 0; y < layer->height; y++, input += inside) {
        copy_s8(input, inside, output);
        /* the right of this row and the left of the next are neighbours */
        output = fill(output + inside, y + 1 < layer->height ? right + left : right, four);
    }
    /* with no rows in between, the left of the first row stands there already */
    fill(output, layer->height > 0 ? layer->bottom * whole : layer->bottom * whole - left, four);
}

void concatenate_s8(const int8_t *const *inputs, const int32_t *inner, int32_t count, int32_t outer,
                    int8_t *output)
{
    for (int32_t i = 0; i < outer; i++)
        for (int32_t n = 0; n < count; output += inner[n], n++)
            copy_s8(inputs[n] + i * inner[n], inner[n], output);
}

void transpose_s8(const struct transpose_s8 *layer, const int8_t *input, int8_t *output)
{
    int32_t steps[4], size[4], step = 1; /* steps: in the input, of the output's axes */
    for (int32_t axis = 3; axis >= 0; step *= layer->size[axis], axis--)
        for (int32_t i = 0; i < 4; i++)
            if (layer->order[i] == axis) {
                steps[i] = step;
                size[i] = layer->size[axis];
            }
    for (int32_t a = 0; a < size[0]; a++) {
        for (int32_t b = 0; b < size[1]; b++) {
            const int8_t *plane = input + a * steps[0] + b * steps[1];
            for (int32_t c = 0; c < size[2]; c++, output += size[3]) {
                const int8_t *from = plane + c * steps[2];
                const int32_t step3 = steps[3];
                if (step3 == 1) { /* the last axis stays the last */
                    copy_s8(from, size[3], output);
                    continue;
                }
                int32_t d = 0;
                for (; d + 4 <= size[3]; d += 4, from += 4 * step3) {
                    uint32_t four = (uint8_t)from[0] | (uint32_t)(uint8_t)from[step3] << 8;
                    four |= (uint32_t)(uint8_t)from[2 * step3] << 16;
                    store_s8x4(output + d, four | (uint32_t)(uint8_t)from[3 * step3] << 24);
                }
                for (; d < size[3]; d++, from += step3)
                    output[d] = *from;
            }
        }
    }
}
