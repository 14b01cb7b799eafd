"""Chooses how a case is run: by the pipeline alone when that is enough, else by the simulator."""

from __future__ import annotations

from collections.abc import Sequence

from tests.oracle.measure import Runner
from tests.oracle.pipeline_run import PipelineRunner
from tests.oracle.program import Program


def best_runner(pipeline_only: bool = False, overrides: Sequence[str] = ()) -> Runner:
    """A runner that sends each program where its case needs it; `overrides` are of a CPU model."""
    pipeline = PipelineRunner(overrides)
    if pipeline_only:
        return pipeline
    from tests.oracle.machine_run import MachineRunner

    machine = MachineRunner(overrides)

    def run(program: Program, iterations: int) -> int:
        chosen = machine if program.case.needs == "machine" else pipeline
        return chosen(program, iterations)

    return run
