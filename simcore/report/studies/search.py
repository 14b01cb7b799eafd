"""A search as text, JSON, CSV or a page."""

from __future__ import annotations

from typing import Final

from simcore.plain import field_names, to_plain
from simcore.report import RenderOptions
from simcore.report.page.console import Block, new_console, print_blocks, printed_text
from simcore.report.page.csv import table_text
from simcore.report.page.styled import Text
from simcore.report.page.table import Column, build_table
from simcore.search.results import FoundNetwork, SearchResult
from simcore.search.spec import FIGURES
from simcore.units import amount, clock, count, percent, si, size

FORMATS: Final = ("text", "json", "csv", "html")


def render(result: SearchResult, format_name: str, options: RenderOptions) -> str:
    """The search in one of FORMATS; CSV holds a row for each network."""
    if format_name == "json":
        return result.to_json()
    if format_name == "csv":
        return table_text([to_plain(row) for row in result.rows], field_names(SearchResult, "rows"))
    if format_name == "html":
        from simcore.report.studies import search_page

        return search_page.render(result)
    console = new_console(options)
    print_blocks(console, Text(headline(result), "bold"), _blocks(result, options))
    return printed_text(console, options)


def headline(result: SearchResult) -> str:
    """What was searched, in a line."""
    noun = "network" if len(result.rows) == 1 else "networks"
    return (
        f"{count(len(result.rows))} {noun} of the space {result.family} on {result.part} at"
        f" {clock(result.clock_hz)}: {count(len(result.feasible))} within the limits,"
        f" {count(len(result.front))} on the front"
    )


def notes(result: SearchResult) -> list[str]:
    """What has to be said beside: limits, where costs come from, the band of interpolation."""
    limits = [f"{one.figure} {amount(one.most, FIGURES[one.figure][1])}" for one in result.limits]
    found = [f"Limits: {', '.join(limits) or 'none'}."]
    found.append(
        f"Costs are estimated, as sums of layers; {count(result.distinct_layers)} different ones."
        f" Score: {result.score}. Sampler: {result.sampler}, seed {result.seed}."
    )
    if result.interpolation_band is not None:
        found.append(
            "Layers are interpolated; of layers that were left out the cycles were at most"
            f" {percent(result.interpolation_band)} off."
        )
    return found


def _blocks(result: SearchResult, options: RenderOptions) -> list[Block]:
    rows = result.front if options.top == 0 else result.front[: options.top]
    columns = [
        Column("network", [row.network for row in rows]),
        Column("score", [score_text(row) for row in rows]),
        Column("latency", [si(row.time_s, "s") for row in rows]),
        Column("energy", [si(row.energy_j, "J") for row in rows]),
        Column("flash", [size(row.flash_bytes) for row in rows], 2),
        Column("peak act.", [size(row.peak_activation_bytes) for row in rows], 1),
        Column("MACs", [count(row.macs) for row in rows], 4),
        Column("parameters", [count(row.parameters) for row in rows], 3),
    ]
    front: Block = (
        "Pareto front",
        f"by {', '.join(result.objectives)}",
        build_table(columns, options.width),
    )
    text = Text("\n".join(notes(result)), "dim")
    return [front, ("Search", "", text)]


def score_text(row: FoundNetwork) -> str:
    """A score as it is read."""
    return count(int(row.score)) if float(row.score).is_integer() else f"{row.score:.4g}"
