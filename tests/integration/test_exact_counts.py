"""Counts are exact: every prebuilt ELF against `objdump -d` and a bare engine's execution counts.

An instruction that its IT block skips was issued too, but no code hook fires for it: its IT
instruction tells how often it was issued. Markers of mcusim.h are left out on both sides.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from simcore.costs.profile import Profile
from simcore.elf import load_image
from tests.integration.disassembly import Line, disassemble, disassemble_bytes
from tests.integration.plain_run import PlainRun, plain_run
from tests.integration.programs import CORPUS, STDIN, Program, each_program, prebuilt

MARKERS = ("mcusim_op_begin", "mcusim_op_end")
EXCLUDED = {
    "ticks": "interrupts come when the modelled time says so; a bare engine has no time",
    "sleep": "the same, and it waits for them",
    "duty_cycle": "the same",
    "audio_isr": "the same",
    **dict.fromkeys(
        (
            "board_f7", "board_h7", "board_rt", "clock_setup_f7", "clock_setup_h7", "echo_f7",
            "echo_h7", "echo_rt",
        ),
        "firmware that waits for devices and does not end",
    ),
    **dict.fromkeys(("drivers_f7", "drivers_h7"), "a bare engine has no flash to program"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Counts:
    """What the totals of a profile should say; fetch_bytes over all regions."""

    instructions: int
    instructions_skipped: int
    reads: int
    read_bytes: int
    writes: int
    write_bytes: int
    fetch_bytes: int


def times_told(elf: Path, output: bytes) -> list[int]:
    """What the clocks have to show for a program that printed `output` to print it again.

    self_timing prints differences: of CYCCNT, which counts up, and of SysTick, which counts down.
    """
    if elf.stem != "self_timing":
        return []
    numbers = [int(number) for number in re.findall(rb"\d+", output)]
    pairs = zip(numbers[::2], numbers[1::2], strict=True)
    return [value for cycles, ticks in pairs for value in (ticks, 0, cycles, 0)]


def exclusives(lines: dict[int, Line]) -> dict[int, tuple[int, str]]:
    found = {}
    for line in lines.values():
        if line.text.startswith("strex"):
            status = line.text.split()[1].rstrip(",")
            found[line.address + line.size] = (line.address, status)
    return found


def add_code_of_the_program(elf: Path, run: PlainRun, lines: dict[int, Line], tmp: Path) -> None:
    """Lines for what faults.elf wrote into an array and ran: its bytes are in no section."""
    symbols = load_image(elf).symbols
    (code,) = (s for s in symbols if re.fullmatch(r"code(\.\d+)?", s.name))
    data = run.memory.read(code.address, 4)
    assert data is not None
    (tmp / "code.bin").write_bytes(data)
    lines.update(disassemble_bytes(tmp / "code.bin", code.address))


def without_markers(elf: Path, executions: Counter[int]) -> Counter[int]:
    found = map(load_image(elf).symbol, MARKERS)
    inside = [range(s.address, s.address + s.size) for s in found if s is not None]
    return Counter(
        {a: n for a, n in executions.items() if not any(a in marker for marker in inside)}
    )


def skipped_by_address(lines: dict[int, Line], ran: Counter[int]) -> Counter[int]:
    skipped: Counter[int] = Counter()
    for address in list(ran):
        line = lines[address]
        for _ in range(lines[address].predicates):
            line = lines[line.address + line.size]
            skipped[line.address] = ran[address] - ran[line.address]
    return +skipped


def expected(lines: dict[int, Line], ran: Counter[int], failed: Counter[int]) -> Counts:
    skipped = skipped_by_address(lines, ran)
    issued = ran + skipped

    def over(field: str, executions: Counter[int]) -> int:
        return sum(count * int(getattr(lines[at], field)) for at, count in executions.items())

    stored = ran - failed  # a STREX that fails stores nothing
    return Counts(
        instructions=issued.total(),
        instructions_skipped=skipped.total(),
        reads=over("reads", ran),
        read_bytes=over("read_bytes", ran),
        writes=over("writes", stored),
        write_bytes=over("write_bytes", stored),
        fetch_bytes=over("size", issued),
    )


def counted(profile: Profile) -> Counts:
    totals = profile.totals
    return Counts(
        instructions=totals.instructions,
        instructions_skipped=totals.instructions_skipped,
        reads=totals.reads,
        read_bytes=totals.read_bytes,
        writes=totals.writes,
        write_bytes=totals.write_bytes,
        fetch_bytes=sum(region.fetch_bytes for region in profile.memory),
    )


#: One level of the corpus: others execute the same instructions in another order.
COUNTED = [program for program in prebuilt() if program.elf.stem not in EXCLUDED]
COUNTED += [program for program in prebuilt(CORPUS) if program.elf.stem.endswith("_O2")]


@each_program(COUNTED)
def test_counts_equal_those_of_objdump_and_a_bare_engine(program: Program, tmp_path: Path) -> None:
    elf, args = program.elf, program.args
    lines = disassemble(elf)
    profile, output = program.finished().profile, program.finished().output
    times = times_told(elf, output)
    run = plain_run(elf, program.cpu, args, STDIN, times, exclusives(lines))
    assert (profile.exit.reason, profile.exit.code) == ("exit", run.exit_code)
    assert output == run.output.getvalue()
    if "odd-self-modifying" in args:
        add_code_of_the_program(elf, run, lines, tmp_path)
    ran = without_markers(elf, run.executions)
    assert counted(profile) == expected(lines, ran, run.failed)

    skipped = skipped_by_address(lines, ran)
    assert profile.instructions is not None
    # Code that one function runs into from another has a row for each.
    rows: Counter[int] = Counter()
    rows_skipped: Counter[int] = Counter()
    for row in profile.instructions:
        rows[row.address] += row.executions
        rows_skipped[row.address] += row.skipped
    assert (rows, +rows_skipped) == (ran + skipped, +skipped)


def test_what_is_left_out_is_there() -> None:
    assert set(EXCLUDED) <= {program.elf.stem for program in prebuilt()}
