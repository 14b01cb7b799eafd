"""The owner of the C core: it runs an engine and hands its event stream to the configurations.

What each of these finds is in timing.py. Everything a caller gets is a copy. Method and ownership
are described in native/core.h.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simcore.core.callbacks import answers_c
from simcore.core.enums import Stop
from simcore.core.exceptions import CoreExceptions
from simcore.core.extension import ffi, function_index, lib, status_text
from simcore.core.operators import CoreOperators
from simcore.core.registers import CoreRegisters
from simcore.core.schedules import Known, Scheduler
from simcore.core.timing import Timing
from simcore.errors import CaptureError, CoreError
from simcore.plain import filled
from simcore.records import dataclass
from simcore.run.asked import OpDescriptor
from simcore.run.interrupts import TimedInterrupt
from simcore.run.kernels import NO_KERNEL, Kernel, KernelTask
from simcore.run.places import NOWHERE, CodePlace

if TYPE_CHECKING:
    from simcore.elf import Function
    from simcore.run.setup import Move, TimingSetup


@dataclass(frozen=True, slots=True)
class CaptureOptions:
    """The fields of struct capture_config; see native/types.h."""

    max_instructions: int = 0
    max_cycles: int = 0
    begin: CodePlace = NOWHERE
    until: CodePlace = NOWHERE
    op_begin: int = 0
    op_begin_size: int = 0
    op_end: int = 0
    op_end_size: int = 0
    storage: tuple[int, ...] = ()
    systick_divider: int = 8
    timers: tuple[TimedInterrupt, ...] = ()
    interrupts: int = 240
    priority_bits: int = 4
    cpuid: int = 0x411FC271
    peripherals: int = 0
    fpu_on: bool = True
    kernel: Kernel = NO_KERNEL
    memory: tuple[tuple[int, int, bool], ...] = ()
    registers: int = 0
    addresses: int = 0


def _places(place: CodePlace) -> dict[str, object]:
    """The fields of struct places."""
    addresses = place.addresses
    return {"address": addresses, "addresses": len(addresses), "count": place.count}


#: Functions of the Unicorn library whose addresses `Core.attach` needs: struct engine_functions.
ENGINE_FUNCTIONS = (
    "hook_add", "hook_del", "emu_start", "emu_stop", "reg_read", "reg_write", "reg_read_batch",
    "reg_write_batch", "mem_read", "mem_write", "mmio_map", "ctl",
)  # fmt: skip


class Core(CoreExceptions, CoreOperators, CoreRegisters):
    """One event stream under any number of configurations.

    `function_at` finds the function that holds an address, `known` is what cores before this one
    made of the same program. Raises CoreError.
    """

    def __init__(
        self, function_at: Callable[[int], Function | None], known: Known | None = None
    ) -> None:
        self.timings: list[Timing] = []
        self.known = known or Known()
        self._function_at = function_at
        self._config: Mapping[str, Any] = {}
        self._writer: _Writer | None = None
        self._printer: _Writer | None = None
        self._asked = []
        status = ffi.new("int *")
        self._core = lib.core_new(status)
        if self._core == ffi.NULL:
            raise CoreError(f"the core cannot start: {status_text(status[0])}")
        if os.environ.get("MCUSIM_SHORTCUTS") == "off":
            lib.core_by_all_rules(self._core)

    # --- set-up ---

    def add_timing(
        self,
        timing: Mapping[str, Any],
        regions: Sequence[Mapping[str, int]],
        region_names: Sequence[str],
        scheduler: Scheduler,
        moves: Sequence[Move] = (),
    ) -> Timing:
        """Add a configuration; all of them before `attach`. The first one's time is the program's.

        `timing` holds the fields of struct timing_config, `regions` those of struct region_config,
        and `region_names` names the latter. `moves` are sorted by start and do not overlap.
        Raises CoreError when the core refuses the configuration.
        """
        added = Timing(
            self._core,
            timing,
            regions,
            region_names,
            scheduler,
            self.known.decoder,
            moves,
            self._function_at,
        )
        self._config = self._config or timing
        self.timings.append(added)
        return added

    def attach(self, engine: int, functions: Mapping[str, int], options: CaptureOptions) -> None:
        """Hook a Unicorn engine (its address) that has not run yet and map its peripherals.

        `functions` gives the addresses of ENGINE_FUNCTIONS. Raises CoreError.
        """
        caches = {
            f"{side}_{field}": self._config[side][name]
            for side in ("icache", "dcache")
            for field, name in (("bytes", "size"), ("ways", "ways"))
        }
        config = {
            "max_instructions": options.max_instructions,
            "max_cycles": options.max_cycles,
            "from": _places(options.begin),
            "until": _places(options.until),
            "op_begin": options.op_begin,
            "op_begin_size": options.op_begin_size,
            "op_end": options.op_end,
            "op_end_size": options.op_end_size,
            "storage": list(options.storage),
            "storages": len(options.storage),
            "systick_divider": options.systick_divider,
            "timer": [(t.number, t.period, t.first) for t in options.timers],
            "timers": len(options.timers),
            "interrupts": options.interrupts,
            "priority_bits": options.priority_bits,
            "exception_entry_cycles": self._config["exception_entry_cycles"],
            "cpuid": options.cpuid,
            "peripherals": options.peripherals,
            "fpu_on": options.fpu_on,
            "kernel": options.kernel.layout,
            "clock_hz": self._config["clock_hz"],
            "memory": list(options.memory),
            "memories": len(options.memory),
            "registers": options.registers,
            "addresses": options.addresses,
            **caches,
        }
        table = ffi.new(
            "struct engine_functions *",
            {name: ffi.cast("void *", functions[name]) for name in ENGINE_FUNCTIONS},
        )
        self._check(
            lib.core_attach(
                self._core,
                ffi.cast("void *", engine),
                table,
                ffi.new("struct capture_config *", config),
            )
        )

    def print_to(self, write: Callable[[bytes], object]) -> None:
        """Hand text that devices send to `write`, a line or less at a time."""
        self._printer = _Writer(write)
        lib.core_print(self._core, self._printer.handle, lib.core_py_write)

    def print_rest(self) -> None:
        """Hand over what devices sent and `write` was not given yet."""
        self._check(lib.core_print_rest(self._core))

    def watch_stack(self, top: int, floor: int) -> None:
        """Tell where the stack starts and the lowest address of its region."""
        self._check(lib.core_watch_stack(self._core, top, floor))

    def count_only(self, contexts: Sequence[int]) -> None:
        """Count these contexts alone, by their numbers in a run of the same program before."""
        self._check(lib.core_count_only(self._core, list(contexts), len(contexts)))

    def close(self) -> None:
        """Free the core. The engine has to be gone before; later calls do nothing."""
        if self._core != ffi.NULL:
            lib.core_free(self._core)
            self._core = ffi.NULL

    # --- running ---

    def run(self, pc: int) -> Stop:
        """Run from `pc` until something stops it.

        Raises what the decoder or the pipeline raised, or CoreError.
        """
        stop = Stop(lib.core_run(self._core, pc))
        self._raise_callback_error()
        if stop is Stop.ERROR:
            self._check(lib.core_run_status(self._core))
        return stop

    def stop_request(self) -> None:
        """Ask a run to stop in front of its next block; from any thread."""
        lib.core_stop_request(self._core)

    def engine_error(self) -> int:
        """The uc_err with which the engine returned last."""
        return int(lib.core_engine_error(self._core))

    def instructions(self) -> int:
        """Instructions captured so far; from any thread."""
        return int(lib.core_instructions(self._core))

    def modelled(self) -> int:
        """Modelled core cycles of what was timed so far, under the first setup; from any thread."""
        return int(lib.core_modelled(self._core))

    def now(self) -> int:
        """Modelled core cycles up to and with the last instruction."""
        cycles = int(lib.core_now(self._core))
        self._raise_callback_error()
        return cycles

    def counted_span(self) -> tuple[int, int]:
        """The modelled cycles at which counting began, and when it ended."""
        of_call = self.timings[0].counted_span
        return of_call or (int(lib.core_counted_from(self._core)), self.now())

    def sleep(self, cycles: int) -> None:
        """Let the core sleep for some cycles behind a WFI or WFE."""
        self._check(lib.core_sleep(self._core, cycles))

    def wakes(self) -> bool:
        """Whether an exception is pending that ends a sleep."""
        return bool(lib.core_wakes(self._core))

    def cycles_to_wake(self) -> int | None:
        """Cycles until an exception will be pending that ends a sleep, None when none will."""
        cycles = int(lib.core_cycles_to_wake(self._core))
        return None if cycles == 0xFFFFFFFFFFFFFFFF else cycles

    def take_event(self) -> bool:
        """Whether the event register was set; it is clear then."""
        return bool(lib.core_take_event(self._core))

    def cycles_left(self) -> int | None:
        """Cycles until the run's limit of modelled time, None when there is none."""
        cycles = int(lib.core_cycles_left(self._core))
        return None if cycles == 0xFFFFFFFFFFFFFFFF else cycles

    def counts(self) -> bool:
        """Whether counting began; False before the place where it was told to."""
        return bool(lib.core_counts(self._core))

    def system_register(self, address: int) -> int:
        """The value a firmware read of a system register would give."""
        return int(lib.core_system_register(self._core, address))

    def reset_requested(self) -> bool:
        """Whether firmware wrote AIRCR.SYSRESETREQ."""
        return bool(lib.core_reset_requested(self._core))

    def call_stack(self) -> list[tuple[int, int]]:
        """(function index or -1, address of the call) of each frame, outermost first."""
        frames = ffi.new("struct frame_info[]", lib.core_frame_count(self._core))
        lib.core_frames(self._core, frames)
        return [(function_index(frame.function), frame.call_site) for frame in list(frames)[1:]]

    def self_modified(self) -> int:
        """Stores into code that had already run."""
        return int(lib.core_self_modified(self._core))

    def left_out(self) -> Iterator[str]:
        """A line for each table of the producer that was full."""
        info = ffi.new("struct left_out_info *")
        lib.core_left_out(self._core, info)
        if info.code:
            yield (
                f"the program ran {lib.DEFINITIONS_MAX:,} different pieces of code, which are all"
                " that are kept, and was ended"
            )
        if info.registers:
            yield (
                f"more than {lib.WORDS_MAX:,} registers of peripherals: {info.registers:,}"
                " accesses of others are not kept and read 0"
            )
        if info.clock_notes:
            yield (
                f"more than {lib.CLOCK_NOTES_MAX:,} writes to registers of clocks: the clocks that"
                f" {info.clock_notes:,} further ones set are not told"
            )

    def clock_read(self) -> bool:
        """Whether the program was told of modelled time: a counter that runs, a tick, SYS_CLOCK."""
        return bool(lib.core_clock_read(self._core))

    def geometry_read(self) -> bool:
        """Whether the program read the sizes of the caches."""
        return bool(lib.core_geometry_read(self._core))

    def ops(self) -> tuple[tuple[OpDescriptor, ...], bool]:
        """The operations by number, and whether all descriptors are those of mcusim.h."""
        found = ffi.new("struct op_info[]", lib.core_op_count(self._core))
        lib.core_ops(self._core, found)
        ops = tuple(
            filled(
                OpDescriptor,
                info,
                name=_text(info.name) or f"op@{info.descriptor:#010x}",
                kind=_text(info.kind) or "unknown",
            )
            for info in found
        )
        return ops, all(info.valid for info in found)

    def tasks(self) -> tuple[KernelTask, ...]:
        """Tasks of the kernel, in the order in which they first ran."""
        found = ffi.new("struct task_info[]", lib.core_task_count(self._core))
        lib.core_tasks(self._core, found)
        return tuple(filled(KernelTask, info, name=_text(info.name)) for info in found)

    # --- recording ---

    def record(self, write: Callable[[bytes], None]) -> None:
        """Hand the event stream, from now on, to `write` in pieces; the last one in settle()."""
        self._writer = _Writer(write)
        lib.core_record(self._core, self._writer.handle, lib.core_py_write)

    def replay(self, piece: bytes) -> Stop:
        """In place of an engine: time a piece that was recorded, all of them in their order.

        FAULT when the program goes wrong there. Raises what `run` raises, and CaptureError for
        bytes that were not recorded.
        """
        status = lib.core_replay(self._core, piece, len(piece))
        if status == lib.CORE_ERR_CAPTURE:
            raise CaptureError(status_text(status))
        self._check(status)
        return Stop(status)

    def settle(self) -> Stop:
        """Time what is still in the stream and settle all counts; FAULT when the program went
        wrong there. Raises CoreError.
        """
        status = lib.core_finish(self._core)
        self._check(status)
        return Stop(status)

    def _raise_callback_error(self) -> None:
        for asked in (self._writer, self._printer, *self._asked):
            if asked is not None and asked.error is not None:
                raise asked.error
        for timing in self.timings:
            for error in timing.callback_errors:
                raise error

    def _check(self, status: int) -> None:
        self._raise_callback_error()
        if status < 0:
            raise CoreError(f"the core stopped: {status_text(status)}")


class _Writer:
    """What C hands a recording or text to."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self.write = write
        self.error: BaseException | None = None
        self.handle = ffi.new_handle(self)


@answers_c
def core_py_write(handle: Any, piece: Any, size: int) -> int:
    """Answer core_write_fn: take a piece."""
    ffi.from_handle(handle).write(bytes(ffi.buffer(piece, size)))
    return 0


def add_setups(core: Core, setups: Sequence[TimingSetup]) -> None:
    """Add a configuration for each setup; those with like pipelines share one. Raises CoreError."""
    for setup in setups:
        model = setup.model
        timing, regions = model.timing(setup.core_clock_hz, setup.caches, setup.voltage_scale)
        scheduler = core.known.scheduler(model.core.pipeline)
        names = [region.name for region in model.regions]
        added = core.add_timing(timing, regions, names, scheduler, setup.moves)
        added.sums_only = setup.sums_only
        if setup.timeline:
            added.keep_timeline()
        if setup.apart:
            added.keep_apart(setup.apart)
        if setup.inlines:
            added.count_node_blocks()
        if setup.operations:
            added.ask_operations(setup.operations)
        if setup.one_call is not None:
            added.count_one_call(setup.one_call.functions)


def _text(field: Any) -> str:
    raw: bytes = ffi.string(field)
    return "".join(c if c.isprintable() else "?" for c in raw.decode("utf-8", "replace"))
