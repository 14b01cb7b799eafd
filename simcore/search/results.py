"""What a search found, as a document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from simcore.costs.origin import Tool
from simcore.plain import Amount, Count, Document, Sha256, schema_name

SCHEMA: Final = "mcusim.search/1"


@dataclass(frozen=True, slots=True)
class SearchLimit:
    """The most that a network may have of a figure; s, J, bytes, or a count."""

    figure: str
    most: Amount


@dataclass(frozen=True, slots=True)
class FoundNetwork:
    """A network of a search: what it is, what it would cost, and how it was judged."""

    network: str
    trial: Count
    score: float
    on_front: bool
    """Within the limits, and no other is better in one objective and as good in the rest."""
    excess: float
    """By how much it is over the limit that it breaks most, as a share of it; 0 or below: none."""
    cycles: Count
    time_s: Amount
    energy_j: Amount
    flash_bytes: Count
    peak_activation_bytes: Count
    scratch_bytes: Count
    parameters: Count
    macs: Count
    layers: str
    """The layer list, as JSON: what simcore.estimate() and 'mcusim search' read."""


@dataclass(frozen=True, slots=True)
class SearchResult(Document):
    """Networks of a space by what they would cost on a part: all costs are estimated, as sums of
    layers."""

    schema: Annotated[str, schema_name(SCHEMA)]
    tool: Tool
    family: str
    part: str
    model_sha256: Sha256
    clock_hz: Count
    score: str
    """What judged: parameters, macs, or module:function."""
    objectives: tuple[str, ...]
    sampler: str
    seed: int
    limits: tuple[SearchLimit, ...]
    interpolation_band: Amount | None
    """Largest relative error of interpolated cycles, cross-validated; null: all layers were run."""
    distinct_layers: Count
    rows: tuple[FoundNetwork, ...]
    """In the order in which they were tried, each different network once."""

    @property
    def front(self) -> list[FoundNetwork]:
        """Those that no other beats, in the order of their first cost."""
        found = [row for row in self.rows if row.on_front]
        return sorted(found, key=lambda row: (row.time_s, row.network))

    @property
    def feasible(self) -> list[FoundNetwork]:
        """Those within all limits."""
        return [row for row in self.rows if row.excess <= 0]
