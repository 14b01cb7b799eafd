"""Operations as TensorFlow Lite Micro's MicroProfiler::LogCsv() prints events."""

from __future__ import annotations

import csv
import io

from simcore.costs.profile import Profile
from simcore.report import RenderOptions
from simcore.report.page.csv import cell
from simcore.report.profile.operator_rows import operator_rows


def render(profile: Profile, options: RenderOptions) -> str:
    """An event for each operator of a network, or each operation of another program.

    Ticks are core cycles of one inference, the mean where several were counted.
    """
    out = io.StringIO()
    out.write('"Event","Tag","Ticks"\n')
    rows = [(at, cell(row.operator), row.cycles) for at, row in enumerate(operator_rows(profile))]
    csv.writer(out, lineterminator="\n").writerows(rows)  # quotes a tag that has to be
    return out.getvalue()
