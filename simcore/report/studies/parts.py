"""Studies of parts as text: part after part, each a header and its tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from simcore.report import RenderOptions
from simcore.report.page.console import Block, new_console, print_blocks, printed_text
from simcore.report.page.styled import Text
from simcore.study.parts import AnyPart
from simcore.units import clock


def parts_text(
    noun: str,
    parts: Sequence[AnyPart],
    blocks: Callable[[AnyPart], Iterable[Block]],
    options: RenderOptions,
) -> str:
    """What ``blocks`` gives of each part, under a line that says what was studied on which part."""
    console = new_console(options)
    for number, part in enumerate(parts):
        if number:
            console.print()
        header = Text.assemble(
            (f"{noun} on {part.name}", "bold"),
            f" at {clock(part.clock_hz)}, {part.voltage_v:g} V\n",
            (f"{part.elf}; counts exact, cycles modelled, energy estimated", "dim"),
        )
        print_blocks(console, header, blocks(part))
    return printed_text(console, options)
