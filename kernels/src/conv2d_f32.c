/* conv2d_f32.c: convolution as a matrix product of tiles, four pixels by four output channels.
 *
 * The patches under four output pixels stand in scratch, one input of all four pixels after the other.
 * A tile keeps its 16 sums in registers and loads four weights and four inputs for 16 MACs; a MAC
 * does not share its cycle with a load, so it is the few loads that make it fast.
 */
#include "conv2d_f32.h"

enum { PIXELS = 4, CHANNELS = 4 };  /* of a tile */

static int32_t patch_size(const struct conv2d_f32 *layer)
{
    return layer->kernel_height * layer->kernel_width * layer->input_channels;
}

int32_t conv2d_f32_scratch_bytes(const struct conv2d_f32 *layer)
{
    return patch_size(layer) * PIXELS * (int32_t)sizeof(float);
}

/* Lays out the patch under one output pixel, every fourth value of column. */
static void column_build(const struct conv2d_f32 *layer, const float *input, int32_t output_y,
                         int32_t output_x, float *column)
{
    const int32_t channels = layer->input_channels;
    for (int32_t ky = 0; ky < layer->kernel_height; ky++) {
        int32_t y = output_y * layer->stride_height - layer->padding_top + ky * layer->dilation_height;
        for (int32_t kx = 0; kx < layer->kernel_width; kx++) {
            int32_t x = output_x * layer->stride_width - layer->padding_left + kx * layer->dilation_width;
            int32_t inside = y >= 0 && y < layer->input_height && x >= 0 && x < layer->input_width;
            const float *pixel = input + (y * layer->input_width + x) * channels;
            for (int32_t c = 0; c < channels; c++, column += PIXELS)
                *column = inside ? pixel[c] : 0.0f;
        }
    }
}

/* sums[channel][pixel] += the dot products of four rows of weights with four columns. */
static __attribute__((noinline)) void multiply_tile(const float *const *rows, const float *column,
                                                    const float *end, float sums[CHANNELS][PIXELS])
{
    const float *row0 = rows[0], *row1 = rows[1], *row2 = rows[2], *row3 = rows[3];
    float s00 = sums[0][0], s01 = sums[0][1], s02 = sums[0][2], s03 = sums[0][3];
    float s10 = sums[1][0], s11 = sums[1][1], s12 = sums[1][2], s13 = sums[1][3];
    float s20 = sums[2][0], s21 = sums[2][1], s22 = sums[2][2], s23 = sums[2][3];
    float s30 = sums[3][0], s31 = sums[3][1], s32 = sums[3][2], s33 = sums[3][3];
    for (; column != end; column += PIXELS) {
        float in0 = column[0], in1 = column[1], in2 = column[2], in3 = column[3];
        float weight0 = *row0++, weight1 = *row1++, weight2 = *row2++, weight3 = *row3++;
        s00 = __builtin_fmaf(weight0, in0, s00);
        s01 = __builtin_fmaf(weight0, in1, s01);
        s02 = __builtin_fmaf(weight0, in2, s02);
        s03 = __builtin_fmaf(weight0, in3, s03);
        s10 = __builtin_fmaf(weight1, in0, s10);
        s11 = __builtin_fmaf(weight1, in1, s11);
        s12 = __builtin_fmaf(weight1, in2, s12);
        s13 = __builtin_fmaf(weight1, in3, s13);
        s20 = __builtin_fmaf(weight2, in0, s20);
        s21 = __builtin_fmaf(weight2, in1, s21);
        s22 = __builtin_fmaf(weight2, in2, s22);
        s23 = __builtin_fmaf(weight2, in3, s23);
        s30 = __builtin_fmaf(weight3, in0, s30);
        s31 = __builtin_fmaf(weight3, in1, s31);
        s32 = __builtin_fmaf(weight3, in2, s32);
        s33 = __builtin_fmaf(weight3, in3, s33);
    }
    sums[0][0] = s00, sums[0][1] = s01, sums[0][2] = s02, sums[0][3] = s03;
    sums[1][0] = s10, sums[1][1] = s11, sums[1][2] = s12, sums[1][3] = s13;
    sums[2][0] = s20, sums[2][1] = s21, sums[2][2] = s22, sums[2][3] = s23;
    sums[3][0] = s30, sums[3][1] = s31, sums[3][2] = s32, sums[3][3] = s33;
}

void conv2d_f32(const struct conv2d_f32 *layer, const float *input, const float *weights,
                const float *bias, float *output, void *scratch)
{
    const int32_t pixels = layer->output_height * layer->output_width, size = patch_size(layer);
    const int32_t channels = layer->output_channels;
    float *columns = scratch;

    for (int32_t i = 0; i < size * PIXELS; i++)
        columns[i] = 0.0f; /* for pixels behind the last */
    for (int32_t first = 0; first < pixels; first += PIXELS, output += PIXELS * channels) {
        const int32_t count = pixels - first < PIXELS ? pixels - first : PIXELS;
        for (int32_t i = 0; i < count; i++)
            column_build(layer, input, (first + i) / layer->output_width,
                         (first + i) % layer->output_width, columns + i);
        for (int32_t o = 0; o < channels; o += CHANNELS) {
            float sums[CHANNELS][PIXELS];
            const float *rows[CHANNELS];
            for (int32_t i = 0; i < CHANNELS; i++) {
                const int32_t channel = o + i < channels ? o + i : channels - 1; /* repeats the last */
                const float start = bias ? bias[channel] : 0.0f;
                rows[i] = weights + channel * size;
                for (int32_t pixel = 0; pixel < PIXELS; pixel++)
                    sums[i][pixel] = start;
            }
            multiply_tile(rows, columns, columns + size * PIXELS, sums);
            for (int32_t i = 0; i < CHANNELS && o + i < channels; i++)
                for (int32_t pixel = 0; pixel < count; pixel++) {
                    float value = sums[i][pixel];
                    value = value < layer->activation_min ? layer->activation_min : value;
                    output[pixel * channels + o + i] = value > layer->activation_max ? layer->activation_max : value;
                }
        }
    }
}
