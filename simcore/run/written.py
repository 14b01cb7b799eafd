"""Runs as people write them in TOML: the keys are the fields of a spec, and no list beside it."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from simcore.errors import ConfigError, nearest
from simcore.files import read_regular, without_links
from simcore.run.spec import Written
from simcore.run.uarts import STANDARD_INPUT
from simcore.toml import parse_toml
from simcore.units import UNLIMITED, parse_quantity, parse_seconds

Value = TypeVar("Value")
MAX_FILE_BYTES = 1 << 20


class FileKey(NamedTuple):
    """A key of a file: the field of the spec that it is, its type, and how it is written."""

    field: str
    type: type
    written: Written


@cache
def file_keys(spec: type, joint: str = "-") -> dict[str, FileKey]:
    """The keys that a file has for a spec, ``joint`` between their words."""
    plain, annotated = get_type_hints(spec), get_type_hints(spec, include_extras=True)
    found = {}
    for name, hint in plain.items():
        (written,) = getattr(annotated[name], "__metadata__", (Written(),))
        if written.in_files:
            kind = tuple if get_origin(hint) is tuple else (*get_args(hint), hint)[0]
            key = (written.key or name).replace("_", joint)
            found[key] = FileKey(name, kind, written)
    return found


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a file. Raises ConfigError."""
    try:
        return parse_toml(read_regular(path, MAX_FILE_BYTES).decode("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not TOML: it is not UTF-8 text") from None
    except ValueError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None


class SettingsTable:
    """One table of a file. What is wrong with it is a ConfigError that names file and key.

    What a program reads of the host or writes there lies below ``root``, links followed, if there
    is one: who commits the file does not own the machine.
    """

    def __init__(
        self, file: Path, values: dict[str, Any], where: str = "", root: Path | None = None
    ) -> None:
        self.file = file
        self.values = values
        self.where = where  # in the file, in front of a key
        self.root = root

    def only(self, known: Iterable[str]) -> None:
        """Refuse every key but these."""
        known = list(known)
        for key in self.values:
            if key not in known:
                hint = nearest(key, known) or f"; the keys are {', '.join(known)}"
                raise ConfigError(f"{self.file}: {self.where}there is no key '{key}'{hint}")

    def get(self, key: str, read: Callable[[Any], Value], default: Any = None) -> Value:
        """The value of a key; it has to be there when there is no default."""
        if key not in self.values:
            if default is None:
                raise self.error(key, "it is missing")
            found: Value = default
            return found
        try:
            return read(self.values[key])
        except ConfigError as error:
            raise self.error(key, str(error)) from None

    def tables(self, key: str) -> list[SettingsTable]:
        """The tables of ``[[key]]``."""
        values = self.values.get(key, [])
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            raise self.error(key, f"it is a list of tables: write [[{key}]]")
        return [
            SettingsTable(self.file, value, f"{key} {n}: ", self.root)
            for n, value in enumerate(values, 1)
        ]

    def options(self, spec: type, joint: str = "-") -> dict[str, Any]:
        """The fields of a spec that this table says; paths as they are from the working folder."""
        options = {}
        for key, found in file_keys(spec, joint).items():
            if key in self.values:
                value = self.get(key, partial(read_value, found))
                if found.type is tuple:
                    value = tuple(self._rebased(key, one, found.written) for one in value)
                elif found.type is str:
                    value = self._rebased(key, value, found.written)
                options[found.field] = value
        return options

    def _rebased(self, key: str, text: str, written: Written) -> str:
        """A text with its path, if there is one in it, as it is from the working folder."""
        before, path = _split(text, written)
        if path is None:
            return text
        path = shown(self.file.parent / path)
        root = self.root if written.of_program else None
        if root is not None and not without_links(path).is_relative_to(root):
            raise self.error(
                key, f"{path} is outside of the repository; name it on the command line"
            )
        return before + path

    def error(self, key: str, text: str) -> ConfigError:
        """What is wrong with the value of a key."""
        return ConfigError(f"{self.file}: {self.where}{key}: {text}")


def _split(text: str, written: Written) -> tuple[str, str | None]:
    """What stands before the path of a text, and the path, None where there is none."""
    if written.path is not None and text.endswith(written.path):
        return "", text
    if written.path_behind:
        name, mark, path = text.partition(written.path_behind)
        if path not in ("", STANDARD_INPUT):
            return name + mark, path
    return text, None


def shown(path: Path) -> str:
    """A path as short as it can be written from the working folder."""
    full = Path(os.path.normpath(Path.cwd() / path))
    here = Path.cwd()
    return str(full.relative_to(here)) if full.is_relative_to(here) else str(full)


def read_value(key: FileKey, value: Any) -> Any:
    """The value of a field, from what stands in a file. Raises ConfigError."""
    choices = key.written.choices
    if choices and value not in choices:
        hint = nearest(str(value), choices)
        raise ConfigError(f"it is one of {', '.join(choices)}{hint}")
    if key.written.of_table is not None and isinstance(value, list):
        value = [key.written.of_table(one) if isinstance(one, dict) else one for one in value]
    if key.type is int:
        return _quantity(value, key.written.unit)
    if key.type is float:
        return _seconds(value, key.written.unlimited)
    readers: dict[type, Callable[[Any], Any]] = {
        str: read_text,
        bool: _flag,
        tuple: read_texts,
    }
    return readers[key.type](value)


def read_text(value: Any) -> str:
    """A text that is not empty. Raises ConfigError."""
    if not isinstance(value, str):
        raise ConfigError("it is a text")
    if not value.strip():
        raise ConfigError("it is empty")
    if "\0" in value:
        raise ConfigError("it has a NUL in it")
    return value


def read_name(value: Any) -> str:
    """A text that reports show. Raises ConfigError."""
    name = read_text(value).strip()
    if not name.isprintable():
        raise ConfigError("it has characters that cannot be shown")
    return name


def read_texts(value: Any) -> tuple[str, ...]:
    """A list of texts, or one. Raises ConfigError."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(item, str) for item in texts):
        raise ConfigError("it is a list of texts")
    if any("\0" in text for text in texts):
        raise ConfigError("it has a NUL in it")
    return tuple(texts)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ConfigError("it is true or false")
    return value


def _quantity(value: Any, unit: str) -> int:
    number = None
    if isinstance(value, str):
        number = parse_quantity(value, unit)
    elif isinstance(value, int) and not isinstance(value, bool) and value > 0:
        number = value
    if number is None:
        example = {"": "5M", "B": "512M"}.get(unit, "100MHz")
        raise ConfigError(f"it is a positive number such as 5000000 or '{example}'")
    return number


def _seconds(value: Any, unlimited: bool) -> float:
    if isinstance(value, str):
        if unlimited and value.strip() == UNLIMITED:
            return math.inf
        value = parse_seconds(value)
    if unlimited and value == math.inf:
        return math.inf
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < 1e9:
        raise ConfigError("it is a positive number of seconds, or a time such as '20ms'")
    return float(value)
