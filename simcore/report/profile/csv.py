"""One table of a profile as CSV, functions by default."""

from __future__ import annotations

from simcore.costs.profile import Profile
from simcore.errors import ConfigError
from simcore.plain import field_names, to_plain
from simcore.report import RenderOptions
from simcore.report.page.csv import table_text


def render(profile: Profile, options: RenderOptions) -> str:
    """The table ``options.section``. Raises ConfigError when the profile does not hold it."""
    table = getattr(profile, options.section)
    if table is None and options.section == "interrupts":
        table = ()  # none was taken
    if table is None:
        raise ConfigError(
            f"the profile holds no {options.section}: run it again with --{options.section}"
        )
    return table_text([to_plain(row) for row in table], field_names(Profile, options.section))
