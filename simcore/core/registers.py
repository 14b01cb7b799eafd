"""Registers of peripherals in the C core: what it is told of them, and what they read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from simcore.core.callbacks import answers_c
from simcore.core.extension import ffi, lib
from simcore.cpu_model.schema import REGION_KINDS
from simcore.devices import CHANNEL_KINDS, RULE_KINDS, ClockNote
from simcore.plain import filled
from simcore.records import dataclass

if TYPE_CHECKING:
    from simcore.devices.registers import Channel, Device

#: Bytes below and above the stack pointer that are the own stack of a loop which polls.
OWN_STACK_BELOW: int = lib.OWN_STACK_BELOW
OWN_STACK_ABOVE: int = lib.OWN_STACK_ABOVE
FIRST_INTERRUPT = 16  # exception number of interrupt 0
_RULE_NUMBERS = {kind: number for number, kind in enumerate(RULE_KINDS)}


@dataclass(frozen=True, slots=True)
class PeripheralUse:
    """Accesses to one peripheral register that is not described, and what it reads now."""

    address: int
    value: int
    reads: int
    writes: int


@dataclass(frozen=True, slots=True)
class SerialUse:
    """Bytes that a serial port was given, that the program took, and that had to wait for room."""

    size: int
    taken: int
    late: int


class _Asked:
    """A function that C asks."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self.function = function
        self.error: BaseException | None = None
        self.handle = ffi.new_handle(self)


@answers_c
def core_py_pace(handle: Any, cycles: Any) -> int:
    """Answer core_pace_fn: the cycles of a byte."""
    cycles[0] = ffi.from_handle(handle).function()
    return 0


@answers_c
def core_py_describe(handle: Any) -> int:
    """Answer core_describe_fn: the devices are described now."""
    ffi.from_handle(handle).function()
    return 0


class CoreRegisters(ABC):
    """What :class:`simcore.core.core.Core` has of registers."""

    _core: Any
    _asked: list[_Asked]

    @abstractmethod
    def _check(self, status: int) -> None:
        """Raise CoreError when a call of the C core failed."""

    def tell_register(self, address: int, value: int, mask: int) -> None:
        """From now on these bits of a peripheral's word read so, whatever is written to them."""
        self._check(lib.core_tell_register(self._core, address, value, mask))

    def describe_when_used(self, describe: Callable[[], None]) -> None:
        """Let `describe` tell of the devices when a register of a peripheral is first used."""
        self._asked.append(_Asked(describe))
        handle = self._asked[-1].handle
        lib.core_describe_when_used(self._core, handle, lib.core_py_describe)

    def describe(self, device: Device) -> None:
        """Give a device's registers their reset values and rules."""
        for register in device.registers:
            address = device.base + register.offset
            rules = [
                (_RULE_NUMBERS[rule.kind], rule.mask, rule.other, rule.shift)
                for rule in device.rules(register)
            ]
            told = ffi.new("struct device_rule[]", rules) if rules else ffi.NULL
            self._check(lib.core_describe(self._core, address, register.reset, told, len(rules)))
            if fixed := register.ones | register.zeros:
                self.tell_register(address, register.ones, fixed)

        for channel in device.channels:
            told = ffi.new("struct dma_info *", _channel(channel))
            self._check(lib.core_describe_dma(self._core, told))

    def lend_flash(self, address: int, size: int, memory: int) -> None:
        """Let the program erase and program flash: `memory` is its address in this process."""
        pointer = ffi.cast("void *", memory)
        self._check(lib.core_lend_flash(self._core, address, size, pointer))

    def serial_port(self, device: Device, pace: Callable[[], int]) -> int:
        """The number of a serial port that was described; `pace` tells the cycles of a byte."""
        assert device.port is not None
        port = device.port
        told = {
            name: device.address(value) if isinstance(value, str) and value else value or 0
            for name, value in ((one.name, getattr(port, one.name)) for one in fields(port))
            if name != "byte_ticks"
        }
        size = max(one.offset for one in device.registers) + 4
        told |= {"base": device.base, "bytes": size, "number": FIRST_INTERRUPT + port.number}
        asked = _Asked(pace)
        self._asked.append(asked)
        struct = ffi.new("struct serial_port *", told)
        number = lib.core_serial_port(self._core, struct, asked.handle, lib.core_py_pace)
        self._check(number)
        return int(number)

    def feed(self, port: int, data: bytes) -> None:
        """Let a serial port receive bytes."""
        self._check(lib.core_feed(self._core, port, data, len(data)))

    def serial(self, port: int) -> SerialUse:
        """What became of the bytes for a port that is fed."""
        info = ffi.new("struct serial_info *")
        lib.core_serial(self._core, port, info)
        return filled(SerialUse, info)

    def reset_register(self, address: int, value: int) -> None:
        """What a peripheral's word reads until the program writes to it."""
        self._check(lib.core_reset_register(self._core, address, value))

    def polled(self) -> int | None:
        """The peripheral register that the last instructions read, None when they read none."""
        address = int(lib.core_polled(self._core))
        return None if address == 0xFFFFFFFF else address

    def register(self, address: int) -> int:
        """What a peripheral's word reads now."""
        return int(lib.core_register(self._core, address))

    def is_written(self, address: int) -> bool:
        """Whether the program wrote to a peripheral's word."""
        return bool(lib.core_register_written(self._core, address))

    def polling_turns(self) -> int:
        """Turns of a loop that only waits for a peripheral register, 0 of none."""
        return int(lib.core_polling_turns(self._core))

    def peripherals(self) -> tuple[PeripheralUse, ...]:
        """The peripheral registers that firmware used and nobody told of, by address."""
        used = ffi.new("struct peripheral_info[]", lib.core_peripheral_count(self._core))
        lib.core_peripherals(self._core, used)
        uses = (filled(PeripheralUse, use) for use in used)
        return tuple(sorted(uses, key=lambda use: use.address))

    def clock_notes(self) -> tuple[ClockNote, ...]:
        """Writes to registers that clocks hang on, in their order."""
        notes = ffi.new("struct clock_note[]", lib.core_clock_note_count(self._core))
        lib.core_clock_notes(self._core, notes)
        return tuple(ClockNote(note.cycles, note.address, note.value) for note in notes)


def _channel(channel: Channel) -> dict[str, int]:
    """The fields of struct dma_info."""
    same = ("registers", "flags", "flags_shift", "interrupt", "select", "select_shift")
    return {
        **{name: getattr(channel, name) for name in (*same, "select_mask", "request", "cycles")},
        "kind": CHANNEL_KINDS.index(channel.kind),
        "memory_kinds": _kinds(channel.memory),
        "peripheral_kinds": _kinds(channel.peripheral),
    }


def _kinds(names: Iterable[str]) -> int:
    """A bit for each kind of region."""
    return sum(1 << REGION_KINDS.index(name) for name in names)
