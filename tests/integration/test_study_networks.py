"""`mcusim study networks`: sums, documents, measured rows, rankings, resuming, bad input.

The rules are shown by two small networks; what the four that ship cost, and how they rank, is a
proof of its own.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simcore.cli.main import main
from simcore.profiler import profile
from simcore.report import RenderOptions
from simcore.report.saved import load
from simcore.study import layers
from simcore.study.layers import Network, load_networks
from tests.networks.building import Net
from tests.networks.writer import write
from tests.schemas import assert_fits
from tests.shared import made_once

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ("study", "networks", "--cpu", "stm32f746,stm32h7a3")
ALL = ("autoencoder", "cifar10-cnn", "ds-cnn", "resnet-8")
#: Every kind of layer of the networks that ship, and a branch, in few operations.
LITTLE = """
[[network]]
name = "little"
title = "A residual block"
source = "this test"
input = [8, 8, 3]
macs = 22_608 # 8 x 8 x 8 x (27 + 9 + 8) + 8 x 10
layer = [
  { kernel = "conv2d_s8", name = "conv", filters = 8, k = 3, activation = "relu" },
  { kernel = "depthwise_conv2d_s8", name = "depthwise", k = 3 },
  { kernel = "pointwise_conv2d_s8", name = "pointwise", filters = 8 },
  { kernel = "add_s8", name = "add", from = ["conv", "pointwise"], activation = "relu" },
  { kernel = "max_pool_s8", name = "pool", k = 2, stride = 2 },
  { kernel = "average_pool_s8", name = "mean", k = 4, pad = "valid" },
  { kernel = "fully_connected_s8", name = "classes", outputs = 10 },
  { kernel = "softmax_s8", name = "softmax" },
]
"""


@pytest.fixture(
    params=[
        pytest.param(("autoencoder", "little"), id="two"),
        pytest.param(ALL, id="all that ship", marks=pytest.mark.exhaustive),
    ],
    scope="module",
)
def networks(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Network, ...]]:
    """What is studied."""
    with pytest.MonkeyPatch.context() as patch:
        if "little" in request.param:
            file = tmp_path_factory.mktemp("networks") / "networks.toml"
            file.write_text(layers.FILE.read_text() + LITTLE)
            patch.setattr(layers, "FILE", file)
        yield layers.select(load_networks(), request.param)


@pytest.fixture(scope="module")
def command(networks: tuple[Network, ...]) -> list[str]:
    """The study of them on two parts."""
    return [*COMMAND, *(f"--only={network.name}" for network in networks)]


@pytest.fixture(scope="module")
def folder(command: list[str]) -> Path:
    """The folder of the study; to be read only."""

    def run(path: Path) -> None:
        assert main([*command, "-o", str(path), "--jobs", "1"]) == 0

    return made_once(command, run)


@pytest.fixture(scope="module")
def document(folder: Path) -> Any:
    return json.loads((folder / "networks.json").read_text())


def test_the_documents_hold_the_same_rows(
    folder: Path, document: Any, networks: tuple[Network, ...]
) -> None:
    assert_fits(document)
    rows = list(csv.DictReader((folder / "networks.csv").read_text().splitlines()))
    assert len(rows) == len(document["rows"]) == 2 * len(networks) * 2
    for row, plain in zip(rows, document["rows"], strict=True):
        assert (row["network"], int(row["cycles"])) == (plain["network"], plain["cycles"])
    saved = load(str(folder / "networks.json"))
    for name, suffix in (("json", "json"), ("csv", "csv"), ("text", "txt")):
        written = (folder / f"networks.{suffix}").read_text()
        assert saved.render(name, RenderOptions()) == (written, ())
    text = (folder / "networks.txt").read_text()
    assert all(network.name in text for network in networks)


def test_macs_and_parameters_are_those_of_the_networks(
    document: Any, networks: tuple[Network, ...]
) -> None:
    promised = {network.name: network for network in networks}
    for row in document["rows"]:
        network = promised[row["network"]]
        assert row["macs"] == network.macs
        steps = [step for step in network.lowered.steps if step.call.macs]
        biases = sum(
            network.lowered.tensor((0, step.operator.inputs[2])).elements for step in steps
        )
        # The runner holds a bias, a multiplier and a shift of four bytes for each channel.
        assert row["param_bytes"] == network.parameters + 11 * biases


def test_a_network_is_the_sum_of_its_layers(document: Any) -> None:
    clocks = {part["name"]: part["clock_hz"] for part in document["parts"]}
    for row in document["rows"]:
        assert row["cycles"] == sum(layer["cycles"] for layer in row["layers"])
        assert row["energy_j"] == pytest.approx(sum(layer["energy_j"] for layer in row["layers"]))
        assert row["time_s"] == row["cycles"] / clocks[row["part"]]
        assert row["energy_low_j"] < row["energy_j"] < row["energy_high_j"]


def test_optimised_networks_beat_plain_ones(document: Any) -> None:
    cycles = {(r["part"], r["network"], r["variant"]): r["cycles"] for r in document["rows"]}
    for part, network, variant in cycles:
        if variant == "plain":
            assert cycles[part, network, "plain"] > 2 * cycles[part, network, "optimised"]


def test_rankings_are_from_the_largest_down(document: Any) -> None:
    for ranking in document["rankings"]:
        mine = (ranking["part"], ranking["variant"])
        values = {
            row["network"]: row[ranking["by"]]
            for row in document["rows"]
            if (row["part"], row["variant"]) == mine
        }
        assert ranking["networks"] == sorted(values, key=lambda name: -values[name])


@pytest.mark.parametrize("networks", [ALL], indirect=True, ids=["all that ship"])
@pytest.mark.exhaustive
def test_rankings_by_size_and_by_cost_differ(document: Any) -> None:
    order = {
        ranking["by"]: ranking["networks"]
        for ranking in document["rankings"]
        if (ranking["part"], ranking["variant"]) == ("stm32f746", "optimised")
    }
    assert order["ops"][0] == "resnet-8"
    assert order["param_bytes"][0] == "autoencoder"
    assert order["time_s"][-1] == "autoencoder"
    assert len({tuple(names) for names in order.values()}) >= 3


@pytest.mark.parametrize("networks", [ALL], indirect=True, ids=["all that ship"])
@pytest.mark.exhaustive
def test_measured_rows_of_all_networks_are_those_of_the_table(document: Any) -> None:
    """And of ResNet-8 1.06."""
    rows = {(m["part"], m["network"], m["runtime"]): m for m in document["measured"]}
    assert len(rows) == 2 * 3 + 2 * 4
    assert rows["stm32f746", "resnet-8", "Bosch, v1.1"]["cycles_per_mac"] == pytest.approx(
        1.06, abs=0.005
    )
    cube = rows["stm32h7a3", "resnet-8", "X-CUBE-AI 7.1.0"]
    assert cube["energy_j"] == pytest.approx(11200.2e-6)


def test_measured_rows_stand_beside_the_model(document: Any) -> None:
    """docs/sources/silicon.md 4, anew: Bosch's F746 cycles/MAC of the autoencoder are 1.39."""
    rows = {(m["part"], m["network"], m["runtime"]): m for m in document["measured"]}
    bosch = rows["stm32f746", "autoencoder", "Bosch, v1.1"]
    assert bosch["cycles_per_mac"] == pytest.approx(1.39, abs=0.005)
    ours = {(r["part"], r["network"]): r for r in document["rows"] if r["variant"] == "optimised"}
    for (part, network, _), row in rows.items():
        assert row["time_ratio"] == ours[part, network]["time_s"] / row["time_s"]
        # Another library on the same silicon: far outside of this one of the two is wrong.
        assert 0.5 < row["time_ratio"] < 2


def test_figures_are_there_for_both_parts(folder: Path) -> None:
    names = {path.name for path in (folder / "figures").iterdir()}
    assert names == {
        f"{part}-{kind}.{suffix}"
        for part in ("stm32f746", "stm32h7a3")
        for kind in ("networks", "kernels", "measured")
        for suffix in ("png", "svg")
    }


def test_a_second_study_runs_nothing_and_writes_the_same(
    folder: Path,
    command: list[str],
    networks: tuple[Network, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    again = shutil.copytree(folder, tmp_path / "again")
    figures = [] if len(networks) == len(ALL) else ["--no-figures"]
    assert main([*command, *figures, "-o", str(again), "--verbose"]) == 0
    out, err = capsys.readouterr()
    runs = 2 * len(networks) * 2
    assert f"{runs} of {runs} runs were there already" in err
    assert out == (folder / "networks.txt").read_text()
    for path in folder.rglob("*"):
        if path.is_file() and not (figures and path.parent.name == "figures"):
            assert (again / path.relative_to(folder)).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "resnet9"], "--only 'resnet9' matches no network; did you mean 'resnet-8'"),
        (["--cpu", "stm32f746,stm32f746,nothing"], "nothing"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main([*COMMAND, *arguments, "-o", str(tmp_path / "x")]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err


def test_a_file_is_studied_as_it_is_profiled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of an operator that has no plain variant, and no MACs."""
    net = Net(np.random.default_rng(1))
    given = net.input((1, 4, 4, 2), "int8", 0.5, 3)
    made = net.tensor((1, 4, 4, 2), "int8", 1.0, -1)
    net.add("HARD_SWISH", (given,), (made,))
    file, folder = tmp_path / "mine.tflite", tmp_path / "study"
    file.write_bytes(write(net.model(made)))
    command = ["study", "networks", str(file), "--cpu", "stm32h7a3", "-j", "1", "-o", str(folder)]
    assert main(command) == 0
    out = capsys.readouterr().out
    document = json.loads((folder / "networks.json").read_text())
    assert_fits(document)
    (row,) = document["rows"]
    (layer,) = row["layers"]
    (op,) = profile(file, "stm32h7a3").ops
    assert (layer["name"], layer["cycles"]) == ("hard_swish_0", op.cycles)
    assert (row["network"], row["title"], row["macs"]) == ("mine", "mine.tflite", 0)
    assert (row["cycles_per_mac"], row["peak_activation_bytes"]) == (None, 32)
    assert "cifar10-cnn" not in out
    assert out.splitlines()[5].split()[-1] == "-"


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read: No such file"), (b"\x7fELF" + bytes(60), "is no .tflite file")],
)
def test_a_bad_file_is_one_line_and_exit_2(
    content: bytes | None, message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "bad.tflite"
    if content is not None:
        file.write_bytes(content)
    assert main(["study", "networks", str(file), "-o", str(tmp_path / "x")]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert f"{file}: {message}" in err
    assert not (tmp_path / "x").exists()


def test_the_folder_of_the_other_study_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["study", "ops", "--cpu", "stm32f746,stm32h7a3", "-o", str(folder)]) == 2
    said = capsys.readouterr().err
    assert "it holds 'study networks --cpu stm32f746,stm32h7a3'; choose another" in said
