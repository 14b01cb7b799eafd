"""Operations as the CSV of Silicon Labs' MLTK profiler, for scripts that read it.

The columns are those of `ProfilingModelResults.to_csv()` in mltk/core/profiling_results.py of
github.com/SiliconLabs/mltk (read at commit 50b72128): keys of a layer's summary, not the labels of
its text table such as "# MACs". As there, what all layers lack is left out: `accelerator_cycles`,
as a Cortex-M7 has no accelerator, `supported` and `error_msg`. Its `options` are not known here, so
that the column is empty, and of several inputs `input_shape` has the first.
"""

from __future__ import annotations

from simcore.costs.op_tables import OpCosts
from simcore.costs.profile import Profile
from simcore.report import RenderOptions
from simcore.report.page.csv import table_text
from simcore.report.profile.network_tables import LayerCosts, layer_rows

_COLUMNS = (
    "index", "opcode", "ops", "macs", "cpu_cycles", "energy", "time", "input_shape",
    "output_shape", "options",
)  # fmt: skip


def render(profile: Profile, options: RenderOptions) -> str:
    """A row for each operator of a network's first inference, or each operation of a program.

    Cycles, joules and seconds are of one inference, or of all calls.
    """
    if profile.network is not None:
        rows = [_layer(row) for row in layer_rows(profile)]
    else:
        rows = [_row(at, op.name, op, 1, ("", "")) for at, op in enumerate(profile.ops)]
    return table_text(rows, _COLUMNS)


def _layer(row: LayerCosts) -> dict[str, object]:
    layer = row.layer
    shapes = "x".join(map(str, layer.input_shape)), "x".join(map(str, layer.output_shape))
    return _row(layer.number, layer.operator.lower(), row.op, row.calls, shapes)


def _row(at: int, name: str, op: OpCosts, calls: int, shapes: tuple[str, str]) -> dict[str, object]:
    values = (
        at, name, round(op.ops / calls), round(op.macs / calls), round(op.cycles / calls),
        op.energy_j / calls, op.time_s / calls, *shapes, "",
    )  # fmt: skip
    return dict(zip(_COLUMNS, values, strict=True))
