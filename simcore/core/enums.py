"""The enums of the border: C has them, and Python's names are compared with C's as the core loads.

Names that are needed without the extension, to read a model or decode a block, stand where they
belong; ENUMS says of which enum of native/types.h or faults.h each is a copy.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Any

from simcore.core.counters import CAUSES, EVENT_COLUMNS, HOLDS, MASKS, REGION_COUNTERS
from simcore.core.operations import OpSource
from simcore.cpu_model import CACHE_CONTROLS
from simcore.cpu_model.build import MAX_REGIONS
from simcore.cpu_model.schema import CACHE_POLICIES, CLASSES, REGION_KINDS, REPLACEMENTS
from simcore.devices import CHANNEL_KINDS, RULE_KINDS
from simcore.devices.kinds import FlashKind, SpiKind, TimerClock, TimerKind
from simcore.errors import CoreError
from simcore.isa.blocks import MAX_PROBES, ProbeKind, StackMoveKind
from simcore.isa.kinds import BranchKind
from simcore.run.spec import PERIPHERALS


class Stop(IntEnum):
    """Why a run stopped."""

    NONE = 0
    MAX_INSTRUCTIONS = 1
    REQUESTED = 2
    FAULT = 3
    ERROR = 4
    ENGINE = 5
    BREAKPOINT = 6
    UNTIL = 7
    LOOP = 8
    CYCLES = 9
    SLEEP = 10
    POLLING = 11
    STORM = 12
    STANDING = 13
    CODE = 14


class FaultKind(IntEnum):
    """What went wrong in a program."""

    NONE = 0
    READ_UNMAPPED = 1
    WRITE_UNMAPPED = 2
    FETCH_UNMAPPED = 3
    READ_PROTECTED = 4
    WRITE_PROTECTED = 5
    FETCH_PROTECTED = 6
    PERIPHERAL = 7
    DIVIDE_BY_ZERO = 8
    UNALIGNED = 9
    STACK_OVERFLOW = 10
    UNDEFINED = 11
    INVALID_STATE = 12
    INVALID_RETURN = 13
    NO_COPROCESSOR = 14
    MPU_DATA = 15
    MPU_FETCH = 16
    STACKING = 17
    UNSTACKING = 18
    VECTOR = 19
    SVC = 20


def _numbered(prefix: str, names: Iterable[str]) -> dict[str, int]:
    return {prefix + name.upper().replace("-", "_"): at for at, name in enumerate(names)}


def _members(prefix: str, enum: type[IntEnum]) -> dict[str, int]:
    return {prefix + member.name: member.value for member in enum}


#: Numbers by name, as C spells it, of each enum that Python has too.
ENUMS: dict[str, dict[str, int]] = {
    "core_stop": _members("STOP_", Stop),
    "fault_kind": _members("FAULT_", FaultKind),
    "peripherals": _numbered("PERIPHERALS_", PERIPHERALS),
    "cache_control": _numbered("CACHES_", CACHE_CONTROLS),
    "region_kind": _numbered("REGION_", REGION_KINDS),
    "cache_policy": _numbered("POLICY_", CACHE_POLICIES),
    "replacement": _numbered("REPLACE_", REPLACEMENTS),
    "probe_kind": _members("PROBE_", ProbeKind),
    "stack_move": _members("STACK_", StackMoveKind),
    "device_rule_kind": _numbered("DEVICE_", RULE_KINDS),
    "dma_layout": _numbered("DMA_", CHANNEL_KINDS),
    "timer_kind": _members("TIMER_", TimerKind),
    "timer_clock": _members("CLOCKED_", TimerClock),
    "flash_kind": _members("ERASE_", FlashKind),
    "spi_kind": _members("SPI_", SpiKind),
    "branch_kind": _members("BRANCH_", BranchKind),
    "op_source": _members("OP_", OpSource),
    "cause": {**_numbered("CAUSE_", CAUSES), "CAUSE_COUNT": len(CAUSES)},
    "counter": {
        **_numbered("COUNTER_", EVENT_COLUMNS),
        "COUNTER_STATIC": 1 + len(CLASSES) + 1,  # instructions, their classes, MACs
        "COUNTER_CYCLES": len(EVENT_COLUMNS),
        "COUNTER_COUNT": len(EVENT_COLUMNS) + len(CAUSES),
    },
    "hold": {**_numbered("HOLD_", HOLDS), "HOLD_KINDS": len(HOLDS), "HOLD_GONE": len(HOLDS) + 1},
    "mask": _numbered("MASK_", MASKS),
    "region_counter": {
        **_numbered("REGION_", REGION_COUNTERS),
        "REGION_COUNTER_COUNT": len(REGION_COUNTERS),
    },
}
#: Limits of native/types.h that Python has too.
LIMITS = {"MAX_PROBES": MAX_PROBES, "MAX_REGIONS": MAX_REGIONS}


def check_enums(ffi: Any, lib: Any) -> None:
    """Compare ENUMS and LIMITS with the extension. Raises CoreError when they differ."""

    def of(name: str) -> dict[str, int]:
        if name == "limits":
            return {limit: getattr(lib, limit, 0) for limit in LIMITS}
        try:
            return dict(ffi.typeof(f"enum {name}").relements)
        except ffi.error:  # it has none of that name
            return {}

    for name, numbers in {**ENUMS, "limits": LIMITS}.items():
        if (found := of(name)) != numbers:
            odd = sorted({key for key, _ in found.items() ^ numbers.items()})
            raise CoreError(
                f"the C core was built from other sources: {name} differs in {', '.join(odd)};"
                " reinstall mcusim"
            )
