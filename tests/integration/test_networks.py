"""A network's file on the command line: outputs, layers, memory, and what is said otherwise."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simcore.cli.main import main
from simcore.costs.profile import Profile
from simcore.errors import ExitCode
from simcore.network.graph import Model
from simcore.profiler import profile, replay
from simcore.simulation.capture import record
from tests.networks.building import Net
from tests.networks.writer import write

INPUTS, UNITS = 16, 4


def layer(rng: np.random.Generator) -> Model:
    """A fully connected layer whose result is its integer sum: scales of 1, 1 and 1."""
    net = Net(rng)
    given = net.input((1, INPUTS), "int8", 1.0, 0)
    weights = net.constant(rng.integers(-1, 2, (UNITS, INPUTS)).astype(np.int8), 1.0)
    bias = net.constant(np.array([1, -1, 2, 0], np.int32), 1.0)
    out = net.tensor((1, UNITS), "int8", 1.0, 0)
    net.add("FULLY_CONNECTED", (given, weights, bias), (out,))
    return net.model(out)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[int]]:
    """The file, an input, and the output that numpy computes."""
    folder = tmp_path_factory.mktemp("network")
    rng = np.random.default_rng(11)
    model = layer(rng)
    values = rng.integers(-6, 7, (1, INPUTS)).astype(np.int8)
    weights = np.frombuffer(model.main.tensors[1].data or b"", np.int8).reshape(UNITS, INPUTS)
    bias = np.frombuffer(model.main.tensors[2].data or b"", np.int32)
    expected = np.clip(weights.astype(int) @ values[0] + bias, -128, 127)
    network, given = folder / "layer.tflite", folder / "values.npy"
    network.write_bytes(write(model))
    np.save(given, values)
    return network, given, expected.tolist()


def run(
    arguments: Sequence[str | Path], capsys: pytest.CaptureFixture[str]
) -> tuple[int, str, str]:
    status = main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return int(status), said.out, said.err


def test_outputs_are_those_of_numpy(made: tuple[Path, Path, list[int]], tmp_path: Path) -> None:
    network, given, expected = made
    found = profile(network, input=(str(given),), outputs=str(tmp_path / "out.npy"))
    assert np.load(tmp_path / "out.npy").tolist() == [expected]
    assert found.exit.status is ExitCode.OK
    assert found.network is not None
    assert found.network.input == "values.npy"
    (row,) = found.network.layers
    assert (row.operator, row.macs, row.input_shape) == ("FULLY_CONNECTED", 64, (1, 16))
    op = found.ops[row.op or 0]
    assert op.name == "#0 FULLY_CONNECTED t3"
    assert 0.5 * found.totals.cycles < op.cycles <= found.totals.cycles


def test_a_tensor_may_be_an_input_twice_and_an_output_twice(
    made: tuple[Path, Path, list[int]], tmp_path: Path
) -> None:
    _, given, expected = made
    model = layer(np.random.default_rng(11))
    main_of = model.main
    twice = replace(main_of, inputs=main_of.inputs * 2, outputs=main_of.outputs * 2)
    network = tmp_path / "twice.tflite"
    network.write_bytes(write(replace(model, subgraphs=(twice,))))
    profile(network, input=(str(given),), outputs=str(tmp_path / "out.bin"), invocations=2)
    assert np.fromfile(tmp_path / "out.bin", np.int8).tolist() == expected * 2


def test_a_file_with_more_inputs_than_inferences_is_refused(
    made: tuple[Path, Path, list[int]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    network, given, _ = made
    more = tmp_path / "more.bin"
    more.write_bytes(np.load(given).tobytes() * 3)
    status, out, err = run(["profile", network, "--input", more, "--invocations", "2"], capsys)
    assert (status, out) == (2, "")
    assert "has the values of 3 inferences, and 2 of them would run" in err


def test_the_report_holds_layers_arena_and_whose_kernels_ran(
    made: tuple[Path, Path, list[int]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    network, given, _ = made
    saved = tmp_path / "saved.json"
    run(["profile", network, "--input", given, "--format", "json", "-o", saved], capsys)
    status, out, err = run(["profile", network, "--input", given], capsys)
    assert (status, err) == (0, "")
    assert "Kernels: mcusim's own" in out
    assert "#0 FULLY_CONNECTED" in out
    assert "sram1: 20 B of" in out  # 16 bytes of input, 4 of output
    assert "TensorFlow Lite Micro's greedy planner, nothing in place: 32 B" in out  # each 16
    assert "constants 112 B in flash" in out.replace("\n", " ")  # 64 + 16 + 2 * 16
    assert "at any other" not in out  # it has one layer
    _, again, _ = run(["report", saved], capsys)
    assert again == out
    assert Profile.from_json(saved.read_text()).to_json() == saved.read_text()
    page = tmp_path / "page.html"
    run(["report", saved, "--format", "html", "-o", page], capsys)
    assert "fully_connected_0.output: 4 B from byte 16 of sram1" in page.read_text()
    assert "Kernels: mcusim" in page.read_text()
    _, ticks, _ = run(["report", saved, "--format", "tflm"], capsys)
    head, event = ticks.splitlines()
    assert head == '"Event","Tag","Ticks"'
    assert event.startswith("0,FULLY_CONNECTED,")
    _, table, _ = run(["report", saved, "--format", "mltk"], capsys)
    (row,) = csv.DictReader(io.StringIO(table))
    assert (row["index"], row["opcode"], row["macs"]) == ("0", "fully_connected", "64")
    assert (row["input_shape"], row["output_shape"], row["options"]) == ("1x16", "1x4", "")
    assert event.endswith(row["cpu_cycles"])
    _, table, _ = run(["report", saved, "--format", "csv", "--section", "layers"], capsys)
    (row,) = csv.DictReader(io.StringIO(table))
    assert (row["output_shape"], row["param_bytes"]) == ("1x4", str(64 + 16 + 2 * 16))
    assert event.endswith(row["cycles"])


def test_further_inferences_are_told_apart_from_the_first(
    made: tuple[Path, Path, list[int]], capsys: pytest.CaptureFixture[str]
) -> None:
    network, _, _ = made
    options = ["--invocations", "5", "--format", "json", "--cpu", "imxrt1062"]
    _, out, _ = run(["profile", network, *options, "--per", "none"], capsys)
    document = json.loads(out)
    (row,) = document["network"]["layers"]
    first, further = (document["ops"][row[name]] for name in ("op", "further_op"))
    assert (first["invocations"], further["invocations"]) == (1, 4)
    assert further["cycles"] / 4 < first["cycles"]  # the caches are warm
    arguments: list[str | Path] = ["profile", network, *options[:2], *options[4:], "--per", "none"]
    _, out, _ = run([*arguments, "--format", "csv", "--section", "layers"], capsys)
    rows = [*csv.DictReader(io.StringIO(out))]
    assert [(row["inference"], int(row["calls"]), int(row["cycles"])) for row in rows] == [
        ("first", 1, first["cycles"]),
        ("further", 4, further["cycles"]),
    ]
    mean = round((first["cycles"] + further["cycles"]) / 5)
    for name in ("tflm", "mltk"):
        _, out, _ = run([*arguments, "--format", name], capsys)
        assert f",{mean}" in out.splitlines()[1]

    _, out, _ = run(["profile", network, *options], capsys)
    steady = json.loads(out)
    (row,) = steady["network"]["layers"]
    assert (steady["ops"][row["op"]]["invocations"], row["further_op"]) == (1, None)
    assert (steady["per"]["call"], steady["per"]["calls"]) == (2, 5)
    assert steady["per"]["setup_instructions"] == 0
    assert steady["totals"]["cycles"] < steady["per"]["first_cycles"]
    whole = document["totals"]["cycles"]
    assert steady["per"]["first_cycles"] + 4 * steady["per"]["minimum_cycles"] <= whole


def test_verified_outputs_and_others(
    made: tuple[Path, Path, list[int]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the wheel, then by a reference that says something else."""
    pytest.importorskip("tflite_micro")
    network, given, expected = made
    arguments: list[str | Path] = ["profile", network, "--input", given, "--verify"]
    status, out, _ = run(arguments, capsys)
    assert status == 0
    assert "Outputs equal those of tflite-micro" in out
    other = bytes(value & 0xFF for value in (expected[0] + 3, *expected[1:]))
    monkeypatch.setattr("simcore.network.verify._reference", lambda *_: [other])
    status, out, err = run(arguments, capsys)
    assert status == 1
    assert "1 of 4 values, by up to 3" in out
    assert "1 output values differ from those of tflite-micro" in err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--input", "{given}", "--input", "{given}"], "the network has 1 inputs"),
        (["--input", "{network}"], "an inference takes 16"),
        (["--input", "no.npy"], "--input no.npy: cannot be read: No such file or directory"),
        (["--input", "random:x"], "a seed is a number, as in random:7"),
        (["--arena", "dtcm,flash"], "--arena flash: tensors need memory"),
        (["--", "first"], "what stands behind -- is for a program"),
    ],
)
def test_what_does_not_go_is_one_line(
    made: tuple[Path, Path, list[int]],
    options: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    network, given, _ = made
    told = [option.format(given=given, network=network) for option in options]
    status, out, err = run(["profile", network, *told], capsys)
    assert (status, out) == (2, "")
    assert err.startswith("mcusim: error: ")
    assert err.count("\n") == 1
    assert said in err


def test_a_network_that_does_not_fit_is_told_so_and_timed_anyway(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """256 KiB of weights where all of the flash has as much."""
    net = Net(np.random.default_rng(2))
    given = net.input((1, 1024), "int8", 1.0, 0)
    weights = net.constant(net.weights((256, 1024), "int8"), 1.0)
    out = net.tensor((1, 256), "int8", 1.0, 0)
    net.add("FULLY_CONNECTED", (given, weights, None), (out,))
    network = tmp_path / "large.tflite"
    network.write_bytes(write(net.model(out)))
    small = ["--set", "region.flash.size=256K"]
    status, _, err = run(["profile", network, *small], capsys)
    assert status == 2
    assert "of flash, flash of stm32f746 has 262,144 B" in err
    assert "largest: fully_connected_0.weights 262,144 B" in err
    assert err.count("\n") == 1
    status, told, _ = run(["profile", network, *small, "--anyway"], capsys)
    assert status == 0
    assert "Does not fit; timed with region.flash.size=" in told


@pytest.mark.parametrize(
    ("command", "advice"),
    [
        (["export"], "--arena dtcm,sram1,sram2 spreads it, choose another --cpu\n"),
        (["study", "networks", "--no-figures"], "or profile it alone: 'mcusim profile --anyway'"),
    ],
)
def test_nobody_is_told_of_an_option_that_the_command_lacks(
    command: list[str | Path], advice: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A sum of tensors of 200,000 bytes each; no folder is left behind."""
    net = Net(np.random.default_rng(2))
    given = net.input((1, 200_000), "int8", 1.0, 0)
    first, last = (net.tensor((1, 200_000), "int8", 1.0, 0) for _ in range(2))
    net.add("ADD", (given, given), (first,))
    net.add("ADD", (given, first), (last,))
    network, folder = tmp_path / "large.tflite", tmp_path / "made"
    network.write_bytes(write(net.model(last)))
    status, _, err = run([*command, network, "-o", folder, "--cpu", "stm32f746"], capsys)
    assert (status, err.count("\n"), advice in err) == (2, 1, True)
    assert not folder.exists()


def test_a_capture_and_a_what_if_study_speak_of_its_layers(
    made: tuple[Path, Path, list[int]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    network, _, _ = made
    capture = tmp_path / "run.mcu"
    assert run(["record", network, "-o", capture], capsys)[0] == 0
    _, out, _ = run(["replay", capture, "--format", "csv", "--section", "ops"], capsys)
    assert "#0 FULLY_CONNECTED t3" in out
    assert replay(capture).to_json() == profile(network).to_json()
    status, out, err = run(
        ["whatif", network, "--place", "fully_connected_0.weights=dtcm", "--format", "csv"], capsys
    )
    assert (status, err.count("error")) == (0, 0)
    assert "dtcm" in out


def test_a_check_tells_another_input_arena_or_network_from_a_regression(
    made: tuple[Path, Path, list[int]],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI", raising=False)
    network, given, _ = made
    file = tmp_path / "a.tflite"
    file.write_bytes(network.read_bytes())
    asked: list[str | Path] = ["check", "a.tflite", "--input", given]
    status, out, _ = run([*asked, "--save-baseline", "main"], capsys)
    assert (status, "withheld" in out) == (0, False)
    for other, said in (
        ([*asked[:2]], "the input is values.npy and random, seed 1"),
        ([*asked, "--arena", "dtcm"], "the arena is the part's own and dtcm"),
    ):
        status, _, err = run([*other, "--baseline", "main"], capsys)
        assert (status, said in err) == (2, True)
    assert run([*asked, "--baseline", "main"], capsys)[0] == 0
    file.write_bytes(write(layer(np.random.default_rng(12))))
    _, _, err = run([*asked, "--baseline", "main"], capsys)
    assert "the network is another file" in err
    saved = tmp_path / "b.json"
    run(["profile", file, "--input", given, "--format", "json", "-o", saved], capsys)
    _, _, err = run(["compare", network, saved, "--input", given], capsys)
    assert "warning: the network is another file" in err


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "is empty"), (b"none" * 9, "has no 'TFL3' at byte 4")]
)
def test_what_is_called_a_network_and_is_none_is_no_bad_elf(
    content: bytes, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "a.tflite").write_bytes(content)
    status, _, err = run(["profile", tmp_path / "a.tflite"], capsys)
    assert (status, said in err, "ELF" in err) == (2, True, False)


def test_an_arena_in_pieces_is_placed_whole_by_its_name(tmp_path: Path) -> None:
    """Four tensors of 16 bytes, of which two are alive at a time: two places for two each."""
    net = Net(np.random.default_rng(4))
    tensor = net.input((1, 16), "int8", 1.0, 0)
    for _ in range(3):
        made = net.tensor((1, 16), "int8", 1.0, 0)
        weights = net.constant(net.weights((16, 16), "int8"), 1.0)
        net.add("FULLY_CONNECTED", (tensor, weights, None), (made,))
        tensor = made
    network = tmp_path / "chain.tflite"
    network.write_bytes(write(net.model(tensor)))
    for asked, moved in (("arena", ["arena.1", "arena.2"]), ("arena.2", ["arena.2"])):
        items = profile(network, place=(f"{asked}=dtcm",)).placement or ()
        assert [item.name for item in items] == moved


def test_one_inference_is_what_any_run_of_a_network_can_be_asked_for(
    made: tuple[Path, Path, list[int]], tmp_path: Path
) -> None:
    network, _, _ = made
    only = profile(network, per="inference")
    assert only.per is not None
    assert (only.per.calls, only.per.asked) == (1, "inference")
    # A run of one inference is comparable with one inference, whoever's kernels made it.
    whole, steady = profile(network), profile(network, invocations=2)
    assert whole.scope == only.scope == steady.scope == "one inference"
    capture = tmp_path / "two.mcu"
    record(network, capture, invocations=2)
    assert replay(capture).to_json() == steady.to_json()
    assert replay(capture, per="none").to_json() == (
        profile(network, invocations=2, per="none").to_json()
    )


def test_options_of_networks_are_refused_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(
        ["profile", "kernels/prebuilt/fully_connected_s8.elf", "--invocations", "2"], capsys
    )
    assert status == 2
    assert "--invocations is for a network; give the .tflite file" in err
