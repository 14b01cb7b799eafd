"""Ceilings of a part: they come from the model, and move with it."""

from __future__ import annotations

import pytest

from simcore.cpu_model import load_cpu_model
from simcore.pipeline.ceilings import CORE, ceilings


def test_the_core_peaks_at_two_16_bit_macs_and_one_float_mac_a_cycle() -> None:
    """One multiply a cycle (TRM), SMLAD does two MACs; VFMA.F32 issues once a cycle (JNK)."""
    model = load_cpu_model("stm32f746")
    rates = ceilings(model, model.max_clock_hz).macs_per_cycle
    assert rates == {"SMLAD, 16-bit": 2.0, "VFMA.F32": 1.0}


def test_a_float_mac_that_takes_longer_lowers_its_ceiling() -> None:
    slow = load_cpu_model("stm32f746", ["pipeline.accumulate_ready.fp_fused=12"])
    # eight accumulators in turn, each ready after 12 cycles
    assert ceilings(slow, slow.max_clock_hz).macs_per_cycle["VFMA.F32"] < 0.8


def test_linefills_bound_the_memories_behind_the_data_cache() -> None:
    model = load_cpu_model("stm32f746")
    rates = ceilings(model, 216_000_000).bytes_per_cycle
    assert rates[CORE] == 8.0
    # 32 B in 3 cycles to the first 8 B and 2 to each of the other three
    assert rates["sram1"] == pytest.approx(32 / (3 + 3 * 2))
    # 1 + 3 cycles, and the 7 wait states of 216 MHz once in a flash line of 32 B
    assert rates["flash"] == pytest.approx(32 / (1 + 3 + 7))
    assert "dtcm" not in rates  # it is the core's own line
    assert "peripheral" not in rates


def test_without_a_data_cache_words_come_one_by_one() -> None:
    model = load_cpu_model("stm32f746")
    rates = ceilings(model, 216_000_000, dcache=False).bytes_per_cycle
    assert rates["sram1"] == pytest.approx(4 / (1 + 3))


def test_a_lower_clock_needs_fewer_wait_states() -> None:
    model = load_cpu_model("stm32f746")
    slow = ceilings(model, 25_000_000).bytes_per_cycle["flash"]
    assert slow > ceilings(model, 216_000_000).bytes_per_cycle["flash"]
