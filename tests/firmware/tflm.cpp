// An interpreter of the shape that TensorFlow Lite Micro's has: names and structures are facts of its
// headers, the code is our own. Words of the command line: two (two interpreters in one arena, one
// behind the other), calling (an operator runs a subgraph), damaged (a model that cannot be read
// whole), copied (the model lies in RAM), profiler, longjmp (an operator is left half way, once).
// The exit code is 0 unless the model has an operator that is not here. Inputs are the bytes of
// mcusim_input, outputs are left in mcusim_output.
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

#include "tflm_models.h"

extern "C" {
uint8_t mcusim_output[64];
void semihost_write(const char *text);  // semihost.h is of C
void semihost_write_number(uint32_t number);
int semihost_flag(const char *word);
int main(void);
void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
void __cxa_pure_virtual() { for (;;) {} }
}
void operator delete(void *) noexcept {}
void operator delete(void *, size_t) noexcept {}

enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 };
struct TfLiteIntArray { int size; int data[1]; };
struct TfLiteEvalTensor { int8_t *data; const TfLiteIntArray *dims; int type; };
struct TfLiteContext { void *impl_; TfLiteEvalTensor *tensors; void *profiler; };
struct TfLiteNode {
    const TfLiteIntArray *inputs, *outputs, *intermediates;
    void *user_data, *builtin_data;
    const void *custom_initial_data;
    int custom_initial_data_size;
};
struct TFLMRegistration {
    void *(*init)(TfLiteContext *, const char *, size_t);
    void (*free)(TfLiteContext *, void *);
    TfLiteStatus (*prepare)(TfLiteContext *, TfLiteNode *);
    TfLiteStatus (*invoke)(TfLiteContext *, TfLiteNode *);
    void (*reset)(TfLiteContext *, void *);
    int builtin_code;
    const char *custom_name;
};
struct NodeAndRegistration { TfLiteNode node; const TFLMRegistration *registration; };

// --- the flatbuffer, as far as it is read ------------------------------------------------------------

static uint32_t word(const uint8_t *at) { uint32_t value; memcpy(&value, at, 4); return value; }
static const uint8_t *follow(const uint8_t *at) { return at + word(at); }
static const uint8_t *field(const uint8_t *table, unsigned number)
{
    const uint8_t *list = table - static_cast<int32_t>(word(table));
    uint16_t bytes, offset = 0;
    memcpy(&bytes, list, 2);
    if (4 + 2 * number < bytes)
        memcpy(&offset, list + 4 + 2 * number, 2);
    return offset ? table + offset : nullptr;
}
static const uint8_t *vector(const uint8_t *table, unsigned number)
{
    const uint8_t *at = field(table, number);
    return at ? follow(at) : nullptr;
}
static const uint8_t *item(const uint8_t *vector, unsigned index) { return follow(vector + 4 + 4 * index); }

// --- the arena: planned buffers from its start, what stays from its end ------------------------------

alignas(16) static uint8_t tensor_arena[8192];

struct SingleArenaBufferAllocator {
    virtual ~SingleArenaBufferAllocator() {}
    uint8_t *buffer_head_, *buffer_tail_, *head_, *tail_;
    void *Persistent(size_t size) { return tail_ = reinterpret_cast<uint8_t *>((reinterpret_cast<uintptr_t>(tail_) - size) & ~static_cast<uintptr_t>(15)); }
};
void *operator new(size_t, void *where) noexcept { return where; }

namespace tflite {

static jmp_buf left;
static int leaves;

struct MicroProfilerInterface {
    virtual ~MicroProfilerInterface() {}
    virtual uint32_t BeginEvent(const char *tag) = 0;
    virtual void EndEvent(uint32_t handle) = 0;
};
struct MicroProfiler : MicroProfilerInterface {
    uint32_t events = 0;
    uint32_t BeginEvent(const char *) override { return events++; }
    void EndEvent(uint32_t handle) override { events += handle >> 31; }
};

class MicroInterpreterGraph {
  public:
    TfLiteContext context;
    const uint8_t *subgraphs;
    struct { NodeAndRegistration *nodes; TfLiteEvalTensor *tensors; } allocations[2];
    SingleArenaBufferAllocator *allocator;

    TfLiteStatus PrepareSubgraphs(int subgraph);
    TfLiteStatus InvokeSubgraph(int subgraph);
};

static int elements(const TfLiteEvalTensor &tensor)
{
    int count = 1;
    for (int i = 0; i < tensor.dims->size; i++)
        count *= tensor.dims->data[i];
    return count;
}

namespace {

TfLiteStatus Prepare(TfLiteContext *context, TfLiteNode *node)
{
    for (int i = 0; i < node->outputs->size; i++)
        if (context->tensors[node->outputs->data[i]].type != 9)
            return kTfLiteError;
    return kTfLiteOk;
}

TfLiteStatus FullyConnectedEval(TfLiteContext *context, TfLiteNode *node)
{
    const TfLiteEvalTensor &in = context->tensors[node->inputs->data[0]];
    const TfLiteEvalTensor &weights = context->tensors[node->inputs->data[1]];
    const TfLiteEvalTensor &out = context->tensors[node->outputs->data[0]];
    const int depth = elements(in), rows = elements(out);
    for (int row = 0; row < rows; row++) {
        int32_t sum = 0;
        for (int i = 0; i < depth; i++)
            sum += in.data[i] * weights.data[row * depth + i];
        out.data[row] = static_cast<int8_t>(sum >> 4);
    }
    return kTfLiteOk;
}

TfLiteStatus ReluEval(TfLiteContext *context, TfLiteNode *node)
{
    const TfLiteEvalTensor &in = context->tensors[node->inputs->data[0]];
    const TfLiteEvalTensor &out = context->tensors[node->outputs->data[0]];
    for (int i = 0; i < elements(out); i++)
        out.data[i] = in.data[i] < 0 ? 0 : in.data[i];
    if (leaves && leaves-- == 1)
        longjmp(left, 1);
    return kTfLiteOk;
}

TfLiteStatus AddEval(TfLiteContext *context, TfLiteNode *node)
{
    const TfLiteEvalTensor &a = context->tensors[node->inputs->data[0]];
    const TfLiteEvalTensor &b = context->tensors[node->inputs->data[1]];
    const TfLiteEvalTensor &out = context->tensors[node->outputs->data[0]];
    for (int i = 0; i < elements(out); i++)
        out.data[i] = static_cast<int8_t>(a.data[i] + b.data[i]);
    return kTfLiteOk;
}

TfLiteStatus CallOnceEval(TfLiteContext *context, TfLiteNode *)
{
    auto *graph = static_cast<MicroInterpreterGraph *>(context->impl_);
    context->tensors = graph->allocations[1].tensors;
    TfLiteStatus status = graph->InvokeSubgraph(1);
    context->tensors = graph->allocations[0].tensors;
    return status;
}

const TFLMRegistration registrations[] = {
    {nullptr, nullptr, Prepare, AddEval, nullptr, 0, nullptr},
    {nullptr, nullptr, Prepare, FullyConnectedEval, nullptr, 9, nullptr},
    {nullptr, nullptr, Prepare, ReluEval, nullptr, 19, nullptr},
    {nullptr, nullptr, Prepare, CallOnceEval, nullptr, 129, nullptr},
};

}  // namespace

TfLiteStatus MicroInterpreterGraph::PrepareSubgraphs(int subgraph)
{
    const uint32_t operators = word(vector(item(subgraphs, subgraph), 3));
    for (uint32_t k = 0; k < operators; k++) {
        NodeAndRegistration &one = allocations[subgraph].nodes[k];
        if (one.registration->prepare(&context, &one.node) != kTfLiteOk)
            return kTfLiteError;
    }
    return kTfLiteOk;
}

// An argument of a call by register whose letters are addresses of peripherals.
alignas(4) static const char tag[] = "TAGTTAGTTAGTTAGTTAGTTAGTTAGTTAGTTAGTTAGTTAGTTAGTTAGT";

TfLiteStatus MicroInterpreterGraph::InvokeSubgraph(int subgraph)
{
    const uint32_t operators = word(vector(item(subgraphs, subgraph), 3));
    auto *profiler = static_cast<MicroProfilerInterface *>(context.profiler);
    for (uint32_t k = 0; k < operators; k++) {
        TfLiteNode *node = &allocations[subgraph].nodes[k].node;
        const TFLMRegistration *registration = allocations[subgraph].nodes[k].registration;
        const uint32_t event = profiler ? profiler->BeginEvent(tag) : 0;
        const TfLiteStatus status = registration->invoke(&context, node);
        if (profiler)
            profiler->EndEvent(event);
        if (status != kTfLiteOk)
            return status;
    }
    return kTfLiteOk;
}

class MicroInterpreter {
  public:
    MicroInterpreter(const uint8_t *model, uint8_t *arena, size_t size, MicroProfilerInterface *profiler);
    TfLiteStatus Invoke() { return graph.InvokeSubgraph(0); }
    bool whole = true;  // each operator has its functions
    TfLiteEvalTensor &tensor(unsigned list) { return graph.allocations[0].tensors[vector(item(graph.subgraphs, 0), list)[4]]; }

  private:
    void Allocate(const uint8_t *root, int subgraph, uint8_t *planned);
    MicroInterpreterGraph graph;
};

// Two places in turn for what operators give out, of 64 bytes each: the next operator but one writes
// where this one did, unless a sum still needs both.
void MicroInterpreter::Allocate(const uint8_t *root, int subgraph, uint8_t *planned)
{
    const uint8_t *const table = item(graph.subgraphs, subgraph);
    const uint8_t *const codes = vector(root, 1), *const buffers = vector(root, 4);
    const uint8_t *const tensors = vector(table, 0), *const operators = vector(table, 3);
    auto *nodes = static_cast<NodeAndRegistration *>(graph.allocator->Persistent(word(operators) * sizeof(NodeAndRegistration)));
    auto *evals = static_cast<TfLiteEvalTensor *>(graph.allocator->Persistent(word(tensors) * sizeof(TfLiteEvalTensor)));
    graph.allocations[subgraph] = {nodes, evals};
    for (uint32_t i = 0; i < word(tensors); i++) {
        const uint8_t *const tensor = item(tensors, i), *const number = field(tensor, 2);
        const uint8_t *const data = vector(item(buffers, number ? word(number) : 0), 0);
        evals[i] = {const_cast<int8_t *>(reinterpret_cast<const int8_t *>(data ? data + 4 : nullptr)),
                    reinterpret_cast<const TfLiteIntArray *>(vector(tensor, 0)), 9};
    }
    evals[word(vector(table, 1) + 4)].data = reinterpret_cast<int8_t *>(planned);
    for (uint32_t k = 0; k < word(operators); k++) {
        const uint8_t *const one = item(operators, k), *const code = field(one, 0);
        const uint8_t *const builtin = field(item(codes, code ? word(code) : 0), 3);
        const int kind = builtin ? static_cast<int>(word(builtin)) : 0;
        nodes[k] = {};
        nodes[k].node.inputs = reinterpret_cast<const TfLiteIntArray *>(vector(one, 1));
        nodes[k].node.outputs = reinterpret_cast<const TfLiteIntArray *>(vector(one, 2));
        for (const TFLMRegistration &registration : registrations)
            if (registration.builtin_code == kind)
                nodes[k].registration = &registration;
        if (nodes[k].registration == nullptr) {
            semihost_write("Didn't find op for builtin opcode ");
            semihost_write_number(static_cast<uint32_t>(kind));
            semihost_write("\n");
            whole = false;
        }
        if (nodes[k].node.outputs->size)
            evals[nodes[k].node.outputs->data[0]].data = reinterpret_cast<int8_t *>(planned + 64 * ((k + 1) % 3));
    }
}

MicroInterpreter::MicroInterpreter(const uint8_t *model, uint8_t *arena, size_t size, MicroProfilerInterface *profiler)
{
    uint8_t *const end = arena + size, *const place = (end - sizeof(SingleArenaBufferAllocator)) - 8;
    graph.allocator = new (reinterpret_cast<void *>(reinterpret_cast<uintptr_t>(place) & ~static_cast<uintptr_t>(15))) SingleArenaBufferAllocator;
    graph.allocator->buffer_head_ = arena;
    graph.allocator->buffer_tail_ = end;
    graph.allocator->tail_ = reinterpret_cast<uint8_t *>(graph.allocator);
    const uint8_t *const root = follow(model);
    graph.subgraphs = vector(root, 2);
    graph.allocator->head_ = arena + 3 * 64 + (word(graph.subgraphs) - 1) * 2 * 64 + 128;  // scratch: 128
    for (uint32_t i = 0; i < word(graph.subgraphs); i++)
        Allocate(root, static_cast<int>(i), arena + i * 3 * 64);
    if (!whole)
        return;
    graph.context = {&graph, graph.allocations[0].tensors, profiler};
    for (uint32_t i = 0; i < word(graph.subgraphs); i++) {
        graph.context.tensors = graph.allocations[i].tensors;
        graph.PrepareSubgraphs(static_cast<int>(i));
    }
    graph.context.tensors = graph.allocations[0].tensors;
}

}  // namespace tflite

__attribute__((noinline)) static int infer(const uint8_t *model, int times)
{
    tflite::MicroProfiler profiler;
    tflite::MicroInterpreter interpreter(model, tensor_arena, sizeof tensor_arena,
                                         semihost_flag("profiler") ? &profiler : nullptr);
    if (!interpreter.whole)
        return 1;
    uint32_t hash = 0;
    for (int n = 0; n < times; n++) {
        TfLiteEvalTensor &in = interpreter.tensor(1);
        for (int i = 0; i < tflite::elements(in); i++)
            in.data[i] = mcusim_input[i];
        if (setjmp(tflite::left) == 0 && interpreter.Invoke() != kTfLiteOk)
            return 1;
        hash = 0;
        TfLiteEvalTensor &out = interpreter.tensor(2);
        for (int i = 0; i < tflite::elements(out); i++)
            hash = hash * 31 + (mcusim_output[i] = static_cast<uint8_t>(out.data[i]));
    }
    semihost_write_number(hash);
    semihost_write("\n");
    return 0;
}

static uint8_t copy[2048];

int main(void)
{
    tflite::leaves = semihost_flag("longjmp") ? 1 : 0;
    if (semihost_flag("two"))
        return infer(dense_model, 2) | infer(calling_model, 1);
    if (semihost_flag("calling"))
        return infer(calling_model, 2);
    if (semihost_flag("damaged"))
        return infer(damaged_model, 2);
    if (semihost_flag("copied")) {
        memcpy(copy, dense_model, sizeof dense_model);
        return infer(copy, 2);
    }
    return infer(dense_model, 2);
}
