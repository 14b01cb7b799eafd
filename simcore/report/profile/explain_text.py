"""What --explain adds to the text report: one sentence, and what its words mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from simcore.costs.profile import Profile
from simcore.report.headline import headline, headline_text
from simcore.report.meanings import Meaning
from simcore.report.page.console import Block
from simcore.report.page.styled import Stacked, TableColumn, Text, TextTable


def explained_blocks(profile: Profile) -> Iterator[Block]:
    """What costs most and why, and what to try."""
    if sentence := headline_text(headline(profile)):
        yield "In one sentence", "", Text(sentence)


def explained(
    table: TextTable, words: Mapping[str, Meaning], parts: Mapping[str, float]
) -> Stacked:
    """A table of causes or components, and below it what those of them mean that cost anything."""
    told = TextTable([TableColumn(), TableColumn(style="dim", fold=True)], show_header=False)
    for name, meaning in words.items():
        if parts.get(name):
            remedy = f"; try {meaning.remedy}" if meaning.remedy else ""
            told.rows.append(((name.replace("_", " "), f"{meaning.words}{remedy}"), ""))
    return Stacked(table, Text(), told)
