/* nn_job.h: one operation with its tensors, as the command line asks for it. */
#ifndef NN_JOB_H
#define NN_JOB_H

#include <stdint.h>

#include "nn.h"
#include "nn_memory.h"

/* Quantization of all int8 layers that the runner makes. */
enum { INPUT_ZERO_POINT = -5, OUTPUT_ZERO_POINT = -11, ACTIVATION_MIN = -128, ACTIVATION_MAX = 127 };

struct tensor {
    const char *name, *type;  /* type: int8, int16, int32, int64 or float32 */
    const void *data;
    uint32_t bytes;
};

enum { MOST_TENSORS = 8 };

struct job {
    int plain, is_filled;            /* is_filled: with random inputs */
    enum place activations, weights, scratch_place;
    uint32_t seed;
    uint64_t macs, ops;              /* of one invocation */
    uint32_t parameter_bytes, activation_bytes, scratch_bytes;
    uint32_t arena_bytes;            /* where the activations end, from the start of their memory */
    struct tensor tensors[MOST_TENSORS];  /* the output is the last */
    int32_t tensor_count;
    /* what the kernel takes */
    union {
        struct conv2d_s8 conv2d_s8;
        struct depthwise_conv2d_s8 depthwise_conv2d_s8;
        struct pointwise_conv2d_s8 pointwise_conv2d_s8;
        struct fully_connected_s8 fully_connected_s8;
        struct conv2d_s16 conv2d_s16;
        struct fully_connected_s16 fully_connected_s16;
        struct conv2d_f32 conv2d_f32;
        struct fully_connected_f32 fully_connected_f32;
        struct pool_s8 pool_s8;
        struct add_s8 add_s8;
        struct mul_s8 mul_s8;
        struct softmax_s8 softmax_s8;
        struct pad_s8 pad_s8;
        struct transpose_s8 transpose_s8;
    } layer;
    int32_t size, low, high;         /* of operations without a struct */
    int32_t outer, inner[2];
    const void *input, *input2, *weight, *bias;
    const int32_t *multipliers, *shifts;
    void *output, *scratch;
    int8_t *table;
};

/* One operation of the runner. prepare reads arguments, places tensors and fills them; run is what
 * is measured. */
struct operation {
    const char *name, *arguments;
    void (*prepare)(struct job *job);
    void (*run)(const struct job *job);
};

/* End with an operation without a name. */
extern const struct operation convolutions[], fully_connected[], elementwise[], layouts[];

/* a * b * c values of a tensor, or MOST_VALUES, which fit nowhere, if they are more. */
enum { MOST_VALUES = 1 << 27 };
uint32_t values_of(int32_t a, int32_t b, int32_t c);

/* Places input and output, in bytes, in the memory that act= says, at in= and out= or one behind the
 * other, fills the inputs with random values where the job is to, and records all as tensors. act=auto
 * is DTCM where they fit there beside the scratch and nothing else has a claim, and SRAM else. */
void job_activations(struct job *job, const char *type, uint32_t input_bytes, uint32_t input2_bytes,
                     uint32_t output_bytes, int32_t scratch_bytes);

/* Takes count int8 weights and the constants of channels, with shifts for sums of size products. */
void job_weights_s8(struct job *job, uint32_t count, int32_t channels, int32_t size, int wide_bias);

/* The same for float weights. */
void job_weights_f32(struct job *job, uint32_t count, int32_t channels);

/* Whether a ReLU is fused into the operation, and what that makes of the lower end of int8 outputs. */
int job_has_relu(void);
int32_t job_activation_min(void);

/* Places scratch where scratch= says, or in DTCM when it fits there and in SRAM else. */
void job_scratch(struct job *job);

#endif
