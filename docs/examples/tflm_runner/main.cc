// Runs the network that stands in mcusim_model with TensorFlow Lite Micro, and says on the console what
// went wrong. Arguments: how often it infers, 1 if none is given.
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "operators.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/schema/schema_generated.h"

extern "C" {
extern const unsigned char mcusim_model[], mcusim_input[];  // arrays.S
extern const unsigned mcusim_input_bytes;

unsigned char mcusim_output[OUTPUT_BYTES];

// What TFLM prints through, on a target of one's own: tensorflow/lite/micro/debug_log.h.
void DebugLog(const char *format, va_list args) { vprintf(format, args); }
int DebugVsnprintf(char *to, size_t size, const char *format, va_list args)
{
    return vsnprintf(to, size, format, args);
}
}

namespace {

alignas(16) uint8_t tensor_arena[ARENA_BYTES];

// All inputs stand behind each other, in the order of the network; so do all outputs.
bool fill_inputs(tflite::MicroInterpreter &interpreter)
{
    size_t at = 0;
    for (size_t i = 0; i < interpreter.inputs_size(); i++) {
        TfLiteTensor *const input = interpreter.input(i);
        if (at + input->bytes > mcusim_input_bytes) {
            printf("mcusim_input is too small: make INPUT_BYTES larger\n");
            return false;
        }
        memcpy(input->data.raw, mcusim_input + at, input->bytes);
        at += input->bytes;
    }
    return true;
}

bool keep_outputs(tflite::MicroInterpreter &interpreter)
{
    size_t at = 0;
    for (size_t i = 0; i < interpreter.outputs_size(); i++) {
        const TfLiteTensor *const output = interpreter.output(i);
        if (at + output->bytes > sizeof mcusim_output) {
            printf("mcusim_output is too small: make OUTPUT_BYTES larger\n");
            return false;
        }
        memcpy(mcusim_output + at, output->data.raw, output->bytes);
        at += output->bytes;
    }
    return true;
}

}  // namespace

int main(int argc, char **argv)
{
    const int inferences = argc > 1 ? atoi(argv[1]) : 1;
    const tflite::Model *const model = tflite::GetModel(mcusim_model);
    if (model->version() != TFLITE_SCHEMA_VERSION) {
        printf("mcusim_model holds no network: run this with mcusim profile network.tflite --runner\n");
        return 1;
    }
    static Operators operators;
    if (add_operators(operators) != kTfLiteOk)
        return 1;
    static tflite::MicroInterpreter interpreter(model, operators, tensor_arena, sizeof tensor_arena);
    if (interpreter.AllocateTensors() != kTfLiteOk)
        return 1;  // TFLM has said why: an operator that is not there, or an arena too small
    for (int i = 0; i < inferences; i++)
        if (!fill_inputs(interpreter) || interpreter.Invoke() != kTfLiteOk)
            return 1;
    return keep_outputs(interpreter) ? 0 : 1;
}
