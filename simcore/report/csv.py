"""One table of a profile as CSV (RFC 4180, a header row, LF line ends), functions by default.

Nested tables become dotted columns: ``cycles_by_cause.load``, ``traffic.flash.read_bytes``.
Columns are the same in every row; a value that does not exist is empty.
"""

from __future__ import annotations

import csv
import io
from typing import Any

from simcore.errors import ConfigError
from simcore.profiles import Profile
from simcore.record import field_names, to_plain
from simcore.report import RenderOptions


def render(profile: Profile, options: RenderOptions) -> str:
    """The table ``options.section``. Raises ConfigError when the profile does not hold it."""
    table = getattr(profile, options.section)
    if table is None:
        raise ConfigError(
            f"the profile holds no {options.section}: run it again with --{options.section}"
        )
    rows = [_flatten(to_plain(row)) for row in table]
    # A dict keeps the order of first appearance; an empty table still says what it would hold.
    keys = (key for row in rows for key in row) if rows else field_names(Profile, options.section)
    out = io.StringIO()
    writer = csv.DictWriter(out, list(dict.fromkeys(keys)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _flatten(plain: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in plain.items():
        if isinstance(value, dict):
            flat.update(_flatten(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat
