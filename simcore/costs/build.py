"""The Profile of a run that has ended, from its counters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath

from simcore import __version__
from simcore.core.arenas import TensorArena
from simcore.core.counters import Counters
from simcore.costs.attribution import Attribution
from simcore.costs.energy import energy_model
from simcore.costs.interrupts import critical_sections, interrupt_costs
from simcore.costs.origin import Accuracy, Cpu, Elf, Exit, Tool
from simcore.costs.profile import SCHEMA, Profile
from simcore.costs.tables import (
    DmaTraffic,
    InstructionCosts,
    LineCosts,
    MemoryCosts,
    ObjectCosts,
    Totals,
)
from simcore.costs.tasks import task_costs
from simcore.costs.uncertainty import cycles_class
from simcore.cpu_model import CpuModel
from simcore.elf import Image
from simcore.run.heaps import HeapUse
from simcore.run.kernels import KernelTask


def accuracy_of(model: CpuModel, totals: Totals, memory: Sequence[MemoryCosts]) -> Accuracy:
    """What kind each number of a run is."""
    causes = totals.cycles_by_cause
    kinds = {region.name: region.kind for region in model.regions}
    stalls = [(kinds[row.region], row.stall_cycles) for row in memory]
    return Accuracy(
        counts="exact",
        cycles="modelled",
        energy="estimated",
        cycles_class=cycles_class(totals.active_cycles, causes["branch"], stalls),
    )


def _stacks_outside(counters: Counters, model: CpuModel) -> Iterator[str]:
    """Where SP was in no memory of the part."""
    tops = [stack.top for stack in counters.stacks[1:]]
    outside = [top for top in tops if model.region_at((top - 4) & 0xFFFF_FFFF) is None]
    if outside:
        yield (
            f"the program sets SP to {outside[0]:#010x}, where the part has no memory"
            f"{f', and to {len(outside) - 1} other such places' if outside[1:] else ''};"
            " what would lie there is in no figure of stacks"
        )


def build_profile(
    image: Image,
    model: CpuModel,
    clock_hz: int,
    counters: Counters,
    end: Exit,
    *,
    caches: str = "auto",
    voltage_scale: str | None = None,
    overrides: Sequence[str] = (),
    ops: Sequence[str] = (),
    objects: Sequence[ObjectCosts] = (),
    warnings: Sequence[str] = (),
    instructions: Sequence[InstructionCosts] | None = None,
    lines: Sequence[LineCosts] | None = None,
    args: Sequence[str] | None = None,
    tasks: Sequence[KernelTask] = (),
    kernel: str = "",
    heaps: Sequence[HeapUse] = (),
    arenas: Sequence[TensorArena] = (),
) -> Profile:
    """The Profile of a run that has ended.

    ``clock_hz`` is the core clock, ``ops`` are patterns of functions whose calls are operations,
    ``args`` what the program was given, ``tasks`` what its ``kernel`` said of its tasks,
    ``heaps`` what allocators took, ``arenas`` where interpreters keep tensors.
    Raises ConfigError for a clock that the part does not reach.
    """
    point = model.operating_point(clock_hz, voltage_scale)
    energy = energy_model(model, clock_hz, voltage_scale)
    costs = Attribution(counters, image.functions, energy, clock_hz, ops)
    totals, memory = costs.totals(), costs.memory_costs()
    found = task_costs(costs, tasks, kernel)
    strange = [*_stacks_outside(counters, model)]
    unmatched = [f"--op '{glob}' matches no function that ran" for glob in costs.unmatched_globs()]
    return Profile(
        schema=SCHEMA,
        tool=Tool("mcusim", __version__),
        elf=Elf(
            PurePath(image.path).name,
            image.sha256,
            image.build_id,
            image.compiler,
            image.load_bytes,
            image.ram_bytes,
        ),
        cpu=Cpu(
            name=model.name,
            title=model.title,
            model_sha256=model.sha256,
            clock_hz=clock_hz,
            voltage_scale=point.voltage_scale,
            voltage_v=model.supply_voltage_v,
            caches=caches,
            overrides=tuple(overrides),
            division=model.division,
        ),
        exit=end,
        accuracy=accuracy_of(model, totals, memory),
        totals=totals,
        functions=costs.function_costs(image.line_at),
        ops=costs.op_costs(),
        memory=memory,
        caches=costs.caches(),
        call_tree=costs.call_tree(found.of_context),
        warnings=(
            *warnings,
            *counters.warnings,
            *costs.operations.warnings(),
            *unmatched,
            *found.warnings,
            *strange,
        ),
        objects=tuple(objects),
        instructions=None if instructions is None else tuple(instructions),
        lines=None if lines is None else tuple(lines),
        dma=tuple(
            DmaTraffic(one.region, one.read_bytes, one.write_bytes) for one in counters.transfers
        )
        or None,
        interrupts=interrupt_costs(image, counters.interrupts) or None,
        critical_sections=critical_sections(image, counters.interrupts),
        args=None if args is None else tuple(args),
        tasks=found.rows,
        heaps=tuple(heaps) or None,
        arenas=tuple(arenas) or None,
    )
