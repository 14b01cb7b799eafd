"""What is to blame for a change: functions, causes, callees from outside, inlined ones, lines."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from simcore.checking.blame import MOST_REASONS, cycles_by_function, explain, reasons
from simcore.checking.results import LimitResult, MetricValue, Reason, causes_text, reason_text
from simcore.comparison.comparison import compare
from simcore.comparison.outside import OutsideCalls, with_outside
from simcore.comparison.summary import FunctionSummary, LineSummary, summarize
from simcore.elf import Image
from simcore.elf.image import InlinedCall
from tests.unit.checking.test_verdicts import FEMTOJOULE, function, run
from tests.unit.handmade import kernel_profile


def blamed(
    before: tuple[FunctionSummary, ...],
    after: tuple[FunctionSummary, ...],
    lines_before: tuple[LineSummary, ...] | None = None,
    lines_after: tuple[LineSummary, ...] | None = None,
) -> tuple[Reason, ...]:
    old, new = run(before, lines=lines_before), run(after, lines=lines_after)
    return reasons(old, new, compare(old, new))


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        # name: cycles and energy more than before, of 100 cycles and 1000 fJ
        # the whole rose: what rose, then what fell
        ({"a": (5, 0), "b": (-9, 0), "c": (7, 0), "d": (0, 50)}, ["c", "a", "b"]),
        ({"a": (1, -50), "b": (0, 90)}, ["a"]),
        # the whole fell: what fell, then what rose
        ({"a": (5, 0), "b": (-9, 0), "c": (-7, 0)}, ["b", "c", "a"]),
        # less than a hundredth of the largest explains nothing
        ({"a": (99, 0), "b": (300, 0), "c": (-2, 0), "d": (-3, 0)}, ["b", "a", "d"]),
        # nothing rose, and more energy in all: what is hungrier, then what fell
        ({"a": (0, 1), "b": (-9, 0)}, ["a", "b"]),
        ({"a": (-5, 10), "b": (0, 30), "c": (0, -50), "d": (0, 0)}, ["a"]),
        ({"a": (-5, 0), "b": (-9, -40), "c": (0, -70)}, ["b", "a"]),
        ({"a": (-1, 0)}, ["a"]),
        ({"a": (0, 0), "b": (0, -7)}, []),
    ],
)
def test_what_rose_explains_a_rise_what_fell_a_fall_and_both_when_both_moved(
    changes: dict[str, tuple[int, int]], names: list[str]
) -> None:
    before = tuple(function(name, 100) for name in changes)
    after = tuple(
        function(name, 100 + cycles, 1000 + energy) for name, (cycles, energy) in changes.items()
    )
    found = blamed(before, after)
    assert [reason.function for reason in found] == names
    for reason in found:
        cycles, energy = changes[reason.function]
        assert (reason.cycles_difference, reason.status) == (cycles, "same")
        assert reason.energy_difference_j == pytest.approx(energy * FEMTOJOULE)


def test_only_the_largest_reasons_are_given() -> None:
    before = tuple(function(f"f{i}", 100) for i in range(10))
    after = tuple(function(f"f{i}", 101 + i) for i in range(10))
    names = [reason.function for reason in blamed(before, after)]
    assert MOST_REASONS == 8
    assert names == ["f9", "f8", "f7", "f6", "f5", "f4", "f3", "f2"]


def line(number: int, cycles: int, function: str = "conv") -> LineSummary:
    name = "".join(list(function))  # equal to that of the function and not the same, as read anew
    return LineSummary(name, f"{name}.h", number, cycles, {"load": cycles})


@pytest.mark.parametrize(
    ("cycles", "before", "after", "expected"),
    [
        # slower: the line that grew most, not the longest, not the one that shrank more
        (20, {11: 40, 12: 10, 13: 90}, {11: 45, 12: 30, 13: 90}, ("conv.h", 12, 20)),
        (20, {11: 90, 12: 10, 13: 40}, {11: 50, 12: 30, 13: 41}, ("conv.h", 12, 20)),
        (41, {11: 40, 12: 10}, {11: 60, 12: 31}, ("conv.h", 12, 21)),
        (20, {11: 40}, {11: 41}, ("conv.h", 11, 1)),
        (1, {11: 40, 12: 40}, {11: 41, 12: 30}, ("conv.h", 11, 1)),
        # hungrier only: as if slower
        (0, {11: 40, 12: 40}, {11: 41, 12: 30}, ("conv.h", 11, 1)),
        # faster: the line that shrank most
        (-1, {11: 40, 12: 40}, {11: 49, 12: 39}, ("conv.h", 12, -1)),
        (-20, {11: 40, 12: 30, 13: 5}, {11: 35, 12: 10, 13: 9}, ("conv.h", 12, -20)),
        (-20, {11: 40, 12: 30, 13: 5}, {11: 35, 12: 10, 13: 50}, ("conv.h", 12, -20)),
        # no line changed in the direction of the function: where it begins
        (20, {11: 40, 12: 30}, {11: 35, 12: 30}, ("conv.c", 10, None)),
        (20, {11: 40}, {11: 35}, ("conv.c", 10, None)),
        (-20, {11: 40, 12: 30}, {11: 40, 12: 31}, ("conv.c", 10, None)),
        (20, None, None, ("conv.c", 10, None)),
    ],
)
def test_a_reason_is_at_the_line_that_changed_most_in_its_direction(
    cycles: int,
    before: dict[int, int] | None,
    after: dict[int, int] | None,
    expected: tuple[str, int, int | None],
) -> None:
    def lines(counts: dict[int, int] | None, other: int) -> tuple[LineSummary, ...] | None:
        if counts is None:
            return None
        own = [line(number, count) for number, count in counts.items()]
        return (*own, line(99, other, "bias"), line(99, other, "dot"))

    # The lines of the others change more, though these cost the same.
    others = (function("bias", 5000), function("dot", 5000))
    (reason,) = blamed(
        (function("conv", 100), *others),
        (function("conv", 100 + cycles, 1001), *others),
        lines(before, 2000),
        lines(after, 2000 + 100 * (1 if cycles >= 0 else -1)),
    )
    assert (reason.file, reason.line, reason.line_cycles) == expected


@pytest.mark.parametrize(
    ("after", "cause", "cycles"),
    [
        ({"issue": 90, "load": 50, "branch": 20}, "load", 40),
        ({"issue": 90, "load": 2}, "load", -8),
        ({"issue": 90, "load": 10}, None, 0),
    ],
)
def test_a_reason_names_the_cause_that_changed_most(
    after: dict[str, int], cause: str | None, cycles: int
) -> None:
    (reason,) = blamed(
        (function("f", 100, 1000, issue=90, load=10),),
        (function("f", sum(after.values()), 2000, **after),),
    )
    assert (reason.cause, reason.cause_cycles) == (cause, cycles)


def test_a_function_that_came_is_to_blame_too() -> None:
    (reason,) = blamed((function("f", 100),), (function("f", 100), function("g", 30)))
    assert (reason.function, reason.status, reason.cause) == ("g", "added", "issue")


def test_of_many_that_moved_both_ways_some_of_each_are_given() -> None:
    before = tuple(function(f"f{i}", 100) for i in range(20))
    after = tuple(function(f"f{i}", 130 if i < 10 else 80) for i in range(20))
    found = blamed(before, after)
    assert [reason.cycles_difference for reason in found] == [30] * 5 + [-20] * 3


def test_the_parts_of_a_change_by_cause_have_signs_and_sum_to_it() -> None:
    (reason,) = blamed(
        (function("f", 1150, 1000, issue=100, execute=900, load=50, store=50, branch=50),),
        (function("f", 1880, 1000, issue=1500, execute=250, load=55, store=53, branch=22),),
    )
    assert reason.causes == {"issue": 1400, "execute": -650, "branch": -28, "load": 5, "store": 3}
    assert sum(reason.causes.values()) == reason.cycles_difference == 730
    assert causes_text(reason) == "issue +1,400, execute -650, branch -28, other +8"
    assert reason_text(reason).startswith("f f.c:10 (+730 cycles; issue +1,400, execute -650,")


def test_a_function_that_a_broken_limit_names_comes_first() -> None:
    old = run((function("big", 1000), function("small", 100)))
    new = run((function("big", 2000), function("small", 103)))
    broken = MetricValue(
        "function", "small", "cycles", "", "modelled", 100, 103, 3, 0.03,
        (LimitResult("cycles=0%", 100, holds=False),),
    )  # fmt: skip
    found = explain(old, new, compare(old, new), [broken], no_image, "gone.elf")
    assert [reason.function for reason in found] == ["small", "big"]


# -- callees from outside of the repository --------------------------------------------------------


def in_library(cycles: int) -> tuple[tuple[FunctionSummary, ...], tuple[OutsideCalls, ...]]:
    """biquad.constprop.0 and dct multiply doubles in software, dct always as much."""
    soft = FunctionSummary("__muldf3", 9, 9, cycles + 500, 5e-9, {"issue": cycles + 500})
    own = [replace(function(n, 100), file="dsp.c") for n in ("biquad.constprop.0", "dct")]
    marked = replace(soft, for_callers=cycles + 500, for_callers_j=5e-9)
    outside = (
        OutsideCalls("biquad.constprop.0", "__muldf3", 4e-9, {"issue": cycles}, "dsp.c", 33),
        OutsideCalls("dct", "__muldf3", 1e-9, {"issue": 500}, "dsp.c", 70),
    )
    return (*own, marked), outside


def test_what_grew_in_a_library_is_blamed_on_the_function_of_the_repository_at_its_call() -> None:
    (old_rows, old_calls), (new_rows, new_calls) = in_library(1000), in_library(2_361_000)
    old, new = replace(run(old_rows), outside=old_calls), replace(run(new_rows), outside=new_calls)
    (reason,) = reasons(old, new, compare(old, new))
    assert (reason.function, reason.callees) == ("biquad.constprop.0", ("__muldf3",))
    assert (reason.file, reason.line, reason.line_cycles) == ("dsp.c", 33, 2_360_000)
    assert reason_text(reason) == (
        "biquad dsp.c:33 (+2,360,000 cycles, in __muldf3; issue +2,360,000)"
    )
    assert cycles_by_function(new) == {"biquad.constprop.0": 2_361_100, "dct": 600}


def test_without_callers_known_before_a_library_function_is_blamed_itself() -> None:
    (old_rows, _), (new_rows, new_calls) = in_library(1000), in_library(3000)
    old, new = run(old_rows), replace(run(new_rows), outside=new_calls)
    (reason,) = reasons(old, new, compare(old, new))
    assert (reason.function, reason.cycles_difference) == ("__muldf3", 2000)


def test_cycles_of_libraries_belong_to_the_last_function_of_the_repository_on_the_stack() -> None:
    # main calls fib (22 cycles), which calls itself, and conv, which calls dot (600 cycles: 500
    # issue, 100 dependency); see KERNEL. main and conv are the repository's.
    profile = kernel_profile()
    files = {"main": "src/main.c", "conv": "src/conv.c", "dot": "/lib/dot.c", "fib": None}
    profile = replace(
        profile,
        functions=tuple(replace(row, file=files[row.name]) for row in profile.functions),
        instructions=tuple(
            replace(row, address=0x500, file="src/conv.c", line=12)  # where node 5 calls
            for row in profile.instructions or ()
        ),
    )
    functions = summarize(profile).functions
    marked, outside = with_outside(profile, functions, lambda file: file.startswith("src/"))
    assert {row.name: row.for_callers for row in marked} == {
        "main": None, "conv": None, "dot": 600, "fib": 22,
    }  # fmt: skip
    assert outside is not None
    assert [(row.function, row.callee, row.cycles, row.file, row.line) for row in outside] == [
        ("conv", "dot", 600, "src/conv.c", 12),
        ("main", "fib", 22, None, None),
    ]
    assert outside[0].cycles_by_cause == {"dependency": 100, "issue": 500}
    of_dot = next(row for row in functions if row.name == "dot")
    assert outside[0].energy_j == pytest.approx(of_dot.energy_j)


def test_without_any_function_of_the_repository_nothing_is_said_of_callers() -> None:
    profile = kernel_profile()
    functions = summarize(profile).functions
    assert with_outside(profile, functions, lambda _: False) == (functions, None)


# -- inlined functions -----------------------------------------------------------------------------


def no_image() -> Image:
    raise AssertionError("nothing is to be read")


class HandImage:
    """conv at 0x100: line 10, then mac() of mac.h inlined by the call of line 12."""

    class conv:  # noqa: N801  one function
        name, start, end = "conv", 0x100, 0x108

    functions = (conv,)

    def line_at(self, address: int) -> tuple[str, int]:
        return ("conv.c", 10) if address < 0x104 else (self.header, 7)

    def inlined_at(self, addresses: list[int]) -> dict[int, tuple[InlinedCall, ...]]:
        return {at: (InlinedCall("mac", 12),) for at in addresses if at >= 0x104}

    def __init__(self, header: str) -> None:
        self.header = header


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("mac.h", "conv mac.h:7 (+50 cycles, in inlined mac, called at conv.c:12; issue +50)"),
        ("/opt/cmsis/mac.h", "conv conv.c:12 (+50 cycles, in inlined mac; issue +50)"),
    ],
)
def test_the_inlined_function_of_a_line_is_named(header: str, expected: str) -> None:
    lines = [
        (LineSummary("conv", "conv.c", 10, 100, {"issue": 100}),
         LineSummary("conv", header, 7, cycles, {"issue": cycles}))
        for cycles in (40, 90)
    ]  # fmt: skip
    old, new = (
        run((function("conv", 140 + more),), lines=rows)
        for more, rows in zip((0, 50), lines, strict=True)
    )
    load = lambda: cast(Image, HandImage(header))  # noqa: E731
    (reason,) = explain(old, new, compare(old, new), [], load, "conv.elf")
    assert reason_text(reason) == expected
