// The operators that the runner has kernels for. Each costs flash; add those that your networks need and
// that the library was built with.
#ifndef OPERATORS_H
#define OPERATORS_H

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"

using Operators = tflite::MicroMutableOpResolver<24>;

inline TfLiteStatus add_operators(Operators &operators)
{
    const TfLiteStatus added[] = {
        operators.AddConv2D(),        operators.AddDepthwiseConv2D(), operators.AddFullyConnected(),
        operators.AddAveragePool2D(), operators.AddMaxPool2D(),       operators.AddMean(),
        operators.AddAdd(),           operators.AddMul(),             operators.AddRelu(),
        operators.AddRelu6(),         operators.AddLogistic(),        operators.AddSoftmax(),
        operators.AddReshape(),       operators.AddPad(),             operators.AddConcatenation(),
        operators.AddStridedSlice(),  operators.AddQuantize(),        operators.AddDequantize(),
    };
    for (TfLiteStatus status : added)
        if (status != kTfLiteOk)
            return status;
    return kTfLiteOk;
}

#endif
