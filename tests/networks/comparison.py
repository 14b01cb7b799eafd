"""One example on both sides: what TFLM's reference makes of it, and what the kernels here do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simcore.errors import McusimError
from tests.networks import tflm, writer
from tests.networks.examples import Example
from tests.networks.target import Network, Target


@dataclass(frozen=True)
class Compared:
    """How an example went. ``difference``: the largest of any output, None where one refuses."""

    example: Example
    refused_here: str | None
    refused_there: str | None
    difference: float | None = None
    is_same: bool = False  # byte by byte
    is_optimised: bool = False

    @property
    def fault(self) -> str | None:
        """What is wrong, None when nothing is."""
        name = self.example.name
        if self.refused_here is not None and "\n" in self.refused_here:
            return f"{name}: refused in several lines"
        if self.refused_here is None and self.refused_there is not None:
            return f"{name}: runs here, TFLM refuses it: {self.refused_there}"
        if self.refused_here is not None and self.refused_there is None:
            return None if name in ALONE else f"{name}: refused here alone: {self.refused_here}"
        if (
            self.difference is not None
            and not self.is_same
            and self.difference > self.example.bound
        ):
            return f"{name}: differs by {self.difference:g}, at most {self.example.bound:g}"
        if self.difference is not None and not self.is_same and not self.example.bound:
            return f"{name}: bytes differ"
        return None


#: What is refused here though TFLM runs it: it leaves the activation of such a sum out.
ALONE = {
    f"ADD int32 {first} {second} {activation} scales-{scales}"
    for first, second in (
        ((2, 5, 3), (2, 5, 3)), ((1, 37), (1, 37)), ((2, 3, 4, 5), (5,)), ((4, 1, 3), (1, 6, 1)),
        ((3, 4), ()), ((1,), (2, 7)), ((2, 3, 1, 5), (3, 4, 1)),
    )
    for activation in ("RELU", "RELU6", "RELU_N1_TO_1")
    for scales in (0, 1)
}  # fmt: skip


def compare(target: Target, examples: Sequence[Example]) -> list[Compared]:
    """Run examples on both sides; in place too, where a kernel says that it can."""
    cases = [
        tflm.Case(writer.write(example.model), example.inferences, len(example.model.main.outputs))
        for example in examples
    ]
    return [_one(target, *pair) for pair in zip(examples, tflm.run(cases), strict=True)]


def _one(target: Target, example: Example, there: tflm.Found) -> Compared:
    refused = None if there.outputs is not None else there.reason
    try:
        network = Network(target, example.model)
    except McusimError as error:
        return Compared(example, str(error), refused)
    here = network.run(example.inferences)
    if any(call.in_place for _, call in network.each):
        beside = Network(target, example.model, in_place=True).run(example.inferences)
        for one, other in zip(_flat(here), _flat(beside), strict=True):
            assert one.tobytes() == other.tobytes(), f"{example.name}: differs in place"
    if there.outputs is None:
        return Compared(example, None, refused)
    pairs = list(zip(_flat(here), _flat(there.outputs), strict=True))
    for one, other in pairs:
        assert one.shape == other.shape, f"{example.name}: {one.shape}, not {other.shape}"
    difference = max(
        float(np.max(np.abs(one.astype(np.float64) - other.astype(np.float64)), initial=0.0))
        for one, other in pairs
    )
    same = all(one.tobytes() == other.tobytes() for one, other in pairs)
    fast = all(call.is_optimised for _, call in network.each)
    return Compared(example, None, None, difference, same, fast)


def _flat(inferences: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray]:
    return [output for outputs in inferences for output in outputs]
