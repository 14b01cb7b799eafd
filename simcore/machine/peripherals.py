"""What is told of peripheral registers that are not modelled."""

from __future__ import annotations

from collections.abc import Sequence

from simcore.core.core import PeripheralUse
from simcore.elf import Image


def peripheral_warning(uses: Sequence[PeripheralUse], image: Image, most: int | None) -> str:
    """One line on the peripheral registers that were used, at most `most` of them by address."""
    shown = []
    for use in uses[:most]:
        symbol = image.object_at(use.address)
        name = f"{use.address:#010x}" + (f" {symbol.name}" if symbol else "")
        shown.append(f"{name} ({use.reads} reads, {use.writes} writes)")
    more = f" and {len(uses) - len(shown)} more" if len(shown) < len(uses) else ""
    return f"peripherals are not modelled, reads gave 0: {', '.join(shown)}{more}"
