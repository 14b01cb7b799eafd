"""What a page shows of a run beside its Profile: annotated functions, ceilings, the output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simcore.annotation import Annotation
    from simcore.profiler import Simulation
    from simcore.roofline import Ceilings


@dataclass(frozen=True, slots=True)
class Details:
    """Parts that are None or empty are left out of the page."""

    annotation: Annotation | None = None
    ceilings: Ceilings | None = None
    output: str = ""  # what the program printed


def details_of(
    simulation: Simulation, source_dirs: Sequence[str | Path] = (), output: bytes = b""
) -> Details:
    """The details of a run; ``source_dirs`` are searched for source files."""
    from simcore.annotation.annotator import annotate
    from simcore.roofline import ceilings

    totals = simulation.result.counters.total()
    return Details(
        annotation=annotate(simulation, source_dirs=source_dirs),
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
