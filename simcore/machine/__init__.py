"""The simulated machine: runs a program on the engine and times it.

engine.py is Unicorn with a part's memory, machine.py one run, execution.py what happens on the
engine's thread, loader.py what is in memory at reset, semihosting.py what the
program asks of the host.
"""

from __future__ import annotations

from collections.abc import Sequence

from simcore.core.end import EndedRun
from simcore.core.operators import WatchNetworks
from simcore.core.schedules import Known
from simcore.cpu_model import CpuModel
from simcore.elf import Image
from simcore.machine.engine import map_memory
from simcore.machine.machine import Machine, Recorder
from simcore.run.options import RunOptions
from simcore.run.reached import Watcher
from simcore.run.setup import TimingSetup

__all__ = ["EndedRun", "Recorder", "RunOptions", "map_memory", "run", "run_many"]


def run(
    image: Image,
    model: CpuModel,
    options: RunOptions,
    progress: Watcher | None = None,
) -> EndedRun:
    """Run `image` on `model` until it ends, faults or reaches a limit.

    `progress` is called about ten times a second. Ctrl-C ends the run
    with what was counted. Raises ConfigError when the image does not fit the part, CoreError and
    UnknownInstructionError from the core.
    """
    setup = TimingSetup(model, options.clock_hz, options.caches, options.voltage_scale)
    (result,) = run_many(image, [setup], options, progress)
    return result


def run_many(
    image: Image,
    setups: Sequence[TimingSetup],
    options: RunOptions,
    progress: Watcher | None = None,
    recorder: Recorder | None = None,
    watch: WatchNetworks | None = None,
    known: Known | None = None,
) -> list[EndedRun]:
    """Run `image` once and time it under each of `setups`, which have been checked.

    The program runs on the memory map of the first one's part, and the time that it reads is the
    first one's; clock, voltage scale and caches of `options` are those of the first, too. What
    hangs on that is told in the warnings of the others. A `recorder` is given the event stream and
    how the run ended; `watch` makes who says what operators of networks are; `known` is what runs
    before made of the program. Otherwise as `run`.
    """
    machine = Machine(image, setups, options, recorder, watch, known)
    try:
        return machine.run(progress)
    finally:
        machine.close()
