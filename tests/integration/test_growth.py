"""What a program makes grow is bounded, and what is left out is told: programs of growing.py.

scripts/validate memory runs all of them for long, and measures.
"""

from __future__ import annotations

import pytest

from simcore.cpu_model import CpuModel
from tests.integration.assembled import Build, go
from tests.integration.growing import PROGRAMS


def test_code_that_is_there_again_is_no_other_code(build: Build, model: CpuModel) -> None:
    """256 texts of 4 instructions, each written twice: a block each, and a few around them."""
    ended = go(build(PROGRAMS["code that is there again"]), model, max_instructions=2 * 256 * 20)
    assert 256 <= len(ended.blocks) < 256 + 10
    (told,) = [warning for warning in ended.warnings if "overwrote" in warning]
    assert "stores" in told


@pytest.mark.exhaustive
def test_a_register_too_many_is_told_and_the_program_goes_on(build: Build, model: CpuModel) -> None:
    ended = go(build(PROGRAMS["registers of peripherals"]), model, max_instructions=200_000)
    assert ended.exit_reason == "max-instructions"
    (told,) = [warning for warning in ended.warnings if "65,536 registers" in warning]
    assert "read 0" in told


def test_memory_that_is_not_there_is_told_once(build: Build, model: CpuModel) -> None:
    """The handler passes over each of some thousand faults, all in one region."""
    ended = go(build(PROGRAMS["faults all over memory"]), model, max_instructions=5_000)
    assert sum("external memory (sdram)" in warning for warning in ended.warnings) == 1
