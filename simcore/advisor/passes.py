"""What placements cost: passes over the events of one run, each with many configurations.

A pass takes a bounded number of them, so that memory stays flat; schedules of the pipeline are made
once for all passes of a process. Passes of which only sums are asked may go to other processes, or
to other machines, which are sent the capture once.
"""

from __future__ import annotations

import pickle
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

from simcore.advisor.slices import WaitingPart, cut_objects, parts_of
from simcore.core.data_objects import ObjectMap, ObjectTable
from simcore.costs.profile import Profile
from simcore.placement import Placement
from simcore.run.asked import OneCall
from simcore.run.reached import Reached
from simcore.run.setup import TimingSetup
from simcore.simulation.capture import Capture
from simcore.simulation.live import for_task
from simcore.simulation.one_call import check_called, with_one_call
from simcore.simulation.program import Program
from simcore.simulation.simulation import Simulation
from simcore.workers import Team

Kept = TypeVar("Kept")

MOST_AT_ONCE = 16  # configurations of a pass
#: Causes that are what a memory makes of an access: wait states, misses, full buffers.
WAITS = ("fetch", "load", "store")

#: Told the step, and what is done of all of it, 0 to 1.
Told = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """What a run costs under a configuration. Cycles awake are those in which it did not sleep.

    `waits` are cycles that fetches, loads and stores waited: what placement changes by a mechanism.
    """

    cycles: int
    active_cycles: int
    waits: int
    energy_fj: int
    stack_bytes: int | None = None

    @classmethod
    def of(cls, simulation: Simulation) -> MeasuredRun:
        """Of a run that has ended."""
        totals = simulation.costs.totals()
        return cls(
            totals.cycles,
            totals.active_cycles,
            sum(totals.cycles_by_cause[cause] for cause in WAITS),
            round(totals.energy_j * 1e15),
            totals.stack_high_water_bytes,
        )

    def plus(self, other: MeasuredRun, times: int = 1) -> MeasuredRun:
        """What it costs with so many times another on top."""
        return replace(
            self,
            cycles=self.cycles + times * other.cycles,
            active_cycles=self.active_cycles + times * other.active_cycles,
            waits=self.waits + times * other.waits,
            energy_fj=self.energy_fj + times * other.energy_fj,
        )

    def with_veneers(self, cycles: int) -> MeasuredRun:
        """The same where calls through veneers take some cycles more."""
        return replace(self, cycles=self.cycles + cycles, active_cycles=self.active_cycles + cycles)


class TimedPiece(NamedTuple):
    """A pass for other workers: the path of a capture, and its configurations, pickled: no text of
    theirs is a path."""

    capture: str
    setups: bytes

    def files(self) -> tuple[str]:
        """What it reads of this machine."""
        return (self.capture,)

    def run(self) -> list[MeasuredRun]:
        """What each configuration costs. Raises as Capture.simulate()."""
        capture = _opened.capture
        if capture is None or capture.path != self.capture:
            capture = _opened.capture = Capture(self.capture)
        setups: list[TimingSetup] = pickle.loads(self.setups)
        return [
            MeasuredRun.of(one) for one in capture.simulate(setups, objects=_no_objects(capture))
        ]


class _Opened(threading.local):
    """The capture of a thread's last piece, with the schedules that it has by now."""

    capture: Capture | None = None


_opened = _Opened()


@dataclass(slots=True)
class Passes:
    """Times the recorded run of a program again and again.

    Passes of which only sums are asked are done by a ``team``, cut into pieces for so many
    ``members``; here without one.
    """

    program: Program
    setup: TimingSetup  # as the program is linked
    tell: Told | None = None
    timings: int = 0
    team: Team | None = None
    members: int = 1
    #: The call of main(), where all of a run counts; and what `first` found outside of it.
    main: OneCall | None = None
    start_up: MeasuredRun | None = None

    def first(self) -> tuple[Simulation, Profile]:
        """The run as it is linked. Raises ConfigError where the run has not what is asked for."""
        program, spec = self.program, self.program.spec
        (linked,) = self._run([self.setup], "as linked", _itself)
        check_called(with_one_call([self.setup], program.image, spec), linked)
        if spec.task is not None:  # what counts is known now, once for all passes
            (self.setup,) = for_task([self.setup], spec.task, linked)
            (linked,) = self._run([self.setup], "as linked", _itself)
        profile = program.told(linked.profile())
        self.main = _main_of(program, profile)
        if self.main is not None:
            (own,) = self.time([self.setup], "as linked")
            self.start_up = MeasuredRun.of(linked).plus(own, -1)
        return linked, profile

    def waits(
        self, setups: Sequence[TimingSetup], step: str
    ) -> tuple[Profile, list[WaitingPart], dict[int | None, int]]:
        """The run under the first of some configurations, what data waited there by parts of
        objects, and the cycles that functions waited for code, by address: the mean of all."""
        program = self.program
        assert program.capture is not None
        objects = cut_objects(program.capture.end.objects(program.image))
        found = self._run(setups, step, _itself, objects=objects)
        result = found[0].result
        is_write = [[access.is_write for access in block.accesses] for block in result.blocks]
        functions = [program.image.function_at(block.address) for block in result.blocks]
        holders = [None if one is None else one.start for one in functions]
        profiles = [one.profile() for one in found]
        waited: Counter[int | None] = Counter()
        for row in (row for profile in profiles for row in profile.functions):
            waited[row.address] += row.cycles_by_cause["fetch"]
        fetch = {address: cycles // len(profiles) for address, cycles in waited.items()}
        return profiles[0], parts_of(result.counters, is_write, holders), fetch

    def time(self, setups: Sequence[TimingSetup], step: str) -> list[MeasuredRun]:
        """What each configuration costs, in their order.

        Start-up code costs in each what it does as linked: where it fills what moved, another loop
        fills that once a linker moved it.
        """
        light = [replace(setup, sums_only=True, one_call=self.main) for setup in setups]
        found = self._timed(light, step)
        if self.start_up is None:
            return found
        return [one.plus(self.start_up) for one in found]

    def _timed(self, light: Sequence[TimingSetup], step: str) -> list[MeasuredRun]:
        capture = self.program.capture
        assert capture is not None
        if self.team is None:
            return self._run(light, step, MeasuredRun.of, objects=_no_objects(capture))
        light = self._counted(light)
        size = min(MOST_AT_ONCE, -(-len(light) // self.members))
        starts = range(0, len(light), size)
        pieces = [
            TimedPiece(capture.path, pickle.dumps(light[first : first + size])) for first in starts
        ]
        found: dict[int, list[MeasuredRun]] = {}
        self._told(step, 0)
        for number, future in self.team.run(TimedPiece.run, pieces, TimedPiece.files):
            found[number] = future.result()
            self._told(step, len(found) / len(pieces))
        self.timings += len(light)
        return [one for number in sorted(found) for one in found[number]]

    def _told(self, step: str, share: float) -> None:
        if self.tell is not None:
            self.tell(step, share)

    def _counted(self, setups: Sequence[TimingSetup]) -> list[TimingSetup]:
        """The configurations with what alone is counted, where a part of the run is asked for."""
        if setups[0].counted is None and setups[0].one_call is None:
            return list(with_one_call(setups, self.program.image, self.program.spec))
        return list(setups)

    def check(self, placement: Placement) -> Simulation:
        """The run under a placement. Raises ConfigError for one that it shows to be impossible."""
        setups = [replace(self.setup, moves=placement.moves)]
        (simulation,) = self._run(setups, "as placed", _itself)
        placement.check_run(self.program.image, simulation)
        return simulation

    def _run(
        self,
        setups: Sequence[TimingSetup],
        step: str,
        keep: Callable[[Simulation], Kept],
        *,
        objects: ObjectMap | None = None,
    ) -> list[Kept]:
        program = self.program
        capture, room = program.capture, program.room
        assert capture is not None
        setups = self._counted(setups)
        found: list[Kept] = []
        for first in range(0, len(setups), MOST_AT_ONCE):
            some = setups[first : first + MOST_AT_ONCE]

            def progress(reached: Reached, done: int = first, count: int = len(some)) -> None:
                self._told(step, (done + count * (reached.share or 0)) / len(setups))

            progress(Reached(0, 0.0))
            found += map(keep, capture.simulate(some, progress, objects=objects, room=room))
        self.timings += len(setups)
        return found


def _no_objects(capture: Capture) -> ObjectMap:
    """None to count, in as many tables as the run has: what only sums are asked of."""
    tables = capture.end.objects(capture.image).tables
    return ObjectMap((), (), (), tuple(ObjectTable(()) for _ in tables))


def _main_of(program: Program, profile: Profile) -> OneCall | None:
    """The one call of main(), where all of a run counts: start-up code comes in front of it."""
    spec, image = program.spec, program.image
    if profile.per is not None or spec.task is not None or spec.from_ or spec.until:
        return None
    found = [at for at, one in enumerate(image.functions) if one.raw == "main"]
    rows = [row for row in profile.functions if row.name == "main"]
    if len(found) != 1 or len(rows) != 1 or rows[0].calls != 1:
        return None
    return OneCall("main", (found[0],))


def _itself(simulation: Simulation) -> Simulation:
    return simulation
