"""Advice as text or JSON: the promise, what to move, what to leave, and how to do it in a build."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simcore.advisor.results import Advice, AdvisedMove, Cost, Rejected
from simcore.errors import ExitCode
from simcore.report import RenderOptions
from simcore.report.escaped import document_of
from simcore.report.page.console import (
    Block,
    Code,
    new_console,
    print_blocks,
    printed_text,
    warnings_block,
)
from simcore.report.page.styled import Printed, Text
from simcore.report.page.table import Column, build_table
from simcore.units import clock, count, percent, si, signed, size

FORMATS = ("text", "json")


def render(advice: Advice, format_name: str, options: RenderOptions) -> str:
    """The advice in one of FORMATS; ``options.top`` bounds the list of what stays."""
    if format_name == "json":
        return advice.to_json()
    return document_of(
        lambda found: _text(found, options),
        advice,
        format_name,
        ("linker_script", "attributes", "applied_script"),
    )


def _text(advice: Advice, options: RenderOptions) -> str:
    console = new_console(options)
    print_blocks(console, _header(advice), _blocks(advice, options))
    return printed_text(console, options)


def _header(advice: Advice) -> Text:
    text = Text()
    text.append(advice.elf.name, "bold")
    text.append(f" on {advice.cpu.name} at {clock(advice.cpu.clock_hz)}: ")
    if advice.deadline_s is not None:
        text.append(f"fewest TCM bytes within {si(advice.deadline_s, 's')}")
    elif advice.minimise == "both":
        text.append("least cycles and energy")
    else:
        text.append(f"least {advice.minimise}")
    if advice.scope is not None:
        text.append(f" of {advice.scope}")
    text.append(f", {advice.timings} timings")
    if advice.exit.status is not ExitCode.OK:
        text.append(f"\n{advice.exit.text}; nothing is advised", "bold red")
    elif advice.meets_deadline is False:
        text.append("\nNo placement that was found meets the deadline.", "bold red")
    elif not advice.moves:
        text.append(
            f"\nNothing {'that a linker script moves ' * bool(advice.by_hand)}is worth moving."
        )
    else:
        text.append(f"\n{_promise(advice)}")
    if advice.by_hand:
        text.append(
            f" What no script moves brings {-advice.by_hand_cycles:+,} +/-"
            f" {advice.by_hand_spread_cycles:,.0f} cycles more, by hand."
        )
    return text


def _promise(advice: Advice) -> str:
    """What is promised, and of what it is made, in sentences."""
    promise, slept = advice.promise, advice.linked.active_cycles != advice.linked.cycles
    change = signed(percent(-promise.cycles, advice.linked.active_cycles, 2), -promise.cycles)
    moves = "1 move" if len(advice.moves) == 1 else f"{len(advice.moves)} moves"
    told = (
        f"Promise: {change} cycles{' awake' if slept else ''}"
        f" ({-promise.cycles:+,} +/- {promise.band_cycles:,}) by {moves} after a relink."
    )
    whole = promise.cycles
    if whole > 0:
        share = max(0.0, min(1.0, promise.mechanism_cycles / whole))
        told += (
            f" {share:.0%} of it is mechanism (wait states, misses, TCM), {1 - share:.0%} chance"
            " (branches that collide, alignment)."
        )
    if advice.copy_cycles:
        net = advice.copy_cycles - whole
        told += (
            f" To fill what moved takes about {advice.copy_cycles:,} cycles once, at the start:"
            f" {net:+,} with that, so {'it pays from the first run' if net < 0 else _pays(advice)}."
        )
    if advice.alternatives and advice.minimise != "both":
        other = advice.alternatives[0]
        told += (
            f" Better in cycles and energy, by {other.cycles - advice.judged.cycles:,} cycles:"
            f" {', '.join(other.moves)}."
        )
    return told


def _pays(advice: Advice) -> str:
    """When a promise that is smaller than its copy pays."""
    if advice.promise.cycles <= 0:
        return "it does not pay"
    runs = -(-advice.copy_cycles // advice.promise.cycles)
    return f"this run takes longer, and it pays where what is counted comes {runs:,} times"


def _blocks(advice: Advice, options: RenderOptions) -> Iterator[Block]:
    yield "Cost", "cycles modelled, energy estimated", _costs(advice, options)
    if advice.moves:
        note = (
            f"{_over(advice)}; what each brings beside the rest, and how that sums to the promise"
        )
        if any(_is_small(advice, row) for row in advice.moves):
            note += f", small ones {advice.least_share * 100:g} % together"
        yield "Move", note, _moves(advice, options)
    if advice.by_hand:
        note = "no linker script moves it, and the promise does not hold it; beside the rest"
        yield "By hand", note, _by_hand(advice, options)
        reasons = [f"{row.name}: {row.stays}" for row in advice.by_hand]
        yield "Why by hand", "", Text("\n".join(reasons))
    along = [row for row in (*advice.moves, *advice.by_hand) if row.members]
    if along:
        text = Text("\n".join(f"{row.name}: {', '.join(row.members)}" for row in along))
        yield "Input sections", "of which all moves", text
    if advice.minimise == "both" and advice.alternatives:
        yield "Choices", f"{_over(advice)}; none is better in both", _front(advice, options)
    if advice.rejected:
        kept = advice.rejected[: options.top or None]
        of = "" if len(kept) == len(advice.rejected) else f", top {len(kept)}"
        note = "cycles of each alone in its best region, or that it waits"
        yield f"Not moved{of}", note, _left(kept, options)
    if advice.linker_script:
        yield "Linker script", "", Code(advice.linker_script.rstrip())
        if advice.attributes:
            note = "instead of the input sections above and their ASSERTs"
            yield "Attributes", note, Code(advice.attributes.rstrip())
    notes = list(advice.warnings)
    if advice.copied_bytes:
        notes.append(
            f"the program has to copy {advice.copied_bytes:,} bytes into RAM at its start; to fill"
            f" all that moved takes about {advice.copy_cycles:,} cycles, once, which the costs do"
            " not hold"
        )
    if advice.promise.veneer_cycles:
        notes.append(
            f"calls through the linker's veneers take about {advice.promise.veneer_cycles:,}"
            " cycles, which the promise holds"
        )
    yield from warnings_block(notes)


def _is_small(advice: Advice, row: AdvisedMove) -> bool:
    """Whether a move is advised for what it brings together with others."""
    if advice.minimise == "tcm" or row.cycles is None or row.energy_j is None:
        return False
    linked = advice.linked
    shares = row.cycles / linked.active_cycles, row.energy_j / linked.energy_j
    return max(shares) < advice.least_share


def _over(advice: Advice) -> str:
    return f"mean and spread over {advice.judged.layouts} layouts"


def _moves(advice: Advice, options: RenderOptions) -> Printed:
    rows, sums = advice.moves, _sums(advice)
    blank = [""] * len(sums)
    return build_table(
        [
            Column("what", [*(row.name for row in rows), *(name for name, _, _ in sums)]),
            Column("kind", [*(row.kind for row in rows), *blank], 3),
            Column("from", [*(row.from_region or "" for row in rows), *blank], 2),
            Column("to", [*(row.region for row in rows), *blank]),
            Column("size", [*(size(row.size) for row in rows), *blank]),
            Column("cycles", [*map(_cycles, rows), *(f"{-cycles:+,}" for _, cycles, _ in sums)]),
            Column("+/-", [*map(_spread, rows), *blank]),
            Column("mechanism", [*map(_mechanism, rows), *(f"{-own:+,}" for _, _, own in sums)], 4),
            Column("energy", [*(_energy(advice, row) for row in rows), *blank]),
        ],
        options.width,
    )


def _sums(advice: Advice) -> list[tuple[str, int, int]]:
    """(name, cycles, mechanism) of what lies between the rows of moves and the promise."""
    if any(row.cycles is None for row in advice.moves) and not advice.judged.cycles:
        return []
    judged, promise = advice.judged, advice.promise
    cycles = sum(row.cycles or 0 for row in advice.moves)
    own = sum(row.mechanism_cycles or 0 for row in advice.moves)
    several = (judged.cycles - cycles, judged.mechanism_cycles - own)
    here = (promise.cycles - judged.cycles, promise.mechanism_cycles - judged.mechanism_cycles)
    found = []
    if any(several) and len(advice.moves) > 1:
        # What each of two brings without the other as well is in no row of one beside the rest.
        name = "several together" if several[0] >= 0 else "counted by several"
        found.append((name, *several))
    else:
        here = (here[0] + several[0], here[1] + several[1])
    found.append(("this layout against the mean", *here))
    found.append(("the promise", promise.cycles, promise.mechanism_cycles))
    return found


def _by_hand(advice: Advice, options: RenderOptions) -> Printed:
    rows = advice.by_hand
    return build_table(
        [
            Column("what", [row.name for row in rows]),
            Column("to", [row.region for row in rows]),
            Column("size", [size(row.size) for row in rows], 2),
            Column("cycles", [_cycles(row) for row in rows]),
            Column("+/-", [_spread(row) for row in rows]),
        ],
        options.width,
    )


def _cycles(row: AdvisedMove) -> str:
    return "makes room" if row.cycles is None else f"{-row.cycles:+,}"


def _spread(row: AdvisedMove) -> str:
    return "" if row.spread_cycles is None else f"{row.spread_cycles:,.0f}"


def _mechanism(row: AdvisedMove) -> str:
    return "" if row.mechanism_cycles is None else f"{-row.mechanism_cycles:+,}"


def _energy(advice: Advice, row: AdvisedMove) -> str:
    if row.energy_j is None:
        return ""
    return signed(percent(-row.energy_j, advice.linked.energy_j, 2), -row.energy_j)


def _front(advice: Advice, options: RenderOptions) -> Printed:
    rows, linked = advice.alternatives, advice.linked
    return build_table(
        [
            Column("", ["advised" if row.is_advised else "" for row in rows]),
            Column("cycles", [f"{-row.cycles:+,}" for row in rows]),
            Column("+/-", [f"{row.spread_cycles:,.0f}" for row in rows], 2),
            Column(
                "energy",
                [signed(percent(-r.energy_j, linked.energy_j, 2), -r.energy_j) for r in rows],
            ),
            Column("moves", [", ".join(row.moves) or "none" for row in rows], 1),
        ],
        options.width,
    )


def _left(rows: Sequence[Rejected], options: RenderOptions) -> Printed:
    return build_table(
        [
            Column("what", [row.name for row in rows]),
            Column("best in", [row.region or "" for row in rows], 3),
            Column("size", [size(row.size) for row in rows], 2),
            Column("cycles", [f"{-row.cycles:+,}" for row in rows]),
            Column("", [_reason(row) for row in rows], 1),
        ],
        options.width,
    )


def _reason(row: Rejected) -> str:
    return row.reason if row.room is None else f"{row.reason}: {size(row.room)} free"


def _costs(advice: Advice, options: RenderOptions) -> Printed:
    linked, advised, promise = advice.linked, advice.advised, advice.promise
    rows: Sequence[tuple[str, Cost]] = (("as linked", linked), ("advised", advised))
    energy = advised.energy_j - linked.energy_j
    # Sleep is as long under each: what the placement changes are the cycles awake.
    change = ["", signed(percent(-promise.cycles, linked.active_cycles, 2), -promise.cycles)]
    slept = linked.active_cycles != linked.cycles
    energies = ["", signed(percent(energy, linked.energy_j, 2), energy)]
    return build_table(
        [
            Column("", [name for name, _ in rows]),
            Column(
                "active cycles" if slept else "cycles",
                [count(cost.active_cycles) for _, cost in rows],
            ),
            Column("+/-", ["", count(promise.band_cycles)]),
            Column("change", change),
            Column("time", [si(cost.time_s, "s") for _, cost in rows], 2),
            Column("energy", [si(cost.energy_j, "J") for _, cost in rows], 1),
            Column("change", energies, 1),
            Column("TCM", [size(sum(cost.tcm_bytes.values())) for _, cost in rows], 1),
        ],
        options.width,
    )
