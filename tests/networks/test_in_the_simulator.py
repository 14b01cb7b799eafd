"""A few networks through the composed ELF: with one plan of memory, on a part, three inferences."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert: pip install mcusim[test]")
pytest.importorskip("tflite_micro", reason="needs tflite-micro: pip install mcusim[verify]")

from simcore.cli.main import main
from simcore.errors import ExitCode
from tests.networks.examples import Example, examples_of
from tests.networks.examples_networks import networks
from tests.networks.writer import write


def _named(name: str) -> Example:
    return next(example for example in networks() if example.name == name)


CASES = [
    pytest.param(_named("streaming int8"), "imxrt1062", id="streaming"),
    pytest.param(_named("residual int8"), "stm32f746", id="residual", marks=pytest.mark.exhaustive),
    pytest.param(
        examples_of("UNIDIRECTIONAL_SEQUENCE_LSTM", 1)[0],
        "stm32h743",
        id="lstm",
        marks=pytest.mark.exhaustive,
    ),
]


@pytest.mark.parametrize(("example", "part"), CASES)
def test_a_network_on_a_part_is_tflms_in_its_third_inference(
    example: Example, part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "network.tflite"
    path.write_bytes(write(example.model))
    options = ["--cpu", part, "--invocations", "3", "--verify"]
    assert main(["profile", str(path), *options]) == ExitCode.OK
    assert "Outputs equal those of tflite-micro" in capsys.readouterr().out
