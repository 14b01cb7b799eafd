"""What a page shows of a run beside its Profile: annotated functions, ceilings, the output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simcore.annotation import Annotation
    from simcore.annotation.sources import SourcePlaces
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


def printable(output: bytes) -> str:
    """Text of a program's output; what cannot be shown is a replacement character."""
    text = output.decode("utf-8", "replace").replace("\r\n", "\n")
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)
