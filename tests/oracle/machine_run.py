"""Runs timing cases through the whole simulator: engine, C core, memory system."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from simcore.core.counters import CAUSES
from simcore.cpu_model import CpuModel, cpu_model_names, load_cpu_model
from simcore.elf import Image, Segment
from simcore.machine import RunOptions, run
from simcore.run.spec import RunSpec
from tests.oracle.cases import Placement
from tests.oracle.measure import NotMeasurableError
from tests.oracle.program import ENTRY, Program

# The part of each source, and what stands in for it while it has no model of its own. What those
# parts have in common with their stand-in is the core; a TCM with ECC makes sub-word stores dearer.
STAND_IN = "stm32f767"
PARTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "STM32F767": ("stm32f767", ()),
    "STM32H743": ("stm32h743", ("core.memory.subword_store_cycles=4",)),
    "STM32H730": ("stm32h730", ("core.memory.subword_store_cycles=4",)),
    "i.MX RT1062": ("imxrt1062", ()),
}


class MachineRunner:
    """Total cycles of programs by the simulator, from entry to exit."""

    def __init__(self, overrides: Sequence[str] = ()) -> None:
        self._overrides = tuple(overrides)

    def __call__(self, program: Program, iterations: int) -> int:
        """Cycles of a whole run whose loop takes `iterations` passes."""
        if program.mispredicted >= 0:
            raise NotMeasurableError("the simulated predictor decides what is mispredicted")
        model = _model(program.placement, self._overrides)
        for address in (*program.case.registers.values(), *program.case.words):
            if 0x2400_0000 <= address < 0x2500_0000 and model.region_at(address) is None:
                raise NotMeasurableError(f"{model.name} has no cached RAM at {address:#010x}")
        start, data = program.image(iterations)
        image = Image(
            path=program.case.id,
            sha256="",
            build_id=None,
            compiler=None,
            entry=start | 1,
            segments=(Segment(start, start, data, len(data), True, False),),
        )
        endless = program.counter == "none"  # such a loop is cut off after its iterations
        length = len(ENTRY) + len(program.setup(iterations)) + iterations * len(program.body)
        placement = program.placement
        options = RunOptions(
            clock_hz=placement.clock_hz or model.max_clock_hz,
            caches="on" if placement.caches else "off",
            spec=RunSpec(max_instructions=length if endless else length + 10_000),
        )
        result = run(image, model, options)
        if result.exit_reason != ("max-instructions" if endless else "exit"):
            raise AssertionError(
                f"{program.case.id}: ended by {result.exit_reason}: {result.fault}"
            )
        total = result.counters.total()
        return sum(total[f"cycles.{cause}"] for cause in CAUSES)


@functools.cache
def _model(placement: Placement, overrides: tuple[str, ...]) -> CpuModel:
    name, differences = PARTS.get(placement.part, (STAND_IN, ()))
    if name in cpu_model_names():
        differences = ()
    else:
        name = STAND_IN
    if not placement.btac:
        differences = (*differences, "core.branch.btac_read_disabled=true")
    return load_cpu_model(name, (*differences, *overrides))
