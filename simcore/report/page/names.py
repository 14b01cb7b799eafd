"""Names that fit a width: paths lose their front, functions their middle, and no two become one.

Of a path the file and line stay, of a function what it is called itself and what tells it from
others; then its class, its parameters, its template arguments, as far as there is room.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from simcore.elf.names import special_prefix, without_brackets, without_parameters
from simcore.report.page.cells import cell_len, set_cell_size

#: A longer name is in no ELF that is read (MAX_NAME_BYTES), but may be in a document; shorter forms
#: of it take the square of its length.
MOST_FORMED = 4096
_SCOPE = re.compile(r"(?:\w+::)+(?=[A-Z])")
_PATH = re.compile(r"[^ ()<>]*[/\\\\][^ ()<>]*")


def fitted(names: Sequence[str], width: int, ellipsis: str = "…") -> list[str]:
    """The names, each in at most ``width`` cells; different ones stay different."""
    if all(cell_len(name) <= width for name in names):
        return list(names)
    shown = {name: _shortened(name, width, ellipsis) for name in names}
    groups: dict[str, list[str]] = {}
    for name, text in shown.items():
        groups.setdefault(text, []).append(name)
    for group in groups.values():
        if len(group) > 1:
            shown |= zip(group, _apart(group, width, ellipsis), strict=True)
    taken: set[str] = set()
    for name in sorted(shown):
        number = 1
        while shown[name] in taken:
            number += 1
            mark = f" #{number}"
            shown[name] = _cut(name, width - len(mark), ellipsis) + mark
        taken.add(shown[name])
    return [shown[name] for name in names]


def fitted_places(places: Sequence[str], width: int, ellipsis: str = "…") -> list[str]:
    """Source lines without as many leading folders as ``width`` asks for, never without the file.

    Different ones stay different, for which some stay wider than ``width``.
    """
    shown = {place: _short_place(place, width, ellipsis) for place in places}
    groups: dict[str, list[str]] = {}
    for place, text in shown.items():
        groups.setdefault(text, []).append(place)
    for group in groups.values():
        if len(group) > 1:
            for place in group:
                others = [other for other in group if other != place]
                shown[place] = _telling_tail(place, others, ellipsis)
    return [shown[place] for place in places]


def _tails(place: str, ellipsis: str) -> list[str]:
    """A place, then it with fewer and fewer of its folders, at last the file alone."""
    parts = re.split(r"[/\\]", place)
    if len(place) > MOST_FORMED:
        return [place, parts[-1]]
    tails = [f"{ellipsis}/" + "/".join(parts[first:]) for first in range(1, len(parts))]
    return [place, *tails, parts[-1]] if len(parts) > 1 else [place]


def _short_place(place: str, width: int, ellipsis: str) -> str:
    tails = _tails(place, ellipsis)
    return next((text for text in tails if cell_len(text) <= width), tails[-1])


def _telling_tail(place: str, others: Sequence[str], ellipsis: str) -> str:
    """The shortest tail of a place that is none of others'."""
    taken = {tail for other in others for tail in _tails(other, ellipsis)}
    return next((tail for tail in reversed(_tails(place, ellipsis)) if tail not in taken), place)


def _shortened(name: str, width: int, ellipsis: str) -> str:
    """A name in the form that says most of those that fit; of one of no compiler its ends."""
    if len(name) > MOST_FORMED:
        half = MOST_FORMED // 2
        return _cut(name[:half] + name[-half:], width, ellipsis)
    fitting = (text for text in _forms(name, ellipsis) if cell_len(text) <= width)
    return next(fitting, None) or _cut(name, width, ellipsis)


def _forms(name: str, ellipsis: str) -> Iterator[str]:
    """A name, and shorter and shorter forms of it."""
    yield name
    if _PATH.fullmatch(name):
        parts = re.split(r"[/\\\\]", name)
        for first in range(1, len(parts)):
            yield ellipsis + "/" + "/".join(parts[first:])
        yield parts[-1]
        return
    special = special_prefix(name)
    if special:
        yield from (special + form for form in _forms(name[len(special) :], ellipsis))
        return
    plain = without_parameters(name)
    if plain == name:
        if name.startswith("<"):  # Rust's <a::Type as b::Trait>::f
            yield _SCOPE.sub(ellipsis, name)
        yield from _scopes(name, "", ellipsis)
        return
    note = name[len(without_brackets(name)) :]
    start = name.find(plain)
    behind = name[start + len(plain) : len(name) - len(note)] if start >= 0 else ""
    yield plain + behind + note  # without the type that it returns
    brief = f"({ellipsis})" if len(behind) > 3 else behind
    yield plain + brief + note
    bare = _without_arguments(plain, ellipsis)
    yield bare + behind + note
    yield bare + brief + note
    yield from _scopes(bare, brief + note, ellipsis)
    yield from _scopes(bare, note, ellipsis)


def _scopes(name: str, behind: str, ellipsis: str) -> Iterator[str]:
    """A qualified name with fewer and fewer of the scopes that it is in."""
    parts = _parts(name)
    for first in range(1, len(parts)):
        yield f"{ellipsis}::{'::'.join(parts[first:])}{behind}"
    yield f"{parts[-1]}{behind}"


def _parts(name: str) -> list[str]:
    """The parts of a qualified name, those inside of brackets left together."""
    parts, depth, start = [], 0, 0
    for at, character in enumerate(name):
        if name.startswith("operator", at) and not depth:
            break
        depth += (character in "(<[{") - (character in ")>]}")
        if not depth and name.startswith("::", at):
            parts.append(name[start:at])
            start = at + 2
    return [*parts, name[start:]]


def _without_arguments(name: str, ellipsis: str) -> str:
    """A name with an ellipsis for what stands between the brackets of each template."""
    result: list[str] = []
    depth = 0
    for at, character in enumerate(name):
        if name.startswith("operator", at) and not depth:
            return "".join(result) + name[at:]
        if character == ">" and depth and name[at - 1] != "-":
            depth -= 1
        if not depth:
            result.append(character)
        if character == "<":
            if not depth and at + 1 < len(name):
                result.append(ellipsis)
            depth += 1
    return name if depth else "".join(result)


def _cut(name: str, width: int, ellipsis: str) -> str:
    """A name without its middle; more of its end, where functions differ, than of its front."""
    if cell_len(name) <= width:
        return name
    room = width - cell_len(ellipsis)
    if room < 3:
        return set_cell_size(name, max(room, 0)) + ellipsis
    front = room // 3
    end = len(name)
    while end > 0 and cell_len(name[end - 1 :]) <= room - front:
        end -= 1
    return set_cell_size(name, front).rstrip() + ellipsis + name[end:]


def _apart(names: Sequence[str], width: int, ellipsis: str) -> list[str]:
    """Names that became one, with what they are called themselves and where they differ."""
    longest = max(len(name) for name in names)
    start = next((n for n in range(longest) if len({name[: n + 1] for name in names}) > 1), 0)
    shown = []
    for name in names:
        special = special_prefix(name)
        plain = without_parameters(name[len(special) :])
        own = special + _parts(_without_arguments(plain, ellipsis))[-1]
        room = width - cell_len(own) - 2 * cell_len(ellipsis)
        if room < 4:
            shown.append(_cut(name, width, ellipsis))
            continue
        differing = name[max(start - 2, 0) :]
        if cell_len(differing) > room:
            differing = set_cell_size(differing, room).rstrip() + ellipsis
        shown.append(f"{own}{ellipsis}{differing}")
    return shown
