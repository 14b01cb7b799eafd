/* nn_layouts.c: the runner's operations that only move values; one value moved counts as one operation. */
#include "nn_arguments.h"
#include "nn_job.h"

enum { LARGEST = 4096 };

struct image {
    int32_t height, width, channels;
};

static struct image read_image(void)
{
    const int32_t height = argument_number("h", 16, 1, LARGEST);
    return (struct image){height, argument_number("w", height, 1, LARGEST), argument_number("c", 32, 1, LARGEST)};
}

static void prepare_copy_s8(struct job *job)
{
    const struct image image = read_image();
    job->size = (int32_t)values_of(image.height, image.width, image.channels);
    job->ops = (uint32_t)job->size;
    job_activations(job, "int8", (uint32_t)job->size, 0, (uint32_t)job->size, 0);
}

static void run_copy_s8(const struct job *job)
{
    (job->plain ? copy_s8_plain : copy_s8)(job->input, job->size, job->output);
}

static void prepare_pad_s8(struct job *job)
{
    const struct image image = read_image();
    const int32_t pad = argument_number("pad", 1, 0, 64);
    job->layer.pad_s8 = (struct pad_s8){
        .height = image.height, .width = image.width, .channels = image.channels,
        .top = argument_number("top", pad, 0, 64), .bottom = argument_number("bottom", pad, 0, 64),
        .left = argument_number("left", pad, 0, 64), .right = argument_number("right", pad, 0, 64),
        .value = INPUT_ZERO_POINT,
    };
    const struct pad_s8 *layer = &job->layer.pad_s8;
    const uint32_t outputs = values_of(image.height + layer->top + layer->bottom,
                                       image.width + layer->left + layer->right, image.channels);
    job->ops = outputs;
    job_activations(job, "int8", values_of(image.height, image.width, image.channels), 0, outputs, 0);
}

static void run_pad_s8(const struct job *job)
{
    (job->plain ? pad_s8_plain : pad_s8)(&job->layer.pad_s8, job->input, job->output);
}

/* Along the channels. */
static void prepare_concatenate_s8(struct job *job)
{
    const struct image image = read_image();
    job->outer = image.height * image.width;
    job->inner[0] = image.channels;
    job->inner[1] = argument_number("c2", image.channels, 1, LARGEST);
    const uint32_t first = values_of(job->outer, job->inner[0], 1);
    const uint32_t second = values_of(job->outer, job->inner[1], 1);
    job->ops = first + second;
    job_activations(job, "int8", first, second, first + second, 0);
}

static void run_concatenate_s8(const struct job *job)
{
    const int8_t *const inputs[2] = {job->input, job->input2};
    (job->plain ? concatenate_s8_plain : concatenate_s8)(inputs, job->inner, 2, job->outer, job->output);
}

static void prepare_transpose_s8(struct job *job)
{
    static const char *const orders[] = {"nchw", "nwhc", 0};
    const struct image image = read_image();
    const int32_t to_nchw = argument_choice("to", orders) == 0;
    job->layer.transpose_s8 = (struct transpose_s8){.size = {1, image.height, image.width, image.channels},
                                                    .order = {0, 3, 1, 2}};
    if (!to_nchw)
        job->layer.transpose_s8 = (struct transpose_s8){.size = {1, image.height, image.width, image.channels},
                                                        .order = {0, 2, 1, 3}};
    const uint32_t size = values_of(image.height, image.width, image.channels);
    job->ops = size;
    job_activations(job, "int8", size, 0, size, 0);
}

static void run_transpose_s8(const struct job *job)
{
    (job->plain ? transpose_s8_plain : transpose_s8)(&job->layer.transpose_s8, job->input, job->output);
}

const struct operation layouts[] = {
    {"copy_s8", "h w c", prepare_copy_s8, run_copy_s8},
    {"pad_s8", "h w c pad top bottom left right", prepare_pad_s8, run_pad_s8},
    {"concatenate_s8", "h w c c2", prepare_concatenate_s8, run_concatenate_s8},
    {"transpose_s8", "h w c to=nchw|nwhc", prepare_transpose_s8, run_transpose_s8},
    {0, 0, 0, 0},
};
