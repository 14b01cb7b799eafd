/* nn_fully_connected.c: the runner's fully connected layers. */
#include <math.h>

#include "nn_arguments.h"
#include "nn_job.h"

enum { LARGEST = 16384 };

static void read_sizes(struct job *job, int32_t *inputs, int32_t *outputs)
{
    *inputs = argument_number("inputs", 256, 1, LARGEST);
    *outputs = argument_number("outputs", 64, 1, LARGEST);
    job->macs = (uint64_t)*inputs * (uint32_t)*outputs;
    job->ops = 2 * job->macs;
}

static void prepare_s8(struct job *job)
{
    struct fully_connected_s8 *layer = &job->layer.fully_connected_s8;
    *layer = (struct fully_connected_s8){.input_offset = -INPUT_ZERO_POINT, .output_offset = OUTPUT_ZERO_POINT,
                                         .activation_min = job_activation_min(),
                                         .activation_max = ACTIVATION_MAX};
    read_sizes(job, &layer->inputs, &layer->outputs);
    job_activations(job, "int8", (uint32_t)layer->inputs, 0, (uint32_t)layer->outputs,
                    fully_connected_s8_scratch_bytes(layer));
    job_weights_s8(job, (uint32_t)job->macs, layer->outputs, layer->inputs, 0);
    job_scratch(job);
}

static void run_s8(const struct job *job)
{
    const struct fully_connected_s8 *layer = &job->layer.fully_connected_s8;
    if (job->plain)
        fully_connected_s8_plain(layer, job->input, job->weight, job->bias, job->multipliers, job->shifts,
                                 job->output);
    else
        fully_connected_s8(layer, job->input, job->weight, job->bias, job->multipliers, job->shifts,
                           job->output, job->scratch);
}

static void prepare_s16(struct job *job)
{
    struct fully_connected_s16 *layer = &job->layer.fully_connected_s16;
    *layer = (struct fully_connected_s16){.activation_min = job_has_relu() ? 0 : INT16_MIN,
                                          .activation_max = INT16_MAX};
    read_sizes(job, &layer->inputs, &layer->outputs);
    job_activations(job, "int16", 2 * (uint32_t)layer->inputs, 0, 2 * (uint32_t)layer->outputs,
                    fully_connected_s16_scratch_bytes(layer));
    job_weights_s8(job, (uint32_t)job->macs, layer->outputs, layer->inputs, 1);
    job_scratch(job);
}

static void run_s16(const struct job *job)
{
    const struct fully_connected_s16 *layer = &job->layer.fully_connected_s16;
    if (job->plain)
        fully_connected_s16_plain(layer, job->input, job->weight, job->bias, job->multipliers, job->shifts,
                                  job->output);
    else
        fully_connected_s16(layer, job->input, job->weight, job->bias, job->multipliers, job->shifts,
                            job->output, job->scratch);
}

static void prepare_f32(struct job *job)
{
    struct fully_connected_f32 *layer = &job->layer.fully_connected_f32;
    *layer = (struct fully_connected_f32){.activation_min = job_has_relu() ? 0.0f : -INFINITY,
                                          .activation_max = INFINITY};
    read_sizes(job, &layer->inputs, &layer->outputs);
    job_activations(job, "float32", 4 * (uint32_t)layer->inputs, 0, 4 * (uint32_t)layer->outputs, 0);
    job_weights_f32(job, (uint32_t)job->macs, layer->outputs);
}

static void run_f32(const struct job *job)
{
    const struct fully_connected_f32 *layer = &job->layer.fully_connected_f32;
    (job->plain ? fully_connected_f32_plain : fully_connected_f32)(layer, job->input, job->weight, job->bias,
                                                                   job->output);
}

#define ARGUMENTS "inputs outputs activation=none|relu"

const struct operation fully_connected[] = {
    {"fully_connected_s8", ARGUMENTS, prepare_s8, run_s8},
    {"fully_connected_s16", ARGUMENTS, prepare_s16, run_s16},
    {"fully_connected_f32", ARGUMENTS, prepare_f32, run_f32},
    {0, 0, 0, 0},
};
