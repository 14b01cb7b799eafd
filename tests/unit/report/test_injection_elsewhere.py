"""Names of a program in the documents that are no report of one run: comparisons, annotations,
trends, advice, linker scripts, binary profiles, and words of a shell."""

from __future__ import annotations

import gzip
import json
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simcore.advisor.results import (
    Advice,
    AdvisedMove,
    Alternative,
    Cost,
    Judged,
    Promise,
    Rejected,
)
from simcore.annotation import Annotation
from simcore.checking.history import append
from simcore.checking.trend import TrendStep, read_steps
from simcore.comparison.comparison import compare
from simcore.comparison.summary import summarize
from simcore.costs.profile import Profile
from simcore.elf import Function, Image, Section, Symbol
from simcore.linking.inputs import MovedSection, by_symbols
from simcore.machine.peripherals import endless_warning
from simcore.placement.pieces import all_pieces
from simcore.report import RenderOptions
from simcore.report import annotation as annotation_documents
from simcore.report import comparison as comparisons
from simcore.report import trend as trends
from simcore.report.profile import document
from simcore.report.studies import advice as advices
from tests.unit.checking.test_history import commit, entry
from tests.unit.handmade import kernel_profile
from tests.unit.report.test_injection import (
    CONTROL,
    NASTY,
    Judge,
    is_json,
    is_lines,
    is_log,
    is_page,
    is_table,
    profile_with,
    spoilt,
)
from tests.unit.report.test_report_annotate import annotation as annotated
from tests.unit.report.test_report_annotate import function

PLAIN = RenderOptions()


def judged(judge: Judge, make: Callable[[str], str]) -> None:
    """What is made of each nasty text is what the judge takes."""
    for name, nasty in NASTY.items():
        try:
            made = make(nasty)
            made.encode("utf-8", "backslashreplace")
            judge(made)
        except (AssertionError, ValueError) as error:
            pytest.fail(f"{name}: {error!r}"[:600])


def with_coverage(nasty: str) -> Profile:
    return replace(profile_with(nasty), coverage=spoilt(kernel_profile().coverage, nasty))


# --- formats of other tools ---------------------------------------------------------------------


def is_lcov(text: str) -> None:
    """Records of geninfo alone, each with its end."""
    for line in text.splitlines():
        assert re.match(r"(TN|SF|FN|FNDA|FNF|FNH|DA|LF|LH):|end_of_record$", line), line
    assert text.count("SF:") == text.count("end_of_record\n")
    is_lines(text)


def test_a_name_is_a_name_in_lcov() -> None:
    judged(is_lcov, lambda nasty: str(document(with_coverage(nasty), "lcov", PLAIN)))


def test_a_name_is_a_name_in_a_trace() -> None:
    def is_document(text: str) -> None:
        json.loads(text)
        assert not CONTROL.search(text)

    judged(is_document, lambda nasty: str(document(profile_with(nasty), "trace", PLAIN)))


def _strings(message: bytes) -> Iterator[bytes]:
    """The string table of a pprof profile (field 6 of message Profile)."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = varint()
        if key & 7 == 0:
            varint()
            continue
        assert key & 7 == 2, key
        size = varint()
        if key >> 3 == 6:
            yield message[at : at + size]
        at += size


def test_strings_of_a_pprof_profile_are_lines() -> None:
    def made(nasty: str) -> str:
        found = document(profile_with(nasty), "pprof", PLAIN)
        assert isinstance(found, bytes)
        return "\n".join(each.decode() for each in _strings(gzip.decompress(found)))

    judged(is_lines, made)


# --- comparisons, annotations, trends, advice -------------------------------------------------


@pytest.mark.parametrize(
    ("form", "judge"), [("text", is_log), ("json", is_json), ("csv", is_table), ("html", is_page)]
)
def test_a_name_is_a_name_in_a_comparison(form: str, judge: Judge) -> None:
    def made(nasty: str) -> str:
        before = profile_with(nasty)
        rows = tuple(
            replace(row, name=f"{row.name}x", cycles_self=row.cycles_self + 7)
            for row in before.functions
        )
        after = replace(before, functions=rows)
        found = compare(summarize(before), summarize(after))
        return comparisons.render(found, form, PLAIN, (before, after))

    assert form in comparisons.FORMATS
    judged(judge, made)


@pytest.mark.parametrize(
    ("form", "judge"), [("text", is_log), ("json", is_json), ("csv", is_table)]
)
def test_a_name_is_a_name_in_an_annotation(form: str, judge: Judge) -> None:
    def made(nasty: str) -> str:
        found: Annotation = spoilt(annotated(function()), nasty)
        (one,) = found.functions
        lines = tuple(replace(line, source=nasty) for line in one.lines)
        found = replace(found, functions=(replace(one, lines=lines),), warnings=(nasty,))
        return annotation_documents.render(found, form, PLAIN)

    assert form in annotation_documents.FORMATS
    judged(judge, made)


@pytest.mark.parametrize(("form", "judge"), [("text", is_log), ("html", is_page)])
def test_a_name_is_a_name_in_a_trend(tmp_path: Path, form: str, judge: Judge) -> None:
    def steps(nasty: str) -> list[TrendStep]:
        path = tmp_path / "h.jsonl"
        path.unlink(missing_ok=True)
        for number in (1, 2):
            one = entry(number, **{nasty.encode("utf-8", "replace").decode(): 1000 * number})
            append(path, one)
        found = read_steps([str(path)])
        subject = replace(commit(2), subject=nasty)
        return [found[0], replace(found[1], commit=subject)]

    assert form in trends.FORMATS
    judged(judge, lambda nasty: trends.render(steps(nasty), form, PLAIN))


def advice(nasty: str) -> Advice:
    """Advice with all its tables, whose every name is that text."""
    made = kernel_profile()
    cost = Cost(1000, 1000, 1e-5, 1e-6, {"itcm": 100})
    move = AdvisedMove(
        nasty, "function", nasty, 0x100, "flash", "itcm", 64, 90, 3.0, 80, 1e-8, (nasty,), nasty
    )
    return Advice(
        schema="mcusim.advice/1", tool=made.tool, elf=replace(made.elf, name=nasty), cpu=made.cpu,
        exit=made.exit, args=(nasty,), scope=nasty, minimise="cycles", least_share=0.01,
        deadline_s=None, meets_deadline=None, linked=cost, advised=cost,
        promise=Promise(90, 0.09, 3, 80, 10, 0, 1e-8, 0.01),
        judged=Judged(16, (), 90, 3.0, 80, 1e-8),
        timings=20, moves=(move, replace(move, name=f"{nasty}2")), placement=(), by_hand=(move,),
        by_hand_cycles=9, by_hand_spread_cycles=1.0,
        rejected=(Rejected(nasty, "object", "dtcm", 64, None, 9, nasty),),
        alternatives=(Alternative((f"{nasty}=itcm",), 80, 3.0, 1e-8, False),), copied_bytes=64,
        copy_cycles=90, linker_script="", attributes="", applied_script=None, warnings=(nasty,),
    )  # fmt: skip


@pytest.mark.parametrize(("form", "judge"), [("text", is_log), ("json", is_json)])
def test_a_name_is_a_name_in_advice(form: str, judge: Judge) -> None:
    assert form in advices.FORMATS
    judged(judge, lambda nasty: advices.render(advice(nasty), form, PLAIN))


# --- linker scripts, and what a reader may copy into a shell ------------------------------------


def test_a_symbol_ends_no_pattern_of_a_linker_script() -> None:
    names = [*NASTY.values(), "f) } INCLUDE /etc/passwd SECTIONS { .x : { *(.y", "a;b", "*", "[x]"]
    functions = tuple(Function(n, name, 64 * n, 64 * n + 64) for n, name in enumerate(names))
    image = Image(
        "a.elf", "", None, None, 1, (),
        (Section(".text", 0, 64 * len(names), 0, True, True, False),),
        tuple(Symbol(f.name, f.start, 64, "function", ".text") for f in functions), functions,
        origins=((0, "a.c"),),
    )  # fmt: skip
    found = by_symbols(image, [(piece, "itcm") for piece in all_pieces(image)])
    patterns = [one.pattern for one in found if isinstance(one, MovedSection)]
    assert len(patterns) >= 4
    for pattern in patterns:
        assert re.fullmatch(r"\*\(\.text\.[\w.$/~+,:=^!@%?-]*\)", pattern, re.ASCII), pattern


def test_a_file_name_is_one_word_of_the_command_that_is_advised() -> None:
    """What follows --until is read by a shell as the one word that it is."""

    class Lines:
        functions = (Function(0, "main", 0, 64),)

        def __init__(self, file: str) -> None:
            self.file = file

        def line_at(self, _: int) -> tuple[str, int]:
            return self.file, 7

    for file in ("a.c", "$(touch x).c", "a b.c", "`id`.c", "a;b.c", "it's.c"):
        image: Any = Lines(file)
        (told,) = endless_warning(image, [(0, 0)], 8, lambda *_: 2.0)
        words = shlex.split(told[told.index("--until ") :].removesuffix(" ends the run there"))
        assert words == ["--until", f"{file}:7@100"]


def test_the_list_of_documents_is_whole() -> None:
    """A format that is added is judged here or in test_injection.py."""
    assert set(comparisons.FORMATS) == {"text", "json", "csv", "html"}
    assert set(annotation_documents.FORMATS) == {"text", "json", "csv"}
    assert set(trends.FORMATS) == {"html", "text"}
    assert set(advices.FORMATS) == {"text", "json"}
    json.dumps(NASTY)
