"""--uncertainty: one execution under every answer to what no source decides."""

from __future__ import annotations

from pathlib import Path

import simcore
from tests.integration.programs import FIRMWARE, KERNELS


def test_the_interval_holds_the_cycles_and_changes_nothing_else(tmp_path: Path) -> None:
    elf = FIRMWARE / "calls.elf"
    plain, asked = simcore.profile(elf), simcore.profile(elf, uncertainty=True)
    found = asked.cycles_interval
    assert found is not None
    assert found.low_cycles <= asked.totals.cycles <= found.high_cycles
    assert found.low_cycles < found.high_cycles
    assert asked.totals == plain.totals
    assert asked.functions == plain.functions
    capture = tmp_path / "calls.mcu"
    simcore.record(elf, capture)
    assert simcore.replay(capture, uncertainty=True).cycles_interval == found


def test_what_a_program_does_not_use_moves_nothing() -> None:
    found = simcore.profile(KERNELS / "conv2d_s8_small.elf", uncertainty=True).cycles_interval
    assert found is not None
    widths = {q.name: q.high_cycles - q.low_cycles for q in found.questions}
    assert widths["exception"] == widths["unaligned"] == 0
    assert widths["pair_fetch"] > 0
    assert list(widths.values()) == sorted(widths.values(), reverse=True)
