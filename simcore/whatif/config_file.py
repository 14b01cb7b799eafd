"""A study's configurations from a TOML file with a closed schema.

Settings at the top hold for all configurations; ``sweep`` is a list of what --sweep takes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from simcore.errors import ConfigError, nearest
from simcore.placement import parse_request
from simcore.whatif.configuration import (
    SETTINGS,
    Configuration,
    Sweep,
    is_model_key,
    parse_sweep,
)

MAX_FILE_BYTES = 1 << 20
_LISTS = ("place", "set")
_TOP_KEYS = (*SETTINGS, *_LISTS, "sweep", "configuration")
_ENTRY_KEYS = ("name", *SETTINGS, *_LISTS)


class ConfigFile:
    """What the file says. Raises ConfigError with the file's name for anything it may not hold."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._top = self._read()
        self._check_keys(self._top, _TOP_KEYS, "")
        self._entries = self._top.get("configuration", [])
        if not isinstance(self._entries, list) or not all(
            isinstance(entry, dict) for entry in self._entries
        ):
            raise ConfigError(f"{path}: configuration is no table: write [[configuration]]")
        for number, entry in enumerate(self._entries, 1):
            self._check_keys(entry, _ENTRY_KEYS, f"configuration {number}: ")

    def base(self, base: Configuration) -> Configuration:
        """``base`` with the settings that hold for all configurations."""
        return self._apply(self._top, base, "")

    def configurations(self, base: Configuration) -> list[Configuration]:
        """The [[configuration]] tables on top of ``base``, in their order."""
        found = []
        for number, entry in enumerate(self._entries, 1):
            where = f"configuration {number}: "
            name = entry.get("name")
            if not isinstance(name, str) or not name.strip():
                raise ConfigError(f'{self._path}: {where}it has no name = "..."')
            found.append(self._apply(entry, replace(base, name=name.strip()), where))
        return found

    def sweeps(self) -> list[Sweep]:
        """What ``sweep`` lists."""
        return [parse_sweep(text) for text in self._texts(self._top, "sweep", "")]

    def _read(self) -> dict[str, Any]:
        path = Path(self._path)
        try:
            with path.open("rb") as file:
                data = file.read(MAX_FILE_BYTES + 1)
            if len(data) > MAX_FILE_BYTES:
                raise ConfigError(f"{self._path}: more than {MAX_FILE_BYTES} bytes")
            return tomllib.loads(data.decode("utf-8"))
        except OSError as error:
            raise ConfigError(f"{self._path}: cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ConfigError(f"{self._path}: not UTF-8 text") from None
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise ConfigError(f"{self._path}: not TOML: {error}") from None

    def _check_keys(self, table: Mapping[str, Any], known: Iterable[str], where: str) -> None:
        for key in table:
            if key not in known:
                hint = nearest(key, known) or f" (known: {', '.join(known)})"
                raise ConfigError(f"{self._path}: {where}unknown key '{key}'{hint}")

    def _apply(self, table: Mapping[str, Any], base: Configuration, where: str) -> Configuration:
        found = base
        for key in SETTINGS:
            if key not in table:
                continue
            value = table[key]
            if key == "clock" and isinstance(value, int) and not isinstance(value, bool):
                value = str(value)  # hertz
            if not isinstance(value, str):
                raise ConfigError(f'{self._path}: {where}{key} is no text: write {key} = "..."')
            try:
                found = found.with_setting(key, value)
            except ConfigError as error:
                raise ConfigError(f"{self._path}: {where}{error}") from None
        for text in self._texts(table, "set", where):
            key, equals, value = (part.strip() for part in text.partition("="))
            if not equals or not value or not is_model_key(key):
                raise ConfigError(
                    f"{self._path}: {where}set: '{text}' is not KEY=VALUE of the model, such as"
                    " core.dcache.size=16K"
                )
            found = replace(found, overrides=(*found.overrides, f"{key}={value}"))
        for text in self._texts(table, "place", where):
            try:
                parse_request(text)
            except ConfigError as error:
                raise ConfigError(f"{self._path}: {where}{error}") from None
            found = replace(found, place=(*found.place, text))
        return found

    def _texts(self, table: Mapping[str, Any], key: str, where: str) -> list[str]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            raise ConfigError(f'{self._path}: {where}{key} is no list of texts: {key} = ["..."]')
        return value
