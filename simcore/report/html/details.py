"""What a page shows of a run beside its Profile: annotated functions, ceilings, the output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simcore.errors import McusimError

if TYPE_CHECKING:
    from simcore.annotation import Annotation
    from simcore.annotation.sources import SourcePlaces
    from simcore.costs.profile import Profile
    from simcore.pipeline.ceilings import Ceilings
    from simcore.simulation.simulation import Simulation


@dataclass(frozen=True, slots=True)
class Details:
    """Parts that are None or empty are left out of the page."""

    annotation: Annotation | None = None
    ceilings: Ceilings | None = None
    output: str = ""  # what the program printed


def details_of(
    simulation: Simulation, sources: SourcePlaces | None = None, output: bytes = b""
) -> Details:
    """The details of a run; ``sources`` says where source text may be read, see annotate_run()."""
    from simcore.annotation.annotator import annotate_run
    from simcore.pipeline.ceilings import ceilings

    totals = simulation.result.counters.total()
    return Details(
        annotation=annotate_run(simulation, sources=sources),
        ceilings=ceilings(
            simulation.model,
            simulation.options.clock_hz,
            simulation.options.voltage_scale,
            dcache=bool(totals["dcache_reads"] + totals["dcache_writes"]),
        ),
        output=printable(output),
    )


def saved_details(profile: Profile) -> Details:
    """The details of a profile that was read from a document: what its part's model tells."""
    from simcore.cpu_model import cpu_model_names, load_cpu_model
    from simcore.pipeline.ceilings import ceilings

    cpu, cached = profile.cpu, bool(profile.caches.dcache.accesses)
    if cpu.name not in cpu_model_names():  # never the path of a file: who wrote the document?
        return Details()
    try:
        model = load_cpu_model(cpu.name, cpu.overrides)
        if model.sha256 != cpu.model_sha256:
            return Details()
        return Details(ceilings=ceilings(model, cpu.clock_hz, cpu.voltage_scale, dcache=cached))
    except McusimError:  # changed in a way that is not known here
        return Details()


def printable(output: bytes) -> str:
    """Text of a program's output; what cannot be shown is a replacement character."""
    text = output.decode("utf-8", "replace").replace("\r\n", "\n")
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)
