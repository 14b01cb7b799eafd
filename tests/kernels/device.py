"""Calls the functions of nn.elf on a bare Unicorn engine: arrays in, arrays out, canaries around.

The program is started once, up to main(), so that FPU and memory are as the firmware sets them.
Then every call places its arrays in SRAM, jumps to a function by its symbol and reads results
back. Nothing of the runner takes part, and nothing that mcusim counts with.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import unicorn
from unicorn import arm_const as arm

from simcore.cpu_model import load_cpu_model
from simcore.elf import load_image
from simcore.machine import map_memory
from simcore.machine.loader import LoadedMemory

Array = npt.NDArray[Any]
ELF = Path(__file__).resolve().parents[2] / "kernels" / "prebuilt" / "nn.elf"
PLAIN = ((0x4000_0000, 0x3_0000), (0xE000_0000, 0x10_0000))  # peripherals, private bus
CCSIDR, CCSIDR_4_KB_4_WAYS = 0xE000_ED80, 31 << 13 | 3 << 3 | 1
FIRST, BEHIND = 0x2003_0000, 0x2005_0000  # the SRAM that calls use
CANARY = b"\xa5" * 16
INSTRUCTIONS = 400_000_000  # of one call; more is a hang


class Device:
    """An nn.elf that waits for calls."""

    def __init__(self, elf: Path = ELF) -> None:
        self._image, model = load_image(elf), load_cpu_model("stm32f746")
        memory = LoadedMemory(model, self._image)
        memory.load(self._image)
        boot = memory.boot(self._image)
        self._memory = memory  # owns what the engine maps
        self._uc = map_memory(memory)
        for base, size in PLAIN:
            self._uc.mem_map(base, size)
        self._uc.mem_write(CCSIDR, CCSIDR_4_KB_4_WAYS.to_bytes(4, "little"))
        self._uc.reg_write(arm.UC_ARM_REG_SP, boot.sp)
        main = self.address("main")
        self._uc.emu_start(boot.pc, main)
        assert self._uc.reg_read(arm.UC_ARM_REG_PC) == main, "the program did not reach main()"
        self._stack = self._uc.reg_read(arm.UC_ARM_REG_SP)
        self._return = main  # where a call returns to, and the engine stops
        self._at = FIRST
        self._guards: list[int] = []

    def address(self, name: str) -> int:
        """Address of a symbol."""
        symbol = self._image.symbol(name)
        assert symbol is not None, f"nn.elf has no symbol {name}"
        return symbol.address

    def reset(self) -> None:
        """Forget all arrays."""
        self._at = FIRST
        self._guards = []

    def place(self, data: bytes, alignment: int = 8, offset: int = 0) -> int:
        """Copy bytes to SRAM, between canaries, at an offset behind a multiple of alignment."""
        start = (self._at + len(CANARY) + alignment - 1) // alignment * alignment + offset
        self._at = start + len(data) + len(CANARY)
        assert self._at < BEHIND, "the arrays of a call do not fit"
        self._uc.mem_write(start - len(CANARY), CANARY + data + CANARY)
        self._guards += [start - len(CANARY), start + len(data)]
        return start

    def array(self, values: Array, offset: int = 0) -> int:
        """Place an array; int8 arrays may begin at any offset."""
        return self.place(np.ascontiguousarray(values).tobytes(), offset=offset)

    def layer(self, fields: Sequence[int | float]) -> int:
        """Place a struct of words: int32 or float, as the values are."""
        words = [struct.pack("<f" if isinstance(field, float) else "<i", field) for field in fields]
        return self.place(b"".join(words))

    def room(self, size: int, alignment: int = 8, offset: int = 0) -> int:
        """Place bytes that a call will write."""
        return self.place(b"\x5a" * size, alignment, offset)

    def call(self, name: str, *arguments: int) -> int:
        """Call a function with words; returns R0. Fails when a canary died or memory was missed."""
        words = [argument & 0xFFFF_FFFF for argument in arguments]
        stack = self._stack - 4 * len(words[4:]) & ~7
        self._uc.mem_write(stack, struct.pack(f"<{len(words[4:])}I", *words[4:]))
        for register, word in zip(range(4), words, strict=False):
            self._uc.reg_write(arm.UC_ARM_REG_R0 + register, word)
        return self._run(name, stack)

    def call_table(self, name: str, scale: float, zero_point: int, table: int) -> None:
        """Call a function (float, int32_t, pointer)."""
        bits = struct.unpack("<I", struct.pack("<f", scale))[0]
        self._uc.reg_write(arm.UC_ARM_REG_S0, bits)
        self._uc.reg_write(arm.UC_ARM_REG_R0, zero_point & 0xFFFF_FFFF)
        self._uc.reg_write(arm.UC_ARM_REG_R1, table)
        self._run(name, self._stack)

    def _run(self, name: str, stack: int) -> int:
        self._uc.reg_write(arm.UC_ARM_REG_SP, stack)
        self._uc.reg_write(arm.UC_ARM_REG_LR, self._return | 1)
        try:
            self._uc.emu_start(self.address(name) | 1, self._return, count=INSTRUCTIONS)
        except unicorn.UcError as error:
            at = self._uc.reg_read(arm.UC_ARM_REG_PC)
            raise AssertionError(f"{name}: {error} at {at:#x}") from error
        assert self._uc.reg_read(arm.UC_ARM_REG_PC) == self._return, f"{name} does not return"
        assert self._uc.reg_read(arm.UC_ARM_REG_SP) == stack, f"{name} loses the stack"
        for guard in self._guards:
            held = self.read(guard, len(CANARY))
            assert held == CANARY, f"{name} wrote over the end of an array, near {guard:#x}"
        return int(self._uc.reg_read(arm.UC_ARM_REG_R0))

    def read(self, address: int, size: int) -> bytes:
        """Bytes of memory."""
        return bytes(self._uc.mem_read(address, size))

    def values(self, address: int, shape: Sequence[int], kind: npt.DTypeLike) -> Array:
        """An array of memory."""
        size = int(np.prod(shape)) * np.dtype(kind).itemsize
        return np.frombuffer(self.read(address, size), kind).reshape(shape)
