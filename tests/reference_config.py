"""What the twins are told: the structs of types.h as dataclasses, and the MPU's memory attributes.

Times are core cycles, sizes bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from tests.reference_cache import CacheShape


class Kind(IntEnum):
    """What a region is (enum region_kind)."""

    ITCM = 0
    DTCM = 1
    SRAM = 2
    FLASH = 3
    EXTERNAL = 4
    PERIPHERAL = 5
    SYSTEM = 6


class Policy(IntEnum):
    """Memory attributes (enum cache_policy)."""

    DEVICE = 0
    NON_CACHEABLE = 1
    WRITE_THROUGH = 2
    WRITE_BACK = 3
    WRITE_BACK_ALLOCATE = 4


class Caches(IntEnum):
    """Who decides the caches (enum cache_control)."""

    AUTO = 0
    ON = 1
    OFF = 2


@dataclass(frozen=True)
class Region:
    """struct region_config, field by field."""

    base: int
    size: int
    kind: Kind = Kind.SRAM
    policy: Policy = Policy.WRITE_BACK_ALLOCATE
    bank_of: int = 0
    prefetch: int = 0
    never_cached: int = 0
    read_cycles: int = 0
    write_cycles: int = 0
    beat_cycles: int = 1
    fetch_cycles: int = 0
    fetch_bytes: int = 8
    row_bytes: int = 0
    rows: int = 0
    row_miss_cycles: int = 0
    wait_state_cycles: int = 0
    accelerated: int = 0

    @property
    def is_tcm(self) -> bool:
        return self.kind in (Kind.ITCM, Kind.DTCM)


@dataclass(frozen=True)
class Config:
    """The fields of struct timing_config that the memory system and the predictor read."""

    icache: CacheShape
    dcache: CacheShape
    caches: Caches = Caches.ON
    linefill_buffers: int = 2
    store_buffer_entries: int = 4
    store_queue_entries: int = 4
    ahbp_writes: int = 1
    read_burst_bytes: int = 32
    subword_store_cycles: int = 4
    word_store_cycles: int = 1
    load_after_store_cycles: int = 0
    dynamic_read_allocate: int = 0
    read_allocate_after: int = 3
    fetch_queue_groups: int = 4
    btac_entries: int = 16
    btac_ways: int = 1
    return_stack_entries: int = 4
    btac_read_disabled: int = 0
    flash_control: int = 0
    flash_latency_mask: int = 0
    flash_prefetch_mask: int = 0
    flash_accelerator_mask: int = 0
    flash_wait_states: int = 0


# (TEX, C, B) -> attributes of non-shareable memory, Armv7-M ARM B3.5; what is not here is Device.
MPU_ATTRIBUTES = {
    (0, 1, 0): Policy.WRITE_THROUGH,
    (0, 1, 1): Policy.WRITE_BACK,
    (1, 0, 0): Policy.NON_CACHEABLE,
    **{(1, c, b): Policy.WRITE_BACK_ALLOCATE for c, b in ((0, 1), (1, 0), (1, 1))},
    **{(4 + outer, 0, 0): Policy.NON_CACHEABLE for outer in range(4)},
    **{(4 + outer, 0, 1): Policy.WRITE_BACK_ALLOCATE for outer in range(4)},
    **{(4 + outer, 1, 0): Policy.WRITE_THROUGH for outer in range(4)},
    **{(4 + outer, 1, 1): Policy.WRITE_BACK for outer in range(4)},
}


class Mpu:
    """The regions that firmware programs (Armv7-M ARM B3.5)."""

    CTRL, RNR, RBAR, LAST = 0xE000ED94, 0xE000ED98, 0xE000ED9C, 0xE000EDB8

    def __init__(self) -> None:
        self.enabled = False
        self.number = 0
        self.base = dict.fromkeys(range(16), 0)
        self.attributes = dict.fromkeys(range(16), 0)

    def write(self, address: int, value: int) -> None:
        if address == self.CTRL:
            self.enabled = bool(value & 1)
        elif address == self.RNR:
            self.number = value % 16
        elif (address - self.RBAR) % 8 == 0:  # RBAR and its aliases
            if value & 0x10:
                self.number = value % 16
            self.base[self.number] = value // 32 * 32
        else:
            self.attributes[self.number] = value

    def policy(self, address: int) -> Policy | None:
        """Attributes of the highest-numbered region that holds the address, None outside of all."""
        for number in range(15, -1, -1):
            attributes = self.attributes[number]
            size = 2 ** ((attributes >> 1) % 32 + 1)
            start = self.base[number] // size * size
            if not attributes & 1 or size < 32 or not start <= address < start + size:
                continue
            eighth = (address - start) * 8 // size
            if size >= 256 and attributes >> (8 + eighth) & 1:  # this subregion is disabled
                continue
            tex, c, b = (attributes >> 19) % 8, attributes >> 17 & 1, attributes >> 16 & 1
            policy = MPU_ATTRIBUTES.get((tex, c, b), Policy.DEVICE)
            shareable = attributes >> 18 & 1
            return min(policy, Policy.NON_CACHEABLE) if shareable else policy
        return None
