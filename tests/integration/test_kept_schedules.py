"""Schedules that a run before made: the same bytes of every result, without them made again."""

from __future__ import annotations

import gc
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from simcore.cache import NO_ROOM, Room, open_room
from simcore.core.defined import DefinedBlock
from simcore.core.facts import BlockFacts
from simcore.core.kept_schedules import KIND
from simcore.costs.profile import Profile
from simcore.isa import Block
from simcore.parallel import collecting_seldom
from simcore.profiler import profile
from simcore.run.spec import RunSpec
from tests.integration.programs import FIRMWARE, KERNELS, STDIN, Program, prebuilt
from tests.oracle import exception_programs
from tests.shared import LIMIT, TABLES

FEW = ("calls",)
ALL = pytest.mark.exhaustive
#: As tests/oracle/test_exceptions_qemu.py links them.
LINK = "-Wl,--entry=reset,--section-start=.isr_vector=0,-Ttext=0x100,-Tbss=0x20000000"


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path / "cache", 1 << 28)


def run(elf: Path, room: Room, **spec: object) -> Profile:
    return profile(RunSpec(elf=str(elf), **spec), room=room, stdin=io.BytesIO(STDIN))  # type: ignore[arg-type]


def kept(room: Room) -> list[Path]:
    return [entry.path for entry in room.entries() if entry.kind == KIND]


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(p, id=str(p), marks=() if p.elf.stem in FEW and not p.args else ALL)
        for p in prebuilt()
    ],
)
def test_cold_and_warm_runs_give_the_json_of_a_run_without(program: Program, room: Room) -> None:
    spec = {
        "cpu": program.cpu, "args": program.args, "max_instructions": LIMIT, "per": "none", **TABLES
    }  # fmt: skip
    cold = run(program.elf, room, **spec).to_json()
    assert kept(room)
    warm = run(program.elf, room, **spec).to_json()
    assert cold == warm == program.profile().to_json()


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(40))
def test_random_programs_are_the_same_with_what_another_one_left(
    arm_gcc: Callable[..., Path], tmp_path: Path, room: Room, seed: int
) -> None:
    """Every program has the name of the one before it, as one that was built anew."""
    found, spec = [], {"cpu": "generic-m7", "max_instructions": LIMIT}
    for number in (seed, seed + 1):
        source = tmp_path / "program.S"
        source.write_text(exception_programs.Program(number).text)
        elf = arm_gcc(tmp_path / "program.elf", ["-nostdlib", LINK, source])
        without = run(elf, NO_ROOM, **spec).to_json()
        found.append((run(elf, room, **spec).to_json(), without))
    assert all(one == without for one, without in found)


def test_a_second_run_decodes_nothing(decoded: list[int], room: Room) -> None:
    elf = KERNELS / "conv2d_s8_small.elf"
    run(elf, room)
    assert decoded
    decoded.clear()
    run(elf, room)
    assert not decoded


def test_other_options_and_another_place_of_the_file_find_them(
    decoded: list[int], room: Room, tmp_path: Path
) -> None:
    elf = KERNELS / "conv2d_s8_small.elf"
    run(elf, room)
    decoded.clear()
    moved = Path(shutil.copy(elf, tmp_path))
    assert run(moved, room, clock_hz=100_000_000, caches="on").totals.cycles
    assert not decoded


@pytest.mark.parametrize(
    "content",
    [b"", b"mcsched1", b"mcsched1" + bytes(16), b"x" * 5000],
    ids=["empty", "cut", "no-rows", "other"],
)
def test_an_entry_that_is_none_is_made_again(content: bytes, room: Room) -> None:
    elf = FIRMWARE / "calls.elf"
    without = run(elf, NO_ROOM).to_json()
    run(elf, room)
    (entry,) = kept(room)
    good = entry.read_bytes()
    room.put(KIND, entry.name.partition("-")[2], content)
    assert run(elf, room).to_json() == without
    assert entry.read_bytes() == good


def test_without_a_cache_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCUSIM_CACHE", str(tmp_path / "cache"))
    run(FIRMWARE / "calls.elf", open_room(wanted=False))
    assert not (tmp_path / "cache").exists()


def test_a_call_leaves_the_collector_as_it_was() -> None:
    before = gc.get_threshold()
    with collecting_seldom():
        during = gc.get_threshold()
        with collecting_seldom():
            pass
        assert gc.get_threshold() == during
    assert gc.get_threshold() == before
    assert during[0] >= before[0]


def test_what_a_run_made_goes_with_its_result() -> None:
    """Blocks and schedules are many: they do not wait until unreachable cycles are looked for."""

    def alive() -> int:
        return sum(isinstance(one, BlockFacts | DefinedBlock | Block) for one in gc.get_objects())

    run(FIRMWARE / "calls.elf", NO_ROOM)
    gc.collect()
    before = alive()
    with collecting_seldom():
        gc.disable()
        try:
            result = run(FIRMWARE / "calls.elf", NO_ROOM)
            assert result.totals.cycles
            assert alive() == before
        finally:
            gc.enable()
