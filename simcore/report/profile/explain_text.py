"""What --explain adds to the text report: one sentence, and what its words mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.console import Group
from rich.table import Table
from rich.text import Text

from simcore.costs.profile import Profile
from simcore.report.headline import headline, headline_text
from simcore.report.meanings import Meaning
from simcore.report.page.console import Block


def explained_blocks(profile: Profile) -> Iterator[Block]:
    """What costs most and why, and what to try."""
    if sentence := headline_text(headline(profile)):
        yield "In one sentence", "", Text(sentence)


def explained(table: Table, words: Mapping[str, Meaning], parts: Mapping[str, float]) -> Group:
    """A table of causes or components, and below it what those of them mean that cost anything."""
    told = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    told.add_column(no_wrap=True)
    told.add_column(overflow="fold", style="dim")
    for name, meaning in words.items():
        if parts.get(name):
            remedy = f"; try {meaning.remedy}" if meaning.remedy else ""
            told.add_row(Text(name.replace("_", " ")), Text(f"{meaning.words}{remedy}"))
    return Group(table, Text(), told)
