"""Addresses are translated alike in C and in the twin, whatever an access site remembers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import native, reference_placement
from tests.examples import examples

END = 1 << 32
Moves = list[tuple[int, int, int]]


@st.composite
def moves(draw: st.DrawFn) -> Moves:
    """Up to five moves, sorted and apart, some side by side, some at either end."""
    edges = st.one_of(st.integers(0, 200), st.integers(END - 200, END), st.integers(0, END))
    points = sorted(set(draw(st.lists(edges, max_size=10))))
    found = []
    for start, end in zip(points[::2], points[1::2], strict=False):
        to = draw(st.integers(0, (END - (end - start)) // 4)) * 4 + start % 4
        if to + end - start <= END:
            found.append((start, end - start, to))
    return found


@st.composite
def questions(draw: st.DrawFn, told: Moves) -> list[tuple[int, int]]:
    """(address, site): most of them near an edge of a move."""
    edges = [0, END - 1, *(start for start, _, _ in told), *(s + size for s, size, _ in told)]
    near = st.tuples(st.sampled_from(edges), st.integers(-3, 3)).map(lambda p: sum(p) % END)
    addresses = st.one_of(near, near, st.integers(0, END - 1))
    return draw(st.lists(st.tuples(addresses, st.integers(0, 2)), min_size=1, max_size=40))


@given(st.data())
@examples(200)
def test_addresses_are_translated_the_same_in_c_and_in_the_twin(data: st.DataObject) -> None:
    told = data.draw(moves())
    c, twin = native.Placement(told, 3), reference_placement.Placement(told, 3)
    for address, site in data.draw(questions(told)):
        assert c.at(address, site) == twin.at(address, site)
        assert c.of(address) == twin.of(address)


@pytest.mark.parametrize(
    "told",
    [
        [(0x100, 0, 0x200)],
        [(0xFFFF_FFFC, 8, 0)],
        [(0, 8, 0xFFFF_FFFC)],
        [(0x100, 8, 0x202)],
        [(0x100, 8, 0x200), (0x104, 4, 0x300)],
        [(0x200, 8, 0x400), (0x100, 8, 0x300)],
    ],
    ids=["empty", "past the end", "to past the end", "half words", "overlap", "unsorted"],
)
def test_moves_that_cannot_be_are_refused(told: Moves) -> None:
    for make in (native.Placement, reference_placement.Placement):
        with pytest.raises(ValueError):  # noqa: PT011
            make(told)
