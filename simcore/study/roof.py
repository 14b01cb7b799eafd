"""What bounds a kernel on a part: multiply-accumulates and bytes a cycle, as the model has them."""

from __future__ import annotations

from dataclasses import dataclass

from simcore.cpu_model import CpuModel
from simcore.plain import Amount

MACS_PER_CYCLE = 2  # SMLAD: two 16-bit products a cycle, one DSP instruction issued a cycle
_WORD_BYTES = 4
_BEAT_BYTES = 8


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """Bytes a core cycle that one kind of access cannot exceed."""

    name: str
    bytes_per_cycle: Amount


def core_bandwidth(model: CpuModel) -> Bandwidth:
    """Loads that hit: words a cycle of the load pipes."""
    words = model.core.pipeline.issue.words_per_cycle
    return Bandwidth("loads that hit", float(_WORD_BYTES * words))


def refill_bandwidths(
    model: CpuModel, clock_hz: int, voltage_scale: str, regions: tuple[str, ...]
) -> tuple[Bandwidth, ...]:
    """Cache lines read one behind the other from each of these regions.

    A line costs the first beat, the row (of flash: the wait states) and a beat for each further
    eight bytes. Regions that are not cached have none.
    """
    _, configs = model.timing(clock_hz, "on", voltage_scale)
    line = model.core.dcache.line_bytes
    rows = []
    for region, config in zip(model.regions, configs, strict=True):
        if region.name in regions and region.cacheable and line:
            cycles = config["read_cycles"] + (line // _BEAT_BYTES - 1) * config["beat_cycles"]
            if config["rows"]:
                share = min(1.0, line / config["row_bytes"])  # of lines that open a row
                rows.append(
                    Bandwidth(region.name, line / (cycles + share * config["row_miss_cycles"]))
                )
            else:
                rows.append(Bandwidth(region.name, line / max(cycles, 1)))
    return tuple(rows)
