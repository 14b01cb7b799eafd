"""One sentence on a run: what costs most and why, and what to try.

It follows from the profile by rules: the function with most cycles of its own awake, its largest
cause of waiting, or issue when it hardly waits, and what meanings.py has against that cause, made
more exact by the data object that it waits for and by caches that are off.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from simcore.costs.tables import FunctionCosts, ObjectCosts
from simcore.report.asleep import asleep
from simcore.report.meanings import CAUSES
from simcore.units import percent

if TYPE_CHECKING:
    from simcore.annotation import Annotation
    from simcore.costs.profile import Profile

WAITS = 0.3  # of a function's cycles: a cause of waiting with less is not what to look at first
IN_LOOP = 0.3  # of them: a loop with less is not worth its name
_NAME = re.compile(r"[A-Za-z_]\w*")
_TCM = ("itcm", "dtcm")
MOST_OF_A_MISS = 256  # cycles that a refill takes from the slowest memory: a bound, not a model's


class SentencePart(NamedTuple):
    """Text of the sentence; ``code`` is a name or a command."""

    text: str
    code: bool = False


def headline(profile: Profile, annotation: Annotation | None = None) -> tuple[SentencePart, ...]:
    """The sentence, empty for a run without functions; ``annotation`` adds the loop."""
    slept = asleep(profile)
    row = max(profile.functions, key=_awake, default=None)
    if row is None or not _awake(row):
        return ()
    found = list(_costliest(profile, row, slept.active, annotation))
    if slept.cycles:
        share = percent(slept.cycles, slept.cycles + slept.active)
        found.insert(0, SentencePart(f"The core sleeps {share} of the time; awake, "))
    return tuple(found)


def headline_text(pieces: tuple[SentencePart, ...]) -> str:
    """The sentence as plain text."""
    return "".join(piece.text for piece in pieces)


def _costliest(
    profile: Profile, row: FunctionCosts, active: int, annotation: Annotation | None
) -> Iterator[SentencePart]:
    own = _awake(row)
    waits = {
        cause: n for cause, n in row.cycles_by_cause.items() if cause not in ("issue", "sleep")
    }
    cause = max(waits, key=lambda name: waits[name], default="issue")
    if waits.get(cause, 0) < WAITS * own:
        cause = "issue"
    yield SentencePart(row.name, True)
    yield SentencePart(f" costs most: {percent(own, active)} of the cycles")
    if loop := _loop(row, annotation):
        yield SentencePart(f", {loop}")
    doing = CAUSES[cause].doing if cause in CAUSES else f"in {cause}"
    yield SentencePart(f", {percent(row.cycles_by_cause.get(cause, 0), own, 0)} of them {doing}")
    object_ = _object(profile, row) if cause in ("load", "store") else None
    if object_ is not None:
        yield SentencePart(", most for ")
        yield SentencePart(object_.name, True)
        yield SentencePart(f" in {object_.region}")
    yield SentencePart("; try ")
    yield from _remedy(profile, row, cause, object_)
    yield SentencePart(".")


def _awake(row: FunctionCosts) -> int:
    return row.cycles_self - row.cycles_by_cause.get("sleep", 0)


def _loop(row: FunctionCosts, annotation: Annotation | None) -> str:
    """The innermost loop that takes most of a function, with its place."""
    from simcore.report.annotation.text import is_innermost

    functions = annotation.functions if annotation else ()
    function = next((one for one in functions if one.name == row.name), None)
    if function is None:
        return ""
    for loop in function.loops:
        if loop.cycles >= IN_LOOP * _awake(row) and is_innermost(loop, function):
            where = f"{_base(loop.file)}:{loop.line}" if loop.file else f"0x{loop.head:x}"
            return f"{percent(loop.cycles, _awake(row), 0)} of them in the loop at {where}"
    return ""


def _base(file: str) -> str:
    return file.replace("\\", "/").rpartition("/")[2] or file


def _object(profile: Profile, row: FunctionCosts) -> ObjectCosts | None:
    """The data object that a function waits for most."""
    waited: list[tuple[int, ObjectCosts]] = []
    for one in profile.objects:
        cycles = sum(site.stall_cycles for site in one.sites if site.function == row.name)
        if cycles and one.region is not None:
            waited.append((cycles, one))
    return max(waited, key=lambda item: item[0])[1] if waited else None


def _remedy(
    profile: Profile, row: FunctionCosts, cause: str, object_: ObjectCosts | None
) -> Iterator[SentencePart]:
    caches = profile.caches
    if cause == "fetch" and _NAME.fullmatch(row.name) and not profile.placement:
        if not caches.icache.accesses:
            yield SentencePart("the instruction cache, which is off, or ")
        yield SentencePart(f"--place {row.name}=itcm", True)
        yield SentencePart(", its code in ITCM")
    elif object_ is not None and 0 < object_.misses * MOST_OF_A_MISS < object_.stall_cycles:
        yield SentencePart("mcusim annotate", True)
        yield SentencePart(
            ", which shows the accesses that wait: the cache has what they ask for, and what was"
            " stored just before is waited for wherever it lies"
        )
    elif object_ is not None and object_.region not in _TCM and not profile.placement:
        if not caches.dcache.accesses:
            yield SentencePart("the data cache, which is off, or ")
        if object_.kind == "symbol" and _NAME.fullmatch(object_.name):
            yield SentencePart(f"--place {object_.name}=dtcm", True)
            yield SentencePart(" if it fits, or ")
        yield SentencePart("mcusim advise", True)
        yield SentencePart(", which finds what to place where")
    else:
        yield SentencePart(CAUSES[cause].remedy if cause in CAUSES else "mcusim annotate")
