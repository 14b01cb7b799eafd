"""Networks in a firmware's own interpreter: rows, outputs, and what is said when it cannot be."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

import simcore
from simcore.cli.main import main
from simcore.costs.profile import Profile
from simcore.kept.profiles import profile_key
from simcore.run.spec import RunSpec, split_runner
from tests import flat_models
from tests.flat_models import Operator, Subgraph, Tensor
from tests.integration.programs import FIRMWARE
from tests.tools import run_tool

RUNNER = FIRMWARE / "tflm_O2.elf"
ARRAY = f"{RUNNER}:dense_model"
WEIGHTS = bytes((5 * index + 1) % 7 for index in range(6 * 16))
GIVEN = bytes(range(16))
#: ADD of two tensors behind FULLY_CONNECTED, whose sums the firmware shifts by 4, and RELU.
SUMS = [sum(GIVEN[i] * WEIGHTS[16 * row + i] for i in range(16)) >> 4 for row in range(6)]
EXPECTED = bytes((2 * value) & 0xFF for value in SUMS)


def other_model(kind: str = "RELU", tensor: str = "positive") -> bytes:
    """16 -> 6: three operators where the firmware's own model has four."""
    tensors = [
        Tensor("given", (1, 16)),
        Tensor("weights", (6, 16), WEIGHTS),
        Tensor("sums", (1, 6)),
        Tensor(tensor, (1, 6)),
        Tensor("doubled", (1, 6)),
    ]
    operators = [
        Operator("FULLY_CONNECTED", (0, 1), (2,)),
        Operator(kind, (2,), (3,)),
        Operator("ADD", (2, 3), (4,)),
    ]
    return flat_models.model([Subgraph(tensors, operators, (0,), (4,))], "other")


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("network")
    (folder / "given.bin").write_bytes(GIVEN)
    file = folder / "other.tflite"
    file.write_bytes(other_model())
    return file


@pytest.fixture(scope="module")
def profile(network: Path) -> Profile:
    """With input and outputs."""
    return simcore.profile(
        network,
        runner=ARRAY,
        input=(str(network.with_name("given.bin")),),
        outputs=str(network.with_name("out.bin")),
    )


def run(
    arguments: Sequence[str | Path], capsys: pytest.CaptureFixture[str]
) -> tuple[int, str, str]:
    status = main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return int(status), said.out, said.err


def test_its_operators_are_rows_and_its_outputs_are_right(profile: Profile, network: Path) -> None:
    assert [(op.name, op.invocations) for op in profile.ops] == [
        ("#0 FULLY_CONNECTED sums (FullyConnectedEval)", 1),
        ("#1 RELU positive (ReluEval)", 1),
        ("#2 ADD doubled (AddEval)", 1),
    ]
    assert profile.per is not None
    assert (profile.per.asked, profile.per.calls) == ("inference", 2)
    assert network.with_name("out.bin").read_bytes() == EXPECTED
    used = profile.runner
    assert used is not None
    assert (used.name, used.array, used.input) == ("tflm_O2.elf", "dense_model", "given.bin")
    assert (used.operators, used.operators_run) == (3, 3)
    assert (used.room_bytes, used.model_bytes) == (len(flat_models.dense()), len(other_model()))
    assert profile.elf.name == "other.tflite"
    assert profile.warnings == ()


def test_report_page_and_document_say_whose_kernels_ran(
    profile: Profile, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    saved = tmp_path / "saved.json"
    saved.write_text(profile.to_json())
    _, out, _ = run(["report", saved], capsys)
    assert "Kernels: those of tflm_O2.elf; the network's" in out
    assert "Input: given.bin." in out
    assert "#1 RELU positive" in out
    _, out, _ = run(["report", saved, "--format", "html"], capsys)
    assert "Kernels: those of tflm_O2.elf" in out
    assert Profile.from_json(saved.read_text()) == profile


def test_a_capture_and_a_study_are_of_the_same_run(
    profile: Profile, network: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    capture = tmp_path / "run.mcu"
    given = network.with_name("given.bin")
    options: list[str | Path] = ["--runner", ARRAY, "--input", given]
    assert run(["record", network, "-o", capture, *options], capsys)[0] == 0
    assert simcore.replay(capture).to_json() == profile.to_json()
    tried = ["--place", "other_thing=dtcm", "--format", "csv"]
    assert "has no function, data symbol" in run(["whatif", network, *options, *tried], capsys)[2]
    status, out, _ = run(
        ["whatif", network, *options, "--place", "dense_model=dtcm", "--format", "csv"], capsys
    )
    assert status == 0
    assert str(profile.totals.cycles) in out


def test_a_check_finds_the_runner_beside_its_settings(
    network: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "firmware.elf").write_bytes(RUNNER.read_bytes())
    (tmp_path / "mcusim.toml").write_text(
        f'[[run]]\nelf = "{network}"\nrunner = "firmware.elf:dense_model"\n'
        'operations."#1*" = "cycles=5"\n'
    )
    status, out, _ = run(["check", "--config", tmp_path / "mcusim.toml"], capsys)
    assert status == 3
    assert "#1 RELU positive" in out


def test_layers_of_two_kernel_libraries_stand_beside_each_other(profile: Profile) -> None:
    own = [f"{op.name.rpartition(' ')[0]}" for op in profile.ops]
    from dataclasses import replace

    from simcore.comparison.comparison import compare

    ops = tuple(replace(op, name=name) for op, name in zip(profile.ops, own, strict=True))
    changes = compare(replace(profile, ops=ops), profile).ops
    assert {(row.name, row.status, row.cycles_difference) for row in changes} == {
        (op.name, "same", 0) for op in profile.ops
    }


def test_the_cache_tells_networks_and_runners_apart(network: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.elf"
    copy.write_bytes(RUNNER.read_bytes())
    spec = RunSpec(elf=str(network), runner=f"{copy}:dense_model")
    key = profile_key(spec)
    assert key is not None
    assert key == profile_key(spec)
    assert key != profile_key(RunSpec(elf=str(network)))
    assert key != profile_key(RunSpec(elf=str(network), runner=f"{copy}:calling_model"))
    copy.write_bytes(RUNNER.read_bytes() + b"\0")
    assert key not in (None, profile_key(spec))


def test_an_operator_without_kernel_ends_as_the_firmware_says(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    network = tmp_path / "convolution.tflite"
    network.write_bytes(other_model("CONV_2D"))
    arguments: list[str | Path] = ["profile", network, "--runner", ARRAY]
    arguments += ["--format", "json", "--no-cache"]
    status, out, err = run(arguments, capsys)
    assert status == 1
    assert json.loads(out)["runner"]["operators_run"] == 0
    (warning,) = json.loads(out)["warnings"]
    assert warning == (
        "tflm_O2.elf: none of the network's 3 operators ran: the program exited with code 1;"
        " it printed: Didn't find op for builtin opcode 3"
    )
    assert "none of the network's 3 operators ran" in err


def test_without_symbols_the_room_is_that_of_the_one_model(
    network: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """All but one go first, a copy that the compiler made for the word `copied` too."""
    from simcore.elf import load_image
    from simcore.elf.patch import patched
    from simcore.tflm.model_array import find_model_array, models_in

    gone = [found for found in models_in(load_image(RUNNER)) if found.name != "dense_model"]
    one = tmp_path / "one.elf"
    one.write_bytes(patched(RUNNER.read_bytes(), {found.address: bytes(8) for found in gone}))
    stripped = tmp_path / "stripped.elf"
    run_tool(["arm-none-eabi-strip", "-o", stripped, one], "binutils-arm-none-eabi")
    found = simcore.profile(network, runner=str(stripped))
    assert found.runner is not None
    assert found.runner.room_bytes == len(flat_models.dense())
    assert found.runner.array.startswith("0x080")
    assert found.runner.input is None
    assert found.runner.operators_run == 3
    both = tmp_path / "both.elf"
    run_tool(["arm-none-eabi-strip", "-o", both, RUNNER], "binutils-arm-none-eabi")
    status, _, err = run(["profile", network, "--runner", both], capsys)
    offered = err.rstrip().rpartition("FILE.elf:")[2]
    assert (status, offered.startswith("0x080")) == (2, True)
    image = load_image(both)
    assert find_model_array(image, offered) in models_in(image)
    large = tmp_path / "large.tflite"
    large.write_bytes(other_model(tensor="positive" * 200))
    status, _, err = run(["profile", large, "--runner", stripped], capsys)
    assert status == 2
    assert f"{len(flat_models.dense()):,} B; it has no symbol" in err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--runner", "{RUNNER}"], "models: calling_model (1,032 B), dense_model (1,720 B)"),
        (["--runner", "{RUNNER}:dense_mode"], "no array 'dense_mode'; did you mean 'dense_model'"),
        (["--runner", "{RUNNER}:0x123"], "has no model at 0x123; it has calling_model, dense_mod"),
        (["--runner", "{RUNNER}:tensor_arena"], "lies in zeroed memory"),
        (["--runner", "{RUNNER}:mcusim_input"], "B and its model array mcusim_input 64 B; build"),
        (["--runner", "{network}"], "not an ELF file"),
        (["--runner", "no.elf"], "no.elf: no such file"),
        (["--runner", "{ARRAY}", "--arena", "dtcm"], "--arena does not go with --runner: where"),
        (["--runner", "{ARRAY}", "--invocations", "2"], "how often it infers is up to the firm"),
        (["--runner", "{ARRAY}", "--input", "{network}"], "an inference takes 16"),
    ],
)
def test_what_does_not_go_is_one_line(
    network: Path, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    known = {"RUNNER": RUNNER, "ARRAY": ARRAY, "network": network}
    told = [option.format(**known) for option in options]
    status, out, err = run(["profile", network, *told], capsys)
    assert (status, out) == (2, "")
    assert err.startswith("mcusim: error: ")
    assert err.count("\n") == 1
    assert said in err


def test_a_firmware_without_the_arrays_takes_no_input_and_cannot_be_verified(
    network: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    plain = tmp_path / "plain.elf"
    renamed = ["--redefine-sym", "mcusim_input=given", "--redefine-sym", "mcusim_output=made"]
    run_tool(["arm-none-eabi-objcopy", *renamed, RUNNER, plain], "binutils-arm-none-eabi")
    hexed = tmp_path / "plain.hex"
    run_tool(["arm-none-eabi-objcopy", "-O", "ihex", RUNNER, hexed], "binutils-arm-none-eabi")
    assert "is no ELF" in run(["profile", network, "--runner", hexed], capsys)[2]
    given = network.with_name("given.bin")
    for option, file in (("--input", given), ("--outputs", tmp_path / "out.bin")):
        status, _, err = run(
            ["profile", network, "--runner", f"{plain}:dense_model", option, file], capsys
        )
        assert (status, err.count("\n")) == (2, 1)
        assert f"{option} needs an array mcusim_" in err
    found = simcore.profile(network, runner=f"{plain}:dense_model")
    assert found.runner is not None
    assert (found.runner.input, found.runner.operators_run) == (None, 3)


def test_outputs_are_compared_after_as_many_inferences_as_the_firmware_ran(
    network: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def reference(_path: str, _data: bytes, inferences: Sequence[object], _: int) -> list[bytes]:
        asked.append(len(inferences))
        return [EXPECTED if len(asked) == 1 else bytes([EXPECTED[0] ^ 1]) + EXPECTED[1:]]

    monkeypatch.setattr("simcore.network.verify.require_reference", lambda: None)
    monkeypatch.setattr("simcore.network.verify._reference", reference)
    given = network.with_name("given.bin")
    arguments: list[str | Path] = ["profile", network, "--runner", ARRAY, "--input", given]
    arguments.append("--verify")
    status, out, _ = run(arguments, capsys)
    assert (status, asked) == (0, [2])
    assert "(6 values)" in out
    status, out, err = run(arguments, capsys)
    assert status == 1
    assert "Outputs differ" in out
    assert "1 output values differ" in err


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tflm.elf", ("tflm.elf", None)),
        ("tflm.elf:g_model", ("tflm.elf", "g_model")),
        ("tflm.elf:ns::model", ("tflm.elf", "ns::model")),
        ("C:\\build\\tflm.elf:g_model", ("C:\\build\\tflm.elf", "g_model")),
        ("C:\\build\\tflm.elf", ("C:\\build\\tflm.elf", None)),
        ("a:b/tflm.elf", ("a:b/tflm.elf", None)),
        ("tflm.elf:", ("tflm.elf:", None)),
    ],
)
def test_a_symbol_stands_behind_the_file(text: str, expected: tuple[str, str | None]) -> None:
    assert split_runner(text) == expected
