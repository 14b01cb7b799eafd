"""What the engine leaves out, on its own thread: exceptions, sleep, semihosting, the end of a run.

The engine returns on a stop of the C core or by itself; here is what then happens.
"""

from __future__ import annotations

import threading

import unicorn
from unicorn import unicorn_const as uc_const
from unicorn.unicorn_py3.unicorn import uclib

from simcore.core.core import Core
from simcore.core.enums import FaultKind, Stop
from simcore.core.sandbox import confine
from simcore.cpu_model import CpuModel
from simcore.elf import Image
from simcore.errors import CoreError
from simcore.machine.engine import map_region
from simcore.machine.fault_report import FAULT_TEXTS, fault_report, frame_at
from simcore.machine.guessing import Guessing
from simcore.machine.loader import Boot, LoadedMemory
from simcore.machine.semihosting import ProgramExit, Semihosting
from simcore.machine.state import EngineState
from simcore.records import dataclass
from simcore.run.faults import Fault
from simcore.run.options import RunOptions

SEMIHOSTING_BKPT = b"\xab\xbe"
WFI = (b"\x30\xbf", b"\xaf\xf3\x03\x80")
WFE = (b"\x20\xbf", b"\xaf\xf3\x02\x80")
VTOR = 0xE000_ED08
XPSR_T, XPSR_IT = 1 << 24, 0x0600_FC00
MOST_IN_VAIN = 1000  # WFE
LARGEST_PUSH = 128  # bytes: VPUSH of 16 doubles
UNMAPPED = (FaultKind.READ_UNMAPPED, FaultKind.WRITE_UNMAPPED, FaultKind.WRITE_PROTECTED)


@dataclass(frozen=True, slots=True)
class End:
    """How the run ended, before the profile is settled."""

    reason: str
    code: int | None = None
    fault: Fault | None = None


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
        self.guessing: Guessing | None = None  # what lets loops go that wait for registers
        self._state = EngineState(uc, memory)
        self._last_wfe = (0, 0)  # PC behind it and the instructions up to it
        self._in_vain = 0  # WFE one behind the other that nothing could end
        self._cause: Fault | None = None  # of the fault exceptions that are active
        self.done = threading.Event()
        self.end: End | None = None
        self.error: BaseException | None = None
        self.stood_at = 0
        self.stop_reason = ""
        self.warnings: list[str] = []
        self._warned: set[str] = set()  # regions that are told to be missing

    def run(self) -> None:
        try:
            confine(self._semihosting.folder)
            self._uc.mem_write(VTOR, self._boot.vector_table.to_bytes(4, "little"))
            self._state.write_register("sp", self._boot.sp)
            pc = self._boot.pc
            while self.end is None:
                self._after(self._core.run(pc))
                pc = self._state.read_register("pc")
            self.stood_at = pc
            # Timing runs behind the engine: it may only now see where the program went wrong.
            if self.end.reason != "fault" and self._core.settle() is Stop.FAULT:
                self._after(Stop.FAULT)
            self._keep_cause()
        except BaseException as error:  # raised again in the calling thread
            self.error = error
        finally:
            self.done.set()

    def _keep_cause(self) -> None:
        """A run that ends in the handler of a fault ends by that fault, whatever it did."""
        assert self.end is not None
        if self.end.reason == "interrupted" or not self._core.fault_active():
            return
        if self._cause is not None:
            self.end = End("fault", None, self._cause)
            self.stood_at = self._cause.pc

    def _after(self, stop: Stop) -> None:
        """What to do when the engine has returned by itself or on a stop of the core."""
        if stop is Stop.MAX_INSTRUCTIONS or stop is Stop.CYCLES:
            self.end = End(self._limit(stop))
        elif stop is Stop.UNTIL:
            self.end = End("until")
        elif stop is Stop.LOOP:
            self.end = End("loop")
        elif stop is Stop.CODE:
            self.end = End("max-memory")
        elif stop is Stop.REQUESTED:
            self.end = End(self.stop_reason)
        elif stop is Stop.FAULT:
            self._fault()
        elif stop is Stop.BREAKPOINT:
            self._breakpoint(self._state.read_register("pc"))
        elif stop is Stop.POLLING:
            assert self.guessing is not None
            if self.guessing.look(self._state.read_register) is not None:
                self.end = End("input")
        elif stop is Stop.STANDING:
            assert self.guessing is not None
            if self.guessing.stands(self._state.read_register):
                self.end = End("loop")
        elif stop is Stop.STORM:
            self.end = End("storm")
        elif stop is Stop.SLEEP:
            if not self._sleep():
                self.end = End("sleep")
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
                if not self._core.take_event():
                    self._wait_for_event(pc)
            else:
                thumb = self._state.read_register("xpsr") & XPSR_T
                kind = FaultKind.UNDEFINED if thumb else FaultKind.INVALID_STATE
                self._core.raise_fault(kind, pc, pc)
                self._fault()
        else:
            text = uclib.uc_strerror(error).decode()
            raise CoreError(f"the engine stopped at {frame_at(self._image, pc)}: {text}")

    def _wait_for_event(self, pc: int) -> None:
        """WFE may go on without an event, but who comes back to it with nothing to come sleeps."""
        self._in_vain = 0 if self._sleep() else self._in_vain + 1
        if self._in_vain == MOST_IN_VAIN:
            self._state.write_register("pc", (pc - 2) | 1)
            self.end = End("sleep")

    def _is_below_stack(self, address: int) -> bool:
        """Whether an access below the stack's RAM came from the stack: SP is next to it."""
        base, sp = self._memory.ram_base(self._boot.sp), self._state.read_register("sp")
        return sp - LARGEST_PUSH <= address < base and (sp < base or address < sp)

    def _is_behind(self, encodings: tuple[bytes, ...], pc: int) -> bool:
        return any(self._state.read(pc - len(code), len(code)) == code for code in encodings)

    def _sleep(self) -> bool:
        """Sleep until an exception is pending, not at all if one is; False if none can wake."""
        if self._core.wakes():
            return True
        if self._options.spec.until_idle:
            self.end = End("idle")
            return True
        cycles = self._core.cycles_to_wake()
        if cycles is None:
            return False
        left = self._core.cycles_left()
        if left is not None and left <= cycles:
            self._core.sleep(left)
            self.end = End(self._limit(Stop.CYCLES))
        else:
            self._core.sleep(cycles)
        return True

    def _fault(self) -> None:
        """The program's own handler of a fault runs, or there is none and the run ends."""
        fault = self._core.fault()
        assert fault is not None
        if fault.kind in UNMAPPED and self._adds_external(fault.address):
            self._core.retry()
            return
        overflow = fault.kind in UNMAPPED and self._is_below_stack(fault.address)
        kind = FaultKind.STACK_OVERFLOW if overflow else fault.kind
        if not self._core.fault_active() or self._cause is None:
            self._cause = self._report(FAULT_TEXTS[kind], fault.address, fault.pc)
            self._warn_of_external(fault.address)
        if not self._core.take_fault() or self._core.fault_repeats():
            self.end = End("fault", None, self._cause)

    def _report(self, kind: str, address: int, pc: int) -> Fault:
        return fault_report(self._image, self._core.call_stack(), kind, address, pc)

    def _adds_external(self, address: int) -> bool:
        """External memory is there from when it is used on, when its controller was set up."""
        region = self._model.region_at(address)
        controllers = self._model.devices.external
        if region is None or region in self._memory.regions or region.name not in controllers:
            return False
        first, size = controllers[region.name]
        if not any(self._core.is_written(first + at) for at in range(0, size, 4)):
            return False
        self._memory.add(region)
        map_region(self._uc, self._memory, region)
        self.warnings.append(
            f"{address:#010x} is external memory ({region.name}) without a segment or a symbol; the"
            " program set up its controller, so it is taken to be there"
        )
        return True

    def _warn_of_external(self, address: int) -> None:
        region = self._model.region_at(address)
        if region is None or region.kind != "external" or self._state.read(address, 1):
            return
        if region.name in self._warned:
            return
        self._warned.add(region.name)
        self.warnings.append(
            f"{address:#010x} is external memory ({region.name}), which is there only for a program"
            " that has a segment or a symbol in it or sets up its controller;"
            f" --set region.{region.name}.kind=sram puts it on the board"
        )

    def _breakpoint(self, pc: int) -> None:
        if self._state.read(pc, 2) == SEMIHOSTING_BKPT:
            self._core.print_rest()
            self._semihost(pc)
        else:
            self._core.settle()
            report = self._report("breakpoint without a debugger", pc, pc)
            self.end = End("fault", None, report)

    def _semihost(self, pc: int) -> None:
        result = self._semihosting.call(
            self._state.read_register("r0"), self._state.read_register("r1")
        )
        if isinstance(result, ProgramExit):
            if result.stop:
                self.warnings.append(f"the program ended abnormally: {result.stop}")
            self.end = End("exit", result.code)
            return
        if self._semihosting.pieces > self._options.most_pieces:
            self.end = End("no-end")
        self._state.write_register("r0", result)
        xpsr = self._state.read_register("xpsr")
        if xpsr & XPSR_IT:
            self._state.write_register("xpsr", _advance_it(xpsr))
        self._state.write_register("pc", (pc + 2) | 1)


def _advance_it(xpsr: int) -> int:
    """XPSR with ITSTATE moved on by one instruction (ITAdvance, A7.3.3)."""
    state = (xpsr >> 8 & 0xFC) | (xpsr >> 25 & 3)
    state = (state & 0xE0) | (state << 1 & 0x1F) if state & 7 else 0
    return xpsr & ~XPSR_IT | (state & 0xFC) << 8 | (state & 3) << 25
