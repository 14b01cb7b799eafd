"""What tables of a profile need beside it: where names lead, and what is left out of shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from simcore.report.asleep import Asleep, asleep_in
from simcore.report.html.tables import Cell, counted_awake, quantity, share, share_awake
from simcore.report.source_links import Links, unlinked


@dataclass(frozen=True, slots=True)
class Beside:
    """``listed`` has the ids of the functions whose listing is there, by name."""

    slept: Asleep
    listed: Mapping[str, str] = field(default_factory=dict)
    links: Links = unlinked

    def cycles(self, cycles: int, asleep: int = 0) -> Cell:
        """Cycles awake, and those with sleep for when it is counted."""
        return counted_awake(cycles, asleep, sleeps=bool(self.slept.cycles))

    def share(self, cycles: int, asleep: int = 0) -> Cell:
        """What part of the run cycles are."""
        slept = self.slept
        return share_awake(cycles, asleep, slept.active + slept.cycles, slept.cycles)

    def energy(self, energy_j: float, asleep: int, detail: str = "") -> Cell:
        """The energy awake of what slept ``asleep`` cycles, and with them for the switch."""
        whole = quantity(energy_j, "J", detail)
        if not self.slept.cycles:
            return whole
        awake = quantity(self._awake_j(energy_j, asleep), "J", detail)
        return replace(awake, whole=whole.text, whole_sort=whole.sort)

    def energy_share(self, energy_j: float, asleep: int, run_j: float) -> Cell:
        """What part of the run's energy one is."""
        whole = share(energy_j, run_j)
        if not self.slept.cycles:
            return whole
        found = share(self._awake_j(energy_j, asleep), run_j - self.slept.energy_j)
        return replace(found, whole=whole.text, whole_sort=whole.sort)

    def _awake_j(self, energy_j: float, asleep: int) -> float:
        return max(energy_j - asleep * self.slept.energy_per_cycle_j, 0.0)

    def part(self, cycles: int, asleep: int = 0) -> float:
        """The part of the cycles awake, as a number."""
        return (cycles - asleep) / self.slept.active if self.slept.active else 0.0


def longest_awake(all_causes: Sequence[Mapping[str, int]]) -> int:
    """The most cycles awake of any row, which bars of causes are drawn against."""
    return max((sum(causes.values()) - asleep_in(causes) for causes in all_causes), default=0)


def scale_asleep(all_causes: Sequence[Mapping[str, int]]) -> float:
    """What becomes of the bars' lengths when sleep is a part of them."""
    longest = max((sum(causes.values()) for causes in all_causes), default=0)
    return longest_awake(all_causes) / longest if longest else 1.0
