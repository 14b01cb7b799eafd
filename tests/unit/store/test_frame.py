"""Rows for other programs: pandas, polars and DuckDB read what is exported, with its types."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import simcore
from simcore.cli.main import main
from simcore.store import frame
from simcore.store.database import open_store
from tests.unit.store.made_up import row, run

COLUMNS = "key,made,program,cycles,energy_j,macs"
#: Above what a double holds exactly.
MANY = 2**53 + 1


@pytest.fixture
def store(tmp_path: Path) -> str:
    name = str(tmp_path / "runs.db")
    opened = open_store(name)
    opened.put([run(1, row(cycles=MANY, macs=4)), run(2, row(program="=b.elf", energy_j=2e-3))])
    opened.close()
    return name


def exported(store: str, format_name: str) -> Path:
    target = Path(store).with_suffix(f".{format_name}")
    asked = ["results", store, "--format", format_name, "--columns", COLUMNS, "-o", str(target)]
    assert main(asked) == 0
    return target


def test_parquet_is_read_by_pandas_polars_and_duckdb(store: str) -> None:
    import duckdb
    import pandas
    import polars

    file = exported(store, "parquet")
    by_pandas = pandas.read_parquet(file, dtype_backend="numpy_nullable")
    by_polars = polars.read_parquet(file)
    asked = f"SELECT cycles, macs, energy_j, year(made) FROM '{file}' ORDER BY cycles DESC"
    by_duckdb = duckdb.connect().execute(asked).fetchall()
    assert list(by_pandas.columns) == by_polars.columns == COLUMNS.split(",")
    assert by_pandas["cycles"].tolist() == by_polars["cycles"].to_list() == [MANY, 12]
    assert by_polars["macs"].to_list() == [4, None]
    assert by_pandas["macs"].isna().tolist() == [False, True]
    assert [(cycles, macs, energy) for cycles, macs, energy, _ in by_duckdb] == [
        (MANY, 4, 1e-3), (12, None, 2e-3),
    ]  # fmt: skip
    assert by_polars["made"].dt.year().to_list() == [year for *_, year in by_duckdb]
    assert str(by_pandas["made"].dt.tz) == "UTC"


def test_csv_and_json_lines_hold_the_same(store: str) -> None:
    lines = [json.loads(line) for line in exported(store, "jsonl").read_text().splitlines()]
    assert [line["cycles"] for line in lines] == [MANY, 12]
    assert [line["macs"] for line in lines] == [4, None]
    head, first, second = exported(store, "csv").read_text().splitlines()
    assert head == COLUMNS
    assert first.endswith(f",a.elf,{MANY},0.001,4")
    assert second.endswith(",'=b.elf,12,0.002,")  # no formula of a spreadsheet


def test_a_data_frame_has_counts_and_times(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = simcore.results(store, "program=a*", columns=["cycles", "macs", "made"])
    assert found["cycles"].tolist() == [MANY]
    assert simcore.results(store, ["cycles>1G"], sort="-cycles")["macs"].tolist() == [4]
    assert len(simcore.results(store, "program=nothing")) == 0
    with pytest.raises(simcore.errors.ConfigError, match="no column 'cycle'; did you mean"):
        simcore.results(store, columns=["cycle"])
    monkeypatch.setattr(frame, "find_spec", lambda name: None)  # as without pandas
    table = simcore.results(store)
    assert (type(table).__module__, table.num_rows) == ("pyarrow.lib", 2)
