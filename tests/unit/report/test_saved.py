"""Documents that are read again: as they were written, or refused in one line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simcore.cli.main import main
from simcore.cpu_model import load_cpu_model
from simcore.errors import ConfigError
from simcore.report import RenderOptions
from simcore.report.profile import FORMATS, NEEDS, SECTIONS, SEVERAL_PARTS, document, parts
from simcore.report.saved import KINDS, Saved, load
from tests.unit.handmade import kernel_profile
from tests.unit.report.test_report_annotate import annotation, function

PLAIN = json.loads(kernel_profile().to_json())
OPTIONS = RenderOptions()


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Where a document is written to."""
    return tmp_path / "kernel.json"


def read(path: Path, plain: Any) -> Saved:
    path.write_text(json.dumps(plain))
    return load(str(path))


def changed(**values: Any) -> dict[str, Any]:
    """The profile with other values; ``__`` stands for the dot, numbers for places in lists."""
    plain: dict[str, Any] = json.loads(json.dumps(PLAIN))
    for name, value in values.items():
        *above, last = name.split("__")
        at: Any = plain
        for step in above:
            at = at[int(step) if isinstance(at, list) else step]
        at[int(last) if isinstance(at, list) else last] = value
    return plain


# -- as it was written -----------------------------------------------------------------------------


@pytest.mark.parametrize("schema", KINDS)
def test_a_kind_stands_under_the_schema_that_its_documents_name(schema: str) -> None:
    home = import_module(KINDS[schema].cls.rpartition(".")[0])
    assert schema == home.SCHEMA
    assert "json" in KINDS[schema].renderer.FORMATS


@pytest.mark.parametrize("format_name", sorted(set(FORMATS) - {"html"}))
def test_a_format_has_the_bytes_that_the_profile_itself_gives(
    written: Path, format_name: str
) -> None:
    kernel_profile().save(written)
    saved = load(str(written))
    assert saved.render(format_name, OPTIONS)[0] == document(kernel_profile(), format_name)


@pytest.mark.parametrize("section", SECTIONS)
def test_so_has_every_table_of_csv(written: Path, section: str) -> None:
    options = RenderOptions(section=section)
    text, lacking = read(written, PLAIN).render("csv", options)
    assert (text, lacking) == (document(kernel_profile(), "csv", options), ())


@pytest.mark.parametrize("format_name", SEVERAL_PARTS)
def test_profiles_of_several_parts_stay_beside_each_other(written: Path, format_name: str) -> None:
    saved = read(written, [PLAIN, changed(cpu__name="another")])
    other = replace(kernel_profile(), cpu=replace(kernel_profile().cpu, name="another"))
    wanted = parts.render([kernel_profile(), other], format_name, OPTIONS)
    assert saved.formats == SEVERAL_PARTS
    assert saved.render(format_name, OPTIONS) == (wanted, ())


# -- what a document lacks -------------------------------------------------------------------------


@pytest.mark.parametrize("format_name", NEEDS)
def test_a_format_without_its_table_says_how_to_get_it(written: Path, format_name: str) -> None:
    (table,) = NEEDS[format_name]
    plain = {key: value for key, value in PLAIN.items() if key != table}
    hint = f"kernel.json: the profile holds no {table}, .*: profile the ELF again with --{table}"
    with pytest.raises(ConfigError, match=hint):
        read(written, plain).render(format_name, OPTIONS)


def test_a_page_says_itself_what_it_lacks(written: Path) -> None:
    page, lacking = read(written, PLAIN).render("html", OPTIONS)
    assert isinstance(page, str)
    assert ["hot loops" in lacking[0], "roofline" in lacking[1]] == [True, True]
    assert "without a roofline: this mcusim has not the model of &#39;handmade&#39;" in page
    assert 'id="roof"' not in page


def test_a_page_has_the_roofline_of_a_model_that_is_the_same(written: Path) -> None:
    model = load_cpu_model("stm32f746")
    plain = changed(
        cpu__name=model.name, cpu__model_sha256=model.sha256, cpu__voltage_scale="scale1"
    )
    page, lacking = read(written, plain).render("html", OPTIONS)
    assert 'id="roof"' in str(page)
    assert len(lacking) == 1
    plain = changed(cpu__name=model.name, cpu__voltage_scale="scale1")  # another sum
    assert 'id="roof"' not in str(read(written, plain).render("html", OPTIONS)[0])


def test_a_document_cannot_have_a_file_read_as_its_model(written: Path, tmp_path: Path) -> None:
    model = load_cpu_model("stm32f746")
    own = tmp_path / "own.toml"
    own.write_text('extends = "stm32f746"\nname = "own"\n')
    plain = changed(cpu__name=str(own), cpu__model_sha256=model.sha256, cpu__voltage_scale="scale1")
    assert 'id="roof"' not in str(read(written, plain).render("html", OPTIONS)[0])


# -- documents of anybody --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plain", "reason"),
    [
        (None, "it has no 'schema' key"),
        ([], "it has no 'schema' key"),
        ([PLAIN, 3], "profile 2: not a document of mcusim"),
        (
            [{"schema": "mcusim.baseline/1"}],
            "has schema 'mcusim.baseline/1', and",
        ),
        ({"schema": 7}, "it has no 'schema' key"),
        ({"schema": "\x1b[2J"}, r"has schema '\?\[2J'"),
        ({"schema": "mcusim.profile/1"}, "corrupt profile: key 'tool' is missing"),
        ({"schema": "mcusim.whatif/1", "rows": 1}, "corrupt what-if study: unknown key 'rows'"),
        (changed(totals__cycles="9"), "'totals.cycles' is '9', not a whole number"),
        (changed(totals__cycles=-9), "corrupt profile: 'cycles' is negative"),
        (changed(cpu__clock_hz=0), "corrupt profile: 'cpu.clock_hz' is 0"),
        (changed(totals__energy_j=10**400), "'totals.energy_j' is not a finite number"),
    ],
)
def test_what_is_no_document_is_refused(written: Path, plain: Any, reason: str) -> None:
    with pytest.raises(ConfigError, match=rf"kernel\.json: (.*: )?{reason}"):
        read(written, plain)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"a": NaN', "\xff", "1" * 5000])
def test_what_is_no_json_is_refused(written: Path, text: str) -> None:
    written.write_text(text, encoding="latin-1")
    with pytest.raises(ConfigError, match=r"kernel\.json: not a"):
        load(str(written))


def test_a_path_that_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file; check the path"):
        load(str(tmp_path / "none.json"))
    for path in (str(tmp_path), "/dev/zero"):
        with pytest.raises(ConfigError, match="is no file"):
            load(path)


TREE = ("html", "callgrind", "pprof", "speedscope", "collapsed", "trace")


@pytest.mark.parametrize("format_name", TREE)
@pytest.mark.parametrize(("key", "value"), [("parent", 7), ("function", 99), ("op", 3)])
def test_a_call_tree_that_is_none_is_refused(
    written: Path, format_name: str, key: str, value: int
) -> None:
    saved = read(written, changed(**{f"call_tree__1__{key}": value}))
    with pytest.raises(ConfigError, match=rf"'call_tree\[1\]\.{key}' is {value}, which is not"):
        saved.render(format_name, OPTIONS)


def test_sums_that_do_not_fit_each_other_are_one_line(written: Path) -> None:
    plain = json.loads(annotation(function()).to_json())
    plain["functions"][0]["cycles"] += 1
    with pytest.raises(ConfigError, match="corrupt annotation: cannot be shown as text"):
        read(written, plain).render("text", OPTIONS)


def test_a_call_tree_that_would_fill_the_memory_is_refused(written: Path) -> None:
    node = PLAIN["call_tree"][0]
    deep = [{**node, "parent": n - 1 if n else None} for n in range(12_000)]
    with pytest.raises(ConfigError, match="its call tree is too deep"):
        read(written, changed(call_tree=deep)).render("collapsed", OPTIONS)


def test_a_span_of_no_node_is_refused(written: Path) -> None:
    saved = read(written, changed(timeline__spans__0__node=7))
    with pytest.raises(ConfigError, match="its timeline has node 7"):
        saved.render("trace", OPTIONS)


@pytest.mark.parametrize("format_name", sorted(set(FORMATS) - {"json", "pprof", "html"}))
def test_a_name_moves_no_cursor_and_begins_no_line(written: Path, format_name: str) -> None:
    evil = "\x1b[2Jdot\nfn=(9) evil\x9b\ud800"
    saved = read(
        written,
        changed(
            functions__0__name=evil,
            functions__0__file=evil,
            instructions__0__function=evil,
            coverage__0__file=evil,
            elf__name=evil,
        ),
    )
    text = str(saved.render(format_name, RenderOptions(ascii=False, width=400))[0])
    assert not any(c in text for c in "\x1b\x9b\ud800")
    assert not [line for line in text.splitlines() if line.startswith("fn=(9) evil")]
    text.encode()


def test_arguments_keep_their_lines(written: Path) -> None:
    saved = read(written, changed(args=["a\nb"]))
    assert json.loads(str(saved.render("json", OPTIONS)[0]))["args"] == ["a\nb"]


def leaves(plain: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of all values of a document."""
    if above:
        yield above
    if isinstance(plain, dict | list):
        items = plain.items() if isinstance(plain, dict) else enumerate(plain)
        for key, value in items:
            yield from leaves(value, (*above, key))


LEAVES = list(leaves(PLAIN))
VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    1,
    -1,
    10**15,
    10**30,
    1e300,
    "",
    "x",
    "\n",
    [],
    [0],
    {},
    {"x": 1},
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(LEAVES), st.sampled_from(VALUES), st.sampled_from(FORMATS))
def test_whatever_a_profile_holds_there_is_a_report_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, place: tuple[Any, ...], value: Any, format_name: str
) -> None:
    plain = json.loads(json.dumps(PLAIN))
    at = plain
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = value
    path = tmp_path_factory.mktemp("any") / "any.json"
    said = ""
    try:
        read(path, plain).render(format_name, OPTIONS)
    except ConfigError as error:
        said = str(error)
    assert "\n" not in said
    assert len(said) < 1000


def test_compare_reads_profiles_as_carefully(
    written: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.json"
    other.write_text(json.dumps(changed(functions__0__name="\x1b[2Jdot")))
    kernel_profile().save(written)
    assert main(["compare", str(written), str(other)]) == 0
    said = capfd.readouterr().out
    assert "?[2Jdot" in said
    assert "\x1b" not in said
    other.write_text(json.dumps([PLAIN, PLAIN]))
    assert main(["compare", str(written), str(other)]) == 2
    assert (
        "other.json: holds several profiles where one profile is wanted" in capfd.readouterr().err
    )


# -- the command -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--format", "junit"], r"kernel.json \(profile\) has no format junit; it has text, json"),
        (["--weight", "time"], "--weight goes with --format collapsed"),
        (["--format", "json", "--top", "3"], "--top goes with --format text"),
        (["--format", "csv", "--section", "line"], "has no table 'line'; did you mean 'lines'"),
        (["--format", "text", "--section", "ops"], "--section goes with --format csv"),
    ],
)
def test_what_a_report_would_ignore_is_refused(
    written: Path,
    options: list[str],
    reason: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kernel_profile().save(written)
    monkeypatch.chdir(written.parent)
    assert main(["report", "kernel.json", *options]) == 2
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert re.search(reason, said.err), said.err


def test_the_status_does_not_judge_and_warnings_are_told(
    written: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    written.write_text(json.dumps(changed(exit={"reason": "exit", "code": 3, "fault": None})))
    assert main(["report", str(written), "--format", "speedscope"]) == 0
    assert capfd.readouterr().err == "mcusim: warning: reads of 0x40023800 returned 0\n"
