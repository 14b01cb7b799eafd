"""rules.c, crc.c, spi.c: what registers of described devices do, by tests/rules/devices.toml.

What of them hangs on time is held by tests/integration/test_board.py and test_drivers.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import pytest

from simcore.devices import ALL_BITS, RULE_KINDS
from tests import native
from tests.reference_config import Kind, Region
from tests.rule_cases import each_case
from tests.unit.native.timed import Timed

BASE, BLOCK_BYTES = 0x4000_0000, 0x1000
READ = "uint64_t(*)(void *, uint64_t, unsigned, void *)"
WRITE = "void(*)(void *, uint64_t, unsigned, uint64_t, void *)"


class Registers:
    """Words of a peripheral, reached by the functions that the engine would call."""

    def __init__(self) -> None:
        self.ffi, self.lib = ffi, lib = native.load()
        self.timed = Timed({})
        region = {k: int(v) for k, v in asdict(Region(BASE, BLOCK_BYTES, Kind.PERIPHERAL)).items()}
        self.timed.setup.region = self._region = ffi.new("struct region_config[]", [region])
        self.timed.setup.regions = 1
        self.maps: dict[int, tuple[Any, Any, Any]] = {}
        word = "uint64_t"
        functions = {
            "emu_stop": ("int(void *)", self.zero),
            "hook_add": (f"int(void *, size_t *, int, void *, void *, {word}, {word})", self.zero),
            "mmio_map": (f"int(void *, {word}, {word}, void *, void *, void *, void *)", self.map),
        }
        self._keep = {name: ffi.callback(*f) for name, f in functions.items()}
        status = ffi.new("int *")
        self.core = lib.core_new(status)
        table = {name: ffi.cast("void *", f) for name, f in self._keep.items()}
        told = ffi.new("struct capture_config *", {"systick_divider": 1, "priority_bits": 8})
        assert not lib.core_add_timing(self.core, self.timed.setup)
        engine = ffi.new("struct engine_functions *", table)
        assert not lib.core_attach(self.core, ffi.NULL, engine, told)

    def close(self) -> None:
        self.lib.core_free(self.core)
        self.timed.close()

    def zero(self, *_: Any) -> int:
        return 0

    def map(
        self, _: Any, base: int, _size: int, reads: Any, user: Any, writes: Any, _u: Any
    ) -> int:
        self.maps[base] = self.ffi.cast(READ, reads), self.ffi.cast(WRITE, writes), user
        return 0

    def describe(self, at: int, reset: int = 0, rules: list[dict[str, Any]] | None = None) -> None:
        told = [
            (
                RULE_KINDS.index(rule["kind"]),
                rule.get("mask", ALL_BITS),
                BASE + rule.get("other", at),
                rule.get("shift", 0),
            )
            for rule in rules or []
        ]
        array = self.ffi.new("struct device_rule[]", told)
        assert not self.lib.core_describe(self.core, BASE + at, reset, array, len(told))

    def read(self, at: int, size: int) -> int:
        reads, _, user = self.maps[BASE]
        return int(reads(self.ffi.NULL, at, size, user)) & ((1 << 8 * size) - 1)

    def write(self, at: int, value: int, size: int) -> None:
        _, writes, user = self.maps[BASE]
        writes(self.ffi.NULL, at, size, value, user)


@pytest.fixture
def registers() -> Iterator[Registers]:
    made = Registers()
    yield made
    made.close()


@each_case("devices")
def test_registers_do_what_their_rules_say(registers: Registers, case: dict[str, Any]) -> None:
    for each in case["registers"]:
        registers.describe(**each)
    for step in case["steps"]:
        size = step.get("bytes", 4)
        if "write" in step:
            registers.write(step["write"], step["value"], size)
        else:
            found = registers.read(step["read"], size)
            assert found == step.get("is", found), step


@pytest.mark.parametrize("use", ["read", "write", "tell", "reset", "ask"])
def test_devices_are_described_once_and_in_front_of_the_first_use(
    registers: Registers, use: str
) -> None:
    lib, word = registers.lib, BASE + 0x10
    asked = []

    def describe(_: Any) -> int:
        asked.append(use)
        registers.describe(0x10, reset=0x1234, rules=[{"kind": "keep", "mask": 0xFF}])
        return 0

    callback = registers.ffi.callback("core_describe_fn", describe)
    lib.core_describe_when_used(registers.core, registers.ffi.NULL, callback)
    assert not asked
    uses: dict[str, Callable[[], object]] = {
        "read": lambda: registers.read(0x10, 4),
        "write": lambda: registers.write(0x10, 0xABCD_EFFF, 4),
        "tell": lambda: lib.core_tell_register(registers.core, word, 0x80, 0xFF),
        "reset": lambda: lib.core_reset_register(registers.core, word, 0x9876),
        "ask": lambda: lib.core_register(registers.core, word),
    }
    uses[use]()
    assert asked == [use]
    found = {"write": 0xABCD_EF34, "tell": 0x1280, "reset": 0x9876}.get(use, 0x1234)
    assert registers.read(0x10, 4) == found
    assert asked == [use]


def test_a_description_that_fails_ends_the_run(registers: Registers) -> None:
    lib = registers.lib
    callback = registers.ffi.callback("core_describe_fn", lambda _: lib.CORE_ERR_CALLBACK)
    lib.core_describe_when_used(registers.core, registers.ffi.NULL, callback)
    registers.read(0x10, 4)
    assert lib.core_run_status(registers.core) == lib.CORE_ERR_CALLBACK
