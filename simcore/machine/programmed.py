"""Which addresses a program gave to channels of DMA, whether or not these moved anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from simcore.devices.registers import Device

#: Where the registers lie that have addresses of data, from the channel's first one: M0AR and M1AR
#: of a stream (its PAR, too, in transfers from memory to memory), SADDR and DADDR of a descriptor,
#: CSAR and CDAR of the MDMA (RM0385 and RM0433, register maps; IMXRT1060RM, TCD).
_ADDRESSES: Final = {
    "stream": (0x8, 0xC, 0x10),
    "descriptor": (0x0, 0x10),
    "master": (0x18, 0x1C),
}


def programmed_addresses(
    devices: tuple[Device, ...], read: Callable[[int], int]
) -> tuple[int, ...]:
    """The addresses that the registers of all channels hold, sorted; ``read`` gives what a register
    reads."""
    found = {
        read(channel.registers + offset)
        for device in devices
        for channel in device.channels
        for offset in _ADDRESSES.get(channel.kind, ())
    }
    return tuple(sorted(found - {0}))
