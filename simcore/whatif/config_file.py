"""A study's configurations from a TOML file.

Settings at the top hold for all configurations, those of the run among them; ``sweep`` is a list
of what --sweep takes.
"""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from simcore.errors import ConfigError
from simcore.placement import parse_request
from simcore.run.spec import PartSpec, RunSpec
from simcore.run.written import SettingsTable, file_keys, read_name, read_texts, read_toml
from simcore.whatif.configuration import Configuration, Sweep, parse_override, parse_sweep

KEYS = tuple(file_keys(PartSpec, "_"))
#: What only a profile has: a table of operations, and outputs of a network.
_OF_PROFILES = ("op", "verify", "outputs")
#: How the program runs.
RUN_KEYS = tuple(key for key in file_keys(RunSpec, "_") if key not in (*KEYS, *_OF_PROFILES))
TOP_KEYS = (*KEYS, *RUN_KEYS, "sweep", "configuration")
ENTRY_KEYS = ("name", *KEYS)


class ConfigFile:
    """What the file says. Raises ConfigError with the file's name for anything it may not hold."""

    def __init__(self, path: str) -> None:
        self._top = SettingsTable(Path(path), read_toml(Path(path)))
        self._top.only(TOP_KEYS)
        self._entries = self._top.tables("configuration")
        for entry in self._entries:
            entry.only(ENTRY_KEYS)

    def base(self, base: Configuration) -> Configuration:
        """``base`` with the settings that hold for all configurations."""
        return _applied(self._top, base)

    def run(self) -> dict[str, Any]:
        """Fields of a RunSpec: how the program runs under all configurations."""
        part = {field.name for field in fields(PartSpec)}
        options = self._top.options(RunSpec, "_")
        return {name: value for name, value in options.items() if name not in part}

    def configurations(self, base: Configuration) -> list[Configuration]:
        """The [[configuration]] tables on top of ``base``, in their order."""
        return [
            _applied(entry, replace(base, name=entry.get("name", read_name)))
            for entry in self._entries
        ]

    def sweeps(self) -> list[Sweep]:
        """What ``sweep`` lists."""
        return [parse_sweep(text) for text in self._top.get("sweep", read_texts, ())]


def _applied(table: SettingsTable, base: Configuration) -> Configuration:
    """``base`` with what a table says; changes of the model and placements add to those it has."""
    options = table.options(PartSpec, "_")
    try:
        overrides = tuple(map(parse_override, options.get("overrides", ())))
    except ConfigError as error:
        raise table.error("set", str(error)) from None
    try:
        for text in options.get("place", ()):
            parse_request(text)
    except ConfigError as error:
        raise table.error("place", str(error)) from None
    options["overrides"] = (*base.overrides, *overrides)
    options["place"] = (*base.place, *options.get("place", ()))
    return replace(base, **options)
