"""MACs of a summary and what one costs: as counted, of a network as the shapes of its layers say.

Kernels multiply beside what the layers are made of, when they scale results and work out
addresses. The layers' own MACs are those that cycles per MAC of each layer go by.
"""

from __future__ import annotations

from simcore.costs.profile import Profile
from simcore.report.profile.operator_rows import operator_rows
from simcore.units import count, decimal, si


def network_macs(profile: Profile) -> int:
    """MACs by shape of all that was counted of a network's operators; 0 of another program."""
    if profile.network is None and not any(op.operator for op in profile.ops):
        return 0
    return sum(op.macs for row in operator_rows(profile) for op in row.ops)


def mac_figures(profile: Profile) -> list[tuple[str, str, str]]:
    """Name, value and how far to trust it; none of a program without MACs."""
    totals, trust = profile.totals, profile.accuracy
    macs = network_macs(profile) or totals.macs
    if not macs:
        return []
    others = [("MACs counted", count(totals.macs), trust.counts)] if macs != totals.macs else []
    return [
        ("MACs", count(macs), f"{trust.counts}, of its layers" if others else trust.counts),
        *others,
        ("cycles per MAC", decimal(totals.cycles / macs), trust.cycles),
        ("energy per MAC", si(totals.energy_j / macs, "J"), trust.energy),
    ]
