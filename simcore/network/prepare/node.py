"""One operator with its tensors: what every preparation asks of them, and how it refuses."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import NoReturn

from simcore.errors import ConfigError
from simcore.network.counts import macs_of
from simcore.network.graph import ABSENT, Operator, Subgraph, Tensor
from simcore.network.lowering import Constant
from simcore.network.prepare import scales

MOST_AXES = 6  # that a kernel walks over: kernels/runner/ops.h


@dataclass(frozen=True, slots=True)
class OperatorNode:
    """An operator of a subgraph."""

    operator: Operator
    subgraph: Subgraph

    @property
    def macs(self) -> int:
        """Multiply-accumulates of an invocation, by the shapes, which are checked."""
        return macs_of(self.operator, self.subgraph)

    def refuse(self, reason: str) -> NoReturn:
        """Raise a ConfigError of one line that names the layer.

        Raises:
            ConfigError: always.
        """
        operator = self.operator
        names = [self.subgraph.tensors[i].name for i in operator.outputs if i != ABSENT][:1]
        where = f" '{names[0]}'" if names and names[0] else ""
        raise ConfigError(f"layer {operator.index} ({operator.kind}{where}): {reason}")

    def optional(self, place: int) -> Tensor | None:
        """The input at a place, None where it is left out."""
        inputs = self.operator.inputs
        if place >= len(inputs) or inputs[place] == ABSENT:
            return None
        return self.checked(inputs[place])

    def input(self, place: int) -> Tensor:
        """The input at a place, which must be there."""
        tensor = self.optional(place)
        if tensor is None:
            self.refuse(f"input {place} is missing")
        return tensor

    def output(self, place: int = 0) -> Tensor:
        """The output at a place."""
        outputs = self.operator.outputs
        if place >= len(outputs) or outputs[place] == ABSENT:
            self.refuse(f"output {place} is missing")
        return self.checked(outputs[place])

    def checked(self, index: int) -> Tensor:
        """A tensor of the subgraph, of a known size."""
        tensor = self.subgraph.tensors[index]
        if any(size <= 0 for size in tensor.shape):
            self.refuse(
                f"'{tensor.name}' has the shape {list(tensor.shape)}; sizes must be fixed and above"
                " 0: convert the model with fixed input shapes"
            )
        return tensor

    def number(self, name: str, default: int) -> int:
        """An option that is a number."""
        value = self.operator.options.get(name, default)
        if isinstance(value, int) and abs(value) < 1 << 31:
            return int(value)
        self.refuse(f"option {name} is {value!r}, not a number")

    def real(self, name: str, default: float) -> float:
        """An option that is a finite number of single precision."""
        value = self.operator.options.get(name, default)
        if not isinstance(value, (int, float)) or not math.isfinite(value):
            self.refuse(f"option {name} is {value!r}, not a number")
        return scales.single(value)

    def text(self, name: str, default: str) -> str:
        """An option that is the name of a value."""
        return str(self.operator.options.get(name, default))

    def flag(self, name: str) -> bool:
        """An option that is on or off, off where it is not given."""
        return bool(self.operator.options.get(name, False))

    def activation(self) -> str:
        """The fused activation, one that kernels can clamp to."""
        name = self.text("fused_activation_function", "NONE")
        if name not in scales.ACTIVATIONS:
            self.refuse(f"a fused {name} is not supported; make it an operator of its own")
        return name

    def no_activation(self) -> None:
        """Refuse a fused activation."""
        if (name := self.text("fused_activation_function", "NONE")) != "NONE":
            self.refuse(f"a fused {name} is not supported; make it an operator of its own")

    def kind_of(self, tensor: Tensor, allowed: Sequence[str]) -> str:
        """The type of a tensor, one of those allowed."""
        if tensor.type not in allowed:
            self.refuse(
                f"'{tensor.name}' is {tensor.type}; supported are {', '.join(sorted(allowed))}"
            )
        return tensor.type

    def same_kind(self, first: Tensor, *others: Tensor) -> None:
        """Refuse tensors of different types."""
        for other in others:
            if other.type != first.type:
                self.refuse(
                    f"'{first.name}' is {first.type} and '{other.name}' {other.type};"
                    " they must be of one type"
                )

    def shape_is(self, tensor: Tensor, shape: Sequence[int]) -> None:
        """Refuse a shape that does not follow from the others."""
        if tensor.shape != tuple(shape):
            self.refuse(
                f"'{tensor.name}' has the shape {list(tensor.shape)}, not {list(shape)} as its"
                " inputs and options say"
            )

    def elements_are(self, tensor: Tensor, count: int) -> None:
        """Refuse a number of values that does not follow from the others."""
        if tensor.elements != count:
            self.refuse(f"'{tensor.name}' has {tensor.elements} values, not {count}")

    def rank_is(self, tensor: Tensor, rank: int) -> tuple[int, ...]:
        """The shape of a tensor of so many axes."""
        if len(tensor.shape) != rank:
            self.refuse(f"'{tensor.name}' has {len(tensor.shape)} axes, not {rank}")
        return tensor.shape

    def axis(self, value: int, rank: int) -> int:
        """An axis that may be counted from the end, counted from the front."""
        if not -rank <= value < rank:
            self.refuse(f"axis {value} of a tensor of {rank} axes")
        return value % rank

    def integers(self, tensor: Tensor, what: str) -> tuple[int, ...]:
        """The values of a constant of int32."""
        self.kind_of(tensor, ("int32",))
        if tensor.data is None:
            self.refuse(f"{what} '{tensor.name}' is computed; it must be a constant")
        return struct.unpack(f"<{tensor.elements}i", tensor.data)

    def scale(self, tensor: Tensor) -> float:
        """The one scale of a tensor."""
        return self.scales(tensor)[0] if len(self.scales(tensor)) == 1 else self._many(tensor)

    def _many(self, tensor: Tensor) -> NoReturn:
        self.refuse(f"'{tensor.name}' has several scales; here it must have one")

    def scales(self, tensor: Tensor) -> tuple[float, ...]:
        """All scales of a tensor, which must be above 0."""
        found = tensor.quantization.scales if tensor.quantization else ()
        if not found:
            self.refuse(
                f"'{tensor.name}' is {tensor.type} without a scale; quantize the whole model"
            )
        if not all(math.isfinite(scale) and scale > 0 for scale in found):
            self.refuse(f"'{tensor.name}' has a scale that is not above 0")
        return found

    def zero_point(self, tensor: Tensor) -> int:
        """The one zero point of a tensor, within its type."""
        points = set(tensor.quantization.zero_points if tensor.quantization else ()) or {0}
        limits = scales.LIMITS.get(tensor.type, scales.LIMITS["int32"])
        if len(points) > 1 or not limits[0] <= min(points) <= limits[1]:
            self.refuse(f"'{tensor.name}' has zero points that its kernel has no place for")
        return points.pop()

    def no_zero_point(self, *tensors: Tensor) -> None:
        """Refuse a zero point that is not 0."""
        for tensor in tensors:
            if (point := self.zero_point(tensor)) != 0:
                self.refuse(f"'{tensor.name}' has the zero point {point}; it must be 0")

    def multiplier(self, real: float, most_shift: int = 30) -> tuple[int, int]:
        """A real scale as (multiplier, shift), refused where its shift is beyond a kernel's."""
        if not math.isfinite(real):
            self.refuse("scales whose quotient is not finite")
        multiplier, shift = scales.quantize_multiplier(real)
        if shift > most_shift:
            self.refuse(f"scales whose quotient is {real:g}; it must stay below 2^{most_shift}")
        return multiplier, shift

    def multiplier_below_one(self, real: float) -> tuple[int, int]:
        """The same for a scale that a kernel needs below 1."""
        multiplier, shift = self.multiplier(real)
        if not 0 < real < 1 or shift > 0:
            self.refuse(f"scales whose quotient is {real:g}; TFLM's kernel needs it below 1")
        return multiplier, shift

    def quantized_limits(self, output: Tensor, activation: str) -> tuple[int, int]:
        """Limits of a fused activation in the units of an integer output."""
        return scales.quantized_limits(
            activation, output.type, self.scale(output), self.zero_point(output)
        )


def words(*values: float | Iterable[float]) -> tuple[int, ...]:
    """Fields of a kernel's struct: integers as they are, a float as its bits, lists unrolled."""
    result: list[int] = []
    for value in values:
        if isinstance(value, Iterable):
            result += words(*value)
        else:
            result.append(scales.bits(value) if isinstance(value, float) else int(value))
    return tuple(result)


def constant(name: str, kind: str, values: Iterable[float]) -> Constant:
    """A Constant of values, kind being a code of `struct`: i for int32, h for int16."""
    listed = list(values)
    return Constant(name, struct.pack(f"<{len(listed)}{kind}", *listed))


def steps_of(shape: Sequence[int]) -> list[int]:
    """Values from an index to the next along each axis of a row-major tensor."""
    return [prod(shape[axis + 1 :]) for axis in range(len(shape))]


def merge_axes(sizes: Sequence[int], *steps: Sequence[int]) -> tuple[list[int], ...]:
    """Axes that every list of steps walks as one become one, and those of size 1 none."""
    kept: list[tuple[int, ...]] = []
    for axis in zip(sizes, *steps, strict=True):
        if axis[0] == 1:
            continue
        if kept and all(
            outer == inner * axis[0] for outer, inner in zip(kept[-1][1:], axis[1:], strict=True)
        ):
            kept[-1] = (kept[-1][0] * axis[0], *axis[1:])
        else:
            kept.append(axis)
    return tuple(list(column) for column in zip(*(kept or [(1,) + (0,) * len(steps)]), strict=True))


def walk(node: OperatorNode, sizes: Sequence[int], *steps: Sequence[int]) -> list[list[int]]:
    """Sizes and steps of a kernel's walk: merged, with axes of size 1 in front."""
    merged = merge_axes(sizes, *steps)
    missing = MOST_AXES - len(merged[0])
    if missing < 0:
        node.refuse(f"a tensor of {len(sizes)} axes; {MOST_AXES} at most")
    return [[1] * missing + merged[0], *([0] * missing + column for column in merged[1:])]
