"""The reference pages of docs/ against the code that they describe: every key, and no other."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import simcore
from simcore.checking import settings
from simcore.cpu_model import load_cpu_model
from simcore.cpu_model.schema import (
    FACT_KEYS,
    SCHEMA,
    STATUSES,
    Fact,
    Named,
    Node,
    Parameters,
    Plain,
    Sources,
    Table,
)
from simcore.errors import ExitCode
from simcore.pipeline.rules_m7 import MECHANISMS
from simcore.report.check import REPORTS
from simcore.report.profile import FORMATS
from simcore.study.measured import measured_table
from simcore.whatif import config_file

DOCS = Path(__file__).parents[2] / "docs"
WITHOUT_BOUND = 1 << 62


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next of any level."""
    (body,) = re.findall(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", text, re.M | re.S)
    return str(body)


def rows(text: str, cells: int) -> list[tuple[str, ...]]:
    """The first cells of each row of the tables, without their heads."""
    lines = re.findall(r"^\| (.*) \|$", text, re.M)
    table = [tuple(re.split(r"(?<!\\) \| ", line)) for line in lines if "`" in line]
    return [row[:cells] for row in table]


def keys(text: str) -> set[str]:
    return {row[0].strip("`") for row in rows(text, 1)}


def described(path: str, node: Node, required: bool) -> Iterator[tuple[str, str, str]]:
    """Key, kind of value and range of every leaf below a node, as the page has them."""
    must = "; required" if required else ""
    match node:
        case Fact():
            kind = ", ".join((node.type, *(f"`{unit}`" for unit in node.units)))
            top = "" if node.maximum >= WITHOUT_BOUND else f" to {node.maximum:,}"
            bound = f"{node.minimum:,}{top}" if top else f"from {node.minimum:,}"
            span = ", ".join(f"`{choice}`" for choice in node.choices)
            if not span:
                span = "" if node.type == "flag" else bound
            yield f"`{path}`", kind + must, span
        case Plain():
            span = ", ".join(f"`{choice}`" for choice in node.choices)
            yield f"`{path}`", f"plain {node.type}{must}", span
        case Table():
            for key, below in node.keys.items():
                inside = f"{path}.{key}" if path else key
                yield from described(inside, below, key in node.required)
        case Named():
            yield from described(f"{path}.NAME", node.entry, False)
        case Sources():
            yield f"`{path}.TAG`", "plain text", ""
        case Parameters():
            pass


def test_the_page_of_part_files_has_every_key_with_its_unit_and_range() -> None:
    expected = [row for row in described("", SCHEMA, False) if "." in row[0] or "plain" in row[1]]
    text = page("part-files.md")
    found = rows(text[text.index("## The file") : text.index("## Pipeline")], 3)
    assert [row for row in expected if row not in found] == []
    assert [row for row in found if row not in expected] == []


def test_the_page_of_part_files_has_every_key_of_the_pipeline() -> None:
    facts = load_cpu_model("stm32f746").provenance
    expected: dict[str, set[str]] = {}
    for path in facts:
        if path.startswith("pipeline."):
            table, _, key = path.rpartition(".")
            expected.setdefault(table, set()).add(key)
    body = section(page("part-files.md"), "Pipeline")
    found = {
        name.strip("`"): set(re.findall(r"`(\w+)`", listed)) for name, _, listed in rows(body, 3)
    }
    assert found == expected


def test_the_page_of_part_files_has_the_keys_of_a_fact_and_every_status() -> None:
    text = page("part-files.md")
    assert keys(section(text, "A number")) == set(FACT_KEYS)
    assert keys(section(text, "Status")) == set(STATUSES)


def test_the_page_of_settings_has_every_key_of_a_check() -> None:
    text = page("settings.md")
    assert keys(section(text, "Keys of the file and of a run")) == {*settings.RUN_KEYS}
    assert keys(section(text, "Keys of the file alone")) == {"baseline", "run"}
    assert keys(section(text, "Keys of a run alone")) == {"elf", "name"}


def test_the_page_of_settings_has_every_key_of_a_study() -> None:
    found = keys(section(page("settings.md"), "What-if configurations"))
    assert found == {*config_file.TOP_KEYS, *config_file.ENTRY_KEYS}


def test_the_page_of_formats_has_every_format_and_what_it_needs_of_a_saved_profile() -> None:
    text = page("formats.md")
    assert keys(section(text, "Formats")) == {"--format", *FORMATS}
    needs = rows(section(text, "Another format later"), 1)
    assert {name for row in needs for name in re.findall(r"`(\w+)`", row[0])} == set(FORMATS)


def test_the_page_of_ci_has_every_report_and_every_exit_status() -> None:
    text = page("ci.md")
    assert keys(section(text, "Reports")) == set(REPORTS)
    assert keys(section(text, "Exit status")) == {str(code.value) for code in ExitCode}


def test_the_page_on_python_has_every_public_name() -> None:
    named = re.findall(r"^::: simcore\.(?:\S+\.)?(\w+)$", page("python.md"), re.M)
    named += ["__version__", "Profile"]  # the one is no news, the other in its module
    assert [name for name in simcore.__all__ if name not in named] == []


def test_the_page_on_architecture_has_the_packages_in_their_layers() -> None:
    project = tomllib.loads((DOCS.parent / "pyproject.toml").read_text("utf-8"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    text = section(page("architecture.md"), "Packages")
    found = [
        {name.removesuffix("/").removesuffix(".py") for name in re.findall(r"`(.*?)`", row[0])}
        for row in rows(text[: text.index("The C core is")], 1)
    ]
    assert found == [set(layer.split(" | ")) for layer in layers]
    # import-linter's own `exhaustive` takes what lies beside the checkout for modules of ours.
    folder = DOCS.parent / "simcore"
    modules = {path.stem for path in folder.glob("[a-z]*.py")}
    modules |= {path.parent.name for path in folder.glob("*/__init__.py")}
    assert set().union(*found) == modules
    native = {path.name for path in (DOCS.parent / "simcore" / "native").iterdir() if path.is_dir()}
    named = {name.removesuffix("/") for name in keys(text[text.index("The C core is") :])}
    assert native - {"__pycache__"} <= named


def test_the_words_of_the_glossary_stand_once_and_in_order() -> None:
    glossary = page("glossary.md").partition("\n## ")[0]
    words = re.findall(r"^\| (?!word|-)(.*?) \|", glossary, re.M)
    assert words == sorted(set(words))


def test_the_readme_is_one_page_and_lines_are_no_wider_than_120() -> None:
    readme = DOCS.parent / "README.md"
    assert len(readme.read_text("utf-8").splitlines()) <= 120
    for path in (readme, DOCS.parent / "MODEL.md", *DOCS.glob("*.md"), *DOCS.glob("model/*.md")):
        prose = re.sub(r"^```.*?^```|^\|.*?$", "", path.read_text("utf-8"), flags=re.M | re.S)
        wide = [line for line in prose.splitlines() if len(line) > 120]
        assert wide == [], path.name


def test_the_package_carries_the_sources_that_its_parts_cite() -> None:
    text = (DOCS.parent / "simcore/native/CMakeLists.txt").read_text("utf-8")
    carried = re.search(r"foreach\(folder ([^)]*)\)", text)
    assert carried is not None
    assert {"docs", "cpu_models"} <= set(carried[1].split())


def test_an_editable_install_puts_nothing_above_the_checkout_in_the_path() -> None:
    """Who may write there could give modules that are imported only where they are installed."""
    above = {str(folder) for folder in DOCS.parent.parents}
    for file in importlib.metadata.distribution("mcusim").files or ():
        if file.suffix == ".pth":
            assert above.isdisjoint(file.read_text("utf-8").splitlines())


def test_the_page_on_the_pipeline_has_every_mechanism() -> None:
    text = " ".join(page("model/pipeline.md").split())
    named = ", ".join(mechanism.name for mechanism in MECHANISMS[:-1])
    assert f"{named} and {MECHANISMS[-1].name} " in text


def test_the_published_times_of_networks_are_those_of_the_file() -> None:
    text = section(page("networks.md"), "Published times")
    for row in measured_table()["row"]:
        ad, ic = (f"{row['latency_ms'][name]:.3f}" for name in ("autoencoder", "resnet-8"))
        assert f"| {row['runtime']} | {ad} | {ic} |" in text
