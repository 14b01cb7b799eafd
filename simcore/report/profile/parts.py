"""Profiles of one program on several parts: a table for people, a list of profiles as JSON, CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from simcore.costs.profile import Profile
from simcore.errors import ConfigError
from simcore.plain import to_plain
from simcore.report import RenderOptions
from simcore.report.page.csv import cell
from simcore.report.profile import SEVERAL_PARTS
from simcore.units import clock, count, decimal, percent, si

if TYPE_CHECKING:
    from simcore.report.page.styled import Text
    from simcore.report.page.table import Column

CSV_COLUMNS = (
    "cpu", "clock_hz", "voltage_scale", "instructions", "cycles", "ipc", "time_s", "energy_j",
    "power_w", "icache_misses", "dcache_misses", "active_cycles", "fetch", "load", "store",
)  # fmt: skip


def render(profiles: Sequence[Profile], format_name: str, options: RenderOptions) -> str:
    """The profiles beside each other, in their order. Raises ConfigError for another format."""
    if format_name == "json":
        plain = [to_plain(profile) for profile in profiles]
        return json.dumps(plain, indent=1, allow_nan=False) + "\n"
    if format_name == "csv":
        return _csv(profiles)
    if format_name == "text":
        return _text(profiles, options)
    several = ", ".join(SEVERAL_PARTS)
    raise ConfigError(f"--format {format_name} shows one part; with several in --cpu use {several}")


def _csv(profiles: Sequence[Profile]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for profile in profiles:
        cpu, totals, caches = profile.cpu, profile.totals, profile.caches
        writer.writerow(
            [
                *(cell(cpu.name), cpu.clock_hz, cpu.voltage_scale),
                *(totals.instructions, totals.cycles, totals.ipc, totals.time_s),
                *(totals.energy_j, totals.power_w, caches.icache.misses, caches.dcache.misses),
                totals.active_cycles,
                *(totals.cycles_by_cause[cause] for cause in CSV_COLUMNS[-3:]),
            ]
        )
    return out.getvalue()


def _text(profiles: Sequence[Profile], options: RenderOptions) -> str:
    from simcore.report.page.console import new_console, printed_text
    from simcore.report.page.styled import Text
    from simcore.report.page.table import Column, build_table

    def stalls(cause: str) -> list[str]:
        return [percent(p.totals.cycles_by_cause[cause], p.totals.cycles) for p in profiles]

    columns = [
        Column("part", [p.cpu.name for p in profiles]),
        Column("clock", [clock(p.cpu.clock_hz) for p in profiles]),
        Column("cycles", [count(p.totals.cycles) for p in profiles]),
        *_active(profiles),
        Column("IPC", [decimal(p.totals.ipc) for p in profiles], 3),
        Column("time", [si(p.totals.time_s, "s") for p in profiles]),
        Column("energy", [si(p.totals.energy_j, "J") for p in profiles], 1),
        Column("power", [si(p.totals.power_w, "W") for p in profiles], 2),
        Column("fetch stalls", stalls("fetch"), 4),
        Column("load stalls", stalls("load"), 4),
        Column("I misses", [count(p.caches.icache.misses) for p in profiles], 5),
        Column("D misses", [count(p.caches.dcache.misses) for p in profiles], 5),
        Column("end", [_end(p) for p in profiles], 6),
    ]
    first = profiles[0]
    console = new_console(options)
    console.print(Text(f"{first.elf.name} on {len(profiles)} parts", "bold"))
    console.print(
        Text(f"cycles {first.accuracy.cycles}, energy {first.accuracy.energy}", "dim"),
    )
    console.print(build_table(columns, options.width))
    for line in _verified(profiles):
        console.print(line)
    for profile in profiles:
        if profile.cpu.division is not None:
            console.print(Text(f"{profile.cpu.name}: {profile.cpu.division}", "dim"))
        for warning in profile.warnings:
            console.print(Text(f"{profile.cpu.name}: {warning}", "yellow"))
    return printed_text(console, options)


def _verified(profiles: Sequence[Profile]) -> Iterator[Text]:
    """Outputs beside those of another runtime: once where all parts gave the same, else of each."""
    from simcore.report.page.styled import Text
    from simcore.report.profile.network_tables import verified_line

    lines = [
        (profile.cpu.name, verified_line(profile.verification))
        for profile in profiles
        if profile.verification is not None
    ]
    if len(lines) == len(profiles) and len({line.plain for _, line in lines}) == 1:
        yield lines[0][1]
        return
    for name, line in lines:
        yield Text(f"{name}: ").append_text(line)


def _active(profiles: Sequence[Profile]) -> Iterator[Column]:
    """How much of its time a program that sleeps is awake."""
    from simcore.report.page.table import Column

    if any(p.totals.active_cycles != p.totals.cycles for p in profiles):
        yield Column("active", [count(p.totals.active_cycles) for p in profiles])
        yield Column("CPU load", [percent(p.totals.cpu_load) for p in profiles], 1)


def _end(profile: Profile) -> str:
    """How the run ended, in a word."""
    end = profile.exit
    return f"exit {end.code}" if end.reason == "exit" else end.reason
