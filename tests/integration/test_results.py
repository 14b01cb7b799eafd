"""Commands with --store: what is in the store is not run again, and what runs is kept there."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import simcore.profiler
import simcore.study.pool
import simcore.whatif.study
from simcore.cli.main import main
from tests.integration.programs import FIRMWARE

KERNEL = Path(__file__).resolve().parents[2] / "kernels" / "prebuilt" / "fully_connected_s8.elf"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MCUSIM_CACHE", "off")


def never(*_: object, **__: object) -> Any:
    raise AssertionError("something ran")


def rows(*asked: str, capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    capfd.readouterr()
    assert main(["results", "runs.db", "--format", "jsonl", *asked]) == 0
    return [json.loads(line) for line in capfd.readouterr().out.splitlines()]


def test_a_profile_in_the_store_is_read_back_whatever_the_path(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ["--store", "runs.db", "--format", "json"]
    assert main(["profile", str(KERNEL), *asked]) == 0
    first = capfd.readouterr().out
    (row,) = rows(capfd=capfd)
    profile = json.loads(first)
    assert (row["cycles"], row["energy_j"]) == (
        profile["totals"]["cycles"], profile["totals"]["energy_j"],
    )  # fmt: skip
    assert row["program_sha256"] == profile["elf"]["sha256"]
    shutil.copy(KERNEL, "renamed.elf")
    monkeypatch.setattr(simcore.profiler, "profile", never)
    assert main(["profile", "renamed.elf", *asked]) == 0
    assert capfd.readouterr().out == first.replace(KERNEL.name, "renamed.elf")
    assert main(["profile", "renamed.elf", *asked, "--clock", "100MHz"]) == 4  # it is another run


def test_a_damaged_result_is_made_again_and_another_kind_of_run_is_told_of(
    capfd: pytest.CaptureFixture[str],
) -> None:
    asked = ["profile", str(KERNEL), "--store", "runs.db"]
    assert main(asked) == 0
    with sqlite3.connect("runs.db") as connection:
        connection.execute("UPDATE mcusim_runs SET document = x'00'")
    connection.close()
    assert main(asked) == 0
    assert len(rows(capfd=capfd)) == 1
    assert main([*asked, "--semihost-dir", "."]) == 0
    assert (
        "fully_connected_s8.elf on stm32f746 is not kept in runs.db: it reads or writes something"
        " that its key does not hold" in capfd.readouterr().err
    )
    assert main([*asked, "--energy-sweep"]) == 2


def test_a_study_runs_only_the_configurations_that_are_not_there(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    timed: list[list[str]] = []
    run = simcore.whatif.study.run_prepared

    def note(program: Any, prepared: Any, streams: Any) -> Any:
        timed.append([one.configuration.name for one in prepared])
        return run(program, prepared, streams)

    monkeypatch.setattr(simcore.whatif.study, "run_prepared", note)
    asked = ["whatif", str(KERNEL), "--format", "json", "--try", "slow: clock=100MHz"]
    assert main([*asked, "--store", "runs.db"]) == 0
    again, more = [*asked, "--store", "runs.db"], [*asked, "--try", "off: caches=off"]
    first = capfd.readouterr().out
    assert main(again) == 0
    assert capfd.readouterr().out == first
    assert timed == [["as linked", "slow"]]
    assert main([*more, "--store", "runs.db"]) == 0
    stored = capfd.readouterr().out
    assert timed[1:] == [["as linked", "off"]]  # the first one times the execution
    assert main(more) == 0
    assert capfd.readouterr().out == stored
    assert [row["configuration"] for row in rows("--sort", "configuration", capfd=capfd)] == [
        "as linked", "off", "slow",
    ]  # fmt: skip


def test_a_study_of_operations_finds_its_runs_without_its_folder(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ["study", "ops", "--only", "copy", "--size", "small", "--no-figures", "--jobs", "1"]
    assert main([*asked, "-o", "first"]) == 0  # what its folder holds comes into the store later
    monkeypatch.setattr(simcore.study.pool, "execute", never)
    assert main([*asked, "-o", "first", "--store", "runs.db"]) == 0
    assert main([*asked, "-o", "second", "--store", "runs.db"]) == 0
    assert Path("first/ops.json").read_bytes() == Path("second/ops.json").read_bytes()
    found = rows("--where", "kind=study", capfd=capfd)
    document = json.loads(Path("first/ops.json").read_text())
    assert {row["cycles"] for row in document["rows"]} <= {row["cycles"] for row in found}


def test_advice_in_the_store_is_not_found_again(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ["advise", str(KERNEL), "--candidates", "1", "--store", "runs.db", "--format", "json"]
    assert main(asked) == 0
    first = capfd.readouterr().out
    monkeypatch.setattr(import_module("simcore.advisor.advise"), "record_run", never)
    assert main(asked) == 0
    assert capfd.readouterr().out == first
    assert main([*asked, "--count-copies"]) == 4  # another question
    linked, placed = rows("--sort", "position", capfd=capfd)
    advice = json.loads(first)
    assert (linked["kind"], linked["configuration"]) == ("advise", "as linked")
    assert (linked["cycles"], linked["energy_j"]) == (
        advice["linked"]["cycles"], advice["linked"]["energy_j"],
    )  # fmt: skip
    assert placed["configuration"] == "weights=sram1"
    assert placed["cycles"] < linked["cycles"]


def test_rows_are_listed_and_removed(capfd: pytest.CaptureFixture[str]) -> None:
    for clock in ("100MHz", "200MHz"):
        assert main(["profile", str(KERNEL), "--clock", clock, "--store", "runs.db"]) == 0
    capfd.readouterr()
    assert main(["results", "runs.db", "--sort", "-clock_hz"]) == 0
    listed = capfd.readouterr().out.splitlines()
    assert listed[0] == "2 results"
    assert [line.split()[0] for line in listed[4:]] == [KERNEL.name, KERNEL.name]
    assert "200 MHz" in listed[4]
    assert main(["results", "runs.db", "--where", "clock_hz=100MHz", "--remove"]) == 0
    assert capfd.readouterr().err == "mcusim: removed 1 run from runs.db\n"
    assert [row["clock_hz"] for row in rows(capfd=capfd)] == [200_000_000]
    for wrong in (["--remove"], ["--columns", "cycle"], ["--columns", ","], ["--where", "x"]):
        assert main(["results", "runs.db", *wrong]) == 2
    assert main(["results", "nothing.db"]) == 2
    assert not Path("nothing.db").exists()


def test_what_read_standard_input_is_not_kept(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in ("whatif", "profile"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"typed\n")))
        more = ["--try", "caches=on"] if command == "whatif" else []
        main([command, str(FIRMWARE / "semihost_calls.elf"), *more, "--store", "runs.db"])
    assert "is not kept in runs.db: it asked for standard input" in capfd.readouterr().err
    assert rows(capfd=capfd) == []
