"""The profile as one HTML page for people: tables, figures, flame graph, annotated hot loops."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from simcore.costs.profile import Profile

if TYPE_CHECKING:
    from simcore.report import RenderOptions


class Figure(NamedTuple):
    """A line of the summary; ``trust`` is exact, modelled or estimated."""

    name: str
    value: str
    trust: str
    detail: str = ""


def render(profile: Profile, options: RenderOptions) -> str:
    """The page; ``options.details`` adds what the Profile itself does not hold."""
    from simcore.report.arenas import arena_note, arena_title
    from simcore.report.asleep import asleep
    from simcore.report.headline import headline
    from simcore.report.html import bars, hot_loops, roofline
    from simcore.report.html import profile_tables as tables
    from simcore.report.html.details import Details
    from simcore.report.html.flame import flame_data
    from simcore.report.html.network import WIDTHS, network_figure, tensor_table
    from simcore.report.html.page import as_json, write_page
    from simcore.report.inlined import unfolded
    from simcore.report.profile.network_tables import UNTOLD_INPUT, runner_kernels
    from simcore.report.profile.text import CACHES
    from simcore.report.source_links import unlinked
    from simcore.run.stubs import guessed
    from simcore.units import clock

    details = options.details or Details()
    beside = tables.Beside(asleep(profile), links=options.links or unlinked)
    hot = hot_loops.hot_functions(details.annotation, beside) if details.annotation else []
    beside = replace(beside, listed={function.name: function.target for function in hot})
    figure = ceilings = None
    if details.ceilings:
        figure = roofline.roofline(profile, details.ceilings)
        ceilings = tables.ceiling_rows(profile, details.ceilings)
    return write_page(
        "profile.html.j2",
        profile=profile,
        guessed=guessed,
        title=f"{profile.elf.name} on {profile.cpu.name}",
        clock=clock(profile.cpu.clock_hz),
        cache_control=CACHES.get(profile.cpu.caches, profile.cpu.caches),
        network=network_figure(profile),
        network_widths=WIDTHS,
        tensors=tensor_table(profile.network) if profile.network else None,
        runner_kernels=runner_kernels,
        untold_input=UNTOLD_INPUT,
        facts=list(_facts(profile)),
        tables=tables,
        bars=bars,
        arena_title=arena_title,
        arena_note=arena_note,
        beside=beside,
        headline=headline(profile, details.annotation),
        roofline=figure,
        ceilings=ceilings,
        hot=hot,
        flame_tree=as_json(flame_data(unfolded(profile))),
        output=details.output,
        warnings=details.annotation.warnings if details.annotation else profile.warnings,
    )


def _facts(profile: Profile) -> Iterator[Figure]:
    from simcore.report.profile.mac_figures import mac_figures
    from simcore.units import count, decimal, percent, si, size

    totals, trust = profile.totals, profile.accuracy
    low, high = si(totals.energy_low_j, "J"), si(totals.energy_high_j, "J")
    interval = f"±{percent(totals.energy_uncertainty, digits=0)}, {low} to {high}"
    paired = percent(2 * totals.dual_issues, totals.instructions, 0)
    yield Figure("cycles", count(totals.cycles), trust.cycles)
    if totals.active_cycles != totals.cycles:
        load = f"CPU load {percent(totals.cpu_load)}"
        yield Figure("active cycles", count(totals.active_cycles), trust.cycles, load)
    yield Figure("time", si(totals.time_s, "s"), trust.cycles)
    yield Figure("energy", si(totals.energy_j, "J"), trust.energy, interval)
    yield Figure("average power", si(totals.power_w, "W"), trust.energy)
    yield Figure("instructions", count(totals.instructions), trust.counts, f"{paired} in pairs")
    yield Figure("instructions per cycle", decimal(totals.ipc), trust.cycles)
    yield Figure("energy-delay product", si(totals.energy_delay_js, "J s"), trust.energy)
    yield Figure("mispredicted branches", count(totals.mispredicts), trust.cycles)
    for figure in mac_figures(profile):
        yield Figure(*figure)
    yield Figure("loads", count(totals.reads), trust.counts, size(totals.read_bytes))
    yield Figure("stores", count(totals.writes), trust.counts, size(totals.write_bytes))
    if totals.stack_high_water_bytes is not None:
        yield Figure("stack high water", size(totals.stack_high_water_bytes), trust.counts)
    for heap in profile.heaps or ():
        of = "" if heap.given_bytes is None else f" of {size(heap.given_bytes)}"
        used = size(heap.used_bytes)
        yield Figure("heap high water", used, trust.counts, f"{heap.allocator}{of}")
    if profile.elf.load_bytes is not None:
        yield Figure("programmed", size(profile.elf.load_bytes), trust.counts)
    if profile.elf.ram_bytes is not None:
        yield Figure("writable data", size(profile.elf.ram_bytes), trust.counts)
