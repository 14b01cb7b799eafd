/* pointwise_conv2d_s8.c: pixels are patches already, so a strip is unpacked in one sweep. */
#include "pointwise_conv2d_s8.h"

#include "dsp.h"
#include "strip.h"

int32_t pointwise_conv2d_s8_scratch_bytes(const struct pointwise_conv2d_s8 *layer)
{
    return strip_bytes(layer->input_channels);
}

/* Unpacks one pixel into every second pair of words of its column. */
static void unpack_pixel(const int8_t *input, int32_t channels, int16x2_t offsets, uint32_t *words)
{
    const int8_t *end = input + (channels & ~3);
    for (; input != end; input += 4, words += WORDS_PER_GROUP) {
        uint32_t four = load_s8x4(input);
        words[0] = (uint32_t)add_even(offsets, four);
        words[1] = (uint32_t)add_odd(offsets, four);
    }
    if (channels & 3) { /* what stands beside the tail meets weights of zero */
        uint32_t four = load_s8_tail(input, channels & 3);
        words[0] = (uint32_t)add_even(offsets, four);
        words[1] = (uint32_t)add_odd(offsets, four);
    }
}

void pointwise_conv2d_s8(const struct pointwise_conv2d_s8 *layer, const int8_t *input,
                         const int8_t *weights, const int32_t *bias, const int32_t *multipliers,
                         const int32_t *shifts, int8_t *output, void *scratch)
{
    const struct strip strip = {layer->input_channels, layer->output_channels, layer->output_offset,
                                layer->activation_min, layer->activation_max};
    const int32_t words = strip_column_words(strip.size);
    const int16x2_t offsets = broadcast_s16(layer->input_offset);
    uint32_t *columns = scratch;

    for (int32_t left = layer->pixels; left > 0; left -= PIXELS_PER_STRIP) {
        const int32_t count = left < PIXELS_PER_STRIP ? left : PIXELS_PER_STRIP;
        for (int32_t i = 0; i < count; i++, input += strip.size)
            unpack_pixel(input, strip.size, offsets,
                         columns + i / PIXELS_PER_PAIR * words + i % PIXELS_PER_PAIR * 2);
        strip_multiply(&strip, columns, count, weights, bias, multipliers, shifts, output);
        output += count * strip.channels;
    }
}
