"""A saved profile with the names of the symbol table instead of those that its authors wrote."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from simcore.costs.profile import Profile
from simcore.elf.demangling import is_mangled


def with_symbols(profile: Profile) -> Profile:
    """The profile with mangled names; where several functions have one, what tells them apart stays."""
    mangled = [row for row in profile.functions if row.symbol and is_mangled(row.symbol)]
    seen = Counter(row.symbol for row in mangled)
    names: dict[str, str] = {}
    for row in mangled:
        symbol = row.symbol or ""
        note = f" {row.name.rpartition(' ')[2]}" if seen[symbol] > 1 else ""
        names[row.name] = symbol + note

    def named(name: str | None) -> str | None:
        return None if name is None else names.get(name, name)

    def own(name: str, symbol: str | None) -> str:
        return symbol if symbol is not None and is_mangled(symbol) else name

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
            replace(row, name=names.get(row.name, row.name) if row.symbol else row.name, symbol=None)
            for row in profile.ops
        ),
        objects=tuple(
            replace(
                row,
                name=own(row.name, row.symbol),
                sites=tuple(replace(site, function=named(site.function)) for site in row.sites),
            )
            for row in profile.objects
        ),
        instructions=None
        if profile.instructions is None
        else tuple(replace(row, function=named(row.function)) for row in profile.instructions),
        placement=None
        if profile.placement is None
        else tuple(replace(row, name=own(row.name, row.symbol)) for row in profile.placement),
    )
