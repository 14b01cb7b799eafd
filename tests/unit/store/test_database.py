"""A store: what is kept is read back, by several processes, and what is no store is told of.

With MCUSIM_TEST_DATABASE, the URL of a database of nobody else such as
postgresql+psycopg://user@127.0.0.1/test, what holds of every database is asked of that one, too;
its tables are dropped.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy

from simcore.errors import ConfigError
from simcore.store import database
from simcore.store.conditions import parse_conditions
from simcore.store.database import ResultStore, open_store
from simcore.store.rows import COLUMNS
from tests.unit.store.made_up import row, run

HERE = Path(__file__).resolve().parents[3]
SERVER = os.environ.get("MCUSIM_TEST_DATABASE", "")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


@pytest.fixture(params=["file", "server"] if SERVER else None)
def address(request: pytest.FixtureRequest, file: Path) -> str:
    """Of a store that is not there yet, whatever the database."""
    if getattr(request, "param", "file") == "file":
        return str(file)
    engine = sqlalchemy.create_engine(SERVER)
    with engine.begin() as connection:
        for table in ("mcusim_results", "mcusim_runs", "mcusim_store"):
            connection.execute(sqlalchemy.text(f"DROP TABLE IF EXISTS {table}"))
    engine.dispose()
    return SERVER


@pytest.fixture
def any_store(address: str) -> Iterator[ResultStore]:
    store = open_store(address)
    yield store
    store.close()


@pytest.fixture
def store(file: Path) -> ResultStore:
    return open_store(str(file))


def changed(file: Path, *statements: str) -> None:
    with sqlite3.connect(file) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_what_is_kept_is_read_back_with_where_it_comes_from(
    any_store: ResultStore, address: str
) -> None:
    any_store.put([run(1, row(cycles=7), row(cycles=8), document=b'{"a": 1}'), run(2)])
    again = open_store(address, create=False)
    keys = [f"{number:064x}" for number in (1, 2, 3)]
    assert again.get(keys) == {keys[0]: b'{"a": 1}', keys[1]: b"{}"}
    rows = list(again.rows())
    assert [(one["key"], one["position"], one["cycles"]) for one in rows] == [
        (keys[0], 0, 7), (keys[0], 1, 8), (keys[1], 0, 12),
    ]  # fmt: skip
    assert list(rows[0]) == list(COLUMNS)
    assert {one["kind"] for one in rows} == {"profile"}
    assert all(one["tool"].startswith("0.") and one["host"] for one in rows)
    again.close()


def test_a_run_that_is_there_is_replaced_whole(any_store: ResultStore) -> None:
    any_store.put([run(1, row(), row(), document=b"old")])
    any_store.put([run(1, row(cycles=99), document=b"new")])
    assert any_store.get([f"{1:064x}"]) == {f"{1:064x}": b"new"}
    assert [one["cycles"] for one in any_store.rows()] == [99]


def test_more_runs_than_a_query_takes(any_store: ResultStore) -> None:
    any_store.put([run(number) for number in range(1200)])
    assert len(any_store.get([f"{number:064x}" for number in range(1300)])) == 1200
    assert any_store.remove(parse_conditions(["cycles=12"])) == 1200
    assert list(any_store.rows()) == []


@pytest.mark.parametrize(
    ("where", "left"),
    [
        (["part=stm32f7*"], [1, 2]), (["part!=stm32f7*"], [3]), (["part=stm32f767"], [2]),
        (["cycles<2k"], [1]), (["cycles>=2k", "part=stm32h7[45]3"], [3]), (["cycles!=1k"], [2, 3]),
        (["time_s<=10ms"], [1]), (["clock_hz=216MHz"], [1, 2, 3]), (["energy_j>0.0009"], [1, 2, 3]),
        (["exit_code=0"], [2]), (["exit_code!=0"], []), (["caches=*"], [3]), (["program=%"], []),
        (["made>=2020"], [1, 2, 3]),
    ],
)  # fmt: skip
def test_conditions_pick_rows(where: list[str], left: list[int], any_store: ResultStore) -> None:
    any_store.put(
        [
            run(1, row(part="stm32f746", cycles=1000, time_s=0.01)),
            run(2, row(part="stm32f767", cycles=2000, exit_code=0)),
            run(3, row(part="stm32h743", cycles=3000, caches="on")),
        ]
    )
    found = [int(one["key"], 16) for one in any_store.rows(parse_conditions(where), ["key"])]
    assert found == left


def test_rows_are_sorted_and_what_is_not_known_comes_last(any_store: ResultStore) -> None:
    any_store.put([run(1, row(macs=5)), run(2, row()), run(3, row(macs=9))])
    for sort, keys in (("macs", [1, 3, 2]), ("-macs", [3, 1, 2])):
        assert [int(one["key"], 16) for one in any_store.rows((), ["key"], [sort])] == keys


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cycles", "not COLUMN=VALUE"),
        ("cycle<3", "have no column 'cycle'; did you mean 'cycles'?"),
        ("cycles<much", "'much' is no number of cycles"),
        ("time_s<nan", "'nan' is no number of time_s"),
    ],
)
def test_a_condition_that_is_none_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said.replace("?", r"\?")):
        parse_conditions([text])


def write(file: Path, data: bytes) -> None:
    file.write_bytes(data)


def cut(file: Path) -> None:
    data = file.read_bytes()
    write(file, data[: len(data) // 2])


BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "another version": (
        lambda file: changed(file, "UPDATE mcusim_store SET value = 'mcusim.store/2'"),
        "a store of another version of mcusim, 'mcusim.store/2', and this one has",
    ),
    "no version": (
        lambda file: changed(file, "DELETE FROM mcusim_store"),
        "half-written or damaged: it does not say of which version it is",
    ),
    "no table": (
        lambda file: changed(file, "DROP TABLE mcusim_results"),
        "half-written or damaged: it has no table mcusim_results",
    ),
    "no table of versions": (
        lambda file: changed(file, "DROP TABLE mcusim_store"),
        "half-written or damaged: it has no table mcusim_store",
    ),
    "no column": (
        lambda file: changed(file, "ALTER TABLE mcusim_results DROP COLUMN cycles"),
        "half-written or damaged: table mcusim_results has no column cycles",
    ),
    "something else": (
        lambda file: changed(
            file, "DROP TABLE mcusim_store", "DROP TABLE mcusim_results",
            "DROP TABLE mcusim_runs", "CREATE TABLE pets (name)",
        ),
        "the database of something else, no store of mcusim",
    ),
    "a trigger": (
        lambda file: changed(
            file, "CREATE TRIGGER t AFTER INSERT ON mcusim_results BEGIN DELETE FROM mcusim_runs;"
            " END",
        ),
        "it has a trigger, which no store has",
    ),
    "a view": (lambda file: changed(file, "CREATE VIEW v AS SELECT 1"), "it has a view"),
    "a column that is computed": (
        lambda file: changed(
            file, "ALTER TABLE mcusim_results ADD COLUMN c TEXT AS (hex(zeroblob(450000000)))"
        ),
        "its tables have '450000000', which no store has",
    ),
    "a check": (
        lambda file: changed(
            file, "ALTER TABLE mcusim_runs ADD COLUMN c TEXT CHECK (length(key) > 0)"
        ),
        "which no store has",
    ),
    "an index that computes": (
        lambda file: changed(file, "CREATE INDEX i ON mcusim_runs (lower(key))"),
        "which no store has",
    ),
    "no database": (lambda file: write(file, b"cycles,energy\n" * 99), "not a database"),
    "cut short": (cut, "half-written or damaged"),
    "empty": (lambda file: write(file, b""), "the store is empty"),
    "gone": (Path.unlink, "no such file; check the path"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_store_is_told_in_one_line(name: str, store: ResultStore, file: Path) -> None:
    store.put([run(1)])
    store.close()
    breaks, said = BROKEN[name]
    breaks(file)
    with pytest.raises(ConfigError) as caught:
        list(open_store(str(file), create=False).rows())
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nowhere://x/y", "SQLAlchemy knows no database 'nowhere'"),
        ("postgresql://me:secret@127.0.0.1:1/runs", "postgresql://me:***@127.0.0.1:1/runs: "),
        ("sqlite://", "a store in memory keeps nothing"),
        ("://runs", "not the URL of a database"),
        ("no/such/folder/runs.db", "no such folder: no/such/folder"),
        ("/dev/null", "no regular file"),
        (".", "it is a folder"),
    ],
)
def test_what_cannot_be_reached_is_told_in_one_line(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_store(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_damaged_document_is_none_and_a_damaged_row_is_told(
    store: ResultStore, file: Path
) -> None:
    store.put([run(1)])
    changed(
        file, "UPDATE mcusim_runs SET document = x'00'", "UPDATE mcusim_results SET cycles = 'x'"
    )
    assert store.get([f"{1:064x}"]) == {}
    with pytest.raises(ConfigError, match="the store is damaged: a row has no int as cycles"):
        list(store.rows())


def test_who_holds_a_store_is_waited_for(
    store: ResultStore, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_S", 0.01)
    impatient = open_store(str(file))
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(ConfigError, match="another process holds the store for more than"):
        impatient.put([run(1)])
    holder.execute("COMMIT")
    holder.close()
    impatient.put([run(1)])
    assert len(list(store.rows())) == 1


WRITER = """
import sys
from simcore.store.database import open_store
from tests.unit.store.made_up import run
store = open_store(sys.argv[1])
for number in range(int(sys.argv[2]), int(sys.argv[3])):
    store.put([run(number)])
    print(number, flush=True)
"""


def test_several_processes_make_and_fill_one_store(address: str, file: Path) -> None:
    """Two of them, with some runs in common."""
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, address, first, last],
            cwd=HERE,
            stdout=subprocess.DEVNULL,
        )
        for first, last in (("0", "30"), ("20", "50"))
    ]
    assert [writer.wait() for writer in writers] == [0, 0]
    store = open_store(address, create=False)
    keys = [int(one["key"], 16) for one in store.rows((), ["key"])]
    store.close()
    assert sorted(keys) == list(range(50))
    if address == str(file):
        assert list(file.parent.iterdir()) == [file]  # no journal, no log beside it


def test_a_client_that_is_killed_leaves_all_that_it_kept_whole(address: str) -> None:
    asked = [sys.executable, "-c", WRITER, address, "0", "100000"]
    with subprocess.Popen(asked, cwd=HERE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        said = [int(writer.stdout.readline()) for _ in range(7)]
        writer.kill()
    again = open_store(address, create=False)
    keys = [one["key"] for one in again.rows((), ["key"])]
    assert set(said) <= {int(key, 16) for key in keys}
    assert set(again.get(keys)) == set(keys)
    again.put([run(number) for number in range(20)])  # what was under way holds nothing
    again.close()
