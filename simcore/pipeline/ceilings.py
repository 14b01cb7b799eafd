"""The ceilings of a part for a roofline: most MACs a cycle, and most bytes a cycle of each memory.

A cache-aware roofline (Ilic, Pratas, Sousa: Cache-aware Roofline model, IEEE CAL 2014): bytes are
those that the program's loads and stores move, whatever level answers, so one point a kernel can be
compared with the line of every memory. Ceilings come from the same model that times the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simcore.cpu_model import CpuModel
from simcore.isa import decode_block
from simcore.pipeline import make_pipeline

WORD_BYTES = 4
GROUP_BYTES = 8  # of a burst's beat, as in native/memory/parts.h
MEMORIES = ("flash", "sram", "external")  # kinds of regions that hold data behind a bus
REPEATS = 16  # of a MAC in each accumulator: enough for the pipeline to settle


@dataclass(frozen=True, slots=True)
class Ceilings:
    """What a part cannot exceed; `bytes_per_cycle` has what the core itself moves under CORE."""

    macs_per_cycle: Mapping[str, float]  # by instruction
    bytes_per_cycle: Mapping[str, float]  # by region, of reads that come to it one after the other


CORE = "TCM and cache hits"


def ceilings(
    model: CpuModel, clock_hz: int, voltage_scale: str | None = None, *, dcache: bool = True
) -> Ceilings:
    """The ceilings at a clock; `dcache` says whether data of cacheable regions is cached.

    Raises ConfigError for a clock that the part does not reach.
    """
    core = WORD_BYTES * model.core.pipeline.issue.words_per_cycle
    bandwidths = {CORE: float(core)}
    _, configs = model.timing(clock_hz, voltage_scale=voltage_scale)
    line_bytes = model.core.dcache.line_bytes
    for region, config in zip(model.regions, configs, strict=True):
        if region.kind not in MEMORIES:
            continue
        cached = dcache and bool(model.core.dcache.size) and region.cacheable
        bandwidths[region.name] = min(core, _read_rate(config, line_bytes if cached else 0))
    return Ceilings(_mac_rates(model), bandwidths)


def _read_rate(config: Mapping[str, int], line_bytes: int) -> float:
    """Bytes a cycle of reads in a row: linefills of the device, or single words when 0."""
    if line_bytes:
        moved = line_bytes
        cycles: float = config["read_cycles"]
        cycles += (line_bytes // GROUP_BYTES - 1) * config["beat_cycles"]
    else:
        moved = WORD_BYTES
        cycles = 1 + config["read_cycles"]
    if config["rows"] and not (config["prefetch"] and config["rows"] > 1):
        cycles += config["row_miss_cycles"] * moved / config["row_bytes"]
    return moved / max(cycles, 1)


def _mac_rates(model: CpuModel) -> dict[str, float]:
    """MACs a cycle of MAC instructions in a row, eight accumulators in turn."""
    accumulators = range(4, 12)
    smlad = b"".join(_thumb(0xFB20, 0x0000 | r << 12 | r << 8 | 1) for r in accumulators)
    vfma = b"".join(_thumb(0xEEA0, 0x0A20 | r << 12) for r in accumulators)
    return {
        "SMLAD, 16-bit": _mac_rate(model, smlad * REPEATS),
        "VFMA.F32": _mac_rate(model, vfma * REPEATS),
    }


def _thumb(first: int, second: int) -> bytes:
    """A 32-bit Thumb instruction of two halfwords."""
    return first.to_bytes(2, "little") + second.to_bytes(2, "little")


def _mac_rate(model: CpuModel, code: bytes) -> float:
    pipeline = make_pipeline(model.core.pipeline)
    block = decode_block(0, code)
    settled = pipeline.schedule(block, pipeline.reset_state).after_next
    return sum(block.macs) / pipeline.schedule(block, settled).cycles
