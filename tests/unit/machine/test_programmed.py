"""Addresses that a program gave to DMA, found in the registers of its channels."""

from __future__ import annotations

from simcore.cpu_model import load_cpu_model
from simcore.machine.programmed import programmed_addresses

#: Registers of the reference manuals: DMA1_S0M0AR, DMA2_S7M1AR, MDMA_C0DAR, DMA1_S0CR of RM0433;
#: TCD0_SADDR and TCD0_DADDR of IMXRT1060RM.
H7 = {0x4002001C: 0x24000100, 0x400204C8: 0x30000000, 0x5200005C: 0x24001000, 0x40020010: 1}
RT = {0x400E9000: 0x20200000, 0x400E9010: 0x20201000, 0x400E9014: 7}


def test_addresses_are_read_of_every_kind_of_channel() -> None:
    def found(part: str, registers: dict[int, int]) -> tuple[int, ...]:
        devices = load_cpu_model(part).devices.devices
        return programmed_addresses(devices, lambda address: registers.get(address, 0))

    assert found("stm32h743", H7) == (0x24000100, 0x24001000, 0x30000000)
    assert found("imxrt1062", RT) == (0x20200000, 0x20201000)
    assert found("stm32f746", {}) == ()
