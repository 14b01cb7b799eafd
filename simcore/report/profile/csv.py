"""One table of a profile as CSV, functions by default."""

from __future__ import annotations

from typing import Any

from simcore.costs.network import NetworkCosts
from simcore.costs.op_tables import OpCosts
from simcore.costs.profile import Profile
from simcore.errors import ConfigError
from simcore.plain import field_names, to_plain
from simcore.report import RenderOptions
from simcore.report.page.csv import table_text
from simcore.report.profile.network_tables import LayerCosts, layer_rows
from simcore.report.profile.operator_rows import shape_text
from simcore.run.asked import NetworkOperator


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
    """The layers of the first inference, then those of the ones behind it, each with its costs.

    Of a network in firmware, its operators: one interpreter calls them in all inferences alike.
    """
    steady = profile.per is not None and profile.per.is_steady
    rows = [
        {"inference": inference, **_layer(row)}
        for inference, further in (("further" if steady else "first", False), ("further", True))
        for row in layer_rows(profile, further=further)
    ]
    rows += [
        {"inference": _which(op, steady), **_operator(op, op.operator)}
        for op in profile.ops
        if op.operator is not None
    ]
    return table_text(rows, ("inference", *field_names(NetworkCosts, "layers")))


def _which(op: OpCosts, steady: bool) -> str:
    return "all" if op.invocations > 1 else "further" if steady else "first"


def _layer(row: LayerCosts) -> dict[str, Any]:
    """What a layer is, then what it cost."""
    layer, plain = row.layer, to_plain(row.layer)
    plain |= {name: shape_text(getattr(layer, name)) for name in ("input_shape", "output_shape")}
    plain["macs"] = row.macs
    for index in ("op", "further_op"):
        plain.pop(index, None)
    flash = sum(t.read_bytes for name, t in row.op.traffic.items() if name in row.flash)
    return {**plain, **_costs(row.op, layer.macs > 0), "flash_read_bytes": flash}


def _operator(op: OpCosts, at: NetworkOperator) -> dict[str, Any]:
    """The same of an operator that firmware ran; empty what its model does not say."""
    return {
        "number": at.index,
        "operator": op.kind,
        "layer": None,
        "output": at.outputs[0] if at.outputs else "",
        "type": None,
        "input_shape": shape_text(*at.input_shapes[:1]),
        "output_shape": shape_text(*at.output_shapes[:1]),
        "kernel": at.kernel,
        "optimised": None,
        "macs": op.macs // max(op.invocations, 1),
        "param_bytes": op.param_bytes,
        "activation_bytes": op.activation_bytes,
        "setup": None,
        **_costs(op, op.macs > 0),
        "flash_read_bytes": None,
        "model": at.model,
        "subgraph": at.subgraph,
    }


def _costs(op: OpCosts, has_macs: bool) -> dict[str, Any]:
    """What a row of JSON's ops says: sums over calls, but for what is per MAC."""
    return {
        "calls": op.invocations,
        "cycles": op.cycles,
        "mean_cycles": op.cycles / max(op.invocations, 1),
        "cycles_per_mac": op.cycles_per_mac if has_macs else None,
        "time_s": op.time_s,
        "energy_j": op.energy_j,
        "energy_low_j": op.energy_low_j,
        "energy_high_j": op.energy_high_j,
        "j_per_mac": op.j_per_mac if has_macs else None,
        "icache_misses": op.icache_misses,
        "dcache_misses": op.dcache_read_misses + op.dcache_write_misses,
        "cycles_by_cause": op.cycles_by_cause or {},
    }
