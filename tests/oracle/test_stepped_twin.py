"""Timed interrupts against a slow twin that steps single instructions (stepped.py).

Both run the same program under the same configuration. They enter the same handlers in the same
order and end with the same registers and memory; and in the product each handler's first
instruction comes behind the time at which its interrupt was due by entry, the rest of the
instruction that was executing, and at most LATE cycles.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pytest

from simcore.core.interrupts import InterruptsFound
from simcore.cpu_model import load_cpu_model
from simcore.elf import Image, load_image
from simcore.machine import RunOptions, run_many
from simcore.run.interrupts import find_interrupts
from simcore.run.options import Streams
from simcore.run.setup import TimingSetup
from simcore.run.spec import RunSpec
from tests.oracle import timed_programs as programs
from tests.oracle.stepped import Stepped
from tests.oracle.timed_programs import Handler, Program
from tests.oracle.timeline import Entry, Run

CLOCK_HZ = 200_000_000
LATE = 8
APART = 48  # cycles between two entries whose order does not hang on how long an instruction takes
PLACES = {"TCM": (0x100, 0x2000_0000, "off"), "flash": (0x0800_0100, 0x2001_4000, "off")}
PLACES["caches"] = (*PLACES["flash"][:2], "on")


class Pieces:
    """Keeps a run's event stream: a machine.Recorder."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def events(self, piece: bytes) -> None:
        self.pieces.append(piece)

    def end(self, _: object) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Both:
    """A program that ran, and that its twin ran."""

    run: Run
    written: bytes
    twin: Stepped
    entry_cycles: int
    found: InterruptsFound | None


def both(image: Image, program: Program, caches: str) -> Both:
    setup = TimingSetup(load_cpu_model("stm32f746"), CLOCK_HZ, caches)
    spec = RunSpec(irq=program.options, max_instructions=2_000_000)
    stdout, kept = io.BytesIO(), Pieces()
    streams = Streams(None, stdout)
    (result,) = run_many(
        image, [setup], RunOptions(CLOCK_HZ, spec, caches=caches, streams=streams), None, kept
    )
    assert result.exit_reason == "exit", result.fault
    handlers = {
        symbol.address & ~1: number
        for symbol in image.symbols
        for number, name in programs.NUMBERS.items()
        if symbol.name == name
    }
    timers = find_interrupts(image, program.options, setup.model.nvic.interrupts, CLOCK_HZ)
    entry = int(setup.model.timing(CLOCK_HZ, caches, None)[0]["exception_entry_cycles"])
    twin = Stepped(image, setup, timers, entry).run()
    run = Run(image, setup, kept.pieces, handlers)
    return Both(run, stdout.getvalue(), twin, entry, result.counters.interrupts)


def dues(both: Both, program: Program) -> dict[int, tuple[int, int]]:
    """When each exception is due first, and how often from then on."""
    found = {16 + n: (handler.first, handler.period) for n, handler in program.irqs.items()}
    if program.tick is not None:
        assert both.run.ticks_from is not None
        found[programs.SYSTICK] = both.run.ticks_from + program.tick.period, program.tick.period
    return found


@dataclass(frozen=True, slots=True)
class Lateness:
    """By how many cycles a handler came behind the time at which it could, and what it may be."""

    entry: Entry
    able: int  # when it was due, or nothing held it back any more
    late: int
    allowed: int
    latency: int  # from when it was due to the handler's first instruction


def lateness(both: Both, program: Program) -> list[Lateness]:
    """Of each handler that was entered in the product."""
    due, pended_to = dues(both, program), dict.fromkeys(programs.NUMBERS, 0)
    free_from = dict.fromkeys(programs.NUMBERS, 0)
    blocked = dict.fromkeys(programs.NUMBERS, False)
    active: list[int] = []
    masked, entries, found = False, iter(both.run.entries), []
    returned = 0, 0  # when the last return began and ended
    priority = both.twin.priority
    for time, what, which in both.run.steps:
        if what == "enter":
            entry = next(entries)
            first, period = due[which]
            turns = max(0, (pended_to[which] - first) // period + 1)
            came = due_at = first + turns * period
            window = both.entry_cycles if entry.behind else 0
            assert came <= time + window, f"{programs.NUMBERS[which]} came early"
            assert not blocked[which]
            # Of two that issued together the second takes no cycle of its own.
            twin = next((c for a in reversed(entry.behind) if (c := both.twin.cycles[a])), 0)
            allowed = max(twin, entry.ran)
            # Registers are loaded back before anything else comes.
            came = max(came, returned[1]) if returned[0] < came else came
            able = max(came, free_from[which])
            latency = time + entry.cycles - due_at
            found.append(Lateness(entry, able, time - able, allowed + LATE, latency))
            pended_to[which] = time + window
            active.append(which)
        elif what == "leave":
            active.pop()
            returned = time, time + which
            time += which
        else:
            masked = bool(which)
        for number in programs.NUMBERS:
            is_blocked = masked or any(priority[a] <= priority[number] for a in active)
            if blocked[number] and not is_blocked:
                free_from[number] = time
            blocked[number] = is_blocked
    return found


def check(both: Both, program: Program) -> None:
    """That product and twin did the same, and that no handler came late."""
    twin, run = both.twin, both.run
    assert both.written == twin.written
    assert len(twin.written) > programs.FEWEST_BYTES
    late = lateness(both, program)
    place = {which: at for at, which in enumerate(numbered(run.entries))}
    order = numbered(twin.entries)
    assert sorted(order) == sorted(place)
    for i, j in combinations(range(len(order)), 2):
        one, other = place[order[i]], place[order[j]]
        is_apart = twin.entries[j].at - twin.entries[i].at > APART
        assert one < other or not is_apart or abs(late[one].able - late[other].able) <= APART
    assert not [one for one in late if one.late > one.allowed], late
    assert {e.cycles for e in run.entries if e.behind} == {both.entry_cycles}
    check_table(both, late)


def check_table(both: Both, late: list[Lateness]) -> None:
    """That the table of interrupts has the latencies found here, from times of the stream alone.

    The twin's are near them: it times each instruction by itself.
    """
    assert both.found is not None
    rows = {row.number: row for row in both.found.exceptions}
    assert set(rows) == {one.entry.number for one in late}
    for number, row in rows.items():
        found = sorted(one.latency for one in late if one.entry.number == number)
        ranks = [-(-len(found) * percent // 100) - 1 for percent in (50, 99)]
        expected = [found[0], *(found[rank] for rank in ranks), found[-1]]
        assert row.count == row.waited == len(found)
        assert [row.least, row.median, row.p99, row.most] == expected
        assert sum(hold.total for hold in row.holds) <= sum(found)
        assert row.total >= row.own > 0


def numbered(entries: list[Entry]) -> list[tuple[int, int]]:
    """Each entry as the exception and how often that came before."""
    seen: dict[int, int] = {}
    found = []
    for entry in entries:
        seen[entry.number] = seen.get(entry.number, -1) + 1
        found.append((entry.number, seen[entry.number]))
    return found


@pytest.fixture(scope="session")
def build(
    arm_gcc: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Program, str], Image]:
    """Assembles a program and links it to a place."""
    folder = tmp_path_factory.mktemp("timed")

    def assemble(program: Program, place: str) -> Image:
        text, data, _ = PLACES[place]
        source = folder / "program.S"
        source.write_text(program.text)
        link = "-Wl,--entry=reset,--section-start=.isr_vector=0x08000000"
        link += f",-Ttext={text:#x},-Tbss={data:#x}"
        return load_image(arm_gcc(folder / "program.elf", ["-nostdlib", link, source]))

    return assemble


Assemble = Callable[[Program, str], Image]
ONE = {0: Handler(period=223, first=500, most=40)}
SEVERAL = {
    0: Handler(period=3001, first=3001, most=3, priority=3, work=programs.LONG),
    1: Handler(period=3001, first=3601, most=3, priority=2, work=programs.LONG),
    2: Handler(period=6002, first=4201, most=2, priority=1),
    3: Handler(period=3001, first=4801, most=3, priority=0),
}
TICK = Handler(period=757, first=0, most=15, priority=2)
BODIES = {"straight": programs.straight(400), **programs.OPERATIONS}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("body", BODIES)
def test_one_interrupt(build: Assemble, body: str, place: str) -> None:
    text = BODIES[body]
    turns = max(2, 1600 // text.count("\n"))
    program = Program(text, turns, ONE)
    check(both(build(program, place), program, PLACES[place][2]), program)


@pytest.mark.parametrize("place", PLACES)
def test_nested_interrupts_and_systick(build: Assemble, place: str) -> None:
    program = Program(programs.straight(400) + programs.MASKED + programs.LOOP, 8, SEVERAL, TICK)
    check(both(build(program, place), program, PLACES[place][2]), program)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "seed",
    [*range(2), *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(2, 40))],
)
def test_random_programs(build: Assemble, seed: int, place: str) -> None:
    program = programs.drawn(seed)
    check(both(build(program, place), program, PLACES[place][2]), program)
