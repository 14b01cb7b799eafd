"""Which C files an export takes: all that its kernels need, and no kernel without a file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from simcore.errors import ConfigError
from simcore.network.export.c_text import comment, numbers, string
from simcore.network.export.kernel_sources import kernel_sources

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


def test_text_of_a_file_cannot_leave_its_string_or_comment() -> None:
    assert string('a"\\?é') == r'"a\042\134\077\303\251"'
    assert comment("*/ #error \n /*") == "* / #error ? / *"


def test_numbers_keep_their_bits() -> None:
    assert numbers(b"\x80\x7f", "int8") == ("int8_t", ["-128", "127"])
    c_type, (text,) = numbers(b"\x00\x00\x80\x3e", "float32")
    assert (c_type, float.fromhex(text.rstrip("f"))) == ("float", 0.25)
    assert numbers(b"\x00\x00\xc0\x7f", "float32") == ("uint32_t", ["0x7fc00000u"])
