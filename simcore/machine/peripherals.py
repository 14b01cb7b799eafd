"""What is told of registers that are not modelled, and of a program that does not end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simcore.core.core import PeripheralUse
from simcore.elf import Image
from simcore.machine.fault_report import frame_at
from simcore.units import place


def peripheral_warning(uses: Sequence[PeripheralUse], image: Image, most: int | None) -> str:
    """One line on the peripheral registers that were used: at most `most`, most reads first."""
    shown = []
    # What a program waits for is what it reads most.
    for use in sorted(uses, key=lambda use: (-use.reads, -use.writes, use.address))[:most]:
        shown.append(f"{_name(image, use.address)} ({use.reads} reads, {use.writes} writes)")
    more = f" and {len(uses) - len(shown)} more" if len(shown) < len(uses) else ""
    return f"peripherals are not modelled, reads gave what was written: {', '.join(shown)}{more}"


def polling_warning(image: Image, register: int, value: int, pc: int) -> str:
    """What a program that was stopped at `pc` waits for, and what it reads."""
    return (
        f"the program polls {_name(image, register)} in {frame_at(image, pc).text}, which reads"
        f" {value:#x}; --stub {register:#010x}=VALUE lets it read what it waits for"
    )


def endless_warning(image: Image, call_stack: Sequence[tuple[int, int]], pc: int) -> Iterator[str]:
    """Which option would end the main loop of a program that was stopped at `pc`.

    ``call_stack`` has functions with their call sites, outermost first.
    """
    for depth, (function, _) in enumerate(call_stack):
        if function >= 0 and image.functions[function].name == "main":
            inner = call_stack[depth + 1][1] if depth + 1 < len(call_stack) else pc
            line = image.line_at(inner)
            end = f"{inner:#010x}" if line is None else place(*line)
            yield f"main goes on in a loop through {end}: --until {end}@100 ends the run there"
            return


def _name(image: Image, address: int) -> str:
    symbol = image.object_at(address)
    return f"{address:#010x}" + (f" {symbol.name}" if symbol else "")
