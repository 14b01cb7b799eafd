"""From file names to one resolved model tree: reading, `extends` chains, overrides."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Iterable
from pathlib import Path as FilePath
from typing import Any

from simcore.cpu_model import is_model_file
from simcore.cpu_model.check import ModelFile, check_file, check_value, one_line
from simcore.cpu_model.schema import (
    Fact,
    Node,
    Parameters,
    Path,
    Plain,
    Table,
    Tree,
    is_fact,
    node_at,
)
from simcore.errors import ModelError, nearest
from simcore.files import read_regular, without_links
from simcore.resources import data_folder
from simcore.toml import parse_toml

_MAX_EXTENDS = 16
MAX_FILE_BYTES = 1 << 20
_SUFFIXES = {"k": 1024, "m": 1024**2, "g": 1024**3}
_HERTZ_SUFFIXES = {"k": 1000, "m": 1000**2, "g": 1000**3}
_NUMBER = re.compile(
    r"(?:(0[xX][0-9a-fA-F_]+)|([-+]?[0-9][0-9_]*(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?))"
    r"([kKmMgG]?)(?:i?B|Hz)?"
)


def shipped_models() -> dict[str, FilePath]:
    """Every model file that ships with mcusim by name: the cores and the parts."""
    return {path.stem: path for path in sorted(data_folder("cpu_models").glob("*.toml"))}


def shipped_parts() -> list[str]:
    """The shipped models that are parts: those not marked `abstract = true`."""
    abstract = re.compile(r"^abstract\s*=\s*true", re.MULTILINE)
    return [
        name
        for name, path in shipped_models().items()
        if not abstract.search(path.read_text(encoding="utf-8"))
    ]


def load_tree(name_or_path: str) -> Tree:
    """Read a model with everything it extends into one checked tree.

    A name, in any case, is looked up among the shipped models; anything with a slash or ending in
    .toml is a path. Raises ModelError.
    """
    tree = load_any_tree(name_or_path)
    if tree["abstract"]:
        parts = ", ".join(shipped_parts())
        raise ModelError(f"{name_or_path}: is no part, only there to be extended (parts: {parts})")
    return tree


def load_any_tree(name_or_path: str) -> Tree:
    """As load_tree, for cores and families too."""
    return _load(_find(name_or_path, None), ())


def model_files(name_or_path: str) -> list[FilePath]:
    """The files that a model is read from: its own, what that extends. Raises ModelError."""
    path, found = _find(name_or_path, None), list[FilePath]()
    while path not in found:
        found.append(path)
        base = _read(path).tree.get("extends")
        if isinstance(base, str):
            path = _find(base, path)
    return found


def apply_overrides(tree: Tree, overrides: Iterable[str]) -> Tree:
    """Return a copy of a model tree with `KEY=VALUE` settings applied, checked by the schema.

    VALUE is in the key's canonical unit; K, M and G multiply bytes by powers of 1024 and hertz by
    powers of 1000. Raises ModelError.
    """
    result = copy.deepcopy(tree)
    for override in map(one_line, overrides):
        key, equals, text = override.partition("=")
        path = tuple(part.strip() for part in key.split("."))
        if not equals or not all(path) or not text.strip():
            raise ModelError(f"--set {override}: must be KEY=VALUE, such as core.dcache.size=16K")
        _set(result, path, text.strip(), override)
    return result


def _find(name: str, beside: FilePath | None) -> FilePath:
    if "\0" in name:
        raise ModelError(one_line(f"{name}: cannot be a path: a NUL is in it"))
    if is_model_file(name):
        path = FilePath(os.path.expanduser(name))  # noqa: PTH111  Path's raises for ~nobody
        return path if path.is_absolute() or beside is None else beside.parent / path
    models = shipped_models()
    if not beside and "," in name and all(one.lower() in models for one in name.split(",")):
        raise ModelError(
            f"'{name}' are several parts, and this takes one; 'profile --cpu A,B' has them side by"
            " side, 'whatif --sweep cpu=A,B' in one table"
        )
    if name.lower() not in models:
        known = list(models) if beside else shipped_parts()
        where = f"{beside}: extends: " if beside else ""
        raise ModelError(
            one_line(f"{where}unknown CPU model '{name}'{nearest(name, known)}")
            + f" (known: {', '.join(known)}; or give a path ending in .toml)"
        )
    return models[name.lower()]


def _load(path: FilePath, chain: tuple[FilePath, ...]) -> Tree:
    resolved = without_links(path)
    if resolved in chain:
        loop = " -> ".join(str(link.name) for link in (*chain, resolved))
        raise ModelError(f"{path}: extends itself: {loop}")
    if len(chain) >= _MAX_EXTENDS:
        raise ModelError(f"{path}: extends chain is longer than {_MAX_EXTENDS} files")
    file = _read(path)
    base = file.tree.get("extends")
    if isinstance(base, str):
        file.inherited = _load(_find(base, path), (*chain, resolved))
    own = check_file(file)
    own.pop("extends", None)
    own.setdefault("abstract", False)
    return _merge(file.inherited, own)


def _read(path: FilePath) -> ModelFile:
    try:
        text = read_regular(path, MAX_FILE_BYTES).decode("utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ModelError(f"{path}: cannot read CPU model: {reason}") from None
    try:
        tree = parse_toml(text)
    except ValueError as error:
        line = re.search(r"at line (\d+)", str(error))
        if "end of document" in str(error):
            number = str(text.count("\n") + 1)
        else:
            number = line[1] if line else "1"
        reason = re.sub(r"\s*\(at .*\)$", "", str(error))
        raise ModelError(one_line(f"{path}:{number}: broken TOML: {reason}")) from None
    return ModelFile(str(path), text, tree)


def _merge(base: Tree, own: Tree) -> Tree:
    """`own` over `base`: tables merge key by key, facts and plain values are replaced whole."""
    merged = dict(base)
    for key, value in own.items():
        below = merged.get(key)
        if isinstance(value, dict) and isinstance(below, dict) and not is_fact(value):
            merged[key] = _merge(below, value)
        else:
            merged[key] = value
    return merged


def _set(tree: Tree, path: Path, text: str, override: str) -> None:
    table: Any = tree
    for depth, key in enumerate(path):
        if not isinstance(table, dict) or is_fact(table):
            raise ModelError(f"--set {override}: {'.'.join(path[:depth])} is no table")
        last = depth == len(path) - 1
        if key not in table and not (last and _may_add(path)):
            known = [*table, *_addable(path[:depth])]
            raise ModelError(f"--set {override}: unknown key '{key}'{nearest(key, known)}")
        if not last:
            table = table[key]
    node = node_at(path)
    before = table.get(path[-1])
    try:
        if isinstance(node, Plain) and node.type != "texts":
            table[path[-1]] = _plain_value(node, text)
        elif isinstance(node, Fact):
            table[path[-1]] = _override_fact(check_value(node, _parse(node, text)), node.unit)
        elif isinstance(node, Parameters) and is_fact(before):
            table[path[-1]] = _override_fact(_parse_like(before["value"], text), before["unit"])
        else:
            raise ValueError("is a table; set one of its keys")
    except ValueError as error:
        raise ModelError(f"--set {override}: {error}") from None


def _may_add(path: Path) -> bool:
    return isinstance(node_at(path), Fact | Plain)


def _addable(path: Path) -> tuple[str, ...]:
    node: Node | None = node_at(path)
    return tuple(node.keys) if isinstance(node, Table) else ()


def _override_fact(value: Any, unit: str) -> Tree:
    return {"value": value, "unit": unit, "source": "command line", "status": "assumed", "note": ""}


def _plain_value(node: Plain, text: str) -> Any:
    if node.type == "flag":
        return _flag(text)
    if node.choices and text not in node.choices:
        raise ValueError(
            f"'{text}' is none of {', '.join(node.choices)}{nearest(text, node.choices)}"
        )
    return text


def _parse(fact: Fact, text: str) -> Any:
    if fact.type == "text":
        return text
    if fact.type == "flag":
        return _flag(text)
    if fact.type == "integers":
        return [_number(part.strip(), fact.unit) for part in text.split(",")]
    return _number(text, fact.unit)


def _parse_like(before: Any, text: str) -> Any:
    """A value of the type that a parameter without a schema node of its own has now."""
    if isinstance(before, bool):
        return _flag(text)
    if isinstance(before, str):
        return text
    if isinstance(before, list):
        parts = [part.strip() for part in text.split(",")]
        return [_parse_like(before[0], part) for part in parts] if before else parts
    value = _number(text, "")
    if isinstance(before, int) and value != int(value):
        raise ValueError(f"must be an integer, not {text}")
    return int(value) if isinstance(before, int) else value


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise ValueError(f"must be true or false, not '{text}'")
    return text.lower() in ("true", "1")


def _number(text: str, unit: str) -> int | float:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is not a number")
    number = int(match[1], 16) if match[1] else float(match[2])
    suffixes = _HERTZ_SUFFIXES if unit == "Hz" else _SUFFIXES
    number *= suffixes[match[3].lower()] if match[3] else 1
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"'{text}' is too large")
    return int(number) if number == int(number) else number
