"""From wait states, bus clocks and widths to the core-cycle latencies that core.h asks for.

Everything is rounded up to whole core cycles. A read that misses no row costs

    bus.core_cycles + bus.read_cycles x bus divider + memory.read_cycles x device divider

and a row miss adds (memory.row_miss_cycles + flash wait states) x device divider. A memory without
a clock of its own runs at the clock of its bus. The synchronisation between two clocks is in
`core_cycles`; its phase is not modelled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simcore.cpu_model import CACHE_CONTROLS, Bus, CacheParams, CoreModel, CpuModel, Memory
from simcore.cpu_model.schema import CACHE_POLICIES, REGION_KINDS, REPLACEMENTS
from simcore.errors import ConfigError, nearest

if TYPE_CHECKING:
    from simcore.cpu_model import OperatingPoint
    from simcore.cpu_model.around import FlashControl

#: The mechanism of the pipeline (simcore/pipeline/hazards.py) that the C core times.
STORE_TO_LOAD = "store-to-load"
_BEAT_BITS = 64


def timing_config(core: CoreModel, clock_hz: int, caches: str) -> dict[str, Any]:
    """The fields of struct timing_config. Raises ConfigError for an unknown cache control."""
    if caches not in CACHE_CONTROLS:
        raise ConfigError(
            f"caches '{caches}' is none of {', '.join(CACHE_CONTROLS)}"
            f"{nearest(caches, CACHE_CONTROLS)}"
        )
    memory, branch = core.memory, core.branch
    return {
        "icache": _cache_config(core.icache),
        "dcache": _cache_config(core.dcache),
        "caches": CACHE_CONTROLS.index(caches),
        "linefill_buffers": memory.linefill_buffers,
        "store_buffer_entries": memory.store_buffer_entries,
        "store_queue_entries": memory.store_queue_entries,
        "ahbp_writes": memory.ahbp_writes,
        "read_burst_bytes": memory.read_burst_bytes,
        "subword_store_cycles": memory.subword_store_cycles,
        "word_store_cycles": memory.word_store_cycles,
        "load_after_store_cycles": (
            0 if STORE_TO_LOAD in core.pipeline.without else memory.load_after_store_cycles
        ),
        "dynamic_read_allocate": int(memory.dynamic_read_allocate),
        "read_allocate_after": memory.read_allocate_after,
        "fetch_queue_groups": core.pipeline.fetch.queue_groups,
        "btac_entries": branch.btac_entries,
        "btac_ways": branch.btac_ways,
        "return_stack_entries": branch.return_stack_entries,
        "btac_read_disabled": int(branch.btac_read_disabled),
        "static_taken_cycles": branch.static_taken_cycles,
        "indirect_mispredict_cycles": branch.indirect_mispredict_cycles,
        "exception_entry_cycles": branch.exception_entry_cycles,
        "exception_return_cycles": branch.exception_return_cycles,
        "exception_chain_cycles": branch.exception_chain_cycles,
        "exception_fp_cycles": branch.exception_fp_cycles,
        "clock_hz": clock_hz,
    }


def flash_config(control: FlashControl, wait_states: int) -> dict[str, int]:
    """The fields of struct timing_config that say how firmware controls the flash."""
    return {
        "flash_control": control.address,
        "flash_latency_mask": control.latency_mask,
        "flash_prefetch_mask": control.prefetch_mask,
        "flash_accelerator_mask": control.accelerator_mask,
        "flash_wait_states": wait_states,
    }


def region_configs(
    model: CpuModel, clock_hz: int, point: OperatingPoint, wait_states: int
) -> list[dict[str, int]]:
    """The fields of struct region_config for each region, in the order of model.regions."""
    devices = sorted({region.device for region in model.regions})
    configs = []
    for region in model.regions:
        memory = model.memories[region.memory]
        bus = model.buses[memory.bus]
        configs.append(
            {
                "base": region.base,
                "size": region.size,
                "kind": REGION_KINDS.index(region.kind),
                "policy": CACHE_POLICIES.index(region.policy),
                "bank_of": devices.index(region.device),
                "prefetch": int(memory.prefetch),
                "never_cached": int(not region.cacheable),
                "accelerated": int(memory.accelerator),
                **_latencies(memory, bus, clock_hz, point, wait_states),
            }
        )
    return configs


def bus_divider(bus: Bus, clock_hz: int, point: OperatingPoint) -> int:
    """Core clock over bus clock: fixed, or the smallest power of two within the bus's limit."""
    if bus.divider:
        return bus.divider
    limit = bus.max_clock or point.max_bus_clock
    divider = 1
    while clock_hz > limit * divider:
        divider *= 2
    return divider


def flash_wait_states(bus_clock_hz: float, point: OperatingPoint) -> int:
    """The wait states the flash needs at a clock of its bus. Raises ConfigError above its limit."""
    for wait_states, limit in enumerate(point.wait_state_clocks):
        if bus_clock_hz <= limit:
            return wait_states
    raise ConfigError(
        f"a flash bus clock of {bus_clock_hz:.0f} Hz is above what voltage scale"
        f" {point.voltage_scale} allows; choose a lower --clock or another voltage scale"
    )


def needed_wait_states(model: CpuModel, clock_hz: int, point: OperatingPoint) -> int:
    """The wait states that the part's flash needs; 0 when no memory of it has any."""
    memories = (model.memories[region.memory] for region in model.regions)
    buses = {memory.bus for memory in memories if memory.wait_states}
    dividers = [bus_divider(model.buses[bus], clock_hz, point) for bus in buses]
    return max((flash_wait_states(clock_hz / divider, point) for divider in dividers), default=0)


def _latencies(
    memory: Memory, bus: Bus, clock_hz: int, point: OperatingPoint, wait_states: int
) -> dict[str, int]:
    divider = bus_divider(bus, clock_hz, point)
    # A device with a clock of its own divides the core clock by any whole number.
    device = max(divider, -(-clock_hz // memory.max_clock)) if memory.max_clock else divider
    row_miss = memory.row_miss_cycles + (wait_states if memory.wait_states else 0)
    return {
        "read_cycles": bus.core_cycles + divider * bus.read_cycles + device * memory.read_cycles,
        "write_cycles": bus.core_cycles + divider * bus.write_cycles + device * memory.write_cycles,
        "fetch_cycles": divider * (_BEAT_BITS // bus.width - 1 + bus.fetch_cycles),
        "fetch_bytes": memory.fetch_bytes,
        "beat_cycles": max(divider * _BEAT_BITS // bus.width, device * memory.beat_cycles),
        "row_bytes": memory.row_bytes,
        "rows": memory.rows,
        "row_miss_cycles": device * row_miss,
        "wait_state_cycles": device if memory.wait_states else 0,
    }


def _cache_config(cache: CacheParams) -> dict[str, int]:
    return {
        "size": cache.size,
        "ways": cache.ways,
        "line_bytes": cache.line_bytes,
        "replacement": REPLACEMENTS.index(cache.replacement),
    }
