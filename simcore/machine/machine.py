"""One run of a program: a Unicorn Cortex-M7 with the C core attached, set up, watched and settled.

The engine runs on a thread of its own (execution.py), so that the calling thread can watch the
clock and Ctrl-C.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from typing import Protocol

from unicorn.unicorn_py3.unicorn import uclib

from simcore.core.core import ENGINE_FUNCTIONS, Core, add_setups
from simcore.core.data_objects import ObjectMap
from simcore.core.end import EndedRun, RunEnd, run_objects, run_results
from simcore.core.operators import WatchNetworks
from simcore.core.sandbox import keep_bytecode
from simcore.core.schedules import Known
from simcore.devices import (
    ClockNote,
    ClockPhase,
    clock_phases,
    clocks_at_scales,
    crystal_of,
    known_bits,
    sets_clock,
)
from simcore.elf import Image
from simcore.errors import ConfigError
from simcore.files import is_folder
from simcore.interrupts import resume
from simcore.machine.engine import address_of, capture_options, division_register, map_memory
from simcore.machine.execution import End, Execution
from simcore.machine.fault_report import frame_at
from simcore.machine.guessing import Guessing
from simcore.machine.handlers import LIMITS, Handlers
from simcore.machine.loader import LoadedMemory
from simcore.machine.peripherals import (
    RegisterNames,
    endless_warning,
    peripheral_warning,
    polling_warning,
)
from simcore.machine.semihosting import HeapInfo, Semihosting
from simcore.machine.semihosting_files import PatientInput
from simcore.machine.serial import SerialPorts
from simcore.machine.state import EngineState
from simcore.run.flexram import config_warnings
from simcore.run.heaps import heaps_used
from simcore.run.memory import MemoryLimit
from simcore.run.options import MAX_PRINTED, RunOptions, command_line
from simcore.run.reached import Reached, Watcher
from simcore.run.setup import TimingSetup
from simcore.run.svd import Description

POLLING_ENDS = ("input", *LIMITS)
WATCH_S = 0.05  # how often the calling thread looks at the clock


class Recorder(Protocol):
    """Who keeps what is needed to time a run again."""

    def events(self, piece: bytes) -> None:
        """Take a piece of the event stream; on the engine's thread."""

    def end(self, end: RunEnd) -> None:
        """Take how the run ended, behind all of its events."""


class Machine:
    """One run: set up, watched while it goes, and settled."""

    def __init__(
        self,
        image: Image,
        setups: Sequence[TimingSetup],
        options: RunOptions,
        recorder: Recorder | None,
        watch: WatchNetworks | None = None,
        known: Known | None = None,
    ) -> None:
        model = setups[0].model
        folder = options.spec.semihost_dir
        if folder is not None and not is_folder(folder):
            raise ConfigError(f"--semihost-dir {folder}: there is no such folder")
        self._serial = SerialPorts(model, options)
        self._image = image
        self._model = model
        self._setups = setups
        self._recorder = recorder
        self._options = options
        svd = options.spec.svd
        self._registers = RegisterNames(image, model, None if svd is None else Description(svd))
        self._memory = LoadedMemory(model, image)
        self._memory.load(image)
        self._boot = self._memory.boot(image, options.spec.entry)
        self._stack_floor = self._memory.stack_floor(image, self._boot.sp)
        self._stopping = threading.Event()
        self._is_described = False
        self._core = Core(image.function_at, known)
        add_setups(self._core, setups)
        self._uc = map_memory(self._memory)
        self._semihosting = self._host(EngineState(self._uc, self._memory))
        self._execution = Execution(
            image,
            model,
            options,
            self._memory,
            self._boot,
            self._uc,
            self._core,
            self._semihosting,
        )
        try:
            functions = {
                name: address_of(getattr(uclib, f"uc_{name}")) for name in ENGINE_FUNCTIONS
            }
            told = capture_options(self._uc, self._memory, image, model, options)
            self._kernel = told.kernel.title
            self._core.attach(self._uc._uch.value, functions, told)
            self._handlers = Handlers(
                image, self._core, self._memory.read, model.devices, told.timers
            )
            self._core.describe_when_used(self._describe)
            for region in self._memory.regions:
                if region.kind == "flash":
                    host = self._memory.host_address(region)
                    self._core.lend_flash(region.base, region.size, host)
            self._execution.guessing = self._guessing = Guessing(
                image, model, self._memory, self._core, self._registers, options.spec.stub
            )
            if options.streams.stdout is not None:
                self._core.print_to(options.streams.stdout.write)
            self._core.watch_stack(self._boot.sp, self._stack_floor)
            self._core.watch_objects(self._object_map())
            self._networks = None
            if watch is not None:
                self._networks = watch(self._memory, self._core.objects, self._core.add_table)
                self._core.watch_operators(self._networks.ask)
            if setups[0].counted is not None:
                self._core.count_only(setups[0].counted)
            if recorder is not None:
                self._core.record(recorder.events)
        except BaseException:
            self.close()
            raise

    def _describe(self) -> None:
        """Tell the core of the part's devices, which takes longer than many a kernel runs."""
        self._is_described = True
        for device in self._serial.devices:
            self._core.describe(device)
        self._serial.describe(self._core)

    def _dma_addresses(self) -> tuple[int, ...]:
        """What the program gave to channels of DMA, if it used any device."""
        if not self._is_described:
            return ()
        from simcore.machine.programmed import programmed_addresses

        return programmed_addresses(self._model.devices.devices, self._core.register)

    def _object_map(self) -> ObjectMap:
        return run_objects(self._image, self._stack_floor, self._boot.sp, *self._heap())

    def _heap(self) -> tuple[int, int]:
        """Where the heap starts and where it would meet the stack or the end of its memory."""
        start = self._image.heap_start() or 0
        return start, self._memory.heap_limit(start, self._boot.sp)

    def _host(self, state: EngineState) -> Semihosting:
        options, folder = self._options, self._options.spec.semihost_dir
        streams = options.streams
        return Semihosting(
            state,
            self._core.now,
            options.clock_hz,
            command_line=command_line(
                PurePath(options.spec.runner_file or self._image.path).name, options.spec.args
            ),
            heap=HeapInfo(*self._heap(), self._boot.sp, self._stack_floor),
            stdin=None
            if streams.stdin is None
            else PatientInput(streams.stdin, self._stopping, streams.stdin_read),
            stdout=streams.stdout,
            folder=None if folder is None else Path(folder),
        )

    def close(self) -> None:
        """Free the engine, then the core: the other order crashes.

        A run that a second Ctrl-C left behind keeps both.
        """
        self._semihosting.close()
        if self._execution.done.is_set():
            self._guessing.close()
            self._uc._Uc__finalizer()
            self._core.close()
        else:  # Python would free the engine of the running thread as it ends
            self._uc._Uc__finalizer.detach()

    # --- the calling thread ---

    def run(self, progress: Watcher | None) -> list[EndedRun]:
        """Run to the end and settle the results, one per setup."""
        begun = threading.Lock()  # by whoever is first: the engine, or an interrupt before it

        def execute() -> None:
            if begun.acquire(blocking=False):
                self._execution.run()

        worker = threading.Thread(target=execute, name="mcusim engine", daemon=True)
        timeout = self._options.spec.timeout_s
        deadline = None if timeout is None else time.monotonic() + timeout
        memory = MemoryLimit(self._options.spec.max_memory)
        loaded = set(sys.modules)
        try:
            worker.start()
            while not self._execution.done.wait(WATCH_S):
                if deadline is not None and time.monotonic() >= deadline:
                    self._stop("timeout")
                if memory.is_passed():
                    self._stop("max-memory")
                if progress is not None:
                    modelled_s = self._core.modelled() / self._options.clock_hz
                    progress(Reached(self._core.instructions(), modelled_s))
        except BaseException as error:
            if begun.acquire(blocking=False):  # nothing ran, and nothing will
                self._execution.done.set()
                raise
            self._stop("interrupted")
            if not isinstance(error, KeyboardInterrupt):  # out of `progress`
                self._execution.done.wait()
                raise
            resume()
            self._execution.done.wait()
        worker.join()
        keep_bytecode(loaded)
        if self._execution.error is not None:
            raise self._execution.error
        return self._results()

    def _stop(self, reason: str) -> None:
        self._execution.stop_reason = self._execution.stop_reason or reason
        self._stopping.set()
        self._core.stop_request()

    def _results(self) -> list[EndedRun]:
        end = self._execution.end
        assert end is not None
        self._core.settle()
        self._core.print_rest()
        if self._options.streams.ended is not None:
            self._options.streams.ended(self._memory.read)
        ops, ops_valid = self._core.ops()
        networks = self._networks
        if networks is not None:
            ops = networks.named(ops)
        heap_start, heap_end = self._heap()
        outcome = RunEnd(
            reason=self._reason(end),
            code=end.code,
            fault=end.fault,
            warnings=tuple(self._all_warnings()),
            stack_top=self._boot.sp,
            stack_floor=self._stack_floor,
            heap_start=heap_start,
            heap_end=heap_end,
            ops=ops,
            ops_valid=int(ops_valid),
            clock_read=int(self._core.clock_read()),
            geometry_read=int(self._core.geometry_read()),
            guesses=self._guessing.guesses(),
            clocks=self._clocks(),
            tasks=self._core.tasks(),
            inner=self._core.objects.inner,
            tables=self._core.objects.tables,
            arenas=() if networks is None else networks.arenas(),
            kernel=self._kernel,
            heaps=heaps_used(self._image, self._memory.read, heap_end),
            place=None if end.reason == "exit" else frame_at(self._image, self._execution.stood_at),
            dma_addresses=self._dma_addresses(),
        )
        if self._recorder is not None:
            self._recorder.end(outcome)
        return run_results(self._core.timings, self._setups, outcome)

    def _clocks(self) -> tuple[ClockPhase, ...]:
        """The core clocks that the firmware set."""
        if not (notes := self._clock_notes()):
            return ()
        spent = self._core.counted_span()
        family = self._model.devices.family
        return clock_phases(family, self._crystal_hz(notes), notes, *spent)

    def _clock_notes(self) -> Sequence[ClockNote]:
        """What the firmware wrote of clock and voltage, nothing when it set no clock."""
        notes = self._core.clock_notes()
        return notes if notes and sets_clock(self._model.devices.family, notes) else ()

    def _crystal_hz(self, notes: Sequence[ClockNote]) -> int:
        symbol = self._image.symbol("SystemCoreClock")
        known = None if symbol is None else self._memory.read(symbol.address, 4)
        if symbol is not None and known == self._image.read(symbol.address, 4):
            known = None  # as it was linked: the program does not keep it
        told_hz = int.from_bytes(known or b"", "little")
        devices = self._model.devices
        return crystal_of(devices.family, devices.crystal, notes, told_hz)

    def _voltage_warnings(self) -> Iterator[str]:
        """Clocks that the firmware set for which its voltage scale is too low."""
        if not (notes := self._clock_notes()):
            return
        family = self._model.devices.family
        highest = {point.voltage_scale: point.max_clock for point in self._model.operating_points}
        for clock_hz, scale in clocks_at_scales(family, self._crystal_hz(notes), notes):
            reached = max(highest.get(scale, 0), highest.get(f"{scale}-boost", 0))
            enough = [name for name, most in highest.items() if most >= clock_hz]
            if reached and reached < clock_hz and enough:
                yield (
                    f"the program sets a core clock of {clock_hz / 1e6:g} MHz at voltage scale"
                    f" {scale}, which reaches {reached / 1e6:g} MHz; it needs {enough[0]}"
                )

    def _reason(self, end: End) -> str:
        """Why the run ended; what ends by itself may have missed a place."""
        if end.reason not in ("exit", "loop", "sleep", "input"):
            return end.reason
        if not self._core.counts() or self._options.spec.until is not None:
            return "missed"
        return "input" if self._awaited(end) else end.reason

    def _awaited(self, end: End) -> str | None:
        """The serial port whose input would let a program go on that loops or sleeps."""
        if end.reason not in ("loop", "sleep"):
            return None
        return self._serial.awaited(self._core, asleep=end.reason == "sleep")

    def _is_to_tell(self, polled: int) -> bool:
        """Whether a polled word is what the program hangs on: not if its description says how it
        reads, unless it is input; where loops are not looked at nobody knows.
        """
        is_known = known_bits(self._model.devices.devices).get(polled, 0)
        is_looked_at = self._options.spec.peripherals in (None, "ready")
        return not (is_known and is_looked_at) or polled in self._guessing.awaited

    def _all_warnings(self) -> Iterator[str]:
        yield from self._execution.warnings
        end = self._execution.end
        assert end is not None
        awaited = self._awaited(end)
        yield from self._handlers.warnings("input" if awaited else end.reason)
        if not self._core.counts() and end.reason in POLLING_ENDS:
            yield f"--from {self._options.spec.from_} was not reached before that"
        if awaited:
            yield f"the program waits for an interrupt of {awaited}; {self._serial.advice(awaited)}"
        if end.reason in POLLING_ENDS:
            polled = self._core.polled()
            if polled is not None and self._is_to_tell(polled):
                where = frame_at(self._image, self._execution.stood_at)
                value, port = self._core.register(polled), self._serial.port_of(polled)
                advice = None if port is None else self._serial.advice(port)
                yield polling_warning(self._registers, polled, value, where, advice)
            elif end.reason == "no-end":
                yield from endless_warning(
                    self._image,
                    self._core.call_stack(),
                    self._execution.stood_at,
                    self._core.timings[0].turns,
                )
        if self._networks is not None:
            yield from self._networks.warnings()
        yield from self._voltage_warnings()
        if register := division_register(self._model):
            # It keeps what is written to it, and reading it is no event.
            written = int.from_bytes(self._uc.mem_read(register, 4), "little")
            yield from config_warnings(self._model, written)
        yield from self._serial.warnings(self._core)
        yield from self._semihosting.warnings
        stdout = self._options.streams.stdout
        if stdout is not None and stdout.lost:
            yield (
                f"the program printed {stdout.lost:,} bytes more than the {MAX_PRINTED >> 20} MiB"
                " that are kept; they are left out"
            )
        if (uses := self._core.peripherals()) and self._options.spec.peripherals != "strict":
            yield peripheral_warning(
                uses, self._registers, None if self._options.spec.verbose else 8
            )
        yield from self._core.left_out()
        if stores := self._core.self_modified():
            yield f"the program overwrote code that had run ({stores} stores); its costs mix both"
