"""Baselines: summaries of the runs of a good commit, as plain JSON that is meant to be committed.

One file per baseline, ``.mcusim/NAME.json``; runs by name, a record per line, the same bytes from
the same runs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from simcore import __version__
from simcore.checking.documents import merge_mark, read_text
from simcore.comparison.summary import Summary
from simcore.costs.origin import Tool
from simcore.costs.profile import one_line
from simcore.errors import ConfigError
from simcore.files import destination, locked
from simcore.plain import from_plain, schema_name, to_plain

SCHEMA = "mcusim.baseline/1"
FOLDER = ".mcusim"
DEFAULT = "default"

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_FAMILY = "mcusim.baseline/"
_TOO_MUCH = 1 << 63
_LINE = 200  # characters of a record that stands on one line


@dataclass(frozen=True, slots=True)
class Baseline:
    """Summaries of the runs of a good commit, as 'mcusim check --save-baseline' writes them."""

    schema: Annotated[str, schema_name(SCHEMA)]
    tool: Tool
    runs: dict[str, Summary]
    """By the name of the run."""

    def to_json(self) -> str:
        """The baseline as a JSON document, runs by name, a record per line."""
        runs = dict(sorted(self.runs.items()))
        plain = to_plain(Baseline(self.schema, self.tool, runs))
        return document_lines(plain, "") + "\n"


def new_baseline(runs: Mapping[str, Summary]) -> Baseline:
    """A baseline of these runs, made by this version."""
    return Baseline(SCHEMA, Tool("mcusim", __version__), dict(runs))


def baseline_path(folder: Path, name: str) -> Path:
    """The file of a baseline. Raises ConfigError when the name is none, or one of another case."""
    if _NAME.fullmatch(name) is None:
        raise ConfigError(
            f"'{name}' is no name of a baseline: letters, digits, '.', '_' and '-', such as 'main'"
        )
    path = folder / f"{name}.json"
    same = [one for one in names_beside(path) if one.casefold() == name.casefold()]
    if same and not path.exists():
        raise ConfigError(
            f"the baseline '{name}' differs from '{same[0]}' in case only, which some disks take"
            f" for the same file: write '{same[0]}', or choose another name"
        )
    return path


def names_beside(path: Path) -> list[str]:
    """Names of the other baselines in the folder of one."""
    return sorted(other.stem for other in path.parent.glob("*.json") if other.name != path.name)


def other_case(names: Iterable[str], known: Iterable[str] = ()) -> tuple[str, str] | None:
    """Two of some names that differ in case only, one that is known first; None without."""
    folded = {name.casefold(): name for name in known}
    for name in names:
        if (like := folded.setdefault(name.casefold(), name)) != name:
            return like, name
    return None


def refuse_other_case(path: Path, names: Iterable[str], known: Iterable[str]) -> None:
    """Refuse runs whose names differ from those of the baseline in case only: most likely they are
    the same, and would stand there twice. Raises ConfigError."""
    if (twins := other_case(names, known)) is not None:
        like, name = twins
        raise ConfigError(
            f"{path}: the run '{name}' differs from '{like}' in case only, and a baseline"
            f" holds one of them: name it '{like}', or another name; after a renaming take '{like}'"
            " out of it"
        )


class SpoiltBaselineError(ConfigError):
    """A baseline that is corrupt or old: another may take its place."""


def load_baseline(path: Path) -> Baseline | None:
    """Read a baseline, None when there is no such file. Raises ConfigError when it is no good."""
    again = "save it again with --save-baseline"
    try:
        text = read_text(path, "cannot read the baseline")
    except FileNotFoundError:
        if path.is_symlink():
            raise ConfigError(
                f"{path}: a link to {path.readlink()}, which is not there: mend the link, or"
                " remove it"
            ) from None
        return None
    if (line := merge_mark(text)) is not None:
        raise SpoiltBaselineError(
            f"{path}: line {line} is a mark of a merge conflict: take one side, or {again}"
        )
    try:
        plain = json.loads(text, object_pairs_hook=_without_twins)
    except (ValueError, RecursionError) as error:
        raise SpoiltBaselineError(f"{path}: corrupt baseline: {one_line(error)}; {again}") from None
    schema = plain.get("schema") if isinstance(plain, dict) else None
    version = schema.removeprefix(_FAMILY) if isinstance(schema, str) else ""
    if not isinstance(schema, str) or not schema.startswith(_FAMILY) or not version.isdecimal():
        raise SpoiltBaselineError(f"{path}: not a baseline of mcusim; {again}")
    if int(version) > int(SCHEMA.removeprefix(_FAMILY)):
        raise ConfigError(
            f"{path}: a newer baseline: schema '{schema}' where this mcusim, {__version__}, reads"
            f" '{SCHEMA}'; update mcusim, or choose another name: it is not overwritten"
        )
    if schema != SCHEMA:
        raise SpoiltBaselineError(
            f"{path}: an old baseline: schema '{schema}' where this mcusim reads '{SCHEMA}';"
            f" {again}"
        )
    try:
        baseline = from_plain(Baseline, plain)
        _refuse_absurd(plain["runs"], "runs")
        for name, summary in baseline.runs.items():
            _refuse_unsound(summary, f"runs.{name}")
        if (twins := other_case(baseline.runs)) is not None:
            raise ValueError(f"the runs '{twins[0]}' and '{twins[1]}' differ in case only")
    except (ValueError, RecursionError) as error:
        raise SpoiltBaselineError(f"{path}: corrupt baseline: {one_line(error)}; {again}") from None
    return baseline


def _refuse_absurd(plain: Any, where: str) -> None:
    """Raises ValueError for a number that counts or measures nothing; an exit code has a sign."""
    if isinstance(plain, dict):
        for key, value in plain.items():
            if key != "code":
                _refuse_absurd(value, f"{where}.{key}")
    elif isinstance(plain, list):
        for index, value in enumerate(plain):
            _refuse_absurd(value, f"{where}[{index}]")
    elif isinstance(plain, int | float) and not 0 <= plain < _TOO_MUCH:
        what = "negative" if plain < 0 else "beyond all counts"
        raise ValueError(f"'{where}' is {what}")


def _refuse_unsound(run: Summary, where: str) -> None:
    """Raises ValueError for columns of unequal length."""
    try:
        run.line_rows()
        run.all_functions()
    except ValueError:
        raise ValueError(f"'{where}' has columns of unequal length") from None


def refuse_newer(path: Path) -> Mapping[str, Summary]:
    """The runs of a file that is to be written, none of one that is corrupt, old or not there.

    Raises ConfigError for one that is not to be overwritten: a newer one, or no file to read.
    """
    try:
        baseline = load_baseline(path)
    except SpoiltBaselineError:
        return {}
    return {} if baseline is None else baseline.runs


def update_baseline(
    path: Path, new: Mapping[str, Summary], drop: Collection[str] = ()
) -> list[str]:
    """Put runs into a baseline and take others out; what else is in the file stays.

    Another process that writes it meanwhile waits, and keeps what this one wrote. Returns what is
    to be told, a line each. Raises ConfigError, with the file as it was.
    """
    notes: list[str] = []
    try:
        path.parent.mkdir(exist_ok=True)
        with locked(path.parent):
            try:
                old = load_baseline(path)
            except SpoiltBaselineError as error:
                notes.append(f"replaced what could not be read, with all runs in it: {error}")
                old = None
            kept = {} if old is None else {k: v for k, v in old.runs.items() if k not in drop}
            refuse_other_case(path, new, kept)
            with destination(str(path)) as write:
                write(new_baseline({**kept, **new}).to_json())
    except OSError as error:
        raise ConfigError(f"{path}: cannot write the baseline: {error.strerror}") from None
    return notes


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON. Raises ValueError for a key that it has twice, as after a bad merge."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twin = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"'{twin}' is there twice")
    return found


def document_lines(plain: Any, indent: str) -> str:
    """JSON with what fits on a line on one line, and each record of a list on a line of its own."""
    line = json.dumps(plain, allow_nan=False)
    records = isinstance(plain, list) and any(isinstance(item, dict) for item in plain)
    if not plain or not isinstance(plain, dict | list) or (len(line) <= _LINE and not records):
        return line
    inner = indent + " "
    if isinstance(plain, dict):
        items = [
            f"{json.dumps(key)}: {document_lines(value, inner)}" for key, value in plain.items()
        ]
    else:
        items = [json.dumps(item, allow_nan=False) for item in plain]
    left, right = "{}" if isinstance(plain, dict) else "[]"
    return f"{left}\n{inner}" + f",\n{inner}".join(items) + f"\n{indent}{right}"
