"""Examples of pools, reductions, arithmetic and functions of one value."""

from __future__ import annotations

from itertools import product

import numpy as np

from tests.networks.building import Net
from tests.networks.examples import UNIT, Made, Making, Variants, group

TYPES = ("int8", "int16", "float32")
ACTIVATIONS = ("NONE", "RELU", "RELU6", "RELU_N1_TO_1")


def _quantized(type_: str, scale: float) -> float | None:
    return {"int8": scale, "int16": scale / 256}.get(type_)


def _zero(type_: str, zero_point: int) -> int:
    return zero_point if type_ == "int8" else 0


@group("AVERAGE_POOL_2D", "MAX_POOL_2D")
def pools(kind: str) -> Variants:
    def making(
        type_: str,
        window: tuple[int, int],
        strides: tuple[int, int],
        padding: str,
        activation: str,
        batches: int,
        channels: int,
    ) -> Making:
        def make(net: Net) -> Made:
            size = (7, 9)
            scale, zero = _quantized(type_, 0.06), _zero(type_, -10)
            inputs = net.input((batches, *size, channels), type_, scale, zero)
            shape = [
                -(-pixels // stride) if padding == "SAME" else (pixels - k) // stride + 1
                for pixels, k, stride in zip(size, window, strides, strict=True)
            ]
            output = net.tensor((batches, *shape, channels), type_, scale, zero)
            net.add(
                kind,
                [inputs],
                [output],
                padding=padding,
                stride_h=strides[0],
                stride_w=strides[1],
                filter_height=window[0],
                filter_width=window[1],
                fused_activation_function=activation,
            )
            return Made(net.model(output))

        return make

    shapes = (
        ((2, 2), (2, 2)),
        ((3, 3), (1, 1)),
        ((3, 2), (2, 1)),
        ((7, 9), (1, 1)),
        ((1, 1), (2, 3)),
    )
    for type_, (window, strides), padding, activation, channels in product(
        TYPES, shapes, ("SAME", "VALID"), ACTIVATIONS, (3, 8)
    ):
        words = f"{window} {strides} {padding} {activation} c{channels}"
        yield (
            type_,
            words,
            making(
                type_, window, strides, padding, activation, 2 if channels == 3 else 1, channels
            ),
        )


@group("MEAN", "SUM")
def reductions(kind: str) -> Variants:
    def making(type_: str, shape: tuple[int, ...], axes: tuple[int, ...], keep: bool) -> Making:
        def make(net: Net) -> Made:
            inputs = net.input(shape, type_, _quantized(type_, 0.05), _zero(type_, 17))
            all_axes = {axis % len(shape) for axis in axes}
            kept = [1 if axis in all_axes else size for axis, size in enumerate(shape)]
            terms = int(np.prod([shape[axis] for axis in all_axes]))
            out = (
                kept if keep else [kept[axis] for axis in range(len(shape)) if axis not in all_axes]
            )
            scale = _quantized(type_, 0.011 * (1 if kind == "MEAN" else terms**0.5 * 5))
            output = net.tensor(out, type_, scale, _zero(type_, -4))
            net.add(kind, [inputs, net.integers(*axes)], [output], keep_dims=keep)
            return Made(net.model(output))

        return make

    shapes = (
        ((1, 5, 6, 7), (1, 2)),
        ((2, 5, 6, 7), (2, 1)),
        ((1, 5, 6, 7), (3,)),
        ((2, 3, 4), (-1,)),
        ((2, 3, 4), (0,)),
        ((3, 8), (0, 1)),
        ((2, 3, 2, 3), (0, 2)),
        ((1, 4, 4, 16), (1, 2)),
        ((6, 5), (1, 1)),
    )
    for type_, (shape, axes), keep in product(TYPES, shapes, (True, False)):
        yield type_, f"{shape} {axes}{' keep-dims' * keep}", making(type_, shape, axes, keep)


@group("ARG_MAX", "ARG_MIN")
def arguments(kind: str) -> Variants:
    def making(type_: str, shape: tuple[int, ...], axis: int) -> Making:
        def make(net: Net) -> Made:
            inputs = net.input(shape, type_, _quantized(type_, 0.1), 0)
            place = axis % len(shape)
            output = net.tensor((*shape[:place], *shape[place + 1 :]), "int32")
            net.add(kind, [inputs, net.integers(axis)], [output], output_type="INT32")
            return Made(net.model(output))

        return make

    for type_, shape, axis in product(TYPES, ((10,), (3, 7), (2, 3, 4, 5)), (0, -1)):
        yield type_, f"{shape} axis {axis}", making(type_, shape, axis)


SHAPES = (
    ((2, 5, 3), (2, 5, 3)),
    ((1, 37), (1, 37)),
    ((2, 3, 4, 5), (5,)),
    ((4, 1, 3), (1, 6, 1)),
    ((3, 4), ()),
    ((1,), (2, 7)),
    ((2, 3, 1, 5), (3, 4, 1)),
)


@group("ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "PRELU")
def binaries(kind: str) -> Variants:
    is_arithmetic = kind in ("ADD", "SUB", "MUL")

    def making(
        type_: str,
        first: tuple[int, ...],
        second: tuple[int, ...],
        activation: str,
        scales: tuple[float, float, float],
        zeros: tuple[int, int, int],
    ) -> Making:
        def make(net: Net) -> Made:
            quantized = type_ in ("int8", "int16")
            scale = [_quantized(type_, value) if quantized else None for value in scales]
            zero = [_zero(type_, value) for value in zeros]
            if kind in ("MAXIMUM", "MINIMUM"):
                scale, zero = [scale[0]] * 3, [zero[0]] * 3
            a = net.input(first, type_, scale[0], zero[0])
            if kind == "PRELU":
                slope_type = "float32" if type_ == "float32" else "int8"
                b = net.constant(
                    net.weights(second, slope_type), 0.01 if quantized else None, _zero(type_, 3)
                )
            else:
                b = net.input(second, type_, scale[1], zero[1])
            if kind == "MUL" and scale[2] is not None:
                scale[2] = scale[0] * scale[1] * (60 if type_ == "int8" else 12_000)  # type: ignore[operator]
            output = net.tensor(np.broadcast_shapes(first, second), type_, scale[2], zero[2])
            options = {"fused_activation_function": activation} if is_arithmetic else {}
            net.add(kind, [a, b], [output], **options)
            return Made(net.model(output))

        return make

    types = (*TYPES, "int32") if kind != "PRELU" else TYPES
    activations = ACTIVATIONS if is_arithmetic else ("NONE",)
    parameters = (((0.05, 0.03, 0.07), (3, -5, 9)), ((0.02, 0.3, 0.29), (-128, 127, 0)))
    for type_, (first, second), activation, (number, (scales, zeros)) in product(
        types, SHAPES, activations, enumerate(parameters)
    ):
        if kind == "PRELU" and len(second) > len(first):
            continue
        yield (
            type_,
            f"{first} {second} {activation} scales-{number}",
            making(type_, first, second, activation, scales, zeros),
        )


ALL_VALUES = {"int8": np.arange(-128, 128), "int16": np.arange(-32768, 32768)}


@group("RELU", "RELU6", "LEAKY_RELU", "HARD_SWISH", "LOGISTIC", "TANH")
def unaries(kind: str) -> Variants:
    """Integers: every value of the type, in one tensor."""

    def making(
        type_: str,
        scale_in: float,
        zero_in: int,
        scale_out: float,
        zero_out: int,
        options: dict[str, float],
    ) -> Making:
        def make(net: Net) -> Made:
            bound = 0.0
            if type_ == "float32":
                inputs, output = net.input((3, 67), type_), net.tensor((3, 67), type_)
                if kind in ("LOGISTIC", "TANH"):
                    bound = 8 * UNIT  # three roundings, and exp() or tanh() of two libraries
                values = net.rng.standard_normal((3, 67)).astype(np.float32) * 6
            else:
                values = ALL_VALUES[type_].astype(type_)
                inputs = net.input(values.shape, type_, scale_in, zero_in)
                output = net.tensor(values.shape, type_, scale_out, zero_out)
            net.add(kind, [inputs], [output], **options)
            return Made(net.model(output), bound, [[values]])

        return make

    outs: dict[str, dict[str, tuple[float, int]]] = {
        "LOGISTIC": {"int8": (1 / 256, -128), "int16": (1 / 32768, 0)},
        "TANH": {"int8": (1 / 128, 0), "int16": (1 / 32768, 0)},
    }
    options: list[dict[str, float]] = [{}]
    if kind == "LEAKY_RELU":
        options = [{"alpha": 0.1}, {"alpha": 0.7}, {"alpha": -0.2}]
    for option in options:
        words = " ".join(f"{name} {value}" for name, value in option.items())
        yield "float32", words, making("float32", 0, 0, 0, 0, option)
        for scale, zero in product((0.002, 0.0078125, 0.03, 0.06251, 0.11, 0.9), (-128, -5, 0, 40)):
            out = outs.get(kind, {}).get(
                "int8", (scale * 0.8, 7) if kind != "RELU6" else (scale, zero)
            )
            yield (
                "int8",
                f"{words} {scale} {zero}".strip(),
                making("int8", scale, zero, *out, option),
            )
        if kind == "RELU":
            yield "int8", "same scale", making("int8", 0.05, -9, 0.05, -9, option)
        for scale in (2.0**-12, 2.0**-11, 0.0001, 0.0007, 0.0021, 0.00021, 0.0024):
            out = outs.get(kind, {}).get("int16", (scale * 0.8 if kind != "RELU6" else scale, 0))
            yield "int16", f"{words} {scale}".strip(), making("int16", scale, 0, *out, option)
        if kind == "RELU":
            yield "int16", "same scale", making("int16", 0.0005, 0, 0.0005, 0, option)


@group("SOFTMAX")
def softmax(kind: str) -> Variants:
    def making(
        type_: str, to: str, shape: tuple[int, ...], scale: float | None, beta: float
    ) -> Making:
        def make(net: Net) -> Made:
            inputs = net.input(shape, type_, scale, 13 if type_ == "int8" else 0)
            out = {"int8": (1 / 256, -128), "int16": (1 / 32768, 0), "float32": (None, 0)}[to]
            if type_ == "int8" and to == "int16":
                out = (1 / 65536, -32768)
            output = net.tensor(shape, to, *out)
            net.add(kind, [inputs], [output], beta=beta)
            # an error of the exponent's argument, of both exp(), of the sum and of the quotient
            bound = (shape[-1] + 40 * beta + 8) * UNIT if to == "float32" else 0.0
            return Made(net.model(output), bound)

        return make

    shapes = ((1, 10), (1, 2), (3, 5), (2, 3, 4, 7), (1, 200), (12,))
    for shape, beta in product(shapes, (1.0, 0.5)):
        yield "float32", f"{shape} beta {beta}", making("float32", "float32", shape, None, beta)
        for scale in (0.004, 0.06, 0.3, 2.0):
            for to in ("int8", "int16"):
                yield (
                    "int8",
                    f"{shape} to {to} {scale} beta {beta}",
                    making("int8", to, shape, scale, beta),
                )
            yield (
                "int16",
                f"{shape} {scale / 128} beta {beta}",
                making("int16", "int16", shape, scale / 128, beta),
            )


@group("QUANTIZE")
def quantize(kind: str) -> Variants:
    def making(
        type_: str, to: str, scale_in: float, zero_in: int, scale_out: float, zero_out: int
    ) -> Making:
        def make(net: Net) -> Made:
            inputs = net.input((3, 50), type_, None if type_ == "float32" else scale_in, zero_in)
            output = net.tensor((3, 50), to, scale_out, zero_out)
            net.add(kind, [inputs], [output])
            return Made(net.model(output))

        return make

    pairs = [
        ("float32", "int8"),
        ("float32", "int16"),
        ("float32", "uint8"),
        ("int8", "int8"),
        ("int8", "uint8"),
        ("int8", "int16"),
        ("int8", "int32"),
        ("uint8", "int8"),
        ("int16", "int8"),
        ("int16", "int16"),
        ("int16", "int32"),
        ("int32", "int8"),
        ("int32", "int16"),
        ("uint8", "uint8"),
        ("int32", "int32"),
    ]
    unit = {"float32": 1.0, "int8": 0.07, "uint8": 0.07, "int16": 0.0003, "int32": 1e-5}
    zero = {"int8": -9, "uint8": 120}
    for (type_, to), factor in product(pairs, (1.0, 0.31, 3.3)):
        words = f"to {to} x{factor}"
        yield (
            type_,
            words,
            making(type_, to, unit[type_], zero.get(type_, 0), unit[to] * factor, zero.get(to, 0)),
        )
    yield "int8", "to uint8 same scale", making("int8", "uint8", 0.05, 0, 0.05, 128)
    yield "uint8", "to int8 same scale", making("uint8", "int8", 0.05, 128, 0.05, 0)


@group("DEQUANTIZE")
def dequantize(kind: str) -> Variants:
    def making(type_: str, scale: float | None, zero: int) -> Making:
        def make(net: Net) -> Made:
            inputs = net.input((3, 70), type_, scale, zero)
            output = net.tensor((3, 70), "float32")
            net.add(kind, [inputs], [output])
            return Made(net.model(output))

        return make

    for type_, scale in product(("int8", "uint8", "int16", "int32"), (0.1, 0.00317, 2.0)):
        yield type_, f"{scale}", making(type_, scale, {"int8": -30, "uint8": 99}.get(type_, 0))


@group("CAST")
def cast(kind: str) -> Variants:
    def making(type_: str, to: str) -> Making:
        def make(net: Net) -> Made:
            inputs, output = net.input((4, 9), type_), net.tensor((4, 9), to)
            net.add(kind, [inputs], [output])
            return Made(net.model(output))

        return make

    for type_, to in product(
        ("int8", "int16", "int32", "float32", "bool"), ("int8", "int16", "int32", "float32")
    ):
        yield type_, f"to {to}", making(type_, to)
