"""Run an ELF and build its Profile: place, shift, time, check, cost."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, BinaryIO

from simcore.cache import NO_ROOM, Room
from simcore.costs.profile import Profile
from simcore.costs.uncertainty import cycles_interval
from simcore.elf import Image
from simcore.elf.names import matches, names_for_hints, spellings_of
from simcore.errors import ConfigError, ExitCode, nearest
from simcore.parallel import collecting_seldom
from simcore.run.reached import Watcher
from simcore.run.setup import TimingSetup
from simcore.run.spec import RunSpec, run_spec
from simcore.simulation.program import Program, load_spec, open_capture, program_of
from simcore.simulation.simulation import Simulation

if TYPE_CHECKING:
    from simcore.placement import Placement


def check_op_globs(image: Image, globs: Sequence[str]) -> None:
    """Refuse a pattern that no function of the image matches. Raises ConfigError."""
    for glob in globs:
        if not any(matches(spellings_of(function), glob) for function in image.functions):
            close = nearest(glob, names_for_hints(image.functions))
            raise ConfigError(f"--op '{glob}' matches no function of {image.path}{close}")


def profile(
    elf: str | os.PathLike[str] | RunSpec,
    cpu: str | os.PathLike[str] | None = None,
    *,
    stdin: BinaryIO | None = None,
    stdout: BinaryIO | None = None,
    progress: Watcher | None = None,
    log: Callable[[str], None] | None = None,
    inspect: Callable[[Simulation], None] | None = None,
    room: Room = NO_ROOM,
    **options: Any,
) -> Profile:
    """Run an ELF on the model of a part and return what it cost.

    ``elf`` is the path of the program, or a RunSpec that says everything; ``cpu`` and ``options``
    are fields of :class:`simcore.RunSpec`, such as ``clock_hz``, ``args`` or ``max_instructions``.
    ``stdin`` and ``stdout`` are the program's streams: empty and discarded when None.
    ``progress`` is called now and then with what is reached, ``log`` with lines on how
    the simulation went, ``inspect`` with the run itself, for reports that need more than a Profile.
    ``room`` is a cache with schedules of runs before; it changes how long it takes and no figure.

    A program that fails, faults or reaches a limit still gives a Profile: see ``Profile.exit``.
    Raises ElfError, ModelError, ConfigError, UnknownInstructionError or CoreError, and TypeError
    for an option that a run does not have.
    """
    spec = run_spec(elf, cpu, options)
    program = program_of(spec, room)
    streams: dict[str, Any] = {"stdin": stdin, "stdout": stdout, "progress": progress}
    with collecting_seldom():
        return profile_program(program, log=log, inspect=inspect, **streams)


def replay(
    capture: str | os.PathLike[str],
    cpu: str | os.PathLike[str] | None = None,
    *,
    progress: Watcher | None = None,
    **options: Any,
) -> Profile:
    """The Profile of a run that was recorded, under this configuration.

    ``cpu`` and ``options`` are fields of a RunSpec, without those of the program and its limits;
    what is not given is as it was recorded. Raises CaptureError and what :func:`profile` raises.
    """
    return profile_program(open_capture(capture, cpu, **options), progress=progress)


def profile_program(
    program: Program,
    *,
    log: Callable[[str], None] | None = None,
    inspect: Callable[[Simulation], None] | None = None,
    **streams: Any,
) -> Profile:
    """The Profile of a program as its spec says; ``streams`` are those of Program.simulate()."""
    image, spec = program.image, program.spec
    check_op_globs(image, spec.ops)
    home, setup, placement = _setups(program)
    shifts = [(0, setup)]
    if spec.layout_sweep:
        from simcore.placement.layout import layout_setups

        shifts = layout_setups(image, setup)
    kept = replace(shifts[0][1], timeline=spec.timeline, inlines=spec.inlines)
    shifts[0] = (shifts[0][0], kept)
    answers = (
        other_answers(spec, setup, None if program.home() else image) if spec.uncertainty else []
    )
    timed = [other for _, other in (*shifts, *answers)]
    simulations = program.simulate([*home, *timed], **streams)[len(home) :]
    if log is not None:
        log(simulations[0].describe())
    if inspect is not None:
        inspect(simulations[0])
    result = simulations[0].profile(
        ops=spec.ops,
        instructions=spec.instructions,
        lines=spec.lines,
        coverage=spec.coverage,
        inlines=spec.inlines,
    )
    result = program.told(result)
    outputs = None if program.network is None else program.network.outputs
    is_whole = result.exit.status is ExitCode.OK and (not result.runner or result.runner.is_whole)
    if outputs is not None and spec.outputs is not None and is_whole:
        outputs.save(spec.outputs)
    is_told = result.network is not None or result.per is not None or spec.per or spec.task
    if not is_told and any(op.operator for op in result.ops):
        note = (
            "costs are those of the whole run, set-up and all inferences: no symbol says where an"
            " inference begins; --per FUNCTION counts one call, --per none keeps it so"
        )
        result = replace(result, warnings=(*result.warnings, note))
    if spec.task is not None:
        used = [row.stack_used_bytes for row in result.tasks]
        stack = used[0] if len(used) == 1 else None
        totals = replace(result.totals, stack_high_water_bytes=stack)
        result = replace(result, task=spec.task, totals=totals)
    if placement is not None:
        placement.check_run(image, simulations[0])
        warnings = (*result.warnings, *placement.warnings)
        items = placement.items if spec.place else None
        result = replace(result, placement=items, warnings=warnings)
    if spec.layout_sweep:
        from simcore.placement.layout import layout_band

        shifted = [simulation.cycles for simulation in simulations[: len(shifts)]]
        band = layout_band([offset for offset, _ in shifts], shifted)
        result = replace(result, layout=band)
    program.keep()
    if spec.uncertainty:
        cycles: dict[tuple[str, str], list[int]] = {}
        for (question, _), other in zip(answers, simulations[len(shifts) :], strict=True):
            cycles.setdefault(question, []).append(other.cycles)
        result = replace(result, cycles_interval=cycles_interval(simulations[0].cycles, cycles))
    return result


def part_linked_for(spec: RunSpec, parts: Sequence[str]) -> str | None:
    """Which of several parts the program is linked for; None when none holds it, or of one part."""
    if len(parts) < 2:
        return None
    from simcore.placement.equivalents import linked_for
    from simcore.simulation.files import is_network

    if is_network(spec.elf) and spec.runner is None:
        return None  # it is composed for each
    image = load_spec(spec)
    return linked_for(image, [replace(spec, cpu=part) for part in parts])


def _setups(program: Program) -> tuple[list[TimingSetup], TimingSetup, Placement | None]:
    """On what the program runs, if not on what times it; what times it; and what lies elsewhere."""
    image, spec, home = program.image, program.spec, program.home()
    if home is None:
        setup = spec.setup(image=image)
        if not spec.place:
            return [], setup, None
        from simcore.placement import place as find_places

        placement = find_places(image, setup.model, spec.place)
        return [], replace(setup, moves=placement.moves), placement
    from simcore.placement.elsewhere import timed_elsewhere

    setup, placement = timed_elsewhere(image, home.model, spec.setup(), spec.place)
    return [] if program.capture else [home], setup, placement


def other_answers(
    spec: RunSpec, setup: TimingSetup, image: Image | None
) -> list[tuple[tuple[str, str], TimingSetup]]:
    """(name, title) of each question that no source decides, and the setup of another answer.

    An answer that is the part's own is left out. Raises ModelError.
    """
    found = []
    for question in setup.model.undecided:
        for settings in question.answers:
            answer = replace(spec, overrides=(*spec.overrides, *settings))
            other = answer.setup(setup.moves, image)
            if other.model.sha256 != setup.model.sha256:
                found.append(((question.name, question.title), other))
    return found
