/* pool_s8.c: pooling four channels at a time, the channels of a pixel being neighbours.
 *
 * A maximum of four int8 is SSUB8, which compares, and SEL, which chooses. A sum of four is two
 * SXTAB16 into int16 pairs, which hold 256 values without overflow.
 */
#include "pool_s8.h"

#include "dsp.h"
#include "elementwise_s8.h"
#include "layout_s8.h"
#include "requantize.h"

enum { CHANNELS = 4, LARGEST_INT16_WINDOW = 256 };

/* The part of one output pixel's window that lies inside the input. */
struct window {
    const int8_t *input;  /* its first value */
    int32_t rows, columns;
};

static struct window window_at(const struct pool_s8 *layer, const int8_t *input, int32_t oy, int32_t ox)
{
    int32_t y = oy * layer->stride_height - layer->padding_top;
    int32_t x = ox * layer->stride_width - layer->padding_left;
    int32_t y_end = y + layer->window_height, x_end = x + layer->window_width;
    y = y < 0 ? 0 : y;
    x = x < 0 ? 0 : x;
    y_end = y_end > layer->input_height ? layer->input_height : y_end;
    x_end = x_end > layer->input_width ? layer->input_width : x_end;
    return (struct window){input + (y * layer->input_width + x) * layer->channels, y_end - y, x_end - x};
}

/* Windows of one size that lie side by side, the parts of them inside the input. */
struct windows {
    const int8_t *input;   /* of the first */
    int32_t count;
    int32_t channels, row; /* bytes of a pixel, bytes of an input row */
    int32_t step;          /* bytes from one window to the next */
};

/* The two windows that nearly every network has, in the order of instructions that the Cortex-M7 needs:
 * SSUB8 and SEL must each be the older of a pair, so beside each stands a load or store for nothing. A
 * compiler does not keep to such an order. */

/* Maxima over 2x2 inputs of all windows, two words a round, first a, then b; channels are a multiple of
 * two words. One loop runs through all windows, as a loop over the few words of one would mispredict its
 * end every time. After the last round of a window, left is negative, and its sign lets the pointers step
 * on to the next window; in all other rounds they step by 0. What SSUB8 writes is wanted nowhere: it goes
 * to a register that is free. */
static __attribute__((noinline)) void max_2x2(const struct windows *windows, int8_t *output)
{
    const int8_t *top = windows->input, *row = top + windows->row;
    const int8_t *end = output + windows->count * windows->channels;
    const int32_t right = windows->channels - 4, next = windows->step - windows->channels;
    const int32_t rounds = (int32_t)((uint32_t)windows->channels / (2 * CHANNELS));
    int32_t left = rounds - 1;
    uint32_t more = 0; /* rounds of the next window, behind the last one of a window */
    while (output != end) {
        uint32_t a, b, c, d, step;
        __asm__ volatile("ldr %[a], [%[top]], #4\n\tadd %[left], %[left], %[more]\n\t"
                         "ldr %[b], [%[top], %[right]]\n\tsub %[left], %[left], #1\n\t"
                         "ssub8 %[more], %[b], %[a]\n\tldr %[c], [%[row]], #4\n\t"
                         "sel %[a], %[b], %[a]\n\tldr %[d], [%[row], %[right]]\n\t"
                         "ssub8 %[more], %[c], %[a]\n\tldr %[b], [%[top]], #4\n\t"
                         "sel %[a], %[c], %[a]\n\tldr %[c], [%[top], %[right]]\n\t"
                         "ssub8 %[more], %[d], %[a]\n\tand %[step], %[next], %[left], asr #31\n\t"
                         "sel %[a], %[d], %[a]\n\tadd %[top], %[top], %[step]\n\t"
                         "ssub8 %[d], %[c], %[b]\n\tstr %[a], [%[to]], #4\n\t"
                         "sel %[b], %[c], %[b]\n\tldr %[a], [%[row]], #4\n\t"
                         "ssub8 %[c], %[a], %[b]\n\tldr %[d], [%[row], %[right]]\n\t"
                         "sel %[b], %[a], %[b]\n\tand %[more], %[rounds], %[left], asr #31\n\t"
                         "ssub8 %[c], %[d], %[b]\n\tadd %[row], %[row], %[step]\n\t"
                         "sel %[b], %[d], %[b]\n\tstr %[b], [%[to]], #4"
                         : [top] "+r"(top), [row] "+r"(row), [to] "+r"(output), [left] "+r"(left),
                           [more] "+r"(more), [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d),
                           [step] "=&r"(step)
                         : [right] "r"(right), [next] "r"(next), [rounds] "r"(rounds)
                         : "memory");
    }
}

/* The same for whole words of any number of channels. */
static __attribute__((noinline)) void max_2x2_any(const struct windows *windows, int8_t *output)
{
    const int32_t channels = windows->channels, row = windows->row, whole = channels & ~(CHANNELS - 1);
    const int8_t *input = windows->input;
    for (int32_t i = windows->count; i > 0; i--, input += windows->step, output += channels)
        for (int32_t c = 0; c < whole; c += CHANNELS) {
            const int8_t *top = input + c, *bottom = top + row;
            uint32_t a = larger_s8x4(load_s8x4(top), load_s8x4(top + channels));
            uint32_t b = larger_s8x4(load_s8x4(bottom), load_s8x4(bottom + channels));
            store_s8x4(output + c, larger_s8x4(a, b));
        }
}

/* Maxima of whole words of one pixel's channels over 3x3 inputs; row_step: bytes of an input row. */
static inline void max_pixel_3x3(const int8_t *input, int32_t channels, int32_t row_step, int8_t *output)
{
    const int8_t *row1 = input + row_step, *row2 = row1 + row_step;
    const int8_t *end = input + (channels & ~(CHANNELS - 1));
    while (input != end) {
        uint32_t a, b, c, d, e, flags;
        __asm__ volatile("ldr %[a], [%[row0]], #4\n\t"
                         "ldr %[b], [%[row0], %[right]]\n\t"
                         "ssub8 %[flags], %[b], %[a]\n\tldr %[c], [%[row0], %[right2]]\n\t"
                         "sel %[a], %[b], %[a]\n\tldr %[b], [%[row1]], #4\n\t"
                         "ssub8 %[flags], %[c], %[a]\n\tldr %[d], [%[row1], %[right]]\n\t"
                         "sel %[a], %[c], %[a]\n\tldr %[c], [%[row1], %[right2]]\n\t"
                         "ssub8 %[flags], %[b], %[a]\n\tldr %[e], [%[row2]], #4\n\t"
                         "sel %[a], %[b], %[a]\n\tldr %[b], [%[row2], %[right]]\n\t"
                         "ssub8 %[flags], %[d], %[a]\n\t"
                         "sel %[a], %[d], %[a]\n\tldr %[d], [%[row2], %[right2]]\n\t"
                         "ssub8 %[flags], %[c], %[a]\n\tsel %[a], %[c], %[a]\n\t"
                         "ssub8 %[flags], %[e], %[a]\n\tsel %[a], %[e], %[a]\n\t"
                         "ssub8 %[flags], %[b], %[a]\n\tsel %[a], %[b], %[a]\n\t"
                         "ssub8 %[flags], %[d], %[a]\n\tsel %[a], %[d], %[a]\n\tstr %[a], [%[to]], #4"
                         : [row0] "+r"(input), [row1] "+r"(row1), [row2] "+r"(row2), [to] "+r"(output),
                           [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d), [e] "=&r"(e),
                           [flags] "=&r"(flags)
                         : [right] "r"(channels - 4), [right2] "r"(2 * channels - 4)
                         : "memory");
    }
}

/* Any window, one tap after the other into the output. */
static inline void max_pixel_any(const int8_t *input, int32_t rows, int32_t columns, int32_t channels,
                                 int32_t row_step, int8_t *output)
{
    const int32_t whole = channels & ~(CHANNELS - 1);
    for (int32_t ky = 0; ky < rows; ky++) {
        for (int32_t kx = 0; kx < columns; kx++) {
            const int8_t *from = input + ky * row_step + kx * channels;
            if (ky == 0 && kx == 0)
                copy_s8(from, whole, output);
            else
                for (int32_t c = 0; c < whole; c += CHANNELS)
                    store_s8x4(output + c, larger_s8x4(load_s8x4(from + c), load_s8x4(output + c)));
        }
    }
}

static __attribute__((noinline)) void max_3x3(const struct windows *windows, int8_t *output)
{
    const int8_t *input = windows->input;
    for (int32_t i = windows->count; i > 0; i--, input += windows->step, output += windows->channels)
        max_pixel_3x3(input, windows->channels, windows->row, output);
}

static __attribute__((noinline)) void max_any(const struct windows *windows, int32_t rows,
                                              int32_t columns, int8_t *output)
{
    const int8_t *input = windows->input;
    for (int32_t i = windows->count; i > 0; i--, input += windows->step, output += windows->channels)
        max_pixel_any(input, rows, columns, windows->channels, windows->row, output);
}

/* The channels behind the last whole word, of one window. */
static void max_tail(const struct window *window, int32_t channels, int32_t row, int8_t *output)
{
    for (int32_t c = channels & ~(CHANNELS - 1); c < channels; c++) {
        int32_t most = INT8_MIN;
        for (int32_t ky = 0; ky < window->rows; ky++)
            for (int32_t kx = 0; kx < window->columns; kx++) {
                int32_t value = window->input[ky * row + kx * channels + c];
                most = value > most ? value : most;
            }
        output[c] = (int8_t)most;
    }
}

/* How many windows from ox on have their full width inside the input, at least 1. */
static int32_t full_windows(const struct pool_s8 *layer, int32_t ox)
{
    const int32_t x = ox * layer->stride_width - layer->padding_left;
    const int32_t room = layer->input_width - layer->window_width - x;
    if (x < 0 || room < 0)
        return 1;
    const int32_t fit = room / layer->stride_width + 1, left = layer->output_width - ox;
    return fit < left ? fit : left;
}

void max_pool_s8(const struct pool_s8 *layer, const int8_t *input, int8_t *output)
{
    const int32_t channels = layer->channels, row = layer->input_width * channels;
    const int32_t low = layer->activation_min, high = layer->activation_max;
    for (int32_t oy = 0; oy < layer->output_height; oy++) {
        for (int32_t ox = 0, count; ox < layer->output_width; ox += count, output += count * channels) {
            count = full_windows(layer, ox);
            struct window window = window_at(layer, input, oy, ox);
            const struct windows windows = {window.input, count, channels, row,
                                            layer->stride_width * channels};
            if (window.rows == 2 && window.columns == 2)
                (channels % (2 * CHANNELS) == 0 ? max_2x2 : max_2x2_any)(&windows, output);
            else if (window.rows == 3 && window.columns == 3)
                max_3x3(&windows, output);
            else
                max_any(&windows, window.rows, window.columns, output);
            if (channels % CHANNELS != 0)
                for (int32_t i = 0; i < count; i++, window.input += windows.step)
                    max_tail(&window, channels, row, output + i * channels);
            if (low > INT8_MIN || high < INT8_MAX)
                clamp_s8(output, count * channels, low, high, output);
        }
    }
}

/* Division of a window's sum by its number of values, as a multiplication: 2^32 / count, rounded up,
 * times a number below 2^16 errs by less than 1 / count, so the quotient is exact. */
struct divisor {
    uint32_t reciprocal;  /* 0 for a count of 1 */
    int32_t half, low, high;
};

static inline int32_t divide_rounded(int32_t sum, const struct divisor *by)
{
    uint32_t magnitude = (uint32_t)(sum < 0 ? -sum : sum) + (uint32_t)by->half;
    if (by->reciprocal != 0)
        magnitude = (uint32_t)((uint64_t)magnitude * by->reciprocal >> 32);
    return clamp(sum < 0 ? -(int32_t)magnitude : (int32_t)magnitude, by->low, by->high);
}

static __attribute__((noinline)) void average_words(const struct window *window, int32_t channels,
                                                    int32_t row, const struct divisor *by,
                                                    int8_t *output)
{
    const int32_t columns = window->columns;
    for (int32_t c = 0; c + CHANNELS <= channels; c += CHANNELS) {
        const int8_t *from = window->input + c;
        int16x2_t even = 0, odd = 0;
        for (int32_t ky = window->rows; ky > 0; ky--, from += row - columns * channels)
            for (int32_t kx = columns; kx > 0; kx--, from += channels) {
                uint32_t four = load_s8x4(from);
                even = add_even(even, four);
                odd = add_odd(odd, four);
            }
        uint32_t byte0 = (uint32_t)divide_rounded((int16_t)even, by) & 0xFFu;
        uint32_t byte1 = (uint32_t)divide_rounded((int16_t)odd, by) & 0xFFu;
        uint32_t byte2 = (uint32_t)divide_rounded((int32_t)even >> 16, by) & 0xFFu;
        uint32_t byte3 = (uint32_t)divide_rounded((int32_t)odd >> 16, by);
        store_s8x4(output + c, byte0 | byte1 << 8 | byte2 << 16 | byte3 << 24);
    }
}

/* Channels from first on, one at a time and with 32-bit sums. */
static void average_tail(const struct window *window, const struct pool_s8 *layer, int32_t first,
                         int8_t *output)
{
    const int32_t channels = layer->channels, row = layer->input_width * channels;
    const int32_t count = window->rows * window->columns;
    for (int32_t c = first; c < channels; c++) {
        int32_t sum = 0;
        for (int32_t ky = 0; ky < window->rows; ky++)
            for (int32_t kx = 0; kx < window->columns; kx++)
                sum += window->input[ky * row + kx * channels + c];
        int32_t value = (sum < 0 ? sum - count / 2 : sum + count / 2) / count;
        output[c] = (int8_t)clamp(value, layer->activation_min, layer->activation_max);
    }
}

void average_pool_s8(const struct pool_s8 *layer, const int8_t *input, int8_t *output)
{
    const int32_t channels = layer->channels, row = layer->input_width * channels;
    for (int32_t oy = 0; oy < layer->output_height; oy++) {
        for (int32_t ox = 0; ox < layer->output_width; ox++, output += channels) {
            const struct window window = window_at(layer, input, oy, ox);
            const uint32_t count = (uint32_t)(window.rows * window.columns);
            int32_t done = 0;
            if (count <= LARGEST_INT16_WINDOW) {
                const struct divisor by = {count > 1 ? 0xFFFFFFFFu / count + 1 : 0, (int32_t)count / 2,
                                           layer->activation_min, layer->activation_max};
                average_words(&window, channels, row, &by, output);
                done = channels & ~(CHANNELS - 1);
            }
            average_tail(&window, layer, done, output);
        }
    }
}
