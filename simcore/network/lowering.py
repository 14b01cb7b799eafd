"""What an operator becomes: a call of one C kernel with plain numbers and buffers."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Constant:
    """Bytes that a kernel reads and that are not a tensor of the model: multipliers, tables."""

    name: str
    data: bytes
    align: int = 4


@dataclass(frozen=True, slots=True)
class Scratch:
    """Bytes that a kernel needs while it runs, and no longer."""

    size_bytes: int
    align: int = 8


@dataclass(frozen=True, slots=True)
class KernelCall:
    """A call of ``void KERNEL(void *const *buffers, const int32_t *params)`` of the runner.

    ``buffers``: for each pointer the index of a tensor, a Constant, a Scratch, or None for a null
    pointer; inputs first, then outputs. ``params`` are the fields of the kernel's struct in order,
    32-bit each, a float as its bits. ``is_optimised``: whether the suite has a fast kernel for it.
    ``macs`` and ``ops`` are of one invocation; an operation is one arithmetic step, a MAC two.
    """

    kernel: str
    params: tuple[int, ...]
    buffers: tuple[int | Constant | Scratch | None, ...]
    macs: int = 0
    ops: int = 0
    is_optimised: bool = False
    in_place: dict[int, int] = field(default_factory=dict)  # output buffer: input it may overwrite
