"""Bars of an HTML report: what functions, operations and regions cost, by part.

Colours are CSS classes and variables, so that both themes and the printer have their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from simcore.costs.op_tables import OpCosts
from simcore.costs.profile import Profile
from simcore.costs.tables import FunctionCosts, MemoryCosts
from simcore.report.asleep import Asleep, asleep_in, awake_energies
from simcore.report.html.colors import legend, word_class
from simcore.report.html.tables import words
from simcore.units import count, percent, si, size

MOST_BARS = 12  # functions or operations in one figure
SHOWN_SHARE = 0.005  # of the run awake: what costs less gets no bar
SLEEP = "sleep"  # a cause and a component
ALWAYS_ON_ASLEEP = "always_on slept"  # what always on took meanwhile; its classes, too

_Parts = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class BarPart:
    """A part of a bar: its share of the longest bar, the class of its colour, what it says.

    Those of the time asleep are of no length until it is counted.
    """

    share: float
    color: str
    hint: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of a figure of bars."""

    name: str
    value: str
    parts: tuple[BarPart, ...]
    whole: str = ""  # the value when sleep is counted, where that is another
    sleeps: bool = False  # hardly anything but: it is there when sleep is counted


@dataclass(frozen=True, slots=True)
class Bars:
    """A figure of bars; ``scale`` is what becomes of their lengths when sleep is counted."""

    rows: Sequence[Bar]
    scale: float = 1.0


def cause_bars(profile: Profile) -> Bars:
    """Cycles of the costliest functions, callees left out, by cause."""
    return _bars(
        _costliest([(row.name, row.cycles_by_cause) for row in profile.functions]),
        lambda cycles: f"{count(round(cycles))} cycles",
    )


def energy_bars(profile: Profile, slept: Asleep) -> Bars:
    """Energy of the costliest operations, or functions when there are none, by component."""
    rows: Sequence[OpCosts | FunctionCosts] = profile.ops or profile.functions
    found: list[tuple[str, _Parts]] = []
    for row in rows:
        asleep = asleep_in(row.cycles_by_cause)
        parts = awake_energies(row.energy_by_component, asleep, slept)
        if asleep:
            lost = row.energy_by_component.get("always_on", 0.0) - parts.get("always_on", 0.0)
            parts = {"always_on": parts.get("always_on", 0.0), ALWAYS_ON_ASLEEP: lost} | parts
        found.append((row.name, parts))
    return _bars(_costliest(found), lambda energy: si(energy, "J"))


def traffic_bars(profile: Profile) -> Bars:
    """Bytes by region: fetched, read, written."""
    rows = [
        (row.region, dict(zip(TRAFFIC, _moved(row), strict=True)))
        for row in profile.memory
        if any(_moved(row))
    ]
    return _bars(rows, lambda moved: size(round(moved)))


#: What moves between core and memory, with its colour.
TRAFFIC = legend(("fetched", "read", "written"))


def _moved(row: MemoryCosts) -> tuple[int, int, int]:
    return row.fetch_bytes, row.read_bytes, row.write_bytes


def _awake(parts: Mapping[str, float]) -> float:
    return sum(part for name, part in parts.items() if name not in (SLEEP, ALWAYS_ON_ASLEEP))


def _costliest(rows: Sequence[tuple[str, Mapping[str, float]]]) -> list[tuple[str, _Parts]]:
    """What costs most awake, behind it what hardly does anything but sleep."""
    least = SHOWN_SHARE * sum(_awake(parts) for _, parts in rows)
    found = sorted(rows, key=lambda row: -_awake(row[1]))
    shown = [row for row in found if _awake(row[1]) > least][:MOST_BARS]
    slept = sorted(found, key=lambda row: -row[1].get(SLEEP, 0))
    return shown + [row for row in slept if row[1].get(SLEEP, 0) > least and row not in shown]


def _bars(rows: Sequence[tuple[str, _Parts]], form: Callable[[float], str]) -> Bars:
    longest = max((_awake(parts) for _, parts in rows), default=0)
    whole = max((sum(parts.values()) for _, parts in rows), default=0)
    least = SHOWN_SHARE * sum(_awake(parts) for _, parts in rows)
    bars = []
    for name, parts in rows:
        awake, in_all = _awake(parts), sum(parts.values())
        drawn = tuple(
            BarPart(part / longest, _class(key), _hint(key, part, awake, form))
            for key, part in parts.items()
            if part and longest
        )
        sleeps = awake <= least and in_all != awake
        bars.append(Bar(name, form(awake), drawn, form(in_all) if in_all != awake else "", sleeps))
    return Bars(bars, longest / whole if whole else 1.0)


def _class(key: str) -> str:
    word, _, slept = key.partition(" ")
    return f"{word_class(word)} {slept}".rstrip()


def _hint(key: str, part: float, awake: float, form: Callable[[float], str]) -> str:
    share = "" if key in (SLEEP, ALWAYS_ON_ASLEEP) else f", {percent(part, awake)}"
    return f"{words(key)} {form(part)}{share}"
