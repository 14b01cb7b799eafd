"""A search as its file says it: the space, limits, what networks are judged by, and on what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from simcore.elf.image import printable
from simcore.errors import ConfigError, nearest
from simcore.estimation.bench import Target
from simcore.files import read_regular
from simcore.search.spaces import FAMILIES, NetworkSpace, check_space
from simcore.toml import parse_toml
from simcore.units import parse_quantity, parse_seconds, scale

MAX_BYTES: Final = 1 << 20
MOST_OPTIONS: Final = 100_000  # of one choice
SAMPLERS: Final = ("nsga2", "tpe", "random")

#: What a network is judged by or limited in: the field of its estimate, and its unit.
FIGURES: Final[Mapping[str, tuple[str, str]]] = {
    "latency": ("time_s", "s"),
    "energy": ("energy_j", "J"),
    "flash": ("flash_bytes", "B"),
    "peak_activation": ("peak_activation_bytes", "B"),
    "macs": ("macs", ""),
    "parameters": ("parameters", ""),
    "cycles": ("cycles", ""),
}
SCORE: Final = "score"  # the one that is to be large
_SECTIONS: Final = ("space", "limits", "search")
_SEARCH_KEYS: Final = (
    "score", "objectives", "trials", "sampler", "cpu", "clock", "caches", "arena", "interpolate",
)  # fmt: skip
_LETTERS: Final = "fpnuµmJ"  # behind a number of joules


@dataclass(frozen=True, slots=True)
class SearchSpec:
    """What to search: ``limits`` are the most of a figure, ``score`` is parameters, macs or
    module:function, ``objectives`` are figures to make small and the score to make large."""

    file: str
    space: NetworkSpace
    limits: Mapping[str, float]
    score: str
    objectives: tuple[str, ...]
    trials: int
    sampler: str
    target: Target
    interpolate: bool


def read_spec(path: str) -> SearchSpec:
    """A search from a TOML file. Raises ConfigError, one line with the path and the key."""
    where = printable(path)
    try:
        table = parse_toml(read_regular(path, MAX_BYTES).decode("utf-8"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"{where}: cannot be read: {reason}") from None
    try:
        return _spec(where, table)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


def _spec(where: str, table: Mapping[str, Any]) -> SearchSpec:
    _check_keys("", table, _SECTIONS)
    told = _table(table, "space")
    search = _table(table, "search")
    _check_keys("search.", search, _SEARCH_KEYS)
    objectives = search.get("objectives", [SCORE, "latency"])
    if not isinstance(objectives, list) or not objectives:
        raise ConfigError("search.objectives is a list of figures such as ['score', 'latency']")
    for name in objectives:
        _known("search.objectives", name, (SCORE, *FIGURES))
    trials = search.get("trials", 100)
    if not isinstance(trials, int) or isinstance(trials, bool) or not 1 <= trials <= 1_000_000:
        raise ConfigError("search.trials is a number of networks from 1 to 1,000,000")
    sampler = search.get("sampler", SAMPLERS[0])
    _known("search.sampler", sampler, SAMPLERS)
    return SearchSpec(
        file=where,
        space=_space(told),
        limits=_limits(_table(table, "limits")),
        score=_text(search, "score", "parameters"),
        objectives=tuple(dict.fromkeys(objectives)),
        trials=trials,
        sampler=sampler,
        target=_target(search),
        interpolate=bool(search.get("interpolate", False)),
    )


def _target(search: Mapping[str, Any]) -> Target:
    clock = search.get("clock")
    clock_hz = clock if isinstance(clock, int) else None
    if isinstance(clock, str):
        clock_hz = parse_quantity(clock, "Hz")
    if clock is not None and clock_hz is None:
        raise ConfigError(f"search.clock = {clock!r}: a clock is written such as 100MHz")
    return Target(
        cpu=_text(search, "cpu", "stm32f746"),
        clock_hz=clock_hz,
        caches=_text(search, "caches", "auto"),
        arena=_text(search, "arena", "") or None,
    )


def _space(told: Mapping[str, Any]) -> NetworkSpace:
    _check_keys(
        "space.",
        told,
        ("family", "inputs", "blocks", "widths", "strides", "expansions", "first", "outputs"),
    )
    family = _text(told, "family", "ds-cnn")
    _known("space.family", family, tuple(FAMILIES))
    inputs = told.get("inputs")
    if not isinstance(inputs, list):
        raise ConfigError("space.inputs is a list of [height, width, channels]")
    space = NetworkSpace(
        family,
        inputs=tuple(_input(one) for one in inputs),
        blocks=_options(told, "blocks", None),
        widths=_options(told, "widths", None),
        strides=_options(told, "strides", (1, 2)),
        expansions=_options(told, "expansions", (1, 4, 6)),
        first=_first(told.get("first", {})),
        outputs=_options({"outputs": [told.get("outputs", 10)]}, "outputs", None)[0],
    )
    check_space(space)
    return space


def _input(told: Any) -> tuple[int, int, int]:
    sides = told if isinstance(told, list) else []
    whole = all(isinstance(one, int) and 1 <= one <= 4096 for one in sides)
    if len(sides) != 3 or not whole:
        raise ConfigError(f"space.inputs: {told!r} is no [height, width, channels]")
    return sides[0], sides[1], sides[2]


def _options(
    told: Mapping[str, Any], name: str, otherwise: tuple[int, ...] | None
) -> tuple[int, ...]:
    """Numbers as a list, or as {from, to, step}."""
    value = told.get(name, otherwise)
    if isinstance(value, Mapping):
        _check_keys(f"space.{name}.", value, ("from", "to", "step"))
        first, last, step = value.get("from"), value.get("to"), value.get("step", 1)
        whole = isinstance(first, int) and isinstance(last, int) and isinstance(step, int)
        if not whole or step < 1:
            raise ConfigError(f"space.{name} is a list of numbers or {{ from, to, step }}")
        found = range(first or 0, (last or 0) + 1, step)
        if len(found) > MOST_OPTIONS:
            raise ConfigError(f"space.{name}: {len(found)} options; at most {MOST_OPTIONS:,}")
        value = tuple(found)
    if not isinstance(value, list | tuple):
        raise ConfigError(f"space.{name} is a list of numbers or {{ from, to, step }}")
    for one in value:
        if not isinstance(one, int) or isinstance(one, bool) or not 1 <= one <= 65_536:
            raise ConfigError(f"space.{name}: {one!r} is no number from 1 to 65,536")
    return tuple(dict.fromkeys(value))


def _first(told: Any) -> tuple[int, int, int]:
    if not isinstance(told, Mapping):
        raise ConfigError("space.first is { kernel = [height, width], stride }")
    _check_keys("space.first.", told, ("kernel", "stride"))
    kernel = told.get("kernel", [3, 3])
    sides = [*kernel, told.get("stride", 2)] if isinstance(kernel, list) else []
    if len(sides) != 3 or not all(isinstance(one, int) and 1 <= one <= 64 for one in sides):
        raise ConfigError("space.first is { kernel = [height, width], stride }, each from 1 to 64")
    return sides[0], sides[1], sides[2]


def _limits(told: Mapping[str, Any]) -> dict[str, float]:
    _check_keys("limits.", told, tuple(FIGURES))
    return {name: _limit(name, value) for name, value in told.items()}


def _limit(name: str, value: Any) -> float:
    unit = FIGURES[name][1]
    found: float | None = None
    if isinstance(value, int | float) and not isinstance(value, bool):
        found = float(value)
    elif isinstance(value, str):
        if unit == "s":
            found = parse_seconds(value.replace(" ", ""))
        elif unit == "J":
            found = _joules(value)
        else:
            found = parse_quantity(value.replace(" ", ""), unit)
    if found is None or not 0 < found < float("inf"):
        example = {"s": "20ms", "J": "5mJ", "B": "256K", "": "2M"}[unit]
        raise ConfigError(f"limits.{name} = {value!r}: such as {example}, above 0")
    return found


def _joules(text: str) -> float | None:
    number = text.strip().rstrip(_LETTERS)
    factor = scale("J", text.strip().removeprefix(number))
    try:
        return None if factor is None else float(number) * factor
    except ValueError:
        return None


def _table(table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = table.get(name, {})
    if not isinstance(found, Mapping) or (name == "space" and not found):
        raise ConfigError(f"[{name}] is missing, or no table")
    return found


def _text(table: Mapping[str, Any], name: str, otherwise: str) -> str:
    value = table.get(name, otherwise)
    if not isinstance(value, str):
        raise ConfigError(f"{name} = {value!r}: it is a text")
    return value


def _known(where: str, value: Any, known: tuple[str, ...]) -> None:
    if value not in known:
        hint = nearest(str(value), known) or f"; it is one of {', '.join(known)}"
        raise ConfigError(f"{where}: '{value}' is not known{hint}")


def _check_keys(where: str, table: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in table:
        if key not in known:
            hint = nearest(key, known) or f"; there are {', '.join(known)}"
            raise ConfigError(f"there is no {where}{key}{hint}")
