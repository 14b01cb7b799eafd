"""A saved profile with the names of the symbol table instead of those that its authors wrote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from simcore.costs.op_tables import OpCosts
from simcore.costs.profile import Profile
from simcore.elf.demangling import is_mangled


def with_symbols(profile: Profile) -> Profile:
    """The profile with mangled names; what tells several functions of one apart stays."""
    names = _symbols((row.name, row.symbol) for row in profile.functions)
    data = _symbols((row.name, row.symbol) for row in profile.objects)
    placed = _symbols((row.name, row.symbol) for row in profile.placement or ())

    def named(name: str | None) -> str | None:
        return None if name is None else names.get(name, name)

    return replace(
        profile,
        functions=tuple(
            replace(
                row,
                name=names.get(row.name, row.name),
                symbol=None if names.get(row.name) == row.symbol else row.symbol,
            )
            for row in profile.functions
        ),
        ops=tuple(
            replace(
                row,
                name=_numbered(row, names) if row.symbol else row.name,
                caller=named(row.caller),
                symbol=None,
            )
            for row in profile.ops
        ),
        objects=tuple(
            replace(
                row,
                name=data.get(row.name, row.name),
                sites=tuple(replace(site, function=named(site.function)) for site in row.sites),
            )
            for row in profile.objects
        ),
        instructions=None
        if profile.instructions is None
        else tuple(replace(row, function=named(row.function)) for row in profile.instructions),
        placement=None
        if profile.placement is None
        else tuple(replace(row, name=placed.get(row.name, row.name)) for row in profile.placement),
    )


def _symbols(rows: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    """The mangled name of each name of (name, symbol) that has one."""
    mangled = [(name, symbol) for name, symbol in rows if symbol and is_mangled(symbol)]
    seen = Counter(symbol for _, symbol in mangled)
    return {
        name: f"{symbol} {name.rpartition(' ')[2]}" if seen[symbol] > 1 else symbol
        for name, symbol in mangled
    }


def _numbered(row: OpCosts, names: Mapping[str, str]) -> str:
    """The name of a function's call, with the number that is behind it."""
    caller, at = row.caller or row.name, row.name.rfind(f"[{row.call}")
    return names.get(caller, caller) + (row.name[at:] if at >= 0 else "")
