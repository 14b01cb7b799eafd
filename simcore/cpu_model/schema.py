"""The closed schema of a CPU model file: which keys exist, with which type, unit and range.

A number, flag or policy of a model is a *fact*: an inline table {value, unit, source, status, note}
whose unit and source are mandatory. Everything else (names, references between tables) is plain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from simcore.devices import FAMILIES, MAX_CRYSTAL_HZ, MIN_CRYSTAL_HZ
from simcore.records import dataclass

#: By the name that core.pipeline gives: the module of simcore/pipeline that reads [pipeline].
PIPELINES = {"m7-dual-issue": "rules_m7"}
STATUSES = (
    "measured",  # a source reports a hardware measurement
    "documented",  # vendor text
    "derived",  # arithmetic on sourced figures; the note says which
    "fitted",  # found by fitting the model to sourced figures
    "model",  # taken from a compiler's or optimiser's model
    "secondhand",  # attributed to a source that could not be seen
    "assumed",  # nothing better is known
)
FACT_KEYS = ("value", "unit", "source", "status", "note")
# Sources that are no citation and need no entry in [sources].
UNCITED = ("recalled", "command line", "linker script", "definition")

Tree: TypeAlias = dict[str, Any]
Path: TypeAlias = tuple[str, ...]

BYTES = {"B": 1, "KiB": 1024, "MiB": 1024**2}
HERTZ = {"Hz": 1, "kHz": 1000, "MHz": 1_000_000}
ADDRESS = {"address": 1}
COUNT = {"count": 1}
CYCLES = {"cycles": 1}
BUS_CYCLES = {"bus cycles": 1}
DEVICE_CYCLES = {"device cycles": 1}
BITS = {"bits": 1}
VOLT = {"V": 1}
PICOJOULE = {"pJ": 1}
MILLIWATT = {"mW": 1}
RATIO = {"ratio": 1}
FLAG = {"flag": 1}
POLICY = {"policy": 1}
CELSIUS = {"°C": 1}


@dataclass(frozen=True, slots=True)
class Fact:
    """A leaf with provenance. `units`: each accepted unit and its factor, the canonical first."""

    type: str  # "integer", "number", "flag", "text" or "integers" (a list)
    units: Mapping[str, int]
    minimum: float = 0
    maximum: float = 1 << 62
    choices: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        return next(iter(self.units))


@dataclass(frozen=True, slots=True)
class Plain:
    """A leaf without provenance: a name, a reference to another table, a switch."""

    type: str  # "text", "flag" or "texts" (a list)
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a fixed set of keys."""

    keys: Mapping[str, Node]
    required: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Named:
    """A table of tables whose names the file chooses."""

    entry: Table


@dataclass(frozen=True, slots=True)
class Sources:
    """The [sources] table: TAG = "full citation"."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Tables of facts whose names the core's file chooses; a file that extends it adds none."""


Node: TypeAlias = Fact | Plain | Table | Named | Sources | Parameters

REGION_KINDS = ("itcm", "dtcm", "sram", "flash", "external", "peripheral", "system")
TCM_KINDS = REGION_KINDS[:2]
MEMORY_KINDS = REGION_KINDS[:5]
CACHE_POLICIES = (
    "device",
    "non-cacheable",
    "write-through",
    "write-back",
    "write-back-allocate",
)
REPLACEMENTS = ("random", "round-robin", "lru")
REGULATORS = ("ldo", "smps")
#: Classes of instructions; each instruction counts in exactly one.
CLASSES = (
    "alu",
    "multiply",
    "divide",
    "fp_single",
    "fp_double",
    "load",
    "store",
    "branch",
    "other",
)

_CACHE = Table(
    {
        "size": Fact("integer", BYTES, maximum=65536),
        "ways": Fact("integer", COUNT, minimum=1, maximum=16),
        "line_bytes": Fact("integer", BYTES, minimum=32, maximum=32),
        "replacement": Fact("text", POLICY, choices=REPLACEMENTS),
    },
    required=("size", "ways", "line_bytes", "replacement"),
)
_CORE_MEMORY = Table(
    {
        "linefill_buffers": Fact("integer", COUNT, minimum=1, maximum=8),
        "store_buffer_entries": Fact("integer", COUNT, minimum=1, maximum=16),
        "store_queue_entries": Fact("integer", COUNT, minimum=1, maximum=16),
        "ahbp_writes": Fact("integer", COUNT, minimum=1, maximum=16),
        "read_burst_bytes": Fact("integer", BYTES, minimum=4, maximum=32),
        "subword_store_cycles": Fact("integer", CYCLES, minimum=1, maximum=64),
        "word_store_cycles": Fact("integer", CYCLES, minimum=1, maximum=64),
        "load_after_store_cycles": Fact("integer", CYCLES, maximum=8),
        "dynamic_read_allocate": Fact("flag", FLAG),
        "read_allocate_after": Fact("integer", COUNT, minimum=1, maximum=255),
    },
    required=(
        "linefill_buffers",
        "store_buffer_entries",
        "store_queue_entries",
        "ahbp_writes",
        "read_burst_bytes",
        "subword_store_cycles",
        "word_store_cycles",
        "load_after_store_cycles",
        "dynamic_read_allocate",
        "read_allocate_after",
    ),
)
_CORE_BRANCH = Table(
    {
        "btac_entries": Fact("integer", COUNT, maximum=4096),
        "btac_ways": Fact("integer", COUNT, minimum=1, maximum=4096),
        "return_stack_entries": Fact("integer", COUNT, maximum=64),
        "btac_read_disabled": Fact("flag", FLAG),
        "static_taken_cycles": Fact("integer", CYCLES, maximum=64),
        "indirect_mispredict_cycles": Fact("integer", CYCLES, maximum=64),
        "exception_entry_cycles": Fact("integer", CYCLES, maximum=1000),
        "exception_return_cycles": Fact("integer", CYCLES, maximum=1000),
        "exception_chain_cycles": Fact("integer", CYCLES, maximum=1000),
        "exception_fp_cycles": Fact("integer", CYCLES, maximum=1000),
    },
    required=(
        "btac_entries",
        "btac_ways",
        "return_stack_entries",
        "btac_read_disabled",
        "static_taken_cycles",
        "indirect_mispredict_cycles",
        "exception_entry_cycles",
        "exception_return_cycles",
        "exception_chain_cycles",
        "exception_fp_cycles",
    ),
)
_REGION = Table(
    {
        "kind": Plain("text", REGION_KINDS),
        "base": Fact("integer", ADDRESS, maximum=0xFFFFFFFF),
        "size": Fact("integer", BYTES, minimum=4096, maximum=1 << 32),
        "memory": Plain("text"),  # name of a [memory.*] table: how an access here is timed
        "device": Plain("text"),  # regions that name one device are aliases of the same bytes
        "device_offset": Fact("integer", BYTES, maximum=0xFFFFFFFF),  # of the region's first byte
        "policy": Plain("text", CACHE_POLICIES),
        "cacheable": Plain("flag"),  # false: no MPU setting makes it cacheable (TCM interfaces)
        "writable": Plain("flag"),
        "executable": Plain("flag"),
        "absent": Plain("flag"),  # true: takes an inherited region away
    },
    required=("kind", "base", "size", "memory"),
)
_BUS = Table(
    {
        "width": Fact("integer", BITS, minimum=8, maximum=64),
        "max_clock": Fact("integer", HERTZ, minimum=1),
        "divider": Fact("integer", RATIO, minimum=1, maximum=64),
        "core_cycles": Fact("integer", CYCLES, maximum=1000),
        "read_cycles": Fact("integer", BUS_CYCLES, maximum=1000),
        "fetch_cycles": Fact("integer", BUS_CYCLES, maximum=1000),
        "write_cycles": Fact("integer", BUS_CYCLES, maximum=1000),
    },
    required=("width", "core_cycles", "read_cycles", "write_cycles"),
)
_MEMORY = Table(
    {
        "bus": Plain("text"),
        "max_clock": Fact("integer", HERTZ, minimum=1),
        "read_cycles": Fact("integer", DEVICE_CYCLES, maximum=100_000),
        "write_cycles": Fact("integer", DEVICE_CYCLES, maximum=100_000),
        "beat_cycles": Fact("integer", DEVICE_CYCLES, maximum=100_000),
        "row_bytes": Fact("integer", BYTES, maximum=1 << 20),
        "rows": Fact("integer", COUNT, maximum=64),
        "fetch_bytes": Fact("integer", BYTES, minimum=8, maximum=256),
        "row_miss_cycles": Fact("integer", DEVICE_CYCLES, maximum=100_000),
        "wait_states": Plain("flag"),  # true: a row miss also costs the part's flash wait states
        "accelerator": Plain("flag"),  # true: FLASH_ACR can switch all rows but one off
        "prefetch": Fact("flag", FLAG),
        "read_energy": Fact("number", PICOJOULE),
        "write_energy": Fact("number", PICOJOULE),
        "fetch_energy": Fact("number", PICOJOULE),
        "refill_energy": Fact("number", PICOJOULE),
        "write_back_energy": Fact("number", PICOJOULE),
    },
    required=("bus",),
)
_OPERATING_POINT = Table(
    {
        "voltage_scale": Plain("text"),
        "max_clock": Fact("integer", HERTZ, minimum=1000),
        "max_bus_clock": Fact("integer", HERTZ, minimum=1000),
        # Entry i: the highest clock of the flash's bus that i wait states allow.
        "wait_state_clocks": Fact("integers", HERTZ, minimum=1),
        "core_voltage": Fact("number", VOLT, maximum=5),
        "always_on_power": Fact("number", MILLIWATT, maximum=100_000),
        "absent": Plain("flag"),  # true: takes an inherited point away
    },
    required=("voltage_scale", "max_clock", "max_bus_clock"),
)
_ENERGY = Table(
    {
        "supply_voltage": Fact("number", VOLT, maximum=6),
        "temperature": Fact("number", CELSIUS, minimum=-60, maximum=200),
        "regulator": Fact("text", POLICY, choices=REGULATORS),
        "uncertainty": Fact("number", RATIO, maximum=10),
        "split_uncertainty": Fact("number", RATIO, maximum=10),
        "density_uncertainty": Fact("number", RATIO, maximum=10),
        "reference_density": Fact("number", RATIO, maximum=1000),
        # The core voltage to which the energies of this file belong.
        "reference_voltage": Fact("number", VOLT, maximum=5),
        "clock_tree": Fact("number", PICOJOULE),
        "active_cycle": Fact("number", PICOJOULE),
        "pipeline_cycle": Fact("number", PICOJOULE),
        "icache_access": Fact("number", PICOJOULE),
        "dcache_access": Fact("number", PICOJOULE),
        "issue": Table({name: Fact("number", PICOJOULE) for name in CLASSES}),
    }
)
_FLASH_CONTROL = Table(
    {
        "address": Fact("integer", ADDRESS, maximum=0xFFFFFFFF),
        "latency_mask": Fact("integer", BITS, maximum=0xFFFFFFFF),
        "prefetch_mask": Fact("integer", BITS, maximum=0xFFFFFFFF),
        "accelerator_mask": Fact("integer", BITS, maximum=0xFFFFFFFF),
    }
)

# What stands around the core: devices that simcore/devices describes, and what the board adds.
_DEVICES = Table(
    {
        "family": Plain("text", ("none", *FAMILIES)),
        "crystal": Fact("integer", HERTZ, minimum=MIN_CRYSTAL_HZ, maximum=MAX_CRYSTAL_HZ),
    },
    required=("family", "crystal"),
)

# The reference clock of SysTick (CLKSOURCE 0): a part of the core clock, or one of its own.
_SYSTICK = Table(
    {
        "divider": Fact("integer", RATIO, minimum=1, maximum=1024),
        "external_clock": Fact("integer", HERTZ, minimum=1),
    }
)

_NVIC = Table(
    {
        "interrupts": Fact("integer", COUNT, minimum=1, maximum=240),
        "priority_bits": Fact("integer", COUNT, minimum=3, maximum=8),
    },
    required=("interrupts", "priority_bits"),
)

# Banks of RAM that a program divides into these regions, by a code for each bank in a register.
_FLEXRAM = Table(
    {
        "banks": Fact("integer", COUNT, minimum=1, maximum=16),
        "bank_size": Fact("integer", BYTES, minimum=4096, maximum=1 << 20),
        "regions": Plain("texts"),
        "config_register": Fact("integer", ADDRESS, maximum=0xFFFFFFFF),
    },
    required=("banks", "bank_size", "regions", "config_register"),
)

# A question that no source decides, and the settings (KEY=VALUE, several with spaces) that other
# answers would be.
_UNDECIDED = Table(
    {
        "title": Plain("text"),
        "answers": Plain("texts"),
        "note": Plain("text"),
        "absent": Plain("flag"),  # true: takes an inherited question away
    },
    required=("title", "answers"),
)

# Layouts over which advice is judged: how many orders of functions, the questions of [undecided]
# whose answers every other one of them takes, and what a call through a linker's veneer adds.
_LAYOUTS = Table(
    {
        "orders": Fact("integer", COUNT, minimum=2, maximum=64),
        "questions": Plain("texts"),
        "veneer_cycles": Fact("integer", CYCLES, maximum=64),
    },
    required=("orders", "questions", "veneer_cycles"),
)

SCHEMA = Table(
    {
        "name": Plain("text"),
        "title": Plain("text"),
        "extends": Plain("text"),
        "abstract": Plain("flag"),  # true: a core or a family, there only to be extended
        "sources": Sources(),
        "core": Table(
            {
                "pipeline": Plain("text", tuple(PIPELINES)),  # which one reads [pipeline]
                "pipeline_without": Plain("text"),  # its mechanisms to leave out, for an ablation
                "icache": _CACHE,
                "dcache": _CACHE,
                "memory": _CORE_MEMORY,
                "branch": _CORE_BRANCH,
            },
            required=("pipeline", "icache", "dcache", "memory", "branch"),
        ),
        "pipeline": Parameters(),
        "region": Named(_REGION),
        "bus": Named(_BUS),
        "memory": Named(_MEMORY),
        "operating_point": Named(_OPERATING_POINT),
        "energy": _ENERGY,
        "flash_control": _FLASH_CONTROL,
        "systick": _SYSTICK,
        "nvic": _NVIC,
        "flexram": _FLEXRAM,
        "devices": _DEVICES,
        "undecided": Named(_UNDECIDED),
        "layouts": _LAYOUTS,
    },
    required=("name", "title", "core", "region", "bus", "memory", "operating_point"),
)


def is_fact(value: object) -> bool:
    return isinstance(value, dict) and "value" in value


def facts(tree: Mapping[str, Any], prefix: Path = ()) -> Iterator[tuple[Path, Tree]]:
    """Every fact of a checked tree with its path, in file order."""
    for key, value in tree.items():
        if is_fact(value):
            yield (*prefix, key), value
        elif isinstance(value, dict):
            yield from facts(value, (*prefix, key))


def node_at(path: Path) -> Node | None:
    """The schema node of a key path, None when no such key can exist."""
    node: Node | None = SCHEMA
    for key in path:
        if isinstance(node, Table):
            node = node.keys.get(key)
        elif isinstance(node, Named):
            node = node.entry
        elif not isinstance(node, Parameters):
            return None
    return node
