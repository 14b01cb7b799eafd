"""How far modelled cycles can be trusted: the class of a run, and what open questions make of it.

The class says which part of the model a run leans on; docs/model/accuracy.md has what each was
checked against. The interval is the spread over the answers that no source excludes, see
``Undecided`` of a part's model, for this very program.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isqrt

from simcore.plain import Count
from simcore.records import dataclass

#: Classes of a run, those that the model knows least of first, with what makes one.
CLASSES = EXTERNAL, UNCACHED, BRANCHY, HITS = "external", "uncached", "branchy", "hits"
#: The share of the cycles awake from which a cause makes the class of a run.
CLASS_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """What one question makes of the cycles: the fewest and most that an answer gives.

    The model's own answer is among them.
    """

    name: str
    title: str
    low_cycles: Count
    high_cycles: Count


@dataclass(frozen=True, slots=True)
class CyclesInterval:
    """Cycles of the run over the answers that no source excludes.

    The questions have nothing to do with each other, so their distances from the model's own
    cycles add up as squares, on either side.
    """

    low_cycles: Count
    high_cycles: Count
    questions: tuple[OpenQuestion, ...]
    """Those that make the most of it first."""


def cycles_interval(
    cycles: int, answers: Mapping[tuple[str, str], Sequence[int]]
) -> CyclesInterval:
    """The interval around ``cycles``; ``answers`` are cycles by (name, title) of a question."""
    questions = [
        OpenQuestion(name, title, min(cycles, *found), max(cycles, *found))
        for (name, title), found in answers.items()
    ]
    questions.sort(key=lambda q: (q.low_cycles - q.high_cycles, q.name))
    below = isqrt(sum((cycles - q.low_cycles) ** 2 for q in questions))
    above = isqrt(sum((q.high_cycles - cycles) ** 2 for q in questions))
    return CyclesInterval(cycles - below, cycles + above, tuple(questions))


def cycles_class(awake: int, branches: int, stalls: Sequence[tuple[str, int]]) -> str:
    """The class of a run of ``awake`` cycles, ``branches`` of them lost to branches.

    ``stalls`` are (kind of region, cycles) that accesses and fetches waited for a memory.
    """
    least = CLASS_SHARE * awake
    waited = sum(cycles for _, cycles in stalls)
    if sum(cycles for kind, cycles in stalls if kind == "external") > least:
        return EXTERNAL
    if waited > least:
        return UNCACHED
    return BRANCHY if branches > least else HITS
