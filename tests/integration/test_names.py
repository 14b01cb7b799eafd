"""C++ and Rust programs: their names in every format, and in every option that takes one."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path

import pytest

from simcore.annotation.annotator import annotate_run
from simcore.checking.limits import parse_limits
from simcore.checking.verdicts import judge
from simcore.comparison.comparison import compare
from simcore.comparison.summary import summarize
from simcore.costs.profile import Profile
from simcore.elf import load_image
from simcore.elf.names import without_brackets
from simcore.errors import ConfigError
from simcore.placement import place
from simcore.report import RenderOptions
from simcore.report import annotation as annotation_report
from simcore.report.profile import FORMATS, document
from simcore.report.symbols import with_symbols
from simcore.run.places import find_entry, find_place
from simcore.simulation.program import Program, open_program
from tests.integration.programs import FIRMWARE

NAMES = FIRMWARE / "names.elf"
#: Of each program a function that ran, and its symbol.
SHOWN = {
    "names": ("ns::Box<int>::operator+(ns::Box<int> const&) const", "_ZNK2ns3BoxIiEplERKS1_"),
    "rust_names_v0": (
        "<rust_names::motor::Wheel<u32>>::turns",
        "_RNvMNtCse07kidgauxa_10rust_names5motorINtB2_5WheelmE5turnsB4_",
    ),
    "rust_names_legacy": (
        "<rust_names::motor::Wheel<u32> as rust_names::motor::Drive>::drive",
        "_ZN80_$LT$rust_names..motor..Wheel$LT$u32$GT$$u20$as$u20$rust_names..motor..Drive$GT$5drive"
        "17hf2b02c05efacfaa4E",
    ),
}


OF_OPERATIONS = ("tflm", "mltk")  # formats without functions


@cache
def program(stem: str) -> Program:
    return open_program(FIRMWARE / f"{stem}.elf", timeline=True)


@cache
def profiled(stem: str) -> Profile:
    from simcore.profiler import profile_program

    return profile_program(
        open_program(
            FIRMWARE / f"{stem}.elf", timeline=True, instructions=True, coverage=True, lines=True
        )
    )


@pytest.mark.parametrize("stem", SHOWN)
@pytest.mark.parametrize("form", [form for form in FORMATS if form not in OF_OPERATIONS])
def test_every_format_shows_the_name_as_it_was_written(
    stem: str, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, symbol = SHOWN[stem]
    if form == "lcov":  # it leaves out sources that are not here, as those of a unit of Rust code
        monkeypatch.setattr("simcore.repository.Checkout.find", lambda checkout, file: Path(file))
    shown = document(profiled(stem), form, RenderOptions(width=200, top=0))
    text = gzip.decompress(shown).decode("latin-1") if isinstance(shown, bytes) else shown
    if form == "html":
        text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert name in text
    assert (symbol in text) == (form in ("json", "csv", "pprof"))


@pytest.mark.parametrize("stem", SHOWN)
def test_it_runs_to_its_end_and_its_names_are_unique(stem: str) -> None:
    profile = profiled(stem)
    assert profile.exit.status == 0
    names = [row.name for row in profile.functions]
    assert len(set(names)) == len(names)


def test_json_holds_the_symbol_where_it_differs_and_reads_back() -> None:
    profile = profiled("names")
    rows = {row.name: row for row in profile.functions}
    assert rows[SHOWN["names"][0]].symbol == SHOWN["names"][1]
    assert rows["main"].symbol is None
    assert rows["plain_sum"].aliases == ("weak_sum",)
    assert Profile.from_json(profile.to_json()) == profile
    first = json.loads(profile.to_json())["functions"][0]
    assert "symbol" not in first
    assert "aliases" not in first


def test_a_saved_profile_with_symbols_is_that_of_a_run_without_demangling() -> None:
    from simcore.profiler import profile

    plain = profile(NAMES, demangle=False)
    saved = with_symbols(profile(NAMES))
    assert {row.name for row in saved.functions} == {row.name for row in plain.functions}
    assert {row.name for row in saved.objects} == {row.name for row in plain.objects}
    assert [row.symbol for row in plain.functions if row.symbol] == [
        without_brackets(row.name) for row in plain.functions if row.symbol
    ]


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        ("ns::f", 4),
        ("ns::f(int)", 1),
        ("ns::f(int,char const*)", 1),
        ("_ZN2ns1fEc", 1),
        ("ns::Box<*>::get", 2),
        ("helper", 2),
        ("helper(int) [names.cpp]", 1),
        ("weak_sum", 1),
        ("(anonymous namespace)::hidden", 2),
    ],
)
def test_operations_and_annotations_take_any_spelling(pattern: str, count: int) -> None:
    from simcore.profiler import profile

    run = program("names")
    simulation = run.run()
    asked = profile(NAMES, ops=[pattern])
    assert len({op.caller for op in asked.ops}) == count
    assert not [op for op in asked.ops if op.call is None]
    assert len(annotate_run(simulation, [pattern]).functions) == count


def test_places_take_any_spelling() -> None:
    image = load_image(NAMES)
    assert len(find_place(image, "--until", "ns::f").addresses) == 4
    assert find_place(image, "--until", "ns::f(char)@3").count == 3
    assert find_place(image, "--until", "weak_sum").addresses == (
        find_place(image, "--until", "plain_sum").addresses
    )
    with pytest.raises(ConfigError, match=r"0x[0-9a-f]{8} ns::f\(int\), 0x.* ns::f\(char\)"):
        find_entry(image, "ns::f")
    with pytest.raises(ConfigError, match=r"did you mean 'ns::largest<int>'\?"):
        find_place(image, "--until", "ns::largest<in>")


@pytest.mark.parametrize(
    ("request_text", "names"),
    [
        ("ns::shared_table=dtcm", ["ns::shared_table"]),
        ("table=dtcm", ["table [names.cpp]", "table [names_other.cpp]"]),
        ("table [names.cpp]=dtcm", ["table [names.cpp]"]),
        ("ns::Box<int>::operator+=itcm", [SHOWN["names"][0]]),
        ("ns::Box<int>::operator==(ns::Box<int> const&) const=itcm", ["ns::Box<int>::operator=="]),
        ("ns::sum()+ns::f(char)=itcm", ["ns::sum", "ns::f"]),
        ("function:ns::f(int)=itcm", ["ns::f"]),
        ("weak_sum=itcm", ["plain_sum"]),
    ],
)
def test_placements_take_any_spelling(request_text: str, names: list[str]) -> None:
    run = program("names")
    items = place(run.image, run.spec.setup().model, [request_text]).items
    assert len(items) == len(names)
    for name in names:
        assert any(item.name.startswith(name) for item in items), (name, items)


def test_limits_take_any_spelling() -> None:
    after = summarize(profiled("names"))
    for scope, count in (
        ("function=ns::f", 4),
        ("function=ns::f(int, char const*)", 1),
        ("function=_ZN2ns1fEc", 1),
        ("elf=names:function=ns::Box<int>::operator==", 1),
        ("function=weak_sum", 1),
    ):
        limits = parse_limits(f"{scope}:cycles=1,energy=1", "--limit")
        rows = [value for value in judge(after, None, limits) if value.kind == "function"]
        assert len(rows) == 2 * count, scope
        assert all(value.after is not None for value in rows), scope


def test_a_baseline_of_symbols_matches_by_symbol() -> None:
    from simcore.profiler import profile

    changes = compare(profile(NAMES, demangle=False), profile(NAMES))
    assert {row.status for row in changes.functions} == {"same"}
    assert not any(row.cycles_difference for row in changes.functions)
    assert SHOWN["names"][0] in [row.name for row in changes.functions]


def test_annotate_says_what_else_a_function_is_called() -> None:
    annotation = annotate_run(program("names").run(), ["plain_sum"])
    text = annotation_report.render(annotation, "text", RenderOptions(width=200))
    assert "also weak_sum: the calls of all its names are summed" in text
    assert json.loads(annotation.to_json())["functions"][0]["aliases"] == ["weak_sum"]


def test_the_text_report_of_a_narrow_terminal_keeps_functions_apart(tmp_path: Path) -> None:
    text = document(profiled("names"), "text", RenderOptions(width=60, top=0))
    assert isinstance(text, str)
    table = text.split("\nFunctions", 1)[1].split("\n\n", 1)[0].split("\n")[2:]
    names = [line.split("  ")[0] for line in table]
    assert len(names) == len(profiled("names").functions)
    assert len(set(names)) == len(names)
    assert max(map(len, table)) <= 60
