"""An energy sweep as text, JSON or CSV."""

from __future__ import annotations

from collections.abc import Iterator

from simcore.errors import ExitCode
from simcore.plain import field_names, to_plain
from simcore.report import RenderOptions
from simcore.report.escaped import document_of
from simcore.report.page.console import (
    Block,
    new_console,
    print_blocks,
    printed_text,
    warnings_block,
)
from simcore.report.page.csv import table_text
from simcore.report.page.styled import Stacked, Text
from simcore.report.page.table import Column, build_table
from simcore.report.profile.text import CACHES
from simcore.units import clock, count, half_width, si
from simcore.whatif.energy_sweep import EnergySweep, SweepPoint

FORMATS = ("text", "json", "csv")


def render(sweep: EnergySweep, format_name: str, options: RenderOptions) -> str:
    """The sweep in one of FORMATS."""
    if format_name == "json":
        return sweep.to_json()
    if format_name == "csv":
        rows = [to_plain(point) for point in sweep.points]
        return table_text(rows, field_names(EnergySweep, "points"))
    return document_of(lambda found: _text(found, options), sweep, format_name)


def _text(sweep: EnergySweep, options: RenderOptions) -> str:
    console = new_console(options)
    print_blocks(console, _header(sweep), _blocks(sweep, options))
    return printed_text(console, options)


def _header(sweep: EnergySweep) -> Text:
    cpu = sweep.cpu
    header = Text()
    header.append(sweep.elf.name, style="bold")
    header.append(f" on {cpu.name}, {cpu.voltage_v:g} V, {CACHES.get(cpu.caches, cpu.caches)}\n")
    verdict = sweep.exit.text
    failed = sweep.exit.status is not ExitCode.OK
    return header.append(f"{verdict[0].upper()}{verdict[1:]}.", "bold red" if failed else "")


def _blocks(sweep: EnergySweep, options: RenderOptions) -> Iterator[Block]:
    points = sweep.points
    marks = [_marks(sweep, index) for index in range(len(points))]
    table = build_table(
        [
            Column("scale", [point.voltage_scale for point in points]),
            Column("core", [f"{point.core_voltage_v:g} V" for point in points], 5),
            Column("clock", [clock(point.clock_hz) for point in points]),
            Column("wait states", [str(point.flash_wait_states) for point in points], 6),
            Column("cycles", [count(point.cycles) for point in points], 4),
            Column("time", [si(point.time_s, "s") for point in points]),
            Column("power", [si(point.power_w, "W") for point in points], 2),
            Column("energy delay", [si(point.energy_delay_js, "J s") for point in points], 3),
            Column("energy", [si(point.energy_j, "J") for point in points]),
            Column(
                "+/-", [half_width(point.energy_low_j, point.energy_high_j) for point in points], 1
            ),
            Column("", marks),
        ],
        options.width,
    )
    table.columns[-1].justify = "left"
    note = "flash wait states of each clock; cycles modelled, energy estimated"
    yield "Operating points", note, Stacked(table, "", _verdict(sweep))
    yield from warnings_block(sweep.warnings)


def _marks(sweep: EnergySweep, index: int) -> str:
    marks = []
    if index == sweep.minimum_energy:
        marks.append("least energy")
    if index == sweep.minimum_energy_in_deadline:
        marks.append("least in time")
    if sweep.points[index].meets_deadline is False:
        marks.append("too late")
    return ", ".join(marks)


def _verdict(sweep: EnergySweep) -> str:
    if sweep.minimum_energy is None:
        return "At no operating point did the program end well."
    lines = [f"Least energy: {_name(sweep.points[sweep.minimum_energy])}."]
    if sweep.deadline_s is not None:
        deadline = si(sweep.deadline_s, "s")
        best = sweep.minimum_energy_in_deadline
        if best is None:
            lines.append(f"No operating point meets the deadline of {deadline}.")
        else:
            lines.append(
                f"Least energy within the deadline of {deadline}: {_name(sweep.points[best])}."
            )
    return "\n".join(lines)


def _name(point: SweepPoint) -> str:
    energy, time = si(point.energy_j, "J"), si(point.time_s, "s")
    return f"{point.voltage_scale} at {clock(point.clock_hz)}, {energy} in {time}"
