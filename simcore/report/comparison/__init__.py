"""Two profiles beside each other as a document: text, JSON, CSV, or a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simcore.errors import ConfigError
from simcore.report import RenderOptions

if TYPE_CHECKING:
    from simcore.comparison.comparison import Comparison
    from simcore.costs.profile import Profile

FORMATS = ("text", "json", "csv", "html")
#: Tables that the CSV output can hold, the first one when none is asked for.
SECTIONS = ("functions", "ops", "metrics", "causes", "components", "lines", "tasks")


def render(
    comparison: Comparison,
    format_name: str,
    options: RenderOptions,
    profiles: tuple[Profile, Profile] | None = None,
) -> str:
    """The comparison in one of FORMATS; a page needs the ``profiles`` that were compared.

    Raises ConfigError when the comparison does not hold the table that CSV is to have, or a page
    is asked for without profiles.
    """
    if format_name == "json":
        return comparison.to_json()
    from simcore.report.escaped import document_of

    if format_name == "html":
        from simcore.report.comparison import html

        if profiles is None:
            raise ConfigError(
                "a comparison holds no call trees, which its page draws: 'mcusim compare' the"
                " profiles with --format html"
            )
        links = () if options.links is None else (options.links,)
        both = (comparison, *profiles)
        return document_of(lambda found: html.render(*found, *links), both, format_name)
    from simcore.report.comparison import csv, text

    module = csv if format_name == "csv" else text
    return document_of(lambda found: module.render(found, options), comparison, format_name)
