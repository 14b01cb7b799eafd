"""Random programs here and through qemu-system-arm: which end in another state, what is counted
otherwise."""

from __future__ import annotations

import io
import subprocess
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from simcore.cpu_model import load_cpu_model
from simcore.elf import load_image
from simcore.machine import RunOptions, run
from simcore.profiler import profile
from simcore.run.options import Streams
from simcore.run.spec import RunSpec
from tests.oracle.qemu import Counts, counted_by_qemu, run_qemu
from tests.oracle.random_programs import RandomProgram, assembly

COUNTED = ("executions", "reads", "writes")
PART = "generic-m7"  # memory at 0 and at 0x20000000, as mps2-an500 has it
GCC = ("arm-none-eabi-gcc", "-mcpu=cortex-m7", "-mfpu=fpv5-d16", "-mfloat-abi=hard", "-mthumb")
LINK = "-Wl,--entry=reset,--section-start=.isr_vector=0,-Ttext=0x100,-Tbss=0x20000000"
_PER_PROGRAM = 50_000


@dataclass(frozen=True, slots=True)
class Difference:
    """A program whose state behind it is another, and the first step that makes it so."""

    seed: int
    step: str


def built(folder: Path, programs: Sequence[tuple[int, Sequence[str]]]) -> Path:
    """The ELF of programs, each by its seed and steps."""
    source, elf = folder / "programs.S", folder / "programs.elf"
    source.write_text(assembly(programs))
    subprocess.run([*GCC, "-nostdlib", LINK, source, "-o", elf], check=True, cwd=folder)
    return elf


def of_qemu(elf: Path) -> list[str]:
    """The hashes that the programs of an ELF print under QEMU."""
    return run_qemu(elf).split()


def of_mcusim(elf: Path, programs: int) -> list[str]:
    """The hashes that they print here. Raises AssertionError where the run does not end well."""
    out = io.BytesIO()
    model = load_cpu_model(PART)
    spec = RunSpec(max_instructions=most_instructions(programs))
    options = RunOptions(model.max_clock_hz, spec, streams=Streams(stdout=out))
    result = run(load_image(elf), model, options)
    assert (result.exit_reason, result.exit_code) == ("exit", 0), result.fault
    return out.getvalue().decode().split()


def most_instructions(programs: int) -> int:
    """What so many programs and their hashes take at most."""
    return _PER_PROGRAM * (programs + 1)


def differences(folder: Path, seeds: Sequence[int]) -> list[Difference]:
    """The programs of these seeds that end otherwise than under QEMU."""
    programs = [(seed, RandomProgram(seed).steps) for seed in seeds]
    elf = built(folder, programs)
    expected, found = of_qemu(elf), of_mcusim(elf, len(programs))
    assert len(expected) == len(programs), "QEMU did not run all of them"
    return [
        Difference(seed, first_step(folder, seed, steps))
        for (seed, steps), one, other in zip(programs, expected, found, strict=True)
        if one != other
    ]


def miscounted(folder: Path, seeds: Sequence[int]) -> tuple[list[str], int]:
    """What a plugin of QEMU counts otherwise: executions and accesses of each instruction, those of
    handlers too, and bytes of all; and the instructions that were counted."""
    elf = built(folder, [(seed, RandomProgram(seed).steps) for seed in seeds])
    there = counted_by_qemu(elf, folder)
    told = profile(
        str(elf), PART, max_instructions=most_instructions(len(seeds)), instructions=True
    )
    here: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for row in told.instructions or ():
        for what in COUNTED:
            here[row.address][what] += getattr(row, what)
        if row.text.startswith("strex"):  # QEMU compares before it stores
            there[row.address] = replace(there[row.address], reads=0, read_bytes=0)
    bad = [
        f"{address:#x}: {here[address][what]} {what}, {counted} by QEMU"
        for address in sorted({*here, *there})
        for what in COUNTED
        if here[address][what] != (counted := getattr(there.get(address, Counts()), what))
    ]
    for what in ("read_bytes", "write_bytes"):
        counted = sum(getattr(counts, what) for counts in there.values())
        if getattr(told.totals, what) != counted:
            bad.append(f"{getattr(told.totals, what)} {what}, {counted} by QEMU")
    return bad, told.totals.instructions


def first_step(folder: Path, seed: int, steps: Sequence[str]) -> str:
    """The first step behind which a program's state is another, by one run of all its beginnings.

    Says so when there is none: then it takes the programs before.
    """
    beginnings = [(seed, steps[:length]) for length in range(len(steps) + 1)]
    elf = built(folder, beginnings)
    pairs = zip(of_qemu(elf), of_mcusim(elf, len(beginnings)), strict=True)
    for length, (one, other) in enumerate(pairs):
        if one != other:
            return steps[length - 1] if length else "before its first step"
    return "none by itself"
