"""Each mechanism can be left out by name, moves what it is there for, and nothing else.

The expected cycles with a mechanism are those of the oracle row (tests/cases) or of the source that
the mechanism's docstring names; those without it follow from the pair rules and latencies left.
"""

from __future__ import annotations

from importlib import import_module

import pytest

from simcore.cpu_model import CorePipeline, load_cpu_model
from simcore.cpu_model.schema import PIPELINES
from simcore.errors import ConfigError, ModelError
from simcore.isa import decode_block
from simcore.pipeline import Schedule, make_pipeline
from simcore.pipeline.rules_m7 import MECHANISMS
from tests.oracle.cases import load_cases
from tests.oracle.machine_run import MachineRunner
from tests.oracle.measure import measure
from tests.oracle.pipeline_run import PipelineRunner
from tests.unit.thumb_code import code

# Integer and FP arithmetic, a store and a branch: neither MACs, loads, shifts nor late flags.
PLAIN = (
    "add.w r0,r1,r2 ; eor.w r3,r0,r4 ; str.n r2,[r3] ; muls r0,r1 ; vadd.f32 s0,s1,s2 ; beq.n .+8"
)
NAMES = [mechanism.name for mechanism in MECHANISMS]


def params(*overrides: str) -> CorePipeline:
    return load_cpu_model("stm32f746", overrides).core.pipeline


def run(text: str, *overrides: str) -> Schedule:
    pipeline = make_pipeline(params(*overrides))
    return pipeline.schedule(decode_block(0x400, code(text)), pipeline.reset_state)


@pytest.mark.parametrize(
    ("name", "case", "cycles", "cycles_without"),
    [
        ("mac-window", "F3#1", 4, 1),  # VFMA to VADD
        ("chained-mac", "F5#1", 1, 0),  # a NOP between VMLA and VFMA
        ("load-banks", "P19#1", 0, 1),  # whether two loads of one bank pair
        ("unaligned-loads", "U1#1", 3, 0),
        ("odd-word", "M-una#1", 1, 0),
        ("flag-distance", "BR-mp6#1", 6, 8),
        ("slow-to-pack", "L20b#1", 2, 3),  # a MAC to the first operand of PKHTB
        ("load-to-base", "L18#1", 2, 3),
        ("pair-fetch", "M-fetch#1", 1, 0),
        ("double-chain", "DP-chain#1", 3, 1),
    ],
)
def test_a_mechanism_carries_its_oracle_row(
    name: str, case: str, cycles: int, cycles_without: int
) -> None:
    row = next(found for found in load_cases() if found.id == case)
    without = PipelineRunner([f"core.pipeline_without={name}"])
    assert measure(row, PipelineRunner()) == pytest.approx(cycles)
    assert measure(row, without) == pytest.approx(cycles_without)


def test_the_double_mac_carries_the_rows_of_chained_doubles() -> None:
    """Their operand classes need the whole simulator: the second of two is a cycle cheaper."""
    assert_carries_on_the_machine("double-mac", "DP vfma.f64 one zero#2", 5, 6)
    assert_carries_on_the_machine("double-mac", "DP-mul#1", 4, 5)


def test_the_double_window_carries_its_row() -> None:
    assert_carries_on_the_machine("double-window", "DP-window#1", 2, 1)


def test_store_to_load_carries_its_row() -> None:
    assert_carries_on_the_machine("store-to-load", "L21#1", 4, 0)


def assert_carries_on_the_machine(name: str, case: str, cycles: int, cycles_without: int) -> None:
    row = next(found for found in load_cases() if found.id == case)
    without = MachineRunner([f"core.pipeline_without={name}"])
    assert row.expected == measure(row, MachineRunner()) == cycles
    assert measure(row, without) == cycles_without


def test_the_early_shifter_keeps_a_younger_shift_late() -> None:
    """No oracle row has a shift beside a user of the shifter and an early consumer."""
    text = "ubfx r3,r0,#3,#5 ; lsl.w r0,r1,#3 ; ldr.n r3,[r0]"
    without = run(text, "core.pipeline_without=early-shifter")
    assert run(text).instructions[2].cycles_by_cause.dependency == 1
    assert without.instructions[2].cycles_by_cause.dependency == 0


def test_it_folding_is_off_unless_the_model_has_it() -> None:
    """No oracle row has an IT instruction beside which a third could issue."""
    text = "it ne ; adds r0,#1 ; it ne ; adds r0,#1"
    folding = "pipeline.issue.it_folding=true"
    assert run(text, folding).cycles < run(text).cycles
    assert run(text, folding, "core.pipeline_without=it-folding") == run(text)


def test_straddle_is_off_unless_the_model_has_it() -> None:
    """JNK: 16-bit instructions have to stand together in fours ((b)20)."""
    straddle = "pipeline.fetch.straddling_not_younger=true"
    together = "4x nop.n ; 8x nop.w"
    spread = "3x nop.n ; 8x nop.w ; nop.n"  # the first 32-bit one would be a younger at 6 mod 8
    assert run(together, straddle).cycles == run(together).cycles == run(spread).cycles
    assert run(spread, straddle).cycles > run(spread).cycles
    assert run(spread, straddle, "core.pipeline_without=straddle") == run(spread)


@pytest.mark.parametrize("name", NAMES)
def test_leaving_a_mechanism_out_changes_nothing_that_it_does_not_concern(name: str) -> None:
    with_it, without = run(PLAIN), run(PLAIN, f"core.pipeline_without={name}")
    assert without.instructions == with_it.instructions
    assert without.cycles_by_cause == with_it.cycles_by_cause


def test_several_mechanisms_are_left_out_together() -> None:
    text = "vmla.f32 s0,s1,s2 ; vfma.f32 s3,s4,s5 ; vadd.f32 s3,s4,s5"
    both = run(text, "core.pipeline_without=mac-window, chained-mac")
    assert both.cycles < run(text, "core.pipeline_without=mac-window").cycles < run(text).cycles


def test_an_unknown_mechanism_is_refused_with_the_nearest() -> None:
    message = "m7-dual-issue has no mechanism 'mac-windw'; did you mean 'mac-window'"
    with pytest.raises(ConfigError, match=message):
        make_pipeline(params("core.pipeline_without=mac-windw"))


def test_configurations_that_leave_out_different_mechanisms_share_no_pipeline() -> None:
    assert params() == params()
    assert params() != params("core.pipeline_without=mac-window")


@pytest.mark.parametrize("name", PIPELINES)
def test_every_registered_pipeline_can_be_made(name: str) -> None:
    assert hasattr(import_module(f"simcore.pipeline.{PIPELINES[name]}"), "pipeline")
    assert params(f"core.pipeline={name}").name == name


def test_an_unknown_pipeline_is_refused_with_the_nearest() -> None:
    message = "'m7-dual-isue' is none of m7-dual-issue; did you mean 'm7-dual-issue'"
    with pytest.raises(ModelError, match=message):
        params("core.pipeline=m7-dual-isue")
