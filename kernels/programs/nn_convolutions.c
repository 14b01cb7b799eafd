/* nn_convolutions.c: the runner's convolutions. */
#include <math.h>

#include "nn_arguments.h"
#include "nn_job.h"

enum { LARGEST = 4096 };

/* What the command says of a convolution or a pool. */
struct shape {
    int32_t height, width, channels, filters;
    int32_t kernel_height, kernel_width, stride_height, stride_width, dilation;
    int32_t output_height, output_width, top, left;
};

/* Output size and padding as TFLite computes them. */
static int32_t output_size(int32_t size, int32_t kernel, int32_t stride, int same)
{
    return same ? (size + stride - 1) / stride : (size - kernel) / stride + 1;
}

static int32_t padding_before(int32_t size, int32_t kernel, int32_t stride, int32_t output)
{
    int32_t all = (output - 1) * stride + kernel - size;
    return all > 0 ? all / 2 : 0;
}

static struct shape read_shape(int32_t kernel, int32_t stride, int dilates)
{
    static const char *const paddings[] = {"same", "valid", 0};
    struct shape shape;
    shape.height = argument_number("h", 16, 1, LARGEST);
    shape.width = argument_number("w", shape.height, 1, LARGEST);
    shape.channels = argument_number("c", 32, 1, LARGEST);
    kernel = argument_number("k", kernel, 1, 64);
    shape.kernel_height = argument_number("kh", kernel, 1, 64);
    shape.kernel_width = argument_number("kw", kernel, 1, 64);
    stride = argument_number("stride", stride, 1, 64);
    shape.stride_height = argument_number("sh", stride, 1, 64);
    shape.stride_width = argument_number("sw", stride, 1, 64);
    shape.dilation = dilates ? argument_number("dilation", 1, 1, 64) : 1;
    const int same = argument_choice("pad", paddings) == 0;
    const int32_t reach_y = (shape.kernel_height - 1) * shape.dilation + 1;
    const int32_t reach_x = (shape.kernel_width - 1) * shape.dilation + 1;
    if (!same && (reach_y > shape.height || reach_x > shape.width))
        fail(arguments_operation(), ": the kernel is larger than the input; take pad=same", (char *)0);
    shape.output_height = output_size(shape.height, reach_y, shape.stride_height, same);
    shape.output_width = output_size(shape.width, reach_x, shape.stride_width, same);
    shape.top = same ? padding_before(shape.height, reach_y, shape.stride_height, shape.output_height) : 0;
    shape.left = same ? padding_before(shape.width, reach_x, shape.stride_width, shape.output_width) : 0;
    return shape;
}

static uint32_t input_values(const struct shape *shape)
{
    return values_of(shape->height, shape->width, shape->channels);
}

static uint32_t output_values(const struct shape *shape, int32_t channels)
{
    return values_of(shape->output_height, shape->output_width, channels);
}

static int32_t patch_values(const struct shape *shape)
{
    return shape->kernel_height * shape->kernel_width * shape->channels;
}

static void count_macs(struct job *job, uint32_t outputs, int32_t terms)
{
    job->macs = (uint64_t)outputs * (uint32_t)terms;
    job->ops = 2 * job->macs;
}

/* Members that the structs of all convolutions share. */
#define SHAPE_MEMBERS(shape)                                                                         \
    .input_height = (shape).height, .input_width = (shape).width, .input_channels = (shape).channels, \
    .output_height = (shape).output_height, .output_width = (shape).output_width,                   \
    .kernel_height = (shape).kernel_height, .kernel_width = (shape).kernel_width,                   \
    .stride_height = (shape).stride_height, .stride_width = (shape).stride_width,                   \
    .dilation_height = (shape).dilation, .dilation_width = (shape).dilation,                        \
    .padding_top = (shape).top, .padding_left = (shape).left
#define QUANTIZATION_MEMBERS                                                      \
    .input_offset = -INPUT_ZERO_POINT, .output_offset = OUTPUT_ZERO_POINT,        \
    .activation_min = job_activation_min(), .activation_max = ACTIVATION_MAX

static struct shape read_convolution(struct job *job, uint32_t *outputs, int32_t *patch)
{
    struct shape shape = read_shape(3, 1, 1);
    shape.filters = argument_number("filters", shape.channels, 1, LARGEST);
    *outputs = output_values(&shape, shape.filters);
    *patch = patch_values(&shape);
    count_macs(job, *outputs, *patch);
    return shape;
}

static void prepare_conv2d_s8(struct job *job)
{
    uint32_t outputs;
    int32_t patch;
    const struct shape shape = read_convolution(job, &outputs, &patch);
    struct conv2d_s8 *layer = &job->layer.conv2d_s8;
    *layer = (struct conv2d_s8){SHAPE_MEMBERS(shape), .output_channels = shape.filters, QUANTIZATION_MEMBERS};
    job_activations(job, "int8", input_values(&shape), 0, outputs, conv2d_s8_scratch_bytes(layer));
    job_weights_s8(job, values_of(patch, shape.filters, 1), shape.filters, patch, 0);
    job_scratch(job);
}

static void run_conv2d_s8(const struct job *job)
{
    const struct conv2d_s8 *layer = &job->layer.conv2d_s8;
    if (job->plain)
        conv2d_s8_plain(layer, job->input, job->weight, job->bias, job->multipliers, job->shifts, job->output);
    else
        conv2d_s8(layer, job->input, job->weight, job->bias, job->multipliers, job->shifts, job->output,
                  job->scratch);
}

static void prepare_conv2d_s16(struct job *job)
{
    uint32_t outputs;
    int32_t patch;
    const struct shape shape = read_convolution(job, &outputs, &patch);
    struct conv2d_s16 *layer = &job->layer.conv2d_s16;
    *layer = (struct conv2d_s16){SHAPE_MEMBERS(shape), .output_channels = shape.filters,
                                 .activation_min = job_has_relu() ? 0 : INT16_MIN,
                                 .activation_max = INT16_MAX};
    job_activations(job, "int16", 2 * input_values(&shape), 0, 2 * outputs,
                    conv2d_s16_scratch_bytes(layer));
    job_weights_s8(job, values_of(patch, shape.filters, 1), shape.filters, patch, 1);
    job_scratch(job);
}

static void run_conv2d_s16(const struct job *job)
{
    const struct conv2d_s16 *layer = &job->layer.conv2d_s16;
    if (job->plain)
        conv2d_s16_plain(layer, job->input, job->weight, job->bias, job->multipliers, job->shifts, job->output);
    else
        conv2d_s16(layer, job->input, job->weight, job->bias, job->multipliers, job->shifts, job->output,
                   job->scratch);
}

static void prepare_conv2d_f32(struct job *job)
{
    uint32_t outputs;
    int32_t patch;
    const struct shape shape = read_convolution(job, &outputs, &patch);
    struct conv2d_f32 *layer = &job->layer.conv2d_f32;
    *layer = (struct conv2d_f32){SHAPE_MEMBERS(shape), .output_channels = shape.filters,
                                 .activation_min = job_has_relu() ? 0.0f : -INFINITY,
                                 .activation_max = INFINITY};
    job_activations(job, "float32", 4 * input_values(&shape), 0, 4 * outputs,
                    conv2d_f32_scratch_bytes(layer));
    job_weights_f32(job, values_of(patch, shape.filters, 1), shape.filters);
    job_scratch(job);
}

static void run_conv2d_f32(const struct job *job)
{
    const struct conv2d_f32 *layer = &job->layer.conv2d_f32;
    if (job->plain)
        conv2d_f32_plain(layer, job->input, job->weight, job->bias, job->output);
    else
        conv2d_f32(layer, job->input, job->weight, job->bias, job->output, job->scratch);
}

static void prepare_depthwise_conv2d_s8(struct job *job)
{
    const struct shape shape = read_shape(3, 1, 1);
    const int32_t multiplier = argument_number("multiplier", 1, 1, LARGEST);
    const int32_t channels = shape.channels * multiplier;
    const int32_t taps = shape.kernel_height * shape.kernel_width;
    const uint32_t outputs = output_values(&shape, channels);
    struct depthwise_conv2d_s8 *layer = &job->layer.depthwise_conv2d_s8;
    *layer = (struct depthwise_conv2d_s8){SHAPE_MEMBERS(shape), .channel_multiplier = multiplier,
                                          QUANTIZATION_MEMBERS};
    count_macs(job, outputs, taps);
    job_activations(job, "int8", input_values(&shape), 0, outputs,
                    depthwise_conv2d_s8_scratch_bytes(layer));
    job_weights_s8(job, values_of(taps, channels, 1), channels, taps, 0);
    job_scratch(job);
}

static void run_depthwise_conv2d_s8(const struct job *job)
{
    const struct depthwise_conv2d_s8 *layer = &job->layer.depthwise_conv2d_s8;
    if (job->plain)
        depthwise_conv2d_s8_plain(layer, job->input, job->weight, job->bias, job->multipliers, job->shifts,
                                  job->output);
    else
        depthwise_conv2d_s8(layer, job->input, job->weight, job->bias, job->multipliers, job->shifts,
                            job->output, job->scratch);
}

static void prepare_pointwise_conv2d_s8(struct job *job)
{
    const int32_t height = argument_number("h", 16, 1, LARGEST), width = argument_number("w", height, 1, LARGEST);
    const int32_t channels = argument_number("c", 64, 1, LARGEST);
    const int32_t filters = argument_number("filters", channels, 1, LARGEST);
    const uint32_t outputs = values_of(height, width, filters);
    struct pointwise_conv2d_s8 *layer = &job->layer.pointwise_conv2d_s8;
    *layer = (struct pointwise_conv2d_s8){.pixels = height * width, .input_channels = channels,
                                          .output_channels = filters, QUANTIZATION_MEMBERS};
    count_macs(job, outputs, channels);
    job_activations(job, "int8", values_of(height, width, channels), 0, outputs,
                    pointwise_conv2d_s8_scratch_bytes(layer));
    job_weights_s8(job, values_of(channels, filters, 1), filters, channels, 0);
    job_scratch(job);
}

static void run_pointwise_conv2d_s8(const struct job *job)
{
    const struct pointwise_conv2d_s8 *layer = &job->layer.pointwise_conv2d_s8;
    if (job->plain)
        pointwise_conv2d_s8_plain(layer, job->input, job->weight, job->bias, job->multipliers, job->shifts,
                                  job->output);
    else
        pointwise_conv2d_s8(layer, job->input, job->weight, job->bias, job->multipliers, job->shifts,
                            job->output, job->scratch);
}

static void prepare_pool_s8(struct job *job)
{
    const int32_t window = argument_number("k", 2, 1, 64);
    const struct shape shape = read_shape(window, window, 0);
    const uint32_t outputs = output_values(&shape, shape.channels);
    job->layer.pool_s8 = (struct pool_s8){
        .input_height = shape.height, .input_width = shape.width, .channels = shape.channels,
        .output_height = shape.output_height, .output_width = shape.output_width,
        .window_height = shape.kernel_height, .window_width = shape.kernel_width,
        .stride_height = shape.stride_height, .stride_width = shape.stride_width,
        .padding_top = shape.top, .padding_left = shape.left,
        .activation_min = job_activation_min(),
        .activation_max = ACTIVATION_MAX,
    };
    job->ops = (uint64_t)outputs * (uint32_t)(shape.kernel_height * shape.kernel_width);
    job_activations(job, "int8", input_values(&shape), 0, outputs, 0);
}

static void run_max_pool_s8(const struct job *job)
{
    (job->plain ? max_pool_s8_plain : max_pool_s8)(&job->layer.pool_s8, job->input, job->output);
}

static void run_average_pool_s8(const struct job *job)
{
    (job->plain ? average_pool_s8_plain : average_pool_s8)(&job->layer.pool_s8, job->input, job->output);
}

#define WINDOW "h w c k kh kw stride sh sw pad=same|valid"
#define ACTIVATION "activation=none|relu"
#define CONVOLUTION "filters " WINDOW " dilation " ACTIVATION

const struct operation convolutions[] = {
    {"conv2d_s8", CONVOLUTION, prepare_conv2d_s8, run_conv2d_s8},
    {"depthwise_conv2d_s8", "multiplier " WINDOW " dilation " ACTIVATION,
     prepare_depthwise_conv2d_s8, run_depthwise_conv2d_s8},
    {"pointwise_conv2d_s8", "h w c filters " ACTIVATION, prepare_pointwise_conv2d_s8,
     run_pointwise_conv2d_s8},
    {"conv2d_s16", CONVOLUTION, prepare_conv2d_s16, run_conv2d_s16},
    {"conv2d_f32", CONVOLUTION, prepare_conv2d_f32, run_conv2d_f32},
    {"max_pool_s8", WINDOW " " ACTIVATION, prepare_pool_s8, run_max_pool_s8},
    {"average_pool_s8", WINDOW " " ACTIVATION, prepare_pool_s8, run_average_pool_s8},
    {0, 0, 0, 0},
};
