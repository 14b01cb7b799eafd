"""Checks one CPU model file against the schema and says in which line an error stands."""

from __future__ import annotations

import re
from dataclasses import field
from typing import Any

from simcore.cpu_model.schema import (
    FACT_KEYS,
    SCHEMA,
    STATUSES,
    UNCITED,
    Fact,
    Named,
    Node,
    Parameters,
    Path,
    Plain,
    Sources,
    Table,
    Tree,
    is_fact,
)
from simcore.errors import ModelError, nearest
from simcore.records import dataclass


@dataclass(slots=True)
class ModelFile:
    """One parsed model file, able to say where a key stands. `tree` is as TOML gave it."""

    path: str
    text: str
    tree: Tree
    # What the files below this one define: known pipeline parameters and citation tags.
    inherited: Tree = field(default_factory=dict)

    def where(self, path: Path) -> str:
        line = _line_of(self.text, path)
        return f"{self.path}:{line}" if line else self.path

    def error(self, path: Path, text: str) -> ModelError:
        return ModelError(one_line(f"{self.where(path)}: {'.'.join(path)}: {text}"))


def one_line(text: str) -> str:
    """The text with control characters, such as a line break in a quoted key, made visible."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def check_file(file: ModelFile) -> Tree:
    """Return the tree of one file with every fact in its canonical unit.

    Raises ModelError, naming file, line and key, for an unknown key, a wrong type, a value out of
    range, or a fact without unit or source.
    """
    tags = {*file.inherited.get("sources", {}), *file.tree.get("sources", {})}
    return _Checker(file, frozenset(tags)).table((), SCHEMA, file.tree)


class _Checker:
    """Walks one file's tree beside the schema."""

    def __init__(self, file: ModelFile, tags: frozenset[str]) -> None:
        self.file = file
        self.tags = tags

    def node(self, path: Path, node: Node, value: Any) -> Any:
        match node:
            case Fact():
                return self.fact(path, node, value)
            case Plain():
                return self.plain(path, node, value)
            case _ if not isinstance(value, dict):
                raise self.file.error(path, f"must be a table, not {_kind(value)}")
            case Table():
                return self.table(path, node, value)
            case Named():
                return self.named(path, node, value)
            case Sources():
                return self.sources(path, value)
            case Parameters():
                return self.parameters(path, value, self.known_parameters())

    def known_parameters(self) -> Tree | None:
        """The pipeline parameters a file may set: what it inherits, or any when it is a core."""
        return self.file.inherited.get("pipeline", {}) if self.file.inherited else None

    def table(self, path: Path, table: Table, value: Tree) -> Tree:
        checked: Tree = {}
        for key, entry in value.items():
            if key not in table.keys:
                raise self.file.error((*path, key), f"unknown key{nearest(key, table.keys)}")
            checked[key] = self.node((*path, key), table.keys[key], entry)
        return checked

    def named(self, path: Path, named: Named, value: Tree) -> Tree:
        checked: Tree = {}
        for key, entry in value.items():
            if not re.fullmatch(r"[a-z][a-z0-9_]*", key):
                raise self.file.error(
                    (*path, key), "a name is lower case letters, digits and underscores"
                )
            if is_fact({key: entry}):  # the table would be taken for one
                raise self.file.error((*path, key), "is the key of a number; take another name")
            checked[key] = self.node((*path, key), named.entry, entry)
        return checked

    def sources(self, path: Path, value: Tree) -> Tree:
        for tag, citation in value.items():
            if not isinstance(citation, str) or not citation.strip():
                raise self.file.error((*path, tag), "a citation is a non-empty string")
        return dict(value)

    def parameters(self, path: Path, value: Tree, known: Tree | None) -> Tree:
        checked: Tree = {}
        for key, entry in value.items():
            here = (*path, key)
            if known is not None and key not in known:
                raise self.file.error(here, f"unknown key{nearest(key, known)}")
            if is_fact(entry):
                checked[key] = self.provenance(here, entry)
                if isinstance(entry["value"], dict):
                    raise self.file.error(here, "value must be a number, flag, text or list")
            elif isinstance(entry, dict):
                below = known.get(key) if known is not None else None
                checked[key] = self.parameters(here, entry, below)
            else:
                raise self.file.error(here, _no_provenance(entry))
        return checked

    def plain(self, path: Path, plain: Plain, value: Any) -> Any:
        if plain.type == "texts":
            if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
                raise self.file.error(path, f"must be a list of texts, not {_kind(value)}")
            return value
        if not isinstance(value, str if plain.type == "text" else bool):
            raise self.file.error(path, f"must be {_article(plain.type)}, not {_kind(value)}")
        if isinstance(value, str) and not value.isprintable():
            raise self.file.error(path, f"{value!r} has characters that cannot be shown")
        if plain.choices and value not in plain.choices:
            known = ", ".join(plain.choices)
            raise self.file.error(
                path, f"'{value}' is none of {known}{nearest(str(value), plain.choices)}"
            )
        return value

    def fact(self, path: Path, fact: Fact, value: Any) -> Tree:
        if not isinstance(value, dict):
            raise self.file.error(path, _no_provenance(value))
        checked = self.provenance(path, value)
        if "value" not in value:
            raise self.file.error(path, "has no value")
        unit = checked["unit"]
        if unit not in fact.units:
            raise self.file.error(path, f"unit '{unit}' is none of {', '.join(fact.units)}")
        try:
            checked["value"] = check_value(fact, value["value"], fact.units[unit])
        except ValueError as error:
            raise self.file.error(path, str(error)) from None
        checked["unit"] = fact.unit
        return checked

    def provenance(self, path: Path, value: Tree) -> Tree:
        for key in value:
            if key not in FACT_KEYS:
                raise self.file.error(path, f"unknown key '{key}'{nearest(key, FACT_KEYS)}")
        for key in ("unit", "source"):
            text = value.get(key)
            if not isinstance(text, str) or not text.strip():
                raise self.file.error(path, f"has no {key}; every number names unit and source")
        for key in ("status", "note"):
            if not isinstance(value.get(key, ""), str):
                raise self.file.error(path, f"{key} must be text, not {_kind(value[key])}")
        status = value.get("status", "documented")
        if status not in STATUSES:
            raise self.file.error(path, f"status '{status}' is none of {', '.join(STATUSES)}")
        missing = next((tag for tag in source_tags(value["source"]) if tag not in self.tags), None)
        if missing is not None:
            raise self.file.error(
                path, f"source tag '{missing}' is not in [sources]{nearest(missing, self.tags)}"
            )
        return {**value, "status": status, "note": value.get("note", "")}


def source_tags(source: str) -> list[str]:
    """The citation tags of a source text "TAG, TAG: where"; none for what cites nothing."""
    if source.startswith(UNCITED):
        return []
    return [tag.strip() for tag in source.partition(":")[0].split(",")]


def check_value(fact: Fact, value: Any, factor: int = 1) -> Any:
    """Return `value` times `factor` if it has the fact's type and range, else raise ValueError."""
    if fact.type == "integers":
        if not isinstance(value, list) or not value:
            raise ValueError(f"must be a list of integers, not {_kind(value)}")
        one = Fact("integer", fact.units, fact.minimum, fact.maximum)
        return [check_value(one, entry, factor) for entry in value]
    if fact.type in ("flag", "text"):
        if not isinstance(value, bool if fact.type == "flag" else str):
            raise ValueError(f"must be {_article(fact.type)}, not {_kind(value)}")
        if fact.choices and value not in fact.choices:
            raise ValueError(f"'{value}' is none of {', '.join(fact.choices)}")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"must be {_article(fact.type)}, not {_kind(value)}")
    scaled = value * factor
    if fact.type == "integer":
        if scaled != scaled or scaled in (float("inf"), float("-inf")) or scaled != int(scaled):
            raise ValueError(f"must be a whole number of {fact.unit}, not {value}")
        scaled = int(scaled)
    # Written so that a NaN fails it.
    if not fact.minimum <= scaled <= fact.maximum:
        raise ValueError(f"{scaled} is outside {fact.minimum:g} to {fact.maximum:g} {fact.unit}")
    return scaled


def _article(kind: str) -> str:
    return {"integer": "an integer", "flag": "true or false", "text": "text"}.get(kind, f"a {kind}")


def _kind(value: object) -> str:
    names = {bool: "a flag", int: "an integer", float: "a number", str: "text", list: "a list"}
    return names.get(type(value), "a table" if isinstance(value, dict) else type(value).__name__)


def _no_provenance(value: object) -> str:
    if isinstance(value, int | float | str | bool):
        return f"bare value {value!r}; write {{ value = ..., unit = ..., source = ... }}"
    return f"must be {{ value = ..., unit = ..., source = ... }}, not {_kind(value)}"


def _line_of(text: str, path: Path) -> int:
    """The line on which the key `path`, or the longest part of it that is written, stands."""
    best, best_length = 0, 0
    header: Path = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if match := re.match(r"\s*\[\[?\s*([^\]#]+?)\s*\]", line):
            header = found = _split_key(match[1])
        elif match := re.match(r"\s*([\w.\-\"']+)\s*=", line):
            found = (*header, *_split_key(match[1]))
        else:
            continue
        if len(found) > best_length and path[: len(found)] == found:
            best, best_length = number, len(found)
    return best


def _split_key(key: str) -> Path:
    return tuple(part.strip().strip("\"'") for part in key.split("."))
