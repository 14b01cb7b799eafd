"""A network's layers as CSV with columns as those of Silicon Labs' MLTK profiler.

Its accelerator columns are zero: a Cortex-M7 has none.
"""

from __future__ import annotations

from simcore.costs.profile import Profile
from simcore.report import RenderOptions
from simcore.report.page.csv import table_text
from simcore.report.profile.network_tables import LayerRow, layer_rows, required_network


def render(profile: Profile, options: RenderOptions) -> str:
    """A row for each operator of the first inference; cycles, joules and seconds are of one.

    Raises ConfigError when the profile is of no network.
    """
    required_network(profile, "--format mltk")
    return table_text([_row(row) for row in layer_rows(profile)], ())


def _row(row: LayerRow) -> dict[str, object]:
    layer, op = row.layer, row.op
    return {
        "Index": layer.number,
        "OpCode": layer.operator.lower(),
        "# Ops": round(op.ops / row.calls),
        "# MACs": layer.macs,
        "Acc Cycles": 0,
        "CPU Cycles": row.cycles,
        "Energy (J)": op.energy_j / row.calls,
        "Time (s)": op.time_s / row.calls,
        "Input Shape": "x".join(map(str, layer.input_shape)),
        "Output Shape": "x".join(map(str, layer.output_shape)),
    }
