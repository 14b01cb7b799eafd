"""Which C files an export takes: all that its kernels need, and no kernel without a file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from simcore.errors import ConfigError
from simcore.network.export.c_text import comment, numbers, string
from simcore.network.export.kernel_sources import kernel_sources
from tests.tools import run_tool

KERNELS = Path(__file__).resolve().parents[3] / "kernels"


def test_each_kernel_has_its_file_and_what_that_includes() -> None:
    kernels = re.findall(r"^OP\((\w+)\);", (KERNELS / "runner" / "ops.h").read_text(), re.MULTILINE)
    assert len(kernels) > 90
    for kernel in kernels:
        files = kernel_sources([kernel])
        assert any(
            re.search(rf"\b{kernel}\b", text) for name, text in files.items() if name != "ops.h"
        )
        included = {
            name for text in files.values() for name in re.findall(r'^#include "(.+)"', text, re.M)
        }
        assert included <= set(files)


def test_no_more_is_taken_than_a_kernel_reaches() -> None:
    files = kernel_sources(["op_quantize_f32_s8"])
    assert set(files) == {"dsp.h", "ops.h", "ops_quantize.c", "requantize.h"}
    pooled = kernel_sources(["op_max_pool_s8"])
    assert "pool_s8.c" in pooled  # called by ops_pool.c
    assert "conv2d_s8.c" not in pooled
    with pytest.raises(ConfigError, match="op_none: no source of kernels defines it"):
        kernel_sources(["op_none"])


def test_of_a_file_the_functions_that_are_reached_are_taken() -> None:
    """An int8 convolution and what it calls, of a file with those of all types; macros too."""
    files = kernel_sources(["op_conv2d_s8"])
    assert "op_conv2d_s8(" in files["ops_convolution.c"]
    assert not re.search("depthwise|s16|f32\\b", "".join(sorted(files)))
    for other in (
        "op_conv2d_f32",
        "op_depthwise_conv2d_s8",
        '"conv2d_s16.h"',
        "batches_conv2d_f32",
    ):
        assert other not in files["ops_convolution.c"]
    (lstm,) = (text for name, text in kernel_sources(["op_lstm_s8"]).items() if "recur" in name)
    assert "LSTM(op_lstm_s8," in lstm
    assert "LSTM(op_lstm_s16," not in lstm
    assert "#define SVDF" not in lstm
    plain = kernel_sources(["op_conv2d_s8_plain", "op_conv2d_f32_plain"])["ops_convolution_plain.c"]
    assert plain.count("#define OFFSET") == 4  # each for what stands behind it


@pytest.mark.parametrize(
    "kernels",
    [
        ("op_conv2d_s8", "op_average_pool_s8", "op_softmax_s8"),
        ("op_lstm_s16",),
        ("op_sum_s8", "op_batch_matmul_f32"),
        pytest.param((), id="each alone", marks=pytest.mark.exhaustive),
    ],
)
def test_what_is_taken_compiles_without_a_warning(kernels: tuple[str, ...], tmp_path: Path) -> None:
    """Nothing is missing, and no static function is there that nobody calls."""
    header = (KERNELS / "runner" / "ops.h").read_text()
    alone = [(one,) for one in re.findall(r"^OP\((\w+)\);", header, re.MULTILINE)]
    for number, some in enumerate([kernels] if kernels else alone):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        files = kernel_sources(some)
        for name, text in files.items():
            (folder / name).write_text(text)
        run_tool(
            [
                "arm-none-eabi-gcc", "-mcpu=cortex-m7", "-mthumb", "-mfpu=fpv5-sp-d16",
                "-mfloat-abi=hard", "-ffreestanding", "-Wall", "-Wextra", "-Werror",
                "-fsyntax-only", f"-I{KERNELS / 'runner'}", f"-I{KERNELS / 'include'}",
                *(folder / name for name in files if name.endswith(".c")),
            ],
            "gcc-arm-none-eabi",
        )  # fmt: skip


def test_text_of_a_file_cannot_leave_its_string_or_comment() -> None:
    assert string('a"\\?é') == r'"a\042\134\077\303\251"'
    assert comment("*/ #error \n /*") == "* / #error ? / *"


def test_numbers_keep_their_bits() -> None:
    assert numbers(b"\x80\x7f", "int8") == ("int8_t", ["-128", "127"])
    c_type, (text,) = numbers(b"\x00\x00\x80\x3e", "float32")
    assert (c_type, float.fromhex(text.rstrip("f"))) == ("float", 0.25)
    assert numbers(b"\x00\x00\xc0\x7f", "float32") == ("uint32_t", ["0x7fc00000u"])
