"""Where the engine keeps the core registers in this process, so that C reads them without a call.

Nothing of Unicorn's public interface tells. It is looked for at the place that it has in the one
version that mcusim runs on, believed only when what is written by `uc_reg_write` shows there, and
read by way of the kernel, which refuses a wrong address. Where that does not hold, as without
/proc, the run asks Unicorn of each access: slower, and the same results.
"""

from __future__ import annotations

import os
import struct

import unicorn
from unicorn import arm_const as arm

_CPU = 424  # bytes into uc_struct of 2.1.3 where 64-bit Unicorn points to its CPU
_REGISTERS = 41712  # bytes into that CPU: regs[16], the first field of CPUARMState
_NUMBERS = [*(getattr(arm, f"UC_ARM_REG_R{n}") for n in range(13)), arm.UC_ARM_REG_SP,
            arm.UC_ARM_REG_LR]  # fmt: skip
_PROBES = (0x1234_5678, 0xA987_EDC0)


def find_registers(uc: unicorn.Uc) -> int:
    """The address of r0 to r15, 32 bits each, in an engine that has not run yet; 0: not known."""
    if unicorn.__version__ != "2.1.3" or struct.calcsize("P") != 8:
        return 0
    before = [uc.reg_read(number) for number in _NUMBERS]
    try:
        memory = os.open("/proc/self/mem", os.O_RDONLY)
    except OSError:
        return 0
    try:
        (cpu,) = struct.unpack("P", os.pread(memory, 8, uc._uch.value + _CPU))
        for probe in _PROBES:
            values = [(probe + n * 0x0101_0404) & 0xFFFF_FFFC for n in range(len(_NUMBERS))]
            for number, value in zip(_NUMBERS, values, strict=True):
                uc.reg_write(number, value)
            held = struct.pack(f"{len(values)}I", *values)
            if os.pread(memory, len(held), cpu + _REGISTERS) != held:
                return 0
    except (OSError, OverflowError, struct.error):
        return 0
    finally:
        os.close(memory)
        for number, value in zip(_NUMBERS, before, strict=True):
            uc.reg_write(number, value)
    return int(cpu) + _REGISTERS
