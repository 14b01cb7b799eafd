"""Published times of the network of a profile, as plausibility and not as error."""

from __future__ import annotations

from collections.abc import Iterator

from simcore.costs.profile import Profile
from simcore.report.page.console import Block
from simcore.report.page.styled import Stacked, Text
from simcore.report.page.table import Column, build_table
from simcore.report.profile.network_tables import layer_rows
from simcore.units import clock, si


def published_blocks(profile: Profile, width: int) -> Iterator[Block]:
    """A table of what others measured of the same file on the same part; nothing of most."""
    if profile.network is not None:
        sha256 = profile.network.sha256
    elif profile.runner is not None:
        sha256 = profile.runner.model_sha256
    else:
        return
    from simcore.study.measured import published

    rows = published(sha256, profile.cpu.name)
    if not rows:
        return
    seconds, joules = _of_one_inference(profile)
    runtimes = ["this run", *(row.runtime for row in rows)]
    clocks = [profile.cpu.clock_hz, *(row.clock_hz for row in rows)]
    energies = [si(joules, "J"), *(si(e, "J") if (e := r.energy_j) else "" for r in rows)]
    columns = [
        Column("runtime", runtimes),
        Column("clock", [clock(hertz) for hertz in clocks]),
        Column("inference", [si(one, "s") for one in (seconds, *(row.time_s for row in rows))]),
        Column("energy", energies, 1),
    ]
    sources = dict.fromkeys(row.source.partition(";")[0] for row in rows)
    yield (
        "Published",
        "other kernels and compilers on boards: plausibility, no error of the model",
        Stacked(
            build_table([one for one in columns if any(one.cells)], width),
            *(Text(f"Source: {source}", "dim") for source in sources),
        ),
    )


def _of_one_inference(profile: Profile) -> tuple[float, float]:
    """Seconds and joules of the layers of one inference, the mean where there were several."""
    if profile.network is not None:
        rows = [(row.op, row.calls) for row in layer_rows(profile)]
    else:
        rows = [
            (op, max(op.invocations, 1))
            for op in profile.ops
            if op.operator is not None and not op.operator.subgraph
        ]
    return (
        sum(op.time_s / calls for op, calls in rows),
        sum(op.energy_j / calls for op, calls in rows),
    )
