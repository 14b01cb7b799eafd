"""Lists and networks that nn.elf runs from a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kernels import generator
from tests.kernels.runner import OUTPUT_ZERO, fields, fnv1a, numbers, read_dump, run


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
