"""Faults of the simulated program and the places in it that they name."""

from __future__ import annotations

from simcore.plain import Address, Count
from simcore.records import dataclass
from simcore.units import place


@dataclass(frozen=True, slots=True)
class Frame:
    """A place in the program."""

    address: Address
    symbol: str | None
    """Name of the function."""
    offset: Count
    """Bytes into the function."""
    file: str | None
    line: Count | None

    @property
    def text(self) -> str:
        """The place as people name it: function, or address, and line."""
        name = f"0x{self.address:08x}" if self.symbol is None else self.symbol
        return (
            name
            if self.file is None or self.line is None
            else f"{name}, {place(self.file, self.line)}"
        )

    def __str__(self) -> str:
        text = f"0x{self.address:08x}"
        if self.symbol is not None:
            text += f" {self.symbol}+0x{self.offset:x}"
        return text if self.file is None else f"{text} ({self.file}:{self.line})"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why the simulated program could not go on."""

    kind: str
    """In words, for instance 'read of unmapped memory'."""
    address: Address
    """What the program tried to reach."""
    pc: Address
    """Address of the instruction."""
    symbol: str | None
    offset: Count
    """Bytes into the function."""
    file: str | None
    line: Count | None
    call_stack: tuple[Frame, ...]
    """Begins with the place of the fault and goes outwards by call sites."""

    @property
    def place(self) -> Frame:
        """Where the program stood."""
        return Frame(self.pc, self.symbol, self.offset, self.file, self.line)

    def __str__(self) -> str:
        reached = "" if self.address == self.pc else f" (address 0x{self.address:08x})"
        return f"{self.kind}{reached} at {self.place}"
