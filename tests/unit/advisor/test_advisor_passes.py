"""Timings of which only sums are kept say what whole ones say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from simcore.advisor.passes import MeasuredRun, Passes
from simcore.run.setup import Move
from simcore.simulation.capture import record
from simcore.simulation.program import open_capture
from tests.integration.programs import KERNELS


def test_sums_alone_are_those_of_the_whole_result(tmp_path: Path) -> None:
    record(KERNELS / "fully_connected_s8.elf", tmp_path / "run.mcu")
    program = open_capture(tmp_path / "run.mcu")
    passes = Passes(program, program.spec.setup(image=program.image))
    main = next((f for f in program.image.functions if f.name == "main"), None)
    assert main is not None
    moved = replace(passes.setup, moves=(Move(main.start, 64, 0x100),))
    capture = program.capture
    assert capture is not None
    whole = [MeasuredRun.of(one) for one in capture.simulate([passes.setup, moved])]
    assert passes.time([passes.setup, moved], "both") == whole
    assert whole[0].waits > 0
    assert whole[0].stack_bytes
