"""Run an ELF and build its Profile: the one place where loader, model, machine and costs meet."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, BinaryIO

from simcore import __version__
from simcore.attribution import Attribution
from simcore.cpu_model import CACHE_CONTROLS, CpuModel, load_cpu_model
from simcore.elf import Image, load_image
from simcore.energy import energy_model
from simcore.errors import ConfigError, nearest
from simcore.instructions import instruction_costs, line_costs
from simcore.profiles import (
    SCHEMA,
    Accuracy,
    Cpu,
    Elf,
    Exit,
    Fault,
    Frame,
    InstructionCosts,
    LineCosts,
    Profile,
    Tool,
)

if TYPE_CHECKING:
    from simcore import machine
    from simcore.counters import Counters

DEFAULT_CPU = "stm32f746"

ACCURACY = Accuracy(counts="exact", cycles="modelled", energy="estimated")


def build_profile(
    image: Image,
    model: CpuModel,
    clock_hz: int,
    counters: Counters,
    end: Exit,
    *,
    caches: str = "auto",
    ops: Sequence[str] = (),
    warnings: Sequence[str] = (),
    instructions: Sequence[InstructionCosts] | None = None,
    lines: Sequence[LineCosts] | None = None,
) -> Profile:
    """The Profile of a run that has ended.

    ``clock_hz`` is the core clock, ``ops`` are patterns of functions whose calls are operations.
    Raises ConfigError for a clock that the part does not reach.
    """
    point = model.operating_point(clock_hz)
    costs = Attribution(counters, image.functions, energy_model(model, clock_hz), clock_hz, ops)
    unmatched = [f"--op '{glob}' matches no function that ran" for glob in costs.unmatched_globs()]
    return Profile(
        schema=SCHEMA,
        tool=Tool("mcusim", __version__),
        elf=Elf(PurePath(image.path).name, image.sha256, image.build_id, image.compiler),
        cpu=Cpu(
            name=model.name,
            title=model.title,
            model_sha256=model.sha256,
            clock_hz=clock_hz,
            voltage_scale=point.voltage_scale,
            voltage_v=model.supply_voltage_v,
            caches=caches,
        ),
        exit=end,
        accuracy=ACCURACY,
        totals=costs.totals(model.energy.uncertainty),
        functions=costs.function_costs(image.line_at),
        ops=costs.op_costs(),
        memory=costs.memory_costs(),
        caches=costs.caches(),
        call_tree=costs.call_tree(),
        warnings=(*warnings, *counters.warnings, *unmatched),
        instructions=None if instructions is None else tuple(instructions),
        lines=None if lines is None else tuple(lines),
    )


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
    args: Sequence[str] = (),
    ops: Sequence[str] = (),
    max_instructions: int | None = None,
    timeout_s: float | None = None,
    instructions: bool = False,
    lines: bool = False,
    strict: bool = False,
    semihost_dir: str | os.PathLike[str] | None = None,
    stdin: BinaryIO | None = None,
    stdout: BinaryIO | None = None,
    progress: Callable[[int], None] | None = None,
    verbose: bool = False,
) -> Profile:
    """Run an ELF on the model of a part and return what it cost.

    ``cpu`` is a part's name or the path of a model file, ``clock_hz`` the core clock in Hz (the
    part's maximum when None), ``caches`` auto (the firmware decides), on or off. ``args`` go to
    the program over semihosting. ``ops`` are patterns: each call of a matching function counts as
    an operation. ``max_instructions`` and ``timeout_s`` (host seconds) bound the run.
    ``instructions`` and ``lines`` add those tables. ``strict`` makes an access to a peripheral
    that is not modelled a fault. ``semihost_dir`` opens a host folder to the program. ``stdin``
    and ``stdout`` are the program's streams: empty and discarded when None. ``progress`` is called
    now and then with the instructions so far.

    A program that fails, faults or reaches a limit still gives a Profile: see ``Profile.exit``.
    Raises ElfError, ModelError, ConfigError, UnknownInstructionError or CoreError.
    """
    if caches not in CACHE_CONTROLS:
        raise ConfigError(f"caches is {caches!r}: it is one of {', '.join(CACHE_CONTROLS)}")
    image = load_image(os.fspath(elf))
    check_op_globs(image, ops)
    model = load_cpu_model(os.fspath(cpu))
    clock = model.max_clock_hz if clock_hz is None else clock_hz
    model.operating_point(clock)  # refuses a clock that the part does not reach
    # Only now the engine, so that wrong input is answered at once.
    from simcore.machine import RunOptions, run

    folder = None if semihost_dir is None else Path(semihost_dir)
    options = RunOptions(
        clock_hz=clock,
        caches=caches,
        max_instructions=max_instructions,
        timeout_s=timeout_s,
        args=tuple(args),
        semihost_dir=folder,
        strict=strict,
        verbose=verbose,
        stdin=stdin,
        stdout=stdout,
    )
    result = run(image, model, options, progress)
    rows = _instruction_costs(image, result) if instructions or lines else ()
    return build_profile(
        image,
        model,
        clock,
        result.counters,
        Exit(result.exit_reason, result.exit_code, _fault(result.fault)),
        caches=caches,
        ops=ops,
        warnings=(*image.warnings, *result.warnings),
        instructions=rows if instructions else None,
        lines=line_costs(rows) if lines else None,
    )


def _instruction_costs(image: Image, result: machine.RunResult) -> tuple[InstructionCosts, ...]:
    def name_at(address: int) -> str | None:
        function = image.function_at(address)
        return None if function is None else function.name

    return instruction_costs(
        result.counters, result.blocks, result.schedules, name_at, image.line_at
    )


def _fault(fault: machine.Fault | None) -> Fault | None:
    if fault is None:
        return None
    return Fault(
        kind=fault.kind,
        address=fault.address,
        pc=fault.pc,
        symbol=fault.symbol,
        offset=fault.offset,
        file=fault.file,
        line=fault.line,
        call_stack=tuple(
            Frame(frame.address, frame.symbol, frame.offset, frame.file, frame.line)
            for frame in fault.call_stack
        ),
    )
