"""How a run ended, as a capture keeps it, and what each configuration makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from simcore.core.arenas import TensorArena
from simcore.core.counters import Counters, DataObject
from simcore.core.data_objects import ObjectMap, ObjectTable, object_map
from simcore.core.timing import Timing
from simcore.devices import ClockPhase
from simcore.elf import Image
from simcore.isa import Block
from simcore.pipeline import Schedule
from simcore.records import dataclass
from simcore.run.asked import OpDescriptor
from simcore.run.faults import Fault, Frame
from simcore.run.heaps import HeapUse
from simcore.run.kernels import KernelTask
from simcore.run.setup import TimingSetup
from simcore.run.stubs import Guess


@dataclass(frozen=True, slots=True)
class RunEnd:
    """What every configuration of a run has in common, besides its event stream.

    Addresses are the program's. `reason` is as in costs/profile.py's Exit, `place` where the
    program stood, `warnings` those that hang on no configuration, `guesses` what registers were let
    read, `clocks` the core clocks that the firmware set, `tasks` what its `kernel`, an RTOS, said
    of its tasks, `heaps` what its allocators took, `inner` and `tables` are those of its ObjectMap,
    `arenas` those of interpreters, `dma_addresses` what registers of DMA held in the end. Three are
    0 or 1: whether all descriptors of `ops` were those of mcusim.h, whether the program was told of
    modelled time, and whether it read the sizes of the caches.
    """

    reason: str
    warnings: tuple[str, ...]
    stack_top: int
    stack_floor: int
    heap_start: int
    heap_end: int
    ops: tuple[OpDescriptor, ...]
    ops_valid: int
    clock_read: int
    geometry_read: int
    code: int | None = None
    fault: Fault | None = None
    place: Frame | None = None
    guesses: tuple[Guess, ...] = ()
    clocks: tuple[ClockPhase, ...] = ()
    tasks: tuple[KernelTask, ...] = ()
    kernel: str = ""
    heaps: tuple[HeapUse, ...] = ()
    inner: tuple[DataObject, ...] = ()
    tables: tuple[ObjectTable, ...] = ()
    arenas: tuple[TensorArena, ...] = ()
    dma_addresses: tuple[int, ...] = ()

    def objects(self, image: Image) -> ObjectMap:
        """The data objects of the run."""
        stack, heap = (self.stack_floor, self.stack_top), (self.heap_start, self.heap_end)
        found = run_objects(image, *stack, *heap)
        return replace(found, inner=self.inner, tables=self.tables)


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run that ended, for `exit_reason` and at `exit_place`.

    `exit_code` is the program's own, None when it did not end by itself. `clock_dependent`: what
    the program did may hang on modelled time, which it read or which interrupted it.
    """

    counters: Counters
    blocks: tuple[Block, ...]  # decoded, in the order of counters.blocks
    schedules: Sequence[Schedule]  # in the order of counters.entries
    exit_reason: str
    exit_code: int | None
    fault: Fault | None
    warnings: tuple[str, ...]
    clock_dependent: bool = False
    clocks: tuple[ClockPhase, ...] = ()
    exit_place: Frame | None = None
    guesses: tuple[Guess, ...] = ()
    tasks: tuple[KernelTask, ...] = ()
    kernel: str = ""
    heaps: tuple[HeapUse, ...] = ()
    arenas: tuple[TensorArena, ...] = ()


def run_objects(
    image: Image, stack_floor: int, stack_top: int, heap_start: int, heap_end: int
) -> ObjectMap:
    """The data objects of a program; a heap below the stack ends with it."""
    if heap_start and heap_start < stack_floor < heap_end:
        heap_end = stack_floor
    return object_map(image, (stack_floor, stack_top), (heap_start, heap_end))


def run_results(
    timings: Sequence[Timing],
    setups: Sequence[TimingSetup],
    end: RunEnd,
    recorded_caches: Sequence[int] | None = None,
) -> list[EndedRun]:
    """What each configuration found.

    `recorded_caches` are the `cache_sizes` that a recorded program ran with; None: it ran now,
    under the first of `setups`.
    """
    results = []
    for number, (timing, setup) in enumerate(zip(timings, setups, strict=True)):
        warnings = [
            *end.warnings,
            *_flash_warnings(setup, timing, end.clocks),
            *_clock_warnings(setup, end.clocks),
        ]
        if recorded_caches is not None:
            warnings += _path_warnings(end, setup, recorded_caches, "the recorded run")
        elif number:
            sizes = cache_sizes(setups[0])
            warnings += _path_warnings(end, setup, sizes, "the first configuration")
        counters = timing.counters(end.stack_top, end.ops, bool(end.ops_valid))
        results.append(
            EndedRun(
                counters=counters,
                # Behind the call that is counted others may have come.
                blocks=tuple(timing.answers.blocks[: len(counters.blocks)]),
                schedules=timing.answers.schedules.first(len(counters.entries)),
                exit_reason=end.reason,
                exit_code=end.code,
                fault=end.fault,
                warnings=tuple(warnings),
                clock_dependent=bool(end.clock_read),
                clocks=end.clocks,
                exit_place=end.place,
                guesses=end.guesses,
                tasks=end.tasks,
                kernel=end.kernel,
                heaps=end.heaps,
                arenas=end.arenas,
            )
        )
    return results


def cache_sizes(setup: TimingSetup) -> tuple[int, int, int, int]:
    """What CCSIDR tells: bytes and ways of the instruction cache, then of the data cache."""
    core = setup.model.core
    return (core.icache.size, core.icache.ways, core.dcache.size, core.dcache.ways)


def _flash_warnings(
    setup: TimingSetup, timing: Timing, clocks: Sequence[ClockPhase]
) -> Iterator[str]:
    """Too few wait states for the clock, unless the program set one that the part cannot have."""
    wait_states, clock_hz = timing.flash_wait_states(), setup.core_clock_hz
    if _too_fast(setup, clocks):
        return
    needed = setup.model.flash_wait_states(clock_hz, setup.voltage_scale)
    if wait_states is not None and wait_states < needed:
        yield (
            f"the program sets {wait_states} flash wait states in FLASH_ACR, but a core clock"
            f" of {clock_hz / 1e6:g} MHz needs {needed}; on silicon, code and constants in"
            " flash would be read wrong"
        )


def _too_fast(setup: TimingSetup, clocks: Sequence[ClockPhase]) -> list[int]:
    highest = setup.model.highest_clock(setup.voltage_scale)
    return [phase.clock_hz for phase in clocks if phase.clock_hz > highest]


def _clock_warnings(setup: TimingSetup, clocks: Sequence[ClockPhase]) -> Iterator[str]:
    """Where this configuration is not what the firmware set up."""
    highest = setup.model.highest_clock(setup.voltage_scale)
    if fast := _too_fast(setup, clocks):
        yield (
            f"the program sets a core clock of {max(fast) / 1e6:g} MHz, but {setup.model.name}"
            f" reaches {highest / 1e6:g} MHz at that voltage scale; is the board's crystal another"
            f" than devices.crystal, {setup.model.devices.crystal / 1e6:g} MHz?"
        )
    elif clocks and all(phase.clock_hz != setup.core_clock_hz for phase in clocks):
        told = ", ".join(f"{phase.clock_hz / 1e6:g} MHz" for phase in clocks)
        yield (
            f"the program sets a core clock of {told}; this is timed at"
            f" {setup.core_clock_hz / 1e6:g} MHz as it was told"
        )


def _path_warnings(
    end: RunEnd, setup: TimingSetup, sizes: Sequence[int], whose: str
) -> Iterator[str]:
    """Where the program might have gone elsewhere under this setup."""
    if end.clock_read:
        yield f"the program reads the clock, which is that of {whose}; this repeats its path"
    if end.geometry_read and tuple(sizes) != cache_sizes(setup):
        yield (
            f"the program reads the sizes of the caches, which are those of {whose}; this repeats"
            " its path"
        )
