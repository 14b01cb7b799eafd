"""What holds for every program, on random ones: sums, replay, what-if, the cache, and counts.

Nothing of the timing model is known here: a figure is held against the same figure found in another
way. Counts of instructions and accesses are held against plain Unicorn with a hook in Python for
each; programs for that pend no exception, which plain Unicorn would not take.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import unicorn
from unicorn import unicorn_const as uc_const

from simcore.cache import Room
from simcore.costs.profile import Profile
from simcore.profiler import profile, replay
from simcore.run.spec import RunSpec
from simcore.simulation.capture import record
from simcore.whatif import Configuration, what_if
from tests.integration import plain_run
from tests.oracle.differential import PART, built, most_instructions
from tests.oracle.random_programs import RandomProgram


def broken(folder: Path, seeds: Sequence[int]) -> list[str]:
    """The invariants that do not hold for the programs of these seeds, as one ELF."""
    elf = built(folder, [(seed, RandomProgram(seed).steps) for seed in seeds])
    limit = most_instructions(len(seeds))
    spec = RunSpec(elf=str(elf), cpu=PART, max_instructions=limit, instructions=True)
    live = profile(spec)
    bad = [] if live.exit.code == 0 else [f"the run ended otherwise: {live.exit}"]
    bad += _sums(live)
    room = Room(folder / "cache", 1 << 28)
    for name in ("cold", "warm"):
        bad += _same(f"with a {name} cache", live, profile(spec, room=room))
    capture = folder / "run.mcu"
    record(elf, capture, PART, max_instructions=limit, stdin=io.BytesIO())
    bad += _same("replayed", live, replay(capture, instructions=True))
    both = [Configuration(cpu=PART), Configuration(name="off", cpu=PART, caches="off")]
    study = what_if([str(elf)], both, processes=1, max_instructions=limit)
    first, second = study.configurations
    for field in ("instructions", "cycles", "cycles_by_cause"):
        if getattr(first, field) != getattr(live.totals, field):
            bad.append(f"what-if's first has other {field}")
    if second.instructions != live.totals.instructions:
        bad.append("what-if's second counts other instructions")
    return bad


def _sums(found: Profile) -> Iterator[str]:
    """Parts that do not sum to their whole."""
    total = found.totals
    pairs = {
        "causes": (sum(total.cycles_by_cause.values()), total.cycles),
        "functions' cycles": (sum(row.cycles_self for row in found.functions), total.cycles),
        "functions' instructions": (
            sum(row.instructions for row in found.functions), total.instructions,
        ),
        "call tree": (sum(node.cycles for node in found.call_tree), total.cycles),
        "instructions": (
            sum(row.executions for row in found.instructions or ()), total.instructions,
        ),
        "calls of the tree": (
            sum(node.instructions for node in found.call_tree), total.instructions,
        ),
    }  # fmt: skip
    for name, (parts, whole) in pairs.items():
        if parts != whole:
            yield f"{name}: {parts:,} of {whole:,}"


def _same(how: str, one: Profile, other: Profile) -> Iterator[str]:
    for table in ("exit", "totals", "functions", "call_tree", "objects", "instructions"):
        if getattr(one, table) != getattr(other, table):
            yield f"{how}: other {table}"


def miscounted(folder: Path, seeds: Sequence[int]) -> tuple[list[str], int]:
    """Addresses whose executions or accesses plain Unicorn counts otherwise, and instructions."""
    programs = [(seed, _without_exceptions(RandomProgram(seed).steps)) for seed in seeds]
    elf = built(folder, programs)
    limit = most_instructions(len(seeds))
    told = profile(str(elf), PART, max_instructions=limit, instructions=True)
    reads: Counter[int] = Counter()
    writes: Counter[int] = Counter()
    executions = _counted(elf, reads, writes)
    ran: Counter[int] = Counter()
    loaded: Counter[int] = Counter()
    stored: Counter[int] = Counter()
    for row in told.instructions or ():
        ran[row.address] += row.executions - row.skipped
        loaded[row.address] += row.reads
        stored[row.address] += row.writes
        if row.text.startswith("strex"):  # the engine compares before it stores
            del reads[row.address]
    bad = list(_sums(told))
    cycles = sum(row.cycles for row in told.instructions or ())
    if cycles != told.totals.cycles:  # those of an exception are of no instruction
        bad.append(f"instructions' cycles: {cycles:,} of {told.totals.cycles:,}")
    for name, here, there in (
        ("executions", ran, executions), ("reads", loaded, reads), ("writes", stored, writes),
    ):  # fmt: skip
        for address in sorted({*here, *there}):
            if here[address] != there[address]:
                bad.append(f"{address:#x}: {here[address]} {name}, {there[address]} counted")
    return bad, told.totals.instructions


def _without_exceptions(steps: Sequence[str]) -> tuple[str, ...]:
    return tuple(step for step in steps if not step.startswith(("svc", "movw r10", "cpsid")))


def _counted(elf: Path, reads: Counter[int], writes: Counter[int]) -> Counter[int]:
    """Executions by address; accesses go by the instruction that made them."""
    at = 0
    original = plain_run._count

    def count(uc: unicorn.Uc, run: plain_run.PlainRun, exclusives: object) -> None:
        def on_code(_uc: unicorn.Uc, address: int, _size: int, _user: object) -> None:
            nonlocal at
            at = address
            run.executions[address] += 1

        def on_access(_uc: unicorn.Uc, kind: int, *_: object) -> None:
            (writes if kind == uc_const.UC_MEM_WRITE else reads)[at] += 1

        uc.hook_add(uc_const.UC_HOOK_CODE, on_code)
        uc.hook_add(uc_const.UC_HOOK_MEM_READ | uc_const.UC_HOOK_MEM_WRITE, on_access)

    plain_run._count = count
    try:
        return plain_run.plain_run(elf, PART).executions
    finally:
        plain_run._count = original
