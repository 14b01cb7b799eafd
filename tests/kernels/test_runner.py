"""nn.elf as a program: its random values, what it prints and dumps, placements, errors."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from kernels import generator
from simcore.costs.op_tables import OpCosts
from tests.integration.programs import RUNNERS
from tests.kernels import reference_nn as ref
from tests.kernels.runner import (
    INPUT_ZERO,
    OUTPUT_ZERO,
    fnv1a,
    numbers,
    read_dump,
    run,
    run_all,
)

Array = npt.NDArray[Any]
CHANNELS = 6
LINE = 32  # in a list, each command's weights and constants begin at a multiple of it


def scales_of(tensors: dict[str, Array], size: int, first: int) -> ref.Scales:
    """Checks the constants of the channels from the first one on against the generator."""
    channels = slice(first, first + len(tensors["multipliers"]))
    base = generator.shift_for(size)
    assert tensors["bias"].tolist() == generator.flash_bias()[channels]
    assert tensors["multipliers"].tolist() == generator.flash_multipliers()[channels]
    assert tensors["shifts"].tolist() == generator.flash_shifts(base)[channels]
    wide = [tensors[name].astype(np.int64) for name in ("multipliers", "shifts")]
    return ref.Scales(-INPUT_ZERO, OUTPUT_ZERO, -128, 127, *wide)


WINDOW = ref.Window((3, 3), (7, 7), padding=(1, 1))


def expected_output(name: str, tensors: dict[str, Array], first: int) -> Array | None:
    """What the reference makes of dumped inputs and weights; None where another test says it.

    ``first`` is the number of the first channel's constants.
    """
    values = tensors["input"]
    if "weights" not in tensors or name.endswith("f32"):
        return None
    weights, bias = tensors["weights"].astype(np.int64), tensors["bias"].astype(np.int64)
    wide = values.astype(np.int64)
    match name:
        case "conv2d_s8" | "conv2d_s16":
            scales = scales_of(tensors, 9 * CHANNELS, first)
            image = wide.reshape(7, 7, CHANNELS)
            weights = weights.reshape(CHANNELS, 3, 3, CHANNELS)
            if name == "conv2d_s16":
                sums = ref.conv2d_sums(image, weights, bias, WINDOW)
                wide = ref.requantize_wide(sums, scales.multipliers, scales.shifts)
                return np.asarray(np.clip(wide, -32768, 32767))
            return ref.finish(
                ref.conv2d_sums(image + scales.input_offset, weights, bias, WINDOW), scales
            )
        case "depthwise_conv2d_s8":
            scales = scales_of(tensors, 9, first)
            image = wide.reshape(7, 7, CHANNELS) + scales.input_offset
            sums = ref.depthwise_sums(image, weights.reshape(3, 3, CHANNELS), bias, WINDOW)
            return ref.finish(sums, scales)
        case "pointwise_conv2d_s8":
            scales = scales_of(tensors, CHANNELS, first)
            pixels = wide.reshape(-1, CHANNELS) + scales.input_offset
            return ref.finish(pixels @ weights.reshape(-1, CHANNELS).T + bias, scales)
        case "fully_connected_s8":
            scales = scales_of(tensors, len(values), first)
            rows = weights.reshape(-1, len(values))
            return ref.finish(ref.fully_connected_sums(wide - INPUT_ZERO, rows, bias), scales)
        case "fully_connected_s16":
            scales = scales_of(tensors, len(values), first)
            sums = ref.fully_connected_sums(wide, weights.reshape(-1, len(values)), bias)
            whole = ref.requantize_whole(sums, scales.multipliers, scales.shifts)
            return np.asarray(np.clip(whole, -32768, 32767))
        case _:
            raise AssertionError(name)


IMAGE = f"h=7 c={CHANNELS}"
COMMANDS = {
    "conv2d_s8": IMAGE, "depthwise_conv2d_s8": IMAGE, "pointwise_conv2d_s8": IMAGE,
    "conv2d_s16": IMAGE, "conv2d_f32": IMAGE, "max_pool_s8": IMAGE, "average_pool_s8": IMAGE,
    "fully_connected_s8": "inputs=50 outputs=9", "fully_connected_s16": "inputs=50 outputs=9",
    "fully_connected_f32": "inputs=50 outputs=9", "relu_s8": "size=201", "clamp_s8": "size=201",
    "add_s8": IMAGE, "mul_s8": IMAGE, "softmax_s8": "rows=3 columns=17", "sigmoid_s8": IMAGE,
    "tanh_s8": IMAGE, "copy_s8": IMAGE, "pad_s8": IMAGE, "concatenate_s8": IMAGE,
    "transpose_s8": IMAGE,
}  # fmt: skip


WITHOUT_ACTIVATION = {
    "relu_s8", "clamp_s8", "softmax_s8", "sigmoid_s8", "tanh_s8", "copy_s8", "pad_s8",
    "concatenate_s8", "transpose_s8",
}  # fmt: skip


def test_the_usage_lists_every_operation(runner: Path) -> None:
    result, text = run(runner)
    assert result.exit.code == 2
    names = [line.split(":")[0] for line in text.splitlines() if line[:1].isalpha()]
    assert set(COMMANDS) == set(names) - {"usage", "every operation"}


def test_operations_compute_what_the_generator_says(runner: Path, tmp_path: Path) -> None:
    """Inputs, weights and constants are the generator's; both variants have the same output."""
    weights = generator.flash_weights()
    checksums = []
    for variant in ("plain", "optimised"):
        commands = [
            f"{name} {shape} variant={variant} seed=7 dump={name}"
            for name, shape in COMMANDS.items()
        ]
        runs = run_all(runner, tmp_path, commands)
        assert [op.name for op, _ in runs] == list(COMMANDS)
        at = first = 0
        for op, line in runs:
            name = op.name
            tensors = read_dump(tmp_path / name)
            assert line["checksum"] == fnv1a(tensors["output"].tobytes()), name
            for i, tensor in enumerate(("input", "input2")):
                if tensor in tensors:
                    made = numbers(7 + i, len(tensors[tensor]), tensors[tensor].dtype)
                    np.testing.assert_array_equal(tensors[tensor], made, name)
            expected = expected_output(name, tensors, first)
            if expected is not None:
                np.testing.assert_array_equal(tensors["output"], expected.reshape(-1), name)
            if "weights" in tensors:
                first += LINE
                if tensors["weights"].dtype == np.int8:
                    assert weights.startswith(tensors["weights"].tobytes(), at), name
                    at += -(-tensors["weights"].size // LINE) * LINE
            assert (op.kind, op.invocations, line["variant"]) == (name, 1, variant)
            for key, value in (("macs", op.macs), ("ops", op.ops), ("parameters", op.param_bytes)):
                assert int(line[key]) == value, name
            sizes = [len(values.tobytes()) for key, values in tensors.items() if "put" in key]
            assert op.activation_bytes == sum(sizes), name
        exact = [line["checksum"] for op, line in runs if not op.name.endswith("f32")]
        checksums.append(exact)
    assert checksums[0] == checksums[1]


def test_operations_without_arguments_have_shapes_that_fit(runner: Path, tmp_path: Path) -> None:
    for op, line in run_all(runner, tmp_path, list(COMMANDS)):
        assert (op.name, line["variant"], op.ops > 0) == (op.kind, "optimised", True)


def test_macs_and_bytes_are_those_of_the_shape(runner: Path) -> None:
    result, _ = run(runner, "conv2d_s8", "h=9", "w=8", "c=5", "filters=7", "k=3", "stride=2")
    (op,) = result.ops
    assert op.macs == 5 * 4 * 7 * 45
    assert op.ops == 2 * op.macs
    assert op.param_bytes == 7 * 45 + 3 * 4 * 7
    assert op.activation_bytes == 9 * 8 * 5 + 5 * 4 * 7


def test_repeat_calls_one_operation_several_times(runner: Path) -> None:
    result, _ = run(runner, "relu_s8", "repeat=3", "name=again")
    assert [(op.name, op.kind, op.invocations) for op in result.ops] == [("again", "relu_s8", 3)]


def reads_of(op: OpCosts) -> dict[str, int]:
    """Bytes that an operation read by memory."""
    return {name: traffic.read_bytes for name, traffic in op.traffic.items()}


def test_act_auto_is_dtcm_where_activations_fit_there_beside_the_scratch(
    runner: Path, tmp_path: Path
) -> None:
    table = [
        ("relu_s8 size=28000", 28000, "dtcm"),  # twice, of 56 KB
        ("relu_s8 size=29000", 29000, "sram1"),
        ("pointwise_conv2d_s8 h=20 c=64", 25600, "dtcm"),  # twice, and 2 KB of scratch
        ("pointwise_conv2d_s8 h=10 c=270", 27000, "sram1"),  # twice, and 4 KB of scratch
        ("relu_s8 size=512 in=0 out=512", 512, "sram1"),
        ("pointwise_conv2d_s8 h=4 c=64 weights=dtcm", 1024, "sram1"),
    ]
    commands = [f"{command} act=auto name={i}" for i, (command, _, _) in enumerate(table)]
    for (op, _), (command, size, place) in zip(
        run_all(runner, tmp_path, commands), table, strict=True
    ):
        reads = reads_of(op)
        assert reads[place] >= size, command
        if place == "dtcm":
            assert reads["sram1"] < 100, command  # the runner's description of the layer


def test_tensors_are_read_where_the_arguments_put_them(runner: Path, tmp_path: Path) -> None:
    commands = [
        f"pointwise_conv2d_s8 h=8 c=32 act={place} weights={place} name={memory}"
        for place, memory in (("sram", "sram1"), ("dtcm", "dtcm"))
    ]
    for op, _ in run_all(runner, tmp_path, commands):
        assert reads_of(op)[op.name] > 8 * 8 * 32 + 32 * 32
        # From flash come bias, multiplier and shift of 32 channels for each of 8 strips, and 4
        # bytes of a constant in the code.
        assert reads_of(op)["flash"] == 8 * 32 * 12 + 4


def test_weights_are_read_from_flash(runner: Path) -> None:
    (op,) = run(runner, "fully_connected_s8", "inputs=640", "outputs=64")[0].ops
    assert reads_of(op)["flash"] >= 640 * 64


def test_a_fused_relu_ends_outputs_at_the_zero_point(runner: Path, tmp_path: Path) -> None:
    names = [name for name in COMMANDS if name not in WITHOUT_ACTIVATION]
    for variant in ("optimised", "plain"):
        for activation in ("none", "relu"):
            options = f"activation={activation} variant={variant}"
            run_all(
                runner,
                tmp_path,
                [f"{name} {COMMANDS[name]} {options} dump={activation}-{name}" for name in names],
            )
        for name in names:
            zero = OUTPUT_ZERO if name.endswith("s8") else 0
            free, fused = (
                read_dump(tmp_path / f"{activation}-{name}")["output"]
                for activation in ("none", "relu")
            )
            assert free.min() < zero, name
            np.testing.assert_array_equal(fused, free.clip(zero), f"{name} {variant}")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("network=nothing", "the host does not open nothing"),
        ("conv2_s8", "there is no operation 'conv2_s8'"),
        ("conv2d_s8 h", "'h' is not of the form key=value"),
        ("conv2d_s8 h=4 h=5", "'h' stands twice"),
        ("conv2d_s8 h=four", "h=four is not a number"),
        ("conv2d_s8 h=0", "h=0 is too small"),
        ("conv2d_s8 h=99999999999999", "is not a number"),
        ("conv2d_s8 hight=4", "it has no argument 'hight'"),
        ("conv2d_s8 variant=fast", "variant=fast is not one of: optimised, plain"),
        ("conv2d_s8 h=2 k=3 pad=valid", "the kernel is larger than the input"),
        ("conv2d_s8 h=512 c=64", "the input does not fit into SRAM"),
        ("conv2d_s8 h=30 c=64 act=dtcm", "input does not fit into DTCM"),
        ("conv2d_s8 h=4 c=512", "more weights than the program has"),
        ("conv2d_s8 h=4096 c=256", "the input does not fit into SRAM"),  # 2^32 values
        ("concatenate_s8 h=4096 c=256", "the input does not fit into SRAM"),
        ("softmax_s8 rows=65536 columns=65536", "the input does not fit into SRAM"),
        ("conv2d_s8 h=1 c=4096 filters=1024 k=64 variant=plain", "more weights than the program"),
        ("conv2d_s8 h=4 c=1 filters=2000", "more than 1024 output channels"),
        ("relu_s8 in=3", "in is no multiple of 4"),
        ("relu_s8 dump=file", "the host does not open file"),
        ("list=nothing", "the host does not open nothing"),
    ],
)
def test_a_wrong_argument_is_one_line_and_code_2(runner: Path, command: str, message: str) -> None:
    result, text = run(runner, *command.split())
    assert (result.exit.code, text.count("\n")) == (2, 1)
    assert text.startswith("nn: ")
    assert message in text


def test_an_unknown_operation_is_told_the_known_ones(runner: Path) -> None:
    result, text = run(runner, "conv2_s8")
    assert result.exit.code == 2
    start = "nn: there is no operation 'conv2_s8'; there are: "
    assert text.startswith(start)
    assert set(text[len(start) :].strip().split(", ")) == set(COMMANDS)


def test_a_command_line_that_is_too_long_says_so(runner: Path) -> None:
    result, text = run(runner, "relu_s8", "name=" + 600 * "x")
    assert result.exit.code == 2
    assert text == (
        "nn: the host has no command line, or one of more than 511 characters; take list=FILE\n"
    )


def test_every_part_has_an_elf_whose_memories_are_the_parts(prebuilt: Path, runner: Path) -> None:
    args = ("depthwise_conv2d_s8", "h=8", "c=16", "act=sram")
    _, expected = run(runner, *args)
    for cpu, name in RUNNERS.items():
        result, text = run(prebuilt / f"{name}.elf", *args, cpu=cpu)
        assert text == expected, cpu
        (op,) = result.ops
        on_chip = [reads_of(op).get(m, 0) for m in ("sram", "sram1", "axi_sram", "ocram2")]
        assert max(on_chip) >= math.prod((8, 8, 16)), cpu
