"""Runs an ELF on a bare Unicorn engine and counts how often each address was executed.

Nothing that mcusim counts with takes part: its loader places the program, its semihosting answers
it, and a code hook in Python counts. System registers and peripherals are plain memory.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import unicorn
from unicorn import arm_const as arm
from unicorn import unicorn_const as uc_const

from simcore.cpu_model import load_cpu_model
from simcore.elf import load_image
from simcore.machine import map_memory
from simcore.machine.loader import LoadedMemory
from simcore.machine.semihosting import HeapInfo, ProgramExit, Semihosting
from simcore.run.options import command_line

BKPT = 7  # number of the engine's interrupt hook
WFE = b"\x20\xbf"
PLAIN = ((0x4000_0000, 0x2000_0000), (0xE000_0000, 0x10_0000))  # peripherals, private bus
CCSIDR = 0xE000_ED80
SYST_CVR, DWT_CYCCNT = 0xE000_E018, 0xE000_1004


@dataclass
class PlainRun:
    """What ran: executions by address, the program's exit code, output and final memory.

    `failed` counts the executions of a STREX that did not store.
    """

    memory: LoadedMemory
    executions: Counter[int] = field(default_factory=Counter)
    failed: Counter[int] = field(default_factory=Counter)
    exit_code: int | None = None
    error: BaseException | None = None
    calls: int = 0  # to the host
    output: io.BytesIO = field(default_factory=io.BytesIO)


def plain_run(
    elf: Path,
    cpu: str,
    args: Sequence[str] = (),
    stdin: bytes = b"",
    times: Sequence[int] = (),
    exclusives: Mapping[int, tuple[int, str]] | None = None,
) -> PlainRun:
    """Run to the exit call. `times` are the values that SysTick and the cycle counter show, in the
    order in which the program reads them. The host's clock goes on by 1000 cycles a call.
    `exclusives` gives, by the address behind a STREX, its own and its status register."""
    image, model = load_image(elf), load_cpu_model(cpu)
    memory = LoadedMemory(model, image)
    memory.load(image)
    boot = memory.boot(image)
    uc = map_memory(memory)
    for base, size in PLAIN:
        uc.mem_map(base, size)
    cache = model.core.dcache
    sets = cache.size // (cache.ways * cache.line_bytes)
    ccsidr = sets - 1 << 13 | cache.ways - 1 << 3 | 1  # 32-byte lines
    uc.mem_write(CCSIDR, ccsidr.to_bytes(4, "little"))
    run = PlainRun(memory)
    heap = image.heap_start() or 0
    host = Semihosting(
        memory,
        lambda: 1000 * run.calls,
        model.max_clock_hz,
        command_line=command_line(elf.name, args),
        heap=HeapInfo(
            heap,
            memory.heap_limit(heap, boot.sp),
            boot.sp,
            memory.stack_floor(image, boot.sp),
        ),
        stdin=io.BytesIO(stdin),
        stdout=run.output,
    )
    _count(uc, run, exclusives or {})
    _answer(uc, run, host)
    if times:
        _tell_time(uc, iter(times))
    uc.reg_write(arm.UC_ARM_REG_SP, boot.sp)
    pc = boot.pc
    while run.exit_code is None and run.error is None:
        try:
            uc.emu_start(pc, 0xFFFF_FFFE)  # the test's time limit ends one that does not end
        except unicorn.UcError as error:  # WFE: the engine stops behind it
            behind = uc.reg_read(arm.UC_ARM_REG_PC)
            if error.errno != uc_const.UC_ERR_INSN_INVALID or memory.read(behind - 2, 2) != WFE:
                raise
        pc = uc.reg_read(arm.UC_ARM_REG_PC) | 1
    if run.error is not None:
        raise run.error
    return run


def _count(uc: unicorn.Uc, run: PlainRun, exclusives: Mapping[int, tuple[int, str]]) -> None:
    executions = run.executions

    def on_code(uc: unicorn.Uc, address: int, _size: int, _user: object) -> None:
        executions[address] += 1
        if address in exclusives:
            exclusive, status = exclusives[address]
            run.failed[exclusive] += uc.reg_read(getattr(arm, f"UC_ARM_REG_{status.upper()}"))

    uc.hook_add(uc_const.UC_HOOK_CODE, on_code)


def _answer(uc: unicorn.Uc, run: PlainRun, host: Semihosting) -> None:
    def on_interrupt(uc: unicorn.Uc, number: int, _user: object) -> None:
        try:
            assert number == BKPT, f"exception {number}"
            run.calls += 1
            result = host.call(uc.reg_read(arm.UC_ARM_REG_R0), uc.reg_read(arm.UC_ARM_REG_R1))
            if isinstance(result, ProgramExit):
                run.exit_code = result.code
                uc.emu_stop()
                return
            uc.reg_write(arm.UC_ARM_REG_R0, result)
            uc.reg_write(arm.UC_ARM_REG_PC, uc.reg_read(arm.UC_ARM_REG_PC) + 2 | 1)
        except BaseException as error:  # a hook cannot raise
            run.error = error
            uc.emu_stop()

    uc.hook_add(uc_const.UC_HOOK_INTR, on_interrupt)


def _tell_time(uc: unicorn.Uc, times: Iterator[int]) -> None:
    def on_read(
        uc: unicorn.Uc, _kind: int, address: int, _size: int, _value: int, _user: object
    ) -> None:
        uc.mem_write(address, next(times).to_bytes(4, "little"))

    for register in (SYST_CVR, DWT_CYCCNT):
        uc.hook_add(uc_const.UC_HOOK_MEM_READ, on_read, None, register, register + 3)
