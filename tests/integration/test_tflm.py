"""Firmware with an interpreter of TensorFlow Lite Micro's shape: its operators and its tensors."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

import simcore
from simcore.costs.profile import Profile
from simcore.costs.tables import ObjectCosts
from simcore.report import RenderOptions
from simcore.report.profile import document
from tests import flat_models
from tests.integration.programs import FIRMWARE
from tests.tools import run_tool

BUILDS = ["tflm_O2", "tflm_O3", "tflm_Os", "tflm_lto"]
INFERENCES = 2

#: Rows of the model `dense`: name, invocations; of one: MACs, bytes of parameters and of tensors.
DENSE = [
    ("#0 FULLY_CONNECTED dense_1/out (FullyConnectedEval)", 2, 24 * 16, 24 * 16, 16 + 24),
    ("#1 RELU relu/out (ReluEval)", 2, 0, 0, 24 + 24),
    ("#2 ADD sum/out (AddEval)", 2, 0, 0, 24 + 24 + 24),
    ("#3 FULLY_CONNECTED output (FullyConnectedEval)", 2, 8 * 24, 8 * 24, 24 + 8),
]


def run(build: str | Path, *args: str) -> Profile:
    """All inferences of a run."""
    elf = build if isinstance(build, Path) else FIRMWARE / f"{build}.elf"
    profile = simcore.profile(elf, args=args, per="none")
    assert profile.exit.code == 0
    return profile


def rows(profile: Profile) -> list[tuple[str, int, int, int, int]]:
    """Operators as DENSE has them; what has no MACs by its model is asked for no number."""
    found = []
    for op in profile.ops:
        macs = op.macs // op.invocations if op.kind == "FULLY_CONNECTED" else 0
        found.append((op.name, op.invocations, macs, op.param_bytes, op.activation_bytes))
    return found


def arena_of(profile: Profile) -> ObjectCosts:
    (found,) = (row for row in profile.objects if row.name == "tensor_arena")
    return found


def test_the_models_of_the_firmware_are_those_that_are_written_here() -> None:
    assert flat_models.HEADER.read_text(encoding="utf-8") == flat_models.header()


@pytest.mark.parametrize("build", BUILDS)
def test_each_operator_is_a_row_however_the_interpreter_was_compiled(build: str) -> None:
    profile = run(build)
    assert rows(profile) == DENSE
    assert profile.warnings == ()
    one = profile.ops[3].operator
    assert one is not None
    assert (one.model, one.subgraph, one.index) == ("dense_model", 0, 3)
    assert (one.inputs, one.outputs) == (("sum/out", "dense_2/weights"), ("output",))
    assert (one.input_shapes, one.output_shapes) == (((1, 24), (8, 24)), ((1, 8),))


@pytest.mark.parametrize("word", ["profiler", "copied"])
def test_neither_a_profiler_nor_a_model_in_ram_changes_the_rows(word: str) -> None:
    profile = run("tflm_O2", word)
    assert rows(profile) == DENSE
    assert profile.warnings == ()
    assert {op.operator.model for op in profile.ops if op.operator} == {
        "copy" if word == "copied" else "dense_model"
    }


@pytest.mark.parametrize(
    ("build", "model"), [(one, "dense") for one in BUILDS] + [("tflm_Os", "calling")]
)
def test_one_inference_is_counted_and_costs_what_its_call_does(build: str, model: str) -> None:
    """The calling model runs a subgraph by the same function, from inside of an operator."""
    elf, args = FIRMWARE / f"{build}.elf", (model,)
    profile = simcore.profile(elf, args=args)
    per = profile.per
    assert per is not None
    assert (per.asked, per.call, per.calls, per.returned) == ("inference", 2, 2, True)
    assert "InvokeSubgraph" in per.function
    whole = simcore.profile(elf, args=args, ops=(per.function,), per="none")
    row = next(op for op in whole.ops if op.name.endswith("InvokeSubgraph[1]"))
    totals = profile.totals
    assert (row.instructions, row.cycles, row.energy_j, row.mispredicts) == (
        totals.instructions, totals.cycles, totals.energy_j, totals.mispredicts,
    )  # fmt: skip
    assert [(name, 1, *rest) for name, _, *rest in rows(run(build, model))] == rows(profile)
    assert simcore.profile(elf, args=args, per="inference").to_json() == profile.to_json()


def test_an_operator_whose_kernel_is_the_counted_call_ran_whole() -> None:
    kernel = "tflite::(anonymous namespace)::FullyConnectedEval(TfLiteContext*, TfLiteNode*)"
    profile = simcore.profile(FIRMWARE / "tflm_O2.elf", per=kernel)
    assert [(op.is_part, op.macs) for op in profile.ops] == [(None, 192)]


@pytest.mark.parametrize(("per", "which", "calls"), [(None, "further", 1), ("none", "all", 2)])
def test_tables_of_layers_hold_the_operators_of_firmware(
    per: str | None, which: str, calls: int
) -> None:
    """Of one inference, or the sums of JSON's over two; mltk and tflm have the mean."""
    profile = simcore.profile(FIRMWARE / "tflm_O2.elf", per=per)
    table = document(profile, "csv", RenderOptions(section="layers"))
    assert isinstance(table, str)
    layers = [*csv.DictReader(io.StringIO(table))]
    assert [
        (row["number"], row["operator"], row["kernel"], row["output_shape"], int(row["macs"]))
        for row in layers
    ] == [
        ("0", "FULLY_CONNECTED", "FullyConnectedEval", "1x24", 24 * 16),
        ("1", "RELU", "ReluEval", "1x24", 0),
        ("2", "ADD", "AddEval", "1x24", 0),
        ("3", "FULLY_CONNECTED", "FullyConnectedEval", "1x8", 8 * 24),
    ]
    assert {row["inference"] for row in layers} == {which}
    for name in ("cycles", "energy_j", "icache_misses", "mean_cycles"):
        assert [float(row[name]) for row in layers] == [getattr(op, name) for op in profile.ops]
    means = [round(op.cycles / calls) for op in profile.ops]
    events = str(document(profile, "tflm")).splitlines()[1:]
    assert events == [f"{at},{op.kind},{means[at]}" for at, op in enumerate(profile.ops)]
    rows = [*csv.DictReader(io.StringIO(str(document(profile, "mltk"))))]
    assert [(row["opcode"], row["input_shape"], int(row["macs"])) for row in rows] == [
        ("fully_connected", "1x16", 384), ("relu", "1x24", 0), ("add", "1x24", 0),
        ("fully_connected", "1x24", 192),
    ]  # fmt: skip
    assert [int(row["cpu_cycles"]) for row in rows] == means


def test_without_any_symbol_rows_are_the_same_but_for_the_function(tmp_path: Path) -> None:
    elf = tmp_path / "stripped.elf"
    whole = FIRMWARE / "tflm_lto.elf"
    run_tool(["arm-none-eabi-strip", "-o", elf, whole], "binutils-arm-none-eabi")
    said = "costs are those of the whole run, set-up and all inferences"
    assert any(warning.startswith(said) for warning in simcore.profile(elf).warnings)
    profile = run(elf)
    found = rows(profile)
    assert [row[1:] for row in found] == [row[1:] for row in DENSE]
    assert [row[0].rpartition(" ")[0] for row in found] == [
        name.rpartition(" ")[0] for name, *_ in DENSE
    ]
    (arena,) = (row for row in profile.objects if row.kind == "arena")
    assert arena.size == 8192
    assert {part.name for part in arena.parts or ()} >= {"input", "sum/out", "(persistent)"}
    assert profile.ops[0].operator is not None
    assert profile.ops[0].operator.model.startswith("model@0x0800")


def test_of_two_interpreters_in_one_arena_each_has_its_rows() -> None:
    profile = run("tflm_Os", "two")
    assert [(op.name.rpartition(" ")[0], op.invocations) for op in profile.ops] == [
        ("dense_model #0 FULLY_CONNECTED dense_1/out", 2),
        ("dense_model #1 RELU relu/out", 2),
        ("dense_model #2 ADD sum/out", 2),
        ("dense_model #3 FULLY_CONNECTED output", 2),
        ("calling_model #0 CALL_ONCE", 1),
        ("calling_model #1.0 RELU once/out", 1),
        ("calling_model #1 RELU middle", 1),
        ("calling_model #2 ADD out", 1),
    ]
    assert [(one.model, one.subgraph) for one in profile.arenas or ()] == [
        ("dense_model", 0), ("calling_model", 0), ("calling_model", 1),
    ]  # fmt: skip


def test_a_subgraph_lies_inside_the_operator_that_runs_it() -> None:
    profile = run("tflm_Os", "calling")
    calls, inner = profile.ops[0], profile.ops[1]
    assert (calls.kind, inner.name) == ("CALL_ONCE", "#1.0 RELU once/out (ReluEval)")
    assert 0 < inner.cycles < calls.cycles


def test_a_model_that_cannot_be_read_gives_a_warning_and_no_names() -> None:
    profile = run("tflm_O2", "damaged")
    assert profile.ops == ()
    (warning,) = profile.warnings
    assert "MicroInterpreterGraph::InvokeSubgraph" in warning
    assert "damaged .tflite file" in warning
    assert "--op-calls" in warning


def test_an_operator_that_is_left_half_way_spoils_no_other() -> None:
    profile = run("tflm_O2", "longjmp")
    assert [(op.name.split()[0], op.invocations) for op in profile.ops] == [
        ("#0", 2), ("#1", 2), ("#2", 1), ("#3", 1),
    ]  # fmt: skip


def test_accesses_in_the_arena_are_those_of_tensors() -> None:
    """Counted by hand: each layer with weights reads its input once for each output."""
    profile = run("tflm_O2")
    arena = arena_of(profile)
    assert arena.parts is not None
    bytes_of = {part.name: (part.read_bytes, part.write_bytes) for part in arena.parts}
    assert bytes_of.pop("(persistent)")[0] > 0
    assert bytes_of == {
        # The first input is written before anybody knows of an arena.
        "input": (INFERENCES * 24 * 16, 16),
        "dense_1/out": (INFERENCES * (24 + 24), INFERENCES * 24),
        "relu/out": (INFERENCES * 24, INFERENCES * 24),
        "sum/out": (INFERENCES * 8 * 24, INFERENCES * 24),
        "output": (INFERENCES * 8, INFERENCES * 8),
    }
    for name in ("reads", "writes", "read_bytes", "write_bytes", "misses", "stall_cycles"):
        assert getattr(arena, name) >= sum(getattr(part, name) for part in arena.parts)


def test_the_arena_says_what_is_taken_and_when() -> None:
    (arena,) = run("tflm_O3").arenas or ()
    assert (arena.model, arena.name, arena.size) == ("dense_model", "tensor_arena", 8192)
    # Three places of 64 bytes and 128 of scratch; nodes and tensors of 16 bytes' alignment, and
    # the allocator's own 20 bytes in a multiple of 8 and 16.
    assert arena.planned_bytes == 3 * 64 + 128
    assert arena.persistent_bytes == 4 * 32 + 7 * 12 + 12 + 32
    assert [(one.name, one.offset, one.size, one.first, one.last) for one in arena.tensors] == [
        ("input", 0, 16, 0, 0),
        ("sum/out", 0, 24, 2, 3),
        ("dense_1/out", 64, 24, 0, 2),
        ("output", 64, 8, 3, 3),
        ("relu/out", 128, 24, 1, 2),
    ]


def test_a_capture_says_of_operators_and_tensors_what_the_run_said(tmp_path: Path) -> None:
    capture = tmp_path / "run.mcu"
    simcore.record(FIRMWARE / "tflm_O2.elf", capture, args=("two",))
    replayed = simcore.replay(capture, per="none")
    profile = run("tflm_O2", "two")
    assert replayed.to_json() == profile.to_json()


def test_a_text_report_has_a_table_of_the_arena() -> None:
    text = document(run("tflm_O2"), "text", RenderOptions(width=100))
    assert isinstance(text, str)
    assert "Tensor arena of dense_model" in text
    assert "8,192 bytes: 576 used, 320 planned and 256 persistent; 7,616 never" in " ".join(
        text.split()
    )
