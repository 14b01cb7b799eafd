"""ADD, SUB, MUL, MAXIMUM, MINIMUM and PRELU: two inputs, either repeated where shapes ask for it.

TFLM: tensorflow/lite/micro/kernels/add_common.cc, sub_common.cc, mul_common.cc, maximum_minimum.cc,
prelu_common.cc.
"""

from __future__ import annotations

from collections.abc import Callable

from simcore.network.graph import Tensor
from simcore.network.lowering import KernelCall
from simcore.network.prepare import scales
from simcore.network.prepare.node import OperatorNode, steps_of, walk, words
from simcore.network.prepare.pooling import SUFFIX

IN_PLACE = {2: 0}


def broadcast(node: OperatorNode, first: Tensor, second: Tensor, output: Tensor) -> list[list[int]]:
    """Sizes of the output, and the steps of both inputs, 0 along an axis on which one repeats."""
    rank = max(len(first.shape), len(second.shape))
    shapes = [(1,) * (rank - len(tensor.shape)) + tensor.shape for tensor in (first, second)]
    sizes = [max(pair) for pair in zip(*shapes, strict=True)]
    if any(
        size not in (1, whole) for shape in shapes for size, whole in zip(shape, sizes, strict=True)
    ):
        node.refuse(f"shapes {list(first.shape)} and {list(second.shape)} do not go together")
    node.shape_is(output, sizes)
    steps = [
        [0 if size == 1 else step for size, step in zip(shape, steps_of(shape), strict=True)]
        for shape in shapes
    ]
    return walk(node, sizes, *steps)


def _binary(node: OperatorNode, kinds: tuple[str, ...]) -> tuple[Tensor, Tensor, Tensor, str]:
    first, second, output = node.input(0), node.input(1), node.output()
    kind = node.kind_of(first, kinds)
    node.same_kind(first, second, output)
    return first, second, output, kind


def _call(
    name: str, params: tuple[int, ...], first: Tensor, second: Tensor, output: Tensor
) -> KernelCall:
    whole = [
        place
        for place, one in enumerate((first, second))
        if one.shape == output.shape and one.type == output.type
    ]
    in_place = {2: whole[0]} if whole else {}
    return KernelCall(
        name,
        params,
        (first.index, second.index, output.index),
        ops=output.elements,
        in_place=in_place,
    )


def _unquantized(
    node: OperatorNode, name: str, limits: Callable[[], tuple[float, float]]
) -> KernelCall:
    first, second, output, kind = _binary(node, ("int32", "float32"))
    shape = broadcast(node, first, second, output)
    return _call(f"op_{name}_{SUFFIX[kind]}", words(*shape, limits()), first, second, output)


def _integer_limits(node: OperatorNode) -> tuple[int, int]:
    low, high = scales.LIMITS["int32"]
    real_low, real_high = scales.ACTIVATIONS[node.activation()]
    return (
        low if real_low is None else int(real_low),
        high if real_high is None else int(real_high),
    )


def add_or_sub(node: OperatorNode) -> KernelCall:
    """Sums and differences."""
    first, second, output, kind = _binary(node, ("int8", "int16", "int32", "float32"))
    is_sum = node.operator.kind == "ADD"
    name = "add" if is_sum else "sub"
    if kind == "float32":
        return _unquantized(node, name, lambda: scales.real_limits(node.activation()))
    if kind == "int32":  # TFLM's ADD has no activation for int32
        if is_sum and node.activation() != "NONE":
            node.refuse("int32 with a fused activation, which TFLM's kernel leaves out")
        return _unquantized(node, name, lambda: _integer_limits(node))
    scale1, scale2, scale_out = node.scale(first), node.scale(second), node.scale(output)
    left_shift = 20 if kind == "int8" else 15
    twice = 2 * max(scale1, scale2)
    reals = [scale1 / twice, scale2 / twice, twice / ((1 << left_shift) * scale_out)]
    pairs = [node.multiplier_below_one(real) for real in reals]
    layer = words(
        -node.zero_point(first), pairs[0], -node.zero_point(second), pairs[1],
        node.zero_point(output), pairs[2], node.quantized_limits(output, node.activation()),
    )  # fmt: skip
    if is_sum and kind == "int8" and first.shape == second.shape:
        node.shape_is(output, first.shape)
        return KernelCall(
            "op_add_s8", words(output.elements, layer), (first.index, second.index, output.index),
            ops=output.elements, is_optimised=True, in_place=dict(IN_PLACE),
        )  # fmt: skip
    shape = broadcast(node, first, second, output)
    params = words(*shape, layer, left_shift, 1 if is_sum else -1)
    return _call(f"op_sum_{SUFFIX[kind]}", params, first, second, output)


def mul(node: OperatorNode) -> KernelCall:
    """Products."""
    first, second, output, kind = _binary(node, ("int8", "int16", "int32", "float32"))
    if kind == "float32":
        return _unquantized(node, "mul", lambda: scales.real_limits(node.activation()))
    if kind == "int32":
        return _unquantized(node, "mul", lambda: _integer_limits(node))
    if kind == "int16":
        node.no_zero_point(first, second, output)
    pair = node.multiplier(node.scale(first) * node.scale(second) / node.scale(output))
    layer = words(
        -node.zero_point(first), -node.zero_point(second), node.zero_point(output), pair,
        node.quantized_limits(output, node.activation()),
    )  # fmt: skip
    if kind == "int8" and first.shape == second.shape:
        node.shape_is(output, first.shape)
        return KernelCall(
            "op_mul_s8", words(output.elements, layer), (first.index, second.index, output.index),
            ops=output.elements, is_optimised=True, in_place=dict(IN_PLACE),
        )  # fmt: skip
    shape = broadcast(node, first, second, output)
    return _call(f"op_product_{SUFFIX[kind]}", words(*shape, layer), first, second, output)


def choice(node: OperatorNode) -> KernelCall:
    """The larger or the smaller of two; TFLM compares quantized values as they are."""
    first, second, output, kind = _binary(node, ("int8", "int16", "int32", "float32"))
    shape = broadcast(node, first, second, output)
    params = words(*shape, node.operator.kind == "MAXIMUM")
    return _call(f"op_choice_{SUFFIX[kind]}", params, first, second, output)


def prelu(node: OperatorNode) -> KernelCall:
    """Negative inputs times a slope."""
    inputs, slope, output = node.input(0), node.input(1), node.output()
    kind = node.kind_of(inputs, ("int8", "int16", "float32"))
    node.same_kind(inputs, output)
    node.kind_of(slope, ("float32",) if kind == "float32" else ("int8",))
    shape = broadcast(node, inputs, slope, output)
    if kind == "float32":
        return _call("op_prelu_f32", words(*shape, 0, 0), inputs, slope, output)
    scale_in, scale_out = node.scale(inputs), node.scale(output)
    pairs = [
        node.multiplier(scale_in / scale_out),
        node.multiplier(scale_in * node.scale(slope) / scale_out),
    ]
    params = words(
        *shape, -node.zero_point(inputs), -node.zero_point(slope), node.zero_point(output), *pairs,
        scales.LIMITS[kind],
    )  # fmt: skip
    return _call(f"op_prelu_{SUFFIX[kind]}", params, inputs, slope, output)
