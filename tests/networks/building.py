"""Builds small networks tensor by tensor: what the examples are made with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from simcore.network.graph import ABSENT, Model, Operator, Quantization, Subgraph, Tensor
from simcore.network.prepare.scales import single

Array = npt.NDArray[Any]
LIMITS = {
    "int8": (-128, 127),
    "uint8": (0, 255),
    "int16": (-32768, 32767),
    "int32": (-(1 << 20), 1 << 20),
}


@dataclass
class Net:
    """A subgraph that grows; indices of tensors are what its methods return."""

    rng: np.random.Generator
    tensors: list[Tensor] = field(default_factory=list)
    operators: list[Operator] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)

    def tensor(
        self,
        shape: Sequence[int],
        kind: str,
        scales: float | Sequence[float] | None = None,
        zero_point: int = 0,
        *,
        axis: int = 0,
        data: Array | None = None,
        is_variable: bool = False,
    ) -> int:
        """A computed tensor, or a constant when there are data."""
        quantization = None
        if scales is not None:
            rounded = tuple(
                single(s) for s in (scales if isinstance(scales, Sequence) else [scales])
            )
            quantization = Quantization(rounded, (zero_point,) * len(rounded), axis)
        held = None if data is None else np.ascontiguousarray(data).tobytes()
        index = len(self.tensors)
        self.tensors.append(
            Tensor(index, f"t{index}", tuple(shape), kind, quantization, held, is_variable)
        )
        return index

    def input(
        self, shape: Sequence[int], kind: str, scale: float | None = None, zero_point: int = 0
    ) -> int:
        """An input of the network."""
        index = self.tensor(shape, kind, scale, zero_point)
        self.inputs.append(index)
        return index

    def constant(
        self,
        data: Array,
        scales: float | Sequence[float] | None = None,
        zero_point: int = 0,
        axis: int = 0,
    ) -> int:
        """A constant tensor of the type of its data."""
        return self.tensor(data.shape, str(data.dtype), scales, zero_point, axis=axis, data=data)

    def scale_of(self, index: int) -> float:
        """The first scale of a tensor."""
        quantization = self.tensors[index].quantization
        assert quantization is not None
        return quantization.scales[0]

    def integers(self, *values: int) -> int:
        """A constant vector of int32."""
        return self.constant(np.array(values, np.int32))

    def weights(self, shape: Sequence[int], kind: str) -> Array:
        """Seeded weights: int8 from -127, float32 within 1."""
        if kind == "float32":
            return self.rng.uniform(-1, 1, shape).astype(np.float32)
        return self.rng.integers(-127, 128, shape).astype(kind)

    def add(
        self, kind: str, inputs: Sequence[int | None], outputs: Sequence[int], **options: Any
    ) -> None:
        """An operator; None is an input that is left out."""
        named = tuple(ABSENT if index is None else index for index in inputs)
        self.operators.append(
            Operator(len(self.operators), kind, 1, named, tuple(outputs), options=options)
        )

    def subgraph(self, *outputs: int, name: str = "main") -> Subgraph:
        """What has been built."""
        return Subgraph(
            name, tuple(self.tensors), tuple(self.operators), tuple(self.inputs), outputs
        )

    def model(self, *outputs: int) -> Model:
        """A model of this subgraph alone."""
        return Model("made for mcusim's tests", (self.subgraph(*outputs),))


def values_of(rng: np.random.Generator, tensor: Tensor) -> Array:
    """Seeded values of an input: the whole range of an integer type, floats of both signs."""
    if tensor.type == "bool":
        return rng.integers(0, 2, tensor.shape).astype(np.bool_)
    if tensor.type == "float32":
        return (rng.standard_normal(tensor.shape) * 3).astype(np.float32)
    low, high = LIMITS[tensor.type]
    values = rng.integers(low, high + 1, tensor.shape).astype(tensor.type)
    if tensor.type != "int32" and values.size > 1:  # both ends of the range occur
        values.flat[0], values.flat[-1] = low, high
    return values


def inferences_of(model: Model, count: int = 1, seed: int = 7) -> list[list[Array]]:
    """Inputs of so many inferences."""
    rng = np.random.default_rng(seed)
    main = model.main
    return [[values_of(rng, main.tensors[index]) for index in main.inputs] for _ in range(count)]
