"""Run an ELF and build its Profile: place, shift, time, check, cost."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import BinaryIO

from simcore.costs.profile import Profile
from simcore.elf import Image, load_image
from simcore.errors import ConfigError, nearest
from simcore.run.setup import DEFAULT_CPU, TimingSetup, load_setup
from simcore.simulation.live import simulate_many
from simcore.simulation.simulation import Simulation


def check_op_globs(image: Image, globs: Sequence[str]) -> None:
    """Refuse a pattern that no function of the image matches. Raises ConfigError."""
    names = [function.name for function in image.functions]
    for glob in globs:
        if not any(fnmatchcase(name, glob) for name in names):
            raise ConfigError(
                f"--op '{glob}' matches no function of {image.path}{nearest(glob, names)}"
            )


def profile(
    elf: str | os.PathLike[str],
    cpu: str | os.PathLike[str] = DEFAULT_CPU,
    *,
    clock_hz: int | None = None,
    caches: str = "auto",
    voltage_scale: str | None = None,
    overrides: Sequence[str] = (),
    memory_from: str | os.PathLike[str] | None = None,
    place: Sequence[str] = (),
    layout_sweep: bool = False,
    args: Sequence[str] = (),
    ops: Sequence[str] = (),
    max_instructions: int | None = None,
    timeout_s: float | None = None,
    instructions: bool = False,
    lines: bool = False,
    coverage: bool = False,
    timeline: bool = False,
    strict: bool = False,
    semihost_dir: str | os.PathLike[str] | None = None,
    stdin: BinaryIO | None = None,
    stdout: BinaryIO | None = None,
    progress: Callable[[int], None] | None = None,
    verbose: bool = False,
    log: Callable[[str], None] | None = None,
    inspect: Callable[[Simulation], None] | None = None,
) -> Profile:
    """Run an ELF on the model of a part and return what it cost.

    ``cpu`` is a part's name or the path of a model file, ``clock_hz`` the core clock in Hz (the
    part's maximum when None), ``caches`` auto (the firmware decides), on or off. ``voltage_scale``
    is the lowest that allows the clock when None. ``overrides`` change the model, as in
    ``core.dcache.size=16K``; ``memory_from`` is a linker script whose memories replace the part's.
    ``place`` are WHAT=REGION: what the program has in memory is timed elsewhere, see
    simcore/placement. ``layout_sweep`` adds the cycles with all code shifted, see
    simcore/placement/layout.py.
    ``args`` go to the program over semihosting. ``ops`` are patterns: each call of a matching
    function counts as an operation. ``max_instructions`` and ``timeout_s`` (host seconds) bound
    the run. ``instructions``, ``lines``, ``coverage`` and ``timeline`` add those tables.
    ``strict`` makes an access to a peripheral that is not modelled a fault. ``semihost_dir`` opens
    a host folder to the program. ``stdin`` and ``stdout`` are the program's streams: empty and
    discarded when None.
    ``progress`` is called now and then with the instructions so far, ``log`` with lines on how
    the simulation went, ``inspect`` with the run itself, for reports that need more than a Profile.

    A program that fails, faults or reaches a limit still gives a Profile: see ``Profile.exit``.
    Raises ElfError, ModelError, ConfigError, UnknownInstructionError or CoreError.
    """
    image = load_image(os.fspath(elf))
    setup = load_setup(
        cpu,
        clock_hz=clock_hz,
        caches=caches,
        voltage_scale=voltage_scale,
        overrides=overrides,
        memory_from=memory_from,
    )

    def timed(setups: Sequence[TimingSetup]) -> list[Simulation]:
        return simulate_many(
            image,
            setups,
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

    return profile_setup(
        image,
        setup,
        timed,
        place=place,
        layout_sweep=layout_sweep,
        ops=ops,
        instructions=instructions,
        lines=lines,
        coverage=coverage,
        timeline=timeline,
        log=log,
        inspect=inspect,
    )


def profile_setup(
    image: Image,
    setup: TimingSetup,
    timed: Callable[[Sequence[TimingSetup]], list[Simulation]],
    *,
    place: Sequence[str] = (),
    layout_sweep: bool = False,
    ops: Sequence[str] = (),
    instructions: bool = False,
    lines: bool = False,
    coverage: bool = False,
    timeline: bool = False,
    log: Callable[[str], None] | None = None,
    inspect: Callable[[Simulation], None] | None = None,
) -> Profile:
    """The Profile of a run under a setup, as :func:`profile` says.

    ``timed`` runs the program, or replays it, under several setups.
    """
    check_op_globs(image, ops)
    placement = None
    if place:
        from simcore.placement import place as find_places

        placement = find_places(image, setup.model, place)
        setup = replace(setup, moves=placement.moves)
    shifts = [(0, setup)]
    if layout_sweep:
        from simcore.placement.layout import layout_setups

        shifts = layout_setups(image, setup)
    shifts[0] = (shifts[0][0], replace(shifts[0][1], timeline=timeline))
    simulations = timed([shifted for _, shifted in shifts])
    if log is not None:
        log(simulations[0].describe())
    if inspect is not None:
        inspect(simulations[0])
    result = simulations[0].profile(
        ops=ops, instructions=instructions, lines=lines, coverage=coverage
    )
    if placement is not None:
        placement.check_run(image, simulations[0])
        warnings = (*result.warnings, *placement.warnings)
        result = replace(result, placement=placement.items, warnings=warnings)
    if layout_sweep:
        from simcore.placement.layout import layout_band

        band = layout_band([offset for offset, _ in shifts], [s.cycles for s in simulations])
        result = replace(result, layout=band)
    return result
