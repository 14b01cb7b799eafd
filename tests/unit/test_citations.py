"""scripts/check_citations.py: what opens, and what it says of what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.check_citations import ROOT, is_address, link_problems, problems, source_problems
from scripts.check_citations import text_problems as text_problems_of


def text_problems(text: str) -> list[str]:
    return [what for _, what in text_problems_of(text, ROOT)]


def links(text: str) -> list[str]:
    return [what for _, what in link_problems(text, ROOT / "README.md", ROOT)]


def test_every_citation_and_every_link_of_the_repository_opens() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("see docs/sources/gone.csv", "there is no docs/sources/gone.csv"),
        (
            "docs/sources/silicon.md 3.1 and 3.9",
            "docs/sources/silicon.md has no section 3.9",
        ),
        (
            "docs/sources/cortex-m7-timing.md (z)",
            "docs/sources/cortex-m7-timing.md has no section (z)",
        ),
        ("../" + "shared/design.md", "'../shared/design' is no place in this repository"),
        ("the project's timing" + " page", "'timing page' is no place in this repository"),
        ("http://exa mple", None),
        ("https://?", "https://? is no address"),
        ("docs/sources/silicon.md 3.1 to 3.3, kernels/startup/PART.ld", None),
    ],
)
def test_a_path_or_section_that_is_not_there_is_named(text: str, what: str | None) -> None:
    assert text_problems(text) == ([] if what is None else [what])


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[model](MODEL.md) and [web](https://example.org)", None),
        ("[model](MODELS.md)", "the link to MODELS.md leads to no file"),
        ("[out](../../etc/passwd)", "the link to ../../etc/passwd leads to no file"),
        ("[model](MODEL.md#gone)", "the link to MODEL.md#gone leads to no heading"),
        ("```\n[model](MODELS.md)\n```", None),
    ],
)
def test_a_link_that_leads_nowhere_is_named(text: str, what: str | None) -> None:
    assert links(text) == ([] if what is None else [what])


def test_a_link_may_name_a_heading(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One `word`, two\n\n[up](#one-word-two) [no](#one-word)\n")
    found = list(link_problems(page.read_text(), page, tmp_path))
    assert found == [(3, "the link to #one-word leads to no heading")]


def test_a_source_names_a_path_or_an_address() -> None:
    text = """
[sources]
PATH = "a table, docs/sources/oracle.csv"
ADDRESS = "a paper, https://arxiv.org/abs/1801.06601"
HEARSAY = "somebody said it"

[[network]]
name = "net"
source = "a talk"
"""
    assert list(source_problems(text, ROOT)) == [
        f"source {name} names no path of this repository and no address"
        for name in ("HEARSAY", "net")
    ]


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("https://arxiv.org/abs/1801.06601", True),
        ("http://localhost:8000", True),
        ("http://[broken", False),
        ("http://host:port", False),
        ("https://", False),
    ],
)
def test_an_address_is_known_by_its_form(text: str, good: bool) -> None:
    assert is_address(text) is good
