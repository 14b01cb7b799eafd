"""Examples of several operators: a residual block, streaming networks with variables."""

from __future__ import annotations

import numpy as np

from simcore.network.graph import Model
from tests.networks.building import Net, inferences_of
from tests.networks.examples import UNIT, Example, output_scale


def networks() -> list[Example]:
    """All of them; float32 within a bound of the sums of their longest path."""
    found = []
    for type_ in ("int8", "int16", "float32"):
        model = residual(type_)
        bound = 40 * UNIT * 50 if type_ == "float32" else 0.0
        found.append(
            Example(f"residual {type_}", "RESIDUAL", type_, model, inferences_of(model, 2), bound)
        )
    for name, model, count in (
        ("streaming int8", streaming("int8"), 5),
        ("streaming float32", streaming("float32"), 5),
        ("counting int8", counting(), 4),
    ):
        type_ = name.split()[1]
        bound = 40 * UNIT * 50 if type_ == "float32" else 0.0
        found.append(Example(name, "VARIABLES", type_, model, inferences_of(model, count), bound))
    return found


def residual(type_: str) -> Model:
    """A convolution, a depthwise and a pointwise one beside a shortcut, a mean, a softmax."""
    net = Net(np.random.default_rng(5))
    is_float = type_ == "float32"
    zero = 7 if type_ == "int8" else 0
    narrow = 1 if type_ == "int8" else 1 / 256

    def scale(value: float) -> float | None:
        return None if is_float else value * narrow

    def weights(
        shape: tuple[int, ...], axis: int, terms: int, scale_in: float
    ) -> tuple[int, int, float]:
        channels = shape[axis]
        if is_float:
            values = net.weights(shape, type_) / np.float32(terms**0.5)
            return net.constant(values), net.constant(net.weights((channels,), type_)), 0.0
        scales = [float(s) for s in net.rng.uniform(0.004, 0.02, channels)]
        bias = net.rng.integers(-500, 500, channels).astype("int32" if type_ == "int8" else "int64")
        return (
            net.constant(net.weights(shape, "int8"), scales, axis=axis),
            net.constant(bias, [scale_in * s for s in scales]),
            output_scale(terms, scale_in, 0.01),
        )

    def made(shape: tuple[int, ...], value: float) -> int:
        return net.tensor(shape, type_, None if is_float else value, zero)

    scale_in = scale(0.05) or 0.0
    inputs = net.input((1, 12, 10, 3), type_, scale(0.05), zero)
    first, first_bias, scale_1 = weights((8, 3, 3, 3), 0, 27, scale_in)
    before = made((1, 6, 5, 8), scale_1)
    net.add(
        "CONV_2D",
        [inputs, first, first_bias],
        [before],
        padding="SAME",
        stride_h=2,
        stride_w=2,
        fused_activation_function="RELU6",
    )
    second, second_bias, scale_2 = weights((1, 3, 3, 8), 3, 9, scale_1)
    middle = made((1, 6, 5, 8), scale_2)
    net.add(
        "DEPTHWISE_CONV_2D",
        [before, second, second_bias],
        [middle],
        padding="SAME",
        stride_h=1,
        stride_w=1,
        depth_multiplier=1,
        fused_activation_function="RELU",
    )
    third, third_bias, scale_3 = weights((8, 1, 1, 8), 0, 8, scale_2)
    behind = made((1, 6, 5, 8), scale_3)
    net.add(
        "CONV_2D", [middle, third, third_bias], [behind], padding="SAME", stride_h=1, stride_w=1
    )
    added = made((1, 6, 5, 8), max(scale_1, scale_3) * 1.5)
    net.add("ADD", [before, behind], [added])
    mean = made((1, 8), max(scale_1, scale_3))
    net.add("MEAN", [added, net.integers(1, 2)], [mean], keep_dims=False)
    last, last_bias, scale_5 = weights((4, 8), 0, 8, max(scale_1, scale_3))
    logits = made((1, 4), scale_5)
    net.add("FULLY_CONNECTED", [mean, last, last_bias], [logits])
    ends = {"int8": (1 / 256, -128), "int16": (1 / 32768, 0), "float32": (None, 0)}[type_]
    output = net.tensor((1, 4), type_, *ends)
    net.add("SOFTMAX", [logits], [output], beta=1.0)
    return net.model(output)


def _with_setup(
    net: Net, output: int, name: str, value: int, kind: str, scale: float | None, zero: int
) -> Model:
    """The model, and a subgraph that sets a variable to a constant, which CALL_ONCE runs."""
    setup = Net(net.rng)
    shape = net.tensors[value].shape
    start = (
        setup.rng.standard_normal(shape).astype(np.float32)
        if kind == "float32"
        else setup.rng.integers(-128, 128, shape).astype(np.int8)
    )
    handle = setup.tensor((), "resource")
    held = setup.constant(start, scale, zero)
    setup.add("VAR_HANDLE", [], [handle], container="", shared_name=name)
    setup.add("ASSIGN_VARIABLE", [handle, held], [])
    return Model("made for mcusim's tests", (net.subgraph(output), setup.subgraph(name="setup")))


def streaming(type_: str) -> Model:
    """A window over the last four inputs, which a variable holds, and a layer on it."""
    net = Net(np.random.default_rng(6))
    scale, zero = (None, 0) if type_ == "float32" else (0.05, 4)
    new = net.input((1, 1, 3), type_, scale, zero)
    handle = net.tensor((), "resource")
    old = net.tensor((1, 4, 3), type_, scale, zero)
    joined = net.tensor((1, 5, 3), type_, scale, zero)
    kept = net.tensor((1, 4, 3), type_, scale, zero)
    net.add("CALL_ONCE", [], [], init_subgraph_index=1)
    net.add("VAR_HANDLE", [], [handle], container="", shared_name="window")
    net.add("READ_VARIABLE", [handle], [old])
    net.add("CONCATENATION", [old, new], [joined], axis=1)
    ends = [net.integers(*values) for values in ((0, 1, 0), (1, 5, 3), (1, 1, 1))]
    net.add(
        "STRIDED_SLICE",
        [joined, *ends],
        [kept],
        begin_mask=0,
        end_mask=0,
        shrink_axis_mask=0,
        ellipsis_mask=0,
        new_axis_mask=0,
    )
    net.add("ASSIGN_VARIABLE", [handle, kept], [])
    if type_ == "float32":
        weights = net.constant(net.weights((6, 15), type_))
        output = net.tensor((1, 6), type_)
    else:
        weights = net.constant(net.weights((6, 15), "int8"), 0.01)
        output = net.tensor((1, 6), type_, output_scale(15, 0.05, 0.01), -3)
    net.add("FULLY_CONNECTED", [joined, weights, None], [output])
    return _with_setup(net, output, "window", kept, type_, scale, zero)


def counting() -> Model:
    """Two variables, of which one is read before anything sets it: it holds its zero point."""
    net = Net(np.random.default_rng(8))
    new = net.input((2, 5), "int8", 0.05, 9)
    handles = [net.tensor((), "resource") for _ in range(2)]
    olds = [net.tensor((2, 5), "int8", 0.05, 9) for _ in range(2)]
    sums = [net.tensor((2, 5), "int8", 0.05, 9) for _ in range(2)]
    net.add("CALL_ONCE", [], [], init_subgraph_index=1)
    for handle, name in zip(handles, ("first", "second"), strict=True):
        net.add("VAR_HANDLE", [], [handle], container="", shared_name=name)
    for handle, old, total in zip(handles, olds, sums, strict=True):
        net.add("READ_VARIABLE", [handle], [old])
        net.add("ADD", [old, new], [total])
        net.add("ASSIGN_VARIABLE", [handle, total], [])
    output = net.tensor((2, 5), "int8", 0.05, 9)
    net.add("MAXIMUM", sums, [output])
    return _with_setup(net, output, "second", sums[1], "int8", 0.05, 9)
