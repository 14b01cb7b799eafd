"""Operators of a network as rows of one inference, whoever ran it: mcusim's runner or firmware."""

from __future__ import annotations

from collections.abc import Iterator

from simcore.costs.op_tables import OpCosts
from simcore.costs.profile import Profile
from simcore.records import dataclass


@dataclass(frozen=True, slots=True)
class OperatorRow:
    """An operator, and what one inference of it cost: the mean of all that ``ops`` sum.

    ``shapes`` are those of the first input and the first output.
    """

    number: int
    operator: str
    shapes: tuple[str, str]
    ops: tuple[OpCosts, ...]

    @property
    def calls(self) -> int:
        """How many were counted."""
        return max(sum(op.invocations for op in self.ops), 1)

    @property
    def cycles(self) -> int:
        """Core cycles."""
        return round(sum(op.cycles for op in self.ops) / self.calls)

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        return round(sum(op.macs for op in self.ops) / self.calls)

    @property
    def operations(self) -> int:
        """Arithmetic steps, a MAC two."""
        return round(sum(op.ops for op in self.ops) / self.calls)

    @property
    def energy_j(self) -> float:
        """Joules."""
        return sum(op.energy_j for op in self.ops) / self.calls

    @property
    def time_s(self) -> float:
        """Seconds."""
        return sum(op.time_s for op in self.ops) / self.calls


def operator_rows(profile: Profile) -> list[OperatorRow]:
    """A row for each operator of a network that ran; of another program for each operation."""
    if profile.network is not None:
        return [*_layers(profile)]
    operators = [(op, op.operator) for op in profile.ops if op.operator is not None]
    return [
        OperatorRow(
            at.index,
            op.kind,
            (shape_text(*at.input_shapes[:1]), shape_text(*at.output_shapes[:1])),
            (op,),
        )
        for op, at in operators
    ] or [OperatorRow(at, op.name, ("", ""), (op,)) for at, op in enumerate(profile.ops)]


def _layers(profile: Profile) -> Iterator[OperatorRow]:
    assert profile.network is not None
    for layer in profile.network.layers:
        indices = [at for at in (layer.op, layer.further_op) if at is not None]
        ops = tuple(profile.ops[at] for at in indices if at < len(profile.ops))
        if ops:
            shapes = shape_text(layer.input_shape), shape_text(layer.output_shape)
            yield OperatorRow(layer.number, layer.operator, shapes, ops)


def shape_text(shape: tuple[int, ...] = ()) -> str:
    """A shape as ``1x8x8x3``; "" of none, and of a tensor that is one value."""
    return "x".join(map(str, shape))
