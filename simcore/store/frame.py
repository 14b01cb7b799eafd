"""Rows of a store as tables of other programs: data frames, Parquet, CSV, JSON Lines."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from simcore.extras import require
from simcore.store.conditions import check_columns, parse_conditions, texts_of
from simcore.store.rows import COLUMNS

if TYPE_CHECKING:
    import pyarrow

SCHEMA = "mcusim.results/1"


def results(
    store: str | os.PathLike[str],
    where: str | Sequence[str] = (),
    *,
    columns: Sequence[str] = tuple(COLUMNS),
    sort: str | Sequence[str] = (),
) -> Any:
    """The rows of a store of results as a data frame.

    ``store`` is its file, or the URL of a database; ``where`` are conditions that all hold, such as
    ``"part=stm32f7*"`` or ``"cycles<2M"``, as ``mcusim results --where`` has them; ``sort`` are
    columns, with ``-`` in front of one whose largest comes first. Units stand in the names of
    columns; ``made`` is a time in UTC. A count that is not known is missing, not zero.

    The frame is of pandas where that is installed, else a ``pyarrow.Table``, which polars and
    DuckDB take as it is. Needs the extra mcusim[store]. Raises ConfigError.
    """
    require("store", "simcore.results")
    from simcore.store.database import open_store

    conditions, names, order = parse_conditions(texts_of(where)), list(columns), texts_of(sort)
    check_columns([*names, *(name.removeprefix("-") for name in order)], "simcore.results")
    found = open_store(os.fspath(store), create=False)
    try:
        table = arrow_table(found.rows(conditions, names, order), names)
    finally:
        found.close()
    if find_spec("pandas") is None:
        return table
    import pandas
    import pyarrow

    return table.to_pandas(types_mapper={pyarrow.int64(): pandas.Int64Dtype()}.get)


def arrow_table(rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> pyarrow.Table:
    """Rows as a table of Arrow, typed whether or not there are any."""
    import pyarrow

    types = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64()}
    fields = [
        pyarrow.field(
            name,
            pyarrow.timestamp("s", tz="UTC") if name == "made" else types[COLUMNS[name][0]],
            nullable=COLUMNS[name][1],
        )
        for name in columns
    ]
    listed = list(rows)
    values = [
        [_time(row[name]) for row in listed] if name == "made" else [row[name] for row in listed]
        for name in columns
    ]
    arrays = [pyarrow.array(some, field.type) for some, field in zip(values, fields, strict=True)]
    schema = pyarrow.schema(fields, metadata={"schema": SCHEMA})
    return pyarrow.table(arrays, schema=schema)


def _time(text: str) -> Any:
    from datetime import datetime

    return datetime.fromisoformat(text)


def parquet(rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> bytes:
    """Rows as a file of Parquet, compressed with zstd."""
    import pyarrow
    import pyarrow.parquet

    out = io.BytesIO()
    pyarrow.parquet.write_table(arrow_table(rows, columns), out, compression="zstd")
    return out.getvalue()


def json_lines(rows: Iterable[dict[str, Any]]) -> str:
    """A JSON object a line, a key for each column."""
    return "".join(f"{json.dumps(row, allow_nan=False)}\n" for row in rows)
