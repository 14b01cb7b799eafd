/* ops_layout.c: values that move, and pictures of another size. Sizes of moves are in bytes, so that they
 * serve every type. */
#include "layout_s8.h"
#include "ops.h"
#include "requantize.h"

enum { INPUT, OUTPUT, ROWS, COLUMNS };

static inline void copy_bytes(const int8_t *from, int32_t size, int8_t *to)
{
    if (size < 16)
        for (int32_t i = 0; i < size; i++)
            to[i] = from[i];
    else
        copy_s8(from, size, to);
}

/* Reshapes; nothing where the output lies at the input's place. */
void op_copy(void *const *buffers, const int32_t *params)
{
    if (buffers[INPUT] != buffers[OUTPUT])
        copy_bytes(buffers[INPUT], params[0], buffers[OUTPUT]);
}

/* buffers: count inputs, then the output. */
struct join {
    int32_t count, outer;
    int32_t inner[];  /* of each part */
};

void op_concatenate(void *const *buffers, const int32_t *params)
{
    const struct join *op = (const void *)params;
    concatenate_s8((const int8_t *const *)buffers, op->inner, op->count, op->outer, buffers[op->count]);
}

/* buffers: the input, then count outputs. */
void op_split(void *const *buffers, const int32_t *params)
{
    const struct join *op = (const void *)params;
    const int8_t *input = buffers[INPUT];
    for (int32_t outer = 0; outer < op->outer; outer++)
        for (int32_t i = 0; i < op->count; i++) {
            copy_bytes(input, op->inner[i], (int8_t *)buffers[1 + i] + outer * op->inner[i]);
            input += op->inner[i];
        }
}

/* Pieces of so many bytes; the side that is not packed takes steps. */
struct pieces {
    int32_t piece, start;
    int32_t sizes[MOST_AXES], steps[MOST_AXES];
};

static inline void move_piece(const int8_t *from, int32_t piece, int8_t *to)
{
    if (piece == 1)
        *to = *from;
    else
        copy_bytes(from, piece, to);
}

static void gather(const struct pieces *op, const int8_t *input, int8_t *output)
{
    const int32_t last = op->sizes[MOST_AXES - 1], step = op->steps[MOST_AXES - 1], piece = op->piece;
    struct walk walk = {{0}, op->start, 0};
    do {
        const int8_t *from = input + walk.first;
        for (int32_t i = 0; i < last; i++, from += step, output += piece)
            move_piece(from, piece, output);
    } while (walk_on(&walk, op->sizes, op->steps, op->steps));
}

void op_strided_slice(void *const *buffers, const int32_t *params)
{
    gather((const void *)params, buffers[INPUT], buffers[OUTPUT]);
}

void op_transpose(void *const *buffers, const int32_t *params)
{
    gather((const void *)params, buffers[INPUT], buffers[OUTPUT]);
}

/* params: a struct transpose_s8. */
void op_transpose_s8(void *const *buffers, const int32_t *params)
{
    transpose_s8((const void *)params, buffers[INPUT], buffers[OUTPUT]);
}

struct pad {
    int32_t bytes, element; /* of the output, of a value */
    int32_t value;          /* its bits */
    struct pieces inside;
};

void op_pad(void *const *buffers, const int32_t *params)
{
    const struct pad *op = (const void *)params;
    const struct pieces *inside = &op->inside;
    const int32_t last = inside->sizes[MOST_AXES - 1], step = inside->steps[MOST_AXES - 1];
    const int8_t *input = buffers[INPUT];
    int8_t *output = buffers[OUTPUT];
    for (int32_t i = 0; i < op->bytes; i++)
        output[i] = (int8_t)((uint32_t)op->value >> 8 * (i % op->element));
    struct walk walk = {{0}, inside->start, 0};
    do {
        int8_t *to = output + walk.first;
        for (int32_t i = 0; i < last; i++, to += step, input += inside->piece)
            move_piece(input, inside->piece, to);
    } while (walk_on(&walk, inside->sizes, inside->steps, inside->steps));
}

/* params: a struct pad_s8. */
void op_pad_s8(void *const *buffers, const int32_t *params)
{
    pad_s8((const void *)params, buffers[INPUT], buffers[OUTPUT]);
}

struct resize {
    int32_t batches, input_height, input_width, pixel; /* pixel: bytes for nearest, values for bilinear */
    int32_t output_height, output_width;
};

/* ROWS, COLUMNS: where each output row and column comes from. */
void op_resize_nearest(void *const *buffers, const int32_t *params)
{
    const struct resize *op = (const void *)params;
    const int32_t *rows = buffers[ROWS], *columns = buffers[COLUMNS];
    const int8_t *input = buffers[INPUT];
    int8_t *output = buffers[OUTPUT];
    for (int32_t batch = 0; batch < op->batches; batch++) {
        for (int32_t y = 0; y < op->output_height; y++)
            for (int32_t x = 0; x < op->output_width; x++, output += op->pixel)
                move_piece(input + (rows[y] * op->input_width + columns[x]) * op->pixel, op->pixel, output);
        input += op->input_height * op->input_width * op->pixel;
    }
}

/* Of an output row or column: the two inputs that it lies between, and how far it is from the first, in
 * 1/1024 for int8. */
struct between_s32 {
    int32_t first, second, part;
};

struct between_f32 {
    int32_t first, second;
    float part;
};

static inline int32_t blend_s8(int32_t a, int32_t b, int32_t c, int32_t d, int32_t y, int32_t x)
{
    const int32_t one = 1 << 10;
    int64_t sum = (int64_t)a * (one - y) * (one - x) + (int64_t)b * y * (one - x) +
                  (int64_t)c * (one - y) * x + (int64_t)d * y * x;
    return (int32_t)((sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20));
}

static inline float blend_f32(float a, float b, float c, float d, float y, float x)
{
    return a * (1.0f - y) * (1.0f - x) + b * y * (1.0f - x) + c * (1.0f - y) * x + d * y * x;
}

#define RESIZE_BILINEAR(name, Value, Between, blend)                                                   \
    void name(void *const *buffers, const int32_t *params)                                             \
    {                                                                                                  \
        const struct resize *op = (const void *)params;                                                \
        const Between *rows = buffers[ROWS], *columns = buffers[COLUMNS];                              \
        const int32_t row = op->input_width * op->pixel;                                               \
        const Value *input = buffers[INPUT];                                                           \
        Value *output = buffers[OUTPUT];                                                               \
        for (int32_t batch = 0; batch < op->batches; batch++, input += op->input_height * row)         \
            for (const Between *y = rows; y != rows + op->output_height; y++)                          \
                for (const Between *x = columns; x != columns + op->output_width; x++) {               \
                    const Value *above = input + y->first * row, *below = input + y->second * row;     \
                    const int32_t left = x->first * op->pixel, right = x->second * op->pixel;          \
                    for (int32_t c = 0; c < op->pixel; c++)                                            \
                        *output++ = (Value)blend(above[left + c], below[left + c], above[right + c],   \
                                                 below[right + c], y->part, x->part);                  \
                }                                                                                      \
    }

RESIZE_BILINEAR(op_resize_bilinear_s8, int8_t, struct between_s32, blend_s8)
RESIZE_BILINEAR(op_resize_bilinear_f32, float, struct between_f32, blend_f32)
