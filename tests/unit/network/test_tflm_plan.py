"""What TensorFlow Lite Micro's planner needs for a network's tensors, by hand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simcore.network.arena import Lifetime, best_plan
from simcore.network.graph import Model, Operator, Subgraph, Tensor
from simcore.network.tflm_plan import tflm_arena_bytes

Graph = tuple[Sequence[int], Sequence[tuple[Sequence[int], Sequence[int]]]]


def subgraph(
    sizes: Sequence[int],
    operators: Sequence[tuple[Sequence[int], Sequence[int]]],
    inputs: Sequence[int] = (0,),
    outputs: Sequence[int] = (),
    variables: Sequence[int] = (),
    calls: dict[int, int] | None = None,
) -> Subgraph:
    """Tensors of int8 by their bytes, operators by inputs and outputs; ``calls``: of subgraphs."""
    tensors = tuple(
        Tensor(at, f"t{at}", (size,), "int8", is_variable=at in variables)
        for at, size in enumerate(sizes)
    )
    rows = tuple(
        Operator(
            at, "CALL_ONCE" if at in (calls or {}) else "RELU", 1, tuple(read), tuple(made),
            options={"init_subgraph_index": (calls or {})[at]} if at in (calls or {}) else {},
        )
        for at, (read, made) in enumerate(operators)
    )  # fmt: skip
    return Subgraph("main", tensors, rows, tuple(inputs), tuple(outputs))


CHAIN = [((0,), (1,)), ((1,), (2,)), ((2,), (3,))]


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        # 100 > 50 > 80 > 10, rounded to 112, 64, 80, 16. 112 at 0, 80 at 0 (they never meet), 64
        # above both at 112, 16 beside 80: at 80.
        (subgraph((100, 50, 80, 10), CHAIN, outputs=(3,)), 112 + 64),
        # Of equal ones the last is placed first. Of four of 16 in a chain, t3 and t1 at 0, the
        # others at 16.
        (subgraph((16, 16, 16, 16), CHAIN, outputs=(3,)), 32),
        # An input that is an output too lives to the end.
        (subgraph((16, 16, 16, 16), CHAIN, outputs=(0, 3)), 48),
        # Variables are not planned, nor what no operator makes.
        (subgraph((16, 64, 16, 16, 500), [((0, 1), (2,)), ((2,), (3,))], variables=(1,)), 32),
        (subgraph((), [], inputs=()), 0),
    ],
)
def test_bytes_are_those_by_hand(graph: Subgraph, expected: int) -> None:
    assert tflm_arena_bytes(Model("", (graph,))) == expected


def test_tensors_of_a_called_subgraph_live_inside_the_call() -> None:
    """t0 lives over the call and meets the inner 32 and 48; t1 comes behind and meets neither.

    t1 at 0, t0 above it at 64, the inner 48 below t0 at 0, and for 32 there is room above t0 alone.
    """
    main = subgraph((64, 64), [((), ()), ((0,), (1,))], outputs=(1,), calls={0: 1})
    inner = subgraph((32, 48), [((0,), (1,))], outputs=(1,))
    assert tflm_arena_bytes(Model("", (main, inner))) == 128 + 32


def test_a_circle_of_subgraphs_ends() -> None:
    main = subgraph((16,), [((0,), ())], calls={0: 1})
    assert tflm_arena_bytes(Model("", (main, subgraph((16,), [((0,), ())], calls={0: 0})))) == 32


@given(st.lists(st.integers(1, 300), min_size=2, max_size=12), st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_our_plan_of_the_same_tensors_is_never_larger(sizes: list[int], lots: object) -> None:
    """Random graphs: each operator reads one or two tensors from before."""
    assert hasattr(lots, "randrange")
    operators = []
    for at in range(1, len(sizes)):
        read = sorted({lots.randrange(at), lots.randrange(at)})
        operators.append((read, (at,)))
    graph = subgraph(sizes, operators, outputs=(len(sizes) - 1,))
    lives = {}
    for at, size in enumerate(sizes):
        last = [k for k, (read, _) in enumerate(operators) if at in read]
        end = len(operators) - 1 if at == len(sizes) - 1 else max(last, default=max(at - 1, 0))
        lives[0, at] = Lifetime(size, max(at - 1, 0), end)
    assert best_plan(lives, 16)[1] <= tflm_arena_bytes(Model("", (graph,)))
