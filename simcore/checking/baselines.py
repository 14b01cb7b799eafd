"""Baselines: summaries of the runs of a good commit, as plain JSON that is meant to be committed.

One file per baseline, ``.mcusim/NAME.json``; runs by name, a record per line, the same bytes from
the same runs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from simcore import __version__
from simcore.comparison.summary import Summary
from simcore.costs.origin import Tool
from simcore.costs.profile import one_line
from simcore.errors import ConfigError
from simcore.files import read_regular
from simcore.plain import from_plain, schema_name, to_plain

SCHEMA = "mcusim.baseline/1"
FOLDER = ".mcusim"
DEFAULT = "default"

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
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
        return _lines(plain, "") + "\n"


def new_baseline(runs: Mapping[str, Summary]) -> Baseline:
    """A baseline of these runs, made by this version."""
    return Baseline(SCHEMA, Tool("mcusim", __version__), dict(runs))


def baseline_path(folder: Path, name: str) -> Path:
    """The file of a baseline. Raises ConfigError when the name is none."""
    if _NAME.fullmatch(name) is None:
        raise ConfigError(
            f"'{name}' is no name of a baseline: letters, digits, '.', '_' and '-', such as 'main'"
        )
    return folder / f"{name}.json"


def load_baseline(path: Path) -> Baseline | None:
    """Read a baseline, None when there is no such file. Raises ConfigError when it is no good."""
    again = "save it again with --save-baseline"
    try:
        text = read_regular(path).decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigError(f"{path}: cannot read the baseline: {reason}") from None
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: corrupt baseline: {one_line(error)}; {again}") from None
    schema = plain.get("schema") if isinstance(plain, dict) else None
    if not isinstance(schema, str) or not schema.startswith("mcusim.baseline/"):
        raise ConfigError(f"{path}: not a baseline of mcusim; {again}")
    if schema != SCHEMA:
        raise ConfigError(
            f"{path}: an old baseline: schema '{schema}' where this mcusim reads '{SCHEMA}';"
            f" {again}"
        )
    try:
        baseline = from_plain(Baseline, plain)
        for summary in baseline.runs.values():
            summary.line_rows()
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: corrupt baseline: {one_line(error)}; {again}") from None
    return baseline


def _lines(plain: Any, indent: str) -> str:
    """JSON with what fits on a line on one line, and each record of a list on a line of its own."""
    line = json.dumps(plain, allow_nan=False)
    records = isinstance(plain, list) and any(isinstance(item, dict) for item in plain)
    if not plain or not isinstance(plain, dict | list) or (len(line) <= _LINE and not records):
        return line
    inner = indent + " "
    if isinstance(plain, dict):
        items = [f"{json.dumps(key)}: {_lines(value, inner)}" for key, value in plain.items()]
    else:
        items = [json.dumps(item, allow_nan=False) for item in plain]
    left, right = "{}" if isinstance(plain, dict) else "[]"
    return f"{left}\n{inner}" + f",\n{inner}".join(items) + f"\n{indent}{right}"
