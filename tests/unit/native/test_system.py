"""system.c: the registers of the private peripheral bus, by tests/rules/system.toml."""

from __future__ import annotations

from typing import Any

import pytest

from tests import native
from tests.rule_cases import each_case

CONFIG = {
    "systick_divider": 8, "cpuid": 0x411F_C271, "interrupts": 98, "priority_bits": 4,
    "icache_bytes": 16 << 10, "icache_ways": 2, "dcache_bytes": 8 << 10, "dcache_ways": 4,
}  # fmt: skip
NEVER = 0xFFFF_FFFF_FFFF_FFFF


class System:
    """struct system under a clock; `step` does and checks what a step of a case says."""

    def __init__(self, config: dict[str, int]) -> None:
        self.ffi, self.lib = native.load()
        self.s = self.ffi.new("struct system *")
        told = self.ffi.new("struct capture_config *", {**CONFIG, **config})
        self.lib.system_init(self.s, told)
        self.now = 0

    def address(self, register: str) -> int:
        return int(getattr(self.lib, f"REG_{register}"))

    def step(self, step: dict[str, Any]) -> None:
        self.now = step.pop("at", self.now)
        (key,) = step.keys() - {"is", "value", "told"}
        what, expected = step[key], step.get("is")
        lib, s = self.lib, self.s
        match key:
            case "write":
                told = lib.system_write(s, self.address(what), step["value"], self.now)
                assert bool(told) is step.get("told", False)
            case "read":
                assert lib.system_read(s, self.address(what), self.now) == expected
            case "peek":
                assert lib.system_peek(s, self.address(what), self.now) == expected
            case "runs":
                assert bool(lib.system_clock_runs(s, self.address(what))) is expected
            case "geometry":
                assert bool(lib.system_is_geometry(self.address(what))) is expected
            case "ticks_in":
                cycles = NEVER if what == "never" else what
                assert lib.system_cycles_to_tick(s, self.now) == cycles
            case "pending":
                assert lib.nvic_most_urgent(self.ffi.addressof(s, "nvic")) == what
            case "interrupts":
                assert bool(lib.system_tick_interrupts(s)) is what
            case "reset":
                assert bool(s.reset_requested) is what
            case _:
                pytest.fail(f"no step {key}")


@each_case("system")
def test_firmware_sees_the_registers_of_the_private_peripheral_bus(case: dict[str, Any]) -> None:
    system = System(case.get("config", {}))
    for step in case["steps"]:
        system.step(dict(step))


def test_what_needs_the_modelled_time_is_what_tells_or_sets_it() -> None:
    system = System({})
    names = [n.removeprefix("REG_") for n in dir(system.lib) if n.startswith("REG_")]
    read = {n for n in names if system.lib.system_reads_clock(system.s, system.address(n))}
    written = {n for n in names if system.lib.system_writes_clock(system.address(n))}
    assert read == {"DWT_CYCCNT", "SYST_CVR", "SYST_CSR"}
    assert written == {"DWT_CYCCNT", "DWT_CTRL", "SYST_CVR", "SYST_CSR", "SYST_RVR"}


def test_past_its_words_the_bus_reads_as_zero_and_keeps_nothing() -> None:
    system = System({})
    for address in (0xE001_0000, 0xE00F_FFFC):
        assert system.lib.system_write(system.s, address, 1, 0) == 0
        assert system.lib.system_read(system.s, address, 0) == 0
