"""Devices of the parts as data: registers that start-up and polling code uses, and the clock tree.

A device touches nothing of the core: it is described here, and native/capture/rules.c plays it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from simcore.devices import ccm, clock_tree, gpio, pwr, rcc, uart
from simcore.devices.registers import Device


@dataclass(frozen=True, slots=True)
class Family:
    """The devices that parts of a family have in common, and their clock tree."""

    devices: tuple[Device, ...]
    core_clock_hz: clock_tree.ClockTree


@dataclass(frozen=True, slots=True)
class ClockNote:
    """A register that clocks hang on was written, at a modelled time in cycles."""

    cycles: int
    address: int
    value: int


#: By the name that a part's file gives as devices.family.
FAMILIES: Mapping[str, Family] = {
    "stm32f7": Family(
        (rcc.STM32F7, pwr.STM32F7, *uart.STM32F7, *gpio.STM32F7), clock_tree.stm32f7
    ),
    "stm32h7": Family(
        (rcc.STM32H7, pwr.STM32H7, *uart.STM32H7, *gpio.STM32H7), clock_tree.stm32h7
    ),
    "imxrt1060": Family(
        (ccm.CCM, ccm.CCM_ANALOG, ccm.DCDC, *uart.IMXRT1060, *gpio.IMXRT1060),
        clock_tree.imxrt1060,
    ),
}


@dataclass(frozen=True, slots=True)
class ClockPhase:
    """From `start` (cycles of modelled time) on the core ran at `clock_hz`, as the firmware said."""

    start: int
    clock_hz: int


def clock_phases(
    family: str, crystal_hz: int, notes: Iterable[ClockNote]
) -> tuple[ClockPhase, ...]:
    """The core clocks that a firmware set, in order; none when it never wrote such a register.

    A write that leaves the clock as it was begins no phase, nor does one that selects none.
    """
    known = FAMILIES[family]
    registers = {
        f"{device.name}.{register.name}": (device.base + register.offset, register.reset)
        for device in known.devices
        for register in device.registers
    }
    values = dict(registers.values())
    phases: list[ClockPhase] = []
    clock = round(known.core_clock_hz(lambda name: values[registers[name][0]], crystal_hz))
    for note in notes:
        if not phases:
            phases.append(ClockPhase(0, clock))
        values[note.address] = note.value
        clock = round(known.core_clock_hz(lambda name: values[registers[name][0]], crystal_hz))
        if clock and clock != phases[-1].clock_hz:
            phases.append(ClockPhase(note.cycles, clock))
    return tuple(phases)


def main_clock_hz(phases: Sequence[ClockPhase], begin: int, end: int, counts_from: bool) -> int:
    """The clock that times a run of the cycles [begin, end): the one in force at its begin when it
    counts from a place, else the one in which most cycles ran; the later of two with as many.
    """
    spent: dict[int, int] = {}
    for phase, until in zip(phases, [*(p.start for p in phases[1:]), end], strict=True):
        if counts_from and phase.start <= begin < max(until, begin + 1):
            return phase.clock_hz
        cycles = max(0, min(until, end) - max(phase.start, begin))
        spent[phase.clock_hz] = spent.get(phase.clock_hz, 0) + cycles
    return max(reversed(list(spent)), key=lambda clock: spent[clock])
