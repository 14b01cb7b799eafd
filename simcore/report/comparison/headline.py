"""One sentence on two runs: what got slower or faster most, and why.

It follows from the comparison by rules: the function whose cycles changed most in the direction of
the whole, its largest cause in that direction, the source line that changed most where lines are
known, and the function that changed most against it. A function that ran the same instructions
changed by where code and data lie.
"""

from __future__ import annotations

from collections.abc import Iterator

from simcore.comparison.comparison import (
    LAYOUT_BAND,
    Comparison,
    FunctionChange,
    LineChange,
    MetricChange,
)
from simcore.comparison.metrics import ACTIVE, CYCLES
from simcore.report.headline import SentencePart
from simcore.report.meanings import CAUSES
from simcore.units import count, place, relative_change

#: Of the largest change: one against the whole that is smaller is not worth a word.
AGAINST = 0.1
#: Of a function's change: a cause with less of it says little.
MOSTLY = 0.2


def headline(comparison: Comparison) -> tuple[SentencePart, ...]:
    """The sentence; empty where the two are not comparable or no function's cycles changed."""
    changed = [row for row in comparison.functions if row.cycles_difference]
    whole = _whole(comparison)
    if comparison.unlike or whole is None or whole.difference is None or not changed:
        return ()
    return tuple(_sentence(comparison, whole, changed))


def _whole(comparison: Comparison) -> MetricChange | None:
    """The cycles of the run, awake where one of the two slept."""
    found = {row.metric: row for row in comparison.metrics}
    return found.get(ACTIVE.name) or found.get(CYCLES.name)


def _sentence(
    comparison: Comparison, whole: MetricChange, changed: list[FunctionChange]
) -> Iterator[SentencePart]:
    difference = round(whole.difference or 0)
    asleep = " awake" if whole.metric == ACTIVE.name else ""
    if difference:
        word = "more" if difference > 0 else "fewer"
        relative = relative_change(difference, whole.before)
        yield SentencePart(
            f"The run takes {count(abs(difference))} cycles{asleep} {word} ({relative}): "
        )
    else:
        yield SentencePart(f"The run takes as many cycles{asleep} as before: ")
    sign = 1 if difference >= 0 else -1
    row = max(changed, key=lambda one: sign * one.cycles_difference)
    if sign * row.cycles_difference <= 0:  # what changed is in no function
        sign, row = -sign, max(changed, key=lambda one: -sign * one.cycles_difference)
    yield from _change(row, first=True)
    yield from _why(comparison, row)
    other = min(changed, key=lambda one: sign * one.cycles_difference)
    if -sign * other.cycles_difference >= AGAINST * abs(row.cycles_difference):
        yield SentencePart("; against that, ")
        yield from _change(other, first=False)
    if whole.within != LAYOUT_BAND and sign > 0:
        yield from _remedy(row)
    yield SentencePart(".")


def _change(row: FunctionChange, *, first: bool) -> Iterator[SentencePart]:
    """What became of a function."""
    cycles = count(abs(row.cycles_difference))
    yield SentencePart(row.name, True)
    if row.status == "added":
        yield SentencePart(f" is new and costs {'most, ' if first else ''}{cycles}")
    elif row.status == "removed":
        yield SentencePart(f" is gone, which saves {'most, ' if first else ''}{cycles}")
    else:
        word = "slower" if row.cycles_difference > 0 else "faster"
        yield SentencePart(f" got {word}{' most' if first else ''}, by {cycles}")


def _why(comparison: Comparison, row: FunctionChange) -> Iterator[SentencePart]:
    """Its largest cause, where, and whether it did the same work."""
    cause, difference = row.main_cause, row.cycles_difference
    if cause is not None and abs(row.cycles_by_cause[cause]) >= MOSTLY * abs(difference):
        cycles = abs(row.cycles_by_cause[cause])
        some = count(cycles) if cycles < abs(difference) else "all"
        doing = CAUSES[cause].doing if cause in CAUSES else f"in {cause}"
        yield SentencePart(f", {some} of them {doing}")
    line = _line(comparison, row)
    if line is not None:
        yield SentencePart(", most of it at ")
        yield SentencePart(place(line.file, line.line), True)
    if row.status == "same" and not row.instructions_difference:
        yield SentencePart(", with as many instructions, so by where code and data lie")


def _line(comparison: Comparison, row: FunctionChange) -> LineChange | None:
    """The line of a function that changed most in its direction."""
    sign = 1 if row.cycles_difference > 0 else -1
    own = [one for one in comparison.lines or () if one.function == row.name]
    best = max(own, key=lambda one: sign * one.cycles_difference, default=None)
    return best if best is not None and sign * best.cycles_difference > 0 else None


def _remedy(row: FunctionChange) -> Iterator[SentencePart]:
    """What to try against what got slower."""
    cause = row.main_cause
    if row.status == "same" and not row.instructions_difference:
        yield SentencePart("; try ")
        yield SentencePart("mcusim advise", True)
        yield SentencePart(", which finds what to place where")
    elif cause is not None and cause in CAUSES:
        yield SentencePart(f"; try {CAUSES[cause].remedy}")
