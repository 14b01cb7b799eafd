/* nn_elementwise.c: the runner's operations on single values, and softmax. */
#include "nn_arguments.h"
#include "nn_job.h"

/* Values from size=, or from h, w and c. */
static int32_t read_size(void)
{
    const int32_t size = argument_number("size", 0, 1, MOST_VALUES);
    if (size > 0)
        return size;
    const int32_t height = argument_number("h", 16, 1, 4096), width = argument_number("w", height, 1, 4096);
    return (int32_t)values_of(height, width, argument_number("c", 32, 1, 4096));
}

static void prepare_one(struct job *job)
{
    job->size = read_size();
    job->ops = (uint32_t)job->size;
    job_activations(job, "int8", (uint32_t)job->size, 0, (uint32_t)job->size, 0);
}

static void prepare_relu_s8(struct job *job)
{
    prepare_one(job);
    job->low = argument_number("zero_point", INPUT_ZERO_POINT, INT8_MIN, INT8_MAX);
}

static void run_relu_s8(const struct job *job)
{
    (job->plain ? relu_s8_plain : relu_s8)(job->input, job->size, job->low, job->output);
}

static void prepare_clamp_s8(struct job *job)
{
    prepare_one(job);
    job->low = argument_number("low", INPUT_ZERO_POINT, INT8_MIN, INT8_MAX);
    job->high = argument_number("high", 100, job->low, INT8_MAX);
}

static void run_clamp_s8(const struct job *job)
{
    (job->plain ? clamp_s8_plain : clamp_s8)(job->input, job->size, job->low, job->high, job->output);
}

static void prepare_two(struct job *job)
{
    job->size = read_size();
    job->ops = (uint32_t)job->size;
    job_activations(job, "int8", (uint32_t)job->size, (uint32_t)job->size, (uint32_t)job->size, 0);
}

/* Input scales 0.05 and 0.03, output scale 0.07. */
static void prepare_add_s8(struct job *job)
{
    prepare_two(job);
    job->layer.add_s8 = (struct add_s8){
        .input1_offset = -INPUT_ZERO_POINT, .input1_multiplier = 1073741824, .input1_shift = 0,
        .input2_offset = 3, .input2_multiplier = 1288490189, .input2_shift = -1,
        .output_offset = OUTPUT_ZERO_POINT, .output_multiplier = 1533916891, .output_shift = -18,
        .activation_min = job_activation_min(), .activation_max = ACTIVATION_MAX,
    };
}

static void run_add_s8(const struct job *job)
{
    (job->plain ? add_s8_plain : add_s8)(&job->layer.add_s8, job->input, job->input2, job->size, job->output);
}

/* Scale 0.0125 of the product. */
static void prepare_mul_s8(struct job *job)
{
    prepare_two(job);
    job->layer.mul_s8 = (struct mul_s8){
        .input1_offset = -INPUT_ZERO_POINT, .input2_offset = 3,
        .output_offset = OUTPUT_ZERO_POINT, .output_multiplier = 1717986918, .output_shift = -6,
        .activation_min = job_activation_min(), .activation_max = ACTIVATION_MAX,
    };
}

static void run_mul_s8(const struct job *job)
{
    (job->plain ? mul_s8_plain : mul_s8)(&job->layer.mul_s8, job->input, job->input2, job->size, job->output);
}

/* Input scale 1/16: 2^-4 * 2^26 = 2^30 * 2^(23 - 31). */
static void prepare_softmax_s8(struct job *job)
{
    struct softmax_s8 *layer = &job->layer.softmax_s8;
    layer->rows = argument_number("rows", 1, 1, 65536);
    layer->columns = argument_number("columns", 10, 1, 65536);
    layer->multiplier = 1 << 30;
    layer->shift = 23;
    layer->smallest_difference = softmax_s8_smallest_difference(layer->shift);
    const uint32_t size = values_of(layer->rows, layer->columns, 1);
    job->ops = size;
    job_activations(job, "int8", size, 0, size, softmax_s8_scratch_bytes(layer));
    job_scratch(job);
}

static void run_softmax_s8(const struct job *job)
{
    if (job->plain)
        softmax_s8_plain(&job->layer.softmax_s8, job->input, job->output);
    else
        softmax_s8(&job->layer.softmax_s8, job->input, job->output, job->scratch);
}

static void prepare_table(struct job *job)
{
    prepare_one(job);
    job->table = memory_take(job->weights == FLASH ? SRAM : job->weights, 256, "table");
    job->parameter_bytes = 256;
}

/* Input scale 1/16. */
static void prepare_sigmoid_s8(struct job *job)
{
    prepare_table(job);
    sigmoid_s8_table(0.0625f, INPUT_ZERO_POINT, job->table);
}

static void prepare_tanh_s8(struct job *job)
{
    prepare_table(job);
    tanh_s8_table(0.0625f, INPUT_ZERO_POINT, job->table);
}

static void run_table_s8(const struct job *job)
{
    (job->plain ? table_s8_plain : table_s8)(job->input, job->size, job->table, job->output);
}

#define SIZE "size, or h w c"

const struct operation elementwise[] = {
    {"relu_s8", SIZE "; zero_point", prepare_relu_s8, run_relu_s8},
    {"clamp_s8", SIZE "; low high", prepare_clamp_s8, run_clamp_s8},
    {"add_s8", SIZE "; activation=none|relu", prepare_add_s8, run_add_s8},
    {"mul_s8", SIZE "; activation=none|relu", prepare_mul_s8, run_mul_s8},
    {"softmax_s8", "rows columns", prepare_softmax_s8, run_softmax_s8},
    {"sigmoid_s8", SIZE, prepare_sigmoid_s8, run_table_s8},
    {"tanh_s8", SIZE, prepare_tanh_s8, run_table_s8},
    {0, 0, 0, 0},
};
