"""Chrome's trace event format: functions and operations over time, for Perfetto and chrome://tracing.

Times are modelled, in microseconds to the nanosecond. Counters are averages from one sample to the
next. What had no room is in ``otherData``. Format: "Trace Event Format", Google, 2016.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from simcore.costs.profile import Profile
from simcore.costs.tables import CallNode
from simcore.costs.timeline import Timeline, TimelineSample
from simcore.errors import ConfigError
from simcore.report import RenderOptions
from simcore.report.stacks import NANOSECONDS, check_call_tree
from simcore.units import clock

PROCESS = 1

Event = dict[str, Any]


def render(profile: Profile, options: RenderOptions) -> str:
    """A document with an event per line. Raises ConfigError when the profile has no timeline."""
    timeline = profile.timeline
    if timeline is None:
        raise ConfigError("the profile holds no timeline: profile the ELF again with timeline")
    header = {
        "displayTimeUnit": "ns",
        "otherData": {
            "tool": f"{profile.tool.name} {profile.tool.version}",
            "elf": profile.elf.name,
            "part": profile.cpu.name,
            "clock_hz": profile.cpu.clock_hz,
            "cycles": profile.accuracy.cycles,
            "energy": profile.accuracy.energy,
            "resolution_cycles": timeline.resolution,
            "dropped_spans": timeline.dropped,
            "deepest_call": timeline.deepest,
            "depth_limit": timeline.depth_limit,
        },
    }
    events = ",\n".join(json.dumps(event, allow_nan=False) for event in _events(profile, timeline))
    return f'{json.dumps(header, allow_nan=False)[:-1]}, "traceEvents": [\n{events}\n]}}\n'


def _events(profile: Profile, timeline: Timeline) -> Iterator[Event]:
    check_call_tree(profile)
    hz = profile.cpu.clock_hz
    title = f"{profile.elf.name} on {profile.cpu.name} at {clock(hz)}"
    yield {"ph": "M", "name": "process_name", "pid": PROCESS, "tid": 0, "args": {"name": title}}
    # A track for each task, and one for interrupts.
    tracks = [task.name for task in profile.tasks] if profile.has_tasks else ["calls"]
    for number, name in enumerate(tracks, start=1):
        yield {
            "ph": "M", "name": "thread_name", "pid": PROCESS, "tid": number,
            "args": {"name": name},
        }  # fmt: skip
    # Operations last from begin to end, whatever returns meanwhile: they nest among themselves.
    beyond = len(tracks) + len(profile.interrupts or ()) + 1
    operations: set[int] = set()
    for span in timeline.spans:
        if not 0 <= span.node < len(profile.call_tree):
            raise ConfigError(
                f"{profile.elf.name}: corrupt profile: its timeline has node {span.node}, which is"
                " not there"
            )
        node = profile.call_tree[span.node]
        if node.parent is None:  # handlers have the root below them
            continue
        start, end = _nanoseconds(span.start, hz), _nanoseconds(span.end, hz)
        track = node.task if profile.has_tasks else 0
        thread = track + 1 if node.op is None else beyond + track
        if node.op is not None and track not in operations:
            operations.add(track)
            name = f"operations of {tracks[track]}" if profile.has_tasks else "operations"
            yield {"ph": "M", "name": "thread_name", "pid": PROCESS, "tid": thread,
                   "args": {"name": name}}  # fmt: skip
        yield {
            "ph": "X", **_named(profile, node), "pid": PROCESS, "tid": thread,
            "ts": start / 1000, "dur": (end - start) / 1000,
            "args": {"cycles": span.end - span.start},
        }  # fmt: skip
    if profile.has_tasks:
        yield from _switches(profile, timeline)
    yield from _interrupts(profile, timeline, len(tracks) + 1)
    reset = TimelineSample(0, 0, 0.0, 0, 0, 0, 0)
    series: list[tuple[str, str, float]] = []
    for before, after in pairwise((reset, *timeline.samples)):
        series = list(_averages(before, after, hz))
        yield from _counters(series, before.cycle, hz)
    if timeline.samples:
        # A counter holds until its next event: let it fall to nothing where the run ends.
        ended = [(name, unit, 0.0) for name, unit, _ in series]
        yield from _counters(ended, timeline.samples[-1].cycle, hz)


def _switches(profile: Profile, timeline: Timeline) -> Iterator[Event]:
    """An instant where a task gets the processor from another, with who gave it.

    That is the handler that returned there, else the function that ran last: it set SP. Where the
    timeline leaves something out, what is not known is left out too.
    """
    rows, hz = profile.interrupts or (), profile.cpu.clock_hz
    handled = timeline.activations or ()
    returned = {one.end: rows[one.interrupt] for one in handled if one.interrupt < len(rows)}
    is_whole = not timeline.dropped and len(handled) == sum(row.count for row in rows)
    task, end, last = None, 0, 0
    for span in timeline.spans:
        node = profile.call_tree[span.node]
        if node.parent is None or node.op is not None:
            continue
        if profile.tasks[node.task].kind == "interrupts":
            continue
        if task is not None and node.task != task:
            told = {"from": profile.tasks[task].name, "to": profile.tasks[node.task].name}
            if (row := returned.get(span.start)) is not None:
                told["by"] = row.handler or row.name
            elif is_whole and end == span.start:
                told["by"] = _named(profile, profile.call_tree[last])["name"]
            yield {
                "ph": "i", "name": f"switch from {told['from']}", "cat": "switch", "s": "t",
                "pid": PROCESS, "tid": node.task + 1, "ts": _nanoseconds(span.start, hz) / 1000,
                "args": told,
            }  # fmt: skip
        if node.task != task or span.end >= end:
            end, last = span.end, span.node  # the innermost of those that end there
        task = node.task


def _interrupts(profile: Profile, timeline: Timeline, track: int) -> Iterator[Event]:
    """A track for each exception, from number ``track`` on: when it was pending, and its handler.

    A handler has entry and return with it. One that came again while its handler ran is pending
    from the end of that on.
    """
    rows, hz = profile.interrupts or (), profile.cpu.clock_hz
    ends: dict[int, int] = {}
    for one in timeline.activations or ():
        if not one.interrupt < len(rows):
            raise ConfigError(
                f"{profile.elf.name}: corrupt profile: its timeline has interrupt {one.interrupt},"
                " which is not there"
            )
        row, thread = rows[one.interrupt], track + one.interrupt
        if one.interrupt not in ends:
            name = f"{row.name} (exception {row.number})"
            yield {"ph": "M", "name": "thread_name", "pid": PROCESS, "tid": thread,
                   "args": {"name": name}}  # fmt: skip
        since = max(one.pending, ends.get(one.interrupt, 0))
        args = {"cycles": one.end - one.start, "latency_cycles": one.entered - one.pending}
        spans = [(f"{row.name} pending", since, one.start, {"cycles": one.start - since})]
        spans = spans if since < one.start else []
        for name, first, last, told in (*spans, (row.name, one.start, one.end, args)):
            start, end = _nanoseconds(first, hz), _nanoseconds(last, hz)
            yield {
                "ph": "X", "name": name, "cat": "interrupt", "pid": PROCESS, "tid": thread,
                "ts": start / 1000, "dur": (end - start) / 1000, "args": told,
            }  # fmt: skip
        ends[one.interrupt] = one.end


def _nanoseconds(cycles: int, hz: int) -> int:
    # Rounding whole numbers keeps the order of times, so spans stay nested.
    return (2 * cycles * NANOSECONDS + hz) // (2 * hz)


def _named(profile: Profile, node: CallNode) -> Event:
    if node.op is not None:
        op = profile.ops[node.op]
        return {"name": op.name, "cat": f"operation,{op.kind}"}
    name = "" if node.function is None else profile.functions[node.function].name
    return {"name": name, "cat": "function"}


def _averages(
    before: TimelineSample, after: TimelineSample, hz: int
) -> Iterator[tuple[str, str, float]]:
    """Name, unit and value of each counter between two samples."""
    cycles = after.cycle - before.cycle
    energy_j = after.energy_j - before.energy_j
    yield "power", "mW", _ratio(1000 * energy_j * hz, cycles)
    yield "instructions per cycle", "IPC", _ratio(after.instructions - before.instructions, cycles)
    for cache, name in (("icache", "I-cache miss rate"), ("dcache", "D-cache miss rate")):
        misses, accesses = (
            getattr(after, f"{cache}_{what}") - getattr(before, f"{cache}_{what}")
            for what in ("misses", "accesses")
        )
        yield name, "%", _ratio(100 * misses, accesses)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _counters(series: list[tuple[str, str, float]], cycle: int, hz: int) -> Iterator[Event]:
    for name, unit, value in series:
        yield {
            "ph": "C", "name": name, "pid": PROCESS, "tid": 0,
            "ts": _nanoseconds(cycle, hz) / 1000, "args": {unit: round(value, 3)},
        }  # fmt: skip
