"""Examples whose results lie at halves: in which precision scales are multiplied shows here.

A product of scales is a number such as 1.25 in decimals, and not quite in single precision; every
value of int8 goes through it alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np

from tests.networks.building import Net
from tests.networks.examples import Made, Making, Variants, group

ALL = np.arange(-128, 128).astype(np.int8)
ONE = np.array([[1]], np.int8)
SCALES = 12  # triples of each operator


def _fully_connected(net: Net, a: float, b: float, out: float) -> int:
    inputs, weights = net.input((256, 1), "int8", a, 0), net.constant(ONE, b)
    output = net.tensor((256, 1), "int8", out)
    net.add("FULLY_CONNECTED", [inputs, weights, None], [output])
    return output


def _convolution(net: Net, a: float, b: float, out: float) -> int:
    inputs, weights = (
        net.input((1, 16, 16, 1), "int8", a, 0),
        net.constant(ONE.reshape(1, 1, 1, 1), b),
    )
    output = net.tensor((1, 16, 16, 1), "int8", out)
    net.add(
        "CONV_2D", [inputs, weights, None], [output], stride_h=1, stride_w=1,
        fused_activation_function="RELU6",
    )  # fmt: skip
    return output


def _batch_matmul(net: Net, a: float, b: float, out: float) -> int:
    inputs, other = net.input((256, 1), "int8", a, 0), net.constant(ONE, b)
    output = net.tensor((256, 1), "int8", out)
    net.add("BATCH_MATMUL", [inputs, other], [output])
    return output


def _svdf(net: Net, a: float, b: float, out: float) -> int:
    inputs, features = net.input((256, 1), "int8", a, 0), net.constant(ONE, b)
    times, bias = net.constant(ONE, 1.0), net.constant(np.zeros(1, np.int32), out)
    state = net.tensor((256, 1), "int8", out, is_variable=True)
    output = net.tensor((256, 1), "int8", out)
    net.add(
        "SVDF",
        [inputs, features, times, bias, state],
        [output],
        rank=1,
        fused_activation_function="RELU",
    )
    return output


def _prelu(net: Net, a: float, b: float, out: float) -> int:
    inputs, slope = net.input((256,), "int8", a, 0), net.constant(ONE[0], b)
    output = net.tensor((256,), "int8", out)
    net.add("PRELU", [inputs, slope], [output])
    return output


def _mul(net: Net, a: float, b: float, out: float) -> int:
    inputs, other = net.input((256,), "int8", a, 0), net.constant(ONE[0], b)
    output = net.tensor((256,), "int8", out)
    net.add("MUL", [inputs, other], [output])
    return output


def _sub(net: Net, a: float, b: float, out: float) -> int:
    inputs = net.input((256,), "int8", a, 0)
    other = net.constant(np.arange(256, 512).astype(np.int8), b)
    output = net.tensor((256,), "int8", out * 3)
    net.add("SUB", [inputs, other], [output])
    return output


def _unary(kind: str, **options: float) -> Callable[[Net, float, float, float], int]:
    def build(net: Net, a: float, b: float, out: float) -> int:
        inputs = net.input((256,), "int8", a * b, 0)
        output = net.tensor((256,), "int8", out)
        net.add(kind, [inputs], [output], **options)
        return output

    return build


BUILDERS = {
    "FULLY_CONNECTED": _fully_connected,
    "CONV_2D": _convolution,
    "BATCH_MATMUL": _batch_matmul,
    "SVDF": _svdf,
    "PRELU": _prelu,
    "MUL": _mul,
    "SUB": _sub,
    "RELU": _unary("RELU"),
    "LEAKY_RELU": _unary("LEAKY_RELU", alpha=0.5),
    "QUANTIZE": _unary("QUANTIZE"),
}


@group("HALVES")
def halves(_: str) -> Variants:
    def making(kind: str, scales: tuple[float, float, float]) -> Making:
        def make(net: Net) -> Made:
            output = BUILDERS[kind](net, *scales)
            shape = net.tensors[net.inputs[0]].shape
            return Made(net.model(output), inferences=[[ALL.reshape(shape)]])

        return make

    rng = random.Random(1)
    for number in range(SCALES):
        for kind in BUILDERS:
            a = rng.choice((1, 2, 3, 5, 7)) * 10.0 ** -rng.randint(1, 3)
            b = rng.choice((1, 2, 4, 8, 16)) * 10.0 ** -rng.randint(0, 2)
            out = a * b / rng.choice((0.5, 0.25, 1.25, 0.75, 1.5, 2.5, 0.625))
            yield "int8", f"{kind} {number}", making(kind, (a, b, out))
