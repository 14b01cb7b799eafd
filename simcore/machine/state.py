"""Registers and memory of the engine: what semihosting and the rules of exceptions work on."""

from __future__ import annotations

import unicorn

from simcore.machine.engine import REGISTERS
from simcore.machine.loader import LoadedMemory


class EngineState:
    """The engine's registers by their lower-case names, and its memory by address."""

    def __init__(self, uc: unicorn.Uc, memory: LoadedMemory) -> None:
        self._uc = uc
        self._memory = memory

    def read_register(self, name: str) -> int:
        """A register by its lower-case name."""
        value: int = self._uc.reg_read(REGISTERS[name])
        return value & 0xFFFF_FFFF

    def write_register(self, name: str, value: int) -> None:
        """Write a register; bit 0 of `pc` is the Thumb bit."""
        self._uc.reg_write(REGISTERS[name], value)

    def read(self, address: int, size: int) -> bytes | None:
        """Memory as the program sees it, None where there is none."""
        return self._memory.read(address, size)

    def write(self, address: int, data: bytes) -> bool:
        """Store as the program would; False where it cannot. Code that lay there runs anew."""
        if not self._memory.write(address, data):
            return False
        self._uc.ctl_remove_cache(address, address + len(data))
        return True
