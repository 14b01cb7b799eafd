"""Runs the points of a sweep that no store has, many to an execution, and keeps them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from simcore import __version__
from simcore.costs.origin import Tool
from simcore.elf import load_image
from simcore.errors import ConfigError, ExitCode, McusimError
from simcore.interrupts import resume
from simcore.parallel import LostWorkError
from simcore.pareto import pareto_front
from simcore.placement.equivalents import linked_for
from simcore.plain import filled
from simcore.sweep.axes import Draft
from simcore.sweep.front import OBJECTIVES
from simcore.sweep.groups import PlannedPoint, PointGroup, grouped
from simcore.sweep.results import SCHEMA, SweepResult, SweptAxis, SweptPoint
from simcore.sweep.space import Place, SweepSpace
from simcore.whatif.results import Outcome
from simcore.workers import Workers

if TYPE_CHECKING:
    from simcore.store.database import ResultStore

#: Told the number of points that are done and of all.
Told = Callable[[int, int], None]


def sweep(
    space: SweepSpace,
    *,
    workers: Workers | None = None,
    store: ResultStore | None = None,
    tell: Told | None = None,
    log: Callable[[str], None] | None = None,
) -> SweepResult:
    """Build and run the points of a space; those that a ``store`` holds are not run again.

    Points of equal content run once. One that cannot run, or does not end well, is told and is on
    no front. Ctrl-C ends the sweep with what is finished.

    Raises ConfigError for a build that fails and a space that cannot be run, and what a store and
    a scheduler raise.
    """
    places = space.places()
    with tempfile.TemporaryDirectory(prefix="mcusim-sweep-") as folder:
        drafts = _built(space, [space.draft(place) for place in places], Path(folder), log)
        points = _planned(space, drafts)
        found, interrupted = _run_points(points, workers or Workers(), store, tell, log)
    return _result(space, places, points, found, interrupted)


def _built(
    space: SweepSpace, drafts: Sequence[Draft], folder: Path, log: Callable[[str], None] | None
) -> list[Draft]:
    """The drafts with the programs that were built for them, each once."""
    if space.build is None:
        return list(drafts)
    made: dict[tuple[tuple[str, str], ...], str] = {}
    for draft in drafts:
        key = tuple(draft.build.items())
        if key not in made:
            if log is not None:
                log(f"building {', '.join(value for _, value in key) or space.build.command}")
            made[key] = space.build.run(draft.build, folder / str(len(made)))
    return [replace(draft, elf=made[tuple(draft.build.items())]) for draft in drafts]


def _planned(space: SweepSpace, drafts: Sequence[Draft]) -> list[PlannedPoint]:
    """The drafts as they run; a program is linked for one of the parts that it runs on."""
    parts = {draft.configuration.cpu: draft.configuration for draft in drafts}
    home: dict[str, str | None] = {}
    for elf in dict.fromkeys(draft.elf for draft in drafts):
        image = load_image(elf)
        home[elf] = linked_for(image, parts.values()) if len(parts) > 1 else None
    points = []
    for draft in drafts:
        options = dict(draft.options)
        if home[draft.elf] not in (None, draft.configuration.cpu):
            options["linked_for"] = home[draft.elf]
        built = tuple(draft.build.items())
        points.append(PlannedPoint(draft.elf, draft.configuration, options, draft.shift, built))
    return points


def _run_points(
    points: Sequence[PlannedPoint],
    workers: Workers,
    store: ResultStore | None,
    tell: Told | None,
    log: Callable[[str], None] | None,
) -> tuple[dict[int, Outcome | McusimError], bool]:
    """What became of each point by its number, and whether Ctrl-C came before the last."""
    from simcore.sweep.stored import StoredPoints

    with StoredPoints(store, points) as shelf:
        found: dict[int, Outcome | McusimError] = dict(shelf.load())
        if log is not None:
            log(f"{len(found)} of {len(points)} results were in the store")
        left = [number for number in shelf.first_of_equal() if number not in found]
        if tell is not None:
            tell(len(found), len(points))
        try:
            for at, result in _ran([points[number] for number in left], workers):
                if isinstance(result, Outcome):
                    if result.exit.reason == "interrupted":
                        raise KeyboardInterrupt
                    shelf.keep(left[at], result)
                found.update(dict.fromkeys(shelf.equal_to(left[at]), result))
                if tell is not None:
                    tell(len(found), len(points))
        except KeyboardInterrupt:
            resume()
            return found, True
    return found, False


def _ran(
    points: Sequence[PlannedPoint], workers: Workers
) -> Iterator[tuple[int, Outcome | McusimError]]:
    """The number of each point with what it gave, as they come.

    Where an execution is lost for good, the points of it run alone: one of them takes too much.
    """
    groups = grouped(points, workers.count)
    while groups:
        again: list[list[int]] = []
        work = [PointGroup(tuple(points[number] for number in group)) for group in groups]
        for at, results in _rounds(work, workers):
            group = groups[at]
            if isinstance(results, LostWorkError) and len(group) > 1:
                again += [[number] for number in group]
                continue
            each = [results] * len(group) if isinstance(results, McusimError) else results
            yield from zip(group, each, strict=True)
        groups = again


def _rounds(
    work: Sequence[PointGroup], workers: Workers
) -> Iterator[tuple[int, list[Outcome | McusimError] | McusimError]]:
    if workers.is_here(len(work)):
        for number, group in enumerate(work):
            yield number, group.run()
        return
    for number, future in workers.run(PointGroup.run, work, PointGroup.files):
        error = future.exception()
        if error is not None and not isinstance(error, McusimError):
            raise error
        yield number, error or future.result()


def _result(
    space: SweepSpace,
    places: Sequence[Place],
    points: Sequence[PlannedPoint],
    found: Mapping[int, Outcome | McusimError],
    interrupted: bool,
) -> SweepResult:
    swept = [
        _swept(space.settings(places[number]), points[number], found[number])
        for number in sorted(found)
    ]
    fields = [OBJECTIVES[name] for name in space.objectives]
    costs = [[getattr(one, name) for name in fields] for one in swept]
    front = pareto_front(
        [
            None if one.error is not None or None in cost else cost
            for one, cost in zip(swept, costs, strict=True)
        ]
    )
    if swept and not interrupted and all(one.end == "refused" for one in swept):
        raise ConfigError(f"{space.file}: no point can run; the first: {swept[0].error}")
    return SweepResult(
        schema=SCHEMA,
        tool=Tool("mcusim", __version__),
        name=PurePath(space.file).name,
        method=space.method,
        seed=space.seed,
        space=space.size,
        axes=tuple(SweptAxis(a.name, tuple(c.name for c in a.choices)) for a in space.axes),
        objectives=space.objectives,
        points=tuple(replace(one, on_front=n in set(front)) for n, one in enumerate(swept)),
        interrupted=interrupted,
    )


def _swept(
    settings: dict[str, str], point: PlannedPoint, found: Outcome | McusimError
) -> SweptPoint:
    if isinstance(found, McusimError):
        error = str(found).removeprefix(f"{point.elf}: ")
        return SweptPoint(settings, PurePath(point.configuration.cpu).stem, "refused", False, error)
    well = found.exit.status is ExitCode.OK
    ram = found.elf.ram_bytes
    return filled(
        SweptPoint,
        found,
        settings=settings,
        part=found.cpu.name,
        end=found.exit.reason,
        on_front=False,
        error=None if well else found.exit.text,
        program_sha256=found.elf.sha256,
        clock_hz=found.cpu.clock_hz,
        flash_bytes=found.elf.load_bytes,
        ram_bytes=None if ram is None else ram + found.copied_bytes,
        stack_bytes=found.stack_high_water_bytes,
        compiler=found.elf.compiler,
    )
