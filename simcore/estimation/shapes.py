"""What decides the cost of a layer: operator, shapes, options, and of some its data."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, NamedTuple

from simcore.errors import ConfigError, NetworkError
from simcore.network.counts import macs_of
from simcore.network.graph import Model, Operator, Subgraph, Tensor
from simcore.network.lowering import Constant, KernelCall
from simcore.network.steps import Lowered, Step, lowered
from simcore.study.made_up import MadeUp
from simcore.study.operators import Options, RunnerOperator, Shape

#: Options of int8 operators that decide what their kernels do, beside the fused activation.
_WINDOW = ("stride_h", "stride_w", "padding")
_CONVOLUTION = (*_WINDOW, "dilation_h_factor", "dilation_w_factor")
_OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "CONV_2D": _CONVOLUTION,
    "DEPTHWISE_CONV_2D": (*_CONVOLUTION, "depth_multiplier"),
    "FULLY_CONNECTED": (),
    "MAX_POOL_2D": (*_WINDOW, "filter_height", "filter_width"),
    "AVERAGE_POOL_2D": (*_WINDOW, "filter_height", "filter_width"),
    "RELU": (),
    "RELU6": (),
    "ADD": (),
    "MUL": (),
    "LOGISTIC": (),
    "TANH": (),
    "SOFTMAX": ("beta",),
    "RESHAPE": (),
}
_DEFAULTS: Final = {"dilation_h_factor": 1, "dilation_w_factor": 1}

OptionItem = tuple[str, int | float | bool | str | tuple[int, ...]]


class LayerShape(NamedTuple):
    """A layer up to what its cost hangs on; equal ones cost the same.

    int8 layers of usual operators are their shapes: weights are per channel and made up. Any other
    is what it holds, too: ``content`` is a hash of its operator and tensors.
    """

    kind: str
    inputs: tuple[Shape, ...]
    weights: Shape | None
    output: Shape
    options: tuple[OptionItem, ...]
    content: str = ""

    @property
    def text(self) -> str:
        """It in a line, for messages and rows."""
        shapes = " + ".join("x".join(map(str, shape)) for shape in self.inputs)
        return f"{self.kind} {shapes} to {'x'.join(map(str, self.output))}"


class LayerFacts(NamedTuple):
    """What is known of a layer before it runs; bytes, multiply-accumulates, values."""

    kernel: str
    macs: int
    parameters: int
    """Values of weights and biases."""
    param_bytes: int
    """Weights, biases, multipliers, shifts and tables, with what alignment takes in flash."""
    table_bytes: int
    """The runner's tables of its call."""
    scratch_bytes: int
    in_place: int | None
    """Which of its computed inputs its output may overwrite."""


def layer_shape(operator: RunnerOperator) -> LayerShape:
    """The layer of a command of the runner. Raises ConfigError for one that is not int8."""
    if operator.type != "int8":
        raise ConfigError(f"{operator.kind} of {operator.type}: layer lists of estimates are int8")
    return LayerShape(
        operator.kind,
        operator.inputs,
        operator.weights,
        operator.output,
        tuple(sorted(operator.options.items())),
    )


def piece(shape: LayerShape, blank: bool = False) -> Subgraph:
    """A layer of made-up weights as a network of its own; ``blank``: of zeros.

    Its inputs are tensors that nothing computes.
    """
    assert not shape.content, "its own data decides it"
    made = MadeUp(repr(shape), blank)
    names = [f"input{at}" for at in range(len(shape.inputs))]
    for name, one in zip(names, shape.inputs, strict=True):
        made.input(name, one)
    options: Options = dict(shape.options)
    operator = RunnerOperator(
        shape.kind, "int8", shape.inputs, shape.weights, shape.output, options
    )
    made.layer("layer", operator, names)
    graph = made.model("layer").main
    return replace(
        graph, inputs=tuple(at for at, one in enumerate(graph.tensors) if one.name in names)
    )


def alone(graph: Subgraph) -> Lowered:
    """A piece as steps: one. Raises NetworkError."""
    return lowered(Model(graph.name, (graph,)))


@lru_cache(maxsize=1 << 16)
def made_up_facts(shape: LayerShape) -> LayerFacts:
    """What is known of a layer of made-up weights. Raises NetworkError."""
    return facts_of(alone(piece(shape, blank=True)))


def facts_of(network: Lowered) -> LayerFacts:
    """What is known of a piece."""
    from simcore.network.activations import scratch_offsets

    (step,) = network.steps
    call, graph = step.call, network.model.main
    constants = [one.data for one in call.buffers if isinstance(one, Constant)]
    tensors = [graph.tensors[at] for at in dict.fromkeys(_indices(call))]
    weights = [tensor for tensor in tensors if tensor.data is not None]
    return LayerFacts(
        kernel=call.kernel,
        macs=macs_of(step.operator, graph),
        parameters=sum(tensor.elements for tensor in weights),
        param_bytes=sum(-(-len(data) // 4) * 4 for data in constants)
        + sum(-(-len(tensor.data or b"") // 16) * 16 for tensor in weights),
        table_bytes=_CALL_BYTES + 4 * (len(call.buffers) + len(call.params)) + _DESCRIPTOR_BYTES,
        scratch_bytes=scratch_offsets(call)[1],
        in_place=_in_place(call, graph),
    )


_CALL_BYTES, _DESCRIPTOR_BYTES = 16, 88  # struct runner_call; struct mcusim_op with its texts


def _indices(call: KernelCall) -> list[int]:
    return [item for item in call.buffers if isinstance(item, int) and item >= 0]


def _in_place(call: KernelCall, graph: Subgraph) -> int | None:
    computed = [
        item for item in graph.operators[0].inputs if item >= 0 and graph.tensors[item].data is None
    ]
    for source in call.in_place.values():
        item = call.buffers[source]
        if item in computed:
            return computed.index(item)
    return None


def shape_of(network: Lowered, step: Step) -> tuple[LayerShape, Subgraph | None]:
    """The layer of a step; of one that its own data decides, with itself as a piece."""
    usual = _usual(network, step)
    if usual is not None:
        return usual, None
    graph = network.model.subgraphs[step.subgraph]
    found = _cut_out(step.operator, graph)
    computed = [t.shape for t in found.tensors if t.data is None]
    outputs = [found.tensors[at].shape for at in found.operators[0].outputs if at >= 0]
    text = repr((found.operators, found.tensors))
    content = hashlib.sha256(text.encode()).hexdigest()
    shape = LayerShape(
        step.operator.kind, tuple(computed[:1]), None, outputs[0] if outputs else (), (), content
    )
    return shape, found


def _usual(network: Lowered, step: Step) -> LayerShape | None:
    """An int8 operator as one of made-up weights, where that has the same kernel."""
    operator, graph = step.operator, network.model.subgraphs[step.subgraph]
    names = _OPTIONS.get(operator.kind)
    read = [graph.tensors[at] for at in operator.inputs if at >= 0]
    computed = [one for one in read if one.data is None]
    weights = read[1] if len(read) > 1 and read[1].data is not None else None
    if names is None or len(operator.outputs) != 1 or step.is_setup:
        return None
    made = graph.tensors[operator.outputs[0]]
    if {one.type for one in (*computed, made)} != {"int8"} or any(
        one.is_variable for one in (*computed, made)
    ):
        return None
    has_weights = operator.kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
    if has_weights and (weights is None or len(read) != 3 or read[2].data is None):
        return None
    options: dict[str, Any] = {
        name: operator.options.get(name, _DEFAULTS.get(name)) for name in names
    }
    if str(operator.options.get("fused_activation_function", "NONE")).startswith("RELU"):
        options["fused_activation_function"] = "RELU"
    if None in options.values():
        return None
    shape = LayerShape(
        operator.kind,
        tuple(one.shape for one in computed),
        weights.shape if has_weights and weights is not None else None,
        made.shape,
        tuple(sorted(options.items())),
    )
    try:
        (twin,) = alone(piece(shape, blank=True)).steps
    except (ConfigError, NetworkError, KeyError):
        return None
    same = twin.call.kernel, len(twin.call.params), twin.call.macs
    if same != (step.call.kernel, len(step.call.params), step.call.macs):
        return None
    return shape if not has_weights or _has_small_sums(step, read[2]) else None


def _has_small_sums(step: Step, bias: Tensor) -> bool:
    """The class of quantization that made-up weights have: the short way for every channel.

    requantize_is_small() of kernels/src/requantize.h; networks whose training left channels dead
    have huge biases there, and take up to 7 % longer.
    """
    (shifts,) = (
        one.data for one in step.call.buffers if isinstance(one, Constant) and one.name == "shifts"
    )
    values: tuple[int, ...] = struct.unpack(f"<{len(shifts) // 4}i", shifts)
    biases: tuple[int, ...] = struct.unpack(f"<{bias.elements}i", bias.data or b"")
    return max(values) < 0 and max(map(abs, biases)) < _SMALL_BIAS


_SMALL_BIAS: Final = 1 << 29


def _cut_out(operator: Operator, graph: Subgraph) -> Subgraph:
    """An operator with its tensors alone, as a network of its own."""
    named = [*operator.inputs, *operator.outputs, *operator.intermediates]
    order = [at for at in dict.fromkeys(named) if at >= 0]
    new = {at: number for number, at in enumerate(order)}

    def renumbered(indices: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(new.get(at, at) for at in indices)

    tensors = tuple(replace(graph.tensors[at], index=new[at], name=f"t{new[at]}") for at in order)
    own = replace(
        operator,
        index=0,
        inputs=renumbered(operator.inputs),
        outputs=renumbered(operator.outputs),
        intermediates=renumbered(operator.intermediates),
    )
    inputs = tuple(at for at in dict.fromkeys(own.inputs) if at >= 0 and _is_input(tensors[at]))
    return Subgraph("layer", tensors, (own,), inputs, own.outputs)


def _is_input(tensor: Tensor) -> bool:
    return tensor.data is None and not tensor.is_variable


def joined(pieces: list[Subgraph]) -> Lowered:
    """Pieces as the steps of one network, all of whose inputs are its own."""
    tensors: list[Tensor] = []
    operators: list[Operator] = []
    for one in pieces:
        base = len(tensors)
        tensors += [replace(tensor, index=base + tensor.index) for tensor in one.tensors]

        def moved(indices: tuple[int, ...], base: int = base) -> tuple[int, ...]:
            return tuple(at + base if at >= 0 else at for at in indices)

        (operator,) = one.operators
        operators.append(
            replace(
                operator,
                index=len(operators),
                inputs=moved(operator.inputs),
                outputs=moved(operator.outputs),
                intermediates=moved(operator.intermediates),
            )
        )
    inputs = tuple(
        at
        for operator in operators
        for at in dict.fromkeys(operator.inputs)
        if at >= 0 and _is_input(tensors[at])
    )
    graph = Subgraph("layers", tuple(tensors), tuple(operators), inputs, operators[-1].outputs)
    return lowered(Model("layers", (graph,)))
