"""The store itself: tables of SQLAlchemy, opened, checked, written by one process at a time.

Of SQLite: a client holds the file only while it writes what runs gave, some 25 ms with the disk,
and waits up to BUSY_S for another that does. Its journal is the usual one, not the write-ahead log:
that one would need memory that all clients share, leave two more files beside the one that people
copy, and gain nothing for a few writes a second. A write transaction takes its lock as it begins,
so that two clients wait for each other and never fail halfway.
"""

from __future__ import annotations

import hashlib
import math
import platform
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from sqlite3 import SQLITE_LIMIT_LENGTH
from typing import Any

import sqlalchemy as sql
from sqlalchemy.exc import IntegrityError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.schema import CreateTable

from simcore.cache import NO_ROOM, Room, tool_fingerprint
from simcore.errors import ConfigError
from simcore.log_text import one_line
from simcore.store.address import is_url, network_type
from simcore.store.conditions import Condition
from simcore.store.rows import COLUMNS, ORIGIN, ROW_COLUMNS, StoredRun

SCHEMA = "mcusim.store/1"
BUSY_S = 60.0
MOST_DOCUMENT = 64 << 20  # bytes of a run's result, as it is read
MOST_VALUE = 2 * MOST_DOCUMENT  # bytes of a row, as SQLite keeps it
CHUNK = 500  # keys of a query: SQLite takes 999 variables, before 3.32

_MADE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_TYPES: dict[type, Any] = {str: sql.Text, int: sql.BigInteger, float: sql.Double}
_METADATA = sql.MetaData()
_ABOUT = sql.Table(
    "mcusim_store",
    _METADATA,
    sql.Column("name", sql.String(40), primary_key=True),
    sql.Column("value", sql.Text, nullable=False),
)
_RUNS = sql.Table(
    "mcusim_runs",
    _METADATA,
    sql.Column("key", sql.String(64), primary_key=True),
    sql.Column("kind", sql.String(40), nullable=False),
    sql.Column("made", sql.String(40), nullable=False),
    sql.Column("host", sql.Text, nullable=False),
    sql.Column("tool", sql.Text, nullable=False),
    sql.Column("document_sha256", sql.String(64), nullable=False),
    sql.Column("document", sql.LargeBinary(1 << 30), nullable=False),
)
_RESULTS = sql.Table(
    "mcusim_results",
    _METADATA,
    sql.Column("key", sql.String(64), sql.ForeignKey(_RUNS.c.key), primary_key=True),
    sql.Column("position", sql.Integer, primary_key=True),
    *(sql.Column(n, _TYPES[kind], nullable=none) for n, (kind, none) in ROW_COLUMNS.items()),
)
_SIGNS = {
    "=": sql.ColumnElement.__eq__, "!=": sql.ColumnElement.__ne__,
    "<": sql.ColumnElement.__lt__, "<=": sql.ColumnElement.__le__,
    ">": sql.ColumnElement.__gt__, ">=": sql.ColumnElement.__ge__,
}  # fmt: skip


class ResultStore:
    """An open store; see :func:`open_store`. Its methods raise ConfigError when it fails.

    ``name`` is what it is called in messages, without a password. ``warnings`` are lines on where
    it lies.
    """

    def __init__(
        self, engine: sql.Engine, name: str, warnings: tuple[str, ...], room: Room
    ) -> None:
        self._engine = engine
        self._room = room
        self.name = name
        self.warnings = warnings

    def close(self) -> None:
        """Let the database go."""
        self._engine.dispose()

    def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        """The documents of those of these runs that are there, whole, by key."""
        found: dict[str, bytes] = {}
        with self._reading() as connection:
            for start in range(0, len(keys), CHUNK):
                some = keys[start : start + CHUNK]
                asked = sql.select(_RUNS.c.key, _RUNS.c.document_sha256, _RUNS.c.document)
                for key, digest, packed in connection.execute(asked.where(_RUNS.c.key.in_(some))):
                    document = _unpacked(packed, digest)
                    if document is not None:
                        found[key] = document
        return found

    def put(self, runs: Sequence[StoredRun]) -> None:
        """Keep runs, all or none of them; one that is there already is replaced."""
        if not runs:
            return
        # By key, so that two clients with the same runs never wait for each other.
        ordered = sorted(runs, key=lambda run: run.key)
        made = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        origin = {"made": made, "host": platform.node(), "tool": tool_fingerprint(self._room)}
        heads = [
            {
                **origin,
                "key": run.key,
                "kind": run.kind,
                "document_sha256": hashlib.sha256(run.document).hexdigest(),
                "document": zlib.compress(run.document, 1),
            }
            for run in ordered
        ]
        rows = [
            {"key": run.key, "position": position, **asdict(row)}
            for run in ordered
            for position, row in enumerate(run.rows)
        ]
        with self._told():
            try:
                self._insert(heads, rows)
            except IntegrityError:  # another client kept one of them meanwhile: write over it
                self._insert(heads, rows)

    def _insert(self, heads: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
        with self._engine.execution_options(writes=True).begin() as connection:
            _delete(connection, [head["key"] for head in heads])
            connection.execute(sql.insert(_RUNS), heads)
            if rows:
                connection.execute(sql.insert(_RESULTS), rows)

    def rows(
        self,
        conditions: Sequence[Condition] = (),
        columns: Sequence[str] = tuple(COLUMNS),
        sort: Sequence[str] = (),
    ) -> Iterator[dict[str, Any]]:
        """Rows of which all conditions hold, with these columns.

        ``sort`` are columns, with ``-`` in front of one whose largest comes first; rows that are
        equal in them stand by time, then by key.
        """
        patterns = [one for one in conditions if one.is_pattern]
        wanted = list(dict.fromkeys((*columns, *(one.column for one in patterns))))
        asked = sql.select(*(_column(name).label(name) for name in wanted))
        asked = asked.select_from(_RESULTS.join(_RUNS))
        for one in conditions:
            if not one.is_pattern:
                asked = asked.where(_SIGNS[one.sign](_column(one.column), one.value))
        order: list[Any] = []
        for name in sort:
            column = _column(name.removeprefix("-"))
            direction = column.desc() if name.startswith("-") else column.asc()
            order.append(direction.nulls_last())
        asked = asked.order_by(*order, _RUNS.c.made, _RUNS.c.key, _RESULTS.c.position)
        with self._reading() as connection:
            for found in connection.execution_options(yield_per=1000).execute(asked):
                row = dict(zip(wanted, found, strict=True))
                if all(one.holds(row[one.column]) for one in patterns):
                    yield {name: self._checked(name, row[name]) for name in columns}

    def remove(self, conditions: Sequence[Condition]) -> int:
        """Remove the runs that have a row of which all conditions hold; how many there were."""
        keys = list(dict.fromkeys(row["key"] for row in self.rows(conditions, ["key"])))
        with self._told(), self._engine.execution_options(writes=True).begin() as connection:
            _delete(connection, keys)
        return len(keys)

    def _checked(self, name: str, value: Any) -> Any:
        """A value of a column as its type has it: SQLite's columns hold anything."""
        kind, may_lack = COLUMNS[name]
        if value is None and may_lack:
            return None
        if kind is float and isinstance(value, int | float) and math.isfinite(value):
            return float(value)
        if type(value) is not kind or (name == "made" and not _MADE.fullmatch(str(value))):
            raise ConfigError(
                f"{self.name}: the store is damaged: a row has no {kind.__name__} as {name}"
            )
        return value

    @contextmanager
    def _reading(self) -> Iterator[sql.Connection]:
        with self._told(), self._engine.connect() as connection:
            yield connection

    def _told(self) -> Any:
        return _told(self.name)

    def prepare(self, create: bool) -> None:
        """Check that this is a store of this version; with ``create`` make it one if it is empty.

        Raises ConfigError.
        """
        with self._told():
            with self._engine.connect() as connection:
                tables = set(sql.inspect(connection).get_table_names())
                if tables:
                    self._check(connection, tables)
                    return
            if not create:
                raise ConfigError(f"{self.name}: the store is empty: no run was kept in it")
            try:
                self._make()
            except SQLAlchemyError:
                if self._is_empty():
                    raise
            with self._engine.connect() as connection:  # which another client may have made
                self._check(connection, set(sql.inspect(connection).get_table_names()))

    def _make(self) -> None:
        with self._engine.execution_options(writes=True).begin() as connection:
            if not sql.inspect(connection).get_table_names():  # nobody else made it meanwhile
                _METADATA.create_all(connection)
                connection.execute(sql.insert(_ABOUT), {"name": "schema", "value": SCHEMA})

    def _is_empty(self) -> bool:
        with self._engine.connect() as connection:
            return not sql.inspect(connection).get_table_names()

    def _check(self, connection: sql.Connection, tables: set[str]) -> None:
        if _ABOUT.name not in tables:
            if {_RUNS.name, _RESULTS.name} & tables:
                raise self._damaged(f"it has no table {_ABOUT.name}")
            raise ConfigError(f"{self.name}: the database of something else, no store of mcusim")
        asked = sql.select(_ABOUT.c.value).where(_ABOUT.c.name == "schema")
        found = connection.execute(asked).scalar()
        if found is None:
            raise self._damaged("it does not say of which version it is")
        if found != SCHEMA:
            shown = one_line(str(found)[:60])
            raise ConfigError(
                f"{self.name}: a store of another version of mcusim, '{shown}', and this one has"
                f" '{SCHEMA}': name another, or export it with the mcusim that wrote it"
            )
        if self._engine.dialect.name == "sqlite":
            self._check_schema(connection)
        inspector = sql.inspect(connection)
        for table in (_RUNS, _RESULTS):
            if table.name not in tables:
                raise self._damaged(f"it has no table {table.name}")
            there = {column["name"] for column in inspector.get_columns(table.name)}
            for column in table.c:
                if column.name not in there:
                    raise self._damaged(f"table {table.name} has no column {column.name}")

    def _check_schema(self, connection: sql.Connection) -> None:
        """Refuse what would compute when rows are read or written: triggers, views, generated
        columns, checks, defaults. Whoever wrote the file would have it run here, without an end.
        """
        made = (str(CreateTable(table).compile(self._engine)) for table in _METADATA.sorted_tables)
        known = {word for text in made for word in _words(text)}
        asked = sql.text("SELECT type, tbl_name, sql FROM sqlite_master")
        for kind, table, text in connection.execute(asked):
            if kind not in ("table", "index"):
                raise self._damaged(f"it has a {one_line(str(kind)[:20])}, which no store has")
            if table.lower() not in _METADATA.tables:
                continue
            if other := _words(str(text or "")) - known:
                word = one_line(min(other)[:40])
                raise self._damaged(f"its tables have '{word}', which no store has")

    def _damaged(self, why: str) -> ConfigError:
        return ConfigError(
            f"{self.name}: the store is half-written or damaged: {why}; name another, or remove it"
        )


def open_store(text: str, *, create: bool = True, room: Room = NO_ROOM) -> ResultStore:
    """The store that a path or the URL of a database names.

    With ``create`` one is made where nothing is. Raises ConfigError for what is none, cannot be
    reached, or is of another version.
    """
    url, name, warnings = _url(text)
    is_sqlite = url.get_backend_name() == "sqlite"
    if is_sqlite:
        warnings = _check_file(url.database, name, create)
    with _told(name):
        try:
            options: dict[str, Any] = {"connect_args": {"timeout": BUSY_S}} if is_sqlite else {}
            engine = sql.create_engine(url, **options)
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"{name}: {url.drivername} needs the package {error.name}: pip install {error.name}"
            ) from None
    if is_sqlite:
        _begin_as_told(engine)
    store = ResultStore(engine, name, warnings, room)
    try:
        store.prepare(create)
    except BaseException:
        store.close()
        raise
    return store


def _url(text: str) -> tuple[sql.URL, str, tuple[str, ...]]:
    if not is_url(text):
        return sql.URL.create("sqlite", database=text), text, ()
    try:
        url = sql.make_url(text)
        name = url.render_as_string(hide_password=True)
        url.get_dialect()
    except NoSuchModuleError:
        raise ConfigError(f"{name}: SQLAlchemy knows no database '{url.drivername}'") from None
    except (SQLAlchemyError, ValueError):
        raise ConfigError(
            "--store: not the URL of a database, such as postgresql://user@host/name"
        ) from None
    return url, name, ()


def _check_file(path: str | None, name: str, create: bool) -> tuple[str, ...]:
    """Refuse a file that cannot be a store; a line when it lies on a network folder."""
    if not path or path == ":memory:":
        raise ConfigError(f"{name}: a store in memory keeps nothing; name a file")
    try:
        file = Path(path)
        if file.is_dir():
            raise ConfigError(f"{name}: it is a folder; a store is a file")
        if not file.parent.is_dir():
            raise ConfigError(f"{name}: no such folder: {file.parent}")
        if not create and not file.exists():
            raise ConfigError(f"{name}: no such file; check the path")
        if file.exists() and not file.is_file():
            raise ConfigError(f"{name}: no regular file")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"{name}: cannot be opened: {reason}") from None
    kind = network_type(path)
    if kind is None:
        return ()
    return (
        f"{name} lies on a network folder ({kind}): locks of SQLite cannot be relied on there; keep"
        " the store on a disk of this machine, or share one by PostgreSQL",
    )


def _begin_as_told(engine: sql.Engine) -> None:
    """Begin transactions ourselves: Python's driver begins them late, and none for new tables.
    Values are bounded, too.
    """

    def connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        connection.setlimit(SQLITE_LIMIT_LENGTH, MOST_VALUE)

    def begun(connection: sql.Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    sql.event.listen(engine, "connect", connected)
    sql.event.listen(engine, "begin", begun)


def _words(text: str) -> set[str]:
    """The words, numbers and signs of a definition in SQL, of any case."""
    return set(re.findall(r"\w+|[^\w\s\"]", text.lower()))


def _column(name: str) -> Any:
    is_of_run = name in ORIGIN and name != "position"
    return (_RUNS if is_of_run else _RESULTS).c[name]


def _delete(connection: sql.Connection, keys: Sequence[str]) -> None:
    for start in range(0, len(keys), CHUNK):
        some = keys[start : start + CHUNK]
        connection.execute(sql.delete(_RESULTS).where(_RESULTS.c.key.in_(some)))
        connection.execute(sql.delete(_RUNS).where(_RUNS.c.key.in_(some)))


def _unpacked(packed: Any, digest: str) -> bytes | None:
    """A document; None when it is not what was written, so that its run is made again."""
    try:
        inflate = zlib.decompressobj()
        document = inflate.decompress(packed, MOST_DOCUMENT)
    except (zlib.error, TypeError):
        return None
    is_whole = inflate.eof and hashlib.sha256(document).hexdigest() == digest
    return document if is_whole else None


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Errors of the database as one line."""
    try:
        yield
    except SQLAlchemyError as error:
        raise ConfigError(f"{name}: {_reason(error)}") from None


def _reason(error: SQLAlchemyError) -> str:
    said = " ".join(str(getattr(error, "orig", None) or error).split())
    if "file is not a database" in said:
        return "not a database, so no store of mcusim; name another file"
    if "malformed" in said or "no such" in said:
        return f"the store is half-written or damaged ({said}); name another, or remove it"
    if "is locked" in said:
        return f"another process holds the store for more than {BUSY_S:.0f} s; try again"
    if "readonly" in said or "read-only" in said:
        return "the store is write-protected"
    if "unable to open" in said:
        return "cannot be opened; check the path and who may read and write it"
    return f"the store cannot be used: {said}"
