"""A network's layers as TensorFlow Lite Micro's MicroProfiler::LogCsv() prints events."""

from __future__ import annotations

from simcore.costs.profile import Profile
from simcore.report import RenderOptions
from simcore.report.profile.network_tables import layer_rows, required_network


def render(profile: Profile, options: RenderOptions) -> str:
    """An event for each operator of the first inference; ticks are core cycles.

    Raises ConfigError when the profile is of no network.
    """
    required_network(profile, "--format tflm")
    lines = [f"{row.layer.number},{row.layer.operator},{row.cycles}" for row in layer_rows(profile)]
    return "\n".join(['"Event","Tag","Ticks"', *lines]) + "\n"
