/* nn.h: all neural-network operations of the suite.
 *
 * Activations are NHWC with a batch of 1. int8 layers follow the TFLite quantization specification:
 * a layer's struct holds its shape, zero points and fused activation; weights, bias, multipliers and
 * shifts are arrays of the caller's. Operations that need working memory take it as scratch and have
 * a function NAME_scratch_bytes() that says how much; nothing is allocated or kept between calls.
 * NAME_plain is the same operation as its definition reads, built as it is, to measure against.
 */
#ifndef NN_H
#define NN_H

#include "conv2d_f32.h"
#include "conv2d_s16.h"
#include "conv2d_s8.h"
#include "depthwise_conv2d_s8.h"
#include "elementwise_s8.h"
#include "fully_connected_f32.h"
#include "fully_connected_s16.h"
#include "fully_connected_s8.h"
#include "layout_s8.h"
#include "pointwise_conv2d_s8.h"
#include "pool_s8.h"
#include "softmax_s8.h"
#include "table_s8.h"

#endif
