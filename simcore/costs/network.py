"""What a profile says of a network that was run from its file, beside costs of operations."""

from __future__ import annotations

from typing import Annotated

from simcore.plain import Amount, Count, Json, Sha256
from simcore.records import dataclass

Shape = tuple[Count, ...]


@dataclass(frozen=True, slots=True)
class NetworkLayer:
    """An operator as it was run. What it cost is the row of ops that it names."""

    number: Count
    """Its place in the order of the run."""
    operator: str
    """Builtin code of the schema."""
    layer: str
    """What its symbols begin with."""
    output: str
    """Name of its output tensor."""
    type: str
    """Type of its first input."""
    input_shape: Shape
    """Of the first input."""
    output_shape: Shape
    kernel: str
    optimised: bool
    """Whether the kernel is more than a plain loop."""
    macs: Count
    """Multiply-accumulates of one inference."""
    param_bytes: Count
    """Weights, biases, multipliers and tables that it reads."""
    activation_bytes: Count
    """Computed tensors that are alive while it runs, scratch left out."""
    setup: bool
    """Runs in the first inference alone."""
    op: Count | None
    """Index into ops; null when it did not run."""
    further_op: Count | None
    """Index into ops of the same operator in inferences behind the first; null without any."""


@dataclass(frozen=True, slots=True)
class ArenaTensor:
    """A computed tensor, in a memory from the step that writes it to the last that reads it."""

    name: str
    tensor: str
    """Name in the file."""
    memory: str
    offset: Count
    """Bytes from where the memory's tensors begin."""
    size: Count
    """Bytes."""
    first: Count
    """Number of a layer."""
    last: Count
    """Number of a layer."""
    in_place_of: str | None
    """The tensor whose place it takes."""


@dataclass(frozen=True, slots=True)
class ArenaMemory:
    """A memory with computed tensors."""

    memory: str
    room_bytes: Count
    """What is free beside the program's own data."""
    arena_bytes: Count
    """What the plan of the tensors needs; variables and scratch left out."""
    how: str
    """How the plan was found."""
    peak_layer: Count
    """Number of the layer with most bytes alive."""
    peak_bytes: Count
    """Bytes that are alive then: no plan needs less."""
    peak_tensors: tuple[str, ...]
    """Those tensors, the largest first."""
    otherwise_bytes: Count
    """The most that is alive at any other layer."""


@dataclass(frozen=True, slots=True)
class Verification:
    """Outputs of the last inference beside those of another runtime, element by element."""

    reference: str
    elements: Count
    differing: Count
    """By more than is allowed."""
    largest_difference: Amount
    """Of the values as they are stored."""
    allowed_difference: Amount
    """0 for integers; of float32 what another order of its sums may come to: network/verify.py."""
    refused: str | None = None
    """Why the other runtime gave nothing to compare with; left out where it did."""

    @property
    def is_equal(self) -> bool:
        """Whether every element is the same, or as near as is allowed."""
        return not self.differing and self.refused is None

    @property
    def trouble(self) -> str:
        """What is wrong, in one line."""
        if self.refused is not None:
            return f"outputs are not compared: {self.refused}"
        return f"{self.differing:,} output values differ from those of {self.reference}"


@dataclass(frozen=True, slots=True)
class RunnerUse:
    """A firmware that ran the network with kernels of its own, in place of the model in it. What
    its operators cost are rows of ops."""

    name: str
    """Name of its file without the folder."""
    sha256: Sha256
    """Of its file, as it was built."""
    array: str
    """Symbol of the array that the model was written to, or its address."""
    room_bytes: Count
    """Of that array."""
    model_bytes: Count
    """Of the network's file."""
    model_sha256: Sha256
    """Of the network's file."""
    input: str | None
    """What the network was given; null when that is the firmware's affair."""
    operators: Count
    """Of the network's first subgraph."""
    operators_run: Count | None
    """Those of them that were seen to run; null when the run was told where to begin or end."""
    input_sha256: Sha256 | None = None
    """Of the values of files that the network was given; left out of others."""
    verification: Verification | None = None
    """On request."""

    @property
    def is_whole(self) -> bool:
        """Whether every operator of the network was seen to run, as far as one can tell."""
        return self.operators_run in (None, self.operators)

    @property
    def unseen(self) -> str | None:
        """What to say of operators that did not run; None of none."""
        if self.is_whole:
            return None
        which = f"only {self.operators_run:,}" if self.operators_run else "none"
        return f"{self.name}: {which} of the network's {self.operators:,} operators ran"


@dataclass(frozen=True, slots=True)
class NetworkCosts:
    """The network: its layers, and where its tensors lie."""

    sha256: str
    """Of the file."""
    kernels: str
    """Whose kernels ran."""
    inferences: Annotated[int, Json(minimum=1)]
    input: str
    """What it was given."""
    layers: tuple[NetworkLayer, ...]
    """In the order of the run."""
    constants_in: tuple[str, ...]
    """Memory regions that hold weights and other constants."""
    constant_bytes: Count
    """Weights and other constants."""
    scratch_bytes: Count
    """Most that a kernel needs while it runs, beside the tensors."""
    variable_bytes: Count
    """State that one inference leaves to the next."""
    tflm_arena_bytes: Count
    """What the greedy planner of TensorFlow Lite Micro needs for the computed tensors: alignment of
    16 bytes, nothing in place, scratch of kernels left out; see network/tflm_plan.py."""
    memories: tuple[ArenaMemory, ...]
    tensors: tuple[ArenaTensor, ...]
    """By memory and offset."""
    enlarged: tuple[str, ...] | None = None
    """Settings that made the part large enough; left out where it was."""
    arena: tuple[str, ...] | None = None
    """Memories for tensors that were asked for, best first; left out where none were."""
    input_sha256: Sha256 | None = None
    """Of the values of files that it was given; left out where they are random."""
    verification: Verification | None = None
    """On request."""
