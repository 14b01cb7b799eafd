"""The listing of a function made by hand: marks, columns, notes and sums at any width."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from typing import Any

import pytest

from simcore.annotation import (
    SCHEMA,
    AccessCosts,
    AnnotatedFunction,
    AnnotatedInstruction,
    AnnotatedLine,
    Annotation,
    Loop,
    Refusal,
    Wait,
)
from simcore.core.counters import CAUSES
from simcore.costs.origin import Exit
from simcore.report import RenderOptions
from simcore.report.annotation import render
from simcore.report.annotation.listing import loop_lanes, pair_mark, per, share
from tests.unit.handmade import kernel_profile

RUNS = 1000


def causes(**cycles: int) -> dict[str, int]:
    return {**dict.fromkeys(CAUSES, 0), **cycles}


def row(address: int, text: str, executions: int = RUNS, **more: Any) -> AnnotatedInstruction:
    """An instruction whose cycles are those of its causes."""
    spent = causes(**more.pop("causes", {}))
    plain: dict[str, Any] = {
        "file": "src/dot.c", "line": 7, "skipped": 0, "older": 0, "younger": 0, "folded": 0,
        "refusals": (), "waits": (), "accesses": (), "icache_misses": 0, "mispredicts": 0,
    }  # fmt: skip
    return AnnotatedInstruction(
        address=address,
        text=text,
        executions=executions,
        cycles=sum(spent.values()),
        cycles_by_cause=spent,
        **{**plain, **more},
    )


#: A loop of 1000 iterations: a load that misses, a multiply beside it, one that waits, a branch.
ROWS = (
    row(0x100, "push {r4, lr}", 10, causes={"issue": 10, "fetch": 30}, icache_misses=2, line=3),
    row(0x102, "ldr r0, [r1], #4", causes={"issue": 1000, "load": 420}, older=1000,
        accesses=(AccessCosts("read", 4, RUNS, 30, 420),)),
    row(0x106, "smlad r2, r0, r3, r2", younger=1000),
    row(0x10A, "smlad r4, r0, r5, r4", causes={"issue": 1000}, older=980,
        refusals=(Refusal("one multiply a cycle", 1000),)),
    row(0x10E, "add r6, r4", causes={"issue": 20, "dependency": 40}, younger=980, line=8,
        waits=(Wait("r4", 0x10A, "smlad r4, r0, r5, r4", 20, 40),)),
    row(0x110, "bne #0x102", causes={"issue": 1000, "branch": 60}, mispredicts=10, line=8),
    row(0x120, "pop {r4, pc}", 10, causes={"issue": 10, "execute": 10}, file=None, line=None),
)  # fmt: skip


def total(rows: tuple[AnnotatedInstruction, ...], cause: str) -> int:
    return sum(each.cycles_by_cause[cause] for each in rows)


def function(**changes: Any) -> AnnotatedFunction:
    made = AnnotatedFunction(
        name="dot",
        address=0x100,
        file="src/dot.c",
        line=3,
        calls=10,
        executions=sum(each.executions for each in ROWS),
        macs=4000,
        cycles=3600,  # of ROWS: 40 + 1420 + 0 + 1000 + 60 + 1060 + 20
        cycles_by_cause={cause: total(ROWS, cause) for cause in CAUSES},
        elsewhere={},
        loops=(
            Loop(
                head=0x102, first=0x102, last=0x110,
                addresses=(0x102, 0x106, 0x10A, 0x10E, 0x110), file="src/dot.c", line=7,
                iterations=RUNS, entries=10, calls=False, instructions=5000, cycles=3540,
                cycles_by_cause={cause: total(ROWS[1:6], cause) for cause in CAUSES},
            ),
        ),
        instructions=ROWS,
        lines=(
            AnnotatedLine("src/dot.c", 3, "int dot(void)", 10, 10, 40, causes(issue=40)),
            AnnotatedLine("src/dot.c", 7, "sum += *a++ * *b++;", RUNS, 3000, 2420, causes()),
            AnnotatedLine("src/dot.c", 8, None, RUNS, 2000, 1120, causes()),
            AnnotatedLine(None, None, None, 10, 10, 20, causes(issue=20)),
        ),
    )  # fmt: skip
    return replace(made, **changes)


def annotation(*functions: AnnotatedFunction, **changes: Any) -> Annotation:
    profile = kernel_profile()
    made = Annotation(
        schema=SCHEMA,
        tool=profile.tool,
        elf=profile.elf,
        cpu=profile.cpu,
        exit=profile.exit,
        accuracy=profile.accuracy,
        cycles=4000,
        functions=functions,
        not_run=(),
        warnings=(),
    )
    return replace(made, **changes)


def text(width: int = 132, made: Annotation | None = None, **options: Any) -> str:
    options.setdefault("ascii", False)
    return render(made or annotation(function()), "text", RenderOptions(width=width, **options))


def line_of(page: str, address: str) -> str:
    """The line that begins with this address, marks of loops left out."""
    begin = re.compile(rf"[╭│╰├,`|+ ]*{address} ")
    (line,) = filter(begin.match, page.split("\n"))
    return line


# -- what stands in a line -------------------------------------------------------------------------


def test_a_line_has_marks_disassembly_runs_cycles_and_place() -> None:
    words = line_of(text(), "102").split()
    assert words[:7] == ["╭", "102", "┌", "ldr", "r0,", "[r1],", "#4"]
    assert words[7:11] == ["1,000", "1,420", "1.42", "dot.c:7"]
    assert line_of(text(), "102").endswith("load 0.42, 30 D-misses (3%)")


def test_a_pair_is_marked_and_its_share_when_it_is_not_always() -> None:
    page = text()
    assert line_of(page, "106").split()[:3] == ["│", "106", "└"]
    assert line_of(page, "10a").split()[:3] == ["│", "10a", "┌98%"]
    assert pair_mark(replace(ROWS[1], older=500, younger=500)) == "┼"
    assert pair_mark(replace(ROWS[1], older=960, younger=40)) == "┌"
    assert pair_mark(replace(ROWS[1], older=40, younger=0)) == ""


def test_a_lost_pair_has_its_rule_and_a_wait_its_producer() -> None:
    page = text()
    assert "no pair: one multiply a cycle" in line_of(page, "10a")
    assert "waits for r4 of 10a smlad 2%" in line_of(page, "10e")


def test_an_operand_that_only_lost_the_pair_costs_no_wait() -> None:
    late = row(
        0x200, "eor r0, r1", causes={"issue": RUNS},
        waits=(Wait("r1", None, None, RUNS, 0),), refusals=(Refusal("operand not ready", RUNS),),
    )  # fmt: skip
    made = function(instructions=(late,), loops=(), cycles=RUNS)
    assert line_of(text(made=annotation(made)), "200").endswith("no pair: needs r1")


def test_it_blocks_show_what_was_skipped_and_folded() -> None:
    rows = (
        row(0x200, "it ne", folded=RUNS),
        row(0x202, "movne r0, r1", causes={"issue": RUNS}, skipped=250),
    )
    page = text(made=annotation(function(instructions=rows, loops=(), cycles=RUNS)))
    assert "folded" in line_of(page, "200")
    assert "skipped 25%" in line_of(page, "202")


def test_the_loop_is_drawn_from_head_to_branch_with_its_cost_per_iteration() -> None:
    page = text()
    assert loop_lanes(function()) == [" ", "╭", "│", "│", "│", "╰", " "]
    table = line_of(page, "102-110").split()
    assert table[1:] == ["dot.c:7", "10", "1,000", "3,540", "98.3", "%", "3.54", "5.00", "1.41"]
    assert (
        "Each of the 1,000 iterations from 102: issue 3.02 + load 0.42 + branch 0.06"
        " + dependency 0.04 = 3.54 cycles." in page
    )


def test_inner_loops_stand_right_of_outer_ones() -> None:
    (outer,) = function().loops
    inner = replace(outer, head=0x106, first=0x106, last=0x10A, addresses=(0x106, 0x10A))
    lanes = loop_lanes(function(loops=(outer, inner)))
    assert lanes == ["  ", "╭ ", "│╭", "│╰", "│ ", "╰ ", "  "]
    single = replace(outer, first=0x106, last=0x106, addresses=(0x106,))
    assert loop_lanes(function(loops=(single,)))[2] == "├"


def test_code_that_did_not_run_leaves_a_gap() -> None:
    lines = text().split("\n")
    assert lines[lines.index(line_of(text(), "120")) - 1] == "⋮"


# -- sums ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [80, 100, 132, 180])
def test_the_column_of_cycles_adds_up_to_the_sum_and_to_the_function(width: int) -> None:
    page = text(width)
    cycles = 0
    for each in ROWS:
        found = re.search(rf" {each.executions:,} +([\d,]+) ", line_of(page, f"{each.address:x}"))
        assert found
        cycles += int(found[1].replace(",", ""))
    assert cycles == 3600
    assert "sum" in page
    assert "3,600" in next(line for line in page.split("\n") if line.lstrip().startswith("sum "))
    assert (
        "issue 3,040 + load 420 + branch 60 + dependency 40 + fetch 30 + execute 10 = 3,600 cycles"
        in " ".join(page.split())
    )


def test_cycles_at_no_instruction_are_told_beside_the_sum() -> None:
    made = function(elsewhere=causes(sleep=400), cycles=4000)
    page = text(made=annotation(made))
    assert "and at no instruction: sleep 400; in all 4,000 cycles" in page


def test_source_lines_come_by_cycles_and_the_rest_in_one_row() -> None:
    page = text(top=2)
    lines = page[page.index("source line") :].split("\n")
    assert lines[1].split() == [
        "1", "dot.c:7", "1,000", "2,420", "67.2", "%", "sum", "+=", "*a++", "*", "*b++;",
    ]  # fmt: skip
    assert lines[2].split() == ["2", "dot.c:8", "1,000", "1,120", "31.1", "%"]
    assert lines[3].split() == ["2", "more", "lines", "60", "1.7", "%"]


def test_without_any_source_there_is_no_table_of_lines() -> None:
    rows = tuple(replace(each, file=None, line=None) for each in ROWS)
    lines = (AnnotatedLine(None, None, None, RUNS, 6020, 3600, causes(issue=3600)),)
    assert "source line" not in text(made=annotation(function(instructions=rows, lines=lines)))


# -- width, colour, characters ---------------------------------------------------------------------


@pytest.mark.parametrize("width", [72, 80, 90, 100, 120, 132, 160, 200])
def test_no_line_is_wider_than_asked(width: int) -> None:
    for line in text(width).split("\n"):
        assert len(line) <= width, line


def test_a_note_without_room_stands_below_its_instruction_with_the_marks_drawn_on() -> None:
    lines = text(80).split("\n")
    at = lines.index(line_of(text(80), "10a"))
    assert lines[at + 1].split() == ["│", "│", "no", "pair:", "one", "multiply", "a", "cycle"]


def test_a_narrow_page_numbers_the_source_lines() -> None:
    assert "dot.c:7" not in line_of(text(100), "102")
    assert line_of(text(100), "102").split()[10] == "1"


def test_a_wide_page_has_the_causes_in_columns() -> None:
    page = text(200)
    header = next(line for line in page.split("\n") if "instruction " in line and "/run" in line)
    assert header.split()[5:12] == ["issue", "dep", "exec", "branch", "fetch", "load", "source"]
    assert line_of(page, "102").split()[10:13] == ["1.00", "0.42", "dot.c:7"]
    assert "load 0.42" not in line_of(page, "102")


def test_the_page_is_ascii_where_asked_and_has_no_colour_unless_asked() -> None:
    page = text(ascii=True)
    assert page.isascii()
    assert line_of(page, "102").split()[:3] == [",", "102", "/"]
    assert line_of(page, "110").split()[:2] == ["`", "110"]
    assert "\x1b" not in page
    assert "\x1b[1;31m" in text(color=True)


def test_shares_are_100_only_for_all_and_0_only_for_none() -> None:
    cases = [(0, 10), (1, 1000), (999, 1000), (10, 10), (0, 0)]
    assert [share(*case) for case in cases] == ["0%", "1%", "99%", "100%", "0%"]
    assert [per(1, 3), per(1, 1000), per(5, 0), per(123456, 10)] == ["0.33", "0.00+", "", "12,346"]


# -- the rest of the page --------------------------------------------------------------------------


def test_what_never_ran_is_one_clear_line() -> None:
    page = text(made=annotation(not_run=("cold",)))
    inlined = "What was inlined stands in the function that it went into."
    assert f"cold ran zero times: there is nothing to list. {inlined}" in page.split("\n")
    assert "older" not in page


def test_a_run_that_went_wrong_says_so_on_top() -> None:
    page = text(made=annotation(function(), exit=Exit("timeout", None, None), warnings=("odd",)))
    assert page.split("\n")[1].startswith("The time limit was reached")
    assert page.rstrip().endswith("odd")


def test_json_holds_everything_and_csv_a_row_for_each_instruction() -> None:
    made = annotation(function())
    plain = json.loads(render(made, "json", RenderOptions()))
    assert plain["schema"] == SCHEMA
    assert [each["cycles"] for each in plain["functions"][0]["instructions"]] == [
        40, 1420, 0, 1000, 60, 1060, 20,
    ]  # fmt: skip
    assert plain["functions"][0]["loops"][0]["iterations"] == RUNS
    table = list(csv.DictReader(io.StringIO(render(made, "csv", RenderOptions()))))
    assert len(table) == len(ROWS)
    assert table[3]["refusal"] == "one multiply a cycle"
    assert table[4]["wait_address"] == str(0x10A)
    assert (table[1]["misses"], table[1]["cycles_by_cause.load"]) == ("30", "420")
    empty = render(annotation(), "csv", RenderOptions())
    assert empty.rstrip("\n").split(",") == list(table[0])
