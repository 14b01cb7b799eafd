/* mcusim.h: tell mcusim where an operation of your firmware begins and ends.
 *
 * Copy this one header into your project. It works in C11 and C++11, may be included in any number
 * of files, and needs nothing else. On hardware a marker costs a call and a return, no more.
 *
 *     static const struct mcusim_op conv1 =
 *         MCUSIM_OP("conv1", "conv2d", 32 * 32 * 16 * 27, 16 * 27 + 16 * 4, 32 * 32 * (3 + 16));
 *
 *     mcusim_op_begin(&conv1);
 *     conv2d(...);
 *     mcusim_op_end();
 *
 * The profile then has a line "conv1" with cycles, energy and traffic of everything that ran between
 * the two calls in the same task, whoever makes them: a helper, a guard, a profiler's hook. They may
 * nest, and each begin needs its end. The simulator finds the two functions by symbol name, so they
 * must not be stripped; each time that mcusim_op_begin is entered it reads the descriptor that r0
 * points to, which may be filled anew, and leaves the cost of the markers out of all counts.
 *
 * MIT licence, as the rest of mcusim.
 */
#ifndef MCUSIM_H
#define MCUSIM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MCUSIM_OP_MAGIC 0x4D43504Fu /* "MCPO": lets the simulator refuse a pointer to something else */
#define MCUSIM_OP_VERSION 1u

/* What the operation is. 40 bytes, natural alignment; name and kind are zero-terminated text. */
struct mcusim_op {
    uint32_t magic;             /* MCUSIM_OP_MAGIC */
    const char *name;           /* of this one operation, for instance the layer's name */
    const char *kind;           /* of operation: conv2d, depthwise_conv2d, fully_connected, add ... */
    uint32_t version;           /* MCUSIM_OP_VERSION */
    uint64_t macs;              /* multiply-accumulates of one invocation, 0 where it has none */
    uint64_t ops;               /* arithmetic operations of one invocation; a MAC is two */
    uint32_t param_bytes;       /* weights, biases and quantization constants it reads */
    uint32_t activation_bytes;  /* inputs and outputs alive while it runs */
};

/* Initializer of an operation made of multiply-accumulates. */
#define MCUSIM_OP(name, kind, macs, param_bytes, activation_bytes) \
    MCUSIM_OP_COUNTED(name, kind, macs, 2u * (uint64_t)(macs), param_bytes, activation_bytes)

/* Initializer of any operation: pooling, activation, element-wise ... */
#define MCUSIM_OP_COUNTED(name, kind, macs, ops, param_bytes, activation_bytes) \
    {MCUSIM_OP_MAGIC, (name), (kind), MCUSIM_OP_VERSION, (macs), (ops), (param_bytes), (activation_bytes)}

#ifdef __cplusplus
static_assert(sizeof(void *) != 4 || sizeof(struct mcusim_op) == 40, "layout known to the simulator");
#else
_Static_assert(sizeof(void *) != 4 || sizeof(struct mcusim_op) == 40, "layout known to the simulator");
#endif

/* Weak, so that the copies of several files become one; weak and out of line, so that the compiler
 * must pass the pointer in r0 and can neither drop nor clone the call. The empty asm keeps memory
 * accesses of the operation on their side of the marker. */
#if defined(__GNUC__) && !defined(__clang__)
#define MCUSIM_MARKER __attribute__((weak, noipa))
#else
#define MCUSIM_MARKER __attribute__((weak, noinline))
#endif

MCUSIM_MARKER void mcusim_op_begin(const struct mcusim_op *op)
{
    __asm__ volatile("" : : "r"(op) : "memory");
}

MCUSIM_MARKER void mcusim_op_end(void)
{
    __asm__ volatile("" : : : "memory");
}

#ifdef __cplusplus
}
#endif
#endif
