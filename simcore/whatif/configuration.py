"""One configuration of a study, and the short texts on the command line that describe them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from simcore.errors import ConfigError
from simcore.placement import parse_request
from simcore.records import dataclass
from simcore.run.spec import PartSpec, RunSpec, given
from simcore.run.written import file_keys, read_value

if TYPE_CHECKING:
    from simcore.simulation.capture import Capture

#: Settings that are no placement, as they are written in front of '='.
SETTINGS = {key: one for key, one in file_keys(PartSpec, "_").items() if one.type is not tuple}
#: Tables of a part's model: a dotted name that begins with one is a number of the model.
MODEL_TABLES = (
    "core", "pipeline", "region", "memory", "bus", "operating_point", "energy", "flash_control",
    "systick",
)  # fmt: skip
AS_LINKED = "as linked"

_NAMED = re.compile(r"(?P<name>[^=,]*?):\s+(?P<rest>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration(PartSpec):
    """What a program is timed under."""

    name: str = AS_LINKED
    irq: tuple[str, ...] = ()
    """Interrupts at rates of its own, as NAME=RATE: it is an execution of its own then."""

    def spec(self, elf: str, options: Mapping[str, Any]) -> RunSpec:
        """The run of a program under it; ``options`` are fields of a RunSpec that no configuration
        has."""
        part = {field.name: getattr(self, field.name) for field in fields(PartSpec)}
        return replace(given(RunSpec, options), elf=elf, **part)

    def with_text(self, text: str) -> Configuration:
        """The same with ``KEY=VALUE`` of a setting or of the model, or a placement. Raises
        ConfigError."""
        key, equals, value = (part.strip() for part in text.partition("="))
        setting = SETTINGS.get(key.replace("-", "_").lower())
        if equals and value and setting is not None:
            try:
                return replace(self, **{setting.field: read_value(setting, value)})
            except ConfigError as error:
                raise ConfigError(f"{key}: {error}") from None
        if equals and value and _is_model_key(key):
            return replace(self, overrides=(*self.overrides, parse_override(text)))
        parse_request(text)
        return replace(self, place=(*self.place, text.strip()))


def first_configuration(file: str | Capture) -> Configuration:
    """What a study of an ELF or a capture begins with: a capture as it was recorded."""
    return Configuration() if isinstance(file, str) else Configuration(**file.recorded.part())


def parse_override(text: str) -> str:
    """KEY=VALUE of the part's model, without blanks. Raises ConfigError for any other text."""
    key, _, value = (part.strip() for part in text.partition("="))
    if not value or not _is_model_key(key):
        raise ConfigError(f"'{text}' is not KEY=VALUE of the model, such as core.dcache.size=16K")
    return f"{key}={value}"


def _is_model_key(key: str) -> bool:
    table, dot, rest = key.partition(".")
    return bool(dot and rest) and table in MODEL_TABLES


def parse_try(text: str, base: Configuration) -> Configuration:
    """A configuration of ``[NAME: ]KEY=VALUE, KEY=VALUE ...``; without a name the text is it.

    Raises ConfigError.
    """
    name, rest = _split_name(text)
    found = replace(base, name=name or _tidy(rest))
    parts = [part.strip() for part in rest.split(",")]
    if not all(parts):
        raise ConfigError(f"--try '{text}': a setting is missing beside ','")
    for part in parts:
        try:
            found = found.with_text(part)
        except ConfigError as error:
            raise ConfigError(f"--try '{text}': {error}") from None
    return found


@dataclass(frozen=True, slots=True)
class Sweep:
    """Alternatives for one thing: each is a setting as text with the short name that it gets."""

    name: str
    choices: tuple[tuple[str, str], ...]  # name of the choice, KEY=VALUE


def parse_sweep(text: str) -> Sweep:
    """The alternatives of ``[NAME: ]KEY=VALUE,VALUE ...``. Raises ConfigError."""
    name, rest = _split_name(text)
    key, equals, values = (part.strip() for part in rest.partition("="))
    choices = [value.strip() for value in values.split(",")]
    if not equals or not key or not all(choices):
        raise ConfigError(
            f"--sweep '{text}': not KEY=VALUE,VALUE, such as 'weights=flash,dtcm' or"
            " 'code: conv*=flash,itcm'"
        )
    if len(set(choices)) < len(choices):
        raise ConfigError(f"--sweep '{text}': a value stands twice")
    return Sweep(name or key, tuple((value, f"{key}={value}") for value in choices))


def combinations(sweeps: Sequence[Sweep], base: Configuration) -> list[Configuration]:
    """Every combination of the sweeps' choices, the last sweep changing fastest."""
    found = []
    for choice in product(*(sweep.choices for sweep in sweeps)):
        parts = [f"{sweep.name}={value}" for sweep, (value, _) in zip(sweeps, choice, strict=True)]
        configuration = replace(base, name=" ".join(parts))
        for _, setting in choice:
            configuration = configuration.with_text(setting)
        found.append(configuration)
    return found


def check_names(configurations: Iterable[Configuration]) -> None:
    """Refuse two configurations of one name, and none at all. Raises ConfigError."""
    seen: set[str] = set()
    for configuration in configurations:
        if configuration.name in seen:
            raise ConfigError(f"two configurations are called '{configuration.name}'; name one")
        seen.add(configuration.name)
    if not seen:
        raise ConfigError(
            "no configuration to compare: give --place, --try, --sweep or --config, such as"
            " --try 'conv*=itcm'"
        )


def _split_name(text: str) -> tuple[str, str]:
    match = _NAMED.fullmatch(text.strip())
    return (match["name"].strip(), match["rest"].strip()) if match else ("", text.strip())


def _tidy(text: str) -> str:
    return ", ".join(part.strip() for part in text.split(","))
