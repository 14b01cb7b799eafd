"""The frozen CPU model: core, memory map, clocks and energy coefficients of one part.

Attributes are plain numbers in canonical units (bytes, hertz, core cycles, volts, picojoules);
where each comes from stands in `CpuModel.provenance`, by dotted key.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import Any

from simcore.cpu_model.around import (
    DeviceSet,
    FlashControl,
    FlexRam,
    InterruptController,
    Layouts,
    SysTickReference,
)
from simcore.errors import ConfigError, ModelError, nearest
from simcore.records import dataclass

CACHE_CONTROLS = ("auto", "on", "off")


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where one number comes from. `source` is "TAG: where"; CpuModel.sources has the TAG."""

    value: Any
    unit: str
    source: str
    status: str
    note: str


@dataclass(frozen=True, slots=True)
class CacheParams:
    """A level-one cache; size 0 means that the part has none. Sizes in bytes."""

    size: int
    ways: int
    line_bytes: int
    replacement: str


@dataclass(frozen=True, slots=True)
class MemorySystem:
    """Core-side memory parameters, as in struct timing_config of core.h."""

    linefill_buffers: int
    store_buffer_entries: int
    store_queue_entries: int
    ahbp_writes: int
    read_burst_bytes: int
    subword_store_cycles: int
    word_store_cycles: int
    load_after_store_cycles: int
    dynamic_read_allocate: bool
    read_allocate_after: int


@dataclass(frozen=True, slots=True)
class BranchPredictor:
    """Branch prediction parameters, as in struct timing_config of core.h."""

    btac_entries: int
    btac_ways: int
    return_stack_entries: int
    btac_read_disabled: bool
    static_taken_cycles: int
    indirect_mispredict_cycles: int
    exception_entry_cycles: int
    exception_return_cycles: int
    exception_chain_cycles: int
    exception_fp_cycles: int


class CorePipeline(Mapping[str, Any]):
    """The [pipeline.*] tables: values by attribute or key, nested as in the TOML, read-only.

    `name` is core.pipeline: which pipeline of simcore/pipeline reads them; `without` is
    core.pipeline_without: which of its mechanisms to leave out.
    """

    __slots__ = ("_path", "_values", "name", "without")

    def __init__(
        self, values: Mapping[str, Any], name: str = "", without: str = "", path: str = "pipeline"
    ) -> None:
        self.name = name
        self.without = tuple(filter(None, map(str.strip, without.split(","))))
        self._path = path
        self._values = {
            key: CorePipeline(value, path=f"{path}.{key}") if isinstance(value, Mapping) else value
            for key, value in values.items()
        }

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CorePipeline):
            return NotImplemented
        return (self.name, self.without) == (other.name, other.without) and dict(self) == dict(
            other
        )

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def plain(self) -> dict[str, Any]:
        """All of it, as a document has it."""
        values = {
            key: value.plain() if isinstance(value, CorePipeline) else value
            for key, value in self._values.items()
        }
        return {"name": self.name, "without": list(self.without), "values": values}

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self._values[name]
        except KeyError:
            hint = nearest(name, self._values)
            raise ModelError(f"CPU model has no parameter {self._path}.{name}{hint}") from None


@dataclass(frozen=True, slots=True)
class CoreModel:
    icache: CacheParams
    dcache: CacheParams
    memory: MemorySystem
    branch: BranchPredictor
    pipeline: CorePipeline


@dataclass(frozen=True, slots=True)
class Bus:
    """A bus between core and memories. Cycles: `core_cycles` of the core, the rest of the bus."""

    name: str
    width: int  # bits
    core_cycles: int
    read_cycles: int
    write_cycles: int
    max_clock: int = 0  # Hz; 0: the operating point's limit
    divider: int = 0  # core clock / bus clock; 0: the smallest power of two within the limit
    fetch_cycles: int = 0  # of an instruction fetch, over read_cycles


@dataclass(frozen=True, slots=True)
class Memory:
    """How an access is timed, in cycles of the device's own clock, and its energies in pJ."""

    name: str
    bus: str
    max_clock: int = 0  # Hz; 0: runs at the bus clock
    read_cycles: int = 0
    write_cycles: int = 0
    beat_cycles: int = 0  # 64 bits of a burst; the bus width sets the least
    row_bytes: int = 0
    rows: int = 0
    row_miss_cycles: int = 0
    fetch_bytes: int = 8  # that one uncached fetch brings and keeps at hand
    wait_states: bool = False  # a row miss also costs the part's flash wait states
    accelerator: bool = False  # rows are the flash accelerator's: FLASH_ACR can switch it off
    prefetch: bool = False
    read_energy: float = 0.0
    write_energy: float = 0.0
    fetch_energy: float = 0.0  # of 64 bits past the I-cache
    refill_energy: float = 0.0  # of a cache line
    write_back_energy: float = 0.0  # of a cache line


@dataclass(frozen=True, slots=True)
class Region:
    """A range of the memory map. Regions with the same `device` are aliases of the same bytes:

    `device_offset` is where in the device the region's first byte lies.
    """

    name: str
    base: int
    size: int
    kind: str
    policy: str
    cacheable: bool
    writable: bool
    executable: bool
    device: str
    device_offset: int
    memory: str
    bus: str

    @property
    def end(self) -> int:
        """The first address behind the region."""
        return self.base + self.size


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """One voltage scale with its limits. Clocks in Hz; power in mW at the supply pin."""

    name: str
    voltage_scale: str
    max_clock: int
    max_bus_clock: int
    wait_state_clocks: tuple[int, ...] = ()  # entry i: highest bus clock for i wait states
    core_voltage: float = 0.0  # V
    always_on_power: float = 0.0  # mW


@dataclass(frozen=True, slots=True)
class EnergyCoefficients:
    """Energies in pJ per event or cycle at the reference core voltage, see costs/energy.py."""

    supply_voltage: float = 0.0  # V
    temperature: float = 25.0  # °C
    regulator: str = "ldo"
    reference_voltage: float = 0.0  # V of the core; 0: energies do not scale with it
    uncertainty: float = 0.0  # relative half width of the interval of a whole chip's energy
    split_uncertainty: float = 0.0  # relative, of the part that single events make up
    density_uncertainty: float = 0.0  # relative, of issue energy that goes with no pipeline energy
    reference_density: float = 0.0  # issue over pipeline energy of the code that was measured
    clock_tree: float = 0.0  # each cycle, asleep or not
    active_cycle: float = 0.0  # each cycle not asleep
    pipeline_cycle: float = 0.0  # each cycle in which the pipeline does not wait for a memory
    icache_access: float = 0.0
    dcache_access: float = 0.0
    issue: Mapping[str, float] = field(default_factory=dict)  # each instruction, by class


@dataclass(frozen=True, slots=True)
class Undecided:
    """A question that no source decides; each of `answers` are the settings of another answer."""

    name: str
    title: str
    answers: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class CpuModel:
    """A part. Regions are sorted by base; their index is the region number of the C core."""

    name: str
    title: str
    core: CoreModel
    regions: tuple[Region, ...]
    memories: Mapping[str, Memory]
    buses: Mapping[str, Bus]
    operating_points: tuple[OperatingPoint, ...]  # by rising maximum clock
    energy: EnergyCoefficients
    flash_control: FlashControl
    systick: SysTickReference
    nvic: InterruptController
    devices: DeviceSet
    undecided: tuple[Undecided, ...]
    sources: Mapping[str, str]
    provenance: Mapping[str, Provenance] = field(repr=False)
    sha256: str
    flexram: FlexRam | None = None
    layouts: Layouts = field(default_factory=Layouts)
    division: str | None = None  # how a program divides its memory, in words

    @property
    def max_clock_hz(self) -> int:
        """The maximum clock of the part, which is the default clock of a run."""
        return self.operating_points[-1].max_clock

    def highest_clock(self, voltage_scale: str | None = None) -> int:
        """The highest clock of a voltage scale in Hz, of the part when None. Raises ConfigError."""
        if voltage_scale is None:
            return self.max_clock_hz
        lowest = self.operating_point(1000, voltage_scale)  # refuses an unknown name
        points = self.operating_points
        return max(p.max_clock for p in points if p.voltage_scale == lowest.voltage_scale)

    @property
    def supply_voltage_v(self) -> float:
        return self.energy.supply_voltage

    def region_at(self, address: int) -> Region | None:
        """The region that holds `address`."""
        return next((r for r in self.regions if r.base <= address < r.end), None)

    def region(self, name: str) -> Region:
        """The region called `name`, in any case. Raises ConfigError with the nearest name."""
        for region in self.regions:
            if region.name.lower() == name.lower():
                return region
        known = [region.name for region in self.regions]
        raise ConfigError(
            f"{self.name} has no region '{name}'{nearest(name, known)} (known: {', '.join(known)})"
        )

    def operating_point(self, clock_hz: int, voltage_scale: str | None = None) -> OperatingPoint:
        """The lowest voltage that allows `clock_hz`, or the named voltage scale.

        Raises ConfigError for a clock that no point, or not the named one, allows.
        """
        if clock_hz < 1000:
            raise ConfigError(f"clock {clock_hz} Hz is below 1 kHz; --clock is in hertz")
        points = self.operating_points
        if voltage_scale is not None:
            known = [point.voltage_scale for point in points]
            points = tuple(
                point for point in points if point.voltage_scale.lower() == voltage_scale.lower()
            )
            if not points:
                raise ConfigError(
                    f"{self.name} has no voltage scale '{voltage_scale}'"
                    f"{nearest(voltage_scale, known)} (known: {', '.join(known)})"
                )
        for point in points:
            if clock_hz <= point.max_clock:
                return point
        best = points[-1]
        raise ConfigError(
            f"clock {clock_hz} Hz is above the {best.max_clock} Hz that {self.name} reaches"
            f" at voltage scale {best.voltage_scale}"
        )

    def timing(
        self,
        clock_hz: int,
        caches: str = "auto",
        voltage_scale: str | None = None,
        wait_states: int | None = None,
    ) -> tuple[dict[str, Any], list[dict[str, int]]]:
        """The fields of struct timing_config and one dict per region with those of region_config.

        `wait_states` replaces the flash wait states that the clock needs, as firmware may do.
        Raises ConfigError for a clock out of range.
        """
        from simcore.cpu_model.timing import flash_config, region_configs, timing_config

        point = self.operating_point(clock_hz, voltage_scale)
        if wait_states is None:
            wait_states = self.flash_wait_states(clock_hz, voltage_scale)
        return (
            {
                **timing_config(self.core, clock_hz, caches),
                **flash_config(self.flash_control, wait_states),
            },
            region_configs(self, clock_hz, point, wait_states),
        )

    def flash_wait_states(self, clock_hz: int, voltage_scale: str | None = None) -> int:
        """The wait states that the flash needs at a core clock; 0 for a part without such flash.

        Raises ConfigError for a clock out of range.
        """
        from simcore.cpu_model.timing import needed_wait_states

        return needed_wait_states(self, clock_hz, self.operating_point(clock_hz, voltage_scale))


def is_model_file(name_or_path: str) -> bool:
    """Whether a part is given by the path of a TOML file."""
    return "/" in name_or_path or name_or_path.endswith(".toml")


def load_cpu_model(
    name_or_path: str,
    overrides: Iterable[str] = (),
    memory_from: str | None = None,
) -> CpuModel:
    """Load a shipped part by name or a TOML file by path (anything with a slash or .toml).

    `overrides` are `KEY=VALUE` settings; `memory_from` is a GNU ld script whose MEMORY block
    replaces the memories of the map. Raises ModelError: unknown name or key (with the nearest),
    broken TOML (file and line), a number without unit or source, an impossible memory map.
    """
    overrides = tuple(overrides)
    if overrides or memory_from or is_model_file(name_or_path):
        return _load(name_or_path, overrides, memory_from)
    return _load_shipped(name_or_path)


def cpu_model_names() -> list[str]:
    """The parts that ship with mcusim: the model files that extend a core."""
    from simcore.cpu_model.tree import shipped_parts

    return shipped_parts()


def _load(name_or_path: str, overrides: tuple[str, ...], memory_from: str | None) -> CpuModel:
    from simcore.cpu_model.build import build_model
    from simcore.cpu_model.tree import apply_overrides, load_tree

    tree = load_tree(name_or_path) if is_model_file(name_or_path) else _shipped_tree(name_or_path)
    if memory_from is not None:
        from simcore.cpu_model.linker_script import apply_memory_block

        tree = apply_memory_block(tree, memory_from)
    return build_model(apply_overrides(tree, overrides), name_or_path)


@functools.cache  # many runs of one part differ in overrides; these are set in a copy
def _shipped_tree(name: str) -> dict[str, Any]:
    from simcore.cpu_model.tree import load_tree

    return load_tree(name)


@functools.cache  # a file of the user's may be another the next time
def _load_shipped(name: str) -> CpuModel:
    return _load(name, (), None)
