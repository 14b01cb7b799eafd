"""nn.elf as a program: its random values, what it prints and dumps, lists, placements, errors."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from kernels import generator
from simcore.profiler import profile
from simcore.profiles import Profile
from tests.kernels import reference_nn as ref

Array = npt.NDArray[Any]
INPUT_ZERO, OUTPUT_ZERO = -5, -11  # of all layers that the runner makes
CHANNELS = 6


def run(
    elf: Path, *args: str, folder: Path | None = None, cpu: str = "stm32f746"
) -> tuple[Profile, str]:
    """A run's profile and console output."""
    console = io.BytesIO()
    result = profile(elf, cpu, args=args, semihost_dir=folder, stdout=console)
    return result, console.getvalue().decode()


@pytest.fixture(scope="session")
def runner(prebuilt: Path) -> Path:
    """The prebuilt nn.elf."""
    return prebuilt / "nn.elf"


def fields(line: str) -> dict[str, str]:
    """The key=value words of a line of output."""
    return dict(word.split("=", 1) for word in line.split() if "=" in word)


def fnv1a(data: bytes) -> str:
    """The checksum as the runner prints it."""
    result = 0x811C_9DC5
    for byte in data:
        result = (result ^ byte) * 0x0100_0193 & 0xFFFF_FFFF
    return f"{result:08x}"


def read_dump(path: Path) -> dict[str, Array]:
    """The tensors of a dump: lines "name type bytes", each followed by the bytes."""
    data, tensors = path.read_bytes(), {}
    while data:
        header, data = data.split(b"\n", 1)
        name, kind, size = header.decode().split()
        tensors[name] = np.frombuffer(data[: int(size)], kind)
        data = data[int(size) :]
    return tensors


def numbers(seed: int, count: int, kind: npt.DTypeLike = np.int8) -> Array:
    """A random tensor of the runner."""
    size = count * np.dtype(kind).itemsize
    if np.dtype(kind) == np.float32:
        words = np.frombuffer(generator.random_bytes(seed, size), np.int32)
        return ((words >> 8) * 2.0**-23).astype(np.float32)
    return np.frombuffer(generator.random_bytes(seed, size), kind)


def scales_of(tensors: dict[str, Array], size: int) -> ref.Scales:
    """Checks the per-channel constants against the generator."""
    channels = len(tensors["multipliers"])
    base = generator.shift_for(size)
    assert tensors["bias"].tolist() == generator.flash_bias()[:channels]
    assert tensors["multipliers"].tolist() == generator.flash_multipliers()[:channels]
    assert tensors["shifts"].tolist() == generator.flash_shifts(base)[:channels]
    wide = [tensors[name].astype(np.int64) for name in ("multipliers", "shifts")]
    return ref.Scales(-INPUT_ZERO, OUTPUT_ZERO, -128, 127, *wide)


WINDOW = ref.Window((3, 3), (7, 7), padding=(1, 1))


def expected_output(name: str, tensors: dict[str, Array]) -> Array | None:
    """What the reference makes of dumped inputs and weights; None where another test says it."""
    values = tensors["input"]
    if "weights" not in tensors or name.endswith("f32"):
        return None
    weights, bias = tensors["weights"].astype(np.int64), tensors["bias"].astype(np.int64)
    wide = values.astype(np.int64)
    match name:
        case "conv2d_s8" | "conv2d_s16":
            scales = scales_of(tensors, 9 * CHANNELS)
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
            scales = scales_of(tensors, 9)
            image = wide.reshape(7, 7, CHANNELS) + scales.input_offset
            sums = ref.depthwise_sums(image, weights.reshape(3, 3, CHANNELS), bias, WINDOW)
            return ref.finish(sums, scales)
        case "pointwise_conv2d_s8":
            scales = scales_of(tensors, CHANNELS)
            pixels = wide.reshape(-1, CHANNELS) + scales.input_offset
            return ref.finish(pixels @ weights.reshape(-1, CHANNELS).T + bias, scales)
        case "fully_connected_s8":
            scales = scales_of(tensors, len(values))
            rows = weights.reshape(-1, len(values))
            return ref.finish(ref.fully_connected_sums(wide - INPUT_ZERO, rows, bias), scales)
        case "fully_connected_s16":
            scales = scales_of(tensors, len(values))
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


@pytest.mark.parametrize("name", COMMANDS)
def test_an_operation_computes_what_the_generator_says(
    runner: Path, tmp_path: Path, name: str
) -> None:
    """Inputs, weights and constants are the generator's; both variants have the same output."""
    lines = []
    for variant in ("plain", "optimised"):
        args = (name, *COMMANDS[name].split(), f"variant={variant}", "seed=7", f"dump={variant}")
        result, text = run(runner, *args, folder=tmp_path)
        assert result.exit.code == 0, text
        lines.append(fields(text))
        tensors = read_dump(tmp_path / variant)
        assert lines[-1]["checksum"] == fnv1a(tensors["output"].tobytes())
        for i, tensor in enumerate(("input", "input2")):
            if tensor in tensors:
                made = numbers(7 + i, len(tensors[tensor]), tensors[tensor].dtype)
                np.testing.assert_array_equal(tensors[tensor], made)
        if "weights" in tensors and tensors["weights"].dtype == np.int8:
            assert generator.flash_weights().startswith(tensors["weights"].tobytes())
        expected = expected_output(name, tensors)
        if expected is not None:
            np.testing.assert_array_equal(tensors["output"], expected.reshape(-1))
        (op,) = result.ops
        assert (op.name, op.kind, op.invocations) == (name, name, 1)
        for key, value in (("macs", op.macs), ("ops", op.ops), ("parameters", op.param_bytes)):
            assert int(lines[-1][key]) == value
        sizes = [len(values.tobytes()) for key, values in tensors.items() if "put" in key]
        assert op.activation_bytes == sum(sizes)
    if not name.endswith("f32"):
        assert lines[0]["checksum"] == lines[1]["checksum"]


@pytest.mark.parametrize("name", COMMANDS)
def test_an_operation_without_arguments_has_a_shape_that_fits(runner: Path, name: str) -> None:
    result, text = run(runner, name)
    assert result.exit.code == 0, text
    assert result.ops[0].ops > 0


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


@pytest.mark.parametrize(
    ("command", "size", "place"),
    [
        ("relu_s8 size=28000", 28000, "dtcm"),  # twice, of 56 KB
        ("relu_s8 size=29000", 29000, "sram1"),
        ("pointwise_conv2d_s8 h=20 c=64", 25600, "dtcm"),  # twice, and 2 KB of scratch
        ("pointwise_conv2d_s8 h=10 c=270", 27000, "sram1"),  # twice, and 4 KB of scratch
        ("relu_s8 size=512 in=0 out=512", 512, "sram1"),
        ("pointwise_conv2d_s8 h=4 c=64 weights=dtcm", 1024, "sram1"),
    ],
)
def test_activations_lie_in_dtcm_if_they_fit_there_beside_the_scratch(
    runner: Path, command: str, size: int, place: str
) -> None:
    (op,) = run(runner, *command.split())[0].ops
    reads = {name: traffic.read_bytes for name, traffic in op.traffic.items()}
    assert reads[place] >= size
    if place == "dtcm":
        assert reads["sram1"] < 100  # the runner's description of the layer


@pytest.mark.parametrize("place", ["sram", "dtcm"])
def test_tensors_are_read_where_the_arguments_put_them(runner: Path, place: str) -> None:
    args = ("pointwise_conv2d_s8", "h=8", "c=32", f"act={place}", f"weights={place}")
    (op,) = run(runner, *args)[0].ops
    memory = "sram1" if place == "sram" else "dtcm"
    assert op.traffic[memory].read_bytes > 8 * 8 * 32 + 32 * 32
    # From flash come bias, multiplier and shift of 32 channels for each of 8 strips, and 4 bytes of
    # a constant in the code.
    assert op.traffic["flash"].read_bytes == 8 * 32 * 12 + 4


def test_weights_are_read_from_flash(runner: Path) -> None:
    (op,) = run(runner, "fully_connected_s8", "inputs=640", "outputs=64")[0].ops
    assert op.traffic["flash"].read_bytes >= 640 * 64


def test_a_list_runs_its_lines_one_after_the_other_and_can_hand_activations_on(
    runner: Path, tmp_path: Path
) -> None:
    (tmp_path / "net.txt").write_text(
        "# two layers that share memory\n"
        "conv2d_s8 h=7 c=4 filters=8 name=first in=0 out=1024\n"
        "\n"
        "relu_s8 size=392 name=second in=1024 out=1024 fill=0 zero_point=0 dump=second\n"
    )
    result, text = run(runner, "list=net.txt", folder=tmp_path)
    assert [op.name for op in result.ops] == ["first", "second"]
    _, alone = run(runner, "conv2d_s8", "h=7", "c=4", "filters=8", "dump=first", folder=tmp_path)
    assert fields(text.splitlines()[0])["checksum"] == fields(alone)["checksum"]
    first = read_dump(tmp_path / "first")["output"]
    np.testing.assert_array_equal(read_dump(tmp_path / "second")["output"], first.clip(0))


NETWORK = (
    "conv2d_s8 name=first h=7 c=4 filters=8 activation=relu in=0 out=1024 seed=3 dump=0\n"
    "# the second input is the first layer's output\n"
    "depthwise_conv2d_s8 name=second h=7 c=8 in=1024 out=0 dump=1\n"
    "\n"
    "add_s8 name=third h=7 c=8 in=0 in2=1024 out=2048 activation=relu dump=2\n"
    "max_pool_s8 name=fourth h=7 c=8 k=7 in=2048 out=0 dump=3\n"
    "fully_connected_s8 name=fifth inputs=8 outputs=3 in=0 out=32 dump=4\n"
)


def test_a_network_hands_activations_on_and_reports_the_whole(runner: Path, tmp_path: Path) -> None:
    (tmp_path / "net.txt").write_text(NETWORK)
    result, text = run(runner, "network=net.txt", folder=tmp_path)
    assert result.exit.code == 0, text
    assert [op.name for op in result.ops] == ["first", "second", "third", "fourth", "fifth"]
    layers = [read_dump(tmp_path / str(i)) for i in range(5)]
    np.testing.assert_array_equal(layers[0]["input"], numbers(3, 7 * 7 * 4))
    for layer, source in ((1, 0), (3, 2)):
        np.testing.assert_array_equal(layers[layer]["input"], layers[source]["output"])
    np.testing.assert_array_equal(layers[2]["input"], layers[1]["output"])
    np.testing.assert_array_equal(layers[2]["input2"], layers[0]["output"])
    np.testing.assert_array_equal(layers[4]["input"][:8], layers[3]["output"])
    assert layers[0]["output"].min() == layers[2]["output"].min() == OUTPUT_ZERO
    assert layers[1]["output"].min() < OUTPUT_ZERO
    totals = fields(text)
    assert text.startswith("network layers=5 ")
    assert text.count("\n") == 1
    for key, attribute in (("macs", "macs"), ("ops", "ops"), ("parameters", "param_bytes")):
        assert int(totals[key]) == sum(getattr(op, attribute) for op in result.ops)
    assert int(totals["activations"]) == 2048 + 416  # 7 x 7 x 8 in whole cache lines
    assert int(totals["scratch"]) > 0
    assert totals["checksum"] == fnv1a(layers[4]["output"].tobytes())


def test_layers_of_a_network_have_weights_and_constants_of_their_own(
    runner: Path, tmp_path: Path
) -> None:
    """Slices follow each other in flash, each from the start of a cache line on."""
    (tmp_path / "net.txt").write_text(
        "fully_connected_s8 inputs=50 outputs=9 dump=0\n"
        "fully_connected_s8 inputs=7 outputs=3 dump=1\n"
    )
    run(runner, "network=net.txt", folder=tmp_path)
    second = read_dump(tmp_path / "1")
    at = (50 * 9 + 31) // 32 * 32
    assert second["weights"].tobytes() == generator.flash_weights()[at : at + 21]
    assert second["bias"].tolist() == generator.flash_bias()[32:35]
    assert second["multipliers"].tolist() == generator.flash_multipliers()[32:35]
    assert second["shifts"].tolist() == generator.flash_shifts(generator.shift_for(7))[32:35]


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in WITHOUT_ACTIVATION])
def test_a_fused_relu_ends_outputs_at_the_zero_point(
    runner: Path, tmp_path: Path, name: str
) -> None:
    zero = OUTPUT_ZERO if name.endswith("s8") else 0
    values = {}
    for activation in ("none", "relu"):
        for variant in ("optimised", "plain"):
            run(
                runner, name, *COMMANDS[name].split(), f"activation={activation}",
                f"variant={variant}", "dump=out", folder=tmp_path,
            )  # fmt: skip
            values[activation, variant] = read_dump(tmp_path / "out")["output"]
    for variant in ("optimised", "plain"):
        free = values["none", variant]
        assert free.min() < zero
        np.testing.assert_array_equal(values["relu", variant], free.clip(zero))


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


def test_an_error_in_a_list_names_its_line(runner: Path, tmp_path: Path) -> None:
    (tmp_path / "net.txt").write_text("# two\nrelu_s8 size=64\n\nrelu_s8 size=0\n")
    for kind in ("list", "network"):
        result, text = run(runner, f"{kind}=net.txt", folder=tmp_path)
        assert result.exit.code == 2
        assert text.splitlines()[-1] == "nn: line 4: relu_s8: size=0 is too small"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("# nothing\n\n", "nn: there is no layer in net.txt\n"),
        ("relu_s8\n" * 129, "nn: line 129: a list of more than 128 operations\n"),
        ("#" * 8192, "nn: the list is longer than 8191 bytes\n"),
    ],
)
def test_a_network_that_cannot_be_run_is_one_line(
    runner: Path, tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "net.txt").write_text(content)
    result, text = run(runner, "network=net.txt", folder=tmp_path)
    assert (result.exit.code, text) == (2, message)


def test_a_command_line_that_is_too_long_says_so(runner: Path) -> None:
    result, text = run(runner, "relu_s8", "name=" + 600 * "x")
    assert result.exit.code == 2
    assert text == (
        "nn: the host has no command line, or one of more than 511 characters; take list=FILE\n"
    )


PARTS = {
    "stm32f723": "nn", "stm32f767": "nn_stm32f767", "stm32h723": "nn_stm32h7",
    "stm32h743": "nn_stm32h7", "stm32h7a3": "nn_stm32h7", "imxrt1062": "nn_imxrt1062",
    "generic-m7": "nn_generic-m7",
}  # fmt: skip


@pytest.mark.parametrize("cpu", PARTS)
def test_every_part_has_an_elf_whose_memories_are_the_parts(
    prebuilt: Path, runner: Path, cpu: str
) -> None:
    args = ("depthwise_conv2d_s8", "h=8", "c=16", "act=sram")
    _, expected = run(runner, *args)
    result, text = run(prebuilt / f"{PARTS[cpu]}.elf", *args, cpu=cpu)
    assert text == expected
    (op,) = result.ops
    reads = {name: traffic.read_bytes for name, traffic in op.traffic.items()}
    on_chip = {"sram", "sram1", "axi_sram", "ocram2"} & set(reads)
    assert max(reads[name] for name in on_chip) >= math.prod((8, 8, 16))
