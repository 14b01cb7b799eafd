"""The tensor arena of an interpreter, as it was found in memory while the program ran."""

from __future__ import annotations

from simcore.plain import Address, Count
from simcore.records import dataclass


@dataclass(frozen=True, slots=True)
class ArenaPlace:
    """A computed tensor, from the operator that writes it to the last that reads it."""

    name: str
    """As the model has it."""
    offset: Count
    """Bytes from where the arena begins."""
    size: Count
    """Bytes."""
    first: Count
    """Index of an operator."""
    last: Count
    """Index of an operator."""


@dataclass(frozen=True, slots=True)
class TensorArena:
    """Memory in which an interpreter keeps tensors, its structures, and scratch."""

    model: str
    """Symbol or description of the model."""
    subgraph: Count
    name: str
    """Data object that holds it, empty where none does."""
    address: Address
    size: Count
    """Bytes."""
    planned_bytes: Count
    """From the arena's begin: tensors in turn, and scratch of operators."""
    persistent_bytes: Count
    """At its end: what stays as long as the interpreter."""
    tensors: tuple[ArenaPlace, ...]
    """By offset, then by operator."""

    @property
    def used_bytes(self) -> int:
        """The high water: what arena_used_bytes() of the interpreter says."""
        return self.planned_bytes + self.persistent_bytes
