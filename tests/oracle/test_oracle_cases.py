"""The model against public microbenchmarks, row by row, and the case data against its tables."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.oracle.assemble import check
from tests.oracle.cases import CASES, Case, CaseError, instructions, load_file
from tests.oracle.judge import Verdict, judge_all
from tests.oracle.machine_run import MachineRunner
from tests.oracle.measure import measure, programs
from tests.oracle.pipeline_run import PipelineRunner
from tests.oracle.runners import best_runner
from tests.tools import needs

DATA = Path(__file__).parents[2] / "docs" / "sources"
TABLES = {path.stem: load_file(path) for path in sorted(CASES.glob("*.toml"))}
ALL = [case for table in TABLES.values() for case in table]
each_table = pytest.mark.parametrize("table", TABLES)

# The rows that cannot be run, by table.
NOT_RUN = {
    "branches": {
        "TE2#1": "interrupts are not simulated; the figure is a lower bound over stacking,"
        " vector fetch and a C wrapper"
    },
    "latencies": {"L22#1": "a heuristic of a scheduler (8 instruction slots), not a latency"},
}
# Rows whose value is words or two numbers; the case's `reading` says how it became a number.
WORDED = {
    "blocked for 3 following cycles": 4.0,  # the smallest issue distance that is free
    ">=1": 1.0,
    "not quantified (>=1)": 1.0,
    "+1 over normal": 2.0,  # normal 1
}


def csv_rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(newline="") as stream:
        return list(csv.DictReader(stream))


@each_table
def test_modelled_cycles_agree_with_the_sources(table: str) -> None:
    """2 % for measured rows, exact for measured rules; models and second-hand rows never fail.

    The expected numbers are the sources' own, from docs/sources.
    """
    results = judge_all(TABLES[table], best_runner())
    differing = [
        f"{case.id}, {case.text}: {case.source} says {case.expected}, modelled {result.cycles}"
        for result in results
        for case in [result.case]
        if result.verdict is Verdict.DIFFERS
    ]
    assert not differing, "\n".join(differing)
    not_run = {r.case.id: r.reason for r in results if r.verdict is Verdict.NOT_RUN}
    assert not_run == NOT_RUN.get(table, {})


def test_at_most_five_rows_deviate_and_all_of_them_do() -> None:
    rows = {case.row for case in ALL if case.deviation}
    assert len(rows) <= 5
    results = judge_all([case for case in ALL if case.row in rows], best_runner())
    known = {result.case.row for result in results if result.verdict is Verdict.KNOWN}
    assert known == rows, "a row that agrees by now: take its deviation off"


def alike(table: str) -> list[Case]:
    """The first case of each row in which caches and memories play no part."""
    return [
        case
        for case in TABLES[table]
        if case.id.endswith("#1")
        and case.needs == "pipeline"
        and not case.skip
        # What is mispredicted is up to the simulated predictor, and so not a fixed program.
        and case.method != "mispredict"
    ]


def assert_the_whole_adds_nothing(cases: Iterable[Case]) -> None:
    whole, alone = MachineRunner(), PipelineRunner()
    results = {case.id: (measure(case, whole), measure(case, alone)) for case in cases}
    assert {name: pair for name, pair in results.items() if pair[0] != pytest.approx(pair[1])} == {}


def test_the_whole_simulator_gives_the_cycles_of_the_pipeline_alone() -> None:
    """Capture, memo and C core add nothing: the first row of each table that is measured alike."""
    firsts = {(table, case.method): case for table in TABLES for case in reversed(alike(table))}
    assert_the_whole_adds_nothing(firsts.values())


@pytest.mark.exhaustive
@pytest.mark.parametrize("table", [table for table in TABLES if alike(table)])
def test_the_whole_simulator_gives_the_cycles_of_the_pipeline_alone_in_every_row(
    table: str,
) -> None:
    assert_the_whole_adds_nothing(alike(table))


def test_every_row_of_the_tables_has_cases_with_its_own_facts() -> None:
    """The tables are those of docs/sources; quinapalus.csv begins with its method."""
    for row in (*csv_rows("oracle.csv"), *csv_rows("quinapalus.csv")[1:]):
        name = row["id"]
        cases = [case for case in ALL if case.row == name]
        assert cases, name
        own = [case for case in cases if not case.because]
        assert {case.status for case in cases} == {row.get("status", "secondhand")}, name
        assert {case.source for case in cases} == {row.get("source") or row["seen_in"]}, name
        if not cases[0].skip and "status" in row:
            value = WORDED.get(row["value"])
            first = row["value"].split("/")[0]  # "first/each further chained"
            assert {case.expected for case in own} == {float(first) if value is None else value}
            assert {case.metric for case in cases} == {row["metric"]}, name


def test_every_pair_of_the_operand_matrix_has_a_case() -> None:
    pairs = {
        f"{row['older']}>{row['younger']}": row["can_dual_issue"] == "yes"
        for row in csv_rows("operand2-dual-issue-matrix.csv")
    }
    expected = [(case.row, case.expected == 1) for case in ALL if case.row in pairs]
    assert sorted(expected) == sorted(pairs.items())


def test_a_case_that_expects_another_value_than_its_row_says_why() -> None:
    for row in {case.row for case in ALL}:
        plain = {case.expected for case in ALL if case.row == row and not case.because}
        assert len(plain) <= 1, row


@each_table
def test_stored_bytes_are_what_the_assembler_makes_of_the_text(table: str) -> None:
    needs("arm-none-eabi-as", "binutils-arm-none-eabi")
    assert check(CASES / f"{table}.toml") == []


def test_every_program_has_bytes_for_every_instruction() -> None:
    for case in ALL:
        for program in programs(case):
            assert all(len(piece) in (2, 4) for piece in program.pieces()), case.id


def test_sequences_repeat_single_instructions_and_groups() -> None:
    assert instructions("2x nop.n ; eor.w r0,r1,r2") == ("nop.n", "nop.n", "eor.w r0,r1,r2")
    assert instructions("2x( nop.n ; isb ) dsb") == ("nop.n", "isb", "nop.n", "isb", "dsb")


def test_an_unknown_key_in_a_case_file_is_refused_with_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "cases.toml"
    path.write_text(
        '[sources]\nA = "a"\n[[row]]\nid = "X"\nstatus = "model"\nsource = "A"\nmetric = "rep"\n'
        'method = "loop"\nexpected = 1\nplacment = {}\nrun = "bne.n <head>"\n'
    )
    with pytest.raises(CaseError, match="row X: unknown key 'placment', did you mean 'placement'"):
        load_file(path)


def test_a_row_without_cases_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cases.toml"
    path.write_text('[sources]\nA = "a"\n[[row]]\nid = "X"\nsource = "A"\n')
    with pytest.raises(CaseError, match="no cases"):
        load_file(path)
