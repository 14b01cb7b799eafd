"""One table of a profile as CSV, functions by default."""

from __future__ import annotations

from typing import Any

from simcore.costs.network import NetworkCosts
from simcore.costs.profile import Profile
from simcore.errors import ConfigError
from simcore.plain import field_names, to_plain
from simcore.report import RenderOptions
from simcore.report.page.csv import table_text
from simcore.report.profile.network_tables import LayerCosts, layer_rows


def render(profile: Profile, options: RenderOptions) -> str:
    """The table ``options.section``. Raises ConfigError when the profile does not hold it."""
    if options.section == "layers":
        return _layers(profile)
    table = getattr(profile, options.section)
    if table is None and options.section == "interrupts":
        table = ()  # none was taken
    if table is None:
        raise ConfigError(
            f"the profile holds no {options.section}: run it again with --{options.section}"
        )
    return table_text([to_plain(row) for row in table], field_names(Profile, options.section))


def _layers(profile: Profile) -> str:
    """The layers of the first inference, then those of the ones behind it, each with its costs."""
    shown = "further" if profile.per is not None and profile.per.is_steady else "first"
    rows = [
        {"inference": inference, **_layer(row)}
        for inference, further in ((shown, False), ("further", True))
        for row in layer_rows(profile, further=further)
    ]
    return table_text(rows, ("inference", *field_names(NetworkCosts, "layers")))


def _layer(row: LayerCosts) -> dict[str, Any]:
    """What a layer is, then what one inference of it cost: sums over calls divided by these."""
    layer, op, plain = row.layer, row.op, to_plain(row.layer)
    shapes = {name: "x".join(map(str, plain.pop(name))) for name in ("input_shape", "output_shape")}
    for index in ("op", "further_op"):
        plain.pop(index, None)
    return {
        **plain,
        **shapes,
        "calls": row.calls,
        "cycles": row.cycles,
        "cycles_per_mac": row.cycles / layer.macs if layer.macs else None,
        "time_s": op.time_s / row.calls,
        "energy_j": op.energy_j / row.calls,
        "energy_low_j": op.energy_low_j / row.calls,
        "energy_high_j": op.energy_high_j / row.calls,
        "j_per_mac": op.energy_j / row.calls / layer.macs if layer.macs else None,
        "flash_read_bytes": row.flash_bytes,
        "icache_misses": op.icache_misses / row.calls,
        "dcache_misses": (op.dcache_read_misses + op.dcache_write_misses) / row.calls,
        "cycles_by_cause": {
            cause: cycles / row.calls for cause, cycles in (op.cycles_by_cause or {}).items()
        },
    }
