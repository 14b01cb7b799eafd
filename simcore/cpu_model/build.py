"""From a resolved model tree to the frozen CpuModel, with the checks that span several tables."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping
from typing import Any

from simcore.cpu_model import (
    BranchPredictor,
    Bus,
    CacheParams,
    CoreModel,
    CorePipeline,
    CpuModel,
    EnergyCoefficients,
    Memory,
    MemorySystem,
    OperatingPoint,
    Provenance,
    Region,
    Undecided,
)
from simcore.cpu_model.around import (
    DeviceSet,
    FlashControl,
    FlexRam,
    InterruptController,
    Layouts,
    SysTickReference,
)
from simcore.cpu_model.schema import (
    CLASSES,
    SCHEMA,
    TCM_KINDS,
    Fact,
    Named,
    Table,
    Tree,
    facts,
    is_fact,
)
from simcore.errors import ModelError, nearest

MAX_REGIONS = 32  # as in native/types.h
PAGE = 4096
_READ_ONLY_KINDS = ("flash",)
_NEVER_EXECUTABLE_KINDS = ("peripheral", "system")
# The default memory map of Armv7-M (B3.1): start of each part and its attributes.
_DEFAULT_MAP = (
    (0x00000000, "write-through"),
    (0x20000000, "write-back-allocate"),
    (0x40000000, "device"),
    (0x60000000, "write-back-allocate"),
    (0x80000000, "write-through"),
    (0xA0000000, "device"),
)
_NEVER_EXECUTE = ((0x40000000, 0x5FFFFFFF), (0xA0000000, 0xFFFFFFFF))


def build_model(tree: Tree, origin: str) -> CpuModel:
    """Return the CpuModel of a checked tree; `origin` names it in errors. Raises ModelError."""
    for path, missing in _missing(SCHEMA, tree, ()):
        raise ModelError(f"{origin}: {'.'.join((*path, missing))} is missing")
    values: Tree = _values(tree)
    buses = {name: Bus(name=name, **entry) for name, entry in values["bus"].items()}
    memories = {name: Memory(name=name, **entry) for name, entry in values["memory"].items()}
    for memory in memories.values():
        _check_reference(origin, f"memory.{memory.name}.bus", memory.bus, buses)
    points = [
        _operating_point(name, entry)
        for name, entry in values["operating_point"].items()
        if not entry.get("absent")
    ]
    if not points:
        raise ModelError(f"{origin}: operating_point has no entry")
    return CpuModel(
        name=values["name"],
        title=values["title"],
        core=_core(origin, values),
        regions=_regions(origin, values["region"], memories),
        memories=memories,
        buses=buses,
        operating_points=tuple(sorted(points, key=lambda point: point.max_clock)),
        energy=_energy(values.get("energy", {})),
        flash_control=FlashControl(**values.get("flash_control", {})),
        systick=SysTickReference(**values.get("systick", {})),
        nvic=InterruptController(**values["nvic"]),
        devices=DeviceSet(**values.get("devices", {})),
        undecided=tuple(
            Undecided(name, entry["title"], tuple(tuple(text.split()) for text in entry["answers"]))
            for name, entry in values.get("undecided", {}).items()
            if not entry.get("absent")
        ),
        sources=dict(tree.get("sources", {})),
        provenance={".".join(path): Provenance(**fact) for path, fact in facts(tree)},
        sha256=_digest(values),
        flexram=_flexram(origin, values),
        layouts=_layouts(origin, values),
    )


def default_policy(address: int) -> str:
    """The cache policy of an address in the default memory map of Armv7-M."""
    return [policy for start, policy in _DEFAULT_MAP if start <= address][-1]


def _values(tree: Mapping[str, Any]) -> Tree:
    """The tree with facts reduced to their values."""

    def value(entry: Any) -> Any:
        if is_fact(entry):
            return entry["value"]
        return _values(entry) if isinstance(entry, dict) else entry

    return {key: value(entry) for key, entry in tree.items()}


def _missing(table: Table, tree: Tree, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], str]]:
    """Every required key that the merged tree lacks."""
    found = [(path, key) for key in table.required if key not in tree]
    for key, node in table.keys.items():
        entry = tree.get(key)
        if not isinstance(entry, dict) or isinstance(node, Fact):
            continue
        if isinstance(node, Table):
            found += _missing(node, entry, (*path, key))
        elif isinstance(node, Named):
            for name, one in entry.items():
                if not one.get("absent"):
                    found += _missing(node.entry, one, (*path, key, name))
    return found


def _check_reference(origin: str, key: str, name: str, known: Mapping[str, Any]) -> None:
    if name not in known:
        raise ModelError(f"{origin}: {key}: '{name}' is not defined{nearest(name, known)}")


def _core(origin: str, values: Tree) -> CoreModel:
    core = values["core"]
    caches = {}
    for name in ("icache", "dcache"):
        cache = CacheParams(**core[name])
        sets, rest = divmod(cache.size, cache.ways * cache.line_bytes)
        if rest or sets & (sets - 1):
            raise ModelError(
                f"{origin}: core.{name}.size: {cache.size} bytes in {cache.ways} ways of"
                f" {cache.line_bytes}-byte lines is not a power of two of sets"
            )
        caches[name] = cache
    branch = BranchPredictor(**core["branch"])
    btac_sets, rest = divmod(branch.btac_entries, branch.btac_ways)
    if rest or btac_sets & (btac_sets - 1):
        raise ModelError(
            f"{origin}: core.branch.btac_entries: {branch.btac_entries} entries in"
            f" {branch.btac_ways} ways is not a power of two of sets"
        )
    memory = MemorySystem(**core["memory"])
    if memory.read_burst_bytes & (memory.read_burst_bytes - 1):
        raise ModelError(
            f"{origin}: core.memory.read_burst_bytes:"
            f" {memory.read_burst_bytes} is not a power of two"
        )
    return CoreModel(
        icache=caches["icache"],
        dcache=caches["dcache"],
        memory=memory,
        branch=branch,
        pipeline=CorePipeline(
            values.get("pipeline", {}), core["pipeline"], core.get("pipeline_without", "")
        ),
    )


def _regions(origin: str, entries: Tree, memories: Mapping[str, Memory]) -> tuple[Region, ...]:
    regions = []
    for name, entry in entries.items():
        if entry.get("absent"):
            continue
        key = f"{origin}: region.{name}"
        _check_reference(origin, f"region.{name}.memory", entry["memory"], memories)
        base, size = entry["base"], entry["size"]
        if base % PAGE or size % PAGE:
            raise ModelError(f"{key}: base and size must be multiples of {PAGE} bytes")
        if base + size > 1 << 32:
            raise ModelError(f"{key}: ends at {base + size:#x}, behind the 32-bit address space")
        regions.append(_region(name, entry, memories[entry["memory"]]))
    regions.sort(key=lambda region: region.base)
    for lower, upper in itertools.pairwise(regions):
        if upper.base < lower.end:
            raise ModelError(
                f"{origin}: region.{upper.name} ({upper.base:#010x}) overlaps region.{lower.name}"
                f" ({lower.base:#010x} to {lower.end - 1:#010x})"
            )
    if not regions:
        raise ModelError(f"{origin}: region has no entry")
    if len(regions) > MAX_REGIONS:
        raise ModelError(f"{origin}: {len(regions)} regions; at most {MAX_REGIONS} are possible")
    return tuple(regions)


def _region(name: str, entry: Tree, memory: Memory) -> Region:
    kind, base = entry["kind"], entry["base"]
    cacheable = entry.get("cacheable", kind not in TCM_KINDS)
    never_execute = any(start <= base <= end for start, end in _NEVER_EXECUTE)
    return Region(
        name=name,
        base=base,
        size=entry["size"],
        kind=kind,
        policy=entry.get("policy", default_policy(base)) if cacheable else "non-cacheable",
        cacheable=cacheable,
        writable=entry.get("writable", kind not in _READ_ONLY_KINDS),
        executable=entry.get(
            "executable", kind not in _NEVER_EXECUTABLE_KINDS and not never_execute
        ),
        device=entry.get("device", name),
        device_offset=entry.get("device_offset", 0),
        memory=entry["memory"],
        bus=memory.bus,
    )


def _flexram(origin: str, values: Tree) -> FlexRam | None:
    entry = values.get("flexram")
    if entry is None:
        return None
    for name in entry["regions"]:
        _check_reference(origin, "flexram.regions", name, values["region"])
    return FlexRam(**{**entry, "regions": tuple(entry["regions"])})


def _operating_point(name: str, entry: Tree) -> OperatingPoint:
    clocks = tuple(entry.get("wait_state_clocks", ()))
    kept = {key: value for key, value in entry.items() if key != "absent"}
    return OperatingPoint(name=name, **{**kept, "wait_state_clocks": clocks})


def _energy(entry: Tree) -> EnergyCoefficients:
    issue = {name: entry.get("issue", {}).get(name, 0.0) for name in CLASSES}
    return EnergyCoefficients(**{**entry, "issue": issue})


def _layouts(origin: str, values: Tree) -> Layouts:
    table = dict(values.get("layouts", {}))
    for name in (questions := table.pop("questions", ())):
        _check_reference(origin, "layouts.questions", name, values.get("undecided", {}))
    return Layouts(questions=tuple(questions), **table)


def _digest(values: Tree) -> str:
    """SHA-256 over everything that can change a result; sources, titles and questions cannot."""
    idle = ("sources", "title", "undecided", "layouts")
    relevant = {key: value for key, value in values.items() if key not in idle}
    text = json.dumps(relevant, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
