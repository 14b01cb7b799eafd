"""Verdicts: which values a run is judged by, and what breaks a limit."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import pytest

from simcore.checking.limits import Limit, limits_of, parse_limits, parse_scoped
from simcore.checking.results import MetricValue, failure_text
from simcore.checking.verdicts import judge
from simcore.comparison.comparison import compare
from simcore.comparison.metrics import METRICS
from simcore.comparison.summary import (
    FunctionSummary,
    LineSummary,
    OpSummary,
    Summary,
    packed_lines,
    summarize,
)
from simcore.costs.uncertainty import CyclesInterval
from tests.unit.handmade import kernel_profile

FEMTOJOULE = 1e-15
PLAIN = replace(summarize(kernel_profile()), functions=(), ops=(), lines=None)


def run(
    functions: tuple[FunctionSummary, ...] = (),
    ops: tuple[OpSummary, ...] = (),
    lines: tuple[LineSummary, ...] | None = None,
    **metrics: Any,
) -> Summary:
    """The hand-made run (922 cycles) with these rows and totals."""
    packed = None if lines is None else packed_lines(lines)
    totals = replace(PLAIN.metrics, **metrics)
    return replace(PLAIN, metrics=totals, functions=functions, ops=ops, lines=packed)


def function(name: str, cycles: int, energy_fj: int = 1000, **causes: int) -> FunctionSummary:
    """Twice as many instructions as cycles; causes as given, or all of them issue."""
    energy_j = energy_fj * FEMTOJOULE
    by_cause = causes or {"issue": cycles}
    return FunctionSummary(name, 1, 2 * cycles, cycles, energy_j, by_cause, f"{name}.c", 10)


def op(name: str, cycles: int, energy_fj: int = 1000) -> OpSummary:
    return OpSummary(name, "conv2d", 1, 2 * cycles, cycles, energy_fj * FEMTOJOULE)


def elsewhere(limits: list[Limit]) -> list[Limit]:
    """The same as another process has them: equal objects, not the same."""
    found: list[Limit] = pickle.loads(pickle.dumps(limits))
    return found


def verdicts(after: Summary, *limits: str, before: Summary | None = None) -> dict[str, MetricValue]:
    """Values by name: of a run against limits and, if there is one, a baseline."""
    parsed = elsewhere([limit for text in limits for limit in parse_limits(text, "--limit")])
    comparison = None if before is None else compare(before, after)
    values = judge(after, comparison, parsed)
    assert len({value.name for value in values}) == len(values)
    return {value.name: value for value in values}


def rows_of(
    values: dict[str, MetricValue], kind: str
) -> dict[str, tuple[float | None, float | None]]:
    return {name: (x.before, x.after) for name, x in values.items() if x.kind == kind}


def undecided(value: MetricValue) -> list[bool]:
    return [limit.undecided for limit in value.limits]


# -- the whole run ---------------------------------------------------------------------------------


def test_every_metric_is_a_value_with_or_without_a_baseline() -> None:
    names = [metric.name for metric in METRICS]
    alone = verdicts(run())
    assert list(alone) == names
    assert alone["cycles"] == MetricValue(
        "total", "", "cycles", "", "modelled", None, 922, None, None, (), None
    )
    beside = verdicts(run(), before=run())
    assert list(beside) == names
    assert all(not value.limits for value in beside.values())


@pytest.mark.parametrize(
    ("metric", "before", "after", "difference", "relative"),
    [
        ("cycles", 1000, 1250, 250, 0.25),
        ("cycles", 1000, 900, -100, -0.1),
        ("cycles", 1000, 1000, 0, 0.0),
        ("cycles", 0, 0, 0, 0.0),
        ("cycles", 0, 7, 7, None),  # no multiple of nothing
        ("time_s", 0.5, 0.75, 0.25, 0.5),
        # Only energies are whole numbers of 1e-15, and only they are rounded.
        ("cycles", 2**60, 2**60 + 1, 1, 2**-60),
        ("time_s", 1e-16, 4e-16, 4e-16 - 1e-16, (4e-16 - 1e-16) / 1e-16),
        ("stack_high_water_bytes", None, 512, None, None),
        ("stack_high_water_bytes", 512, None, None, None),
        # In whole femtojoules; as plain numbers they differ by 1.0000000000000002e-13.
        ("energy_j", 9e-13, 1e-12, 1e-13, 1e-13 / 9e-13),
    ],
)
def test_a_change_is_a_difference_and_a_part_of_what_was(
    metric: str,
    before: float | None,
    after: float | None,
    difference: float | None,
    relative: float | None,
) -> None:
    old: dict[str, Any] = {metric: before}
    new: dict[str, Any] = {metric: after}
    values = verdicts(run(**new), before=run(**old))
    value = values[{"time_s": "time", "stack_high_water_bytes": "stack"}.get(metric, metric[:6])]
    assert (value.before, value.after) == (before, after)
    assert (value.difference, value.relative) == (difference, relative)


def test_a_change_within_the_error_of_the_model_says_so() -> None:
    values = verdicts(run(cycles=1010), before=run(cycles=1000))
    assert values["cycles"].within == "model error 2 %"
    assert values["instructions"].within is None


@pytest.mark.parametrize(
    ("limit", "before", "allowed", "holds"),
    [
        ("cycles=10%", 1000, 1100, True),
        ("cycles=4%", 1000, 1040, False),
        ("cycles=1050", 1000, 1050, True),
        ("cycles=1049", None, 1049, False),
        ("cycles=4%", None, None, True),  # nothing to compare with
    ],
)
def test_a_limit_stands_at_its_metric_with_what_it_allows(
    limit: str, before: int | None, allowed: float | None, holds: bool
) -> None:
    baseline = None if before is None else run(cycles=before)
    values = verdicts(run(cycles=1050), limit, before=baseline)
    (result,) = values["cycles"].limits
    assert (result.text, result.allowed, result.holds) == (limit, allowed, holds)
    assert all(not value.limits for name, value in values.items() if name != "cycles")


@pytest.mark.parametrize(
    ("limit", "before", "holds", "inside"),
    [
        # the run takes 1050 cycles, 1020 to 1100 over the other answers
        ("cycles=1019", None, False, False),
        ("cycles=1020", None, False, True),
        ("cycles=1049", 1000, False, True),
        ("cycles=1050", 1000, True, True),
        ("cycles=1099", None, True, True),
        ("cycles=1100", None, True, False),
        ("cycles=1101", None, True, False),
        ("cycles=1%", 1000, False, False),
        ("cycles=2%", 1000, False, True),
        ("cycles=5%", 1000, True, False),  # the baseline would move too
        ("cycles=0%", 1050, True, False),
        ("cycles=0%", None, True, False),
    ],
)
def test_a_limit_inside_the_interval_is_marked_and_decided_all_the_same(
    limit: str, before: int | None, holds: bool, inside: bool
) -> None:
    after = run(cycles=1050)
    comparison = None if before is None else compare(run(cycles=before), after)
    limits = parse_limits(limit, "--limit")
    values = {v.name: v for v in judge(after, comparison, limits, CyclesInterval(1020, 1100, ()))}
    cycles = values["cycles"]
    assert (not cycles.failed, undecided(cycles)) == (holds, [inside])
    assert (cycles.low, cycles.high, cycles.spread) == (1020, 1100, "±4.8 %")
    assert cycles.undecided == (cycles.limits if inside else ())
    assert undecided(verdicts(after, limit)["cycles"]) == [False]


def test_time_has_the_interval_of_the_cycles_and_nothing_else_has_one() -> None:
    after = run(cycles=1050, time_s=1050 / PLAIN.cpu.clock_hz)
    limit = f"time={1030 / PLAIN.cpu.clock_hz:.12f},instructions=1,function=dot:cycles=1"
    limits = parse_limits(limit.rpartition(",")[0], "--limit")
    limits += parse_limits("function=dot:cycles=1", "--limit")
    after = replace(after, functions=(function("dot", 1050),))
    values = judge(after, None, limits, CyclesInterval(1020, 1100, ()))
    assert {value.name for value in values if value.low is not None} == {"cycles", "time"}
    time = next(value for value in values if value.name == "time")
    assert time.low == pytest.approx(1020 / PLAIN.cpu.clock_hz)
    assert time.high == pytest.approx(1100 / PLAIN.cpu.clock_hz)
    assert (time.failed, undecided(time)) == (True, [True])
    assert [value.name for value in values if value.undecided] == ["time"]


def test_a_value_that_the_run_does_not_have_breaks_a_limit_that_somebody_asked_for() -> None:
    unknown = run(stack_high_water_bytes=None)
    assert verdicts(unknown, "stack=1K")["stack"].failed
    assert verdicts(unknown, "stack=1%", before=run())["stack"].failed
    by_default = limits_of("any", [])
    values = {value.metric: value for value in judge(unknown, None, by_default)}
    assert values["stack"].limits == ()
    assert [x.text for x in values["cycles"].limits] == ["cycles=0%"]
    known = {value.metric: value for value in judge(run(), None, by_default)}
    assert [x.text for x in known["stack"].limits] == ["stack=0%"]


def test_a_cause_is_a_value_when_a_limit_names_it() -> None:
    causes = PLAIN.metrics.cycles_by_cause
    after = run(cycles_by_cause={**causes, "load": 190, "branch": 205, "store": 300})
    values = verdicts(after, "cycles.load=10%,cycles.branch=0%", before=run())
    assert list(values)[len(METRICS) :] == ["cycles.load", "cycles.branch"]
    assert (values["cycles.load"].before, values["cycles.load"].after) == (130, 190)
    assert values["cycles.load"].failed
    assert (values["cycles.branch"].before, values["cycles.branch"].after) == (5, 205)
    assert values["cycles.load"].within is None
    assert verdicts(after, "cycles.load=10%")["cycles.load"].before is None


# -- sleep -----------------------------------------------------------------------------------------


def asleep(cycles: int, sleep: int, functions: tuple[FunctionSummary, ...] = ()) -> Summary:
    """A run of these cycles, so many of them asleep."""
    causes = {"issue": cycles - sleep - 10, "store": 10, "sleep": sleep}
    return run(functions, cycles=cycles, cycles_by_cause=causes)


#: Cycles and those asleep before and after, a limit, the metric that it then stands at, and whether
#: it holds: 400 active cycles become 440, whatever the program slept.
SLEEP = [
    ((1000, 600), (2040, 1600), "cycles=9%", "active-cycles", False),
    ((1000, 600), (2040, 1600), "cycles=10%", "active-cycles", True),
    ((400, 0), (2040, 1600), "cycles=9%", "active-cycles", False),
    ((1000, 600), (440, 0), "cycles=9%", "active-cycles", False),
    ((400, 0), (440, 0), "cycles=9%", "cycles", False),
    ((400, 0), (440, 0), "active-cycles=10%", "active-cycles", True),
    ((400, 0), (440, 0), "active-cycles=9%", "active-cycles", False),
    ((1000, 600), (2040, 1600), "cycles.sleep=500%", "cycles.sleep", True),
]


@pytest.mark.parametrize(("before", "after", "limit", "metric", "holds"), SLEEP)
def test_limits_on_cycles_are_on_active_ones_of_a_run_that_slept(
    before: tuple[int, int], after: tuple[int, int], limit: str, metric: str, holds: bool
) -> None:
    values = verdicts(asleep(*after), limit, before=asleep(*before))
    assert [name for name, value in values.items() if value.limits] == [metric]
    (result,) = values[metric].limits
    assert result.holds == holds
    if metric == "active-cycles":
        assert (values[metric].before, values[metric].after) == (400, 440)


def test_without_a_baseline_the_run_itself_says_whether_it_slept() -> None:
    assert verdicts(asleep(1000, 600), "cycles=400")["active-cycles"].limits[0].holds
    assert not verdicts(asleep(1000, 600), "cycles=399")["active-cycles"].limits[0].holds
    awake = verdicts(asleep(1000, 0), "cycles=999")
    assert "active-cycles" not in awake
    assert awake["cycles"].failed


def test_the_default_limit_on_cycles_gives_way_to_one_on_active_cycles() -> None:
    both = elsewhere(limits_of("any", [parse_scoped("active-cycles=5%")]))
    before, after = asleep(1000, 600), asleep(2010, 1600)
    values = {v.name: v for v in judge(after, compare(before, after), both)}
    assert [x.text for x in values["active-cycles"].limits] == ["active-cycles=5%"]
    assert values["cycles"].limits == ()
    assert [x.text for x in values["energy"].limits] == ["energy=0%"]
    alone = {v.name: v for v in judge(after, compare(before, after), limits_of("any", []))}
    assert [x.text for x in alone["active-cycles"].limits] == ["cycles=0%"]
    asked = elsewhere(limits_of("any", [parse_scoped("cycles=7%,active-cycles=5%")]))
    values = {v.name: v for v in judge(after, compare(before, after), asked)}
    told = [x.text for x in values["active-cycles"].limits]
    assert sorted(told) == ["active-cycles=5%", "cycles=7%"]


def test_limits_of_functions_and_on_other_metrics_stay_where_they_are() -> None:
    before = asleep(1000, 600, (function("dot", 100),))
    after = asleep(1500, 1100, (function("dot", 120),))
    values = verdicts(after, "function=dot:cycles=1%", "time=1%,energy=3%", before=before)
    limited = {(v.kind, v.name, v.metric): v.failed for v in values.values() if v.limits}
    assert [(kind, metric) for kind, _, metric in limited] == [
        ("total", "time"),
        ("total", "energy"),
        ("function", "cycles"),
    ]
    assert limited[next(key for key in limited if key[0] == "function")]


# -- functions and operations ----------------------------------------------------------------------

BEFORE = run(
    (function("dot", 600, 5000), function("dim", 50), function("gone", 10)),
    (op("conv1", 700), op("gone", 9)),
)
AFTER = run(
    (function("dot", 670, 5500), function("dim", 50), function("new", 7)),
    (op("conv1", 760), op("new", 8)),
)


@pytest.mark.parametrize(
    ("limit", "alone", "beside"),
    [
        ("function=dot:cycles=1%", {"cycles of dot": (None, 670)}, {"cycles of dot": (600, 670)}),
        (
            "function=d*:cycles=1%",
            {"cycles of dot": (None, 670), "cycles of dim": (None, 50)},
            {"cycles of dot": (600, 670), "cycles of dim": (50, 50)},
        ),
        (
            "function=dot:@all=1%",
            {
                "cycles of dot": (None, 670),
                "instructions of dot": (None, 1340),
                "energy of dot": (None, 5500 * FEMTOJOULE),
            },
            {
                "cycles of dot": (600, 670),
                "instructions of dot": (1200, 1340),
                "energy of dot": (5000 * FEMTOJOULE, 5500 * FEMTOJOULE),
            },
        ),
        ("function=new:cycles=1%", {"cycles of new": (None, 7)}, {"cycles of new": (None, 7)}),
        (
            "function=new:instructions=1%,energy=1%",
            {"instructions of new": (None, 14), "energy of new": (None, 1000 * FEMTOJOULE)},
            {"instructions of new": (None, 14), "energy of new": (None, 1000 * FEMTOJOULE)},
        ),
        # What does not run any more is a value that the run does not have.
        (
            "function=gone:cycles=1%",
            {"cycles of gone": (None, None)},
            {"cycles of gone": (None, None)},
        ),
        ("op=conv1:cycles=1%", {"cycles of conv1": (None, 760)}, {"cycles of conv1": (700, 760)}),
        ("op=new:instructions=9", {"instructions of new": (None, 16)},
         {"instructions of new": (None, 16)}),
        ("op=dot:cycles=1%", {"cycles of dot": (None, None)}, {"cycles of dot": (None, None)}),
    ],
)  # fmt: skip
def test_a_limit_for_rows_is_of_the_rows_that_it_names(
    limit: str,
    alone: dict[str, tuple[float | None, float | None]],
    beside: dict[str, tuple[float | None, float | None]],
) -> None:
    kind = limit.partition("=")[0]
    assert rows_of(verdicts(AFTER, limit), kind) == alone
    assert rows_of(verdicts(AFTER, limit, before=BEFORE), kind) == beside


def test_a_limit_for_rows_stands_at_no_other() -> None:
    limits = ("cycles=9%", "function=dot:cycles=5%,energy=50%", "op=conv1:cycles=10%",
              "function=d?m:cycles=1%")  # fmt: skip
    values = verdicts(AFTER, *limits, before=BEFORE)
    texts = {name: [x.text for x in value.limits] for name, value in values.items() if value.limits}
    assert texts == {
        "cycles": ["cycles=9%"],
        "cycles of dot": ["cycles=5%"],
        "energy of dot": ["energy=50%"],
        "cycles of conv1": ["cycles=10%"],
        "cycles of dim": ["cycles=1%"],
    }
    assert [name for name, value in values.items() if value.failed] == ["cycles of dot"]
    assert values["cycles of dot"].within is None


def test_several_limits_on_one_value_stand_side_by_side() -> None:
    values = verdicts(AFTER, "function=dot:cycles=20%|660", before=BEFORE)
    assert [(x.text, x.holds) for x in values["cycles of dot"].limits] == [
        ("cycles=20%", True), ("cycles=660", False),
    ]  # fmt: skip


def test_a_limit_that_came_from_another_process_is_of_the_same_metric() -> None:
    limits = pickle.loads(pickle.dumps(parse_limits("cycles=1", "")))
    for text in ("function=dot:cycles=2", "function=dot:cycles=3"):
        limits += pickle.loads(pickle.dumps(parse_limits(text, "")))
    texts = [[x.text for x in value.limits] for value in judge(AFTER, None, limits) if value.limits]
    assert texts == [["cycles=1"], ["cycles=2", "cycles=3"]]


def test_a_limit_on_a_row_that_ran_before_only_is_broken() -> None:
    values = verdicts(AFTER, "function=gone:cycles=50%", "op=gone:energy=1J", before=BEFORE)
    assert [name for name, x in values.items() if x.failed] == ["cycles of gone", "energy of gone"]


# -- what is to blame ------------------------------------------------------------------------------


def calls(*cycles: int) -> tuple[OpSummary, ...]:
    """Calls of f."""
    return tuple(
        replace(op(f"f[{at}]", spent), caller="f", call=at) for at, spent in enumerate(cycles)
    )


def test_a_limit_on_a_function_is_on_all_its_calls_and_one_on_a_call_on_that() -> None:
    after, before = run(ops=calls(10, 30)), run(ops=calls(10, 20))
    found = verdicts(
        after, "op=f:cycles=0%", "op=f[1]:cycles=50%", "op=f[[]0]:cycles=0%", before=before
    )
    values = {
        row.row: (row.before, row.after, row.limits[0].holds)
        for row in found.values()
        if row.kind == "op"
    }
    assert values == {"f": (30, 40, False), "f[1]": (20, 30, True), "f[0]": (10, 10, True)}


def test_calls_that_are_not_as_many_are_compared_together_and_still_have_limits_each() -> None:
    after, before = run(ops=calls(10, 20, 40)), run(ops=calls(10, 20))
    (row,) = compare(before, after).ops
    assert (row.name, row.invocations_before, row.invocations_after, row.cycles_difference) == (
        "f", 2, 3, 40,
    )  # fmt: skip
    found = verdicts(after, "op=f[2]:cycles=39", "op=f:cycles=70", before=before)
    values = {
        row.row: (row.before, row.after, row.limits[0].holds)
        for row in found.values()
        if row.kind == "op"
    }
    assert values == {"f[2]": (None, 40, False), "f": (30, 70, True)}


def test_calls_pair_up_by_their_number_whatever_they_call() -> None:
    old, new = (
        run(ops=(replace(op(f"f[0] {name}", 5), caller="f", call=0),)) for name in ("a", "b")
    )
    (row,) = compare(old, new).ops
    assert (row.name, row.status) == ("f[0] b", "same")


def test_a_limit_on_a_renamed_or_split_function_is_judged_on_what_holds_its_lines() -> None:
    lines = (LineSummary("old", "f.c", 10, 100, {"issue": 100}, 1),)
    before = run((function("old", 100),), lines=lines)
    renamed = run((function("new", 130),), lines=(replace(lines[0], function="new"),))
    value = verdicts(renamed, "function=old:cycles=10%", before=before)["cycles of new"]
    assert (value.before, value.after, value.failed) == (100, 130, True)
    split = run((function("old", 60), replace(function("old.part.0", 70), file="old.c")))
    value = verdicts(split, "function=old:cycles=10%", before=before)["cycles of old"]
    assert (value.before, value.after, value.failed) == (100, 130, True)


def test_a_limit_on_a_function_renamed_and_rewritten_says_what_it_was_or_what_is_new() -> None:
    before = run((function("old", 100),))
    new = replace(function("new", 130), file="old.c")
    (value,) = [x for x in verdicts(run((new,)), "function=old:cycles=10%", before=before).values()
                if x.kind == "function"]  # fmt: skip
    assert failure_text(value) == (
        "cycles of new (renamed from old?) +30.0 % to 130, limit cycles=10%"
    )
    assert value.key == "function=new:cycles"
    (value,) = [x for x in verdicts(run((replace(new, calls=7),)), "function=old:cycles=10%",
                                    before=before).values() if x.kind == "function"]  # fmt: skip
    assert failure_text(value) == (
        "cycles of old is missing; new in the same file: new, limit cycles=10%"
    )


def helper(name: str, cycles: int, file: str) -> FunctionSummary:
    """A static function of one of several files."""
    symbol = name.partition(" [")[0]
    own = function(name, cycles)
    return replace(own, file=f"/src/{file}", symbol=None if symbol == name else symbol)


def test_a_limit_on_a_function_of_a_file_is_judged_on_no_other_file() -> None:
    dsp, fir = helper("helper [dsp.c]", 100, "dsp.c"), helper("helper [fir.c]", 300, "fir.c")
    body = LineSummary(dsp.name, "/src/dsp.c", 10, 100, {"issue": 100}, 1)
    before = run((dsp, fir, helper("user", 20, "dsp.c")), lines=(body,))
    left, user = helper("helper", 300, "fir.c"), helper("user", 20, "dsp.c")
    limits = tuple(f"function=helper [{file}]:cycles=10%" for file in ("dsp.c", "fir.c"))

    def of(*functions: FunctionSummary, lines: tuple[LineSummary, ...] = ()) -> dict[str, Any]:
        found = verdicts(run(functions, lines=lines), *limits, before=before)
        return {
            x.row: (x.before, x.after, x.failed) for x in found.values() if x.kind == "function"
        }

    rest = {"helper": (300, 300, False)}
    assert of(left, user) == {"helper [dsp.c]": (None, None, True), **rest}  # deleted
    renamed = of(left, helper("new", 150, "dsp.c"), user, lines=(replace(body, function="new"),))
    assert renamed == {"new": (100, 150, True), **rest}
    inlined = helper("user", 170, "dsp.c")
    inside = of(left, inlined, lines=(replace(body, function="user"),))
    assert inside == {"user": (120, 170, True), **rest}
    # The other way round: it is the one of its file that is left, or a clone of that one.
    only = of(helper("helper", 90, "dsp.c"), user)
    assert only == {"helper": (100, 90, False), "helper [fir.c]": (None, None, True)}
    clone = of(helper("helper.constprop.0", 120, "dsp.c"), left, user)
    assert clone == {"helper.constprop.0": (100, 120, True), **rest}
    alone = verdicts(run((left,)), limits[0].replace("10%", "1G"))
    assert alone["cycles of helper [dsp.c]"].failed
    alone = verdicts(run((left,)), limits[1].replace("10%", "1G"))
    assert not alone["cycles of helper"].failed
    # One more of the name, in another file, is new.
    one, two = run((helper("helper", 100, "dsp.c"),)), run((dsp, fir))
    rows = {row.name: (row.status, row.cycles_before) for row in compare(one, two).functions}
    assert rows == {dsp.name: ("same", 100), fir.name: ("added", 0)}


def test_functions_of_files_of_one_name_are_told_apart_by_their_folders() -> None:
    old = (helper("f [a/util.c]", 100, "a/util.c"), helper("f [b/util.c]", 300, "b/util.c"))
    after = run((helper("f", 300, "b/util.c"),))
    rows = {row.name: row.status for row in compare(run(old), after).functions}
    assert rows == {"f": "same", "f [a/util.c]": "removed"}
    # Of one header, neither name nor lines tell which is left.
    header = tuple(replace(row, file="/src/util.h") for row in old)
    shown = compare(run(header), run((replace(after.functions[0], file="/src/util.h"),)))
    assert sorted(row.status for row in shown.functions) == ["added", "removed", "removed"]


def test_a_count_that_was_nothing_says_from_what() -> None:
    values = verdicts(run(mispredicts=39), "mispredicts=0%", before=run(mispredicts=0))
    assert failure_text(values["mispredicts"]) == "mispredicts from 0 to 39, limit mispredicts=0%"


def test_one_unit_in_the_last_place_of_a_time_is_no_change() -> None:
    after = run(time_s=0.1 + 0.2)
    value = verdicts(after, "time=0%", before=run(time_s=0.3))["time"]
    assert (value.difference, value.failed) == (0.0, False)
    assert compare(run(time_s=0.3), after).identical
