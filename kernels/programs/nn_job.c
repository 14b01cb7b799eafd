/* nn_job.c: what the operations of the runner have in common. */
#include "nn_job.h"

#include "nn_arguments.h"

static void record(struct job *job, const char *name, const char *type, const void *data, uint32_t bytes)
{
    job->tensors[job->tensor_count++] = (struct tensor){name, type, data, bytes};
}

static void fill(void *data, const char *type, uint32_t bytes, uint32_t seed)
{
    if (text_equal(type, "float32"))
        random_fill_f32(data, bytes / 4, seed);
    else
        random_fill(data, bytes, seed);
}

uint32_t values_of(int32_t a, int32_t b, int32_t c)
{
    const uint64_t plane = (uint64_t)(uint32_t)a * (uint32_t)b;
    return plane > MOST_VALUES || plane * (uint32_t)c > MOST_VALUES ? MOST_VALUES : (uint32_t)plane * (uint32_t)c;
}

static void *activation(struct job *job, const char *key, uint32_t bytes, const char *what)
{
    int32_t offset = argument_number(key, -1, 0, INT32_MAX);
    if (offset < 0)
        return memory_take(job->activations, bytes, what);
    if (offset % 4 != 0)
        fail(arguments_operation(), ": ", key, " is no multiple of 4", (char *)0);
    return memory_at(job->activations, (uint32_t)offset, bytes, what);
}

/* Where activations of so many bytes go. With act=auto, offsets name SRAM. */
static enum place activation_place(const struct job *job, uint32_t bytes)
{
    static const char *const places[] = {"sram", "dtcm", "auto", 0};
    const int32_t choice = argument_choice("act", places);
    if (choice < 2)
        return choice == 0 ? SRAM : DTCM;
    if (argument_text("in", 0) || argument_text("in2", 0) || argument_text("out", 0) || job->weights == DTCM)
        return SRAM;
    return memory_has(DTCM, bytes + job->scratch_bytes) ? DTCM : SRAM;
}

void job_activations(struct job *job, const char *type, uint32_t input_bytes, uint32_t input2_bytes,
                     uint32_t output_bytes, int32_t scratch_bytes)
{
    const uint32_t gaps = 3 * MEMORY_LINE; /* in front of the second and third tensor and the scratch */
    job->scratch_bytes = job->plain ? 0 : (uint32_t)scratch_bytes;
    job->activations = activation_place(job, input_bytes + input2_bytes + output_bytes + gaps);
    void *input = activation(job, "in", input_bytes, "input"), *input2 = 0;
    if (input2_bytes > 0)
        input2 = activation(job, "in2", input2_bytes, "second input");
    job->output = activation(job, "out", output_bytes, "output");
    job->arena_bytes = memory_taken(job->activations);
    if (job->is_filled) {
        fill(input, type, input_bytes, job->seed);
        if (input2)
            fill(input2, type, input2_bytes, job->seed + 1);
    }
    record(job, "input", type, input, input_bytes);
    if (input2)
        record(job, "input2", type, input2, input2_bytes);
    job->input = input;
    job->input2 = input2;
    job->activation_bytes = input_bytes + input2_bytes + output_bytes;
    record(job, "output", type, job->output, output_bytes);
}

/* Puts the parameters in front of the output. */
static void record_parameter(struct job *job, const char *name, const char *type, const void *data,
                             uint32_t bytes)
{
    const struct tensor output = job->tensors[--job->tensor_count];
    record(job, name, type, data, bytes);
    job->tensors[job->tensor_count++] = output;
    job->parameter_bytes += bytes;
}

static void check_channels(int32_t channels)
{
    if (channels > MOST_CHANNELS)
        fail(arguments_operation(), ": more than 1024 output channels", (char *)0);
}

/* Sums of random int8 grow with the root of size: a bit less for each factor of 4. */
static int32_t shift_for(int32_t size)
{
    int32_t shift = LARGEST_SHIFT;
    for (int32_t reach = 1; reach < size && shift > SMALLEST_SHIFT; reach *= 4)
        shift--;
    return shift;
}

void job_weights_s8(struct job *job, uint32_t count, int32_t channels, int32_t size, int wide_bias)
{
    const uint32_t words = 4 * (uint32_t)channels;
    check_channels(channels);
    const uint32_t first = memory_channels((uint32_t)channels);
    job->weight = memory_weights(job->weights, count);
    job->bias = wide_bias ? (const void *)(memory_bias_s64() + first) : memory_bias() + first;
    job->multipliers = memory_multipliers() + first;
    job->shifts = memory_shifts(shift_for(size)) + first;
    record_parameter(job, "weights", "int8", job->weight, count);
    if (wide_bias)
        record_parameter(job, "bias", "int64", job->bias, 2 * words);
    else
        record_parameter(job, "bias", "int32", job->bias, words);
    record_parameter(job, "multipliers", "int32", job->multipliers, words);
    record_parameter(job, "shifts", "int32", job->shifts, words);
}

void job_weights_f32(struct job *job, uint32_t count, int32_t channels)
{
    check_channels(channels);
    job->weight = memory_weights_f32(job->weights, count);
    job->bias = memory_bias_f32() + memory_channels((uint32_t)channels);
    record_parameter(job, "weights", "float32", job->weight, 4 * count);
    record_parameter(job, "bias", "float32", job->bias, 4 * (uint32_t)channels);
}

int job_has_relu(void)
{
    static const char *const activations[] = {"none", "relu", 0};
    return argument_choice("activation", activations) == 1;
}

int32_t job_activation_min(void)
{
    return job_has_relu() ? OUTPUT_ZERO_POINT : ACTIVATION_MIN;
}

void job_scratch(struct job *job)
{
    static const char *const places[] = {"auto", "dtcm", "sram", 0};
    const int32_t choice = argument_choice("scratch", places);
    if (job->scratch_bytes == 0)
        return;
    job->scratch_place = SRAM;
    if (choice == 1 || (choice == 0 && memory_has(DTCM, job->scratch_bytes)))
        job->scratch_place = DTCM;
    job->scratch = memory_take(job->scratch_place, job->scratch_bytes, "scratch buffer");
}
