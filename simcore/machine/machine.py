"""The run loop: a Unicorn Cortex-M7 with the C core attached, from boot to the end of the program.

The engine runs on a thread of its own, so that the calling thread can watch the clock and Ctrl-C.
Here is what the engine leaves out: boot, semihosting, exceptions, sleep, and the report of a fault.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Protocol

import unicorn
from unicorn import unicorn_const as uc_const
from unicorn.unicorn_py3.unicorn import uclib

from simcore.core.core import ENGINE_FUNCTIONS, Core, add_setups
from simcore.core.data_objects import ObjectMap
from simcore.core.end import EndedRun, RunEnd, run_objects, run_results
from simcore.core.enums import FaultKind, Stop
from simcore.elf import Image
from simcore.errors import ConfigError, CoreError
from simcore.machine import armv7m
from simcore.machine.engine import REGISTERS, address_of, capture_options, map_memory
from simcore.machine.fault_report import FAULT_TEXTS, fault_report, frame_at
from simcore.machine.guessing import Guessing
from simcore.machine.loader import LoadedMemory
from simcore.machine.peripherals import (
    RegisterNames,
    endless_warning,
    peripheral_warning,
    polling_warning,
)
from simcore.machine.semihosting import HeapInfo, ProgramExit, Semihosting
from simcore.machine.semihosting_files import PatientInput
from simcore.run.options import RunOptions, command_line
from simcore.run.setup import TimingSetup
from simcore.run.svd import Description

# Numbers of the engine's interrupt hook. A return from a handler that executed MSR or CPS comes as
# EXCEPTION_EXIT, any other as a prefetch abort at the EXC_RETURN value.
BKPT, SVC, PREFETCH_ABORT, EXCEPTION_EXIT = 7, 2, 3, 8
ENGINE_FAULTS = {
    4: "data abort",
    EXCEPTION_EXIT: "exception return outside a handler",
    17: "floating-point instruction while the FPU is off (NOCP)",
    18: "jump to an address with bit 0 clear (Arm state)",
    22: "unaligned access",
}
SEMIHOSTING_BKPT = b"\xab\xbe"
WFI = (b"\x30\xbf", b"\xaf\xf3\x03\x80")
WFE = (b"\x20\xbf", b"\xaf\xf3\x02\x80")
SYST_CSR, VTOR, SHPR3 = 0xE000_E010, 0xE000_ED08, 0xE000_ED20
SYST_CSR_RUNS = 3  # ENABLE and TICKINT
LARGEST_PUSH = 128  # bytes: VPUSH of 16 doubles
UNMAPPED = (FaultKind.READ_UNMAPPED, FaultKind.WRITE_UNMAPPED, FaultKind.WRITE_PROTECTED)
POLLING_ENDS = ("input", "no-end", "max-instructions", "timeout")
WATCH_S = 0.05  # how often the calling thread looks at the clock


@dataclass(frozen=True, slots=True)
class _End:
    """How the run ended, before the profile is settled."""

    reason: str
    code: int | None = None
    fault: tuple[str, int, int] | None = None  # kind, address, PC


class Recorder(Protocol):
    """Who keeps what is needed to time a run again."""

    def events(self, piece: bytes) -> None:
        """Take a piece of the event stream; on the engine's thread."""

    def end(self, end: RunEnd) -> None:
        """Take how the run ended, behind all of its events."""


class Machine:
    """One run. It is the memory of semihosting and the registers of armv7m, too."""

    def __init__(
        self,
        image: Image,
        setups: Sequence[TimingSetup],
        options: RunOptions,
        recorder: Recorder | None,
    ) -> None:
        model = setups[0].model
        folder = options.spec.semihost_dir
        if folder is not None and not Path(folder).is_dir():
            raise ConfigError(f"--semihost-dir {folder}: there is no such folder")
        self._image = image
        self._model = model
        self._setups = setups
        self._recorder = recorder
        self._options = options
        svd = options.spec.svd
        self._registers = RegisterNames(image, None if svd is None else Description(svd))
        self._memory = LoadedMemory(model, image)
        self._memory.load(image)
        self._boot = self._memory.boot(image)
        self._stopping = threading.Event()
        self._stop_reason = ""
        self._done = threading.Event()
        self._end: _End | None = None
        self._error: BaseException | None = None
        self._stood_at = 0
        self._last_wfe = (0, 0)  # PC behind it and the instructions up to it
        self._event = (
            False  # the event register: set by every exception taken and left; SEV is not seen
        )
        self._warnings: list[str] = []
        self._core = Core(image.function_at)
        add_setups(self._core, setups)
        self._uc = map_memory(self._memory)
        self._semihosting = self._host()
        try:
            functions = {
                name: address_of(getattr(uclib, f"uc_{name}")) for name in ENGINE_FUNCTIONS
            }
            self._core.attach(
                self._uc._uch.value, functions, capture_options(image, model, options)
            )
            self._guessing = Guessing(
                image, model, self._memory, self._core, self._registers, options.spec.stub
            )
            sp = self._boot.sp
            self._core.watch_stack(sp, self._memory.stack_floor(image, sp))
            self._core.watch_objects(self._object_map())
            if recorder is not None:
                self._core.record(recorder.events)
            self._uc.hook_add(uc_const.UC_HOOK_INTR, self._on_interrupt)
        except BaseException:
            self.close()
            raise

    def _object_map(self) -> ObjectMap:
        sp = self._boot.sp
        return run_objects(
            self._image, self._memory.stack_floor(self._image, sp), sp, *self._heap()
        )

    def _heap(self) -> tuple[int, int]:
        """Where the heap starts and where it would meet the stack or the end of its memory."""
        start = self._image.heap_start() or 0
        return start, self._memory.heap_limit(start, self._boot.sp)

    def _host(self) -> Semihosting:
        options, folder, sp = self._options, self._options.spec.semihost_dir, self._boot.sp
        heap_base = self._image.heap_start() or 0
        floor = self._memory.stack_floor(self._image, sp)
        return Semihosting(
            self,
            self._core.now,
            options.clock_hz,
            command_line=command_line(PurePath(self._image.path).name, options.spec.args),
            heap=HeapInfo(heap_base, self._memory.heap_limit(heap_base, sp), sp, floor),
            stdin=None if options.stdin is None else PatientInput(options.stdin, self._stopping),
            stdout=options.stdout,
            folder=None if folder is None else Path(folder),
        )

    def close(self) -> None:
        """Free the engine, then the core: the other order crashes.

        A run that a second Ctrl-C left behind keeps both.
        """
        self._semihosting.close()
        if self._done.is_set():
            self._guessing.close()
            self._uc._Uc__finalizer()
            self._core.close()

    # --- the calling thread ---

    def run(self, progress: Callable[[int], None] | None) -> list[EndedRun]:
        """Run to the end and settle the results, one per setup."""
        worker = threading.Thread(target=self._emulate, name="mcusim engine", daemon=True)
        timeout = self._options.spec.timeout_s
        deadline = None if timeout is None else time.monotonic() + timeout
        worker.start()
        try:
            while not self._done.wait(WATCH_S):
                if deadline is not None and time.monotonic() >= deadline:
                    self._stop("timeout")
                if progress is not None:
                    progress(self._core.instructions())
        except KeyboardInterrupt:
            self._stop("interrupted")
            self._done.wait()
        worker.join()
        if self._error is not None:
            raise self._error
        return self._results()

    def _stop(self, reason: str) -> None:
        self._stop_reason = self._stop_reason or reason
        self._stopping.set()
        self._core.stop_request()

    def _results(self) -> list[EndedRun]:
        end = self._end
        assert end is not None
        self._core.settle()
        ops, ops_valid = self._core.ops()
        heap_start, heap_end = self._heap()
        outcome = RunEnd(
            reason=self._reason(end),
            code=end.code,
            fault=None
            if end.fault is None
            else fault_report(self._image, self._core.call_stack(), *end.fault),
            warnings=tuple(self._all_warnings()),
            stack_top=self._boot.sp,
            stack_floor=self._memory.stack_floor(self._image, self._boot.sp),
            heap_start=heap_start,
            heap_end=heap_end,
            ops=ops,
            ops_valid=int(ops_valid),
            clock_read=int(self._core.clock_read()),
            geometry_read=int(self._core.geometry_read()),
            place=None if end.reason == "exit" else frame_at(self._image, self._stood_at),
            guesses=self._guessing.guesses(),
        )
        if self._recorder is not None:
            self._recorder.end(outcome)
        return run_results(self._core.timings, self._setups, outcome)

    def _reason(self, end: _End) -> str:
        """Why the run ended; what ends by itself may have missed a place."""
        if end.reason not in ("exit", "loop", "sleep", "input"):
            return end.reason
        reached = self._core.counts() and self._options.spec.until is None
        return end.reason if reached else "missed"

    def _all_warnings(self) -> Iterator[str]:
        yield from self._warnings
        if self._end is not None and self._end.reason in POLLING_ENDS:
            polled = self._core.polled()
            if polled is not None:
                value, where = self._core.register(polled), frame_at(self._image, self._stood_at)
                yield polling_warning(self._registers, polled, value, where)
            elif self._end.reason == "no-end":
                yield from endless_warning(self._image, self._core.call_stack(), self._stood_at)
        yield from self._semihosting.warnings
        if (uses := self._core.peripherals()) and self._options.spec.peripherals != "strict":
            yield peripheral_warning(
                uses, self._registers, None if self._options.spec.verbose else 8
            )
        if stores := self._core.self_modified():
            yield f"the program overwrote code that had run ({stores} stores); its costs mix both"

    # --- the engine's thread ---

    def _emulate(self) -> None:
        try:
            self._uc.mem_write(VTOR, self._boot.vector_table.to_bytes(4, "little"))
            self.write_register("sp", self._boot.sp)
            pc = self._boot.pc
            while self._end is None:
                stop = self._core.run(pc)
                if self._error is not None:
                    return
                if self._end is None:
                    self._after(stop)
                pc = self.read_register("pc")
            # Timing runs behind the engine: it may only now see where the program went wrong.
            if self._end.reason != "fault" and self._core.settle() is Stop.FAULT:
                self._after(Stop.FAULT)
        except BaseException as error:  # raised again in the calling thread
            self._error = error
        finally:
            self._stood_at = self.read_register("pc")
            self._done.set()

    def _after(self, stop: Stop) -> None:
        """What to do when the engine has returned by itself or on a stop of the core."""
        if stop is Stop.MAX_INSTRUCTIONS or stop is Stop.CYCLES:
            self._end = _End(self._limit(stop))
        elif stop is Stop.UNTIL:
            self._end = _End("until")
        elif stop is Stop.LOOP:
            if not self._ticks() or self._is_masked(armv7m.SYSTICK):
                self._end = _End("loop")
        elif stop is Stop.POLLING:
            if self._guessing.look(self.read_register) is not None:
                self._end = _End("input")
        elif stop is Stop.REQUESTED:
            self._end = _End(self._stop_reason)
        elif stop is Stop.FAULT:
            fault = self._core.fault()
            assert fault is not None
            overflow = fault.kind in UNMAPPED and self._is_below_stack(fault.address)
            kind = FaultKind.STACK_OVERFLOW if overflow else fault.kind
            self._fail(FAULT_TEXTS[kind], fault.address, fault.pc)
        elif stop is Stop.EXCEPTION:
            self._take_pending()
        elif self._core.reset_requested():
            self._warnings.append("the program asked for a system reset; the run ends there")
            self._end = _End("exit", 1)
        else:
            self._after_engine(self._core.engine_error())

    def _limit(self, stop: Stop) -> str:
        """Which limit a stop of the core was."""
        spec = self._options.spec
        asked = spec.for_s if stop is Stop.CYCLES else spec.max_instructions
        if asked is None:
            return "no-end"
        return "for" if stop is Stop.CYCLES else "max-instructions"

    def _after_engine(self, error: int) -> None:
        pc = self.read_register("pc")
        if error == uc_const.UC_ERR_OK and self._is_behind(WFI, pc):
            if not self._sleep():
                self.write_register("pc", (pc - 2) | 1)
                self._end = _End("sleep")
        elif error == uc_const.UC_ERR_INSN_INVALID:
            # WFE comes back as an invalid instruction with PC behind it. If nothing ran since the
            # last one, it is the instruction at PC that is invalid.
            here = (pc, self._core.instructions())
            repeated = pc == self._last_wfe[0] and here[1] - self._last_wfe[1] <= 1
            if self._is_behind(WFE, pc) and not repeated:
                self._last_wfe = here
                if self._event:
                    self._event = False
                else:
                    self._sleep()
            elif self.read_register("xpsr") & armv7m.XPSR_T:
                self._fail("undefined instruction", pc, pc)
            else:
                self._fail("jump to an address with bit 0 clear (Arm state)", pc, pc)
        else:
            text = uclib.uc_strerror(error).decode()
            raise CoreError(f"the engine stopped at {frame_at(self._image, pc)}: {text}")

    def _is_below_stack(self, address: int) -> bool:
        """Whether an access below the stack's RAM came from the stack: SP is next to it."""
        base, sp = self._memory.ram_base(self._boot.sp), self.read_register("sp")
        return sp - LARGEST_PUSH <= address < base and (sp < base or address < sp)

    def _is_behind(self, encodings: tuple[bytes, ...], pc: int) -> bool:
        return any(self.read(pc - len(code), len(code)) == code for code in encodings)

    def _sleep(self) -> bool:
        """Sleep until an exception is pending, not at all if one is; False if none can wake."""
        number = self._core.pending_exception()
        if not number and self._options.spec.until_idle:
            self._end = _End("idle")
            return True
        if not self._wakes(number or armv7m.SYSTICK):
            return False
        if not number:
            cycles = self._core.cycles_to_tick()
            if cycles is None or not self._ticks():
                return False
            left = self._core.cycles_left()
            if left is not None and left <= cycles:
                self._core.sleep(left)
                self._end = _End(self._limit(Stop.CYCLES))
                return True
            self._core.sleep(cycles)
        self._take_pending()
        return True

    def _ticks(self) -> bool:
        """Whether SysTick counts and interrupts."""
        control = self._core.system_register(SYST_CSR)
        return control & SYST_CSR_RUNS == SYST_CSR_RUNS

    def _wakes(self, number: int) -> bool:
        """Whether SysTick or PendSV ends a sleep; PRIMASK does not hold it back."""
        priority = self._core.system_register(SHPR3) >> (8 * (number - 12)) & 0xFF
        base = self.read_register("basepri")
        return not (self.read_register("faultmask") & 1 or (base and priority >= base))

    def _is_masked(self, number: int) -> bool:
        """Whether SysTick or PendSV has to wait; no exception preempts another here."""
        return bool(
            not self._wakes(number)
            or self.read_register("primask") & 1
            or self.read_register("xpsr") & armv7m.XPSR_IPSR
        )

    def _take_pending(self) -> None:
        number = self._core.pending_exception()
        if self._is_masked(number):
            self._core.exception_deferred()
        else:
            self._core.exception_taken(number)
            self._enter(number, self.read_register("pc"))

    def _fail(self, kind: str, address: int, pc: int) -> None:
        region = self._model.region_at(address)
        if region is not None and region.kind == "external" and not self.read(address, 1):
            self._warnings.append(
                f"{address:#010x} is external memory ({region.name}), which is there only for a"
                " program that has a segment or a symbol in it"
            )
        self._end = _End("fault", None, (kind, address, pc))

    # --- the interrupt hook ---

    def _on_interrupt(self, uc: unicorn.Uc, number: int, _: object) -> None:
        try:
            self._interrupt(number, self.read_register("pc"))
        except BaseException as error:  # a hook cannot raise
            self._error = error
        if self._end is not None or self._error is not None:
            uc.emu_stop()

    def _interrupt(self, number: int, pc: int) -> None:
        if number == BKPT and self.read(pc, 2) == SEMIHOSTING_BKPT:
            self._semihost(pc)
        elif number == BKPT:
            self._fail("breakpoint without a debugger", pc, pc)
        elif number == SVC:
            masked = self.read_register("primask") & 1 or self.read_register("faultmask") & 1
            active = self.read_register("xpsr") & armv7m.XPSR_IPSR
            if masked or active in (2, 3, armv7m.SVCALL):
                self._fail("SVC where it cannot be taken (HardFault)", pc, pc)
            else:
                self._enter(armv7m.SVCALL, pc)
        elif number in (PREFETCH_ABORT, EXCEPTION_EXIT) and self._is_exception_return(pc):
            try:
                armv7m.exception_return(self, pc | 1)
                self._core.exception_return()
                self._event = True
            except armv7m.ExceptionFault as fault:
                self._fail(fault.kind, fault.address, pc)
        elif number == PREFETCH_ABORT:
            self._fail(FAULT_TEXTS[FaultKind.FETCH_PROTECTED], pc, pc)
        else:
            self._fail(
                ENGINE_FAULTS.get(number, "exception that the engine does not explain"), pc, pc
            )

    def _is_exception_return(self, pc: int) -> bool:
        return pc >> 28 == 0xF and bool(self.read_register("xpsr") & armv7m.XPSR_IPSR)

    def _enter(self, number: int, pc: int) -> None:
        vector_table = self._core.system_register(VTOR)
        try:
            armv7m.exception_entry(self, number, vector_table)
        except armv7m.ExceptionFault as fault:
            self._fail(f"{fault.kind} of exception {number}", fault.address, pc)
        else:
            self._core.exception(pc)
            self._event = True

    def _semihost(self, pc: int) -> None:
        result = self._semihosting.call(self.read_register("r0"), self.read_register("r1"))
        if isinstance(result, ProgramExit):
            if result.stop:
                self._warnings.append(f"the program ended abnormally: {result.stop}")
            self._end = _End("exit", result.code)
            return
        self.write_register("r0", result)
        xpsr = self.read_register("xpsr")
        if xpsr & armv7m.XPSR_IT:
            self.write_register("xpsr", armv7m.advance_it(xpsr))
        self.write_register("pc", (pc + 2) | 1)

    # --- registers and memory ---

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
