"""What code costs where it lies: source lines, instructions, cycles with all code shifted."""

from __future__ import annotations

from simcore.costs.profile import Profile
from simcore.costs.tables import InstructionCosts, LineCosts
from simcore.report.html.profile_tables.beside import Beside
from simcore.report.html.profile_tables.costs import OF_CYCLES
from simcore.report.html.tables import (
    EXACT,
    MODELLED,
    Cell,
    Filled,
    HtmlColumn,
    HtmlTable,
    filled,
    folded,
    number,
    parts,
    place,
    text,
)


def lines(profile: Profile, beside: Beside) -> HtmlTable:
    """Source lines by cycles."""
    found = sorted(profile.lines or (), key=lambda row: (-row.cycles, row.file, row.line))
    longest = found[0].cycles if found else 0
    columns: list[Filled[LineCosts]] = [
        (HtmlColumn("line", numeric=False), lambda row: _line(row, beside)),
        (HtmlColumn("executions", EXACT), lambda row: number(row.executions)),
        (HtmlColumn("instructions", EXACT), lambda row: number(row.instructions)),
        (HtmlColumn("cycles", MODELLED), lambda row: number(row.cycles)),
        (HtmlColumn("share", MODELLED), lambda row: beside.share(row.cycles)),
        (HtmlColumn("by cause", MODELLED), lambda row: parts(row.cycles_by_cause, longest)),
        (HtmlColumn("misses", MODELLED, "of the data cache"), lambda row: number(row.misses)),
    ]
    table = filled("lines", "Source lines", found, columns, sorted_by=3)
    return folded(table, [beside.part(row.cycles) for row in found], OF_CYCLES)


def _line(row: LineCosts, beside: Beside) -> Cell:
    return text(f"{row.file}:{row.line}", url=beside.links(row.file, row.line))


def instructions(profile: Profile, beside: Beside) -> HtmlTable:
    """Instructions by cycles."""
    found = sorted(profile.instructions or (), key=lambda row: (-row.cycles, row.address))
    longest = found[0].cycles if found else 0
    columns: list[Filled[InstructionCosts]] = [
        (HtmlColumn("address", numeric=False), lambda row: text(f"{row.address:08x}")),
        (HtmlColumn("instruction", numeric=False), lambda row: text(row.text)),
        (
            HtmlColumn("function", numeric=False),
            lambda row: text(
                row.function, place(row.file, row.line), url=beside.links(row.file, row.line)
            ),
        ),
        (HtmlColumn("executions", EXACT), lambda row: number(row.executions)),
        (HtmlColumn("cycles", MODELLED), lambda row: number(row.cycles)),
        (HtmlColumn("share", MODELLED), lambda row: beside.share(row.cycles)),
        (HtmlColumn("by cause", MODELLED), lambda row: parts(row.cycles_by_cause, longest)),
        (HtmlColumn("misses", MODELLED, "of the data cache"), lambda row: number(row.misses)),
    ]
    table = filled("instructions", "Instructions", found, columns, sorted_by=4)
    return folded(table, [beside.part(row.cycles) for row in found], OF_CYCLES)


def layout(profile: Profile) -> HtmlTable:
    """Cycles with all code shifted by some bytes."""
    band = profile.layout
    shifts = [] if band is None else list(zip(band.offsets_bytes, band.cycles, strict=True))
    middle = 0 if band is None else band.median_cycles
    columns: list[Filled[tuple[int, int]]] = [
        (HtmlColumn("shift", EXACT), lambda row: Cell(f"{row[0]} B", row[0])),
        (HtmlColumn("cycles", MODELLED), lambda row: number(row[1])),
        (HtmlColumn("from the median", MODELLED), lambda row: _difference(row[1] - middle)),
    ]
    return filled("layout-table", "Layout", shifts, columns)


def _difference(cycles: int) -> Cell:
    return Cell(f"{cycles:+,}" if cycles else "0", cycles)
