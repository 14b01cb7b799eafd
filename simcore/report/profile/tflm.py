"""Operations as TensorFlow Lite Micro's MicroProfiler::LogCsv() prints events."""

from __future__ import annotations

import csv
import io

from simcore.costs.profile import Profile
from simcore.report import RenderOptions
from simcore.report.profile.network_tables import layer_rows


def render(profile: Profile, options: RenderOptions) -> str:
    """An event for each operator of a network's first inference, or each operation of a program.

    Ticks are core cycles.
    """
    if profile.network is not None:
        events = [(row.layer.operator, row.cycles) for row in layer_rows(profile)]
    else:
        events = [(op.name, op.cycles) for op in profile.ops]
    out = io.StringIO()
    out.write('"Event","Tag","Ticks"\n')
    rows = [(at, tag, ticks) for at, (tag, ticks) in enumerate(events)]
    csv.writer(out, lineterminator="\n").writerows(rows)  # quotes a tag that has to be
    return out.getvalue()
