"""What stands around the core of a part: flash control, SysTick, interrupts, RAM, devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simcore.devices import family_of
from simcore.records import dataclass

if TYPE_CHECKING:
    from simcore.devices.external import Controllers
    from simcore.devices.registers import Device


@dataclass(frozen=True, slots=True)
class FlashControl:
    """The flash access control register. Masks are bits of it; address 0: not modelled."""

    address: int = 0
    latency_mask: int = 0
    prefetch_mask: int = 0
    accelerator_mask: int = 0


@dataclass(frozen=True, slots=True)
class SysTickReference:
    """The clock of SysTick while CLKSOURCE is 0: `external_clock` in Hz, or when that is 0 the
    core clock over `divider`."""

    divider: int = 8
    external_clock: int = 0

    def core_cycles(self, clock_hz: int) -> int:
        """Core cycles per tick at a core clock, at least 1."""
        if not self.external_clock:
            return self.divider
        return max(1, round(clock_hz / self.external_clock))


@dataclass(frozen=True, slots=True)
class InterruptController:
    """How many external interrupts a part has, and how many bits of their priorities are there."""

    interrupts: int
    priority_bits: int


@dataclass(frozen=True, slots=True)
class FlexRam:
    """Banks of RAM that a program divides: `config_register` has a code for each, 1 for the first
    of `regions`. The sizes of those are what reset leaves."""

    banks: int
    bank_size: int  # bytes
    regions: tuple[str, ...]
    config_register: int  # address


@dataclass(frozen=True, slots=True)
class DeviceSet:
    """What stands around the core: a family of simcore/devices, and the board's crystal in Hz."""

    family: str = "none"
    crystal: int = 0

    @property
    def devices(self) -> tuple[Device, ...]:
        """The devices that are described."""
        return family_of(self.family).devices if self.family != "none" else ()

    @property
    def external(self) -> Controllers:
        """The registers of the controllers of external memory."""
        return family_of(self.family).external if self.family != "none" else {}


@dataclass(frozen=True, slots=True)
class Layouts:
    """Over which layouts advice is judged: so many orders of functions.

    Every other one is timed under an answer to one of `questions`, names of ``Undecided``.
    `veneer_cycles` are those that a call to code out of reach takes longer.
    """

    orders: int = 8
    questions: tuple[str, ...] = ()
    veneer_cycles: int = 0
