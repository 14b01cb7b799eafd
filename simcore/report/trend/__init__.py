"""How runs changed from commit to commit: a page with a chart per metric, or the steps as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simcore.report import RenderOptions

if TYPE_CHECKING:
    from simcore.checking.trend import TrendStep

FORMATS = ("html", "text")


def render(steps: Sequence[TrendStep], format_name: str, options: RenderOptions) -> str:
    """The steps, of which there is one at least, in one of FORMATS."""
    from simcore.report.escaped import document_of

    if format_name == "html":
        from simcore.report.trend import html

        return document_of(html.render, tuple(steps), format_name)
    from simcore.report.trend import text

    return document_of(lambda found: text.render(found, options), tuple(steps), format_name)
