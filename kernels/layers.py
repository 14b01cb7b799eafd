"""Makes a program's data as C: weights, input and the output that the reference expects.

Everything comes from a seeded generator and integer arithmetic, so the text is the same on every
machine. Weights and inputs spread over all of int8; scales are chosen so that outputs spread over
int8 too, with a few at both ends of the activation range.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass

from generator import flash_data
from mixed_reference import mixed_run
from reference import (
    Convolution,
    Quantization,
    conv2d,
    depthwise_conv2d,
    fully_connected,
    quantize_multiplier,
)
from sha2_tables import sha2_tables

VALUE_SPREAD = 74.0  # standard deviation of a uniform int8
OUTPUT_SPREAD = 45.0  # wanted of the outputs: about 1 in 200 saturates
BIAS_LIMIT = 20000
VALUES_PER_LINE = 24
MADE_BY = "/* Made by kernels/layers.py. */"


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer with its values; kind is the kernel's name and that of its struct."""

    kind: str
    fields: dict[str, int]  # the struct's shape members
    scales: Quantization
    macs: int
    inputs: Sequence[int]
    weights: Sequence[int]
    bias: Sequence[int]
    expected: Sequence[int]


def quantization(
    generator: random.Random,
    size: int,
    channels: int,
    output_spread: float = OUTPUT_SPREAD,
    offsets: tuple[int, int] = (5, -11),
    activation: tuple[int, int] = (-128, 120),
) -> Quantization:
    """Scales for dot products of size random terms, different for every channel."""
    spread = VALUE_SPREAD * VALUE_SPREAD * size**0.5
    pairs = [
        quantize_multiplier(output_spread / spread * generator.uniform(0.5, 1.5))
        for _ in range(channels)
    ]
    return Quantization(
        input_offset=offsets[0],
        output_offset=offsets[1],
        activation_min=activation[0],
        activation_max=activation[1],
        multipliers=tuple(multiplier for multiplier, _ in pairs),
        shifts=tuple(shift for _, shift in pairs),
    )


def int8_values(generator: random.Random, count: int, low: int = -127) -> list[int]:
    """Random int8 values; weights never hold -128, as the specification asks."""
    return [generator.randint(low, 127) for _ in range(count)]


def conv2d_layer(generator: random.Random, shape: Convolution, scales: Quantization) -> Layer:
    """A convolution with random values."""
    size = shape.kernel_height * shape.kernel_width * shape.input_channels
    pixels = shape.output_height * shape.output_width
    inputs = int8_values(
        generator, shape.input_height * shape.input_width * shape.input_channels, -128
    )
    weights = int8_values(generator, shape.output_channels * size)
    bias = [generator.randint(-BIAS_LIMIT, BIAS_LIMIT) for _ in range(shape.output_channels)]
    expected = conv2d(shape, scales, inputs, weights, bias)
    macs = pixels * shape.output_channels * size
    return Layer("conv2d_s8", asdict(shape), scales, macs, inputs, weights, bias, expected)


def depthwise_conv2d_layer(
    generator: random.Random, shape: Convolution, scales: Quantization
) -> Layer:
    """A depthwise convolution, channel multiplier 1, with random values."""
    channels, taps = shape.input_channels, shape.kernel_height * shape.kernel_width
    inputs = int8_values(generator, shape.input_height * shape.input_width * channels, -128)
    weights = int8_values(generator, taps * channels)
    bias = [generator.randint(-BIAS_LIMIT, BIAS_LIMIT) for _ in range(channels)]
    expected = depthwise_conv2d(shape, scales, inputs, weights, bias)
    macs = shape.output_height * shape.output_width * channels * taps
    fields = {"channel_multiplier": 1, **asdict(shape)}
    del fields["output_channels"]
    return Layer("depthwise_conv2d_s8", fields, scales, macs, inputs, weights, bias, expected)


def fully_connected_layer(
    generator: random.Random, inputs_count: int, outputs_count: int, scales: Quantization
) -> Layer:
    """A fully connected layer with random values."""
    inputs = int8_values(generator, inputs_count, -128)
    weights = int8_values(generator, outputs_count * inputs_count)
    bias = [generator.randint(-BIAS_LIMIT, BIAS_LIMIT) for _ in range(outputs_count)]
    expected = fully_connected(scales, inputs, weights, bias)
    fields = {"inputs": inputs_count, "outputs": outputs_count}
    macs = inputs_count * outputs_count
    return Layer("fully_connected_s8", fields, scales, macs, inputs, weights, bias, expected)


def c_array(kind: str, name: str, values: Sequence[int]) -> str:
    """An aligned constant array: whole words and cache lines from its start."""
    lines = [
        "    " + " ".join(f"{value}," for value in values[i : i + VALUES_PER_LINE])
        for i in range(0, len(values), VALUES_PER_LINE)
    ]
    body = "\n".join(lines)
    attribute = "__attribute__((aligned(32)))"
    return f"static const {kind} {name}[{len(values)}] {attribute} = {{\n{body}\n}};\n"


def c_layer(layer: Layer, suffix: str = "") -> str:
    """The layer's struct and arrays, each name with the suffix."""
    scales = layer.scales
    offsets = [
        ("input_offset", scales.input_offset),
        ("output_offset", scales.output_offset),
        ("activation_min", scales.activation_min),
        ("activation_max", scales.activation_max),
    ]
    fields: Iterable[tuple[str, int]] = [*layer.fields.items(), *offsets]
    members = "".join(f"    .{name} = {value},\n" for name, value in fields)
    parts = [
        f"static const struct {layer.kind} layer{suffix} = {{\n{members}}};\n",
        c_array("int8_t", f"weights{suffix}", layer.weights),
        c_array("int32_t", f"bias{suffix}", layer.bias),
        c_array("int32_t", f"multipliers{suffix}", scales.multipliers),
        c_array("int32_t", f"shifts{suffix}", scales.shifts),
        c_array("int8_t", f"input_values{suffix}", layer.inputs),
        c_array("int8_t", f"expected{suffix}", layer.expected),
    ]
    return "\n".join(parts)


def one_layer(layer: Layer) -> str:
    """The data file of a program that runs one layer."""
    macs = f"enum {{ LAYER_MACS = {layer.macs} }};\n"
    return "\n".join([MADE_BY, f'#include "{layer.kind}.h"\n', macs, c_layer(layer)])


def make_conv2d(height: int, width: int, channels: int, filters: int, kernel: int) -> str:
    """A square convolution with stride 1 and same padding."""
    generator = random.Random(f"conv2d {height} {width} {channels} {filters} {kernel}")
    pad = (kernel - 1) // 2
    shape = Convolution(
        height, width, channels, height, width, filters, kernel, kernel,
        padding_top=pad, padding_left=pad,
    )  # fmt: skip
    scales = quantization(generator, kernel * kernel * channels, filters)
    return one_layer(conv2d_layer(generator, shape, scales))


def make_depthwise_conv2d(height: int, width: int, channels: int, kernel: int) -> str:
    """A depthwise convolution with stride 1 and same padding."""
    generator = random.Random(f"depthwise_conv2d {height} {width} {channels} {kernel}")
    pad = (kernel - 1) // 2
    shape = Convolution(
        height, width, channels, height, width, channels, kernel, kernel,
        padding_top=pad, padding_left=pad,
    )  # fmt: skip
    scales = quantization(generator, kernel * kernel, channels)
    return one_layer(depthwise_conv2d_layer(generator, shape, scales))


def make_fully_connected(inputs: int, outputs: int) -> str:
    """A fully connected layer."""
    generator = random.Random(f"fully_connected {inputs} {outputs}")
    scales = quantization(generator, inputs, outputs)
    return one_layer(fully_connected_layer(generator, inputs, outputs, scales))


# Shapes that reach every tail and border of the kernels.
CONVOLUTIONS = (
    Convolution(5, 4, 3, 3, 2, 5, 3, 3, 2, 2, padding_top=1, padding_left=0),
    Convolution(3, 3, 6, 3, 3, 7, 1, 1),
    Convolution(9, 9, 1, 5, 5, 2, 3, 3, dilation_height=2, dilation_width=2),
    Convolution(1, 1, 4, 1, 1, 2, 3, 3, padding_top=1, padding_left=1),
    Convolution(4, 7, 8, 2, 3, 3, 1, 1, 3, 3),
    Convolution(6, 5, 5, 6, 5, 1, 5, 3, padding_top=2, padding_left=1),
    Convolution(3, 3, 2, 9, 9, 4, 3, 3, padding_top=4, padding_left=4),
)
FULLY_CONNECTED = ((1, 1), (3, 4), (7, 5), (64, 6), (33, 11))
# Output spread, zero points, activation: saturating both ways with a scale above one for small
# layers, extreme zero points, a fused ReLU, a range of one value.
SCALES: tuple[tuple[float, tuple[int, int], tuple[int, int]], ...] = (
    (45.0, (5, -11), (-128, 127)),
    (40000.0, (128, 127), (-128, 127)),
    (0.4, (-127, -128), (-128, 127)),
    (90.0, (0, 3), (3, 100)),
    (45.0, (1, 0), (7, 7)),
)


def make_shapes(seed: int) -> str:
    """Many small layers for tests/firmware/nn_shapes.c."""
    generator = random.Random(f"shapes {seed}")
    layers = []
    for spread, offsets, activation in SCALES:
        for shape in CONVOLUTIONS:
            size = shape.kernel_height * shape.kernel_width * shape.input_channels
            scales = quantization(
                generator, size, shape.output_channels, spread, offsets, activation
            )
            layers.append(conv2d_layer(generator, shape, scales))
        for inputs, outputs in FULLY_CONNECTED:
            scales = quantization(generator, inputs, outputs, spread, offsets, activation)
            layers.append(fully_connected_layer(generator, inputs, outputs, scales))
    layers.sort(key=lambda layer: layer.kind)
    parts = [MADE_BY, '#include "conv2d_s8.h"\n#include "fully_connected_s8.h"\n']
    parts += [c_layer(layer, f"_{i}") for i, layer in enumerate(layers)]
    for kind in ("conv2d_s8", "fully_connected_s8"):
        cases = [f"CASE({i})" for i, layer in enumerate(layers) if layer.kind == kind]
        parts.append(f"#define {kind.upper()}_CASES {', '.join(cases)}\n")
    return "\n".join(parts)


def make_mixed(seeds: int) -> str:
    """The checksums of the mixed workload for seeds from 0 on."""
    values = ", ".join(str(mixed_run(seed)) for seed in range(seeds))
    return (
        f"{MADE_BY}\n#include <stdint.h>\n\nenum {{ SEEDS = {seeds} }};\n"
        f"static const uint32_t expected_checksums[SEEDS] = {{{values}}};\n"
    )


MAKERS: dict[str, Callable[..., str]] = {
    "conv2d_s8": make_conv2d,  # height width channels filters kernel
    "depthwise_conv2d_s8": make_depthwise_conv2d,  # height width channels kernel
    "fully_connected_s8": make_fully_connected,  # inputs outputs
    "shapes": make_shapes,  # seed
    "mixed": make_mixed,  # seeds
    "nn": flash_data,
    "sha2": sha2_tables,
}


def main() -> None:
    """Prints the data that the arguments describe."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=MAKERS)
    parser.add_argument("size", type=int, nargs="*", help="as the kind's function takes it")
    arguments = parser.parse_args()
    print(MAKERS[arguments.kind](*arguments.size), end="")


if __name__ == "__main__":
    main()
