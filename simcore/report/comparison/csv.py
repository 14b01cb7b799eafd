"""One table of a comparison as CSV, functions by default."""

from __future__ import annotations

from simcore.comparison.comparison import Comparison
from simcore.errors import ConfigError
from simcore.plain import field_names, to_plain
from simcore.report import RenderOptions
from simcore.report.comparison.tasks import flat_task
from simcore.report.page.csv import table_text


def render(comparison: Comparison, options: RenderOptions) -> str:
    """The table ``options.section``. Raises ConfigError when the comparison does not hold it."""
    rows = getattr(comparison, options.section)
    if options.section == "tasks":
        return table_text([flat_task(row) for row in rows or ()], tuple(flat_task(None)))
    if rows is None:
        raise ConfigError(
            "the profiles do not both hold lines: make them with --lines or --instructions"
        )
    return table_text([to_plain(row) for row in rows], field_names(Comparison, options.section))
