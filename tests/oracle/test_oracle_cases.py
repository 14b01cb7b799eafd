"""The model against public microbenchmarks, row by row, and the case data against its tables."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import pytest

from tests.oracle.assemble import check
from tests.oracle.cases import CASES, Case, CaseError, instructions, load_cases, load_file
from tests.oracle.judge import Verdict, judge
from tests.oracle.measure import Runner, measure, programs
from tests.oracle.pipeline_run import PipelineRunner
from tests.oracle.runners import best_runner
from tests.tools import needs

DATA = Path(__file__).parent.parent / "data"
ALL = load_cases()

# Rows whose value is words or two numbers; the case's `reading` says how it became a number.
WORDED = {
    "blocked for 3 following cycles": 4.0,  # the smallest issue distance that is free
    ">=1": 1.0,
    "not quantified (>=1)": 1.0,
    "+1 over normal": 2.0,  # normal 1
}


@cache
def runner() -> Runner:
    return best_runner()


def csv_rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("case", [case for case in ALL if not case.skip], ids=lambda case: case.id)
def test_modelled_cycles_agree_with_the_source(case: Case) -> None:
    """2 % for measured rows, exact for measured rules; models and second-hand rows never fail.

    The expected numbers are the sources' own, from tests/data.
    """
    result = judge(case, runner())
    assert result.verdict is not Verdict.NOT_RUN, result.reason
    if result.verdict is Verdict.KNOWN:
        pytest.xfail(result.reason)
    assert result.verdict is not Verdict.DIFFERS, (
        f"{case.text}: {case.source} says {case.expected}, modelled {result.cycles}"
    )


def test_two_rows_cannot_be_run_and_say_why() -> None:
    unable = [case for case in ALL if case.skip]
    assert {case.row for case in unable} == {"L22", "TE2"}
    assert [judge(case, runner()).reason for case in unable] == [case.skip for case in unable]


def test_at_most_five_rows_deviate_and_all_of_them_do() -> None:
    rows = {case.row for case in ALL if case.deviation}
    assert len(rows) <= 5
    for row in rows:
        verdicts = [judge(case, runner()).verdict for case in ALL if case.row == row]
        assert Verdict.KNOWN in verdicts, f"{row} agrees by now: take its deviation off"


@pytest.mark.parametrize(
    "case",
    [
        case
        for case in ALL
        if case.id.endswith("#1")
        and case.needs == "pipeline"
        and not case.skip
        # What is mispredicted is up to the simulated predictor, and so not a fixed program.
        and case.method != "mispredict"
    ],
    ids=lambda case: case.id,
)
def test_the_whole_simulator_gives_the_cycles_of_the_pipeline_alone(case: Case) -> None:
    """Where caches and memories play no part, capture, memo and C core must add nothing."""
    from tests.oracle.machine_run import MachineRunner

    assert measure(case, MachineRunner()) == pytest.approx(measure(case, PipelineRunner()))


@pytest.mark.parametrize(
    "row", [*csv_rows("oracle.csv"), *csv_rows("quinapalus.csv")[1:]], ids=lambda row: row["id"]
)
def test_every_row_of_the_tables_has_cases_with_its_own_facts(row: dict[str, str]) -> None:
    """The tables are copies of the reference data; quinapalus.csv begins with its method."""
    cases = [case for case in ALL if case.row == row["id"]]
    assert cases
    own = [case for case in cases if not case.because]
    assert {case.status for case in cases} == {row.get("status", "secondhand")}
    assert {case.source for case in cases} == {row.get("source") or row["seen_in"]}
    if not cases[0].skip and "status" in row:
        value = WORDED.get(row["value"])
        first = row["value"].split("/")[0]  # "first/each further chained"
        assert {case.expected for case in own} == {float(first) if value is None else value}
        assert {case.metric for case in cases} == {row["metric"]}


@pytest.mark.parametrize(
    "row",
    csv_rows("operand2-dual-issue-matrix.csv"),
    ids=lambda row: f"{row['older']}>{row['younger']}",
)
def test_every_pair_of_the_operand_matrix_has_a_case(row: dict[str, str]) -> None:
    cases = [case for case in ALL if case.row == f"{row['older']}>{row['younger']}"]
    assert [case.expected for case in cases] == [1 if row["can_dual_issue"] == "yes" else 0]


def test_a_case_that_expects_another_value_than_its_row_says_why() -> None:
    for row in {case.row for case in ALL}:
        plain = {case.expected for case in ALL if case.row == row and not case.because}
        assert len(plain) <= 1, row


@pytest.mark.parametrize("path", sorted(CASES.glob("*.toml")), ids=lambda path: path.name)
def test_stored_bytes_are_what_the_assembler_makes_of_the_text(path: Path) -> None:
    needs("arm-none-eabi-as", "binutils-arm-none-eabi")
    assert check(path) == []


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
