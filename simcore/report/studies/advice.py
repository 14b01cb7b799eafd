"""Advice as text or JSON: the gain, what to move, what to leave, and how to do it in a build."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from simcore.advisor.results import Advice, AdvisedMove, Cost
from simcore.costs.tables import LayoutBand
from simcore.errors import ExitCode
from simcore.report import RenderOptions
from simcore.report.page.console import (
    Block,
    Code,
    new_console,
    print_blocks,
    printed_text,
    warnings_block,
)
from simcore.report.page.table import Column, build_table
from simcore.units import clock, count, percent, si, signed, size

FORMATS = ("text", "json")


def render(advice: Advice, format_name: str, options: RenderOptions) -> str:
    """The advice in one of FORMATS; ``options.top`` bounds the list of what stays."""
    if format_name == "json":
        return advice.to_json()
    console = new_console(options)
    print_blocks(console, _header(advice), _blocks(advice, options))
    return printed_text(console, options)


def _header(advice: Advice) -> Text:
    text = Text()
    text.append(advice.elf.name, "bold")
    text.append(f" on {advice.cpu.name} at {clock(advice.cpu.clock_hz)}: ")
    if advice.deadline_s is None:
        text.append(f"least {advice.minimise}")
    else:
        text.append(f"fewest TCM bytes within {si(advice.deadline_s, 's')}")
    text.append(f", {advice.timings} placements timed")
    if advice.exit.status is not ExitCode.OK:
        text.append(f"\n{advice.exit.text}; nothing is advised", "bold red")
    elif advice.meets_deadline is False:
        text.append("\nNo placement that was found meets the deadline.", "bold red")
    elif not advice.moves:
        text.append("\nNothing is worth moving.")
    elif not advice.significant:
        text.append(
            "\nThe gain is no larger than what alignment alone makes: nothing is worth moving.",
            "bold yellow",
        )
    return text


def _blocks(advice: Advice, options: RenderOptions) -> Iterator[Block]:
    yield "Cost", "cycles modelled, energy estimated", _costs(advice, options)
    if advice.moves:
        rows = advice.moves
        note = "gain in cycles of each alone, and what the choice loses without it"
        yield (
            "Move",
            note,
            build_table(
                [
                    Column("what", [row.name for row in rows]),
                    Column("kind", [row.kind for row in rows], 4),
                    Column("from", [row.from_region or "" for row in rows], 2),
                    Column("to", [row.region for row in rows]),
                    Column("size", [size(row.size) for row in rows]),
                    Column("alone", [f"{row.cycles_alone:+,}" for row in rows], 1),
                    Column("without it", [_without(row) for row in rows]),
                ],
                options.width,
            ),
        )
    if advice.rejected:
        kept = advice.rejected[: options.top or None]
        of = "" if len(kept) == len(advice.rejected) else f", top {len(kept)}"
        table = build_table(
            [
                Column("what", [row.name for row in kept]),
                Column("best in", [row.region or "" for row in kept], 2),
                Column("size", [size(row.size) for row in kept], 1),
                Column("alone", [f"{row.cycles_alone:+,}" for row in kept]),
                Column("", [row.reason for row in kept], 3),
            ],
            options.width,
        )
        yield f"Not worth moving{of}", "gain in cycles of each alone, in its best region", table
    if advice.linker_script:
        yield "Linker script", "", Code(advice.linker_script.rstrip())
        if advice.attributes:
            note = "instead of the input sections above, without -ffunction-sections"
            yield "Attributes", note, Code(advice.attributes.rstrip())
    notes = list(advice.warnings)
    if advice.copied_bytes:
        notes.append(
            f"the program has to copy {advice.copied_bytes:,} bytes into RAM at its start; that"
            f" takes at least {advice.copy_cycles:,} cycles, once, which the costs do not hold"
        )
    yield from warnings_block(notes)


def _without(row: AdvisedMove) -> str:
    return "makes room" if row.cycles_without is None else f"{-row.cycles_without:+,}"


def _costs(advice: Advice, options: RenderOptions) -> RenderableType:
    linked, advised = advice.linked, advice.advised
    rows: Sequence[tuple[str, Cost, LayoutBand]] = (
        ("as linked", linked, advice.linked_layout),
        ("advised", advised, advice.advised_layout),
    )
    gain = advised.cycles - linked.cycles
    predicted = advice.predicted_cycles - linked.cycles
    energy = advised.energy_j - linked.energy_j
    # Sleep is as long under each: what the placement changes are the cycles awake.
    relative = ["", signed(percent(gain, linked.active_cycles, 2), gain)]
    slept = linked.active_cycles != linked.cycles
    energies = ["", signed(percent(energy, linked.energy_j, 2), energy)]
    return build_table(
        [
            Column("", [name for name, _, _ in rows]),
            Column(
                "active cycles" if slept else "cycles",
                [count(cost.active_cycles) for _, cost, _ in rows],
            ),
            Column("verified", relative),
            Column(
                "predicted", ["", signed(percent(predicted, linked.active_cycles, 2), predicted)], 3
            ),
            Column("time", [si(cost.time_s, "s") for _, cost, _ in rows], 2),
            Column("energy", [si(cost.energy_j, "J") for _, cost, _ in rows], 1),
            Column("", energies, 1),
            Column("TCM", [size(sum(cost.tcm_bytes.values())) for _, cost, _ in rows], 1),
            Column(
                "by alignment",
                [f"+{b.maximum_cycles - b.minimum_cycles:,}" for _, _, b in rows],
                4,
            ),
        ],
        options.width,
    )
