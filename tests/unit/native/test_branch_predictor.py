"""branch.c by the textbook: BTAC, static prediction without one, return stack; C and twin.

The sequences are short enough to follow the two-bit counters by hand: an entry starts at 2, taken
adds and not taken takes one, taken is expected from 2 on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests import native, reference_branch
from tests.reference_branch import BranchKind, Prediction
from tests.reference_cache import CacheShape
from tests.reference_config import Config

AnyPredictor = native.Predictor | reference_branch.Predictor
MakePredictor = Callable[[Config], AnyPredictor]

NO_CACHE = CacheShape(0, 1)
BTAC = Config(NO_CACHE, NO_CACHE, btac_entries=16, btac_ways=1, return_stack_entries=4)
RIGHT, STATIC, WRONG = Prediction.PREDICTED, Prediction.PREDICTED_STATIC, Prediction.MISPREDICTED
LOOP, HEAD, AHEAD = 0x1000, 0x0F00, 0x1100


@pytest.fixture(params=[native.Predictor, reference_branch.Predictor], ids=["c", "twin"])
def make(request: pytest.FixtureRequest) -> MakePredictor:
    make: MakePredictor = request.param
    return make


class Branches:
    """Runs branches of four bytes."""

    def __init__(self, predictor: AnyPredictor) -> None:
        self.predictor = predictor

    def conditional(self, branch: int, target: int, taken: bool = True) -> Prediction:
        went = target if taken else branch + 4
        return self.predictor.branch(BranchKind.CONDITIONAL, True, branch, target, branch + 4, went)

    def direct(self, branch: int, target: int) -> Prediction:
        return self.predictor.branch(BranchKind.DIRECT, False, branch, target, branch + 4, target)

    def indirect(self, branch: int, went: int) -> Prediction:
        return self.predictor.branch(BranchKind.INDIRECT, False, branch, 0, branch + 4, went)

    def call(self, branch: int, target: int) -> Prediction:
        return self.predictor.branch(BranchKind.CALL, False, branch, target, branch + 4, target)

    def predicated_call(self, branch: int, target: int, taken: bool) -> Prediction:
        went = target if taken else branch + 4
        return self.predictor.branch(BranchKind.CALL, True, branch, target, branch + 4, went)

    def returns(self, branch: int, went: int) -> Prediction:
        return self.predictor.branch(BranchKind.RETURN, False, branch, 0, branch + 4, went)


def test_a_loop_branch_is_mispredicted_once_then_predicted_until_it_ends(
    make: MakePredictor,
) -> None:
    b = Branches(make(BTAC))
    assert [b.conditional(LOOP, HEAD) for _ in range(10)] == [WRONG] + [RIGHT] * 9
    assert b.conditional(LOOP, HEAD, taken=False) == WRONG
    assert [b.conditional(LOOP, HEAD) for _ in range(3)] == [RIGHT] * 3


def test_static_prediction_takes_backward_and_not_forward_branches(make: MakePredictor) -> None:
    b = Branches(make(replace(BTAC, btac_entries=0)))
    for _ in range(3):  # nothing is learnt
        assert b.conditional(LOOP, HEAD) == STATIC
        assert b.conditional(LOOP, HEAD, taken=False) == WRONG
        assert b.conditional(LOOP, LOOP) == STATIC
        assert b.conditional(LOOP, AHEAD) == WRONG
        assert b.conditional(LOOP, AHEAD, taken=False) == RIGHT
        assert b.direct(LOOP, AHEAD) == STATIC
        assert b.call(LOOP, AHEAD) == STATIC


def test_disabled_btac_reads_leave_static_prediction(make: MakePredictor) -> None:
    b = Branches(make(replace(BTAC, btac_read_disabled=1)))
    assert [b.conditional(LOOP, HEAD) for _ in range(3)] == [STATIC] * 3
    assert [b.conditional(LOOP, AHEAD) for _ in range(3)] == [WRONG] * 3


def test_a_forward_branch_is_learnt_when_it_is_taken(make: MakePredictor) -> None:
    b = Branches(make(BTAC))
    # No entry for what is not taken: a new one would expect the second to be.
    assert [b.conditional(LOOP, AHEAD, taken=False) for _ in range(3)] == [RIGHT] * 3
    assert [b.conditional(LOOP, AHEAD) for _ in range(3)] == [WRONG, RIGHT, RIGHT]


def test_the_counter_needs_two_surprises_to_change_its_mind(make: MakePredictor) -> None:
    b = Branches(make(BTAC))
    for _ in range(3):
        b.conditional(LOOP, AHEAD)
    outcomes = [False, False, False, False, False, True, True, True]
    #  counter  3      2      1      0      0      0     1     2
    expected = [WRONG, WRONG, RIGHT, RIGHT, RIGHT, WRONG, WRONG, RIGHT]
    assert [b.conditional(LOOP, AHEAD, taken) for taken in outcomes] == expected


def test_what_the_btac_does_not_know_falls_through_unless_decode_knows_better(
    make: MakePredictor,
) -> None:
    b = Branches(make(BTAC))
    assert [b.conditional(LOOP, HEAD, taken=False) for _ in range(3)] == [RIGHT] * 3
    assert b.direct(LOOP + 4, HEAD) == STATIC
    assert b.call(LOOP + 8, HEAD) == STATIC
    assert b.conditional(LOOP, HEAD) == WRONG
    # Known now, and mostly not taken: from the second time on its entry says so.
    later = [b.conditional(LOOP, HEAD, taken=False) for _ in range(5)]
    assert later == [WRONG] + [RIGHT] * 4


def test_two_branches_of_one_set_throw_each_other_out(make: MakePredictor) -> None:
    alias = LOOP + 16 * 2  # 16 sets of halfword addresses
    b = Branches(make(BTAC))
    for _ in range(3):
        assert b.conditional(LOOP, AHEAD) == WRONG
        assert b.conditional(alias, AHEAD) == WRONG
    b = Branches(make(replace(BTAC, btac_entries=32, btac_ways=2)))
    assert [b.conditional(LOOP, AHEAD), b.conditional(alias, AHEAD)] == [WRONG, WRONG]
    assert [b.conditional(LOOP, AHEAD), b.conditional(alias, AHEAD)] == [RIGHT, RIGHT]


def test_a_neighbouring_branch_is_not_mistaken_for_another(make: MakePredictor) -> None:
    b = Branches(make(BTAC))
    b.conditional(LOOP, AHEAD)
    assert b.conditional(LOOP + 16 * 2, AHEAD, taken=False) == RIGHT
    assert b.conditional(LOOP + 2, AHEAD, taken=False) == RIGHT
    assert b.conditional(LOOP, AHEAD) == RIGHT


def test_a_set_throws_out_the_branch_not_used_for_longest(make: MakePredictor) -> None:
    first, second, third = (LOOP + i * 32 for i in range(3))
    b = Branches(make(replace(BTAC, btac_entries=32, btac_ways=2)))
    for branch in (first, second, first, third):
        b.conditional(branch, AHEAD)
    assert b.conditional(first, AHEAD) == RIGHT
    assert b.conditional(third, AHEAD) == RIGHT
    assert b.conditional(second, AHEAD) == WRONG


def test_fetch_runs_on_behind_a_branch_until_another_place_is_expected(make: MakePredictor) -> None:
    b = Branches(make(BTAC))
    steps = [
        (b.conditional(LOOP, HEAD), b.predictor.ran_on),  # not known
        (b.conditional(LOOP, HEAD), b.predictor.ran_on),  # expected to be taken, and is
        (b.conditional(LOOP, HEAD, taken=False), b.predictor.ran_on),
        (b.direct(AHEAD, HEAD), b.predictor.ran_on),  # until decode sees it
        (b.indirect(AHEAD + 4, HEAD), b.predictor.ran_on),
        (b.indirect(AHEAD + 4, LOOP), b.predictor.ran_on),  # went to HEAD
        (b.call(AHEAD + 8, HEAD), b.predictor.ran_on),
        (b.returns(HEAD, LOOP), b.predictor.ran_on),  # went behind the call
    ]
    assert steps == [
        (WRONG, True), (RIGHT, False), (WRONG, False), (STATIC, True), (WRONG, True),
        (WRONG, False), (STATIC, True), (WRONG, False),
    ]  # fmt: skip
    b = Branches(make(replace(BTAC, btac_entries=0)))
    assert (b.conditional(LOOP, HEAD), b.predictor.ran_on) == (STATIC, True)
    assert (b.conditional(LOOP, HEAD, taken=False), b.predictor.ran_on) == (WRONG, False)


def test_an_indirect_branch_is_predicted_to_where_it_went_last(make: MakePredictor) -> None:
    b = Branches(make(BTAC))
    went = [AHEAD, AHEAD, HEAD, HEAD, AHEAD]
    expected = [WRONG, RIGHT, WRONG, RIGHT, WRONG]
    assert [b.indirect(LOOP, address) for address in went] == expected


def test_returns_are_predicted_by_the_calls_before_them(make: MakePredictor) -> None:
    b = Branches(make(BTAC))
    for caller in (0x100, 0x200, 0x300):  # one function, called from three places
        b.call(caller, 0x4000)
        assert b.returns(0x4010, caller + 4) == RIGHT


def test_nested_calls_deeper_than_the_return_stack_lose_the_outermost(make: MakePredictor) -> None:
    b = Branches(make(BTAC))
    for depth in range(6):
        b.call(0x1000 * depth, 0x1000 * (depth + 1))
    assert [b.returns(0x8000, 0x1000 * depth + 4) for depth in (5, 4, 3, 2)] == [RIGHT] * 4
    assert b.returns(0x9000, 0x1000 * 1 + 4) == WRONG  # the stack is empty, the BTAC knows nothing
    assert b.returns(0x9100, 0x1000 * 0 + 4) == WRONG
    assert b.returns(0x9100, 0x1000 * 0 + 4) == RIGHT  # by the BTAC


def test_a_return_to_elsewhere_is_mispredicted(make: MakePredictor) -> None:
    b = Branches(make(BTAC))
    b.call(0x100, 0x4000)
    assert b.returns(0x4010, 0x5000) == WRONG


def test_a_predicated_call_that_is_not_made_leaves_the_return_stack_alone(
    make: MakePredictor,
) -> None:
    b = Branches(make(BTAC))
    b.call(0x100, 0x4000)
    b.predicated_call(0x4004, 0x6000, taken=False)
    assert b.returns(0x4010, 0x104) == RIGHT
    b.predicated_call(0x108, 0x6000, taken=True)
    assert b.returns(0x6010, 0x10C) == RIGHT


def test_without_a_return_stack_returns_are_indirect_branches(make: MakePredictor) -> None:
    b = Branches(make(replace(BTAC, return_stack_entries=0)))
    b.call(0x100, 0x4000)
    assert [b.returns(0x4010, 0x104) for _ in range(2)] == [WRONG, RIGHT]


@pytest.mark.parametrize(
    "config",
    [
        replace(BTAC, btac_entries=16, btac_ways=0),
        replace(BTAC, btac_entries=15, btac_ways=2),
        replace(BTAC, btac_entries=12, btac_ways=2),  # 6 sets
        replace(BTAC, return_stack_entries=33),
    ],
)
def test_a_predictor_that_cannot_be_is_refused(config: Config) -> None:
    _, lib = native.load()
    with pytest.raises(ValueError, match=str(lib.CORE_ERR_CONFIG)):
        native.Predictor(config)


def test_actlr_switches_reading_and_filling_the_btac_off(make: MakePredictor) -> None:
    b = Branches(make(BTAC))
    assert [b.conditional(LOOP, HEAD) for _ in range(2)] == [WRONG, RIGHT]
    b.predictor.control(1 << 13)  # DISBTACREAD: static prediction only
    assert [b.conditional(LOOP, HEAD) for _ in range(2)] == [STATIC, STATIC]
    b.predictor.control(1 << 14)  # DISBTACALLOC: what it knows stays, nothing new comes in
    assert b.conditional(LOOP, HEAD) == RIGHT
    assert [b.conditional(LOOP + 8, HEAD) for _ in range(2)] == [WRONG, WRONG]
