"""`mcusim study ops` on small grids: figures, resuming, determinism, bad input."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest
from _pytest.mark import ParameterSet
from matplotlib.figure import Figure

from simcore.cli.main import main
from simcore.cpu_model import load_cpu_model
from simcore.errors import ConfigError
from simcore.network.runners import runner_for
from simcore.report import RenderOptions
from simcore.report.saved import load
from simcore.simulation.program import open_program
from simcore.study.grid import Case, cases, load_grid, select
from simcore.study.moves import moves_of
from simcore.study.operators import read_arguments
from simcore.study.ops import OpsStudy, study_ops
from simcore.study.ops_figures import (
    memory,
    operations_and_cycles,
    parts_beside_each_other,
    placements,
    roofline,
    throughput_and_energy,
)
from simcore.study.pool import run_tasks
from simcore.study.roof import core_bandwidth, refill_bandwidths
from simcore.study.spread_figure import spread
from simcore.study.store import Store
from simcore.study.tasks import Run, Task
from simcore.study.tensors import tensors_of
from tests.integration.programs import RUNNERS
from tests.schemas import assert_fits
from tests.shared import made_once
from tests.tools import GUARD_S, ctrl_c_interrupts

ROOT = Path(__file__).resolve().parents[2]
SMALL = (
    "study", "ops", "--only", "relu", "--only", "pointwise", "--only", "copy", "--size", "small",
)  # fmt: skip
PARTS = ("stm32f746", "generic-m7")
TABLES = (*SMALL, "--cpu", ",".join(PARTS), "--no-figures")
RUNS = 2 * 3 * 2  # parts, types, variants


@pytest.fixture(scope="module")
def folder() -> Path:
    """The folder of a small study on two parts without figures; to be read only."""

    def run(path: Path) -> None:
        assert main([*TABLES, "-o", str(path), "--jobs", "1"]) == 0

    return made_once(TABLES, run)


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    return shutil.copytree(folder, tmp_path / "copy")


def studied(folder: Path) -> OpsStudy:
    """The study of a folder."""
    grid = load_grid()
    points = cases(grid, select(grid.operations, ["relu", "pointwise", "copy"]), ["small"])
    return study_ops(PARTS, grid, points, Store(folder / "runs"), jobs=1)


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_documents_hold_the_same_rows(folder: Path) -> None:
    document = assert_fits((folder / "ops.json").read_text())
    rows = list(csv.DictReader((folder / "ops.csv").read_text().splitlines()))
    assert len(rows) == len(document["rows"]) == 2 * 2 * (12 + 4 + 4)
    for row, plain in zip(rows, document["rows"], strict=True):
        assert int(row["cycles"]) == plain["cycles"]
        assert row["operation"] == plain["operation"]
        assert row["reference"] == "true"
        assert float(row["j_per_op"]) == plain["energy_j"] / plain["ops"]
    saved = load(str(folder / "ops.json"))
    for name, suffix in (("json", "json"), ("csv", "csv"), ("text", "txt")):
        written = (folder / f"ops.{suffix}").read_text()
        assert saved.render(name, RenderOptions()) == (written, ())
    text = (folder / "ops.txt").read_text()
    assert "Types at 73,728 operations each" in text
    assert "Spread" in text


def test_spreads_are_largest_over_smallest(folder: Path) -> None:
    document = json.loads((folder / "ops.json").read_text())
    usual = {
        row["operation"]: row
        for row in document["rows"]
        if (row["part"], row["variant"], row["activations"]) == ("stm32f746", "plain", "sram")
        if row["weights"] in (None, "flash") and row["code"] == "flash"
    }
    assert set(usual) == {"relu", "pointwise", "copy"}
    del usual["copy"]  # it computes nothing
    (spread,) = (
        spread
        for spread in document["spreads"]
        if (spread["part"], spread["variant"], spread["name"])
        == ("stm32f746", "plain", "all int8 that compute")
        if spread["operations_per_mac"] == 2
    )
    rates = {name: row["ops_per_s"] for name, row in usual.items()}
    assert spread["fastest"] == max(rates, key=lambda name: rates[name])
    assert spread["throughput_ratio"] == max(rates.values()) / min(rates.values())
    energies = [row["j_per_op"] for row in usual.values()]
    assert spread["energy_ratio"] == max(energies) / min(energies)


def test_a_mac_that_counts_once_halves_the_rate_of_what_multiplies(folder: Path) -> None:
    document = json.loads((folder / "ops.json").read_text())
    two, one = (
        spread
        for spread in document["spreads"]
        if (spread["part"], spread["variant"], spread["name"])
        == ("stm32f746", "optimised", "with max pool, ReLU")
    )
    assert (two["operations_per_mac"], one["operations_per_mac"]) == (2, 1)
    assert (two["fastest"], one["fastest"]) == ("pointwise", "relu")
    assert one["throughput_ratio"] == pytest.approx(2 / two["throughput_ratio"])
    assert one["energy_ratio"] == pytest.approx(2 / two["energy_ratio"])


def test_every_part_has_figures_of_every_kind(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is drawn here, which takes long."""

    def savefig(figure: Figure, file: BinaryIO, **_: object) -> None:
        file.write(b"a figure")

    monkeypatch.setattr(Figure, "savefig", savefig)
    assert main([*TABLES[:-1], "-o", str(copy)]) == 0
    kinds = ("spread", "throughput-energy", "operations-cycles", "memory", "roofline", "placements")
    stems = {f"{part}-{kind}" for part in PARTS for kind in kinds}
    names = {path.name for path in (copy / "figures").iterdir()}
    assert names == {f"{stem}.{suffix}" for stem in {*stems, "parts"} for suffix in ("png", "svg")}


def test_figures_are_whole(folder: Path) -> None:
    study = studied(folder)
    part = study.parts[0]
    drawn = [
        *spread(study, part),
        *throughput_and_energy(study, part),
        *operations_and_cycles(study, part),
        *memory(study, part),
        *roofline(study, part),
        *placements(study, part),
        *parts_beside_each_other(study),
    ]
    assert len(drawn) == 7 * 2
    for name, data in drawn:
        if name.endswith(".png"):
            assert data.startswith(b"\x89PNG\r\n")
        else:
            assert ET.fromstring(data).tag == "{http://www.w3.org/2000/svg}svg"
            assert b"<dc:date>" not in data
    assert drawn[6:8] == [*memory(study, part)]


def test_what_only_moves_has_no_roofline(folder: Path) -> None:
    study = studied(folder)
    copies = replace(study, rows=tuple(row for row in study.rows if row.operation == "copy"))
    assert not [*roofline(copies, study.parts[0])]


def test_figures_of_an_earlier_study_do_not_stay(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def figures(names: list[str]) -> set[str]:
        monkeypatch.setattr(
            "simcore.study.ops_figures.figures", lambda _: [(name, b"") for name in names]
        )
        assert main([*TABLES[:-1], "-o", str(copy)]) == 0
        return {path.name for path in (copy / "figures").iterdir()}

    assert figures(["one.png", "two.svg"]) == {"one.png", "two.svg"}
    assert figures(["one.png"]) == {"one.png"}
    assert main([*TABLES, "-o", str(copy)]) == 0
    assert not list((copy / "figures").iterdir())


def test_another_study_has_the_same_runs_byte_for_byte(folder: Path, tmp_path: Path) -> None:
    command = ["study", "ops", "--only", "relu", "--size", "small", "--no-figures"]
    assert main([*command, "--jobs", "1", "-o", str(tmp_path)]) == 0
    again, before = files_of(tmp_path / "runs"), files_of(folder / "runs")
    assert again.items() <= before.items()
    assert len(again) == 2 + 1  # variants, and a file that is locked


@pytest.mark.exhaustive
def test_another_study_of_the_same_is_the_same_byte_for_byte(tmp_path: Path) -> None:
    """With all figures, by another process and by several."""
    command = [*TABLES[:-1], "-o"]
    assert main([*command, str(tmp_path / "one"), "--jobs", "1"]) == 0
    others = [sys.executable, "-m", "simcore.cli.main", *command, str(tmp_path / "two")]
    subprocess.run([*others, "--jobs", "2"], check=True, capture_output=True)
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")
    assert len(files_of(tmp_path / "one")) > RUNS + 20


def test_a_finished_study_runs_nothing_again(
    copy: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*TABLES, "-o", str(copy), "--verbose"]) == 0
    assert f"{RUNS} of {RUNS} runs were there already" in capsys.readouterr().err
    assert files_of(copy) == files_of(folder)


def test_a_corrupt_result_is_made_again(copy: Path, folder: Path) -> None:
    broken, shortened, *_ = sorted((copy / "runs").glob("*.json"))
    broken.write_text(broken.read_text().replace('"cycles": ', '"cycles": 1'))
    shortened.write_bytes(shortened.read_bytes()[:100])
    assert main([*TABLES, "-o", str(copy), "--jobs", "1"]) == 0
    assert files_of(copy) == files_of(folder)


def test_a_killed_study_goes_on_where_it_was(folder: Path, tmp_path: Path) -> None:
    """SIGKILL to the parent in the middle: its workers end, finished runs count, no other does."""
    path = tmp_path / "killed"
    arguments = [*TABLES, "-o", str(path), "--jobs", "2"]
    process = start_with(3, "os.kill(os.getpid(), signal.SIGKILL)", arguments)
    process.communicate(timeout=GUARD_S)
    assert process.returncode == -signal.SIGKILL
    until = time.monotonic() + GUARD_S
    while living_of_group(process.pid):
        assert time.monotonic() < until, "workers outlive the killed study"
        time.sleep(0.01)
    kept = {file: file.stat().st_mtime_ns for file in (path / "runs").glob("*.json")}
    assert 3 <= len(kept) < RUNS
    assert not (path / "ops.json").exists()
    assert main([*arguments, "--jobs", "1"]) == 0
    assert files_of(path) == files_of(folder)
    assert {file: file.stat().st_mtime_ns for file in kept} == kept


#: `mcusim` that does something as soon as so many results of a study of operations are there.
WHEN_DONE = """
import os, signal, sys
from simcore.cli.main import main
from simcore.study import ops

def study_ops(*arguments, progress, whole=ops.study_ops, **options):
    def tell(done, total):
        progress(done, total)
        if done >= {results}:
            {action}
    return whole(*arguments, progress=tell, **options)

ops.study_ops = study_ops
sys.exit(main())
"""


def start_with(results: int, action: str, arguments: list[str]) -> subprocess.Popen[str]:
    """A study, as a group of processes, in which something happens in the middle."""
    script = WHEN_DONE.format(results=results, action=action)
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def living_of_group(group: int) -> list[int]:
    """Processes of a group but for zombies, which wait for a parent that may not care."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            state, _, of_group, *_ = status.read_text().rpartition(")")[2].split()
            if int(of_group) == group and state != "Z":
                found.append(int(status.parent.name))
    return found


def test_ctrl_c_keeps_what_is_finished(tmp_path: Path) -> None:
    path = tmp_path / "stopped"
    with ctrl_c_interrupts():
        # As a terminal does: to all of them.
        action = "os.killpg(0, signal.SIGINT)"
        process = start_with(1, action, [*SMALL, "-o", str(path), "--jobs", "2"])
    _, said = process.communicate(timeout=GUARD_S)
    assert (process.returncode, said) == (130, "mcusim: error: interrupted\n")
    assert list((path / "runs").glob("*.json"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "rellu"], "--only 'rellu' matches no operation; did you mean 'relu'"),
        (["--size", "huge"], "--size 'huge' is none of small, medium, large"),
        (["--cpu", "stm32f747"], "stm32f747"),
        (["--cpu", ","], "it names no part"),
        (["--jobs", "0"], "0 is not in the range"),
        (["-o", "/proc/study"], "/proc/study: cannot make the folder"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    more = [] if "-o" in arguments else ["-o", str(tmp_path / "x")]
    assert main([*SMALL, *arguments, *more]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err
    assert not (tmp_path / "x").exists()


def test_a_part_without_runner_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = tmp_path / "odd.toml"
    part.write_text(
        'name = "odd"\ntitle = "flash elsewhere"\nextends = "stm32f746"\n'
        '[sources]\nT = "test"\n[region.flash]\n'
        'base = { value = 0x08200000, unit = "address", source = "T: x", status = "assumed" }\n'
    )
    assert main([*SMALL, "--cpu", str(part), "-o", str(tmp_path / "x")]) == 2
    assert "odd: no prebuilt nn.elf fits its memory map" in capsys.readouterr().err


@pytest.mark.parametrize("name", RUNNERS)
def test_every_shipped_part_has_a_runner_built_for_its_memories(name: str) -> None:
    assert Path(runner_for(load_cpu_model(name)).path).stem == RUNNERS[name]


def test_the_first_failure_ends_the_study_and_keeps_the_rest(tmp_path: Path) -> None:
    model = load_cpu_model("stm32f746")
    runner = runner_for(model)
    good, bad = (
        Task(runner.path, runner.sha256, "stm32f746", model.sha256, ("relu_s8", size))
        for size in ("size=64", "size=none")
    )
    with pytest.raises(
        ConfigError, match=r"nn.elf -- relu_s8 size=none \(on stm32f746\): .* is not a number"
    ):
        run_tasks([good, bad], Store(tmp_path), jobs=1)
    assert Store(tmp_path).load(good) is not None


def test_roofs_are_those_of_the_model() -> None:
    """Flash of the F746 at 216 MHz: 1 + 7 wait states, then three more beats of 8 bytes."""
    model = load_cpu_model("stm32f746")
    assert core_bandwidth(model).bytes_per_cycle == 8
    rows = refill_bandwidths(model, 216_000_000, "scale1-overdrive", ("flash", "sram1", "dtcm"))
    assert {row.name: row.bytes_per_cycle for row in rows} == {
        "flash": 32 / (8 + 3),
        "sram1": 32 / (3 + 3 * 2),
    }


def test_every_shape_makes_the_operations_of_its_size(tmp_path: Path) -> None:
    """The shapes of the small size, within 5 % of the target; tensors as the runner has them."""
    grid = load_grid()
    points = [
        replace(case, placements=case.placements[:1])
        for case in cases(grid, grid.operations, ["small"])
        if case.variant == "optimised"
    ]
    study = study_ops(["generic-m7"], grid, points, Store(tmp_path), jobs=1)
    assert {row.operation for row in study.rows} == {o.name for o in grid.operations}
    for row in study.rows:
        assert row.ops == pytest.approx(grid.sizes["small"], rel=0.05), row.operation
        assert row.time_s == pytest.approx(row.cycles / 216e6)
        assert row.energy_low_j < row.energy_j < row.energy_high_j
        assert row.peak_activation_bytes == row.activation_bytes + row.scratch_bytes
        assert row.loaded_bytes > 0
        tensors = tensors_of(row.kernel, read_arguments(row.shape))
        assert row.activation_bytes == sum(tensors.inputs) + tensors.output, row.operation
        assert (row.weights is None) == (tensors.weights == 0)


def each_exhaustively(*names: str) -> list[ParameterSet]:
    """Further operations that show what the first ones do."""
    return [pytest.param(name, marks=pytest.mark.exhaustive) for name in names]


def timed(
    tmp_path: Path, name: str, variant: str = "optimised", cpu: str = "stm32f746"
) -> tuple[Case, Run]:
    """A small case in all its placements."""
    grid, model = load_grid(), load_cpu_model(cpu)
    (case,) = (
        case
        for case in cases(grid, select(grid.operations, [name]), ["small"])
        if case.variant == variant
    )
    runner = runner_for(model)
    moves = [moves_of(runner, model, case, placement) for placement in case.placements]
    task = Task(runner.path, runner.sha256, cpu, model.sha256, case.args,
                moves=tuple(one for one in moves if one is not None))  # fmt: skip
    assert len(task.moves) == len(case.placements)
    (run,) = run_tasks([task], Store(tmp_path))
    return case, run


@pytest.mark.parametrize(
    "name", ["pointwise", "relu", *each_exhaustively("fully connected", "conv 3x3 float")]
)
def test_a_placement_costs_what_the_runner_itself_makes_of_it(tmp_path: Path, name: str) -> None:
    """The runner can copy weights and put activations into DTCM: the same within 2 %.

    What differs is where exactly tensors lie, and that the copying leaves the caches otherwise.
    """
    case, run = timed(tmp_path, name)
    runner = runner_for(load_cpu_model("stm32f746"))
    for placement, timing in zip(case.placements, run.timings, strict=True):
        if placement.code != "flash":
            continue
        places = [f"act={placement.activations}"]
        if placement.weights is not None:
            places.append(f"weights={placement.weights}")
        own = open_program(runner.path, args=(*case.args, *places)).run().costs.op_costs()
        assert timing[0].cycles == pytest.approx(own[0].cycles, rel=0.02), placement


@pytest.mark.parametrize("variant", ["optimised", "plain"])
@pytest.mark.parametrize(
    "name", ["conv 3x3", "softmax", *each_exhaustively("conv 3x3 int16", "conv 3x3 float")]
)
def test_code_that_is_placed_in_itcm_is_fetched_there(
    tmp_path: Path, name: str, variant: str
) -> None:
    """All but the runner's own call around the kernel."""
    case, run = timed(tmp_path, name, variant)
    for placement, timing in zip(case.placements, run.timings, strict=True):
        traffic = timing[0].traffic
        fetched = {name: region.fetch_bytes for name, region in traffic.items()}
        if placement.code == "itcm":
            assert fetched["flash"] < 0.02 * fetched["itcm"], placement
        else:
            assert "itcm" not in fetched, placement


def test_what_has_no_room_is_left_out(tmp_path: Path) -> None:
    """An ITCM of 4 KiB holds no suite of kernels."""
    part = tmp_path / "small.toml"
    part.write_text(
        'name = "small"\ntitle = "less ITCM"\nextends = "stm32f746"\n'
        '[sources]\nT = "test"\n[region.itcm]\n'
        'size = { value = 4, unit = "KiB", source = "T: x", status = "assumed" }\n'
    )
    grid = load_grid()
    points = cases(grid, select(grid.operations, ["relu"]), ["small"])
    study = study_ops([str(part)], grid, points, Store(tmp_path), jobs=1)
    assert {row.code for row in study.rows} == {"flash"}
    assert {row.activations for row in study.rows} == {"sram", "dtcm"}
