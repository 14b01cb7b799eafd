"""What the engine leaves out, on its own thread: exceptions, sleep, semihosting, the end of a run.

The engine returns on a stop of the C core or by itself; here is what then happens.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import unicorn
from unicorn import unicorn_const as uc_const
from unicorn.unicorn_py3.unicorn import uclib

from simcore.core.core import Core
from simcore.core.enums import FaultKind, Stop
from simcore.cpu_model import CpuModel
from simcore.elf import Image
from simcore.errors import CoreError
from simcore.machine import armv7m
from simcore.machine.fault_report import FAULT_TEXTS, frame_at
from simcore.machine.loader import Boot, LoadedMemory
from simcore.machine.semihosting import ProgramExit, Semihosting
from simcore.machine.state import State
from simcore.run.options import RunOptions

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


@dataclass(frozen=True, slots=True)
class End:
    """How the run ended, before the profile is settled."""

    reason: str
    code: int | None = None
    fault: tuple[str, int, int] | None = None  # kind, address, PC


class Execution:
    """A run on the engine's thread, from boot until `end` says how it ended or `error` is set."""

    def __init__(
        self,
        image: Image,
        model: CpuModel,
        options: RunOptions,
        memory: LoadedMemory,
        boot: Boot,
        uc: unicorn.Uc,
        core: Core,
        semihosting: Semihosting,
    ) -> None:
        self._image = image
        self._model = model
        self._options = options
        self._memory = memory
        self._boot = boot
        self._uc = uc
        self._core = core
        self._semihosting = semihosting
        self._state = State(uc, memory)
        self._last_wfe = (0, 0)  # PC behind it and the instructions up to it
        self._event = (
            False  # the event register: set by every exception taken and left; SEV is not seen
        )
        self.done = threading.Event()
        self.end: End | None = None
        self.error: BaseException | None = None
        self.stood_at = 0
        self.stop_reason = ""
        self.warnings: list[str] = []
        uc.hook_add(uc_const.UC_HOOK_INTR, self._on_interrupt)

    def run(self) -> None:
        try:
            self._uc.mem_write(VTOR, self._boot.vector_table.to_bytes(4, "little"))
            self._state.write_register("sp", self._boot.sp)
            pc = self._boot.pc
            while self.end is None:
                stop = self._core.run(pc)
                if self.error is not None:
                    return
                if self.end is None:
                    self._after(stop)
                pc = self._state.read_register("pc")
            # Timing runs behind the engine: it may only now see where the program went wrong.
            if self.end.reason != "fault" and self._core.settle() is Stop.FAULT:
                self._after(Stop.FAULT)
        except BaseException as error:  # raised again in the calling thread
            self.error = error
        finally:
            self.stood_at = self._state.read_register("pc")
            self.done.set()

    def _after(self, stop: Stop) -> None:
        """What to do when the engine has returned by itself or on a stop of the core."""
        if stop is Stop.MAX_INSTRUCTIONS or stop is Stop.CYCLES:
            self.end = End(self._limit(stop))
        elif stop is Stop.UNTIL:
            self.end = End("until")
        elif stop is Stop.LOOP:
            if not self._ticks() or self._is_masked(armv7m.SYSTICK):
                self.end = End("loop")
        elif stop is Stop.REQUESTED:
            self.end = End(self.stop_reason)
        elif stop is Stop.FAULT:
            fault = self._core.fault()
            assert fault is not None
            overflow = fault.kind in UNMAPPED and self._is_below_stack(fault.address)
            kind = FaultKind.STACK_OVERFLOW if overflow else fault.kind
            self._fail(FAULT_TEXTS[kind], fault.address, fault.pc)
        elif stop is Stop.EXCEPTION:
            self._take_pending()
        elif self._core.reset_requested():
            self.warnings.append("the program asked for a system reset; the run ends there")
            self.end = End("exit", 1)
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
        pc = self._state.read_register("pc")
        if error == uc_const.UC_ERR_OK and self._is_behind(WFI, pc):
            if not self._sleep():
                self._state.write_register("pc", (pc - 2) | 1)
                self.end = End("sleep")
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
            elif self._state.read_register("xpsr") & armv7m.XPSR_T:
                self._fail("undefined instruction", pc, pc)
            else:
                self._fail("jump to an address with bit 0 clear (Arm state)", pc, pc)
        else:
            text = uclib.uc_strerror(error).decode()
            raise CoreError(f"the engine stopped at {frame_at(self._image, pc)}: {text}")

    def _is_below_stack(self, address: int) -> bool:
        """Whether an access below the stack's RAM came from the stack: SP is next to it."""
        base, sp = self._memory.ram_base(self._boot.sp), self._state.read_register("sp")
        return sp - LARGEST_PUSH <= address < base and (sp < base or address < sp)

    def _is_behind(self, encodings: tuple[bytes, ...], pc: int) -> bool:
        return any(self._state.read(pc - len(code), len(code)) == code for code in encodings)

    def _sleep(self) -> bool:
        """Sleep until an exception is pending, not at all if one is; False if none can wake."""
        number = self._core.pending_exception()
        if not number and self._options.spec.until_idle:
            self.end = End("idle")
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
                self.end = End(self._limit(Stop.CYCLES))
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
        base = self._state.read_register("basepri")
        return not (self._state.read_register("faultmask") & 1 or (base and priority >= base))

    def _is_masked(self, number: int) -> bool:
        """Whether SysTick or PendSV has to wait; no exception preempts another here."""
        return bool(
            not self._wakes(number)
            or self._state.read_register("primask") & 1
            or self._state.read_register("xpsr") & armv7m.XPSR_IPSR
        )

    def _take_pending(self) -> None:
        number = self._core.pending_exception()
        if self._is_masked(number):
            self._core.exception_deferred()
        else:
            self._core.exception_taken(number)
            self._enter(number, self._state.read_register("pc"))

    def _fail(self, kind: str, address: int, pc: int) -> None:
        region = self._model.region_at(address)
        if region is not None and region.kind == "external" and not self._state.read(address, 1):
            self.warnings.append(
                f"{address:#010x} is external memory ({region.name}), which is there only for a"
                " program that has a segment or a symbol in it"
            )
        self.end = End("fault", None, (kind, address, pc))

    # --- the interrupt hook ---

    def _on_interrupt(self, uc: unicorn.Uc, number: int, _: object) -> None:
        try:
            self._interrupt(number, self._state.read_register("pc"))
        except BaseException as error:  # a hook cannot raise
            self.error = error
        if self.end is not None or self.error is not None:
            uc.emu_stop()

    def _interrupt(self, number: int, pc: int) -> None:
        if number == BKPT and self._state.read(pc, 2) == SEMIHOSTING_BKPT:
            self._core.print_rest()
            self._semihost(pc)
        elif number == BKPT:
            self._fail("breakpoint without a debugger", pc, pc)
        elif number == SVC:
            masked = (
                self._state.read_register("primask") & 1
                or self._state.read_register("faultmask") & 1
            )
            active = self._state.read_register("xpsr") & armv7m.XPSR_IPSR
            if masked or active in (2, 3, armv7m.SVCALL):
                self._fail("SVC where it cannot be taken (HardFault)", pc, pc)
            else:
                self._enter(armv7m.SVCALL, pc)
        elif number in (PREFETCH_ABORT, EXCEPTION_EXIT) and self._is_exception_return(pc):
            try:
                armv7m.exception_return(self._state, pc | 1)
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
        return pc >> 28 == 0xF and bool(self._state.read_register("xpsr") & armv7m.XPSR_IPSR)

    def _enter(self, number: int, pc: int) -> None:
        vector_table = self._core.system_register(VTOR)
        try:
            armv7m.exception_entry(self._state, number, vector_table)
        except armv7m.ExceptionFault as fault:
            self._fail(f"{fault.kind} of exception {number}", fault.address, pc)
        else:
            self._core.exception(pc)
            self._event = True

    def _semihost(self, pc: int) -> None:
        result = self._semihosting.call(
            self._state.read_register("r0"), self._state.read_register("r1")
        )
        if isinstance(result, ProgramExit):
            if result.stop:
                self.warnings.append(f"the program ended abnormally: {result.stop}")
            self.end = End("exit", result.code)
            return
        self._state.write_register("r0", result)
        xpsr = self._state.read_register("xpsr")
        if xpsr & armv7m.XPSR_IT:
            self._state.write_register("xpsr", armv7m.advance_it(xpsr))
        self._state.write_register("pc", (pc + 2) | 1)
