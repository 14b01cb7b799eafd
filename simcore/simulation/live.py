"""Run an ELF on the engine, timed under one configuration or several at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, BinaryIO

from simcore.elf import Image
from simcore.errors import ConfigError
from simcore.run.options import RunOptions
from simcore.run.setup import TimingSetup
from simcore.run.spec import RunSpec
from simcore.simulation.simulation import Simulation

if TYPE_CHECKING:
    from simcore.machine import Recorder


def simulate_many(
    image: Image,
    setups: Sequence[TimingSetup],
    spec: RunSpec | None = None,
    *,
    stdin: BinaryIO | None = None,
    stdout: BinaryIO | None = None,
    progress: Callable[[int], None] | None = None,
    recorder: Recorder | None = None,
) -> list[Simulation]:
    """Run a loaded image once and time it under each setup, in their order.

    Of ``spec`` counts what the program is given and what bounds it. The program runs on the memory
    map of the first setup's part and reads the first one's time; what hangs on that is in the
    warnings of the others, and ``result.clock_dependent`` says it. ``recorder`` is given what a
    capture holds. Raises ModelError, ConfigError, UnknownInstructionError or CoreError.
    """
    spec = spec or RunSpec()
    spec.check_end()
    if not setups:
        raise ConfigError("there is no configuration to time the program under")
    for setup in setups:
        setup.check()
    for setup in setups[1:] if len(setups) > 1 else setups if setups[0].moves else ():
        setup.check_program(image)
    # Only now the engine, so that wrong input is answered at once.
    from simcore.machine import run_many

    options = RunOptions.of(spec, setups[0], stdin, stdout)
    results = run_many(image, setups, options, progress, recorder)
    return [
        Simulation(
            image,
            setup.model,
            RunOptions.of(spec, setup, stdin, stdout),
            result,
            setup.changed,
            setup.moves,
        )
        for setup, result in zip(setups, results, strict=True)
    ]
