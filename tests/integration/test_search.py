"""`mcusim search` and `study ranking` on small spaces: the same report again, and refusals."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import simcore
from simcore.cli.main import cli, main
from simcore.cli.search import FORMATS
from tests.schemas import assert_fits

SPACE = """\
[space]
family = "ds-cnn"
inputs = [[6, 5, 3]]
blocks = [1, 2]
widths = [8, 16]
strides = [1, 2]

[limits]
latency = "1ms"

[search]
trials = 21
"""


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MCUSIM_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "space.toml"
    path.write_text(SPACE)
    return path


def written(space: Path, *options: str) -> str:
    ran = CliRunner().invoke(cli, ["search", str(space), *options], standalone_mode=False)
    assert ran.exception is None, ran.exception
    return ran.stdout


def test_a_search_is_the_same_again_in_every_format(space: Path) -> None:
    first = written(space, "--format", "json", "-j", "1")
    assert written(space, "--format", "json", "-j", "1") == first  # layers are remembered
    found = json.loads(first)
    assert_fits(first)
    assert json.loads(written(space, "--format", "json", "--seed", "2", "-j", "1")) != found
    front = [row for row in found["rows"] if row["on_front"]]
    assert front
    # None of the front is as large and faster; all are within the limit.
    for row in front:
        assert row["time_s"] <= 1e-3
        assert not any(
            other["score"] >= row["score"] and other["time_s"] < row["time_s"]
            for other in found["rows"]
            if other["excess"] <= 0
        )
    rows = list(csv.DictReader(io.StringIO(written(space, "--format", "csv"))))
    assert [row["network"] for row in rows] == [row["network"] for row in found["rows"]]
    page = written(space, "--format", "html")
    assert page.count('<g class="point"') == len(front)
    text = written(space)
    assert f"{len(front)} on the front" in text
    assert set(FORMATS) == {"text", "json", "csv", "html"}


def test_limits_that_nothing_meets_show_the_nearest_miss(
    space: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    space.write_text(SPACE.replace("1ms", "1us"))
    assert main(["search", str(space), "--trials", "4", "-j", "1"]) == 2
    said = capsys.readouterr().err
    assert "none of 4 networks meets the limits; the nearest, ds-cnn-" in said
    assert "of 1.00 µs" in said
    assert said.count("\n") == 1


def test_a_score_of_the_user_judges(space: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (space.parent / "mine_counts.py").write_text(
        "def layers(network):\n    return -len(network['layer'])\n"
        "def broken(network):\n    raise KeyError('weights')\n"
    )
    options = ["--trials", "6", "-j", "1", "--format", "json"]
    found = json.loads(written(space, "--score", "mine_counts:layers", *options))
    for row in found["rows"][:2]:
        one = simcore.estimate(json.loads(row["layers"]), jobs=1)
        assert (one.cycles, one.flash_bytes) == (row["cycles"], row["flash_bytes"])
    assert {row["score"] for row in found["rows"]} <= {-6, -8}  # of one block, of two
    assert main(["search", str(space), "--score", "mine_counts:broken", *options]) == 2
    assert "raised KeyError: 'weights'" in capsys.readouterr().err
    assert written(space, "--trials", "1", "-j", "1").startswith("1 network of the space ds-cnn on")


def test_without_optuna_it_says_what_to_install(
    space: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["search", str(space)]) == 2
    expected = "mcusim search needs optuna: pip install 'mcusim[search]'\n"
    assert capsys.readouterr().err.endswith(expected)


def test_a_ranking_is_whole_runs_beside_sums(space: Path) -> None:
    folder = space.parent / "ranking"
    options = ["--networks", "2", "--seed", "207", "--no-figures", "-j", "1", "-o", str(folder)]
    ran = CliRunner().invoke(cli, ["study", "ranking", *options], standalone_mode=False)
    assert ran.exception is None, ran.exception
    found = json.loads((folder / "ranking.json").read_text())
    assert_fits(found)
    for row in found["rows"]:
        assert row["estimated_cycles"] == pytest.approx(row["cycles"], rel=0.01)
    assert {row["by"] for row in found["taus"]} >= {"ops", "parameters", "estimated_cycles"}
