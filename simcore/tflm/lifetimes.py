"""When each tensor of a subgraph is there: from who makes it to who reads it last."""

from __future__ import annotations

from simcore.network.graph import Subgraph


def lifetimes(subgraph: Subgraph) -> dict[int, tuple[int, int]]:
    """For each tensor that is computed: indices of the first and last operator that need it there.

    What the subgraph takes in is there from the first operator on, what it gives out until the
    last, what is a variable always; so TFLM's micro_allocation_info.cc plans it. Constants are left
    out, and tensors that nothing uses.
    """
    last = max(0, len(subgraph.operators) - 1)
    found: dict[int, tuple[int, int]] = {}

    def needed(tensor: int, operator: int) -> None:
        first, end = found.get(tensor, (operator, operator))
        found[tensor] = min(first, operator), max(end, operator)

    for tensor in subgraph.inputs:
        needed(tensor, 0)
    for operator in subgraph.operators:
        for tensor in (*operator.inputs, *operator.outputs, *operator.intermediates):
            if tensor >= 0 and subgraph.tensors[tensor].data is None:
                needed(tensor, operator.index)
                if subgraph.tensors[tensor].is_variable:
                    found[tensor] = 0, last
    for tensor in subgraph.outputs:
        if subgraph.tensors[tensor].data is None:
            needed(tensor, last)
    return dict(sorted(found.items()))
