"""Deadlines of interrupts in a what-if study: a row per rate, and the first that is missed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simcore.report.page.console import Block
from simcore.report.page.styled import Text
from simcore.report.page.table import Column, build_table
from simcore.units import count, percent, si
from simcore.whatif.rates import Deadline
from simcore.whatif.results import Outcome

Rows = Sequence[tuple[Outcome, Deadline]]


def deadline_blocks(rows: Sequence[Outcome], width: int) -> Iterator[Block]:
    """The table of rates, and at which a deadline is missed first; nothing without rates."""
    found = [(row, one) for row in rows for one in row.deadlines or ()]
    if not found:
        return
    note = "missed: it came again before its handler had returned; cycles modelled"
    yield "Deadlines", note, build_table(list(_columns(found)), width)
    yield "First missed", "", Text("\n".join(_first_missed(found)))


def _columns(found: Rows) -> Iterator[Column]:
    yield Column("configuration", [row.name for row, _ in found])
    if len({one.interrupt for _, one in found}) > 1:
        yield Column("interrupt", [one.interrupt for _, one in found])
    loads = [percent(row.active_cycles, row.cycles) for row, _ in found]
    yield Column("CPU load", loads, 4)
    yield Column("in it", [percent(one.load) for _, one in found], 5)
    yield Column("period", [count(one.period_cycles) for _, one in found], 3)
    yield Column("served", [count(one.count) for _, one in found], 7)
    yield Column("latency max", [count(one.latency_max_cycles) for _, one in found])
    times = [_time(row, one.latency_max_cycles) for row, one in found]
    yield Column("time", times, 6)
    yield Column("response max", [count(one.response_max_cycles) for _, one in found], 2)
    yield Column("lost", [count(one.lost) for _, one in found], 1)
    yield Column("overruns", [count(one.overruns) for _, one in found], 1)
    yield Column("deadline", [_verdict(one) for _, one in found])


def _time(row: Outcome, cycles: int | None) -> str:
    return si(None if cycles is None else cycles / row.cpu.clock_hz, "s")


def _verdict(one: Deadline) -> str:
    return "MISSED" if one.missed else "met" if one.count else "never taken"


def _first_missed(found: Rows) -> Iterator[str]:
    """For each interrupt and each configuration but for its rate, by rising rates."""
    groups: dict[tuple[str, str], list[Deadline]] = {}
    for row, one in found:
        texts = [word for word in row.name.split(" ") if not word.startswith(f"{one.interrupt}=")]
        groups.setdefault((" ".join(texts), one.interrupt), []).append(one)
    for (name, interrupt), rates in groups.items():
        which = f"{interrupt}, {name}" if name else interrupt
        ordered = sorted(rates, key=lambda one: one.rate_hz)
        missed = next((one for one in ordered if one.missed), None)
        if missed is None:
            yield f"{which}: none up to {si(ordered[-1].rate_hz, 'Hz')}"
        else:
            met = [one for one in ordered if one.rate_hz < missed.rate_hz]
            kept = f", met at {si(met[-1].rate_hz, 'Hz')}" if met else ""
            yield f"{which}: at {si(missed.rate_hz, 'Hz')}{kept}"
