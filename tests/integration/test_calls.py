"""Calls are those that a program counts itself, whatever else goes from function to function."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import simcore
from tests.integration.programs import CHECKOUT

STARTUP = CHECKOUT / "kernels" / "startup"
PASSAGES = CHECKOUT / "tests" / "firmware" / "passages.c"


def test_calls_are_those_that_the_program_counts(
    arm_gcc: Callable[..., Path], tmp_path: Path
) -> None:
    script = [f"-T{STARTUP / 'stm32f746.ld'}", f"-L{STARTUP}", "-nostartfiles"]
    sources = [PASSAGES, STARTUP / "startup.c", STARTUP / "semihost.c"]
    program = arm_gcc(tmp_path / "passages.elf", ["-O2", f"-I{STARTUP}", *script, *sources])
    printed = io.BytesIO()
    profile = simcore.profile(program, stdout=printed)
    rows = {row.name: row for row in profile.functions}

    lines = printed.getvalue().decode().splitlines()
    own = {name: int(count) for name, count in map(str.split, lines)}
    assert len(own) == 10
    assert {name: rows[name].calls for name in own} == own

    # Labels and cold parts that are reached without a call, and one function that is also called.
    reached = ("copy_loop", "copy_test", "worker.cold", "retry.cold", "body")
    assert [rows[name].calls for name in reached] == [0, 0, 0, 0, own["twice"]]
    # Instructions count for the symbol that holds them: the loop runs 11 and 4 times.
    assert [rows[name].instructions for name in ("copy_loop", "copy_test")] == [15, 2 * (15 + 1)]
    # what a cold part costs is in its function
    cold = rows["worker.cold"].cycles_self
    assert rows["worker"].cycles_total > rows["worker"].cycles_self + cold
    assert sum(row.instructions for row in profile.functions) == profile.totals.instructions
