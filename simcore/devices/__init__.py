"""Devices of the parts as data: registers that start-up and polling code uses, and the clock tree.

A device touches nothing of the core: it is described here, and native/capture/rules.c plays it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from simcore.errors import ConfigError, nearest
from simcore.records import dataclass

if TYPE_CHECKING:
    from simcore.devices.clock_tree import ClockTree, Read, SerialClock
    from simcore.devices.external import Controllers
    from simcore.devices.registers import Device
    from simcore.devices.voltage import VoltageScale

ALL_BITS = 0xFFFF_FFFF  # of a word
#: Kinds of rules of a register, as native/peripherals.h numbers them.
RULE_KINDS = (
    "mirror", "set", "clear", "toggle", "idle", "text", "clock", "sequence", "count", "timed",
    "overflow", "interrupt", "compare", "update", "clocked", "zero_clears", "one_clears", "force",
    "drop", "keep", "lock", "unlock", "program", "erase", "crc", "crc_reset", "spi", "power",
    "dma", "request", "unless", "pace", "line", "sent",
)  # fmt: skip
#: Kinds of channels of DMA controllers, as native/peripherals.h numbers them.
CHANNEL_KINDS = ("stream", "descriptor", "pixels", "master")
#: Crystals of boards are between these.
MIN_CRYSTAL_HZ, MAX_CRYSTAL_HZ = 1_000_000, 50_000_000


@dataclass(frozen=True, slots=True)
class Family:
    """The devices that parts of a family have in common, their clock tree and voltage scales.

    `external` has the controller of each external memory.
    """

    devices: tuple[Device, ...]
    core_clock_hz: ClockTree
    serial_clock_hz: SerialClock
    external: Controllers
    voltage_scale: VoltageScale | None = None


@dataclass(frozen=True, slots=True)
class ClockNote:
    """A register that clocks or voltage hang on was written, at a modelled time in cycles."""

    cycles: int
    address: int
    value: int


# The descriptions are imported when a program runs: who reads a model or replays needs none.


def _stm32(family: str) -> tuple[Device, ...]:
    """What both families have, each its own: stm32f7 or stm32h7."""
    from simcore.devices import (
        adc,
        crc,
        dma2d,
        flash,
        gpio,
        i2c,
        pwr,
        rcc,
        spi,
        system,
        timers,
        uart,
        usb,
    )

    single = (rcc, pwr, flash)
    several = (uart, gpio, timers, system, adc, dma2d, usb, crc, i2c, spi)
    return (
        *(getattr(module, family)() for module in single),
        *(device for module in several for device in getattr(module, family)()),
    )


def _stm32f7() -> Family:
    from simcore.devices import clock_tree, dma, external, voltage

    return Family(
        (*_stm32("stm32f7"), *dma.stm32f7()),
        clock_tree.stm32f7,
        clock_tree.stm32f7_serial,
        external.STM32F7,
        voltage.stm32f7,
    )


def _stm32h7() -> Family:
    from simcore.devices import clock_tree, dma, external, voltage

    return Family(
        (*_stm32("stm32h7"), *dma.stm32h7()),
        clock_tree.stm32h7,
        clock_tree.stm32h7_serial,
        external.STM32H7,
        voltage.stm32h7,
    )


def _stm32h7a3() -> Family:
    """An STM32H7 with some devices of its own."""
    from simcore.devices import flash, system, voltage

    base, own = _stm32h7(), (flash.stm32h7a3(), *system.stm32h7a3())
    others = {one.name for one in (*own, *system.stm32h7())} | {"ADC3", "OTG2_FS"}
    kept = (one for one in base.devices if one.name not in others)
    return replace(base, devices=(*kept, *own), voltage_scale=voltage.stm32h7a3)


def _imxrt1060() -> Family:
    from simcore.devices import (
        adc,
        ccm,
        clock_tree,
        dma,
        external,
        flexspi,
        gpio,
        i2c,
        imxrt,
        spi,
        timers,
        uart,
    )

    return Family(
        (
            ccm.CCM,
            ccm.CCM_ANALOG,
            ccm.DCDC,
            ccm.XTALOSC24M,
            *uart.imxrt1060(),
            *gpio.imxrt1060(),
            *adc.imxrt1060(),
            *dma.imxrt1060(),
            *flexspi.imxrt1060(),
            *timers.imxrt1060(),
            *imxrt.imxrt1060(),
            *i2c.imxrt1060(),
            *spi.imxrt1060(),
        ),
        clock_tree.imxrt1060,
        clock_tree.imxrt1060_serial,
        external.IMXRT1060,
    )


_DESCRIBED = {
    "stm32f7": _stm32f7,
    "stm32h7": _stm32h7,
    "stm32h7a3": _stm32h7a3,
    "imxrt1060": _imxrt1060,
}
#: What a part's file may give as devices.family.
FAMILIES = tuple(_DESCRIBED)


@cache
def family_of(name: str) -> Family:
    """One of FAMILIES. Raises KeyError."""
    return _DESCRIBED[name]()


def known_bits(devices: Iterable[Device]) -> dict[int, int]:
    """The bits of each register, by its address, of which its description says how they read."""
    return {
        device.base + register.offset: register.known
        for device in devices
        for register in device.registers
    }


def register_names(devices: Iterable[Device]) -> dict[int, str]:
    """The name of each register by its address, such as RCC_CR."""
    return {
        device.base + register.offset: f"{device.name}_{register.name}"
        for device in devices
        for register in device.registers
    }


def serial_ports(devices: Iterable[Device]) -> dict[str, Device]:
    """The serial ports of a part, by name."""
    return {device.name: device for device in devices if device.port is not None}


def serial_port(devices: Iterable[Device], name: str) -> Device:
    """A serial port by its name in any case. Raises ConfigError."""
    ports = serial_ports(devices)
    if (found := ports.get(name.upper())) is None:
        known = ", ".join(ports) if ports else "none is described"
        raise ConfigError(
            f"--uart {name}: no serial port{nearest(name.upper(), ports)} (known: {known})"
        )
    return found


def heard(devices: Sequence[Device], uart: str | None) -> Sequence[Device]:
    """The devices, of which only `uart` says its text: all do when it is None, none when it is off.

    Raises ConfigError for a name that none of them has.
    """
    if uart is None:
        return devices
    chosen = "" if uart.upper() == "OFF" else serial_port(devices, uart).name
    return [one if one.name == chosen else one.silent() for one in devices]


def cycles_of_byte(name: str, port: Device, register: Callable[[int], int], crystal_hz: int) -> int:
    """Core cycles that a byte takes on the line of a serial port, as the firmware set up both.

    ``register`` reads one by its address. 0 when the port has no rate.
    """
    assert port.port is not None
    family = family_of(name)
    devices = {device.name: device for device in family.devices}

    def read(register_name: str) -> int:
        device, _, one = register_name.partition(".")
        return register(devices[device].address(one))

    core_hz = family.core_clock_hz(read, crystal_hz)
    port_hz = family.serial_clock_hz(port.name, read, crystal_hz)
    if not core_hz or not port_hz:
        return 0
    ticks = port.port.byte_ticks(lambda one: register(port.address(one)))
    return round(ticks * core_hz / port_hz)


@dataclass(frozen=True, slots=True)
class ClockPhase:
    """Cycles of a run, one behind the other, that ran at a core clock that the firmware set."""

    clock_hz: int
    cycles: int


def clock_phases(
    name: str, crystal_hz: int, notes: Iterable[ClockNote], begin: int, end: int
) -> tuple[ClockPhase, ...]:
    """The core clocks of the cycles [begin, end), in order, of which those at one clock are one.

    The first is the one in force at `begin`. A write that selects no clock changes none.
    """
    changes = list(_changes(name, crystal_hz, notes))
    ends = [*(start for start, _ in changes[1:]), end]
    phases: list[ClockPhase] = []
    for number, ((start, clock_hz), until) in enumerate(zip(changes, ends, strict=True), 1):
        if until <= begin and number < len(changes):
            continue
        cycles = max(0, until - max(start, begin))
        if phases and phases[-1].clock_hz == clock_hz:
            cycles += phases.pop().cycles
        phases.append(ClockPhase(clock_hz, cycles))
    return tuple(phases)


def crystal_of(name: str, crystal_hz: int, notes: Sequence[ClockNote], told_hz: int) -> int:
    """The crystal with which the last clock is the `told_hz` of the program, else `crystal_hz`."""

    def last(crystal: int) -> int:
        return list(_changes(name, crystal, notes))[-1][1]

    clock_hz = last(crystal_hz)
    if not told_hz or last(2 * crystal_hz) != 2 * clock_hz:  # no crystal in it
        return crystal_hz
    found = round(crystal_hz * told_hz / clock_hz)
    plausible = MIN_CRYSTAL_HZ <= found <= MAX_CRYSTAL_HZ and last(found) == told_hz
    return found if plausible else crystal_hz


def _changes(name: str, crystal_hz: int, notes: Iterable[ClockNote]) -> Iterator[tuple[int, int]]:
    """(cycles, core clock in Hz) out of reset and behind each write."""
    clock_hz = 0
    for cycles, read in _readings(name, notes):
        clock_hz = round(family_of(name).core_clock_hz(read, crystal_hz)) or clock_hz
        yield cycles, clock_hz


def _readings(name: str, notes: Iterable[ClockNote]) -> Iterator[tuple[int, Read]]:
    """(cycles, the registers) out of reset and behind each write."""
    words = {
        f"{device.name}.{register.name}": (device.base + register.offset, register.reset)
        for device in family_of(name).devices
        for register in device.registers
    }
    values = dict(words.values())

    def read(register: str) -> int:
        return values[words[register][0]]

    yield 0, read
    for note in notes:
        values[note.address] = note.value
        yield note.cycles, read


def sets_clock(name: str, notes: Iterable[ClockNote]) -> bool:
    """Whether one of the writes is to a register that the core clock hangs on."""
    addresses = {
        device.base + register.offset
        for device in family_of(name).devices
        for register in device.registers
        if any(rule.kind == "clock" for rule in register.rules)
    }
    return any(note.address in addresses for note in notes)


def clocks_at_scales(
    name: str, crystal_hz: int, notes: Sequence[ClockNote]
) -> tuple[tuple[int, str], ...]:
    """The core clocks that the firmware ran at, each with the voltage scale, in order."""
    scale_of = family_of(name).voltage_scale
    if scale_of is None:
        return ()
    found: dict[tuple[int, str], None] = {}
    changes = zip(_changes(name, crystal_hz, notes), _readings(name, notes), strict=True)
    for (_, clock_hz), (_, read) in changes:
        if scale := scale_of(read):
            found[clock_hz, scale] = None
    return tuple(found)


def main_clock_hz(phases: Sequence[ClockPhase], is_first: bool) -> int:
    """The clock that times a run: of its first cycle, or the one in which most cycles ran, of two
    with as many the later."""
    if is_first:
        return phases[0].clock_hz
    cycles: dict[int, int] = {}
    for phase in phases:
        cycles[phase.clock_hz] = cycles.pop(phase.clock_hz, 0) + phase.cycles
    return max(reversed(cycles), key=lambda clock_hz: cycles[clock_hz])
