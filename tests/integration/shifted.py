"""The same program in other layouts: linked again with its functions in a drawn order, shifted."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from tests.integration.test_relink import STARTUP, build_with


def reordered_script(script: str, names: Sequence[str], seed: int) -> str:
    """A linker script with the functions of those names in front of all other code, in an order
    and with a gap of up to a cache line that the seed draws."""
    draw = random.Random(seed)
    order = sorted(names)
    draw.shuffle(order)
    first = [f"        . += {4 * draw.randrange(1, 16)};"]
    first += [f"        *(.text.{name})" for name in order]
    taken = re.search(r" *\*\(\.text \.text\.?\*\)", script)
    assert taken is not None, "the script takes code by another pattern"
    return script[: taken.start()] + "\n".join(first) + "\n" + script[taken.start() :]


def shifted_kernel(
    kernel: str, names: Sequence[str], seed: int, build: ModuleType, folder: Path
) -> Path:
    """A program of kernels/programs.toml in such a layout."""
    script = (STARTUP / "sections.ld").read_text()
    return build_with(reordered_script(script, names, seed), kernel, build, folder)
