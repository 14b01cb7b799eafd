"""Calls that a run counts as operations of their own: of functions, and at places of the code.

What recognises a runtime, such as an interpreter of networks, asks with :class:`CallsAt`: where the
calls are, and what each of them is. A :class:`simcore.run.setup.TimingSetup` holds what is asked.
"""

from __future__ import annotations

from simcore.records import dataclass

#: Operations of one function or place; further calls are one row.
OP_ROWS = 1000


@dataclass(frozen=True, slots=True)
class NetworkOperator:
    """An operator of a network, as its model has it: names and shapes of tensors.

    ``kernel`` is the function that an interpreter calls for it, its address where that has no name.
    """

    model: str
    subgraph: int
    index: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    input_shapes: tuple[tuple[int, ...], ...]
    output_shapes: tuple[tuple[int, ...], ...]
    kernel: str | None = None


@dataclass(frozen=True, slots=True)
class OpDescriptor:
    """What firmware or a model says of an operation (``struct mcusim_op`` of mcusim.h)."""

    name: str
    kind: str
    macs: int  # per invocation
    ops: int  # per invocation; when both this and macs are 0, nothing is declared
    param_bytes: int
    activation_bytes: int
    operator: NetworkOperator | None = None  # of a network that an interpreter runs


@dataclass(frozen=True, slots=True)
class CalledFunction:
    """Each call of a function, by its index in Image.functions: F[0], F[1] and so on.

    Behind ``rows`` of them the rest is one operation.
    """

    function: int
    rows: int = OP_ROWS


@dataclass(frozen=True, slots=True)
class CallsAt:
    """Each call that an instruction of ``size`` bytes from address ``first`` on makes.

    ``caller`` is what the function is called that makes them. They are counted from 0 in each call
    of it. With ``operators`` call k is operator k, modulo their number; with ``is_endless``, too,
    calls are counted over the whole run, so that their number is one round: of a loop whose
    function never returns. A row is one k and one function called, at most ``rows`` of them.
    """

    caller: str
    first: int
    size: int
    rows: int = OP_ROWS
    operators: tuple[OpDescriptor, ...] = ()
    is_endless: bool = False

    @property
    def period(self) -> int:
        """Calls of a round, 0 for none."""
        return len(self.operators) if self.is_endless else 0


AskedCalls = CalledFunction | CallsAt


@dataclass(frozen=True, slots=True)
class OneCall:
    """One call is counted alone: of these functions, by index, the outermost that is open.

    ``asked`` is how a report names it. Where nobody asked for it by name, ``is_default``, a run
    without any call is counted whole.
    """

    asked: str
    functions: tuple[int, ...]
    is_default: bool = False
