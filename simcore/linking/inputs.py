"""A piece as the input section that holds it: a pattern that takes it and nothing else, or why a
linker cannot move it.

Patterns are those that GNU ld and lld read alike: `*conv.o(.text.Prepare)` and, of an archive,
`*libm.a:lib_a-sinf.o(.text)` (manual of GNU ld, Input Section Basics).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from simcore.elf import Image
from simcore.linking.mapfile import ASK_FOR_IT, Contribution, LinkMap
from simcore.placement.pieces import LINE, Piece, all_pieces

Pieces = Sequence[tuple[Piece, str]]  # each with its region

#: Objects that GCC names anew each time: compiled and linked in one command, or by LTO.
_TEMPORARY: Final = re.compile(r"(?:^|/)cc\w{6}(?:\.ltrans\d+)?(?:\.ltrans)?\.(?:o|obj)$")
_LTO: Final = re.compile(r"\.ltrans\d*\.|(?:^|/)lto\.tmp$|\.lto\.|^ld-temp\.o$")
#: What ld's lexer takes in a name, apart from wildcards.
_ODD: Final = re.compile(r"[^\w.$/~+,:=^!@%-]", re.ASCII)
_SOURCE: Final = re.compile(r"\.(?:c|cc|cpp|cxx|c\+\+|C|rs|ll|m)$")
#: Bytes that may move with a piece which are no more than its own, or these.
ALONG_BYTES: Final = 256


@dataclass(frozen=True, slots=True)
class MovedSection:
    """An input section that moves. ``size`` and ``along`` (names of what else it holds) are known
    by a map only."""

    pattern: str
    size: int
    along: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stays:
    """Why no pattern moves a piece."""

    name: str
    reason: str


def by_map(image: Image, found: LinkMap, pieces: Pieces) -> list[MovedSection | Stays]:
    """For each piece its input section; the same one for two pieces of one."""
    everything = all_pieces(image)
    holders = [found.at(piece.address) for piece, _ in pieces]
    regions: dict[Contribution, set[str]] = {}
    wanted: dict[Contribution, list[Piece]] = {}
    for holder, (piece, region) in zip(holders, pieces, strict=True):
        if holder is not None:
            regions.setdefault(holder, set()).add(region)
            wanted.setdefault(holder, []).append(piece)
    result: list[MovedSection | Stays] = []
    for holder, (piece, region) in zip(holders, pieces, strict=True):
        if holder is None or piece.end > holder.end + LINE:
            result.append(
                Stays(piece.name, f"{found.path} has no input section at {piece.address:#x}")
            )
            continue
        along = _along(holder, wanted[holder], everything)
        reason = (
            is_part(image, piece)
            or _goes_two_ways(holder, piece, regions[holder])
            or _takes_along(holder, piece, along, wanted[holder])
        )
        pattern = reason or _pattern(found, holder, regions, region)
        if isinstance(pattern, str):
            result.append(Stays(piece.name, pattern))
        else:
            result.append(MovedSection(pattern[0], holder.size, tuple(one.name for one in along)))
    return result


def by_itself(image: Image, found: LinkMap | None, piece: Piece) -> MovedSection | Stays:
    """The input section of a piece that moves alone, or why a linker cannot move it."""
    pieces = [(piece, "")]
    (one,) = by_symbols(image, pieces) if found is None else by_map(image, found, pieces)
    return one


def _along(
    holder: Contribution, wanted: Sequence[Piece], everything: Sequence[Piece]
) -> list[Piece]:
    """What else lies in an input section, by address, aliases once."""
    found = {
        one.address: one
        for one in everything
        if holder.address <= one.address < holder.end
        and not any(piece.address <= one.address < piece.end for piece in wanted)
    }
    return sorted(found.values(), key=lambda one: one.address)


def by_symbols(image: Image, pieces: Pieces) -> list[MovedSection | Stays]:
    """The same without a map: what the names of sections of -ffunction-sections and -fdata-sections
    prove. A name that two objects have, and what no compiler of this program made, prove nothing.
    """
    counts: dict[str, int] = {}
    for name, _ in {(s.name, s.address) for s in image.symbols}:
        counts[name] = counts.get(name, 0) + 1
    result: list[MovedSection | Stays] = []
    for piece, _ in pieces:
        symbol = piece.symbol or piece.name
        reason = is_part(image, piece)
        if reason is None and counts.get(symbol, 0) > 1:
            reason = f"{counts[symbol]} have this name; {ASK_FOR_IT} tells their objects"
        if reason is None and not _is_compiled(image, piece):
            reason = f"its section and object are not known; {ASK_FOR_IT} tells them"
        if reason is not None:
            result.append(Stays(piece.name, reason))
            continue
        result.append(MovedSection(f"*({_guessed(image, piece, symbol)})", piece.size))
    return result


def _guessed(image: Image, piece: Piece, symbol: str) -> str:
    """The input section's name that a compiler gives it."""
    own = plain(own_section(image, piece, symbol))
    if own == ".text.main":
        own += " .text.startup.main"  # where GCC puts it from -O2 on
    return own


def own_section(image: Image, piece: Piece, symbol: str) -> str:
    """The section of its own that -ffunction-sections and -fdata-sections give a symbol."""
    if piece.is_code:
        return f".text.{symbol}"
    if is_zeroed(image, piece):
        return f".bss.{symbol}"
    return f"{'.rodata' if piece.is_rom else '.data'}.{symbol}"


def is_zeroed(image: Image, piece: Piece) -> bool:
    """Whether a piece starts as zeros, of which the file has none."""
    section = image.section_at(piece.address)
    return section is not None and not section.has_data


def _is_compiled(image: Image, piece: Piece) -> bool:
    """Whether a compiler made it, so that it may have a section of its own name."""
    file = image.file_at(piece.address)
    if file is None:
        return image.lines is None or image.line_at(piece.address) is not None
    return _SOURCE.search(file) is not None or file.startswith("<")


def is_part(image: Image, piece: Piece) -> str | None:
    """Why a piece is no symbol's: a part of an array, a section."""
    if piece.kind not in ("function", "object"):
        return "it is no function and no object: name those that are in it"
    if piece.is_code:
        return None
    symbol = image.object_at(piece.address)
    if symbol is None or (symbol.address, symbol.size) == (piece.address, piece.size):
        return None
    if symbol.size <= piece.size:
        return None
    return (
        f"it is {piece.size:,} of the {symbol.size:,} bytes of {symbol.name}, which a linker moves"
        " whole: make it an array of its own"
    )


def _flag(piece: Piece) -> str:
    return "-ffunction-sections" if piece.is_code else "-fdata-sections"


def _goes_two_ways(holder: Contribution, piece: Piece, regions: set[str]) -> str | None:
    if len(regions) == 1:
        return None
    return (
        f"{holder.section} of {holder.file} holds things that go to"
        f" {' and '.join(sorted(regions))}: compile it with {_flag(piece)}"
    )


def _takes_along(
    holder: Contribution, piece: Piece, along: Sequence[Piece], wanted: Sequence[Piece]
) -> str | None:
    """Refuse a section with more that stays than that moves, unless it is a library's."""
    moving = sum({one.address: one.size for one in wanted}.values())
    extra = holder.size - moving
    if not along or holder.archive is not None or extra <= max(moving, ALONG_BYTES):
        return None
    return (
        f"{holder.section} of {holder.file} holds {len(along)} more, {extra:,} bytes that would"
        f" move along: compile it with {_flag(piece)}"
    )


def _pattern(
    found: LinkMap, holder: Contribution, regions: dict[Contribution, set[str]], region: str
) -> tuple[str] | str:
    """The pattern of an input section in a tuple, or why there is none."""
    same = [one for one in found.contributions if one.section == holder.section]
    others = [one for one in same if regions.get(one) != {region}]
    if holder.section == "COMMON" and sum(one.file == holder.file for one in same) > 1:
        return f"it is one of several common symbols of {holder.file}: compile with -fno-common"
    if any(one.file == holder.file for one in others):
        return (
            f"{holder.file} has several input sections {holder.section}, which no pattern tells"
            " apart: give them names of their own, in an archive the members"
        )
    file = _file_pattern(holder, others)
    if file is None:
        is_lto = _LTO.search(holder.object) is not None
        how = (
            "made by LTO under a name of the moment: compile its source with -fno-lto"
            if is_lto
            else "compiled and linked in one command, so that its object is named anew each time:"
            " compile it with -c -o"
        )
        return f"{holder.section} of several objects, this one {how}"
    return (f"{file}({plain(holder.section)})",)


def _file_pattern(holder: Contribution, others: Sequence[Contribution]) -> str | None:
    """The shortest end of the object's path that no other object with such a section has."""
    if _TEMPORARY.search(holder.object) or _LTO.search(holder.object):
        return None if others else "*"
    name, archive = holder.object, holder.archive
    own = name if archive is None else f"{archive}:{name}"
    theirs = [
        one.object if one.archive is None else f"{one.archive}:{one.object}" for one in others
    ]
    kept = 1 if archive is None else 1 + name.count("/")
    parts = own.split("/")
    for count in range(kept, len(parts) + 1):
        suffix = "/".join(parts[-count:])
        if not any(other.endswith(suffix) for other in theirs):
            return f"*{plain(suffix)}"
        if count < len(parts) and not any(other.endswith(f"/{suffix}") for other in theirs):
            return f"*/{plain(suffix)}"
    return None if own in theirs else plain(own)


def plain(text: str) -> str:
    """Text for a pattern: what is a wildcard or ends a name in a script stands as ``?``."""
    return _ODD.sub("?", text)
