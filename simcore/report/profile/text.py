"""The profile as text for people: any width, with or without colour, tables cut to the top rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from simcore.costs.profile import Profile
from simcore.costs.tables import (
    DmaTraffic,
    LayoutBand,
    MemoryCosts,
    ObjectCosts,
    PlacedItem,
)
from simcore.costs.uncertainty import CyclesInterval
from simcore.devices import ClockPhase
from simcore.report import RenderOptions
from simcore.report.inlined import inlined_rows
from simcore.report.meanings import CAUSES, COMPONENTS, Meaning
from simcore.report.page.console import Block, new_console, print_blocks, printed_text
from simcore.report.page.names import fitted
from simcore.report.page.styled import GAP, Printed, Text, TextTable
from simcore.report.page.table import Column, build_table
from simcore.report.profile.arena_tables import arena_blocks
from simcore.report.profile.fault_text import fault_text
from simcore.report.profile.inlined_table import inlined_columns
from simcore.report.profile.interrupt_tables import interrupt_blocks
from simcore.report.profile.mac_figures import mac_figures
from simcore.report.profile.network_tables import network_blocks, network_head, runner_head
from simcore.report.profile.op_tables import op_blocks
from simcore.report.profile.published_table import published_blocks
from simcore.report.profile.task_tables import chain_text, deepest_of_main, heap_rows, task_blocks
from simcore.run.stubs import guessed
from simcore.units import clock, count, decimal, half_width, percent, si, size

Part = TypeVar("Part", int, float)

BESIDE = 32  # columns for a function beside another thing
FEW_OBJECTS = 8  # shown without being asked for
CLASSES = {
    "hits": "mostly hits",
    "branchy": "much branching",
    "uncached": "much waiting for memory",
    "external": "much waiting for external memory",
}
CACHES = {
    "auto": "caches as the firmware sets them",
    "on": "caches on",
    "off": "caches off",
}


def render(profile: Profile, options: RenderOptions) -> str:
    """Header, summary, cycles by cause, energy, operations, functions, memory, caches, warnings."""
    console = new_console(options)
    page = _Page(profile, options)
    print_blocks(console, page.header(), page.blocks())
    return printed_text(console, options)


def _clocks(clocks: Sequence[ClockPhase]) -> str:
    """What the firmware set up, and how long that takes at its own clocks."""
    told = [f"{clock(one.clock_hz)} for {count(one.cycles)} cycles" for one in clocks]
    seconds = sum(one.cycles / one.clock_hz for one in clocks)
    return f"The program sets its clock: {', then '.join(told)}; {si(seconds, 's')} in all."


class _Page:
    """The blocks of one report."""

    def __init__(self, profile: Profile, options: RenderOptions) -> None:
        self.profile = profile
        self.options = options
        # Sorting by what matters and cutting is the text's affair; the profile holds all rows.
        self.top = options.top or None

    def header(self) -> Text:
        profile = self.profile
        voltage = f", {profile.cpu.voltage_v:g} V"
        text = Text()
        text.append(profile.elf.name, style="bold")
        text.append(f" on {profile.cpu.name} at {clock(profile.cpu.clock_hz)}{voltage}")
        text.append(f", {CACHES.get(profile.cpu.caches, profile.cpu.caches)}")
        text.append("\n" if profile.cpu.division is None else f"\n{profile.cpu.division}\n")
        if profile.task is not None:
            text.append(f"Of the tasks only {profile.task} is counted.\n")
        if profile.per is not None:
            text.append("".join(f"{line}\n" for line in profile.per.lines))
        if profile.clocks:
            text.append(f"{_clocks(profile.clocks)}\n")
        verdict = profile.exit.text
        text.append(
            f"{verdict[0].upper()}{verdict[1:]}.", "bold red" if profile.exit.status else ""
        )
        if profile.network is not None:
            text.append("\n").append_text(network_head(profile.network))
        if profile.runner is not None:
            text.append("\n").append_text(runner_head(profile.runner))
        if profile.guesses:
            text.append(f"\n{guessed(profile.guesses)}:", "yellow")
            for guess in profile.guesses:
                text.append(f"\n  {guess.text}", "yellow")
        return text

    def blocks(self) -> Iterator[Block]:
        profile = self.profile
        exact, modelled = profile.accuracy.counts, profile.accuracy.cycles
        estimated = profile.accuracy.energy
        if profile.exit.fault is not None:
            yield "Fault", "", fault_text(profile.exit.fault)
        if self.options.explain:
            from simcore.report.profile.explain_text import explained_blocks

            yield from explained_blocks(profile)
        yield "Summary", "", self._summary()
        if profile.placement:
            yield "Placement", "timed there, linked elsewhere", self._placement(profile.placement)
        if profile.layout is not None:
            shifts = profile.layout.offsets_bytes
            note = f"all code shifted by {shifts[0]} to {shifts[-1]} bytes; cycles {modelled}"
            yield "Layout", note, self._layout(profile.layout)
        if profile.cycles_interval is not None:
            note = "the model's own answer and others that no source excludes"
            yield "Cycles by open question", note, self._questions(profile.cycles_interval)
        causes, parts = profile.totals.cycles_by_cause, profile.totals.energy_by_component
        yield (
            "Cycles by cause",
            modelled,
            self._explained(self._shares(causes, count), CAUSES, causes),
        )
        shares = self._shares(parts, lambda part: si(part, "J"))
        yield "Energy by component", estimated, self._explained(shares, COMPONENTS, parts)
        yield from network_blocks(profile, self.options.width, self.top)
        yield from published_blocks(profile, self.options.width)
        if profile.network is None:
            yield from op_blocks(profile, self.options.width, self.top)
        yield from task_blocks(profile, self.options.width, self.top)
        shown = len(profile.functions[: self.top])
        of = "" if shown == len(profile.functions) else f"top {shown} of {len(profile.functions)}; "
        note = f"{of}counts {exact}, cycles {modelled}, energy {estimated}"
        yield "Functions", note, self._functions()
        if profile.inlines is not None and self.options.inlines:
            inlined = inlined_rows(profile, profile.inlines)
            note = f"with what is inlined into them; instructions {exact}, cycles {modelled}"
            yield "Inlined functions", note, self._table(inlined_columns(inlined[: self.top]))
        if profile.lines is not None:
            yield "Lines", f"by cycles; counts {exact}, cycles {modelled}", self._lines()
        if profile.instructions is not None:
            note = f"by cycles; counts {exact}, cycles {modelled}"
            yield "Instructions", note, self._instructions()
        yield from interrupt_blocks(profile, self.options.width)
        if profile.memory:
            note = f"counts {exact}, refills and stalls {modelled}, energy {estimated}"
            yield "Memory", note, self._memory()
        if profile.dma:
            yield "DMA", f"past the core and its caches; counts {exact}", self._dma(profile.dma)
        objects = len(profile.objects)
        if objects:
            shown = len(self._shown_objects())
            of = "" if shown == objects else f"top {shown} of {objects}; "
            yield (
                "Data objects",
                f"{of}counts {exact}, misses and stalls {modelled}",
                self._objects(),
            )
        yield from arena_blocks(profile, self.options.width, self.top)
        if profile.caches.icache.accesses or profile.caches.dcache.accesses:
            yield "Caches", f"accesses {exact}, misses {modelled}", self._caches()
        if profile.warnings:
            yield "Warnings", "", Text("\n".join(profile.warnings), style="yellow")

    def _explained(
        self, table: TextTable, words: Mapping[str, Meaning], parts: Mapping[str, float]
    ) -> Printed:
        if not self.options.explain:
            return table
        from simcore.report.profile.explain_text import explained

        return explained(table, words, parts)

    def _table(self, columns: Sequence[Column]) -> TextTable:
        return build_table(columns, self.options.width)

    def _summary(self) -> TextTable:
        totals, accuracy = self.profile.totals, self.profile.accuracy
        interval = f"{accuracy.energy} ±{percent(totals.energy_uncertainty, digits=0)}"
        rows = [
            ("instructions", count(totals.instructions), accuracy.counts),
            ("cycles", count(totals.cycles), self._cycles_kind()),
            *self._active(),
            ("instructions per cycle", decimal(totals.ipc), accuracy.cycles),
            ("time", si(totals.time_s, "s"), accuracy.cycles),
            ("energy", si(totals.energy_j, "J"), interval),
            ("average power", si(totals.power_w, "W"), accuracy.energy),
            ("energy-delay product", si(totals.energy_delay_js, "J s"), accuracy.energy),
        ]
        rows += mac_figures(self.profile)
        if totals.stack_high_water_bytes is not None:
            used = size(totals.stack_high_water_bytes)
            rows.append(("stack high water", used, self._stack_kind(rows, used)))
        rows += heap_rows(self.profile)
        names, values, kinds = zip(*rows, strict=True)
        table = self._table(
            [Column("", names), Column("", values), Column("", kinds, drop=1, style="dim")]
        )
        table.show_header = False
        table.columns[-1].justify = "left"
        return table

    def _active(self) -> list[tuple[str, str, str]]:
        """How much of its time a program that sleeps is awake."""
        totals, accuracy = self.profile.totals, self.profile.accuracy
        if totals.active_cycles == totals.cycles:
            return []
        return [
            ("active cycles", count(totals.active_cycles), accuracy.cycles),
            ("CPU load", percent(totals.cpu_load), accuracy.cycles),
        ]

    def _cycles_kind(self) -> str:
        """How far the cycles can be trusted, in words."""
        accuracy, found = self.profile.accuracy, self.profile.cycles_interval
        kind = accuracy.cycles
        if accuracy.cycles_class is not None:
            kind += f", {CLASSES[accuracy.cycles_class]}"
        if found is not None:
            kind += f"; {count(found.low_cycles)} to {count(found.high_cycles)}"
        return kind

    def _stack_kind(self, rows: Sequence[tuple[str, str, str]], used: str) -> str:
        """How far the depth can be trusted, and the calls that make it."""
        kind, frames = self.profile.accuracy.counts, deepest_of_main(self.profile)
        names = max(len(name) for name, *_ in (*rows, ("stack high water",)))
        values = max(len(value) for value in (used, *(value for _, value, _ in rows)))
        room = self.options.width - names - values - 2 * GAP - len(f"{kind}: ")
        return f"{kind}: {chain_text(frames, room)}" if frames and room > 24 else kind

    def _questions(self, interval: CyclesInterval) -> TextTable:
        cycles, rows = self.profile.totals.cycles, interval.questions
        spreads = [percent(row.high_cycles - row.low_cycles, cycles, digits=2) for row in rows]
        return self._table(
            [
                Column("question", [row.title for row in rows]),
                Column("least", [f"{row.low_cycles - cycles:+,}" for row in rows]),
                Column("most", [f"{row.high_cycles - cycles:+,}" for row in rows]),
                Column("", spreads, 1, "dim"),
            ]
        )

    def _placement(self, rows: Sequence[PlacedItem]) -> TextTable:
        return self._table(
            [
                Column("name", [row.name for row in rows]),
                Column("kind", [row.kind for row in rows], 2),
                Column("linked in", [row.from_region or "" for row in rows], 1),
                Column("timed in", [row.region for row in rows]),
                Column("address", [f"0x{row.to:08x}" for row in rows], 3),
                Column("size", [size(row.size) for row in rows]),
            ]
        )

    def _layout(self, band: LayoutBand) -> TextTable:
        rows = (
            ("minimum", band.minimum_cycles),
            ("median", band.median_cycles),
            ("maximum", band.maximum_cycles),
        )
        from_median = [cycles - band.median_cycles for _, cycles in rows]
        table = self._table(
            [
                Column("", [name for name, _ in rows]),
                Column("", [count(cycles) for _, cycles in rows]),
                Column("", [f"{cycles:+,}" if cycles else "" for cycles in from_median], 1, "dim"),
            ]
        )
        table.show_header = False
        return table

    def _shares(self, parts: Mapping[str, Part], form: Callable[[Part], str]) -> TextTable:
        """Parts of a whole, zeros left out, with a bar."""
        rows = [(name.replace("_", " "), part) for name, part in parts.items() if part]
        whole = sum(part for _, part in rows)
        longest = max((part for _, part in rows), default=1)
        table = self._table(
            [
                Column("", [name for name, _ in rows]),
                Column("", [form(part) for _, part in rows], 1),
                Column("", [percent(part, whole) for _, part in rows]),
                Column("", ["█" * round(24 * part / longest) for _, part in rows], 2, "cyan"),
            ]
        )
        table.show_header = False
        table.columns[-1].justify = "left"
        return table

    def _functions(self) -> TextTable:
        rows = self.profile.functions[: self.top]
        whole = self.profile.totals.cycles
        return self._table(
            [
                Column("function", [row.name for row in rows]),
                Column("calls", [count(row.calls) for row in rows], 4),
                Column("instructions", [count(row.instructions) for row in rows], 5),
                Column("cycles self", [count(row.cycles_self) for row in rows], 1),
                Column("self", [percent(row.cycles_self, whole) for row in rows]),
                Column("total", [percent(row.cycles_total, whole) for row in rows], 2),
                Column("MACs", [count(row.macs) for row in rows], 6),
                Column("energy self", [si(row.energy_j_self, "J") for row in rows], 3),
                Column("+/-", [half_width(row.energy_low_j, row.energy_high_j) for row in rows], 7),
            ]
        )

    def _lines(self) -> TextTable:
        lines = self.profile.lines or ()
        rows = sorted(lines, key=lambda row: (-row.cycles, row.file, row.line))[: self.top]
        whole = self.profile.totals.cycles
        return self._table(
            [
                Column("line", [f"{row.file}:{row.line}" for row in rows], places=True),
                Column("executions", [count(row.executions) for row in rows], 2),
                Column("cycles", [count(row.cycles) for row in rows]),
                Column("share", [percent(row.cycles, whole) for row in rows], 1),
                Column("mostly", [_main_cause(row.cycles_by_cause) for row in rows], 3),
            ]
        )

    def _instructions(self) -> TextTable:
        instructions = self.profile.instructions or ()
        rows = sorted(instructions, key=lambda row: (-row.cycles, row.address))[: self.top]
        return self._table(
            [
                Column("instruction", [f"{row.address:08x}  {row.text}" for row in rows]),
                Column("function", fitted([row.function or "" for row in rows], BESIDE), 4),
                Column("executions", [count(row.executions) for row in rows], 1),
                Column("cycles", [count(row.cycles) for row in rows]),
                Column("mostly", [_main_cause(row.cycles_by_cause) for row in rows], 3),
            ]
        )

    def _memory(self) -> TextTable:
        rows = self.profile.memory
        return self._table(
            [
                Column("region", [row.region for row in rows]),
                Column("fetched", [size(row.fetch_bytes) for row in rows], 1),
                Column("read", [size(row.read_bytes) for row in rows]),
                Column("written", [size(row.write_bytes) for row in rows], 1),
                Column("refills", [count(_refills(row)) for row in rows], 4),
                Column("write-backs", [count(row.write_backs) for row in rows], 5),
                Column("stall cycles", [count(row.stall_cycles) for row in rows], 2),
                Column("energy", [si(row.energy_j, "J") for row in rows], 3),
            ]
        )

    def _dma(self, rows: Sequence[DmaTraffic]) -> TextTable:
        return self._table(
            [
                Column("region", [row.region for row in rows]),
                Column("read", [size(row.read_bytes) for row in rows]),
                Column("written", [size(row.write_bytes) for row in rows], 1),
            ]
        )

    def _shown_objects(self) -> tuple[ObjectCosts, ...]:
        limit = self.top
        if not self.options.objects:
            limit = min(self.top or FEW_OBJECTS, FEW_OBJECTS)
        return self.profile.objects[:limit]

    def _objects(self) -> TextTable:
        rows = self._shown_objects()
        return self._table(
            [
                Column("object", [row.name for row in rows]),
                Column("region", [row.region or "" for row in rows], 2),
                Column("size", ["" if row.size is None else size(row.size) for row in rows], 4),
                Column("read", [size(row.read_bytes) for row in rows]),
                Column("written", [size(row.write_bytes) for row in rows], 1),
                Column("misses", [count(row.misses) for row in rows]),
                Column("stall cycles", [count(row.stall_cycles) for row in rows]),
                Column("mostly in", fitted([_main_site(row) for row in rows], BESIDE), 3),
            ]
        )

    def _caches(self) -> TextTable:
        icache, dcache = self.profile.caches.icache, self.profile.caches.dcache
        both = (icache, dcache)
        return self._table(
            [
                Column("", ["instruction", "data"]),
                Column("accesses", [count(cache.accesses) for cache in both], 1),
                Column("misses", [count(cache.misses) for cache in both]),
                Column("miss rate", [percent(cache.miss_rate) for cache in both], 2),
                Column("evictions", [count(cache.evictions) for cache in both], 3),
                Column("write-backs", ["", count(dcache.write_backs)], 4),
                Column("streamed stores", ["", count(dcache.streamed_writes)], 5),
            ]
        )


def _main_cause(causes: dict[str, int]) -> str:
    cause = max(causes, key=lambda name: causes[name], default="")
    return cause.replace("_", " ") if causes.get(cause) else ""


def _main_site(row: ObjectCosts) -> str:
    """The function of the instruction that costs most."""
    return next((site.function for site in row.sites if site.function), "")


def _refills(row: MemoryCosts) -> int:
    return row.instruction_refills + row.data_refills
