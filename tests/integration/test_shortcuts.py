"""Short cuts of timing change no byte of a profile: `MCUSIM_SHORTCUTS=off` takes none.

Then every block is timed by all the rules: no sequels (timing/sequel.h), no windows of accesses
(memory/window.h), no fetch that is known to be free, and no thread of its own for timing.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import simcore
from tests.integration.programs import CORPUS, FIRMWARE, KERNELS, STDIN, Program, prebuilt
from tests.oracle import exception_programs
from tests.oracle.differential import LINK, PART
from tests.oracle.random_programs import RandomProgram, assembly

LIMIT = 150_000
#: Loops, calls, caches that are set up and cleaned, code that changes, interrupts, tasks.
FEW = ("mixed", "calls", "board_h7", "faults-odd-self-modifying", "ticks", "tflm_O2")
#: Models that change which short cut holds: other caches, none, write-through memory.
MODELS: tuple[dict[str, Any], ...] = (
    {"caches": "on"},
    {"caches": "off"},
    {"caches": "on", "overrides": ("core.dcache.size=1K", "core.icache.size=1K")},
    {"caches": "on", "overrides": ("core.dcache.replacement=lru", "core.icache.replacement=lru")},
)


def profiles(monkeypatch: pytest.MonkeyPatch, elf: Path, **spec: Any) -> list[str]:
    """The report of a run with short cuts, and of one without."""
    found = []
    for setting in ("", "off"):
        monkeypatch.setenv("MCUSIM_SHORTCUTS", setting)
        found.append(simcore.profile(elf, stdin=io.BytesIO(STDIN), **spec).to_json())
    return found


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(p, id=str(p), marks=() if str(p) in FEW else pytest.mark.exhaustive)
        for p in prebuilt(KERNELS, FIRMWARE, CORPUS)
    ],
)
def test_a_profile_is_the_same(monkeypatch: pytest.MonkeyPatch, program: Program) -> None:
    with_, without = profiles(
        monkeypatch, program.elf, cpu=program.cpu, args=program.args, max_instructions=LIMIT
    )
    assert with_ == without


@pytest.mark.parametrize("model", MODELS, ids=["caches", "none", "small", "lru"])
def test_under_other_models_too(monkeypatch: pytest.MonkeyPatch, model: dict[str, Any]) -> None:
    with_, without = profiles(monkeypatch, KERNELS / "mixed.elf", max_instructions=LIMIT, **model)
    assert with_ == without


@pytest.mark.parametrize(
    "first", [0, *(pytest.param(n, marks=pytest.mark.exhaustive) for n in range(100, 600, 100))]
)
def test_of_random_programs(
    arm_gcc: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    source = tmp_path / "program.S"
    seeds = range(first, first + (30 if first == 0 else 100))
    source.write_text(assembly([(seed, RandomProgram(seed).steps) for seed in seeds]))
    elf = arm_gcc(tmp_path / "program.elf", ["-nostdlib", LINK, source])
    with_, without = profiles(monkeypatch, elf, cpu=PART, max_instructions=10 * LIMIT)
    assert with_ == without


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(20))
def test_of_random_programs_with_exceptions(
    arm_gcc: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    source = tmp_path / "program.S"
    source.write_text(exception_programs.Program(seed).text)
    elf = arm_gcc(tmp_path / "program.elf", ["-nostdlib", LINK, source])
    with_, without = profiles(monkeypatch, elf, cpu=PART, max_instructions=LIMIT)
    assert with_ == without
