"""The engine: Unicorn's Cortex-M7 with the memory of a part."""

from __future__ import annotations

import ctypes
import os

import unicorn
from unicorn import arm_const as arm
from unicorn import unicorn_const as uc_const

from simcore.core.core import CaptureOptions
from simcore.cpu_model import CpuModel, Region
from simcore.elf import Image
from simcore.errors import CoreError
from simcore.machine.loader import LoadedMemory
from simcore.machine.registers import find_registers
from simcore.run.interrupts import find_interrupts
from simcore.run.kernels import find_kernel
from simcore.run.options import RunOptions
from simcore.run.places import NOWHERE, find_place
from simcore.run.spec import PERIPHERALS

#: Registers by their names in the manuals.
REGISTERS = {
    **{f"r{n}": getattr(arm, f"UC_ARM_REG_R{n}") for n in range(13)},
    **{f"s{n}": getattr(arm, f"UC_ARM_REG_S{n}") for n in range(16)},
    "sp": arm.UC_ARM_REG_SP,
    "lr": arm.UC_ARM_REG_LR,
    "pc": arm.UC_ARM_REG_PC,
    "msp": arm.UC_ARM_REG_MSP,
    "psp": arm.UC_ARM_REG_PSP,
    "xpsr": arm.UC_ARM_REG_XPSR,
    "control": arm.UC_ARM_REG_CONTROL,
    "fpscr": arm.UC_ARM_REG_FPSCR,
    "primask": arm.UC_ARM_REG_PRIMASK,
    "faultmask": arm.UC_ARM_REG_FAULTMASK,
    "basepri": arm.UC_ARM_REG_BASEPRI,
}


#: Of code that the engine has translated; past it, it begins anew. A run that takes an interrupt
#: inside blocks again and again has them translated each time, which would fill 1 GiB of its own.
TRANSLATED_BYTES = 64 << 20


def map_memory(memory: LoadedMemory) -> unicorn.Uc:
    """A Cortex-M7 engine with the memory of a part. Raises CoreError for another CPU."""
    uc = new_engine()
    # The engine keeps its blocks of memory sorted by size and loses one that is larger than the
    # first: the next then gets the same place in its list of pages, and stores to the one make it
    # translate the code of the other again. So the largest comes first.
    for region in sorted(memory.regions, key=lambda region: -region.size):
        map_region(uc, memory, region)
    return uc


def new_engine() -> unicorn.Uc:
    """A Cortex-M7 engine without memory. Raises CoreError for another CPU."""
    uc = unicorn.Uc(uc_const.UC_ARCH_ARM, uc_const.UC_MODE_THUMB, arm.UC_CPU_ARM_CORTEX_M7)
    uc.ctl_set_tcg_buffer_size(TRANSLATED_BYTES)
    if uc.ctl_get_cpu_model() != arm.UC_CPU_ARM_CORTEX_M7:
        raise CoreError(f"unicorn {unicorn.__version__} gave another CPU than a Cortex-M7")
    return uc


def map_region(uc: unicorn.Uc, memory: LoadedMemory, region: Region) -> None:
    """Give the engine one region of the memory."""
    permissions = uc_const.UC_PROT_READ
    permissions |= uc_const.UC_PROT_WRITE if region.writable else 0
    permissions |= uc_const.UC_PROT_EXEC if region.executable else 0
    uc.mem_map_ptr(region.base, region.size, permissions, memory.host_address(region))


#: How data addresses are found, by the environment: enum addresses of native/engine.h.
ADDRESSES = {"": 0, "hooked": 1, "checked": 2, "eager": 3}


def capture_options(
    uc: unicorn.Uc, memory: LoadedMemory, image: Image, model: CpuModel, options: RunOptions
) -> CaptureOptions:
    """What the C core has to know of an engine and a program to count its run."""
    op_begin, op_begin_size = _marker(image, "mcusim_op_begin")
    op_end, op_end_size = _marker(image, "mcusim_op_end")
    spec, flash_control = options.spec, model.flash_control.address
    return CaptureOptions(
        max_instructions=options.instruction_limit,
        max_cycles=options.max_cycles,
        begin=NOWHERE if spec.from_ is None else find_place(image, "--from", spec.from_),
        until=NOWHERE if spec.until is None else find_place(image, "--until", spec.until),
        op_begin=op_begin,
        op_begin_size=op_begin_size,
        op_end=op_end,
        op_end_size=op_end_size,
        storage=tuple(
            register for register in (flash_control, division_register(model)) if register
        ),
        timers=find_interrupts(image, spec.irq, model.nvic.interrupts, options.clock_hz),
        interrupts=model.nvic.interrupts,
        priority_bits=model.nvic.priority_bits,
        systick_divider=model.systick.core_cycles(options.clock_hz),
        peripherals=PERIPHERALS.index(spec.peripherals or PERIPHERALS[0]),
        kernel=find_kernel(image),
        memory=tuple((r.base, r.size, r.writable) for r in memory.regions),
        registers=find_registers(uc),
        addresses=ADDRESSES.get(os.environ.get("MCUSIM_ADDRESSES", ""), 0),
        fpu_on=image.vector_table is None,  # start-up code that hosts a program has switched it on
    )


def _marker(image: Image, name: str) -> tuple[int, int]:
    """Address and bytes of a marker function, which ends where another function begins."""
    symbol = image.symbol(name)
    function = None if symbol is None else image.function_at(symbol.address)
    if symbol is None or function is None:
        return 0, 0
    return symbol.address, min(symbol.size, function.end - symbol.address)


def division_register(model: CpuModel) -> int:
    """Where a program says how it divides the part's memory, 0 when it cannot."""
    return 0 if model.flexram is None else model.flexram.config_register


def address_of(function: object) -> int:
    """The address of a function of the engine's library, for the C core."""
    return ctypes.cast(function, ctypes.c_void_p).value or 0  # type: ignore[arg-type]
