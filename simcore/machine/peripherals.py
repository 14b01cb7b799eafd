"""What is told of registers that are not modelled, and of a program that does not end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

from simcore.core.registers import PeripheralUse
from simcore.cpu_model import CpuModel
from simcore.devices import register_names
from simcore.elf import Image
from simcore.log_text import shell_word
from simcore.run.faults import Frame
from simcore.run.svd import Description
from simcore.units import place


class RegisterNames:
    """Names of registers: of a description of the part, of its devices, else the program's."""

    def __init__(self, image: Image, model: CpuModel, described: Description | None = None) -> None:
        self._image = image
        self._model = model
        self.described = described

    @cached_property
    def _devices(self) -> dict[int, str]:
        return register_names(self._model.devices.devices)

    def name(self, address: int) -> str | None:
        """The name of a register, None when nothing names it."""
        known = None if self.described is None else self.described.name(address)
        symbol = self._image.object_at(address)
        own = self._devices.get(address & ~3)
        return known or own or (None if symbol is None else symbol.name)

    def bits(self, address: int, mask: int) -> str | None:
        """The name of a register with the fields that some of its bits are of."""
        if self.described is not None and self.described.name(address) is not None:
            return self.described.bits(address, mask)
        return self.name(address)

    def text(self, address: int) -> str:
        """A register by name and address."""
        name = self.name(address)
        return f"{address:#010x}" if name is None else f"{name} ({address:#010x})"


def peripheral_warning(
    uses: Sequence[PeripheralUse], names: RegisterNames, most: int | None
) -> str:
    """One line on the peripheral registers that were used: at most `most`, most reads first."""
    shown = []
    # What a program waits for is what it reads most.
    for use in sorted(uses, key=lambda use: (-use.reads, -use.writes, use.address))[:most]:
        shown.append(f"{names.text(use.address)}: {use.reads} reads, {use.writes} writes")
    more = f"; and {len(uses) - len(shown)} more" if len(shown) < len(uses) else ""
    return f"peripherals are not modelled, reads gave what was written: {'; '.join(shown)}{more}"


def polling_warning(
    names: RegisterNames, register: int, value: int, where: Frame, advice: str | None = None
) -> str:
    """What a program waits for that stopped there, what it reads, and what to do."""
    name = names.name(register) or f"{register:#010x}"
    advice = advice or f"--stub {name}=VALUE lets it read what it waits for"
    what = f"the program polls {names.text(register)} in {where.text}, which reads {value:#x}"
    return f"{what}; {advice}"


def endless_warning(
    image: Image,
    call_stack: Sequence[tuple[int, int]],
    pc: int,
    turns: Callable[[int, int], float],
) -> Iterator[str]:
    """Which option would end the main loop of a program that was stopped at `pc`.

    It is the outermost loop from main on that the program stands in: a place that was come to more
    often than its function was called. ``call_stack`` has functions with their call sites,
    outermost first; ``turns`` tells how often an instruction of a function was executed for each
    call of it.
    """
    inners = [*(site for _, site in call_stack[1:]), pc]
    is_in_main = False
    for (number, _), inner in zip(call_stack, inners, strict=False):
        if number < 0:
            continue
        function = image.functions[number]
        is_in_main |= function.name == "main"
        if is_in_main and turns(inner, number) > 1:
            line = image.line_at(inner)
            end = f"{inner:#010x}" if line is None else place(*line)
            yield (
                f"{function.name} goes on in a loop through {end}: --until"
                f" {shell_word(f'{end}@100')} ends the run there"
            )
            return
