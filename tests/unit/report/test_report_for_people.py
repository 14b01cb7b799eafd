"""What people read first: the sentence, meanings of words and their colours, links, folded rows."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest

from simcore.cli.main import main
from simcore.core.counters import CAUSES as CAUSE_NAMES
from simcore.costs.energy import COMPONENTS as COMPONENT_NAMES
from simcore.costs.profile import Profile
from simcore.costs.tables import ObjectCosts, ObjectSite
from simcore.errors import ConfigError
from simcore.report import RenderOptions
from simcore.report.asleep import asleep
from simcore.report.headline import headline, headline_text
from simcore.report.html.colors import CEILINGS, OPERATORS, WORDS, color_rules
from simcore.report.html.details import Details
from simcore.report.html.page import _environment
from simcore.report.html.tables import HtmlColumn, HtmlTable, folded, text
from simcore.report.meanings import CAUSES, COMPONENTS
from simcore.report.page.names import fitted_places
from simcore.report.page.table import Column, build_table
from simcore.report.profile import render
from simcore.report.source_links import SourceLinks, checked_template
from tests.unit.handmade import KERNEL, kernel_profile, node, vector
from tests.unit.report.test_report_html import Page

ROOT = Path(__file__).resolve().parents[3]
TEMPLATE = "https://host/REPO/blob/{commit}/{path}#L{line}"


# -- words ---------------------------------------------------------------------------------------


def test_every_cause_and_component_has_a_meaning() -> None:
    assert tuple(CAUSES) == CAUSE_NAMES
    assert tuple(COMPONENTS) == COMPONENT_NAMES
    assert all(one.doing and one.remedy for name, one in CAUSES.items() if name != "sleep")


def test_the_glossary_has_the_meanings_word_for_word() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    spoken = [(name.replace("_", " "), one) for name, one in CAUSES.items()]
    rows = [f"| {name} | {one.words} | {one.remedy} |" for name, one in spoken]
    found = glossary.partition("## Causes of cycles")[2].partition("## Components of energy")
    assert re.findall(r"^\| (?!cause|-).*$", found[0], re.M) == rows
    rows = [f"| {name.replace('_', ' ')} | {one.words} |" for name, one in COMPONENTS.items()]
    assert re.findall(r"^\| (?!component|-).*$", found[2], re.M) == rows


def test_explain_says_the_sentence_and_what_the_words_of_the_run_mean() -> None:
    shown = " ".join(render(kernel_profile(), "text", RenderOptions(explain=True)).split())
    assert headline_text(headline(kernel_profile())) in shown
    assert CAUSES["load"].words in shown
    assert CAUSES["execute"].words not in shown  # nothing went on for further cycles
    plain = render(kernel_profile(), "text", RenderOptions())
    assert "In one sentence" not in plain
    assert CAUSES["load"].words not in plain


def oklab(color: str) -> tuple[float, ...]:
    """OKLab of #rrggbb, by the matrices of Ottosson's definition."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    middle = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def test_no_two_words_have_colors_that_look_alike() -> None:
    assert set(WORDS) >= {*CAUSE_NAMES, *COMPONENT_NAMES, "fetched", "read", "written"}
    colors = [*WORDS.values(), *OPERATORS, *CEILINGS]
    assert color_rules().count("background: #") == len(colors)
    apart = {
        (one, two): sum((a - b) ** 2 for a, b in zip(oklab(one), oklab(two), strict=True)) ** 0.5
        for one, two in combinations(colors, 2)
    }
    assert min(apart.values()) > 0.07


def test_a_row_that_is_grey_and_folded_has_both_marks() -> None:
    table = HtmlTable("t", "rows", (HtmlColumn("name"),), ((text("a"),),), faint={0}, low={0})
    page = _environment().from_string("{% from 'macros.html.j2' import table %}{{ table(one) }}")
    assert '<tr class="faint low">' in page.render(one=table)


# -- the sentence --------------------------------------------------------------------------------


def with_causes(**causes: int) -> Profile:
    """The kernel whose dearest function, dot, spends other cycles."""
    profile = kernel_profile()
    found = {**dict.fromkeys(CAUSE_NAMES, 0), **causes}
    dot = replace(profile.functions[0], cycles_self=sum(causes.values()), cycles_by_cause=found)
    assert dot.name == "dot"
    return replace(profile, functions=(dot, *profile.functions[1:]))


def test_the_sentence_names_the_costliest_function_its_cause_and_what_to_try() -> None:
    """dot: 600 of 922 cycles, 500 of which issue."""
    assert headline_text(headline(kernel_profile())) == (
        "dot costs most: 65.1 % of the cycles, 83 % of them issuing instructions; try fewer"
        " instructions: another algorithm, SIMD, more optimisation."
    )


def test_the_sentence_names_the_data_that_is_waited_for() -> None:
    site = ObjectSite(0x100, "dot", "dot.c", 3, 5, 0, 2, 300)
    weights = ObjectCosts("weights", "symbol", "flash", 0, 4, 5, 0, 20, 0, 2, 300, (site,))
    profile = replace(with_causes(issue=200, load=400), objects=(weights,))
    assert headline_text(headline(profile)) == (
        "dot costs most: 65.1 % of the cycles, 67 % of them waiting for loads, most for weights in"
        " flash; try --place weights=dtcm if it fits, or mcusim advise, which finds what to place"
        " where."
    )
    hits = replace(weights, misses=1, stall_cycles=398)  # a load of what was just stored
    found = headline_text(headline(replace(profile, objects=(hits,))))
    assert "in flash; try mcusim annotate, which shows the accesses that wait" in found
    fetches = headline_text(headline(with_causes(issue=200, fetch=400)))
    assert fetches.endswith("waiting for instructions; try --place dot=itcm, its code in ITCM.")


def test_a_run_without_functions_has_no_sentence() -> None:
    assert headline(replace(kernel_profile(), functions=(), call_tree=())) == ()


def test_the_sentence_of_a_run_that_sleeps_is_about_the_rest() -> None:
    asleep_node = node(0, 2, vector(instructions=1, cycles__issue=8, cycles__sleep=2790))
    profile = kernel_profile(replace(KERNEL, nodes=(*KERNEL.nodes, asleep_node)))
    found = headline_text(headline(profile))
    assert found.startswith("The core sleeps 75.0 % of the time; awake, dot costs most: 64.5 % of")
    slept = asleep(profile)
    assert (slept.cycles, slept.active) == (2790, 930)
    assert slept.below == {"fib": 2790, "main": 2790, "conv": 0, "dot": 0}


# -- rows ----------------------------------------------------------------------------------------


def test_rows_below_a_thousandth_are_folded_but_never_the_first_nor_a_few() -> None:
    columns = [HtmlColumn("name", numeric=False)]
    table = HtmlTable("t", "T", columns, [[text(str(n))] for n in range(12)])
    assert folded(table, [0.1] * 9 + [0.0009] * 3).low == {9, 10, 11}
    assert folded(table, [0.1] * 9 + [0.0009] * 3).low_note == "below 0.1 %"
    assert folded(table, [0.1] * 10 + [0.0009] * 2).low == ()
    assert folded(table, [0.0] * 12).low == {8, 9, 10, 11}
    assert folded(table, [-0.1] * 12).low == ()  # a change to the better is one


PLACES = ["src/a/kernel.c:12", "lib/a/kernel.c:12", "src/quite_a_long_file_name.c:1234", "a.c:1"]


@pytest.mark.parametrize("width", [20, 24, 30, 40, 100])
def test_lines_keep_file_and_number_at_any_width(width: int) -> None:
    from simcore.report.page.console import new_console, printed_text

    options = RenderOptions(width=width, ascii=False)
    console = new_console(options)
    columns = [Column("line", PLACES, places=True), Column("cycles", ["1,000"] * 4)]
    console.print(build_table(columns, width))
    shown = printed_text(console, options)
    first = re.sub(r" +1,000|\n", "", shown)
    for place in PLACES:
        assert place.rpartition("/")[2] in first
    assert max(map(len, shown.splitlines())) <= width


def test_places_lose_folders_and_stay_apart() -> None:
    assert fitted_places(PLACES[:2], 10) == PLACES[:2]  # what tells them apart is in front
    assert fitted_places(PLACES[2:], 10) == ["quite_a_long_file_name.c:1234", "a.c:1"]
    assert fitted_places(["C:\\a\\b\\k.c:1"], 8) == ["…/k.c:1"]


# -- links ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("javascript:alert({path})", "does not begin with https://"),
        ("file:///etc/{path}", "does not begin with https://"),
        ("https:///x/{path}", "does not begin with https://"),
        ("https://{path}/x", "does not begin with https://"),
        ("https://host/{path}/{lines}", "unknown placeholder {lines}; did you mean 'line'?"),
        ("https://host/{path}#{}", "unknown placeholder {}; there are {commit}, {path}, {line}"),
        ("https://host/{path}#L{line", "single brace"),
        ("https://host/x#L{line}", "lacks {path}"),
        ('https://host/{path}"onclick=x', "holds a character that no address has"),
        ("https://host/{path}\n", "holds a character that no address has"),
        ("https://[host/{path}", "is no address"),
    ],
)
def test_a_template_that_is_none_is_refused_in_one_line(template: str, said: str) -> None:
    with pytest.raises(ConfigError) as told:
        checked_template(template)
    assert said in str(told.value)
    assert "\n" not in str(told.value)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit, in a folder of which one works."""
    for variable in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR", "GITHUB_SHA", "CI_COMMIT_SHA"):
        monkeypatch.delenv(variable, raising=False)
    folder = tmp_path / "repository"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "a b.c").write_text("int a;\n")
    (tmp_path / "outside.c").write_text("int b;\n")
    name = ["-c", "user.name=x", "-c", "user.email=x@x"]
    for command in (["init", "-q"], ["add", "."], [*name, "commit", "-qm", "first"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    monkeypatch.chdir(folder / "src")
    return folder


def test_links_lead_to_the_commit_and_the_path_from_the_root(repository: Path) -> None:
    told = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=repository, check=True, capture_output=True, text=True
    )
    links = SourceLinks(TEMPLATE)
    commit = told.stdout.strip()
    expected = f"https://host/REPO/blob/{commit}/src/a%20b.c#L7"
    assert links("a b.c", 7) == expected
    assert links(str(repository / "src" / "a b.c"), 7) == expected
    assert links("C:\\build\\src\\a b.c", 7) == expected
    for other in ("../../outside.c", str(repository.parent / "outside.c"), "gone.c", None):
        assert links(other, 1) == ""
    assert not links.differs
    (repository / "src" / "a b.c").write_text("int changed;\n")
    assert SourceLinks(TEMPLATE).differs
    named = SourceLinks(TEMPLATE, commit="v1/<x>")
    assert named("a b.c", 1) == "https://host/REPO/blob/v1/%3Cx%3E/src/a%20b.c#L1"
    assert not named.differs


def test_a_commit_that_nobody_knows_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("GITHUB_SHA", "CI_COMMIT_SHA"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(ConfigError, match="say it with --source-commit"):
        SourceLinks(TEMPLATE)
    SourceLinks("https://host/{path}")


def test_the_page_links_functions_and_lines() -> None:
    def links(file: str | None, line: int | None) -> str:
        return f"https://host/{file}?a=1&b=2#L{line}" if file == "dot.c" else ""

    options = RenderOptions(details=Details(), links=links)
    page = Page(render(kernel_profile(), "html", options))
    leads = [attrs for tag, attrs in page.elements if tag == "a" and attrs.get("class") == "source"]
    assert {attrs["href"] for attrs in leads} == {"https://host/dot.c?a=1&b=2#L3"}
    assert {attrs["rel"] for attrs in leads} == {"noreferrer"}
    assert 'href="https://host/dot.c?a=1&amp;b=2#L3"' in page.source


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--source-url", "https://h/{path}"], "--source-url goes with --format html"),
        (["--source-commit", "x"], "goes with a --source-url that has {commit}"),
        (["--format", "html", "--explain"], "--explain goes with --format text"),
        (["--format", "html", "--source-url", "ftp://h/{path}"], "does not begin with https://"),
    ],
)
def test_options_that_would_do_nothing_are_refused(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["profile", "nothing.elf", *options]) == 2
    assert said in capsys.readouterr().err
