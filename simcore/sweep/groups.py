"""Points of a sweep that share an execution: of one program, told the same, on one part.

Clock, caches, placement and shift change what the events of a run cost and not which there are, so
one run is timed under all of them. Where a program reads modelled time, or is interrupted by it,
each point runs alone: what a point costs never hangs on which others there are.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from simcore.errors import ConfigError, McusimError
from simcore.parallel import collecting_seldom
from simcore.placement.layout import shifted
from simcore.run.needed import needed_files
from simcore.whatif.configuration import Configuration
from simcore.whatif.results import Outcome
from simcore.whatif.study import Prepared, TimedExecution, outcome, prepare

if TYPE_CHECKING:
    from simcore.elf import Image
    from simcore.simulation.program import Program

#: Points of an execution: half again as many save little, and wait longer to be kept.
MOST_POINTS = 16


@dataclass(frozen=True, slots=True)
class PlannedPoint:
    """A point as it runs; goes to another process as it is."""

    elf: str
    configuration: Configuration
    options: Mapping[str, Any]  # fields of a RunSpec that no configuration has
    shift: int = 0
    build: tuple[tuple[str, str], ...] = ()  # what its program was built with, for people

    def open(self) -> Program:
        """Its program, as it is for all points of a group. Raises ElfError, ModelError or
        ConfigError."""
        execution = TimedExecution(self.elf, (self.configuration,), self.options)
        return execution.program(self.elf)

    def prepared(self, program: Program) -> Prepared:
        """It, ready to time. Raises ModelError, or ConfigError, for a shift out of memory too."""
        home = program.home()
        (found,) = prepare(
            program.image, [self.configuration], False, None if home is None else home.model
        )
        return _shifted(program.image, found, self.shift) if self.shift else found

    def files(self) -> list[str]:
        """What it reads of this machine. Raises ConfigError."""
        return needed_files(self.configuration.spec(self.elf, self.options))

    @property
    def execution(self) -> str:
        """What is the same of points that one execution serves."""
        one = self.configuration
        same = self.elf, sorted(self.options.items()), one.cpu, one.overrides, one.memory_from
        return repr(same)


@dataclass(frozen=True, slots=True)
class PointGroup:
    """Points of one execution; goes to another process as it is."""

    points: tuple[PlannedPoint, ...]

    def run(self) -> list[Outcome | McusimError]:
        """What each costs, or why it cannot run."""
        found: dict[int, Outcome | McusimError] = {}
        for number in range(len(self.points)):  # until a run says that it serves others
            if self.points[0].execution in _shared:
                break
            found |= self._timed([number])
        left = [number for number in range(len(self.points)) if number not in found]
        if left:
            found |= self._timed(left)
        for number in left:
            if number not in found:
                found |= self._timed([number])
        return [found[number] for number in range(len(self.points))]

    def _timed(self, numbers: Sequence[int]) -> dict[int, Outcome | McusimError]:
        """Points from one execution, by their numbers; of several those that it serves."""
        found: dict[int, Outcome | McusimError] = {}
        ready: dict[int, Prepared] = {}
        try:
            program = self.points[0].open()
            for number in numbers:
                try:
                    ready[number] = self.points[number].prepared(program)
                except McusimError as error:
                    found[number] = error
            home = program.home()
            before = [] if home is None else [home]
            timed = [*before, *(one.setup for one in ready.values())]
            with collecting_seldom():
                ran = program.simulate(timed, stdout=io.BytesIO())[len(before) :] if ready else []
        except McusimError as error:
            # Which of several it is about, each tells when it runs alone.
            return found | ({numbers[0]: error} if len(numbers) == 1 else {})
        for at, (number, one) in enumerate(ready.items()):
            result = ran[at].result
            is_served = home is not None or not result.clock_dependent
            if is_served:
                _shared.add(self.points[0].execution)
            try:
                own = outcome(program, one, [ran[at]])
            except McusimError as error:
                found[number] = error
                continue
            is_cut = own.exit.is_by_host and own.exit.reason != "interrupted"
            if len(numbers) == 1 or ((is_served or at == 0) and not is_cut):
                found[number] = own
        return found

    def files(self) -> list[str]:
        """What it reads of this machine. Raises ConfigError."""
        return list(dict.fromkeys(name for point in self.points for name in point.files()))


def _shifted(image: Image, prepared: Prepared, shift: int) -> Prepared:
    setup = prepared.setup
    moves = shifted(image, setup.moves, shift)
    for move in moves:
        region = setup.model.region_at(move.to)
        if region is None or move.to + move.size > region.end:
            raise ConfigError(f"shift={shift}: code would leave {setup.model.name}'s memory")
    setup = replace(setup, moves=moves)
    return replace(prepared, setup=setup, shifts=((0, setup),))


#: Executions that serve all points of them, as far as this process knows: what a program does hangs
#: on no time as long as it reads none.
_shared: set[str] = set()


def grouped(points: Sequence[PlannedPoint], workers: int) -> list[list[int]]:
    """The numbers of points that share executions, so that so many workers have two at least of
    each program and part."""
    by_execution: dict[str, list[int]] = {}
    for number, point in enumerate(points):
        by_execution.setdefault(point.execution, []).append(number)
    groups = []
    for own in by_execution.values():
        size = max(1, min(MOST_POINTS, -(-len(own) // (2 * workers))))
        groups += [own[at : at + size] for at in range(0, len(own), size)]
    return groups
