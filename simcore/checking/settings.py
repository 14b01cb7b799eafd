"""The settings file of a check: ``mcusim.toml``, or ``[tool.mcusim]`` of a pyproject.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from simcore.checking.limits import Limit, for_run, parse_limits, parse_scoped
from simcore.checking.plans import RunPlan, Settings, expand, name_of, shown, unique_paths
from simcore.costs.profile import one_line
from simcore.errors import ConfigError, nearest
from simcore.units import parse_quantity

OWN_FILE, SHARED_FILE = "mcusim.toml", "pyproject.toml"


def find_settings(folder: Path) -> Path | None:
    """The settings file of a folder, None when it has none."""
    if (folder / OWN_FILE).is_file():
        return folder / OWN_FILE
    shared = folder / SHARED_FILE
    if shared.is_file() and _own_table(_read(shared), shared) is not None:
        return shared
    return None


def load_settings(path: Path) -> Settings:
    """Read a settings file. Raises ConfigError, one line with file and key, for what is wrong."""
    tree = _own_table(_read(path), path)
    if tree is None:
        raise ConfigError(f"{path}: no table [tool.mcusim]")
    return _Reader(path).settings(tree)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the settings: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not TOML: it is not UTF-8 text") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: not TOML: {one_line(error)}") from None


def _own_table(tree: dict[str, Any], path: Path) -> dict[str, Any] | None:
    if path.name != SHARED_FILE:
        return tree
    tool = tree.get("tool", {})
    own = tool.get("mcusim") if isinstance(tool, dict) else None
    if own is not None and not isinstance(own, dict):
        raise ConfigError(f"{path}: tool.mcusim is no table")
    return own


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigError("it is a text")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ConfigError("it is true or false")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ConfigError("it is a list of texts")
    return tuple(value)


def _quantity(unit: str) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        number = None
        if isinstance(value, str):
            number = parse_quantity(value, unit)
        elif isinstance(value, int) and not isinstance(value, bool) and value > 0:
            number = value
        if number is None:
            example = "100MHz" if unit else "5M"
            raise ConfigError(f"it is a positive number such as 5000000 or '{example}'")
        return number

    return read


def _seconds(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < 1e9:
        raise ConfigError("it is a positive number of seconds")
    return float(value)


def _caches(value: Any) -> str:
    from simcore.cpu_model import CACHE_CONTROLS

    if value not in CACHE_CONTROLS:
        raise ConfigError(f"it is one of {', '.join(CACHE_CONTROLS)}")
    return str(value)


#: Keys of a run, which the file may have for all runs too: the field of RunPlan and its reader.
_RUN_KEYS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "cpu": ("cpu", _text),
    "clock": ("clock_hz", _quantity("Hz")),
    "caches": ("caches", _caches),
    "voltage-scale": ("voltage_scale", _text),
    "set": ("overrides", _texts),
    "memory-from": ("memory_from", _text),
    "place": ("place", _texts),
    "layout-sweep": ("layout_sweep", _flag),
    "args": ("args", _texts),
    "ops": ("ops", _texts),
    "max-instructions": ("max_instructions", _quantity("")),
    "timeout": ("timeout_s", _seconds),
    "strict": ("strict", _flag),
    "semihost-dir": ("semihost_dir", _text),
}
_LIMIT_KEYS = ("limits", "functions", "operations")
#: Fields whose value is a path, relative to the file.
_PATHS = ("memory_from", "semihost_dir")


class _Reader:
    """Reads one file; an error names the file and the key."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folder = path.parent
        self.limits: list[tuple[Limit, ...]] = []

    def settings(self, tree: dict[str, Any]) -> Settings:
        self._known(tree, (*_RUN_KEYS, *_LIMIT_KEYS, "baseline", "run"), "")
        common = self._plan(RunPlan(), tree, "")
        self._limits(tree, "", [])
        baseline = tree.get("baseline")
        runs = tree.get("run", [])
        if not isinstance(runs, list) or not all(isinstance(run, dict) for run in runs):
            raise self._error("run", "it is a list of tables: write [[run]]")
        plans: list[RunPlan] = []
        for number, run in enumerate(runs, 1):
            plans += self._runs(common, run, f"run {number}: ")
        return Settings(
            common=common,
            runs=tuple(plans),
            limits=tuple(self.limits),
            baseline=None if baseline is None else self._value("baseline", _text, baseline),
            folder=self.folder,
        )

    def _runs(self, common: RunPlan, table: dict[str, Any], where: str) -> list[RunPlan]:
        self._known(table, ("elf", "name", *_RUN_KEYS, *_LIMIT_KEYS), where)
        if "elf" not in table:
            raise self._error(f"{where}elf", "it is missing: the path of an ELF or a pattern")
        patterns = self._value(f"{where}elf", _texts, table["elf"])
        try:
            paths = unique_paths(expand(patterns, self.folder))
        except ConfigError as error:
            raise self._error(f"{where}elf", str(error)) from None
        plan = self._plan(common, table, where)
        names = [name_of(path) for path in paths]
        if "name" in table:
            if len(paths) != 1:
                raise self._error(f"{where}name", f"one name for {len(paths)} ELFs")
            names = [self._value(f"{where}name", _text, table["name"])]
        self._limits(table, where, names)
        return [replace(plan, name=name, elf=path) for name, path in zip(names, paths, strict=True)]

    def _plan(self, base: RunPlan, table: dict[str, Any], where: str) -> RunPlan:
        values: dict[str, Any] = {}
        for key, (field, read) in _RUN_KEYS.items():
            if key in table:
                value = self._value(f"{where}{key}", read, table[key])
                if field in _PATHS or (field == "cpu" and value.endswith(".toml")):
                    value = shown(self.folder / value)
                values[field] = value
        return replace(base, **values)

    def _limits(self, table: dict[str, Any], where: str, runs: list[str]) -> None:
        """Add the limits of a table, for these runs, or for all when it is the file's own."""
        groups = []
        for text in self._value(f"{where}limits", _texts, table.get("limits", [])):
            groups.append(parse_limits(text, f"{self.path}: {where}limits"))
        for key, kind in (("functions", "function"), ("operations", "op")):
            rows = table.get(key, {})
            if not isinstance(rows, dict):
                raise self._error(f"{where}{key}", "it is a table: name = 'cycles=5%'")
            for row, text in rows.items():
                name = f"{where}{key}.{row}"
                try:
                    groups.append(parse_scoped(self._value(name, _text, text), None, kind, row))
                except ConfigError as error:
                    if str(error).startswith(str(self.path)):
                        raise
                    raise self._error(name, str(error)) from None
        for group in groups:
            self.limits.append(
                tuple(limit for run in runs for limit in for_run(group, run))
                if runs
                else tuple(group)
            )

    def _value(self, name: str, read: Callable[[Any], Any], value: Any) -> Any:
        try:
            return read(value)
        except ConfigError as error:
            raise self._error(name, str(error)) from None

    def _known(self, table: dict[str, Any], keys: tuple[str, ...], where: str) -> None:
        for key in table:
            if key not in keys:
                raise ConfigError(
                    f"{self.path}: {where}there is no key '{key}'{nearest(key, keys)}"
                )

    def _error(self, name: str, text: str) -> ConfigError:
        return ConfigError(f"{self.path}: {name}: {text}")
