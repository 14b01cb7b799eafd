"""What a sweep varies: axes with their choices, each a change of how a program is built or run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from simcore.checking.plans import expand
from simcore.cpu_model import is_model_file
from simcore.errors import ConfigError, nearest
from simcore.placement import parse_request
from simcore.resources import prebuilt_kernels
from simcore.run.setup import WORD
from simcore.run.written import SettingsTable, shown
from simcore.whatif.configuration import SETTINGS, Configuration, parse_override

#: What a choice that changes nothing is called.
NOTHING_CHANGED = "as linked"
_EMPTY = "it has no choice: the space is empty"
KEYS = ("elf", "kernel", "cpu", "clock", "caches", "voltage_scale", "args", "place", "set", "shift")


@dataclass(frozen=True, slots=True)
class Draft:
    """A point as far as choices have made it: a program or how it is built, and how it runs."""

    configuration: Configuration
    options: Mapping[str, Any]  # fields of a RunSpec that no configuration has
    elf: str = ""
    build: Mapping[str, str] = field(default_factory=dict)  # by placeholder
    shift: int = 0  # bytes by which all code lies higher


class AxisChoice(NamedTuple):
    """A choice: how it is called, and what it makes of a draft."""

    name: str
    applied: Callable[[Draft], Draft]


class Axis(NamedTuple):
    """What is varied, and its choices, which differ."""

    name: str
    choices: tuple[AxisChoice, ...]


def axes_of(table: SettingsTable) -> list[Axis]:
    """The axes of the table [axes], in the order of the file. Raises ConfigError."""
    table.only(KEYS)
    found: list[Axis] = []
    programs: list[AxisChoice] = []
    for key in table.values:
        if key == "elf":
            programs += _elves(table)
        elif key == "kernel":
            programs += _kernels(table)
        elif key in ("place", "set"):
            found += _placements(table, key)
        elif key == "args":
            found.append(_args(table))
        elif key == "shift":
            found.append(_shifts(table))
        else:
            found.append(_settings(table, key))
    if programs:
        found.insert(0, Axis("program", tuple(programs)))
    for axis in found:
        check_choices(table, axis)
    return found


def check_choices(table: SettingsTable, axis: Axis) -> None:
    """Refuse an axis without a choice, or with one that stands twice."""
    names = [choice.name for choice in axis.choices]
    if not names:
        raise table.error(axis.name, _EMPTY)
    for name in names:
        if names.count(name) > 1:
            raise table.error(axis.name, f"'{name}' stands twice")


def _list(table: SettingsTable, key: str) -> list[Any]:
    value = table.values[key]
    if not isinstance(value, list):
        raise table.error(key, "it is a list of choices")
    if not value:
        raise table.error(key, _EMPTY)
    return value


def _texts(table: SettingsTable, key: str) -> list[str]:
    values = _list(table, key)
    if not all(isinstance(value, str) and value.strip() for value in values):
        raise table.error(key, "it is a list of texts")
    return values


def _elves(table: SettingsTable) -> list[AxisChoice]:
    try:
        files = expand(_texts(table, "elf"), table.file.parent)
    except ConfigError as error:
        raise table.error("elf", str(error)) from None
    return [_program(shown(table.file.parent / file), file) for file in files]


def _kernels(table: SettingsTable) -> list[AxisChoice]:
    known = {row["name"]: row["path"] for row in prebuilt_kernels()}
    names = _texts(table, "kernel")
    for name in names:
        if name not in known:
            hint = nearest(name, known) or f"; there are {', '.join(known)}"
            raise table.error("kernel", f"there is no prebuilt kernel '{name}'{hint}")
    return [_program(known[name], name) for name in names]


def _program(path: str, name: str) -> AxisChoice:
    return AxisChoice(name, lambda draft: replace(draft, elf=path))


def _settings(table: SettingsTable, key: str) -> Axis:
    """Values of a setting of the part: cpu, clock, caches, voltage_scale."""
    choices = []
    for value in _list(table, key):
        text = str(value)
        if key == "cpu" and is_model_file(text):
            text = shown(table.file.parent / text)
        choices.append(_configured(table, key, str(value), [f"{key}={text}"]))
    return Axis(key, tuple(choices))


def _placements(table: SettingsTable, key: str) -> list[Axis]:
    """Placements or changes of the part's model: a list of alternatives, or a table of lists, one
    for each thing, of which all combinations are meant."""
    value = table.values[key]
    if isinstance(value, dict):
        axes = []
        for name, values in value.items():
            if not isinstance(values, list) or not all(isinstance(v, str | int) for v in values):
                raise table.error(f"{key}.{name}", "it is a list of texts")
            choices = [
                _configured(
                    table, key, str(v) or NOTHING_CHANGED, [f"{name}={v}"] if v != "" else []
                )
                for v in values
            ]
            axes.append(Axis(name, tuple(choices)))
        return axes
    choices = []
    for one in _list(table, key):
        texts = [one] if isinstance(one, str) else one
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise table.error(key, "each choice is a text or a list of texts")
        told = [part.strip() for text in texts for part in text.split(",") if part.strip()]
        choices.append(_configured(table, key, ", ".join(told) or NOTHING_CHANGED, told))
    return [Axis(key, tuple(choices))]


def _configured(table: SettingsTable, key: str, name: str, texts: Sequence[str]) -> AxisChoice:
    """A choice that is one or several KEY=VALUE of a configuration; each is tried here."""
    try:
        for text in texts:
            if key == "place":
                parse_request(text)
            elif key == "set":
                parse_override(text)
            elif key not in SETTINGS or not text.partition("=")[2].strip():
                raise ConfigError(f"'{text}' sets nothing")
            else:
                Configuration().with_text(text)
    except ConfigError as error:
        raise table.error(key, str(error)) from None

    def applied(draft: Draft) -> Draft:
        configuration = draft.configuration
        for text in texts:
            if key == "place":
                configuration = replace(configuration, place=(*configuration.place, text))
            else:
                configuration = configuration.with_text(text)
        return replace(draft, configuration=configuration)

    return AxisChoice(name, applied)


def _args(table: SettingsTable) -> Axis:
    choices = []
    for value in _list(table, "args"):
        words = value.split() if isinstance(value, str) else value
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise table.error("args", "each choice is a list of texts, or one with blanks between")
        choices.append(_with_args(tuple(words)))
    return Axis("args", tuple(choices))


def _with_args(args: tuple[str, ...]) -> AxisChoice:
    return AxisChoice(
        " ".join(args) or "none",
        lambda draft: replace(draft, options={**draft.options, "args": args}),
    )


def _shifts(table: SettingsTable) -> Axis:
    choices = []
    for value in _list(table, "shift"):
        if not isinstance(value, int) or isinstance(value, bool) or value < 0 or value % WORD:
            raise table.error("shift", f"'{value}' is no number of bytes by words: 0, 4, 8, ...")
        choices.append(_shifted_by(value))
    return Axis("shift", tuple(choices))


def _shifted_by(shift: int) -> AxisChoice:
    return AxisChoice(str(shift), lambda draft: replace(draft, shift=shift))
