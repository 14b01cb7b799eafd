"""Operations as the CSV of Silicon Labs' MLTK profiler, for scripts that read it.

The columns are those of `ProfilingModelResults.to_csv()` in mltk/core/profiling_results.py of
github.com/SiliconLabs/mltk (read at commit 50b72128): keys of a layer's summary, not the labels of
its text table such as "# MACs". As there, what all layers lack is left out: `accelerator_cycles`,
as a Cortex-M7 has no accelerator, `supported` and `error_msg`. Its `options` are not known here, so
that the column is empty, and of several inputs `input_shape` has the first.
"""

from __future__ import annotations

from simcore.costs.profile import Profile
from simcore.report import RenderOptions
from simcore.report.page.csv import table_text
from simcore.report.profile.operator_rows import operator_rows

_COLUMNS = (
    "index", "opcode", "ops", "macs", "cpu_cycles", "energy", "time", "input_shape",
    "output_shape", "options",
)  # fmt: skip


def render(profile: Profile, options: RenderOptions) -> str:
    """A row for each operator of a network, or each operation of another program.

    Cycles, joules and seconds are of one inference, the mean where several were counted.
    """
    is_network = any(op.operator for op in profile.ops) or profile.network is not None
    rows = []
    for row in operator_rows(profile):
        name = row.operator.lower() if is_network else row.operator
        values = (
            row.number, name, row.operations, row.macs, row.cycles, row.energy_j, row.time_s,
            *row.shapes, "",
        )  # fmt: skip
        rows.append(dict(zip(_COLUMNS, values, strict=True)))
    return table_text(rows, _COLUMNS)
