"""The settings file of a check: ``mcusim.toml``, or ``[tool.mcusim]`` of a pyproject.toml."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from simcore.checking.limits import Limit, for_run, parse_limits, parse_scoped
from simcore.checking.plans import RunPlan, Settings, expand, name_of, unique_paths
from simcore.errors import ConfigError
from simcore.repository import root_of
from simcore.run.spec import RunSpec
from simcore.run.written import (
    SettingsTable,
    file_keys,
    read_name,
    read_text,
    read_texts,
    read_toml,
)

OWN_FILE, SHARED_FILE = "mcusim.toml", "pyproject.toml"

#: Keys of a run, which the file may have for all runs too.
RUN_KEYS = (*file_keys(RunSpec), "limits", "functions", "ops", "interrupts", "tasks")

#: Tables of limits by name, and what each limits.
_KINDS_OF = {
    "functions": "function",
    "ops": "op",
    "interrupts": "irq",
    "tasks": "task",
}


def find_settings(folder: Path) -> Path | None:
    """The settings file of a folder, None when it has none."""
    if (folder / OWN_FILE).is_file():
        return folder / OWN_FILE
    shared = folder / SHARED_FILE
    if shared.is_file() and _own_table(shared) is not None:
        return shared
    return None


def load_settings(path: Path, text_of: Path | None = None) -> Settings:
    """Read a settings file. Raises ConfigError, one line with file and key, for what is wrong.

    ``text_of`` is the file that says it, when paths begin where ``path`` would lie.
    """
    tree = _own_table(text_of or path)
    if tree is None:
        raise ConfigError(f"{path}: no table [tool.mcusim]")
    notes: dict[str, None] = {}
    file = SettingsTable(path, _one_word(path, tree, notes), root=root_of(path.parent))
    file.only((*RUN_KEYS, "baseline", "run"))
    common = RunPlan(**file.options(RunSpec))
    limits = _limits(file)
    plans: list[RunPlan] = []
    for run in file.tables("run"):
        run.values = _one_word(path, run.values, notes, run.where)
        run.only(("elf", "name", *RUN_KEYS))
        of_run = _plans(run, common)
        plans += of_run
        names = [plan.name for plan in of_run]
        limits += [
            [one for name in names for one in for_run(group, name)] for group in _limits(run)
        ]
    return Settings(
        common=common,
        runs=tuple(plans),
        limits=tuple(map(tuple, limits)),
        baseline=file.get("baseline", read_text, "") or None,
        folder=path.parent,
        files=(str(path),),
        notes=tuple(notes),
    )


def _one_word(
    path: Path, values: dict[str, Any], notes: dict[str, None], where: str = ""
) -> dict[str, Any]:
    """A table in which an operation is an op, whatever it is called in the file; ``notes`` get what
    is called otherwise. Raises ConfigError for two words of one thing."""
    renamed = {"operations": "ops"}
    if isinstance(values.get("ops"), list | str):
        renamed["ops"] = "op"
    found: dict[str, Any] = {}
    for key, value in values.items():
        name = renamed.get(key, key)
        if name in found or (name != key and name in values and name not in renamed):
            raise ConfigError(f"{path}: {where}'{key}' is '{name}', which is there, too")
        if name != key:
            notes[f"{path}: '{key}' is called '{name}'"] = None
        found[name] = value
    return found


def _own_table(path: Path) -> dict[str, Any] | None:
    tree = read_toml(path)
    if path.name != SHARED_FILE:
        return tree
    tool = tree.get("tool", {})
    own = tool.get("mcusim") if isinstance(tool, dict) else None
    if own is not None and not isinstance(own, dict):
        raise ConfigError(f"{path}: tool.mcusim is no table")
    return own


def _plans(run: SettingsTable, common: RunPlan) -> list[RunPlan]:
    patterns = run.get("elf", read_texts)
    try:
        paths = unique_paths(expand(patterns, run.file.parent))
    except ConfigError as error:
        raise run.error("elf", str(error)) from None
    plan = common.replaced(run.options(RunSpec))
    names = [name_of(path) for path in paths]
    if "name" in run.values:
        if len(paths) != 1:
            raise run.error("name", f"one name for {len(paths)} ELFs")
        names = [run.get("name", read_name)]
    return [replace(plan, name=name, elf=path) for name, path in zip(names, paths, strict=True)]


def _limits(table: SettingsTable) -> list[list[Limit]]:
    """The limits of a table, a group for each text of them."""
    where = f"{table.file}: {table.where}limits"
    groups = [parse_limits(text, where) for text in table.get("limits", read_texts, ())]
    for key, kind in _KINDS_OF.items():
        rows = table.get(key, _table, {})
        scoped = SettingsTable(table.file, rows, f"{table.where}{key}.")
        groups += [scoped.get(row, partial(_row_limits, kind, row)) for row in rows]
    return groups


def _row_limits(kind: str, row: str, text: Any) -> list[Limit]:
    return parse_scoped(read_text(text), None, kind, row)


def _table(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError("it is a table: name = 'cycles=5%'")
    return value
