"""Run an ELF on the engine, timed under one configuration or several at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from simcore.devices import ClockPhase, main_clock_hz
from simcore.elf import Image
from simcore.errors import ConfigError
from simcore.parallel import collecting_seldom
from simcore.run.options import ReadMemory, RunOptions, Streams
from simcore.run.reached import Watcher
from simcore.run.setup import TimingSetup
from simcore.run.spec import RunSpec
from simcore.simulation.one_call import check_called, with_one_call
from simcore.simulation.operations import with_busiest_calls, with_operations
from simcore.simulation.simulation import Simulation
from simcore.tflm import watch_networks

if TYPE_CHECKING:
    from simcore.core.schedules import Known
    from simcore.machine import Recorder


@collecting_seldom()
def simulate_many(
    image: Image,
    setups: Sequence[TimingSetup],
    spec: RunSpec | None = None,
    *,
    stdin: BinaryIO | None = None,
    stdout: BinaryIO | None = None,
    progress: Watcher | None = None,
    ended: Callable[[ReadMemory], None] | None = None,
    known: Known | None = None,
) -> list[Simulation]:
    """Run a loaded image once and time it under each setup, in their order.

    Of ``spec`` counts what the program is given and what bounds it. The program runs on the memory
    map of the first setup's part and reads the first one's time; what hangs on that is in the
    warnings of the others, and ``result.clock_dependent`` says it. A program that sets up another
    clock than that of a setup that names none runs a second time, at its own; so does one of which
    a task alone is asked for, or calls of a function by which it makes most, as only then is known
    which that is. ``ended`` is that of Streams, ``known`` what runs before made of the program, and
    what these make. Raises ModelError, ConfigError, UnknownInstructionError or CoreError.
    """
    spec = spec or RunSpec()
    streams = Streams(stdin, stdout, ended)
    setups = with_one_call(with_operations(setups, image, spec), image, spec)
    run = partial(simulate_once, image, spec=spec, streams=streams, progress=progress, known=known)
    found = run(setups)
    again = at_firmware_clock(setups, spec, found[0].result.clocks)
    if again is not None:
        streams.again()
        found = run(again)
    asked = run_again(again or setups, spec, found[0])
    if asked is None:
        return found
    streams.again()
    return run(asked)


def run_again(
    setups: Sequence[TimingSetup], spec: RunSpec, before: Simulation
) -> list[TimingSetup] | None:
    """The setups with what is asked and only a run before can tell; None: nothing is.

    Raises ConfigError where the run has not what was asked for.
    """
    check_called(setups, before)
    calls = with_busiest_calls(setups, spec, before)
    if spec.task is None:
        return calls
    return for_task(calls or setups, spec.task, before)


def for_task(setups: Sequence[TimingSetup], task: str, before: Simulation) -> list[TimingSetup]:
    """The setups under which only tasks of a name or pattern count, by a run before."""
    counted = before.contexts_of(task)
    return [replace(setup, counted=counted) for setup in setups]


def at_firmware_clock(
    setups: Sequence[TimingSetup], spec: RunSpec, clocks: Sequence[ClockPhase]
) -> list[TimingSetup] | None:
    """The setups with the clock that the firmware set where they name none; None: they have it.

    A clock that a part does not reach is left out.
    """
    if not clocks:
        return None
    clock_hz = main_clock_hz(clocks, is_first=spec.from_ is not None)

    def at_clock(setup: TimingSetup) -> TimingSetup:
        reaches = 1000 <= clock_hz <= setup.model.highest_clock(setup.voltage_scale)
        return replace(setup, clock_hz=clock_hz) if setup.clock_hz is None and reaches else setup

    found = [at_clock(setup) for setup in setups]
    if all(new.core_clock_hz == old.core_clock_hz for new, old in zip(found, setups, strict=True)):
        return None
    return found


def simulate_once(
    image: Image,
    setups: Sequence[TimingSetup],
    spec: RunSpec,
    streams: Streams,
    progress: Watcher | None = None,
    recorder: Recorder | None = None,
    known: Known | None = None,
) -> list[Simulation]:
    """As :func:`simulate_many`, whatever clock the program sets up.

    ``recorder`` is given what a capture holds.
    """
    spec.check_end()
    if not setups:
        raise ConfigError("there is no configuration to time the program under")
    for setup in setups:
        setup.check()
    for setup in setups[1:] if len(setups) > 1 else setups if setups[0].moves else ():
        setup.check_program(image)
    # Only now the engine, so that wrong input is answered at once.
    from simcore.machine import run_many

    def options(setup: TimingSetup) -> RunOptions:
        return RunOptions.of(spec, setup, streams)

    watch = watch_networks(image)
    results = run_many(image, setups, options(setups[0]), progress, recorder, watch, known)
    return [
        Simulation(
            image,
            setup.model,
            options(setup),
            result,
            setup.changed,
            setup.moves,
            setup.one_call,
        )
        for setup, result in zip(setups, results, strict=True)
    ]
