"""Run an ELF on the engine, timed under one configuration or several at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from simcore.elf import Image
from simcore.errors import ConfigError
from simcore.run.setup import DEFAULT_CPU, TimingSetup, load_setup
from simcore.simulation.simulation import Simulation

if TYPE_CHECKING:
    from simcore.machine import Recorder


def simulate(
    image: Image,
    cpu: str | os.PathLike[str] = DEFAULT_CPU,
    *,
    clock_hz: int | None = None,
    caches: str = "auto",
    voltage_scale: str | None = None,
    overrides: Sequence[str] = (),
    memory_from: str | os.PathLike[str] | None = None,
    args: Sequence[str] = (),
    max_instructions: int | None = None,
    timeout_s: float | None = None,
    strict: bool = False,
    semihost_dir: str | os.PathLike[str] | None = None,
    stdin: BinaryIO | None = None,
    stdout: BinaryIO | None = None,
    progress: Callable[[int], None] | None = None,
    verbose: bool = False,
) -> Simulation:
    """Run a loaded image on the model of a part; the arguments are those of :func:`profile`.

    Raises ModelError, ConfigError, UnknownInstructionError or CoreError.
    """
    setup = load_setup(
        cpu,
        clock_hz=clock_hz,
        caches=caches,
        voltage_scale=voltage_scale,
        overrides=overrides,
        memory_from=memory_from,
    )
    (simulation,) = simulate_many(
        image,
        [setup],
        args=args,
        max_instructions=max_instructions,
        timeout_s=timeout_s,
        strict=strict,
        semihost_dir=semihost_dir,
        stdin=stdin,
        stdout=stdout,
        progress=progress,
        verbose=verbose,
    )
    return simulation


def simulate_many(
    image: Image,
    setups: Sequence[TimingSetup],
    *,
    args: Sequence[str] = (),
    max_instructions: int | None = None,
    timeout_s: float | None = None,
    strict: bool = False,
    semihost_dir: str | os.PathLike[str] | None = None,
    stdin: BinaryIO | None = None,
    stdout: BinaryIO | None = None,
    progress: Callable[[int], None] | None = None,
    verbose: bool = False,
    recorder: Recorder | None = None,
) -> list[Simulation]:
    """Run a loaded image once and time it under each setup, in their order.

    The program runs on the memory map of the first setup's part and reads the first one's time;
    the other arguments are those of :func:`profile`. What hangs on that is in the warnings of the
    others, and ``result.clock_dependent`` says it. ``recorder`` is given what a capture holds.
    Raises ModelError, ConfigError,
    UnknownInstructionError or CoreError.
    """
    if not setups:
        raise ConfigError("there is no configuration to time the program under")
    for setup in setups:
        setup.check()
    for setup in setups[1:] if len(setups) > 1 else setups if setups[0].moves else ():
        setup.check_program(image)
    # Only now the engine, so that wrong input is answered at once.
    from simcore.machine import RunOptions, run_many

    first = setups[0]
    options = RunOptions(
        clock_hz=first.core_clock_hz,
        voltage_scale=first.voltage_scale,
        caches=first.caches,
        max_instructions=max_instructions,
        timeout_s=timeout_s,
        args=tuple(args),
        semihost_dir=None if semihost_dir is None else Path(semihost_dir),
        strict=strict,
        verbose=verbose,
        stdin=stdin,
        stdout=stdout,
    )
    results = run_many(image, setups, options, progress, recorder)
    return [
        Simulation(
            image,
            setup.model,
            replace(
                options,
                clock_hz=setup.core_clock_hz,
                voltage_scale=setup.voltage_scale,
                caches=setup.caches,
            ),
            result,
            setup.changed,
            setup.moves,
        )
        for setup, result in zip(setups, results, strict=True)
    ]
