"""Two runs beside each other: what is matched with what, what is not comparable, what is shown."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import pytest

from simcore.cli.compare import is_program
from simcore.cli.main import main
from simcore.comparison.comparison import Comparison, LineChange, compare, main_cause
from simcore.comparison.metrics import METRICS, find_metric, metrics_of
from simcore.comparison.summary import (
    FunctionSummary,
    LineSummary,
    Summary,
    packed_lines,
    summarize,
)
from simcore.costs.profile import Profile
from simcore.costs.tables import PlacedItem
from simcore.errors import ConfigError
from simcore.report import RenderOptions
from simcore.report.comparison import FORMATS, SECTIONS, render
from simcore.units import relative_change
from tests.schemas import assert_fits
from tests.unit.handmade import kernel_profile


def function(
    name: str, cycles: int = 100, file: str | None = None, line: int = 10
) -> FunctionSummary:
    return FunctionSummary(name, 1, cycles, cycles, cycles * 1e-12, {"issue": cycles}, file, line)


def line(number: int, cycles: int, crc: int | None = None, file: str = "f.c") -> LineSummary:
    return LineSummary("f", file, number, cycles, {"load": cycles}, crc)


def run(*functions: FunctionSummary, lines: tuple[LineSummary, ...] | None = None) -> Summary:
    packed = None if lines is None else packed_lines(lines)
    return replace(summarize(kernel_profile()), functions=functions, lines=packed)


def slower() -> Profile:
    """The hand-made run with 70 more cycles of dependency in `dot`."""
    profile = kernel_profile()
    rows = list(profile.functions)
    at = next(i for i, row in enumerate(rows) if row.name == "dot")
    dot = rows[at]
    rows[at] = replace(
        dot,
        cycles_self=dot.cycles_self + 70,
        cycles_by_cause={**dot.cycles_by_cause, "dependency": 170},
    )
    totals = replace(
        profile.totals,
        cycles=profile.totals.cycles + 70,
        cycles_by_cause={**profile.totals.cycles_by_cause, "dependency": 170},
    )
    return replace(profile, functions=tuple(rows), totals=totals)


def changed_lines(
    before: tuple[LineSummary, ...], after: tuple[LineSummary, ...], start: int = 10
) -> dict[int, int]:
    """Differences by line after, when function f began at line 10 before and at `start` after."""
    comparison = compare(
        run(function("f", file="f.c"), lines=before),
        run(function("f", file="f.c", line=start), lines=after),
    )
    assert comparison.lines is not None
    return {row.line: row.cycles_difference for row in comparison.lines if row.cycles_difference}


def text(comparison: Comparison, width: int = 100) -> str:
    return render(comparison, "text", RenderOptions(width=width))


def test_a_run_beside_itself_is_identical() -> None:
    summary = summarize(kernel_profile())
    comparison = compare(summary, summary)
    assert comparison.identical
    assert comparison.unlike == ()
    assert "Nothing changed." in text(comparison)


def test_the_change_is_found_in_metric_cause_and_function() -> None:
    comparison = compare(summarize(kernel_profile()), summarize(slower()))
    assert not comparison.identical
    cycles = comparison.metrics[0]
    assert (cycles.metric, cycles.before, cycles.after, cycles.difference) == (
        "cycles",
        922,
        992,
        70,
    )
    assert cycles.relative == pytest.approx(70 / 922)
    assert (comparison.causes[0].cause, comparison.causes[0].difference) == ("dependency", 70)
    first = comparison.functions[0]
    assert (first.name, first.cycles_difference, first.main_cause) == ("dot", 70, "dependency")
    assert first.cycles_by_cause == {"dependency": 70}


def test_a_change_below_the_models_error_says_so() -> None:
    before, after = summarize(kernel_profile()), summarize(slower())
    small = replace(after, metrics=replace(after.metrics, cycles=922 + 18))
    assert compare(before, small).metrics[0].within == "model error 2 %"
    assert compare(before, after).metrics[0].within is None  # 7.6 %
    hungry = replace(after, metrics=replace(after.metrics, energy_j=before.metrics.energy_j * 1.05))
    energy = next(row for row in compare(before, hungry).metrics if row.metric == "energy")
    assert energy.within == "model error 10 %"


def test_a_change_below_the_layout_band_says_so() -> None:
    before = replace(summarize(kernel_profile()), layout_cycles=70)
    after = summarize(slower())
    assert compare(before, after).metrics[0].within == "layout band"
    assert compare(replace(before, layout_cycles=69), after).metrics[0].within is None


def test_another_placement_is_not_comparable() -> None:
    placed = replace(
        kernel_profile(), placement=(PlacedItem("w", "object", "flash", "itcm", 1, 2, 3),)
    )
    assert compare(summarize(placed), summarize(placed)).unlike == ()
    assert compare(summarize(kernel_profile()), summarize(placed)).unlike == (
        "the placement is none and 'w=itcm'",
    )


def test_functions_of_one_name_pair_up_by_file() -> None:
    before = run(function("f", 1, "a.c"), function("f", 20, "b.c"))
    after = run(function("f", 25, "new/b.c"), function("f", 1, "new/a.c"))
    assert [(r.file, r.cycles_difference) for r in compare(before, after).functions] == [
        ("new/b.c", 5),
        ("new/a.c", 0),
    ]


def test_clones_and_parts_of_the_compiler_are_their_function() -> None:
    one = compare(run(function("f", 10)), run(function("f.constprop.0", 12))).functions
    assert [(row.name, row.status, row.cycles_difference) for row in one] == [
        ("f.constprop.0", "same", 2)
    ]
    parts = run(function("f", 7), function("f.part.0", 3), function("f.cold", 1))
    (row,) = compare(run(function("f", 10)), parts).functions
    assert (row.name, row.status, row.cycles_before, row.cycles_after) == ("f", "same", 10, 11)
    assert row.parts == ("f.part.0", "f.cold")
    (row,) = compare(parts, run(function("f", 10))).functions
    assert (row.cycles_difference, row.formerly) == (-1, ("f.part.0", "f.cold"))


def test_an_added_and_a_removed_function_count_whole() -> None:
    rows = compare(run(function("old", 30)), run(function("new", 50))).functions
    assert [(r.name, r.status, r.cycles_difference) for r in rows] == [
        ("new", "added", 50),
        ("old", "removed", -30),
    ]


def test_lines_of_a_function_that_moved_as_a_whole_are_the_same_lines() -> None:
    before = (line(11, 100), line(12, 200))
    after = (line(21, 100), line(22, 207))
    assert changed_lines(before, after, start=20) == {22: 7}


def test_a_line_that_moved_inside_its_function_is_known_by_its_text() -> None:
    before = (line(11, 100, crc=1), line(12, 200, crc=2), line(13, 5, crc=3))
    after = (line(11, 100, crc=1), line(12, 40, crc=9), line(13, 200, crc=2), line(14, 6, crc=3))
    assert changed_lines(before, after) == {12: 40, 14: 1}


def test_a_rewritten_line_is_compared_with_what_it_replaced() -> None:
    before = (line(11, 100, crc=1), line(12, 200, crc=2))
    after = (line(11, 100, crc=1), line(12, 90, crc=8), line(13, 300, crc=9))
    assert changed_lines(before, after) == {13: 190}


def test_lines_are_compared_only_when_both_runs_have_them() -> None:
    assert compare(run(lines=()), run(lines=None)).lines is None


def test_lines_of_a_profile_are_split_by_function_when_it_holds_instructions() -> None:
    summary = summarize(kernel_profile(), _no_text)
    assert summary.line_rows() == [
        LineSummary("dot", "dot.c", 3, 600, {"issue": 500, "dependency": 100}),
    ]


def _no_text(file: str, line: int) -> str | None:
    return None


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "other", "the part is handmade and other"),
        ("clock_hz", 1, "the clock is 100000000 Hz and 1 Hz"),
        ("voltage_scale", "2", "the voltage scale is 1 and 2"),
        ("caches", "on", "the cache setting is auto and on"),
        ("model_sha256", "d" * 64, "the model of handmade is cccccccccccc and dddddddddddd"),
        ("overrides", ("a.b=1",), "the change of the model is none and 'a.b=1'"),
    ],
)
def test_runs_under_other_conditions_are_not_comparable(
    field: str, value: object, words: str
) -> None:
    profile = kernel_profile()
    other = replace(profile, cpu=replace(profile.cpu, **{field: value}))  # type: ignore[arg-type]
    assert compare(summarize(profile), summarize(other)).unlike == (words,)


def test_other_arguments_are_not_comparable_when_both_are_known() -> None:
    profile = kernel_profile()
    one, two = replace(profile, args=("a",)), replace(profile, args=())
    assert compare(summarize(one), summarize(two)).unlike == ("the arguments are 'a' and none",)
    assert compare(summarize(profile), summarize(two)).unlike == ()


def test_the_json_fits_its_schema() -> None:
    comparison = compare(summarize(kernel_profile()), summarize(slower()))
    assert_fits(comparison.to_json())
    assert comparison.lines is not None


@pytest.mark.parametrize("section", SECTIONS)
def test_every_table_is_there_as_csv(section: str) -> None:
    comparison = compare(summarize(kernel_profile()), summarize(slower()))
    out = render(comparison, "csv", RenderOptions(section=section))
    rows = list(csv.DictReader(io.StringIO(out), strict=True))
    assert len(rows) == len(getattr(comparison, section) or ())


def test_a_table_of_lines_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="--lines"):
        render(compare(run(), run()), "csv", RenderOptions(section="lines"))


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
def test_no_line_of_the_text_is_wider_than_asked(width: int) -> None:
    report = text(compare(summarize(kernel_profile()), summarize(slower())), width)
    assert max(map(len, report.splitlines())) <= width


def test_the_text_names_function_and_cause() -> None:
    report = text(compare(summarize(kernel_profile()), summarize(slower())))
    (row,) = (line.split() for line in report.splitlines() if line.startswith("dot "))
    assert row[0:4] == ["dot", "600", "670", "+70"]
    assert row[-1] == "dependency"


def test_the_main_cause_is_in_the_direction_of_the_change() -> None:
    assert main_cause({"load": 50, "issue": -80}, -30) == "issue"
    assert main_cause({"load": 50, "issue": -80}, 1) == "load"
    assert main_cause({}, 0) is None
    assert LineChange("f", "a.c", 1, 5, 3, -2, {"issue": -2}).main_cause == "issue"


def test_relative_changes_read_well() -> None:
    assert relative_change(5, 1000) == "+0.50 %"
    assert relative_change(-500, 1000) == "-50.0 %"
    assert relative_change(5, 0) == "new"
    assert relative_change(0, 0) == "0.0 %"
    assert relative_change(None, 3) == "-"


def test_metrics_have_two_names_and_a_mistyped_one_is_answered_with_the_nearest() -> None:
    assert find_metric("energy_j") is find_metric("energy")
    assert find_metric("cycles.load").of(metrics_of(kernel_profile())) == 130
    with pytest.raises(ConfigError, match="did you mean 'cycles'"):
        find_metric("cycels")
    with pytest.raises(ConfigError, match="the metrics are cycles, "):
        find_metric("zzz")
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names)


def test_changes_below_a_thousandth_are_grey_and_one_inside_the_layout_band_is_said_to_be() -> None:
    def changed(before: int, after: int, band: int) -> str:
        old, new = (
            replace(plain, metrics=replace(plain.metrics, cycles=n)) for n in (before, after)
        )
        old = replace(old, layout_cycles=band)
        return render(compare(old, new), "text", RenderOptions(color=True, width=120))

    plain = summarize(kernel_profile())
    grey = re.compile(r"^\x1b\[2mcycles ", re.M)
    assert grey.search(changed(10_000, 10_009, 0))
    assert not grey.search(changed(10_000, 10_010, 0))
    told = "+9 cycles lie inside the layout band: code that is only shifted changes by as much."
    assert told in changed(10_000, 10_009, 9)
    assert "layout band" not in changed(10_000, 10_009, 8)


# -- the command -----------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path: Path) -> tuple[str, str]:
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    kernel_profile().save(before)
    slower().save(after)
    return str(before), str(after)


@pytest.mark.parametrize("format_name", FORMATS)
def test_the_command_writes_every_format(
    saved: tuple[str, str], capfd: pytest.CaptureFixture[str], format_name: str
) -> None:
    assert main(["compare", *saved, "--format", format_name]) == 0
    captured = capfd.readouterr()
    assert "dot" in captured.out
    assert captured.err == ""


def test_what_is_not_comparable_is_refused_unless_forced(
    saved: tuple[str, str], capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    profile = slower()
    replace(profile, cpu=replace(profile.cpu, clock_hz=5)).save(saved[1])
    assert main(["compare", *saved]) == 2
    message = capfd.readouterr().err
    assert "not comparable: the clock is 100000000 Hz and 5 Hz (--force" in message
    assert message.count("\n") == 1
    assert main(["compare", *saved, "--force"]) == 0
    assert "Not comparable: the clock" in capfd.readouterr().out


@pytest.mark.parametrize("content", ["", "[]", '{"schema": "mcusim.profile/0"}'])
def test_a_corrupt_or_old_profile_is_one_line_and_exit_2(
    saved: tuple[str, str], capfd: pytest.CaptureFixture[str], content: str
) -> None:
    Path(saved[0]).write_text(content)
    assert main(["compare", *saved]) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"mcusim: error: {saved[0]}: ")
    assert captured.err.count("\n") == 1


def in_function(name: str, *crcs: int, file: str = "f.c") -> tuple[LineSummary, ...]:
    """Lines of a function, 10 cycles each, known by their text."""
    return tuple(
        LineSummary(name, file, 10 + at, 10, {"issue": 10}, crc) for at, crc in enumerate(crcs)
    )


def told(before: Summary, after: Summary) -> list[tuple[str, str, int, int]]:
    rows = compare(before, after).functions
    return [(row.name, row.status, row.cycles_before, row.cycles_after) for row in rows]


def test_a_renamed_function_is_known_by_its_lines() -> None:
    before = run(function("old", 30, "f.c"), lines=in_function("old", 1, 2, 3))
    after = run(function("new", 50, "f.c"), lines=in_function("new", 1, 2, 3, 4, 5))
    assert told(before, after) == [("new", "same", 30, 50)]
    assert compare(before, after).functions[0].formerly == ("old",)
    moved = run(function("new", 30, "g.c"), lines=in_function("new", 1, 2, 3, file="g.c"))
    assert told(before, moved) == [("new", "same", 30, 30)]
    other = run(function("new", 50, "g.c"), lines=in_function("new", 1, 12, 13, file="g.c"))
    assert [status for _, status, _, _ in told(before, other)] == ["added", "removed"]


def test_a_function_renamed_and_rewritten_is_known_by_its_place_if_that_is_certain() -> None:
    """f.c has first() at 5, old() at 10 and last() at 50, each called once."""
    first, last = function("first", 9, "f.c", 5), function("last", 9, "f.c", 50)
    before = run(first, function("old", 30, "f.c"), last)

    def rows(*new: FunctionSummary) -> list[tuple[str, str | None]]:
        found = compare(before, run(first, last, *new)).functions
        return sorted((row.name, row.renamed_from) for row in found if row.name not in "first last")

    new = function("new", 50, "f.c", 12)
    assert rows(new) == [("new", "old")]
    apart = [("new", None), ("old", None)]
    # Of another file, behind another function, called more often, of five times the size.
    assert rows(replace(new, file="g.c")) == rows(replace(new, line=60)) == apart
    assert rows(replace(new, calls=2)) == rows(replace(new, instructions=151)) == apart
    second = function("second", 50, "f.c", 20)  # which of the two it is, nobody knows
    assert rows(new, second) == sorted([*apart, ("second", None)])


def test_an_inlined_function_is_in_what_holds_its_lines_and_back() -> None:
    callee, caller = function("f", 30, "f.c"), function("g", 20, "g.c")
    apart = run(callee, caller, lines=in_function("f", 1, 2, 3) + in_function("g", 8, file="g.c"))
    inside = in_function("g", 8, file="g.c") + in_function("g", 1, 2, 3)
    whole = run(function("g", 45, "g.c"), lines=inside)
    assert told(apart, whole) == [("g", "same", 50, 45)]
    assert compare(apart, whole).functions[0].formerly == ("f",)
    assert told(whole, apart) == [("g", "same", 45, 50)]
    assert compare(whole, apart).functions[0].parts == ("f",)
    # A caller that had the lines already did not take them in.
    both = run(callee, function("g", 20, "g.c"), lines=in_function("f", 1, 2, 3) + inside)
    assert ("f", "removed", 30, 0) in told(both, whole)


@pytest.mark.parametrize(
    ("name", "head", "program"),
    [
        ("elf.json", b"\x7fELF\x01\x01", True),
        ("profile.elf", b'\xef\xbb\xbf\n{"schema": 1}', False),
        ("profile.hex", b'{"schema": 1}', False),
        ("model.bin", b"\x1c\0\0\0TFL3", True),
        ("records.hex", b":020000040800F2\n", True),
        ("text.txt", b"hello", False),
    ],
)
def test_a_program_is_known_by_its_content(
    tmp_path: Path, name: str, head: bytes, program: bool
) -> None:
    file = tmp_path / name
    file.write_bytes(head)
    assert is_program(str(file)) is program
    assert not is_program(str(tmp_path))
