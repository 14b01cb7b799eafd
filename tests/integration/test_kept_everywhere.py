"""Every command finds and keeps schedules of runs before, in one place; no figure hangs on it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from simcore.advisor import advise
from simcore.annotation.annotator import annotate_run
from simcore.cache import Room, open_room
from simcore.checking.plans import RunPlan
from simcore.checking.running import profile_plan
from simcore.core.kept_schedules import KIND
from simcore.plain import to_plain
from simcore.profiler import replay
from simcore.simulation.capture import record
from simcore.simulation.program import open_program
from simcore.whatif import what_if
from simcore.whatif.configuration import Configuration
from simcore.whatif.energy_sweep import energy_sweep
from tests.integration.programs import FIRMWARE, KERNELS

ELF = KERNELS / "conv2d_s8_small.elf"
CALLS = FIRMWARE / "calls.elf"
PLACED = Configuration(name="placed", place=("conv*=itcm",))


def annotated(cache: bool) -> object:
    return annotate_run(open_program(CALLS, cache=cache).run())


def tried(cache: bool) -> object:
    return what_if([str(ELF)], [Configuration(name="linked"), PLACED], cache=cache)


def advised(cache: bool) -> object:
    return advise(str(ELF), candidates=2, cache=cache)


def swept(cache: bool) -> object:
    return energy_sweep(str(ELF), cache=cache)


def checked(cache: bool) -> object:
    return profile_plan(RunPlan(elf=str(CALLS)), cache).profile


ASKED = [annotated, tried, swept, checked, pytest.param(advised, marks=pytest.mark.exhaustive)]


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Room:
    """The user's cache."""
    monkeypatch.setenv("MCUSIM_CACHE", str(tmp_path / "cache"))
    return open_room()


def kinds(room: Room) -> set[str]:
    return {entry.kind for entry in room.entries()}


@pytest.mark.parametrize("ask", ASKED)
def test_without_cold_and_warm_are_the_same(ask: Callable[[bool], object], room: Room) -> None:
    without = to_plain(ask(False))
    assert not kinds(room)
    cold = to_plain(ask(True))
    assert KIND in kinds(room)
    assert to_plain(ask(True)) == cold == without


@pytest.mark.parametrize("ask", [tried, swept])
def test_what_one_command_decoded_no_other_decodes(
    ask: Callable[[bool], object], room: Room, decoded: list[int]
) -> None:
    what_if([str(ELF)], [Configuration(name="linked"), PLACED])
    assert decoded
    decoded.clear()
    ask(True)
    assert not decoded


def test_a_replay_finds_what_the_recorded_run_kept(
    room: Room, decoded: list[int], tmp_path: Path
) -> None:
    capture = tmp_path / "run.mcu"
    live = record(ELF, capture).profile()
    assert KIND in kinds(room)
    decoded.clear()
    again = replay(capture)
    assert not decoded
    assert again.to_json() == live.to_json()
    assert replay(capture, cache=False).to_json() == live.to_json()
    assert decoded


def test_all_of_a_file_stays_when_it_is_written_again(room: Room) -> None:
    """A study of placements asks for other blocks each time."""
    from simcore.core.kept_schedules import KeptSchedules

    def blocks() -> int:
        kept = KeptSchedules(room, str(ELF))
        scheduler = kept.known.scheduler(open_program(ELF).spec.setup().model.core.pipeline)
        assert scheduler._kept is not None
        return len(scheduler._kept)

    program = open_program(ELF)
    program.run(stdout=io.BytesIO())
    before = blocks()
    tried(True)
    assert blocks() >= before > 0
