"""SVDF and UNIDIRECTIONAL_SEQUENCE_LSTM, whose state is a variable tensor.

TFLM: tensorflow/lite/micro/kernels/svdf_common.cc, unidirectional_sequence_lstm.cc and
lstm_eval_common.cc. Gates get the sums of inputs and of the output before in units of 2^-12, each
scaled by itself; what comes out of a gate has 15 fraction bits.
"""

from __future__ import annotations

from simcore.network.graph import Quantization, Tensor
from simcore.network.lowering import Buffer, KernelCall, Scratch
from simcore.network.prepare import scales, tables
from simcore.network.prepare.fully_connected import one_multiplier
from simcore.network.prepare.node import OperatorNode, constant, words

GATE_SCALE, UNIT_SCALE = 2.0**-12, 2.0**-15
#: Inputs of an LSTM in the order input, forget, cell, output gate, and those that TFLM leaves out.
WEIGHTS, RECURRENT, BIASES, HIDDEN, CELL = range(1, 5), range(5, 9), range(12, 16), 18, 19
LEFT_OUT = {
    "peephole connections": range(9, 12),
    "a projection": range(16, 18),
    "layer normalization": range(20, 24),
}


def svdf(node: OperatorNode) -> KernelCall:
    """A filter over inputs, and one over the time that its results are remembered."""
    if node.optional(3) is None:
        node.refuse("it has no bias, which TFLM's kernel needs")
    inputs, features, times, bias, state = (node.input(place) for place in range(5))
    output = node.output()
    kind = node.kind_of(inputs, ("int8", "float32"))
    node.same_kind(inputs, features, output)
    rank = node.number("rank", 1)
    batches, depth = node.rank_is(inputs, 2)
    filters = node.rank_is(features, 2)[0]
    memory = node.rank_is(times, 2)[1]
    if rank < 1 or filters % rank != 0:
        node.refuse(f"{filters} filters of rank {rank}")
    node.shape_is(features, (filters, depth))
    node.shape_is(times, (filters, memory))
    node.shape_is(state, (batches, memory * filters))
    node.shape_is(output, (batches, filters // rank))
    node.elements_are(bias, filters // rank)
    _is_variable(node, state)
    buffers = (
        inputs.index, features.index, times.index, bias.index, state.index,
        output.index, Scratch(4 * filters),
    )  # fmt: skip
    macs = node.macs
    sizes = (batches, depth, filters, rank, memory)
    if kind == "float32":
        node.same_kind(inputs, times, state, bias)
        low, high = scales.real_limits(node.activation())
        params = words(*sizes, 0, 0, 0, 0, 0, 0, 0, low, high)
        return KernelCall("op_svdf_f32", params, buffers, macs, 2 * macs)
    memory_kind = node.kind_of(times, ("int8", "int16"))
    node.same_kind(times, state)
    node.kind_of(bias, ("int32",))
    node.no_zero_point(features, times)
    product = node.scale(state) * node.scale(times)
    if abs(node.scale(bias) - product) >= 1e-5:
        node.refuse(f"the scale of bias '{bias.name}' is not that of its products")
    first = node.scale(inputs) * node.scale(features) / node.scale(state)
    second = product / node.scale(output)
    params = words(
        *sizes, -node.zero_point(inputs), node.zero_point(state), node.zero_point(output),
        node.multiplier(first), node.multiplier(second), scales.LIMITS["int8"],
    )  # fmt: skip
    name = "op_svdf_s8" if memory_kind == "int8" else "op_svdf_s16"
    return KernelCall(name, params, buffers, macs, 2 * macs)


def _is_variable(node: OperatorNode, *states: Tensor) -> None:
    for state in states:
        if not state.is_variable:
            node.refuse(f"'{state.name}' is the layer's state and no variable tensor")


def lstm(node: OperatorNode) -> KernelCall:
    """An LSTM over all steps of a sequence, with input gate, without projection and peepholes."""
    for what, places in LEFT_OUT.items():
        if any(node.optional(place) is not None for place in places):
            node.refuse(f"an LSTM with {what}, for which TFLM has no kernel")
    inputs, hidden, cell, output = (
        node.input(0),
        node.input(HIDDEN),
        node.input(CELL),
        node.output(),
    )
    weights = [node.input(place) for place in WEIGHTS]
    recurrent = [node.input(place) for place in RECURRENT]
    biases = [node.input(place) for place in BIASES]
    kind = node.kind_of(inputs, ("int8", "int16", "float32"))
    node.same_kind(inputs, hidden, output)
    if (activation := node.text("fused_activation_function", "NONE")) != "TANH":
        node.refuse(f"an LSTM whose cell gate is {activation}; TANH is known")
    first, second, depth = node.rank_is(inputs, 3)
    is_time_major = node.flag("time_major")
    steps, batches = (first, second) if is_time_major else (second, first)
    units = node.rank_is(hidden, 2)[1]
    node.shape_is(hidden, (batches, units))
    node.elements_are(cell, batches * units)
    node.shape_is(output, (first, second, units))
    for tensor in weights:
        node.shape_is(tensor, (units, depth))
    for tensor in recurrent:
        node.shape_is(tensor, (units, units))
    for tensor in biases:
        node.shape_is(tensor, (units,))
    _is_variable(node, hidden, cell)
    clip = node.real("cell_clip", 0.0)
    macs = node.macs
    tensors = [
        tensor.index for tensor in (inputs, *weights, *recurrent, *biases, hidden, cell, output)
    ]
    sizes = (batches, steps, depth, units, is_time_major)
    if kind == "float32":
        node.same_kind(inputs, *weights, *recurrent, *biases, cell)
        params = words(*sizes, [0] * 26, clip, 0, 0, 0)
        buffers = (*tensors, None, Scratch(16 * units))
        return KernelCall("op_lstm_f32", params, buffers, macs, 2 * macs)
    for tensor in (*weights, *recurrent):
        if tensor.type != "int8":
            node.refuse(f"{kind} inputs with {tensor.type} weights; they must be int8")
        node.no_zero_point(tensor)
    for tensor in biases:
        node.kind_of(tensor, ("int32",) if kind == "int8" else ("int64",))
    node.kind_of(cell, ("int16",))
    node.no_zero_point(cell)
    gate = Tensor(-1, "gate", (units,), "int16", Quantization((GATE_SCALE,), (0,)))
    most_shift = 30 if kind == "int8" else 7
    pairs = [one_multiplier(node, inputs, tensor, gate, most_shift) for tensor in weights]
    pairs += [one_multiplier(node, hidden, tensor, gate, most_shift) for tensor in recurrent]
    cell_scale = node.scale(cell)
    products = [
        node.multiplier(UNIT_SCALE * cell_scale / cell_scale),
        node.multiplier(UNIT_SCALE * UNIT_SCALE / cell_scale),
        node.multiplier(UNIT_SCALE * UNIT_SCALE / node.scale(hidden)),
    ]
    left = 15 + scales.power_of_two(cell_scale)[1] - 3
    if not -30 <= left <= 14:
        node.refuse(f"the scale {cell_scale:g} of cell state '{cell.name}'")
    curve = (3 << left, 0) if left >= 0 else (3, -left)
    quantized_clip = int(max(-32768.0, min(clip / cell_scale, 32767.0))) if clip > 0 else 0
    params = words(
        *sizes, -node.zero_point(inputs), -node.zero_point(hidden), *pairs, *products, curve,
        quantized_clip, node.zero_point(hidden), scales.LIMITS[kind],
    )  # fmt: skip
    steps_table = constant("logistic_table", "H", tables.logistic_steps())
    quantized: tuple[Buffer, ...] = (*tensors, steps_table, Scratch(8 * units))
    name = "op_lstm_s8" if kind == "int8" else "op_lstm_s16"
    return KernelCall(name, params, quantized, macs, 2 * macs)
