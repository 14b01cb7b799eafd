"""Plans of activations: nothing that is alive is overwritten, and little is wasted."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from simcore.network.arena import Lifetime, best_plan, least, plan

LIVES = st.builds(
    lambda size, first, length: Lifetime(size, first, first + length),
    st.integers(1, 400), st.integers(0, 9), st.integers(0, 4),
)  # fmt: skip
TENSORS = st.lists(LIVES, min_size=1, max_size=12).map(lambda lives: dict(enumerate(lives)))


@given(TENSORS, st.sampled_from((1, 16, 32)))
@settings(max_examples=60, deadline=None)
def test_no_two_tensors_that_are_alive_together_share_a_byte(
    tensors: dict[int, Lifetime], align: int
) -> None:
    offsets, size, _ = best_plan(tensors, align)
    assert offsets.keys() == tensors.keys()
    for key, one in tensors.items():
        assert offsets[key] % align == 0
        assert 0 <= offsets[key] <= size - one.size
        for other, two in tensors.items():
            if other != key and one.meets(two):
                apart = offsets[key] + one.size <= offsets[other]
                assert apart or offsets[other] + two.size <= offsets[key]
    assert least(tensors, align) <= size <= plan(tensors, align)[1]


@given(st.lists(LIVES, min_size=1, max_size=5).map(lambda lives: dict(enumerate(lives))))
@settings(max_examples=40, deadline=None)
def test_of_few_tensors_no_order_of_placing_them_gives_less(tensors: dict[int, Lifetime]) -> None:
    """All orders, each tensor at the lowest offset that is free: one of them is the best plan."""

    def placed(order: tuple[int, ...]) -> int:
        offsets: dict[int, int] = {}
        for key in order:
            taken = sorted(
                (offsets[other], offsets[other] + tensors[other].size)
                for other in offsets
                if tensors[other].meets(tensors[key])
            )
            at = 0
            for start, end in taken:
                if at + tensors[key].size <= start:
                    break
                at = max(at, end)
            offsets[key] = at
        return max(offsets[key] + tensors[key].size for key in tensors)

    assert best_plan(tensors, 1)[1] == min(map(placed, permutations(tensors)))


def test_a_chain_needs_no_more_than_its_largest_pair() -> None:
    """Sizes of vww: greedy by size leaves a hole, layers at either end of the buffer do not."""
    sizes = [27648, 18432, 18432, 36864, 9216, 18432, 18432, 18432, 4608]
    chain = {at: Lifetime(size, max(at - 1, 0), at) for at, size in enumerate(sizes)}
    offsets, size, how = best_plan(chain, 16)
    assert size == least(chain, 16) == 18432 + 36864
    assert how in ("greedy by size", "greedy by breadth", "from both ends", "searched")
    assert len(offsets) == len(sizes)


def test_the_same_tensors_give_the_same_plan() -> None:
    tensors = {at: Lifetime(16 + at * 7 % 90, at % 6, at % 6 + at % 3) for at in range(30)}
    assert best_plan(tensors) == best_plan(dict(reversed(tensors.items())))
