"""polling.py: what a loop waits for, from turns that are made up; real loops are in test_registers.

A turn is that of a small loop: it reads a register at 0x102, goes on at 0x104 and back to 0x100.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from itertools import combinations
from operator import xor
from typing import Any

import pytest

from simcore.machine.polling import Registers, RegisterWait, WaitingLoop, _flips
from simcore.machine.trial import Turn

REGISTER, VARIABLE = 0x4000_0000, 0x2000_0000
PATH = [0x100, 0x102, 0x104]


def loop_of(
    ends: Callable[[int, int], bool],
    value: int = 0,
    described: int = 0,
    inputs: int = 0,
    **turn: Any,
) -> WaitingLoop:
    """A loop that ends behind 0x104 when `ends` says so of register and variable."""

    def attempt(
        values: dict[int, int] | None = None, variable: tuple[int, int] | None = None, **_: Any
    ) -> Turn:
        read = (values or {}).get(REGISTER, value)
        out = ends(read, variable[1] if variable else 7)
        return Turn(
            path=[*PATH, *PATH, *([0x200] if out else [])],
            half=len(PATH),
            left=0x104 if out else None,
            returned=not out,
            reads={REGISTER: 0x102},
            variables={VARIABLE: None},
            **turn,
        )

    registers = Registers(lambda _: value, lambda _: described, lambda _: inputs, lambda _: True)
    return WaitingLoop(attempt, lambda _: b"\x00\xbf", lambda _: 0, lambda _: False, registers)


@pytest.mark.parametrize(
    ("ends", "value", "wanted"),
    [
        (lambda r, _: bool(r & 0x10), 0, (0x10, 0x10)),
        (lambda r, _: not r & 0x10, 0x31, (0, 0x10)),
        (lambda r, _: not r & 0x30, 0x31, (0, 0x30)),
        (lambda r, _: r >= 1000, 0, (1024, 1024)),
        (lambda r, _: r == 0xFFFF_FFFF, 0, (0xFFFF_FFFF, 0xFFFF_FFFF)),
        (lambda r, v: bool(r & 1) or v > 1000, 0, (1, 1)),  # a time
    ],
)
def test_the_fewest_bits_that_end_a_loop_are_found(
    ends: Callable[[int, int], bool], value: int, wanted: tuple[int, int]
) -> None:
    wait = loop_of(ends, value).wait(32, lambda _: 7)
    assert wait is not None
    assert (wait.address, wait.pc, wait.value, wait.mask) == (REGISTER, 0x102, *wanted)


@pytest.mark.parametrize(
    ("loop", "why"),
    [
        (loop_of(lambda r, _: False), "nothing of it ends"),
        (loop_of(lambda r, _: bool(r & 1), stores=True), "it stores"),
        (loop_of(lambda r, v: bool(r & 1) or v == 8), "a flag ends it, too"),
        (loop_of(lambda r, _: bool(r & 1), described=1), "the bit is described"),
    ],
)
def test_a_loop_that_does_not_only_wait_is_left_alone(loop: WaitingLoop, why: str) -> None:
    assert loop.wait(32, lambda _: 7) is None, why
    assert loop.wait(32, lambda _: 7) is None, why


@pytest.mark.parametrize(
    ("turn", "late", "endless"),
    [
        ({"is_same": True}, False, True),
        ({"is_same": False}, False, False),  # it counts
        ({"is_same": True, "reads_clock": True}, False, False),
        ({"is_same": True}, True, False),  # a time ends it
    ],
)
def test_input_is_never_guessed_and_endless_when_nothing_else_ends_the_loop(
    turn: dict[str, bool], late: bool, endless: bool
) -> None:
    def ends(register: int, variable: int) -> bool:
        return bool(register & 4) or (late and variable > 1000)

    wait = loop_of(ends, inputs=4, described=4, **turn).wait(32, lambda _: 7)
    assert wait is not None
    assert (wait.is_input, wait.is_endless) == (True, endless)


def test_a_wait_that_is_known_is_found_again_by_a_few_turns() -> None:
    tried: list[int] = []

    def ends(register: int, _: int) -> bool:
        tried.append(register)
        return bool(register & 0x410)

    known = RegisterWait(REGISTER, 0x102, 0x400, 0x400, source=0x104)
    again = loop_of(ends).again(known, lambda _: 7)
    assert again == known
    assert len(tried) < 8
    assert loop_of(ends).again(replace(known, source=0x102), lambda _: 7) is None
    assert loop_of(ends).again(replace(known, mask=0x800), lambda _: 7) is None
    timed = replace(known, is_input=True, is_endless=True)
    assert loop_of(ends, is_same=True).again(timed, lambda _: 7) is None  # endless: look closer
    found = loop_of(ends, is_same=False).again(timed, lambda _: 7)
    assert found == replace(timed, is_endless=False)


def test_bits_that_flip_a_difference_are_those_of_the_slow_search() -> None:
    rows = [(1, 0b0011), (2, 0b0110), (4, 0b1000), (8, 0b0101)]  # the fourth is not independent
    for wanted in range(16):
        sums = {
            reduce(xor, (row[1] for row in some), 0)
            for size in range(5)
            for some in combinations(rows, size)
        }
        found = _flips(rows, wanted)
        reached = reduce(xor, (row[1] for row in rows if found & row[0]), 0)
        assert (reached == wanted) if wanted in sums else not found, wanted
