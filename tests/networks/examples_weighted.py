"""Examples of operators with weights: convolutions, fully connected layers, matrix products."""

from __future__ import annotations

from itertools import product

import numpy as np

from tests.networks.building import Net
from tests.networks.examples import UNIT, Made, Making, Variants, group, output_scale

Form = tuple[str, str | None, bool]
Geometry = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]

#: Type of the activations, and of bias; whether weights have a scale per channel.
FORMS: tuple[Form, ...] = (
    ("int8", "int32", True),
    ("int8", "int32", False),
    ("int8", None, True),
    ("int16", "int64", True),
    ("int16", "int64", False),
    ("int16", "int32", True),
    ("int16", None, True),
    ("float32", "float32", False),
    ("float32", None, False),
)
#: Kernel, strides, dilations.
GEOMETRIES: tuple[Geometry, ...] = (
    ((3, 3), (1, 1), (1, 1)),
    ((3, 2), (2, 1), (1, 1)),
    ((1, 1), (1, 1), (1, 1)),
    ((1, 1), (2, 2), (1, 1)),
    ((2, 3), (1, 1), (2, 3)),
    ((5, 1), (3, 1), (1, 1)),
)
ACTIVATIONS = ("NONE", "RELU", "RELU6", "RELU_N1_TO_1")


def words_of(form: Form, *more: object) -> str:
    """A form in words."""
    _, bias, per_channel = form
    parts = [f"bias-{bias}" if bias else "no-bias", "per-channel" if per_channel else "per-tensor"]
    return " ".join([*parts, *(str(word) for word in more)])


def sizes_of(geometry: tuple[tuple[int, int], ...]) -> list[str]:
    """Kernel, stride and dilation in words."""
    return [f"{what}{y}x{x}" for what, (y, x) in zip("ksd", geometry, strict=False)]


def weighted(
    net: Net, form: Form, shape: tuple[int, ...], axis: int, terms: int
) -> tuple[int, int | None, float | None, tuple[float, int]]:
    """Weights and bias, the scale of the inputs, and scale and zero point of the output."""
    kind, bias, per_channel = form
    channels = shape[axis]
    if kind == "float32":
        weights = net.constant(net.weights(shape, kind))
        bias_index = net.constant(net.weights((channels,), kind)) if bias else None
        return weights, bias_index, None, (0.0, 0)
    scale_in = 0.05 if kind == "int8" else 0.0005
    scales = [float(s) for s in net.rng.uniform(0.004, 0.02, channels if per_channel else 1)]
    weights = net.constant(net.weights(shape, "int8"), scales, axis=axis)
    most = terms * 200 if kind == "int8" else terms * 50_000
    bias_index = None
    if bias:
        values = net.rng.integers(-most, most, channels).astype(bias)
        bias_index = net.constant(values, [scale_in * scale for scale in scales])
    scale_out = output_scale(terms, scale_in, 0.01)
    return weights, bias_index, scale_in, (scale_out, 11 if kind == "int8" else 0)


def bound_of(terms: int, kind: str, largest_input: float = 12.0) -> float:
    """Twice the error of a sum of so many products and a bias, each in its own rounding."""
    return 2 * (terms + 1) * UNIT * (terms * largest_input + 1) if kind == "float32" else 0.0


def _sizes(size: tuple[int, int], geometry: tuple[tuple[int, int], ...], padding: str) -> list[int]:
    result = []
    for pixels, kernel, stride, dilation in zip(size, *geometry, strict=True):
        wide = (kernel - 1) * dilation + 1
        result.append(-(-pixels // stride) if padding == "SAME" else (pixels - wide) // stride + 1)
    return result


@group("CONV_2D")
def conv_2d(kind: str) -> Variants:
    def making(
        form: Form,
        geometry: Geometry,
        padding: str,
        activation: str,
        batches: int,
        channels: int,
        filters: int,
        groups: int,
    ) -> Making:
        def make(net: Net) -> Made:
            size = (9, 8)
            kernel = geometry[0]
            terms = kernel[0] * kernel[1] * channels // groups
            shape = (filters, *kernel, channels // groups)
            weights, bias, scale, (scale_out, zero_out) = weighted(net, form, shape, 0, terms)
            inputs = net.input(
                (batches, *size, channels), form[0], scale, -3 if form[0] == "int8" else 0
            )
            out_shape = (batches, *_sizes(size, geometry, padding), filters)
            output = net.tensor(out_shape, form[0], scale_out or None, zero_out)
            options = {
                "padding": padding,
                "stride_h": geometry[1][0],
                "stride_w": geometry[1][1],
                "dilation_h_factor": geometry[2][0],
                "dilation_w_factor": geometry[2][1],
                "fused_activation_function": activation,
            }
            if form[0] == "int16" and form[1] is None:
                options["quantized_bias_type"] = "INT32" if activation == "RELU" else "INT64"
            net.add(kind, [inputs, weights, bias], [output], **options)
            return Made(net.model(output), 0.0 if groups > 1 else bound_of(terms, form[0]))

        return make

    for form, geometry, padding, activation in product(
        FORMS, GEOMETRIES, ("SAME", "VALID"), ACTIVATIONS
    ):
        words = words_of(form, *sizes_of(geometry), padding, activation)
        yield form[0], words, making(form, geometry, padding, activation, 1, 3, 5, 1)
    for form in FORMS:
        yield (
            form[0],
            words_of(form, "batch-2"),
            making(form, GEOMETRIES[0], "SAME", "NONE", 2, 4, 8, 1),
        )
        yield (
            form[0],
            words_of(form, "pointwise batch-2 c17"),
            making(form, GEOMETRIES[2], "SAME", "RELU", 2, 17, 9, 1),
        )
        yield (
            form[0],
            words_of(form, "groups-2"),
            making(form, GEOMETRIES[0], "SAME", "RELU", 1, 6, 4, 2),
        )
        yield (
            form[0],
            words_of(form, "c40"),
            making(form, GEOMETRIES[0], "VALID", "NONE", 1, 40, 3, 1),
        )


@group("DEPTHWISE_CONV_2D")
def depthwise_conv_2d(kind: str) -> Variants:
    def making(
        form: Form,
        geometry: Geometry,
        padding: str,
        activation: str,
        batches: int,
        channels: int,
        multiplier: int,
    ) -> Making:
        def make(net: Net) -> Made:
            size, kernel = (9, 8), geometry[0]
            terms, filters = kernel[0] * kernel[1], channels * multiplier
            weights, bias, scale, (scale_out, zero_out) = weighted(
                net, form, (1, *kernel, filters), 3, terms
            )
            inputs = net.input(
                (batches, *size, channels), form[0], scale, 5 if form[0] == "int8" else 0
            )
            shape = (batches, *_sizes(size, geometry, padding), filters)
            output = net.tensor(shape, form[0], scale_out or None, zero_out)
            net.add(
                kind,
                [inputs, weights, *([bias] if bias is not None else [])],
                [output],
                padding=padding,
                depth_multiplier=multiplier,
                stride_h=geometry[1][0],
                stride_w=geometry[1][1],
                fused_activation_function=activation,
                dilation_h_factor=geometry[2][0],
                dilation_w_factor=geometry[2][1],
            )
            return Made(net.model(output))

        return make

    forms = [form for form in FORMS if form[:2] != ("int16", "int32")]
    for form, geometry, padding, activation in product(
        forms, GEOMETRIES, ("SAME", "VALID"), ACTIVATIONS
    ):
        words = words_of(form, *sizes_of(geometry), padding, activation)
        yield form[0], words, making(form, geometry, padding, activation, 1, 4, 1)
    for form, (channels, multiplier) in product(forms, ((1, 8), (3, 2), (5, 1), (8, 3), (12, 1))):
        words = words_of(form, f"c{channels}", f"multiplier-{multiplier}", "batch-2")
        yield form[0], words, making(form, GEOMETRIES[0], "SAME", "RELU6", 2, channels, multiplier)


@group("TRANSPOSE_CONV")
def transpose_conv(kind: str) -> Variants:
    def making(
        form: Form,
        kernel: tuple[int, int],
        strides: tuple[int, int],
        padding: str,
        activation: str,
        batches: int,
    ) -> Making:
        def make(net: Net) -> Made:
            channels, filters, size = 3, 4, (4, 5)
            terms = -(-kernel[0] // strides[0]) * -(-kernel[1] // strides[1]) * channels
            weights, bias, scale, (scale_out, zero_out) = weighted(
                net, form, (filters, *kernel, channels), 0, terms
            )
            inputs = net.input(
                (batches, *size, channels), form[0], scale, -7 if form[0] == "int8" else 0
            )
            whole = [
                pixels * stride if padding == "SAME" else (pixels - 1) * stride + k
                for pixels, stride, k in zip(size, strides, kernel, strict=True)
            ]
            output = net.tensor((batches, *whole, filters), form[0], scale_out or None, zero_out)
            net.add(
                kind,
                [
                    net.integers(batches, *whole, filters),
                    weights,
                    inputs,
                    *([bias] if bias is not None else []),
                ],
                [output],
                padding=padding,
                stride_h=strides[0],
                stride_w=strides[1],
                fused_activation_function=activation,
            )
            return Made(net.model(output))

        return make

    forms = [form for form in FORMS if form[:2] != ("int16", "int32")] + [("int16", "int16", True)]
    shapes = (((3, 3), (2, 2)), ((2, 2), (2, 2)), ((1, 4), (1, 3)), ((3, 3), (1, 1)))
    for form, shape, padding, activation in product(
        forms, shapes, ("SAME", "VALID"), ("NONE", "RELU", "RELU6")
    ):
        words = words_of(form, *sizes_of(shape), padding, activation)
        yield (
            form[0],
            words,
            making(form, *shape, padding, activation, 1 if activation == "NONE" else 2),
        )


@group("FULLY_CONNECTED")
def fully_connected(kind: str) -> Variants:
    def making(
        form: Form,
        rows: int,
        depth: int,
        outputs: int,
        activation: str,
        weight_zero: int = 0,
        rank: int = 2,
    ) -> Making:
        def make(net: Net) -> Made:
            weights, bias, scale, (scale_out, zero_out) = weighted(
                net, form, (outputs, depth), 0, depth
            )
            if weight_zero:
                values = net.weights((outputs, depth), "int8")
                weights = net.constant(values, net.scale_of(weights), weight_zero)
            shape = (rows, depth) if rank == 2 else (1, rows, 1, depth)
            inputs = net.input(shape, form[0], scale, 9 if form[0] == "int8" else 0)
            output = net.tensor((*shape[:-1], outputs), form[0], scale_out or None, zero_out)
            options = {"fused_activation_function": activation, "keep_num_dims": rank > 2}
            if form[0] == "int16" and form[1] is None and activation == "RELU":
                options["quantized_bias_type"] = "INT32"
            net.add(kind, [inputs, weights, bias], [output], **options)
            return Made(net.model(output), bound_of(depth, form[0]))

        return make

    for form, (rows, depth, outputs), activation in product(
        FORMS, ((1, 16, 10), (1, 7, 5), (3, 9, 4), (9, 20, 6), (1, 1, 1)), ACTIVATIONS
    ):
        yield (
            form[0],
            words_of(form, f"{rows}x{depth}x{outputs}", activation),
            making(form, rows, depth, outputs, activation),
        )
    for form in FORMS:
        yield form[0], words_of(form, "rank-4"), making(form, 2, 12, 7, "RELU", 0, 4)
        yield form[0], words_of(form, "long"), making(form, 1, 700, 6, "NONE")
    for form in (FORMS[1], FORMS[4]):
        yield form[0], words_of(form, "weights-with-zero-point"), making(form, 2, 15, 6, "RELU", 4)


@group("BATCH_MATMUL")
def batch_matmul(kind: str) -> Variants:
    def making(
        type_: str, left: tuple[int, ...], right: tuple[int, ...], adj_x: bool, adj_y: bool
    ) -> Making:
        def make(net: Net) -> Made:
            scales = (0.05, 0.02) if type_ != "float32" else (None, None)
            zeros = (4, -6) if type_ == "int8" else (0, 0)
            a = net.input(left, type_, scales[0], zeros[0])
            b = net.input(right, type_, scales[1], zeros[1])
            rows, depth = left[-2:][::-1] if adj_x else left[-2:]
            columns = right[-2] if adj_y else right[-1]
            batches = np.broadcast_shapes(left[:-2], right[:-2])
            scale = (
                None
                if type_ == "float32"
                else output_scale(depth, 0.05, 0.02) * (1 if type_ == "int8" else 256)
            )
            output = net.tensor(
                (*batches, rows, columns), type_, scale, 3 if type_ == "int8" else 0
            )
            net.add(kind, [a, b], [output], adj_x=adj_x, adj_y=adj_y)
            return Made(net.model(output))

        return make

    shapes = (
        ((3, 5), (5, 4)),
        ((2, 3, 5), (2, 5, 4)),
        ((2, 3, 5), (5, 4)),
        ((1, 2, 3, 5), (3, 1, 5, 4)),
    )
    for type_, (left, right), adj_x, adj_y in product(
        ("int8", "int16", "float32"), shapes, (False, True), (False, True)
    ):
        left = (*left[:-2], *left[-2:][::-1]) if adj_x else left
        right = (*right[:-2], *right[-2:][::-1]) if adj_y else right
        words = f"{left} {right}{' adj-x' * adj_x}{' adj-y' * adj_y}"
        yield type_, words, making(type_, left, right, adj_x, adj_y)


@group("HYBRID")
def hybrid(_: str) -> Variants:
    """What neither side runs: float32 inputs with int8 weights."""

    def making(kind: str) -> Making:
        def make(net: Net) -> Made:
            is_convolution = kind != "FULLY_CONNECTED"
            shape = (1, 4, 4, 2) if is_convolution else (1, 16)
            weights = {"CONV_2D": (3, 1, 1, 2), "DEPTHWISE_CONV_2D": (1, 1, 1, 2)}.get(
                kind, (3, 16)
            )
            inputs = net.input(shape, "float32")
            held = net.constant(net.weights(weights, "int8"), 0.01)
            to = (1, 4, 4, weights[0] if kind == "CONV_2D" else 2) if is_convolution else (1, 3)
            output = net.tensor(to, "float32")
            strides = {"stride_h": 1, "stride_w": 1} if is_convolution else {}
            net.add(kind, [inputs, held], [output], **strides)
            return Made(net.model(output))

        return make

    for kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
        yield "float32", f"{kind} with int8 weights", making(kind)
