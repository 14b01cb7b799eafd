"""Why a run that keeps its limits may be no success: what became of it beside its baseline.

A program that returns at once is cheaper than any that works, so a fall as such is told, and so is
another exit code, output or place of the end. `--strict` fails on any of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simcore.checking.limits import Limit
from simcore.checking.rows import in_rows
from simcore.comparison.comparison import Comparison
from simcore.comparison.metrics import ACTIVE, find_metric
from simcore.comparison.networks import other_network
from simcore.comparison.operations import calls_changed
from simcore.comparison.summary import Summary
from simcore.elf.names import matches
from simcore.units import amount, count, percent

#: A fall by more than this part is told.
FALL = 0.25


def doubts(
    before: Summary, after: Summary, comparison: Comparison, limits: Sequence[Limit]
) -> tuple[str, ...]:
    """What is told of a run beside its baseline, a line each."""
    return (
        *_falls(before, after, limits),
        *_ends(before, after),
        *_outputs(before, after),
        *_other_work(before, after, comparison),
        *_fewer_rows(before, after, limits),
        *_other_names(comparison, limits),
    )


def end_of(run: Summary) -> tuple[str, str | None]:
    """How a run ended and in which function; lines move with every edit."""
    place = run.exit.place
    return run.exit.reason, None if place is None else place.symbol


def _falls(before: Summary, after: Summary, limits: Sequence[Limit]) -> Iterator[str]:
    bounded = {limit.metric.name for limit in limits if limit.is_lower and not limit.scope}
    for metric in (find_metric("instructions"), ACTIVE):
        old, new = metric.of(before.metrics) or 0, metric.of(after.metrics) or 0
        name = "cycles" if metric == ACTIVE else metric.name
        if new < old * (1 - FALL) and not bounded & {name, metric.name}:
            yield (
                f"{name} fell by {percent(old - new, old)} to {amount(new, '')}: see that the"
                f" program still does its work; a lower limit, {name}=-{_room(old, new)}%, says"
                " how much is meant"
            )


def _room(old: float, new: float) -> int:
    """The whole per cent that a fall keeps to."""
    return min(99, int(100 * (old - new) / old) + 1)


def _ends(before: Summary, after: Summary) -> Iterator[str]:
    same_code = before.exit.code == after.exit.code
    if end_of(before) != end_of(after) or not same_code:
        yield f"{after.exit.text}, where by the baseline {before.exit.text}"


def _outputs(before: Summary, after: Summary) -> Iterator[str]:
    if None in (before.output_sha256, after.output_sha256):
        return
    if before.output_sha256 != after.output_sha256:
        old, new = before.output_bytes or 0, after.output_bytes or 0
        size = f"{count(new)} bytes" if old == new else f"{count(new)} bytes, not {count(old)}"
        yield f"the program prints something else than by the baseline ({size})"


def _other_work(before: Summary, after: Summary, comparison: Comparison) -> Iterator[str]:
    """Another network, and operations that are not called as often."""
    if (other := other_network(before.network, after.network)) is not None:
        yield f"{other}: what changed may be its work"
    if before.ops_left_out_below is None:
        yield from calls_changed(comparison.ops, "by the baseline")


def _fewer_rows(before: Summary, after: Summary, limits: Sequence[Limit]) -> Iterator[str]:
    """Limits that match less than in the baseline: by a pattern, or a name that several had."""
    for kind, pattern in dict.fromkeys((x.kind, x.row) for x in limits if x.scope):
        old, new = in_rows(kind, pattern, before), in_rows(kind, pattern, after)
        if 0 < len(new) < len(old):
            gone = [name for name in old if name not in new]
            yield (
                f"{kind}={pattern} matches {len(new)}, {len(old)} by the baseline; not there any"
                f" more: {', '.join(gone[:4])}{' and others' if len(gone) > 4 else ''}"
            )


def _other_names(comparison: Comparison, limits: Sequence[Limit]) -> Iterator[str]:
    """Functions of limits by a name that they do not have any more."""
    names = {limit.row for limit in limits if limit.kind == "function"}
    for row in comparison.functions:
        for old in row.formerly or ():
            if row.status != "same" or not any(matches([old], name) for name in names):
                continue
            if old == row.renamed_from:
                yield (
                    f"the function {old} is gone, and {row.name} has its place in the file and as"
                    " many calls: its limit is judged on that one, as if it was renamed"
                )
            else:
                yield f"the function {old} is now in {row.name}, which its limit is judged on"
